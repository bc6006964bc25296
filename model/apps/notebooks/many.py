"""Several notebooks with the same parameters, side by side, with a progress bar."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from model import checks
from model.apps.notebooks import pool, screen
from model.apps.notebooks.parameters import checked, find, parameters_of
from model.apps.notebooks.running import engine_name

__all__ = ["Executed", "execute_all"]


@dataclass(frozen=True)
class Executed:
    """What became of one notebook of a list: where it is and, where it failed, the sentence."""

    notebook: Path
    output: Path
    error: str = ""


def execute_all(
    notebooks: Iterable,
    parameters: Mapping | None,
    out_dir,
    engine: str = "inprocess",
    jobs: int | None = None,
    progress: bool = True,
) -> list[Executed]:
    """Run several notebooks with the same parameters into one folder, side by side, with a progress bar."""
    if engine not in ("inprocess", "kernel"):  # those two need no look at papermill
        engine_name(engine)
    found = [find(n) for n in notebooks]
    twice = [n.name for n in found if [m.name for m in found].count(n.name) > 1]
    if twice:
        checks.fail(f"two notebooks are called {twice[0]}, and one folder cannot hold both")
    known = {n: parameters_of(n, needed=False) for n in found}
    for name in parameters or ():
        everywhere = sorted({k for of_one in known.values() for k in of_one})
        checks.known("parameter", name, everywhere)
    out_dir = Path(out_dir).resolve()
    out_dir.mkdir(parents=True, exist_ok=True)
    tasks = []
    for notebook in found:
        mine = {k: v for k, v in (parameters or {}).items() if k in known[notebook]}
        tasks.append(
            {
                "notebook": str(notebook),
                "output": str(out_dir / notebook.name),
                "engine": engine,
                "parameters": checked(known[notebook], mine, notebook.name),
            }
        )
    errors = {}
    with screen.bar(len(tasks), "notebooks", progress) as step:
        for task, outcome in pool.results(tasks, pool.jobs_for(jobs, len(tasks)), here=True):
            errors[task["output"]] = outcome["error"]
            step()
    return [Executed(Path(t["notebook"]), Path(t["output"]), errors[t["output"]]) for t in tasks]
