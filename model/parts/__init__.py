"""What a scenario is made of: the fields of its parts with their rules, app, designs and platforms; no files."""
