"""Puts a process into the state in which a kernel starts, and back as it was afterwards.

Imported modules stay, that is what makes a run cheap. What they hold as settings is set to its
defaults before a run and restored after it: random state, warnings, options of pandas, plotly and
matplotlib, environment, folder, search path, builtins, logging.
"""

from __future__ import annotations

import builtins
import contextlib
import getpass
import logging
import os
import random
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

from IPython.core.interactiveshell import InteractiveShell

from model.apps.notebooks.shell import Collector, Shell, Stream, no_input

__all__ = ["as_in_a_kernel", "installed"]

INLINE = "module://matplotlib_inline.backend_inline"
DEFAULT_FILTERS = (  # those of a Python started without -W
    ("default", None, DeprecationWarning, "__main__", 0),
    ("ignore", None, DeprecationWarning, None, 0),
    ("ignore", None, PendingDeprecationWarning, None, 0),
    ("ignore", None, ImportWarning, None, 0),
    ("ignore", None, ResourceWarning, None, 0),
)


@contextlib.contextmanager
def as_in_a_kernel(collector: Collector) -> Iterator[None]:
    """The process as a fresh kernel would be, while the block runs."""
    with contextlib.ExitStack() as stack:
        for kept in (
            _surroundings(),
            _modules(),
            _randomness(),
            _pandas(),
            _plotly(),
            _matplotlib(),
            _widgets(),
            _logging(),
            _printing(collector),
            _warnings(),
        ):
            stack.enter_context(kept)
        yield


@contextlib.contextmanager
def installed(shell: Shell) -> Iterator[None]:
    """Make the shell the one that `get_ipython()` and `display()` find, and restore the former."""
    classes = [c for c in type(shell).__mro__ if issubclass(c, InteractiveShell)]
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
        config = getattr(sys.modules.get("matplotlib_inline.config"), "InlineBackend", None)
        if config is not None:
            config.clear_instance()


@contextlib.contextmanager
def _surroundings():
    """Folder, environment, search path, arguments, builtins."""
    folder, environment, path, argv = os.getcwd(), dict(os.environ), list(sys.path), sys.argv
    names, asked = dict(vars(builtins)), getpass.getpass
    prompts = {p: getattr(sys, p) for p in ("ps1", "ps2", "ps3") if hasattr(sys, p)}
    os.environ.setdefault("MPLBACKEND", INLINE)
    if "" not in sys.path:  # where a kernel has it: after the standard library
        places = [i for i, p in enumerate(path) if Path(p).name in ("site-packages", "dist-packages")]
        sys.path.insert(min(places, default=0), "")
    sys.argv = ["ipykernel_launcher.py"]
    builtins.input = getpass.getpass = no_input
    try:
        yield
    finally:
        os.chdir(folder)
        for name in set(os.environ) - set(environment):
            del os.environ[name]
        os.environ.update({k: v for k, v in environment.items() if os.environ.get(k) != v})
        sys.path[:], sys.argv, getpass.getpass = path, argv, asked
        for name in set(vars(builtins)) - set(names):
            delattr(builtins, name)
        vars(builtins).update(names)
        for name in ("ps1", "ps2", "ps3"):
            if name in prompts:
                setattr(sys, name, prompts[name])
            elif hasattr(sys, name):
                delattr(sys, name)


@contextlib.contextmanager
def _modules():
    """`__main__` comes back; modules found in the notebook's own folder are forgotten again."""
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
    """A fresh seed for the run; numbers drawn outside it go on as if it had not been."""
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
def _pandas():
    """The options of pandas, where it is loaded."""
    pandas = sys.modules.get("pandas")
    if pandas is None:
        yield
        return
    config = pandas._config.config
    known = {k: o for k, o in config._registered_options.items() if k not in config._deprecated_options}
    before = {name: pandas.get_option(name) for name in known}
    _set_options(pandas, {name: option.defval for name, option in known.items()})
    try:
        yield
    finally:
        _set_options(pandas, before)


def _set_options(pandas, wanted: dict) -> None:
    for name, value in wanted.items():
        now = pandas.get_option(name)
        if now is not value and now != value:
            pandas.set_option(name, value)


@contextlib.contextmanager
def _plotly():
    """The renderer and the template of plotly, where it is loaded; imported later it finds the shell."""
    pio = sys.modules.get("plotly.io")
    if pio is None:
        yield
        return
    before = pio.renderers.default, pio.templates.default
    _set_plotly(pio, os.environ.get("PLOTLY_RENDERER") or "plotly_mimetype", "plotly")
    try:
        yield
    finally:
        _set_plotly(pio, *before)


def _set_plotly(pio, renderer: str, template: str) -> None:
    """Set what differs: to set a template takes longer than a small notebook."""
    if pio.renderers.default != renderer:
        pio.renderers.default = renderer
    if pio.templates.default != template:
        pio.templates.default = template


@contextlib.contextmanager
def _matplotlib():
    """Settings and figures of matplotlib, where it is loaded; figures are shown as in a kernel."""
    matplotlib = sys.modules.get("matplotlib")
    if matplotlib is None:
        yield
        return
    pyplot = sys.modules.get("matplotlib.pyplot")
    backend = matplotlib.get_backend(auto_select=False)
    with matplotlib.rc_context():
        matplotlib.rc_file_defaults()
        matplotlib.use(INLINE)
        try:
            yield
        finally:
            pyplot = sys.modules.get("matplotlib.pyplot", pyplot)
            if pyplot is not None:
                pyplot.close("all")
    if backend is not None and backend.lower() not in ("inline", INLINE):
        matplotlib.use(backend)


@contextlib.contextmanager
def _widgets():
    """Widgets made by the run are closed after it: a list in the library would keep them for good."""
    before = _open_widgets()
    try:
        yield
    finally:
        for key, widget in list(_open_widgets().items()):
            if key not in before:
                with contextlib.suppress(Exception):
                    widget.close()


def _open_widgets() -> dict:
    return dict(getattr(sys.modules.get("ipywidgets.widgets.widget"), "_instances", {}))


@contextlib.contextmanager
def _logging():
    """Handlers and level of the root logger: a handler made in a run would write into the next."""
    root = logging.getLogger()
    handlers, level, disabled = list(root.handlers), root.level, root.manager.disable
    root.handlers[:] = []
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = handlers
        root.setLevel(level)
        root.manager.disable = disabled


@contextlib.contextmanager
def _printing(collector: Collector):
    """What is printed goes to the collector."""
    before = sys.stdout, sys.stderr, sys.displayhook, sys.excepthook
    sys.stdout, sys.stderr = Stream("stdout", collector), Stream("stderr", collector)
    try:
        yield
    finally:
        sys.stdout, sys.stderr, sys.displayhook, sys.excepthook = before


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
