"""A papermill engine that runs cells in the process at hand: `papermill --engine inprocess IN OUT`.

A kernel takes 0.6 to 3 s to start and to import pandas; here the modules that are already loaded
are shared by all runs, and a short notebook takes a few hundredths of a second. Displays, charts,
warnings and errors come out as in a kernel, and the notebook is written once a run instead of once
a cell. What differs: start-up files of IPython are not read, widgets keep no state in the notebook,
`asyncio.run` works, and a crash of the interpreter takes the process with it.
"""

from __future__ import annotations

import contextlib
import contextvars
import signal
import sys
import threading
from types import SimpleNamespace

from nbclient.exceptions import CellTimeoutError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.exceptions import PapermillException
from papermill.iorw import write_ipynb
from papermill.log import logger

from model.apps.notebooks.isolation import as_in_a_kernel, installed
from model.apps.notebooks.shell import Collector, Descriptors, Shell

__all__ = ["InProcessEngine"]

_one_at_a_time = threading.RLock()


class _TooLong(BaseException):
    """A cell ran longer than allowed."""


class InProcessEngine(Engine):
    """Runs the cells of a Python notebook in this process instead of a kernel."""

    @classmethod
    def execute_notebook(
        cls, nb, kernel_name, output_path=None, progress_bar=True, log_output=False, autosave_cell_every=30, **kwargs
    ):
        """Run the notebook; papermill itself saves it at the end, or here where the run is broken off."""
        try:
            return super().execute_notebook(
                nb,
                kernel_name,
                output_path=None,
                progress_bar=progress_bar,
                log_output=log_output,
                autosave_cell_every=0,
                **kwargs,
            )
        except BaseException:
            if output_path:
                write_ipynb(nb, output_path)
            raise

    @classmethod
    def execute_managed_notebook(
        cls, nb_man, kernel_name, log_output=False, stdout_file=None, stderr_file=None, execution_timeout=None, **kwargs
    ):
        """Run all cells until one fails, in a state as a kernel has at its start."""
        language = nb_man.nb.metadata.get("kernelspec", {}).get("language") or "python"
        if language != "python":
            raise PapermillException(f"the inprocess engine runs Python only; this notebook is in {language}")
        log = SimpleNamespace(log=logger, log_output=log_output, stdout_file=stdout_file, stderr_file=stderr_file)
        timeout = execution_timeout or kwargs.get("timeout")
        with _one_at_a_time:
            # An empty context: settings such as numpy's print options are at their defaults in it.
            contextvars.Context().run(_run_cells, nb_man, log, timeout)
        nb_man.nb.metadata["language_info"] = _language_info()


def _run_cells(nb_man, log, timeout) -> None:
    collector = Collector()
    with as_in_a_kernel(collector), contextlib.ExitStack() as stack:
        shell = Shell(collector)
        stack.callback(shell.leave)
        stack.enter_context(installed(shell))
        descriptors = Descriptors(collector)
        stack.callback(descriptors.close)
        for index, cell in enumerate(nb_man.nb.cells):
            nb_man.cell_start(cell, index)
            try:
                if not _run_cell(shell, collector, descriptors, cell, timeout):
                    nb_man.cell_exception(cell, cell_index=index)
                    break
            except BaseException:
                nb_man.cell_exception(cell, cell_index=index)
                raise
            finally:
                for output in cell.get("outputs", ()):
                    PapermillNotebookClient.log_output_message(log, output)
                nb_man.cell_complete(cell, cell_index=index)


def _run_cell(shell, collector, descriptors, cell, timeout) -> bool:
    """Run one cell and keep its outputs; False where the notebook has to stop."""
    tags = cell.metadata.get("tags", ())
    if cell.cell_type != "code" or not cell.source.strip() or "skip-execution" in tags:
        return True
    collector.begin(cell)
    with descriptors.caught(), _limited(timeout):
        result = shell.run(cell.source)
    collector.write_streams()
    cell.execution_count = shell.execution_count - 1
    error = result.error_before_exec or result.error_in_exec
    if isinstance(error, _TooLong):
        raise CellTimeoutError.error_from_timeout_and_cell("the cell was stopped", timeout, cell)
    if isinstance(error, KeyboardInterrupt):
        raise error
    return error is None or "raises-exception" in tags


@contextlib.contextmanager
def _limited(seconds):
    """Stop the block after so many seconds; signals reach the main thread only."""
    if not seconds or threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(*_):
        raise _TooLong(f"the cell ran longer than {seconds} s")

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _language_info() -> dict:
    """What a kernel of this Python tells about its language."""
    return {
        "name": "python",
        "version": sys.version.split()[0],
        "mimetype": "text/x-python",
        "codemirror_mode": {"name": "ipython", "version": sys.version_info[0]},
        "pygments_lexer": "ipython3",
        "nbconvert_exporter": "python",
        "file_extension": ".py",
    }
