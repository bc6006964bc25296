"""One notebook: its parameters as papermill finds them, values checked against them, and a run that is whole or not."""

from __future__ import annotations

import ast
import atexit
import contextlib
import datetime
import functools
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from model import checks, paths

GRAMMAR = "rfc3987_syntax"
MOST_BYTES = 100e6  # of a notebook with its outputs; parsing takes four times as much memory
TYPES = {
    "float": ((int, float), "a number"),
    "int": ((int,), "a whole number"),
    "str": ((str,), "a text"),
    "bool": ((bool,), "true or false"),
    "list": ((list,), "a list"),
    "dict": ((dict,), "a mapping"),
    "tuple": ((list,), "a list"),
}
SECRET = re.compile(
    r"passw(or)?d|passphrase|secret|credential|api_?key|access_?key|private_?key|(^|[_.\-])(token|key|pwd)s?$", re.I
)
SECRET_VALUE = re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b|-----BEGIN [A-Z ]*PRIVATE KEY")


@functools.cache
def import_schemas() -> None:
    """Import jsonschema, on which nbformat stands, without a grammar of web addresses.

    Where that grammar is installed (Jupyter's events bring it), jsonschema compiles it on import, which
    takes longer than all else that papermill imports. No check of a notebook uses it.
    """
    absent = GRAMMAR not in sys.modules
    if absent:
        sys.modules[GRAMMAR] = None  # an import of it fails, as where it is not installed
    try:
        import jsonschema  # noqa: F401
    finally:
        if absent:
            del sys.modules[GRAMMAR]


# ---- what a notebook can be told


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook: its declared type and its default."""

    type: str
    default: object


def find(name: str | os.PathLike, place: object = None) -> Path:
    """The path of a notebook given by its name in the project's folder or by a path."""
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    own = {p.stem: p for p in sorted(paths.notebooks().glob("*.ipynb"))}
    return own[checks.known("notebook", str(name).removesuffix(".ipynb"), own, place)]


def parameters_of(notebook: Path, needed: bool = True) -> dict[str, Parameter]:
    """The parameters that papermill finds in the cell tagged `parameters`, by name."""
    import_schemas()
    import nbformat
    import papermill
    from papermill.translators import papermill_translators

    if notebook.stat().st_size > MOST_BYTES:
        checks.fail(f"{notebook.name} is no readable notebook: it has more than {MOST_BYTES / 1e6:g} MB")
    try:
        content = nbformat.read(notebook, as_version=4)
        nbformat.validate(content)
        kernel = papermill.utils.nb_kernel_name(content), papermill.utils.nb_language(content)
        papermill_translators.find_translator(*kernel)
    except Exception as error:
        why = (str(error) or type(error).__name__).splitlines()[0]
        checks.fail(f"{notebook.name} is no readable notebook: {why[:200]}")
    if not any("parameters" in c.metadata.get("tags", ()) for c in content.cells):
        if not needed:
            return {}
        checks.fail(f"{notebook.name} has no cell tagged 'parameters', so nothing can be set in it")
    inspected = papermill.inspect_notebook(_format_safe(notebook))
    for name in inspected:
        no_secret(name, place=notebook.name)
    return {name: Parameter(_outer_type(p), _literal(p["default"])) for name, p in inspected.items()}


def _outer_type(inspected: Mapping) -> str:
    return re.split(r"[\[\s|]", inspected["inferred_type_name"].strip())[0]


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _format_safe(path) -> str:
    """The path as papermill wants it, which takes braces for a format."""
    return str(path).replace("{", "{{").replace("}", "}}")


def checked(known: Mapping[str, Parameter], given: Mapping, notebook: str, place: object = None) -> dict:
    """The given parameters, each known to the notebook and of its type, as plain JSON values."""
    clean = {}
    for name, value in given.items():
        value = _plain(name, value, place)
        checks.known("parameter", name, known, place, f" in {notebook}")
        kind = known[name].type
        types, noun = TYPES.get(kind, ((object,), ""))
        ok = isinstance(value, types) and not (isinstance(value, bool) and kind in ("float", "int"))
        if kind == "int" and isinstance(value, float) and value.is_integer():
            value, ok = int(value), True
        if not ok:
            checks.fail(f"{name} must be {noun}; got {checks.shown(value)}", place)
        clean[name] = float(value) if kind == "float" else value
    return clean


def no_secret(name: str, value: object = None, place: object = None) -> None:
    """Refuse a parameter whose name or value looks like a secret: every notebook shows its parameters."""
    if SECRET.search(name) or (isinstance(value, str) and SECRET_VALUE.search(value)):
        instead = "parameters are written into every notebook; keep it in the environment"
        checks.fail(f"{name!r} looks like a secret, and {instead}", place)


