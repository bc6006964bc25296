"""A papermill engine that runs cells in the process at hand: `papermill --engine inprocess IN OUT`.

A kernel takes 0.6 to 3 s to start and to import pandas; here the modules that are already loaded are used.
Displays, charts, warnings and errors come out as in a kernel: ipykernel's own shell formats everything, and
papermill's own client keeps it. Only the socket between the two is replaced, by a call.

What is shared with the process: every imported module and what it holds as settings (options of pandas,
numpy, plotly and matplotlib, warning filters, logging, random state), builtins and open widgets. The
`workbook` command therefore gives each run a process of its own; whoever calls papermill has one process.
What differs from a kernel: start-up files of IPython are not read, widgets keep no state in the notebook,
`asyncio.run` works, and a crash of the interpreter takes the process with it.
"""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import contextvars
import linecache
import os
import signal
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import nbformat
from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQDisplayPublisher, ZMQInteractiveShell, ZMQShellDisplayHook
from IPython.core.interactiveshell import InteractiveShell
from jupyter_client.session import json_packer, json_unpacker
from nbclient.exceptions import CellExecutionError, CellTimeoutError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import Engine
from papermill.exceptions import PapermillException
from papermill.iorw import write_ipynb
from papermill.log import logger
from papermill.translators import PythonTranslator
from traitlets import Any, Type
from traitlets.config import Config

from model import checks
from model.apps.notebooks.surroundings import INLINE, LANGUAGE, Descriptors, as_in_a_kernel

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
        sys.excepthook = _said
        _check_parameters(nb)
        own = {"output_path": None, "autosave_cell_every": 0}
        shown = {"progress_bar": progress_bar, "log_output": log_output}
        try:
            return super().execute_notebook(nb, kernel_name, **own, **shown, **kwargs)
        except BaseException:
            if output_path:
                write_ipynb(nb, output_path)
            raise

    @classmethod
    def execute_managed_notebook(
        cls, nb_man, kernel_name, log_output=False, stdout_file=None, stderr_file=None, execution_timeout=None, **kwargs
    ):
        """Run all cells until one fails; where an event loop runs, as in a kernel, in a thread beside it."""
        language = nb_man.nb.metadata.get("kernelspec", {}).get("language") or "python"
        if language != "python":
            raise PapermillException(f"the inprocess engine runs Python only; this notebook is in {language}")
        files = {"stdout_file": stdout_file, "stderr_file": stderr_file}
        timeout = execution_timeout or kwargs.get("timeout")
        files["allow_error_names"] = kwargs.get("allow_error_names", [])
        client = Client(nb_man, log=logger, log_output=log_output, **files)
        client.seconds = timeout
        loop = None
        with contextlib.suppress(RuntimeError):
            loop = asyncio.get_running_loop()
        # An empty context: settings such as numpy's print options are at their defaults in it.
        run = contextvars.Context().run
        with _one_at_a_time, ThreadPoolExecutor(1) as beside:
            beside.submit(run, client.run).result() if loop else run(client.run)
        nb_man.nb.metadata["language_info"] = {**LANGUAGE, "version": sys.version.split()[0]}


def _check_parameters(nb) -> None:
    """Refuse parameters that the notebook does not have; papermill itself only logs them."""
    about = nb.metadata.get("papermill", {})
    cell = next((cell for cell in nb.cells if "parameters" in cell.metadata.get("tags", ())), None)
    for name in about.get("parameters") or () if cell else ():
        known = [one.name for one in PythonTranslator.inspect(cell)]
        checks.known("parameter", name, known, where=f" in {os.path.basename(about['input_path'] or '')}")


def _said(kind, error, trace, ordinary=sys.excepthook) -> None:
    """What papermill's command prints of a user's mistake: its sentence; of any other error what Python prints."""
    mistake = issubclass(kind, checks.InputError) or getattr(error, "ename", "") == checks.InputError.__name__
    return sys.stderr.write(f"{getattr(error, 'evalue', error)}\n") if mistake else ordinary(kind, error, trace)


