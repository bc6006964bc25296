"""Commands, pages and runs of notebooks."""
