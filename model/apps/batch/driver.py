"""A batch from its grid to its table: plan, run what is missing, keep what failed, collect."""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from model import checks, paths
from model.apps.batch import collect, grid
from model.apps.batch.store import Store
from model.apps.notebooks import TIMEOUT_MIN, alone, bar, engine_name, jobs_for, outcome_of, results
from model.show.display import ALL_DIGITS

PATIENCE = "5s"  # for a Dask scheduler to answer
PROTOCOLS = ("tcp://", "tls://", "ws://", "wss://", "ucx://", "inproc://")


class _Disk(Exception):
    """The folder can no longer be written."""


class Batch:
    """What is known about each run while a batch goes on."""

    def __init__(self, runs: list[grid.GridRun], store: Store, json_events: bool):
        self.runs, self.store, self.json_events = {r.name: r for r in runs}, store, json_events
        there = store.finished({n: r.key for n, r in self.runs.items()})
        self.state = {n: {"status": "done" if n in there else "waiting", "error": ""} for n in self.runs}
        self.reused, self.collected = sorted(there), False

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
                "environment": {ALL_DIGITS: "1"},
            }
            for n in self.names("waiting")
        ]

    def take(self, task: dict, outcome: dict) -> str:
        """Note the outcome of a run; gives the line to show where it failed."""
        name, error, failed = task["name"], outcome["error"], outcome["status"] != "done"
        if outcome["status"] == "disk":
            raise _Disk(error)
        state = {"status": "failed" if failed else "done", "error": error, "seconds": outcome["seconds"]}
        self.state[name], run = state, self.runs[name]
        if failed:
            self.store.write(f"{error}\n\n{outcome['traceback']}", "failed", f"{name}.txt")
        else:
            self.forget_failure(name)
        more = {"parameters": run.parameters, "memory_bytes": outcome["memory_bytes"]}
        self.tell("run", name=name, notebook=run.notebook.name, **state, **more)
        return f"failed: {run.in_words()}: {error}" if failed else ""

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
        """Write the table of all results and a file a table; gives sentences on what is missing in them."""
        rows, silent, tables, version = [], 0, {}, grid.package_hash()[:14]
        for name in self.names("done"):
            run, executed = self.runs[name], self.store.notebook(name)
            if executed is None:  # taken away while others ran
                self.state[name] = {"status": "failed", "error": "its file is gone; the same command runs it again"}
                self.store.write(f"{self.state[name]['error']}\n", "failed", f"{name}.txt")
                continue
            own = collect.rows_of(name.removesuffix(".ipynb"), run.notebook.stem, run.parameters, executed)
            rows += own
            silent += not own
            facts = dict.fromkeys(("scenario", "users", "region", "prices_on")) | run.facts
            point = {"run": name.removesuffix(".ipynb"), "notebook": run.notebook.stem, **facts, "version": version}
            for table, tidy in collect.tidy_of(point | collect.flat(run.parameters), executed):
                tables.setdefault((run.notebook.stem, table), []).extend(tidy)
        notes, self.collected = collect.write_results(rows, tables, self.store) if rows else [], bool(rows)
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
    check_scenario: Callable[[dict, dict], dict | None] | None = None,
    timeout_min: float = TIMEOUT_MIN,
) -> int:
    """Run a grid of notebooks into a folder; run again, it goes on where it was stopped. Gives the exit code."""
    runs = grid.plan(Path(grid_path), notebooks, yes, check_scenario)
    engine_name(engine)
    if cluster is not None:
        _client(cluster).close()
    with Store(out_dir).opened() as store:
        batch = Batch(runs, store, json_events)
        prints = {"grid": paths.shown(Path(grid_path)), "engine": engine, **grid.fingerprints(runs)}
        return _done(batch, prints, engine, jobs, cluster, timeout_min)


def _done(batch: Batch, prints: dict, engine: str, *how) -> int:
    """Do what is missing, collect and tell; gives the exit code."""
    for name in batch.reused:
        batch.forget_failure(name)
    tasks = batch.tasks(engine)
    batch.tell("start", runs=len(batch.runs), reused=len(batch.reused))
    try:
        with _terminable():
            batch.write_manifest(prints)
            _work(batch, tasks, *how)
            batch.store.clear_parts()  # a worker of a killed batch may have lived on for a moment
            notes = batch.collect()
            batch.write_manifest(prints)
    except KeyboardInterrupt:
        return _stopped(batch, prints, "stopped", 130)
    except (_Disk, OSError) as error:
        why = f"{batch.store.root} cannot be written ({getattr(error, 'strerror', None) or error})"
        why = why if paths.here() else "the working folder has been deleted"
        return _stopped(batch, prints, f"stopped because {why}", 1)
    return _finished(batch, notes)


