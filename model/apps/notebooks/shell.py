"""A kernel's shell without a kernel: what cells print, display and raise becomes notebook outputs.

ipykernel's own shell formats everything; only the socket behind it is replaced, by a `Collector` that
turns messages into outputs as a notebook client does. So a cell's outputs are those of a kernel.
"""

from __future__ import annotations

import atexit
import contextlib
import io
import linecache
import os
import sys
import tempfile
from collections import defaultdict

import nbformat
from ipykernel.compiler import XCachingCompiler
from ipykernel.zmqshell import ZMQDisplayPublisher, ZMQInteractiveShell, ZMQShellDisplayHook
from IPython.core.error import StdinNotImplementedError
from jupyter_client.session import json_packer, json_unpacker
from traitlets import Any, Type
from traitlets.config import Config

__all__ = ["Collector", "Descriptors", "Shell", "Stream", "no_input"]


class Collector:
    """Stands where a kernel's session stands and keeps each message as an output of the cell that runs."""

    def __init__(self):
        self.outputs = []
        self._streams = {"stdout": [], "stderr": []}
        self._clear_next = False
        self._shown = {}

    def begin(self, cell) -> None:
        """Let what follows be the outputs of this cell."""
        self.write_streams()
        cell.outputs = self.outputs = []
        self._clear_next = False

    def write(self, name: str, text: str) -> None:
        """Keep text written to stdout or stderr; it becomes an output before the next display."""
        if text:
            self._streams[name].append(text)

    def write_streams(self) -> None:
        """Turn the text written so far into outputs: stdout first, as clients order what has no order."""
        for name, parts in self._streams.items():
            if parts:
                text, parts[:] = "".join(parts), []
                self._add(nbformat.v4.new_output("stream", name=name, text=text))

    def msg(self, msg_type: str, content: dict | None = None, parent=None) -> dict:
        """A message, as a session makes it for display hooks to fill."""
        return {"header": {"msg_type": msg_type}, "msg_type": msg_type, "content": content or {}}

    def send(self, socket, msg_or_type, content=None, parent=None, ident=None, **_) -> None:
        """Take a message that a kernel would send: displays, results, errors, updates, clearings."""
        message = self.msg(msg_or_type, content) if isinstance(msg_or_type, str) else msg_or_type
        kind, content = message["msg_type"], json_unpacker(json_packer(message["content"]))
        self.write_streams()
        if kind == "clear_output":
            self._clear_next = bool(content.get("wait"))
            if not self._clear_next:
                self.outputs.clear()
        elif kind in ("display_data", "execute_result", "error", "update_display_data"):
            self._show(kind, content)

    def _show(self, kind: str, content: dict) -> None:
        shown_as = (content.pop("transient", None) or {}).get("display_id")
        for output in self._shown.get(shown_as, ()):
            output.data, output.metadata = (nbformat.from_dict(content[k]) for k in ("data", "metadata"))
        if kind != "update_display_data":
            output = nbformat.v4.output_from_msg({"header": {"msg_type": kind}, "content": content})
            self._add(output)
            if shown_as:
                self._shown.setdefault(shown_as, []).append(output)

    def _add(self, output) -> None:
        if self._clear_next:
            self.outputs.clear()
            self._clear_next = False
        self.outputs.append(output)


class Stream(io.TextIOBase):
    """What `sys.stdout` and `sys.stderr` are while cells run."""

    def __init__(self, name: str, collector: Collector):
        self.name, self._collector = f"<{name}>", collector
        self._kind, self._fd = name, {"stdout": 1, "stderr": 2}[name]

    encoding = "UTF-8"
    errors = None

    def writable(self) -> bool:
        """Yes."""
        return True

    def fileno(self) -> int:
        """The number of the real stream, for programs that the notebook starts."""
        return self._fd

    def write(self, text: str) -> int:
        """Keep the text as output of the cell."""
        if not isinstance(text, str):
            raise TypeError(f"write() argument must be str, not {type(text)}")
        self._collector.write(self._kind, text)
        return len(text)


class Descriptors:
    """Catches what programs and C code write to the process's own stdout and stderr while a cell runs."""

    def __init__(self, collector: Collector):
        self._collector = collector
        self._files = {}
        for name, fd in (("stdout", 1), ("stderr", 2)):
            with contextlib.suppress(OSError):  # a process may have been started without one
                os.fstat(fd)
                self._files[name] = (fd, tempfile.TemporaryFile())
        self._read = dict.fromkeys(self._files, 0)

    @contextlib.contextmanager
    def caught(self):
        """Point both at a file; what it holds afterwards is output of the cell."""
        kept = {}
        for stream in (sys.__stdout__, sys.__stderr__):
            with contextlib.suppress(Exception):
                stream.flush()
        try:
            for name, (fd, file) in self._files.items():
                kept[name] = os.dup(fd)
                os.dup2(file.fileno(), fd)
            yield
        finally:
            for name, copy in kept.items():
                fd, file = self._files[name]
                os.dup2(copy, fd)
                os.close(copy)
                text = os.pread(file.fileno(), os.fstat(file.fileno()).st_size, self._read[name])
                self._read[name] += len(text)
                self._collector.write(name, text.decode("utf-8", "replace"))

    def close(self) -> None:
        """Let go of the files."""
        for _, file in self._files.values():
            file.close()


class _Publisher(ZMQDisplayPublisher):
    session = Any()


class _Hook(ZMQShellDisplayHook):
    session = Any()


class Shell(ZMQInteractiveShell):
    """The shell of a kernel, sending to a `Collector`; one notebook is run in it, then it is left."""

    display_pub_class = Type(_Publisher)
    displayhook_class = Type(_Hook)

    def __init__(self, collector: Collector):
        config = Config()
        config.HistoryManager.enabled = False
        super().__init__(config=config, compiler_class=XCachingCompiler)
        self.display_pub.session = self.displayhook.session = collector
        self.history_manager.outputs = defaultdict(list)  # else one for all shells of a process

    def run(self, source: str):
        """Run one cell; gives the execution result, whose `success` also covers a failed display."""
        result = self.run_cell(source, store_history=True)
        if self._last_traceback_during_displayhook and result.error_in_exec is None:
            result.error_in_exec = RuntimeError("the result of the cell could not be shown")
        return result

    def leave(self) -> None:
        """Forget all that would keep the notebook's objects alive."""
        for name in self.compile._filename_map:
            linecache.cache.pop(name, None)
        scripts = self.magics_manager.registry["ScriptMagics"]
        scripts.kill_bg_processes()
        for kept in (self.atexit_operations, scripts.kill_bg_processes):
            atexit.unregister(kept)
        for path in self.tempfiles:
            path.unlink(missing_ok=True)
        self.displayhook._ = self.displayhook.__ = self.displayhook.___ = ""
        self.last_execution_result = None
        self.user_ns.clear()
        self.user_ns_hidden.clear()


# Libraries recognise a notebook by the name of its shell's class.
Shell.__name__ = Shell.__qualname__ = ZMQInteractiveShell.__name__
Shell.__module__ = ZMQInteractiveShell.__module__


def no_input(*_, **__):
    """Refuse to ask: nobody sits in front of a notebook that a program runs."""
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")
