"""Runs stored notebooks again: `accept` stores what comes out, `check` says what is not as stored."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from model import checks, paths
from model.apps.notebooks.compare import Difference, differences
from model.apps.notebooks.many import execute_all
from model.apps.notebooks.nbval import failures, has_nbval
from model.apps.notebooks.normal import normalise, text_of
from model.apps.notebooks.parameters import find
from model.apps.notebooks.quick import import_schemas
from model.apps.notebooks.tables import CHART_MIME
from model.show import pictures

__all__ = ["accept", "check"]


def accept(
    notebooks: Iterable | None = None,
    engine: str = "inprocess",
    with_pictures: bool = True,
    jobs: int | None = None,
    progress: bool = True,
) -> list[Difference]:
    """Run notebooks, store them with their outputs, and tell in numbers what changed.

    Where nothing changed, the file keeps its bytes. A notebook that fails, or that prints a warning,
    is not stored.
    """
    if with_pictures:
        pictures.check_installed()
    found = []
    for path, fresh in _fresh(notebooks, engine, jobs, progress).items():
        stored = _read(path)
        if isinstance(fresh, Difference):
            found.append(fresh)
            continue
        changes = differences(stored, fresh, path.name)
        noisy = _noise(fresh, path.name)
        if noisy:
            found += noisy
            continue
        found += changes
        _keep_pictures(stored, fresh, with_pictures)
        _write(path, text_of(fresh))
    return found


def check(
    notebooks: Iterable | None = None,
    engine: str = "inprocess",
    tolerance: Mapping | None = None,
    nbval: bool = True,
    jobs: int | None = None,
    progress: bool = True,
) -> list[Difference]:
    """Run notebooks and tell each number, text and chart that is not as it is stored."""
    fresh_runs = _fresh(notebooks, engine, jobs, progress)
    found = []
    for path, fresh in fresh_runs.items():
        if isinstance(fresh, Difference):
            found.append(fresh)
            continue
        stored = _read(path)
        own = differences(stored, fresh, path.name, tolerance) + _noise(fresh, path.name)
        if not own and path.read_text(encoding="utf-8") != text_of(stored):
            own = [
                Difference(
                    path.name, 1, "failed", now="the file is not as `workbook accept` writes it; accept it again"
                )
            ]
        found += own
    if nbval and has_nbval():
        known = {(d.notebook, d.cell) for d in found}
        found += [d for d in failures(list(fresh_runs)) if (d.notebook, d.cell) not in known]
    return found


def _fresh(notebooks, engine: str, jobs: int | None, progress: bool) -> dict:
    """Each notebook's path with its new run in stored form, or with the difference that it fails."""
    import_schemas()
    import nbformat

    chosen = [find(n) for n in notebooks] if notebooks else sorted(paths.notebooks().glob("*.ipynb"))
    if not chosen:
        checks.fail("no notebooks to run", paths.notebooks())
    runs = {}
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        for done in execute_all(chosen, None, folder, engine, jobs, progress):
            if done.error:
                number = int(done.error.partition("In [")[2].partition("]")[0] or 0)
                runs[done.notebook] = Difference(done.notebook.name, number, "failed", now=done.error)
            else:
                runs[done.notebook] = normalise(nbformat.read(done.output, as_version=4))
    return runs


def _read(path: Path):
    """The stored notebook in stored form, whatever program saved it."""
    import nbformat

    return normalise(nbformat.read(path, as_version=4))


def _noise(fresh, name: str) -> list[Difference]:
    """What a stored notebook must not hold: anything on stderr, warnings above all."""
    return [
        Difference(name, cell.execution_count, "failed", now=f"prints to stderr: {text[:100]}")
        for cell in fresh.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.get("name") == "stderr"
        for text in [output.text.strip().splitlines()[0]]
    ]


def _charts(notebook) -> list:
    return [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs if CHART_MIME in o.get("data", {})]


def _keep_pictures(stored, fresh, draw: bool) -> None:
    """Give each chart its picture: the stored one while its data are the same, else a new one."""
    kept = {
        json.dumps(o.data[CHART_MIME], sort_keys=True): o.data["image/png"]
        for o in _charts(stored)
        if "image/png" in o.data
    }
    bare = []
    for output in _charts(fresh):
        picture = kept.get(json.dumps(output.data[CHART_MIME], sort_keys=True))
        if picture:
            output.data["image/png"] = picture
        else:
            bare.append(output)
    if draw:
        for output, picture in zip(bare, pictures.pngs([o.data[CHART_MIME] for o in bare]), strict=True):
            if picture:
                output.data["image/png"] = picture


def _write(path: Path, text: str) -> None:
    """Write the file whole or not at all, and not where it would stay the same."""
    if path.read_text(encoding="utf-8") == text:
        return
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        part.write_text(text, encoding="utf-8")
        os.replace(part, path)
    except OSError as error:
        checks.fail(f"cannot store {path.name}: {error.strerror}")
    finally:
        with contextlib.suppress(OSError):
            part.unlink()
