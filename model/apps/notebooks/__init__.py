"""Notebooks: run one or many with parameters, store them, and tell what differs from what was stored."""

from model.apps.notebooks.comparing import CHART_MIME, Difference, differences
from model.apps.notebooks.processes import TIMEOUT_MIN, alone, bar, execute_all, jobs_for, outcome_of, results
from model.apps.notebooks.running import (
    NotebookFailed,
    checked,
    engine_name,
    execute,
    find,
    import_schemas,
    is_remote,
    no_secret,
    parameters_of,
    write_whole,
)
from model.apps.notebooks.stored import accept, check, has_nbval, nbval_failures, normalise, text_of

__all__ = [
    "CHART_MIME",
    "TIMEOUT_MIN",
    "Difference",
    "NotebookFailed",
    "accept",
    "alone",
    "bar",
    "check",
    "checked",
    "differences",
]
__all__ += ["engine_name", "execute", "execute_all", "find", "has_nbval", "import_schemas", "is_remote", "jobs_for"]
__all__ += ["nbval_failures", "no_secret", "normalise", "outcome_of", "parameters_of", "results"]
__all__ += ["text_of", "write_whole"]