class Client(PapermillNotebookClient):
    """Keeps as outputs what a shell of this process sends, to which it is what a session is in a kernel."""

    def run(self) -> None:
        """Run all cells until one fails."""
        self.reset_execution_trackers()
        self.streams = {"stdout": [], "stderr": []}
        with as_in_a_kernel(self.write), contextlib.ExitStack() as stack:
            self.shell = Shell(self)
            stack.callback(self.__dict__.pop, "shell")
            stack.callback(self.shell.leave)
            stack.enter_context(_installed(self.shell))
            self.descriptors = stack.enter_context(contextlib.closing(Descriptors(self.write)))
            self.papermill_execute_cells()

    def execute_cell(self, cell, cell_index, **_) -> None:
        """Run one cell and keep its outputs."""
        tags = cell.metadata.get("tags", ())
        if cell.cell_type != "code" or not cell.source.strip() or "skip-execution" in tags:
            return
        self.at, cell.outputs, self.clear_before_next_output = (cell, cell_index), [], False
        with self.descriptors.caught(), _limited(self.seconds):
            result = self.shell.run(cell.source)
        self.write_streams()
        cell.execution_count = self.shell.execution_count - 1
        error = result.error_before_exec or result.error_in_exec
        if isinstance(error, _TooLong):
            raise CellTimeoutError.error_from_timeout_and_cell("the cell was stopped", self.seconds, cell)
        if isinstance(error, KeyboardInterrupt):
            raise error
        allowed = "raises-exception" in tags or type(error).__name__ in self.allow_error_names
        if error is not None and not allowed:
            raise CellExecutionError("", type(error).__name__, str(error))

    def write(self, name: str, text: str) -> None:
        """Keep text written to stdout or stderr; it becomes an output before the next display."""
        if text:
            self.streams[name].append(text)

    def write_streams(self) -> None:
        """Turn the text written so far into outputs: stdout first, as clients order what has no order."""
        for name, parts in self.streams.items():
            if parts:
                text, parts[:] = "".join(parts), []
                self.process_message(self.msg("stream", {"name": name, "text": text}), *self.at)

    def msg(self, msg_type: str, content: dict | None = None, parent=None) -> dict:
        """A message, as a session makes it for display hooks to fill."""
        header = {"header": {"msg_type": msg_type}, "msg_type": msg_type, "parent_header": {}}
        return nbformat.from_dict({**header, "content": content or {}})

    def send(self, socket, msg_or_type, content=None, parent=None, ident=None, **_) -> None:
        """Take a message that a kernel would send: displays, results, errors, updates, clearings."""
        message = self.msg(msg_or_type, content) if isinstance(msg_or_type, str) else msg_or_type
        plain = json_unpacker(json_packer(message["content"]))
        self.write_streams()
        self.process_message(self.msg(message["msg_type"], plain), *self.at)


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


class _Publisher(ZMQDisplayPublisher):
    session = Any()


class _Hook(ZMQShellDisplayHook):
    session = Any()


class Shell(ZMQInteractiveShell):
    """The shell of a kernel, sending to a `Client`; one notebook is run in it, then it is left."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)

    def __init__(self, client: Client):
        config = Config()
        config.HistoryManager.enabled = False
        super().__init__(config=config, compiler_class=XCachingCompiler)
        self.display_pub.session = self.displayhook.session = client
        self.history_manager.outputs = defaultdict(list)  # else one for all shells of a process

    def run(self, source: str):
        """Run one cell; gives the execution result, whose `success` also covers a failed display."""
        result = self.run_cell(source, store_history=True)
        if self._last_traceback_during_displayhook and result.error_in_exec is None:
            result.error_in_exec = RuntimeError("the result of the cell could not be shown")
        return result

    def leave(self) -> None:
        """Do now what a kernel does at its end, and forget all that would keep the notebook's objects alive."""
        for name in self.compile._filename_map:
            linecache.cache.pop(name, None)
        for last in (self.magics_manager.registry["ScriptMagics"].kill_bg_processes, self.atexit_operations):
            last()
            atexit.unregister(last)
        self.last_execution_result = None
        self.user_ns.clear()
        self.user_ns_hidden.clear()


# Libraries recognise a notebook by the name of its shell's class.
Shell.__name__ = Shell.__qualname__ = ZMQInteractiveShell.__name__
Shell.__module__ = ZMQInteractiveShell.__module__


@contextlib.contextmanager
def _installed(shell: Shell) -> Iterator[None]:
    """Make the shell the one that `get_ipython()` and `display()` find, and restore the former."""
    classes = [c for c in Shell.__mro__ if issubclass(c, InteractiveShell)]
    before = {c: c.__dict__["_instance"] for c in classes if "_instance" in c.__dict__}
    try:
        for c in classes:
            c._instance = shell
        inline = sys.modules.get("matplotlib_inline.backend_inline")
        if inline is not None:
            inline.configure_inline_support.current_backend = "unset"
            inline.configure_inline_support(shell, INLINE)
        yield
    finally:
        for c in classes:
            if c in before:
                c._instance = before[c]
            else:
                del c._instance
