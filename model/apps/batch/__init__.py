"""Runs notebooks over a grid of parameters; stopped and started again, it goes on where it was.

`run` reads a grid, checks every parameter against its notebook before anything starts, hands the runs
to worker processes and collects the tagged results in one table.
"""

from model.apps.batch.driver import run

__all__ = ["run"]
