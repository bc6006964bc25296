"""One notebook with parameters through papermill, written whole or not at all."""

from __future__ import annotations

import contextlib
import json
import os
import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from model import checks
from model.apps.notebooks.parameters import format_safe
from model.apps.notebooks.quick import import_schemas

__all__ = ["NotebookFailed", "execute"]


class NotebookFailed(RuntimeError):
    """A cell of a notebook raised; the text is one sentence."""

    def __init__(self, sentence: str, kept: str = "", traceback: str = ""):
        super().__init__(sentence)
        self.kept, self.traceback = kept, traceback


def is_remote(path: object) -> bool:
    """Whether papermill writes to this path over a network, as to s3://."""
    return "://" in str(path)


def execute(
    notebook, parameters: Mapping | None, output, engine: str = "inprocess", failed=None, mark: Mapping | None = None
):
    """Run a notebook with parameters and write it to `output`, whole or not at all.

    The notebook runs in its own folder, as under Jupyter and nbval.
    """
    import_schemas()
    import papermill
    from papermill.exceptions import PapermillExecutionError

    output, kept = str(output), str(failed or output)
    with _part_of(output) as part:
        try:
            node = papermill.execute_notebook(
                format_safe(notebook),
                format_safe(part),
                parameters=dict(parameters or {}),
                engine_name=engine_name(engine),
                progress_bar=False,
                cwd=str(Path(notebook).parent),
            )
            if mark:
                _mark(part, mark)
            _move(part, output)
            return node
        except PapermillExecutionError as error:
            _move(part, kept)
            raise NotebookFailed(failure(Path(notebook).name, error), kept, plain(str(error))) from None


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


def failure(notebook: str, error) -> str:
    """One sentence on a cell that raised."""
    text = plain(f"{error.ename}: {error.evalue}".strip().rstrip(":"))
    return f"{notebook} failed in cell In [{error.exec_count}]: {text.splitlines()[0]}"


def plain(text: str) -> str:
    """The text without the colours of a terminal."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


@contextlib.contextmanager
def _part_of(output: str):
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
