"""What cells find around them in a kernel (streams, arguments, search path, nobody to ask), and what they print."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

from IPython.core.error import StdinNotImplementedError

LANGUAGE = {  # what a kernel tells about its language, without the version
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
INLINE = "module://matplotlib_inline.backend_inline"


@contextlib.contextmanager
def as_in_a_kernel(write: Callable[[str, str], None]) -> Iterator[None]:
    """The process as a kernel's cells see it while the block runs; `write` takes what is printed."""
    main, path = sys.modules["__main__"], list(sys.path)
    if "" not in path:  # where a kernel has it: after the standard library
        places = [i for i, p in enumerate(path) if Path(p).name in ("site-packages", "dist-packages")]
        path.insert(min(places, default=0), "")
    streams = {"stdout": Stream("stdout", write), "stderr": Stream("stderr", write), "argv": ["ipykernel_launcher.py"]}
    kept = {name: getattr(sys, name) for name in ("displayhook", "excepthook")}  # the shell sets its own
    with (
        mock.patch.multiple(sys, path=path, **streams, **kept),
        mock.patch("builtins.input", _no_input),
        mock.patch("getpass.getpass", _no_input),
        mock.patch.dict(os.environ, {"MPLBACKEND": os.environ.get("MPLBACKEND", INLINE)}),
    ):
        folder = os.getcwd()
        try:
            yield
        finally:
            os.chdir(folder)
            sys.modules["__main__"] = main


def _no_input(*_, **__):
    """Refuse to ask: nobody sits in front of a notebook that a program runs."""
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


class Stream(io.TextIOBase):
    """What `sys.stdout` and `sys.stderr` are while cells run."""

    encoding = "UTF-8"
    errors = None

    def __init__(self, name: str, write: Callable[[str, str], None]):
        self.name, self._write = f"<{name}>", write
        self._kind, self._fd = name, {"stdout": 1, "stderr": 2}[name]

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
        self._write(self._kind, text)
        return len(text)


class Descriptors:
    """Catches what programs and C code write to the process's own stdout and stderr while a cell runs."""

    def __init__(self, write: Callable[[str, str], None]):
        self._write = write
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
                self._write(name, text.decode("utf-8", "replace"))

    def close(self) -> None:
        """Let go of the files."""
        for _, file in self._files.values():
            file.close()
