"""Many notebooks side by side, in worker processes.

A worker does one task at a time, is replaced when it dies or has grown large, and ends with the process
that started it. Tasks go to it as lines of JSON, and outcomes come back the same way.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import selectors
import signal
import subprocess
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from model import checks, paths
from model.apps.notebooks import running

MOST_MEMORY_BYTES = 700e6
THREADS = "OMP_NUM_THREADS OPENBLAS_NUM_THREADS MKL_NUM_THREADS VECLIB_MAXIMUM_THREADS NUMEXPR_NUM_THREADS"
ONE_THREAD = dict.fromkeys([*THREADS.split(), "NUMBA_NUM_THREADS"], "1")
START = (
    "import sys; sys.path[:] = [p for p in sys.path if p] + [sys.argv[1]]; "
    "from model.apps.notebooks.workers import serve; serve()"
)
DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)
_one_at_a_time = threading.Lock()  # a Dask worker has several threads, a process one working directory


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
    with bar(len(tasks), "notebooks", progress) as step:
        for task, outcome in results(tasks, jobs_for(jobs, len(tasks)), here=True):
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
                progress.console.print(escape(text), highlight=False, soft_wrap=True)
            progress.advance(task)

        yield step


def jobs_for(jobs: int | None, tasks: int) -> int:
    """How many workers to start: as many as processors unless told, never more than tasks."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(jobs or available, tasks))


def results(tasks: Sequence[dict], jobs: int, here: bool = False) -> Iterator[tuple[dict, dict]]:
    """Do all tasks and give each with its outcome as it ends; a task whose worker died is tried once more."""
    if here and jobs == 1:
        for task in tasks:
            yield task, perform(task)
        return
    with contextlib.closing(Pool(tasks, jobs)) as pool:
        yield from pool.outcomes()


class Pool:
    """Workers with the tasks that wait for them."""

    def __init__(self, tasks: Sequence[dict], jobs: int):
        self.waiting, self.tried, self.workers = deque(tasks), set(), {}
        self.selector = selectors.DefaultSelector()
        for _ in range(min(jobs, len(tasks))):
            self.go_on(None)

    def go_on(self, worker: Worker | None) -> None:
        """Give the next task to the worker, or to a new one where there is none or it is spent."""
        if worker and (worker.spent or not self.waiting):
            self.selector.unregister(worker.process.stdout)
            del self.workers[worker.process.pid]
            worker.end()
            worker = None
        if self.waiting and worker is None:
            worker = Worker()
            self.workers[worker.process.pid] = worker
            self.selector.register(worker.process.stdout, selectors.EVENT_READ, worker)
        if worker:
            worker.give(self.waiting.popleft())

    def outcomes(self) -> Iterator[tuple[dict, dict]]:
        """Each task with its outcome as it ends."""
        while self.workers:
            for ready, _ in self.selector.select():
                task, outcome = ready.data.task, ready.data.answer()
                again = outcome["status"] == "dead" and task["output"] not in self.tried
                if again:
                    self.tried.add(task["output"])
                    self.waiting.append(task)
                self.go_on(ready.data)  # before the outcome is dealt with, so that the worker is not idle
                if not again:
                    yield task, outcome

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in self.workers.values():
            worker.end()
        self.selector.close()


class Worker:
    """One process and the task it has at hand; it is spent once it has died or grown too large."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(paths.PACKAGE.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            start_new_session=True,
        )  # a session of its own: Ctrl-C reaches the batch, which ends its workers
        self.task, self.spent = None, False

    def give(self, task: dict) -> None:
        """Hand over a task; a worker that just died is noticed when its answer is read."""
        self.task = task
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(task).encode() + b"\n")
            self.process.stdin.flush()

    def answer(self) -> dict:
        """The outcome of the task, also where the process has died over it."""
        line = self.process.stdout.readline()
        if not line.endswith(b"\n"):
            self.spent, code = True, self.end()
            cause = signal.Signals(-code).name if code < 0 else f"exit code {code}"
            return outcome_of("dead", f"the worker process died ({cause})")
        outcome = json.loads(line)
        self.spent = outcome["memory_bytes"] > MOST_MEMORY_BYTES
        return outcome

    def end(self) -> int:
        """End the process and whatever it started; gives its exit code."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        code = self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
        return code


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
        with _one_at_a_time:
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


def serve() -> None:
    """Serve tasks from stdin until it closes; then this process and all it started end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):  # what a notebook or a library prints belongs in the notebook or nowhere
        os.dup2(nothing, fd)
    waiting, arrived = deque(), threading.Condition()

    def listen() -> None:
        for line in tasks:
            with arrived:
                waiting.append(json.loads(line))
                arrived.notify()
        os.killpg(
            0, signal.SIGKILL
        )  # the process that gave the tasks is gone: end at once, also in the middle of a cell

    threading.Thread(target=listen, daemon=True).start()
    settled = False
    while True:
        with arrived:
            arrived.wait_for(lambda: waiting)
            task = waiting.popleft()
        outcome = perform(task)
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(outcome), file=answers, flush=True)
        if not settled:  # libraries and tables stay for good: to look for garbage among them takes 0.1 s
            gc.collect()
            gc.freeze()
            settled = True
