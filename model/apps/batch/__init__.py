"""Runs notebooks with parameters: one, a list, or a whole grid that can be stopped and gone on with.

`run` reads a grid, checks every parameter against its notebook before anything starts, hands the runs
to worker processes and collects the tagged results in one table.
"""

from model.apps.batch.driver import run
from model.apps.notebooks.many import execute_all
from model.apps.notebooks.parameters import find, parameters_of
from model.apps.notebooks.running import NotebookFailed, execute

__all__ = ["NotebookFailed", "execute", "execute_all", "find", "parameters_of", "run"]
