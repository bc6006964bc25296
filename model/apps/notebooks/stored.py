"""Stored notebooks: the form they are stored in, `accept` that runs and stores them, `check` that runs and compares.

Nothing in a stored notebook depends on when, where or how often it ran.
"""

from __future__ import annotations

import copy
import json
import re
import sys
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from model import checks, paths
from model.apps.notebooks.comparing import CHART_MIME, Difference, differences
from model.apps.notebooks.processes import execute_all
from model.apps.notebooks.running import find, import_schemas, write_whole
from model.show import pictures

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
DROPPED = ("papermill", "execution", "widgets", "ExecuteTime", "signature", "trusted", "collapsed")
PICTURE, WIDGET = "image/png", "application/vnd.jupyter.widget-view+json"
KEPT_AS_IS = (PICTURE, "image/jpeg", "application/pdf")
NOT_AS_ACCEPTED = "the file is not as `workbook accept` writes it; accept it again"


def accept(notebooks: Iterable | None = None, with_pictures: bool = True, **how) -> list[Difference]:
    """Run notebooks as `execute_all` does, store them with their outputs, and tell in numbers what changed.

    Where nothing changed, the file keeps its bytes. A notebook that fails, or that prints a warning,
    is not stored.
    """
    if with_pictures:
        pictures.check_installed()
    changes = []
    for path, fresh in _fresh(notebooks, how).items():
        stored = _read(path)
        refused = [fresh] if isinstance(fresh, Difference) else _noise(fresh, path.name)
        changes += refused or differences(stored, fresh, path.name)
        if not refused:
            _keep_pictures(stored, fresh, with_pictures)
            _write(path, text_of(fresh))
    return changes


def check(
    notebooks: Iterable | None = None, tolerance: Mapping | None = None, kernel: bool = True, **how
) -> list[Difference]:
    """Run notebooks, in a kernel each as well, and tell each number, text and chart that is not as it is stored."""
    changes: list[Difference] = []
    for engine in ["inprocess", *(["kernel"] if kernel else [])]:
        known = {(d.notebook, d.cell) for d in changes}
        for path, fresh in _fresh(notebooks, {**how, "engine": engine}).items():
            changes += [d for d in _unlike(path, fresh, tolerance) if (d.notebook, d.cell) not in known]
    return changes


def _unlike(path: Path, fresh, tolerance: Mapping | None) -> list[Difference]:
    """In what a new run differs from the stored notebook, or the file from what `accept` writes."""
    if isinstance(fresh, Difference):
        return [fresh]
    stored = _read(path)
    own = differences(stored, fresh, path.name, tolerance) + _noise(fresh, path.name)
    if not own and path.read_text(encoding="utf-8") != text_of(stored):
        own = [Difference(path.name, 1, "failed", fresh=NOT_AS_ACCEPTED)]
    return own


def _fresh(notebooks, how: Mapping) -> dict:
    """Each notebook's path with its new run in stored form, or with the difference that it fails."""
    chosen = [find(n) for n in notebooks] if notebooks else sorted(paths.notebooks().glob("*.ipynb"))
    if not chosen:
        checks.fail("no notebooks to run", paths.notebooks())
    runs = {}
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        for done in execute_all(chosen, None, folder, **how):
            number = int(done.error.partition("In [")[2].partition("]")[0] or 0)
            failed = Difference(done.notebook.name, number, "failed", fresh=done.error)
            runs[done.notebook] = failed if done.error else _read(done.output)
    return runs


def _read(path: Path):
    """A notebook in stored form, whatever program saved it."""
    import_schemas()
    import nbformat

    return normalise(nbformat.read(path, as_version=4))


def _write(path: Path, text: str) -> None:
    """Write the file, but not where it would stay the same."""
    try:
        if path.read_text(encoding="utf-8") != text:
            write_whole(path, text)
    except OSError as error:
        checks.fail(f"cannot store {path.name}: {error.strerror}")


def _noise(fresh, name: str) -> list[Difference]:
    """What a stored notebook must not hold: anything on stderr, warnings above all."""
    printed = [(c, o) for c in _code(fresh) for o in c.outputs if o.get("name") == "stderr"]
    said = [(cell.execution_count, output.text.strip().partition("\n")[0][:100]) for cell, output in printed]
    return [Difference(name, number, "failed", fresh=f"prints to stderr: {line}") for number, line in said]


