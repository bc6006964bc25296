"""Worker processes: each does one task at a time, is replaced when it dies or grows, and is easily ended."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Sequence

from model import paths
from model.apps.notebooks.worker import perform

__all__ = ["jobs_for", "results"]

MOST_MEMORY_BYTES = 700e6
ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "NUMBA_NUM_THREADS",
)
START = (
    "import sys; sys.path[:] = [p for p in sys.path if p] + [sys.argv[1]]; "
    "from model.apps.notebooks.worker import main; main()"
)


def jobs_for(jobs: int | None, tasks: int) -> int:
    """How many workers to start: as many as processors unless told, never more than tasks."""
    available = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min(jobs or available, tasks))


class Worker:
    """One process and the task it has at hand; it is spent once it has died or grown too large."""

    def __init__(self):
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, str(paths.PACKAGE.parent)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **dict.fromkeys(ONE_THREAD, "1")},
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
            self.spent = True
            return {
                "status": "dead",
                "error": f"the worker process died ({_cause(self.end())})",
                "traceback": "",
                "seconds": 0.0,
                "memory_bytes": 0,
            }
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
                again = outcome["status"] == "dead" and id(task) not in self.tried
                if again:
                    self.tried.add(id(task))
                    self.waiting.append(task)
                self.go_on(ready.data)  # before the outcome is dealt with, so that the worker is not idle
                if not again:
                    yield task, outcome

    def close(self) -> None:
        """End all workers, whatever they are doing."""
        for worker in self.workers.values():
            worker.end()
        self.selector.close()


def results(tasks: Sequence[dict], jobs: int, here: bool = False) -> Iterator[tuple[dict, dict]]:
    """Do all tasks and give each with its outcome as it ends; a task whose worker died is tried once more."""
    if here and jobs == 1:
        for task in tasks:
            yield task, perform(task)
        return
    with contextlib.closing(Pool(tasks, jobs)) as pool:
        yield from pool.outcomes()


def _cause(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"
