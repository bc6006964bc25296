"""Many notebooks side by side, each in a fresh process.

On Linux the process is forked from a server that has imported and used the workbook (`ready`), so a run
starts at once and shares nothing with the one before; elsewhere it is a new Python, which takes seconds.
A run ends with the process that started it, and whatever it started ends with the run.
"""

from __future__ import annotations

import contextlib
import errno
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
import types
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing import connection
from pathlib import Path
from unittest import mock

from model import checks
from model.apps.notebooks import running

TIMEOUT_MIN = 30.0  # a run that is not done by then is stuck
THREADS = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS"
ONE_THREAD = dict.fromkeys([*THREADS.split(), "NUMBA_NUM_THREADS"], "1")
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)


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
    timeout_min: float = TIMEOUT_MIN,
) -> list[Executed]:
    """Run several notebooks with the same parameters into one folder, side by side, with a progress bar."""
    if engine not in ("inprocess", "kernel"):  # those two need no look at papermill
        running.engine_name(engine)
    found = [running.find(n) for n in notebooks]
    twice = [n.name for n in found if [m.name for m in found].count(n.name) > 1]
    if twice:
        checks.fail(f"two notebooks are called {twice[0]}, and one folder cannot hold both")
    known = {n: running.parameters_of(n, needed=False) for n in found}
    for name in parameters or ():
        checks.known("parameter", name, sorted({k for own in known.values() for k in own}))
    folder, tasks = Path(out_dir).resolve(), []
    folder.mkdir(parents=True, exist_ok=True)
    for notebook, own in known.items():
        given = running.checked(own, {k: v for k, v in (parameters or {}).items() if k in own}, notebook.name)
        task = {"notebook": str(notebook), "output": str(folder / notebook.name), "engine": engine}
        tasks.append({**task, "parameters": given})
    errors = {}
    outcomes = results(tasks, jobs_for(jobs, len(tasks)), timeout_min)
    with bar(len(tasks), "notebooks", progress) as step, contextlib.closing(outcomes):
        for task, outcome in outcomes:
            errors[task["output"]] = outcome["error"]
            step()
    return [Executed(Path(t["notebook"]), Path(t["output"]), errors[t["output"]]) for t in tasks]


@contextlib.contextmanager
def bar(total: int, what: str, shown: bool = True, done: int = 0) -> Iterator[Callable[..., None]]:
    """A progress bar on stderr for as long as the block runs; each step may say something above it."""
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), disable=not shown) as progress:
        task = progress.add_task(what, total=total, completed=done)

        def step(text: str = "") -> None:
            if text:
                progress.console.print(escape(checks.inert(text)), highlight=False, soft_wrap=True)
            progress.advance(task)

        yield step


