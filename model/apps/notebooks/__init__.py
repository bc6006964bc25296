"""Notebooks: run one or many with parameters, store them, and tell what differs from what was stored."""

from model.apps.notebooks.comparing import CHART_MIME, Difference, differences, summary, table_of
from model.apps.notebooks.processes import TIMEOUT_MIN, alone, bar, execute_all, jobs_for, outcome_of, results
from model.apps.notebooks.running import (
    NotebookFailed,
    checked,
    engine_name,
    execute,
    find,
    give_jupyter_a_home,
    import_schemas,
    is_remote,
    no_secret,
    parameters_of,
    write_whole,
)
from model.apps.notebooks.stored import accept, check, normalise, text_of

__all__ = ["CHART_MIME", "TIMEOUT_MIN", "Difference", "NotebookFailed", "accept", "alone", "bar", "check", "checked"]
__all__ += [
    "differences",
    "engine_name",
    "execute",
    "execute_all",
    "find",
    "give_jupyter_a_home",
    "import_schemas",
    "is_remote",
]
__all__ += ["jobs_for", "no_secret", "normalise", "outcome_of", "parameters_of", "results", "summary"]
__all__ += ["table_of", "text_of", "write_whole"]
