"""Puts a process into the state in which a kernel starts, catches what it prints, and puts it back as it was.

Imported modules stay, that is what makes a run cheap. What they hold as settings is set to its
defaults before a run and restored after it: random state, warnings, options of pandas, plotly and
matplotlib, environment, folder, search path, builtins, logging.
"""

from __future__ import annotations

import builtins
import contextlib
import getpass
import io
import logging
import os
import random
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from IPython.core.error import StdinNotImplementedError

INLINE = "module://matplotlib_inline.backend_inline"
DEFAULT_FILTERS = (  # those of a Python started without -W
    ("default", None, DeprecationWarning, "__main__", 0),
    ("ignore", None, DeprecationWarning, None, 0),
    ("ignore", None, PendingDeprecationWarning, None, 0),
    ("ignore", None, ImportWarning, None, 0),
    ("ignore", None, ResourceWarning, None, 0),
)


@contextlib.contextmanager
def as_in_a_kernel(write: Callable[[str, str], None]) -> Iterator[None]:
    """The process as a fresh kernel would be, while the block runs; `write` takes what is printed."""
    loaded = [(_pandas, "pandas"), (_plotly, "plotly.io"), (_matplotlib, "matplotlib")]
    libraries = [settings(sys.modules[name]) for settings, name in loaded if sys.modules.get(name)]
    with contextlib.ExitStack() as stack:
        for part in (_surroundings(), _modules(), _randomness(), *libraries, _widgets(), _logging()):
            stack.enter_context(part)
        stack.enter_context(_printing(write))
        stack.enter_context(_warnings())
        yield


@contextlib.contextmanager
def _kept(owner: object, *names: str) -> Iterator[None]:
    """The named attributes are afterwards what they were, or gone where they were not there."""
    before = {name: getattr(owner, name) for name in names if hasattr(owner, name)}
    try:
        yield
    finally:
        for name in names:
            if name in before:
                setattr(owner, name, before[name])
            elif hasattr(owner, name):
                delattr(owner, name)


@contextlib.contextmanager
def _surroundings():
    """Folder, environment, search path, arguments, builtins."""
    folder, environment, path, names = os.getcwd(), dict(os.environ), list(sys.path), dict(vars(builtins))
    os.environ.setdefault("MPLBACKEND", INLINE)
    if "" not in sys.path:  # where a kernel has it: after the standard library
        places = [i for i, p in enumerate(path) if Path(p).name in ("site-packages", "dist-packages")]
        sys.path.insert(min(places, default=0), "")
    with _kept(sys, "argv", "ps1", "ps2", "ps3"), _kept(getpass, "getpass"):
        sys.argv = ["ipykernel_launcher.py"]
        builtins.input = getpass.getpass = _no_input
        try:
            yield
        finally:
            os.chdir(folder)
            for name in set(os.environ) - set(environment):
                del os.environ[name]
            os.environ.update({k: v for k, v in environment.items() if os.environ.get(k) != v})
            sys.path[:] = path
            for name in set(vars(builtins)) - set(names):
                delattr(builtins, name)
            vars(builtins).update(names)


def _no_input(*_, **__):
    """Refuse to ask: nobody sits in front of a notebook that a program runs."""
    raise StdinNotImplementedError("raw_input was called, but this frontend does not support input requests.")


@contextlib.contextmanager
def _modules():
    """`__main__` comes back; modules from the notebook's own folder are removed from `sys.modules`."""
    main, before, folder = sys.modules.get("__main__"), set(sys.modules), Path.cwd()
    try:
        yield
    finally:
        for name in set(sys.modules) - before:
            file = getattr(sys.modules[name], "__file__", None)
            if file and Path(file).parent in (folder, folder / name.partition(".")[0]):
                del sys.modules[name]
        if main is not None:
            sys.modules["__main__"] = main


@contextlib.contextmanager
def _randomness():
    """A fresh seed for the run; afterwards the generators go on from where they were before it."""
    numpy = sys.modules.get("numpy")
    state, numpy_state = random.getstate(), numpy and numpy.random.get_state()
    random.seed()
    if numpy:
        numpy.random.seed()
    try:
        yield
    finally:
        random.setstate(state)
        if numpy:
            numpy.random.set_state(numpy_state)


@contextlib.contextmanager
def _pandas(pandas):
    """The options of pandas."""

    def set_options(wanted: dict) -> None:
        for name, value in wanted.items():
            present = pandas.get_option(name)
            if present is not value and present != value:
                pandas.set_option(name, value)

    config = pandas._config.config
    known = {k: o for k, o in config._registered_options.items() if k not in config._deprecated_options}
    before = {name: pandas.get_option(name) for name in known}
    set_options({name: option.defval for name, option in known.items()})
    try:
        yield
    finally:
        set_options(before)


@contextlib.contextmanager
def _plotly(pio):
    """The renderer and the template of plotly; where it is imported later, it finds the shell."""

    def set_defaults(renderer: str, template: str) -> None:  # what differs: to set a template takes long
        for settings, wanted in ((pio.renderers, renderer), (pio.templates, template)):
            if settings.default != wanted:
                settings.default = wanted

    before = pio.renderers.default, pio.templates.default
    set_defaults(os.environ.get("PLOTLY_RENDERER") or "plotly_mimetype", "plotly")
    try:
        yield
    finally:
        set_defaults(*before)


@contextlib.contextmanager
def _matplotlib(matplotlib):
    """Settings and figures of matplotlib; figures are shown as in a kernel."""
    backend = matplotlib.get_backend(auto_select=False)
    with matplotlib.rc_context():
        matplotlib.rc_file_defaults()
        matplotlib.use(INLINE)
        try:
            yield
        finally:
            pyplot = sys.modules.get("matplotlib.pyplot")
            if pyplot is not None:
                pyplot.close("all")
    if backend is not None and backend.lower() not in ("inline", INLINE):
        matplotlib.use(backend)


@contextlib.contextmanager
def _widgets():
    """Widgets made by the run are closed after it: a list in the library would keep them for good."""

    def opened() -> dict:
        return dict(getattr(sys.modules.get("ipywidgets.widgets.widget"), "_instances", {}))

    before = opened()
    try:
        yield
    finally:
        for widget in [w for key, w in opened().items() if key not in before]:
            with contextlib.suppress(Exception):
                widget.close()


@contextlib.contextmanager
def _logging():
    """Handlers and level of the root logger: a handler made in a run would write into the next."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    with _kept(root.manager, "disable"):
        try:
            yield
        finally:
            root.handlers[:] = handlers
            root.setLevel(level)


@contextlib.contextmanager
def _warnings():
    """The filters that Python starts with, and those that modules set for one message or module."""

    def show(message, category, filename, lineno, file=None, line=None):
        (file or sys.stderr).write(warnings.formatwarning(message, category, filename, lineno, line))

    with warnings.catch_warnings():
        own = [f for f in warnings.filters if f[1] is not None or f[3] is not None]
        warnings.filters[:] = [*own, *(f for f in DEFAULT_FILTERS if f not in own)]
        warnings._filters_mutated()
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _printing(write: Callable[[str, str], None]):
    """What is printed goes to the collector."""
    with _kept(sys, "stdout", "stderr", "displayhook", "excepthook"):
        sys.stdout, sys.stderr = Stream("stdout", write), Stream("stderr", write)
        yield


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