def _code(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def _keep_pictures(stored, fresh, draw: bool) -> None:
    """Give each chart its picture: the stored one while its data are the same, else a new one."""

    def charts(notebook) -> list[tuple]:
        outputs = [o for c in _code(notebook) for o in c.outputs if CHART_MIME in o.get("data", {})]
        return [(json.dumps(o.data[CHART_MIME], sort_keys=True), o.data) for o in outputs]

    kept = {chart: data[PICTURE] for chart, data in charts(stored) if PICTURE in data}
    bare = [data for chart, data in charts(fresh) if not kept.get(chart)]
    for chart, data in charts(fresh):
        if kept.get(chart):
            data[PICTURE] = kept[chart]
    if draw:
        for data, picture in zip(bare, pictures.pngs([data[CHART_MIME] for data in bare]), strict=True):
            data.update({PICTURE: picture} if picture else {})


def normalise(notebook):
    """The notebook as it is stored: ids and counts in order, no run times, no folders of this machine."""
    import nbformat

    from model.apps.notebooks.surroundings import LANGUAGE

    rules, count = patterns(), 0
    new = nbformat.v4.new_notebook()
    kept = {k: v for k, v in notebook.metadata.items() if k not in DROPPED}
    new.metadata = nbformat.from_dict({**kept, "kernelspec": KERNEL, "language_info": LANGUAGE})
    for position, old in enumerate(notebook.cells, 1):
        cell = nbformat.from_dict(copy.deepcopy(dict(old)))
        cell.id = f"cell-{position:02d}"
        kept = {k: v for k, v in old.metadata.items() if k not in DROPPED and (k != "tags" or v)}
        cell.metadata = nbformat.from_dict(kept)
        if cell.cell_type == "code":
            count += bool(cell.source.strip())
            cell.execution_count = count if cell.source.strip() else None
            cell.outputs = [nbformat.from_dict(o) for o in _outputs(old.get("outputs", ()), count, rules)]
        new.cells.append(cell)
    return new


def text_of(notebook) -> str:
    """The text of a notebook's file, the same bytes for the same notebook."""
    import nbformat

    return nbformat.writes(notebook, version=4).rstrip("\n") + "\n"


def _outputs(outputs, count: int, rules: list) -> list[dict]:
    """The outputs of a cell, streams joined between displays: stdout first, since their order is chance."""
    done, streams = [], {}
    for output in [*outputs, None]:
        if output is not None and output["output_type"] == "stream":
            streams[output["name"]] = streams.get(output["name"], "") + output["text"]
            continue
        for name in sorted(streams, reverse=True):
            done.append({"output_type": "stream", "name": name, "text": _overwritten(streams[name])})
        streams = {}
        if output is not None:
            done.append(_shown(dict(output), count))
    return [scrubbed(o, rules) for o in done]


def _shown(output: dict, count: int) -> dict:
    if output["output_type"] == "execute_result":
        output["execution_count"] = count
    if "data" in output:
        output["data"] = {k: v for k, v in output["data"].items() if k != WIDGET or len(output["data"]) == 1}
    if WIDGET in output.get("data", {}):
        output["data"] = {WIDGET: {"model_id": "left out", "version_major": 2, "version_minor": 0}}
    return output


def _overwritten(text: str) -> str:
    """What stays of lines that a carriage return went over, as of a progress bar."""
    return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in text.split("\n"))


def scrubbed(value: object, rules: list) -> object:
    """The value with every text in it freed of times, addresses in memory and folders of this machine."""
    if isinstance(value, str):
        for pattern, replacement in rules:
            value = re.sub(pattern, replacement, value)
        return value
    if isinstance(value, dict):
        return {k: v if k in KEPT_AS_IS else scrubbed(v, rules) for k, v in value.items()}
    return [scrubbed(v, rules) for v in value] if isinstance(value, list) else value


def patterns() -> list[tuple[str, str]]:
    """Pattern and replacement of what differs between runs and machines in any text."""
    rules = [
        (r"[^\s'\"<>]*ipykernel_\d+[/\\]\d+\.py", "cell.py"),
        (r"(?<= at )0x[0-9a-fA-F]{6,16}", "0x0"),
        (r"(CPU times|Wall time): [^\n<]*", r"\1: left out"),
    ]
    folders = {str(Path.home()): "~", tempfile.gettempdir(): "tmp", sys.base_prefix: "python", sys.prefix: "python"}
    folders[str(paths.data().parent)] = "."
    for folder in sorted(folders, key=lambda f: (-len(f), f)):
        if len(folder) > 1:
            rules.append((r"(?<![\w.\-])" + re.escape(folder) + r"(?=[/\\\s'\":<]|$)", folders[folder]))
    return rules
