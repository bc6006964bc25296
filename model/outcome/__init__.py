"""The outcome of a scenario: every measure for every design."""