def _plain(name: str, value: object, place: object) -> object:
    """The value as numbers, texts, lists and mappings, refused where it is anything else."""
    no_secret(name, value, place)
    if isinstance(value, dict):
        return {str(k): _plain(f"{name}.{k}", v, place) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(name, v, place) for v in value]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, float) and value != value:
        checks.fail(f"{name} must be a number; got NaN", place)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    checks.fail(f"{name} must be a number, a text, a list or a mapping; got {checks.shown(value)}", place)


# ---- a run


class NotebookFailed(RuntimeError):
    """A cell of a notebook raised; the text is one sentence."""

    def __init__(self, sentence: str, traceback: str = ""):
        super().__init__(sentence)
        self.traceback = traceback


def is_remote(path: object) -> bool:
    """Whether papermill writes to this path over a network, as to s3://."""
    return "://" in str(path)


def execute(
    notebook, parameters: Mapping | None, output, engine: str = "inprocess", failed=None, mark: Mapping | None = None
):
    """Run a notebook with parameters and write it to `output`, whole or not at all.

    The notebook runs in its own folder, as under Jupyter and nbval. One that fails goes to `failed`;
    `mark` is added to the metadata of one that does not.
    """
    import_schemas()
    import papermill
    from papermill.exceptions import PapermillExecutionError

    notebook, output = Path(notebook), str(output)
    with _part_of(output) as part:
        try:
            node = papermill.execute_notebook(
                _format_safe(notebook),
                _format_safe(part),
                parameters=dict(parameters or {}),
                engine_name=engine_name(engine),
                progress_bar=False,
                cwd=str(notebook.parent),
                allow_error_names=[checks.LeftOut.__name__],
            )
        except PapermillExecutionError as error:
            if error.ename == checks.LeftOut.__name__:
                return _parts_left_out(part, output, mark)
            _move(part, str(failed or output))
            said = _without_colours(f"{error.ename}: {error.evalue}".strip().rstrip(":")).splitlines()[0]
            sentence = f"{notebook.name} failed in cell In [{error.exec_count}]: {said}"
            raise NotebookFailed(sentence, _without_colours(str(error))) from None
        if mark:
            _mark(part, mark)
        _move(part, output)
        return node


def _parts_left_out(part: str, output: str, mark: Mapping | None):
    """Keep a notebook with cells that have no meaning for its scenario; papermill's cells about a failure go."""
    import nbformat

    node = nbformat.read(part, as_version=4)
    node.cells = [one for one in node.cells if "papermill-error-cell-tag" not in one.metadata.get("tags", ())]
    nbformat.write(node, part)
    if mark:
        _mark(part, mark)
    _move(part, output)
    return node


def engine_name(engine: str) -> str | None:
    """papermill's name of the engine, our own registered even where its entry point is not installed."""
    from papermill.engines import papermill_engines

    if engine == "inprocess":
        from model.apps.notebooks.engine import InProcessEngine

        papermill_engines.register("inprocess", InProcessEngine)
    name = None if engine == "kernel" else engine
    if name not in papermill_engines._engines:
        checks.known("engine", engine, ["kernel", *filter(None, papermill_engines._engines)])
    return name


def give_jupyter_a_home() -> None:
    """Let Jupyter keep its own files in a temporary folder, where it may not write in the home of who runs it."""
    from jupyter_core import paths as jupyter

    try:
        for folder in (jupyter.jupyter_runtime_dir(), jupyter.jupyter_data_dir(), jupyter.jupyter_config_dir()):
            os.makedirs(folder, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        home = tempfile.mkdtemp(prefix="workbook-")
        atexit.register(shutil.rmtree, home, ignore_errors=True)
        names = ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR")
        os.environ.update({name: os.path.join(home, name.lower()) for name in names})


def _without_colours(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def write_whole(path: str | Path, content: str | bytes) -> Path:
    """Write a file whole or not at all; gives its path."""
    with _part_of(str(path)) as part:
        Path(part).write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    return Path(path)


@contextlib.contextmanager
def _part_of(output: str) -> Iterator[str]:
    """A temporary name beside the output (or, for a remote one, here), gone when the block is left."""
    folder, name = os.path.split(output)
    folder = tempfile.gettempdir() if is_remote(output) else os.path.abspath(folder)
    part = os.path.join(folder, f".part-{os.getpid()}-{name}")  # the id tells whose leftover it is
    try:
        yield part
    finally:
        with contextlib.suppress(OSError):
            os.unlink(part)


def _mark(part: str, mark: Mapping) -> None:
    """Add to the metadata of a notebook that is written but not yet in its place."""
    notebook = json.loads(Path(part).read_text(encoding="utf-8"))
    notebook["metadata"]["workbook"] = dict(mark)
    text = json.dumps(notebook, indent=1, sort_keys=True, ensure_ascii=False)
    Path(part).write_text(f"{text}\n", encoding="utf-8")


def _move(part: str, output: str) -> None:
    """Put the finished file where it belongs, in one step."""
    if not is_remote(output):
        os.replace(part, output)
        return
    from papermill.iorw import papermill_io

    papermill_io.write(Path(part).read_text(encoding="utf-8"), output)
