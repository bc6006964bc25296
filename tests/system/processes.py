"""Processes that a test starts in order to stop them."""

import contextlib
import signal
import subprocess
import sys
import time
from pathlib import Path

WORKBOOK = [sys.executable, "-c", "import sys; from model.apps.cli import main; sys.argv[0] = 'workbook'; main()"]


def started(command, **more):
    """The process of a command, which hears every signal even where the tests run behind a shell that ignores it."""
    return subprocess.Popen(
        command,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=lambda: [signal.signal(one, signal.SIG_DFL) for one in (signal.SIGINT, signal.SIGHUP)],
        **more,
    )


def wait_for(condition, seconds=60):
    """Wait until a condition holds; fail after so many seconds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.01)


def children_of(pid):
    """The processes that a process started and that still run."""
    found = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if f"\nPPid:\t{pid}\n" in status.read_text():
                found.append(int(status.parent.name))
    return found


def runs_of(pid):
    """The processes of the runs of a batch, which a server that the batch started has forked."""
    return [run for child in children_of(pid) for run in children_of(child)]
