"""A process that runs notebooks one after another: tasks come in as JSON lines, outcomes go out."""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import signal
import threading
import time
import traceback
from pathlib import Path

from model.apps.notebooks.quick import import_schemas

__all__ = ["main", "perform"]

DISK = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOENT)
_one_at_a_time = threading.Lock()  # a Dask worker has several threads, a process one working directory


def perform(task: dict) -> dict:
    """Run one task and tell what became of it."""
    import_schemas()
    from nbclient.exceptions import DeadKernelError

    from model.apps.notebooks.running import NotebookFailed, execute

    began, status, error, trace = time.monotonic(), "done", "", ""
    try:
        with _one_at_a_time:
            execute(
                task["notebook"],
                task["parameters"],
                task["output"],
                task["engine"],
                task.get("failed"),
                task.get("mark"),
            )
    except NotebookFailed as failure:
        status, error, trace = "failed", str(failure), failure.traceback
    except DeadKernelError:
        status, error = "dead", "the kernel died"
    except OSError as failure:
        status = "disk" if failure.errno in DISK else "failed"
        error = failure.strerror or str(failure)
    except Exception as failure:
        died = "Kernel died" in str(failure)
        status, error = "dead" if died else "failed", f"{type(failure).__name__}: {failure}"
        trace = traceback.format_exc()
    return {
        "status": status,
        "error": error,
        "traceback": trace,
        "seconds": round(time.monotonic() - began, 3),
        "memory_bytes": peak_memory_bytes(),
    }


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


def main() -> None:
    """Serve tasks from stdin until it closes; then this process and all it started end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    tasks, answers = os.fdopen(os.dup(0)), os.fdopen(os.dup(1), "w")
    nothing = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):  # what a notebook or a library prints belongs in the notebook or nowhere
        os.dup2(nothing, fd)
    waiting, arrived = [], threading.Condition()

    def listen() -> None:
        for line in tasks:
            with arrived:
                waiting.append(json.loads(line))
                arrived.notify()
        os.killpg(0, signal.SIGKILL)  # nobody is left to work for, not even half-way through a cell

    threading.Thread(target=listen, daemon=True).start()
    settled = False
    while True:
        with arrived:
            arrived.wait_for(lambda: waiting)
            task = waiting.pop(0)
        outcome = perform(task)
        with contextlib.suppress(BrokenPipeError):
            print(json.dumps(outcome), file=answers, flush=True)
        if not settled:  # libraries and tables stay for good: to look for garbage among them takes 0.1 s
            gc.collect()
            gc.freeze()
            settled = True