def _work(batch: Batch, tasks: list[dict], jobs: int | None, cluster: str | None, timeout_min: float) -> None:
    """Do the tasks, note each outcome at once."""
    done = len(batch.runs) - len(tasks)
    here = (tasks, jobs_for(jobs, len(tasks)), timeout_min)
    outcomes = _on_cluster(tasks, cluster, timeout_min) if cluster else results(*here)
    with bar(len(batch.runs), "runs", not batch.json_events, done) as step, contextlib.closing(outcomes):
        for task, outcome in outcomes:
            step(batch.take(task, outcome))


@contextlib.contextmanager
def _terminable() -> Iterator[None]:
    """Let a request to end, as `kill` or a closed terminal sends it, stop the batch as Ctrl-C does; not under nohup."""
    main = threading.current_thread() is threading.main_thread()
    asked = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if main and hasattr(signal, name)]
    heard = [one for one in asked if signal.getsignal(one) is not signal.SIG_IGN]
    before = {one: signal.signal(one, signal.default_int_handler) for one in heard}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)


def _stopped(batch: Batch, prints: dict, why: str, code: int) -> int:
    """Say how far it came and how to go on; finished runs are where they were put."""
    batch.store.clear_parts()
    with contextlib.suppress(OSError):
        batch.write_manifest(prints)
    done = len(batch.names("done"))
    batch.tell("stopped", reason=why, done=done, runs=len(batch.runs))
    _say(f"{why} after {done} of {len(batch.runs)} runs; the same command goes on from there")
    return code


def _finished(batch: Batch, notes: list[str]) -> int:
    """Say what was made, where it is, and what failed; gives the exit code."""
    done, failed, count = batch.names("done"), batch.names("failed"), len(batch.runs)
    reused = len({*done} & {*batch.reused})
    batch.tell("end", done=len(done), failed=failed, notes=notes, at=datetime.now(UTC).isoformat(timespec="seconds"))
    _say(*notes)
    if done:
        table = batch.store.path("results.csv")
        where = table if batch.store.remote else paths.shown(Path(table))
        results_in = f"all results in {where}" if batch.collected else "none has a result"
        _say(f"{count} runs: {len(done) - reused} made now, {reused} kept from before; {results_in}")
    if failed:
        _say(f"{len(failed)} of {count} runs failed:")
    for name in failed:
        kept = name if batch.store.notebook_failed(name) else f"{name}.txt"  # a dead process leaves no notebook
        where = batch.store.path("failed", kept)
        _say(f"  {batch.runs[name].in_words()}: {batch.state[name]['error']} ({where})")
    return 1 if failed else 0


def _say(*lines: str) -> None:
    for line in lines:
        print(checks.inert(line), file=sys.stderr)


# ---- on a Dask cluster, whose workers must reach folder and notebooks by the same names


def _client(address: str):
    try:
        import distributed
    except ImportError:
        checks.fail("--cluster needs Dask; in a clone: pip install -e '.[cluster]'")
    if not str(address).startswith(PROTOCOLS):
        checks.fail(f"--cluster must be an address like tcp://10.0.0.1:8786; got {checks.shown(address)}")
    try:
        return distributed.Client(address, timeout=PATIENCE, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        checks.fail(f"no Dask scheduler answers at {address}: {error}")


def _on_cluster(tasks: Sequence[dict], address: str, timeout_min: float) -> Iterator[tuple[dict, dict]]:
    """Hand all tasks to the scheduler and give each with its outcome as it ends."""
    client = _client(address)
    import distributed

    with client:
        futures = {client.submit(alone, t, timeout_min, pure=False, retries=1): t for t in tasks}
        try:
            for future in distributed.as_completed(list(futures), loop=client.loop):
                gave_up = future.status != "finished"
                error = f"the cluster gave up: {future.exception()}" if gave_up else ""
                yield futures[future], outcome_of("failed", error) if gave_up else future.result()
        finally:
            client.cancel(list(futures), force=True)