def jobs_for(jobs: int | None, tasks: int) -> int:
    """How many runs go on at once: as many as processors unless told, never more than tasks."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(jobs or available, tasks))


def results(tasks: Sequence[dict], jobs: int, timeout_min: float = TIMEOUT_MIN) -> Iterator[tuple[dict, dict]]:
    """Do all tasks, each in a fresh process, and give each with its outcome; one whose process died is tried again."""
    waiting, runs, tried = deque(tasks), [], []
    if any(task["engine"] == "kernel" for task in tasks):
        running.give_jupyter_a_home()
    try:
        while waiting or runs:
            while waiting and len(runs) < jobs:
                runs.append(Run(waiting.popleft(), timeout_min))
            soonest = min(run.ends_at for run in runs) - time.monotonic()
            connection.wait([end for run in runs for end in (run.answer, run.process.sentinel)], max(0.0, soonest))
            for run in [run for run in runs if run.is_over()]:
                runs.remove(run)
                outcome = run.outcome()
                if outcome["status"] == "dead" and run.task not in tried:
                    tried.append(run.task)
                    waiting.append(run.task)
                else:
                    yield run.task, outcome
    finally:
        for run in runs:
            run.close()


class Run:
    """One task in a process of its own."""

    def __init__(self, task: dict, timeout_min: float = TIMEOUT_MIN):
        self.task, self.timeout_min, self.ends_at = task, timeout_min, time.monotonic() + 60.0 * timeout_min
        self.answer, theirs = multiprocessing.Pipe(duplex=False)
        linux = sys.platform == "linux"
        context = multiprocessing.get_context("forkserver" if linux else "spawn")
        if linux:
            context.set_forkserver_preload(["model.apps.notebooks.ready"])
        multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]  # as in Dask's workers
        environment = {**os.environ, **ONE_THREAD, **task.get("environment", {})}
        self.process = context.Process(target=_alone, args=(task, theirs, environment))
        main, sys.modules["__main__"] = sys.modules["__main__"], types.ModuleType("__main__")
        try:  # where `__main__` is no file, the new process does not run it: a script needs no main guard
            with mock.patch.dict(os.environ, ONE_THREAD):
                self.process.start()
        finally:
            sys.modules["__main__"] = main
        theirs.close()

    def is_over(self) -> bool:
        """Whether it has answered, died or taken too long."""
        return self.answer.poll() or not self.process.is_alive() or time.monotonic() > self.ends_at

    def outcome(self) -> dict:
        """What became of the task; the process is gone afterwards."""
        late = not self.answer.poll() and self.process.is_alive()
        with contextlib.suppress(EOFError), contextlib.closing(self):
            if self.answer.poll():
                return self.answer.recv()
        if late:
            said = f"the run was ended after {self.timeout_min:g} min, which --timeout can change"
            return outcome_of("failed", said, seconds=60.0 * self.timeout_min)
        code = self.process.exitcode or 0
        cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return outcome_of("dead", f"the worker process died ({cause})")

    def close(self) -> None:
        """End the process and whatever it started."""
        with contextlib.suppress(ProcessLookupError, PermissionError, AttributeError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.join()
        self.answer.close()


def alone(task: dict, timeout_min: float) -> dict:
    """The outcome of one task in a process of its own; what a cluster's worker does."""
    ((_, outcome),) = results([task], 1, timeout_min)
    return outcome


def _alone(task: dict, answer: connection.Connection, environment: Mapping) -> None:
    """Be the process of one run."""
    if hasattr(os, "setsid"):
        os.setsid()  # Ctrl-C reaches the process that waits for the run, which then ends it
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(Path(task["notebook"]).parent)  # the folder it was started in may be deleted meanwhile
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):  # what a notebook or a library prints belongs in the notebook or nowhere
        os.dup2(nothing, fd)
    numpy = sys.modules.get("numpy")
    if numpy:  # else all would draw the same numbers; `random` sees to it itself
        numpy.random.seed()
    answer.send(perform(task))


def _end_with_parent() -> None:
    """End this process and all it started, in the middle of a cell too, when the one that started it is gone."""
    multiprocessing.parent_process().join()
    if hasattr(os, "killpg"):
        os.killpg(0, signal.SIGKILL)
    os._exit(1)


def outcome_of(status: str, error: str = "", trace: str = "", seconds: float = 0.0, memory_bytes: int = 0) -> dict:
    """What became of a task: done, failed, dead, or disk where nothing can be written any more."""
    ended = {"status": status, "error": error, "traceback": trace}
    return {**ended, "seconds": round(seconds, 3), "memory_bytes": memory_bytes}


def perform(task: dict) -> dict:
    """Run one task and tell what became of it."""
    running.import_schemas()
    from nbclient.exceptions import DeadKernelError

    began, ended = time.monotonic(), ("done", "", "")
    try:
        what = [task[name] for name in ("notebook", "parameters", "output", "engine")]
        running.execute(*what, task.get("failed"), task.get("mark"))
    except running.NotebookFailed as failure:
        ended = "failed", str(failure), failure.traceback
    except DeadKernelError:
        ended = "dead", "the kernel died", ""
    except OSError as failure:
        ended = "disk" if failure.errno in DISK else "failed", failure.strerror or str(failure), ""
    except Exception as failure:
        status = "dead" if "Kernel died" in str(failure) else "failed"
        ended = status, f"{type(failure).__name__}: {failure}", traceback.format_exc()
    return outcome_of(*ended, time.monotonic() - began, peak_memory_bytes())


def peak_memory_bytes() -> int:
    """The most memory this process has held so far; 0 where the system does not tell."""
    with contextlib.suppress(OSError, StopIteration):
        # Linux; its getrusage would count what the process that started this one held
        lines = Path("/proc/self/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) * 1024
    with contextlib.suppress(ImportError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return 0
