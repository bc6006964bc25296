"""The commands `workbook` and `papermill` as people run them, each a process forked from one that has all imported."""

import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

PROGRAMS = {
    "workbook": "from model.apps.cli import main; main()",
    "papermill": "import runpy; runpy.run_module('papermill', run_name='__main__')",
}
FORKS = sys.platform.startswith("linux")
if FORKS:
    FORKED = multiprocessing.get_context("forkserver")
    FORKED.set_forkserver_preload(  # one server of a process is for these and for the runs of notebooks
        [f"model.{room}" for room in ("apps.notebooks.ready", "apps.cli", "answers", "audit", "show.charts")]
    )


def _main(program, arguments, cwd, files, env):
    """What a shell does: folder, input and outputs, then the command; and how Python ends one that raises."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.chdir(cwd)
    os.environ.update(env)
    for number, (name, how) in enumerate(zip(files, (os.O_RDONLY, os.O_WRONLY, os.O_WRONLY), strict=True)):
        os.dup2(os.open(name, how), number)
    sys.stdin, sys.stdout, sys.stderr = (open(n, "r" if n == 0 else "w", encoding="utf-8") for n in range(3))
    sys.argv = [program, *arguments]
    try:
        exec(PROGRAMS[program], {})
    except Exception:
        sys.excepthook(*sys.exc_info())
        sys.exit(1)


def workbook(*arguments, cwd=None, stdin="", timeout=240, env=None, program="workbook"):
    """Run the command; gives the exit code and both outputs."""
    arguments = [str(argument) for argument in arguments]
    if not FORKS:
        code = f"import sys; sys.argv[0] = {program!r}; {PROGRAMS[program]}"
        how = {"capture_output": True, "text": True, "cwd": cwd, "timeout": timeout, "input": stdin}
        return subprocess.run([sys.executable, "-c", code, *arguments], env={**os.environ, **(env or {})}, **how)
    with tempfile.TemporaryDirectory() as folder:
        files = [Path(folder, name) for name in ("in", "out", "err")]
        for file, text in zip(files, (stdin, "", ""), strict=True):
            file.write_text(text, encoding="utf-8")
        process = FORKED.Process(target=_main, args=(program, arguments, cwd or os.getcwd(), files, env or {}))
        process.start()
        process.join(timeout)
        if process.exitcode is None:
            process.kill()
            raise subprocess.TimeoutExpired(arguments, timeout)
        said = [file.read_text(encoding="utf-8") for file in files[1:]]
    return subprocess.CompletedProcess(arguments, process.exitcode, *said)
