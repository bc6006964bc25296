"""A batch from its grid to its table: plan, run what is missing, keep what failed, collect."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path

from model import paths
from model.apps.batch import cluster as dask_cluster
from model.apps.batch import collect, grid
from model.apps.batch.store import Store
from model.apps.notebooks import pool, screen
from model.apps.notebooks.running import engine_name

__all__ = ["run"]


class _Disk(Exception):
    """The folder can no longer be written."""


class Batch:
    """What is known about each run while a batch goes on."""

    def __init__(self, runs: list[grid.Run], store: Store, json_events: bool):
        self.runs, self.store, self.json_events = {r.name: r for r in runs}, store, json_events
        there = store.finished({n: r.key for n, r in self.runs.items()})
        self.state = {n: {"status": "done" if n in there else "waiting", "error": ""} for n in self.runs}
        self.reused = sorted(there)

    def names(self, status: str) -> list[str]:
        """The runs that are in this state, in the order of the grid."""
        return [n for n, s in self.state.items() if s["status"] == status]

    def tasks(self, engine: str) -> list[dict]:
        """What the workers are to do."""
        return [
            {
                "name": n,
                "notebook": str(self.runs[n].notebook),
                "parameters": self.runs[n].parameters,
                "output": self.store.path("runs", n),
                "failed": self.store.path("failed", n),
                "mark": {"key": self.runs[n].key},
                "engine": engine,
            }
            for n in self.names("waiting")
        ]

    def take(self, task: dict, outcome: dict) -> str:
        """Note the outcome of a run; gives the line to show where it failed."""
        name, failed = task["name"], outcome["status"] != "done"
        if outcome["status"] == "disk":
            raise _Disk(outcome["error"])
        self.state[name] = {
            "status": "failed" if failed else "done",
            "error": outcome["error"],
            "seconds": outcome["seconds"],
        }
        if failed:
            self.store.write(f"{outcome['error']}\n\n{outcome['traceback']}", "failed", f"{name}.txt")
        else:
            self.forget_failure(name)
        self.tell(
            "run",
            name=name,
            notebook=self.runs[name].notebook.name,
            **self.state[name],
            parameters=self.runs[name].parameters,
            memory_bytes=outcome["memory_bytes"],
        )
        return f"failed: {self.runs[name].told()}: {outcome['error']}" if failed else ""

    def forget_failure(self, name: str) -> None:
        """Take away what an earlier failure of this run left."""
        for leftover in (name, f"{name}.txt"):
            self.store.remove("failed", leftover)

    def tell(self, event: str, **what) -> None:
        """One line of JSON on stdout, where they were asked for."""
        if self.json_events:
            print(json.dumps({"event": event, **what}), flush=True)

    def write_manifest(self, prints: dict) -> None:
        """What the batch consists of and how far it is."""
        rows = [
            {"run": n, "notebook": r.notebook.name, "parameters": r.parameters, "key": r.key, **self.state[n]}
            for n, r in self.runs.items()
        ]
        self.store.write(json.dumps({**prints, "runs": rows}, indent=1) + "\n", "manifest.json")

    def collect(self) -> list[str]:
        """Write the table of all results; gives sentences on what is missing in it."""
        rows, silent = [], 0
        for name in self.names("done"):
            found = collect.rows_of(
                name.removesuffix(".ipynb"),
                self.runs[name].notebook.stem,
                self.runs[name].parameters,
                self.store.notebook(name) or {"cells": []},
            )
            rows += found
            silent += not found
        notes = collect.write_tables(rows, self.store) if rows else []
        return [*notes, *([f"{silent} runs have no cell tagged 'result' with a result"] if silent else [])]


def run(
    grid_path,
    out_dir,
    jobs: int | None = None,
    notebooks: Iterable | None = None,
    engine: str = "inprocess",
    json_events: bool = False,
    yes: bool = False,
    cluster: str | None = None,
    check_scenario: Callable[[dict], object] | None = None,
    limit: int = grid.LIMIT_RUNS,
) -> int:
    """Run a grid of notebooks into a folder; run again, it goes on where it was stopped."""
    runs = grid.plan(Path(grid_path), notebooks, yes, limit, check_scenario)
    engine_name(engine)
    if cluster is not None:
        dask_cluster.answers(cluster)
    store = Store(out_dir)
    store.open()
    batch = Batch(runs, store, json_events)
    for name in batch.reused:
        batch.forget_failure(name)
    prints = {"grid": paths.shown(Path(grid_path)), "engine": engine, **_prints(runs)}
    tasks = batch.tasks(engine)
    batch.tell("start", runs=len(runs), reused=len(batch.reused))
    try:
        with _terminable():
            batch.write_manifest(prints)
            _work(batch, tasks, jobs, cluster)
            store.clear_parts()  # a worker of a killed batch may have lived on for a moment
            notes = batch.collect()
            batch.write_manifest(prints)
    except KeyboardInterrupt:
        return _stopped(batch, prints, "stopped", 130)
    except (_Disk, OSError) as error:
        why = getattr(error, "strerror", None) or error
        return _stopped(batch, prints, f"stopped because {store.root} cannot be written ({why})", 1)
    return _finished(batch, notes)


def _work(batch: Batch, tasks: list[dict], jobs: int | None, cluster: str | None) -> None:
    """Do the tasks, note each outcome at once."""
    done = len(batch.runs) - len(tasks)
    if cluster:
        outcomes = dask_cluster.results(tasks, cluster)
    else:
        outcomes = pool.results(tasks, pool.jobs_for(jobs, len(tasks)))
    with screen.bar(len(batch.runs), "runs", not batch.json_events, done) as step, contextlib.closing(outcomes):
        for task, outcome in outcomes:
            step(batch.take(task, outcome))


def _prints(runs: list[grid.Run]) -> dict:
    from model.apps.batch.fingerprint import data_hash, package_hash, source_hash

    sources = {r.notebook for r in runs}
    return {
        "data": data_hash(),
        "package": package_hash(),
        "notebooks": {n.name: source_hash(n) for n in sorted(sources)},
    }


@contextlib.contextmanager
def _terminable():
    """Let a request to end, as `kill` sends it, stop the batch as Ctrl-C does."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _stopped(batch: Batch, prints: dict, why: str, code: int) -> int:
    """Say how far it came and how to go on; finished runs are where they were put."""
    batch.store.clear_parts()
    with contextlib.suppress(OSError):
        batch.write_manifest(prints)
    done = len(batch.names("done"))
    batch.tell("stopped", reason=why, done=done, runs=len(batch.runs))
    print(f"{why} after {done} of {len(batch.runs)} runs; the same command goes on from there", file=sys.stderr)
    return code


def _finished(batch: Batch, notes: list[str]) -> int:
    done, failed = batch.names("done"), batch.names("failed")
    batch.tell("end", done=len(done), failed=failed, notes=notes, at=datetime.now(UTC).isoformat(timespec="seconds"))
    for note in notes:
        print(note, file=sys.stderr)
    if done:
        table = batch.store.path("results.csv")
        print(
            f"{len(done)} of {len(batch.runs)} runs are there, {len(batch.reused)} of them from before; all"
            f" results in {table if batch.store.remote else paths.shown(Path(table))}",
            file=sys.stderr,
        )
    if failed:
        print(f"{len(failed)} of {len(batch.runs)} runs failed:", file=sys.stderr)
    for name in failed:
        kept = name if batch.store.notebook_failed(name) else f"{name}.txt"  # a dead process leaves no notebook
        print(
            f"  {batch.runs[name].told()}: {batch.state[name]['error']} ({batch.store.path('failed', kept)})",
            file=sys.stderr,
        )
    return 1 if failed else 0
