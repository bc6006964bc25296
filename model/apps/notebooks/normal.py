"""The form in which a notebook is stored: nothing in it depends on when, where or how often it ran."""

from __future__ import annotations

import copy
import re
import sys
import tempfile
from pathlib import Path

from model import paths

__all__ = ["normalise", "sanitize_file_text", "scrubbed", "text_of"]

KERNEL = {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"}
LANGUAGE = {
    "codemirror_mode": {"name": "ipython", "version": 3},
    "file_extension": ".py",
    "mimetype": "text/x-python",
    "name": "python",
    "nbconvert_exporter": "python",
    "pygments_lexer": "ipython3",
}
DROPPED = ("papermill", "execution", "widgets", "ExecuteTime", "signature", "trusted", "collapsed")
WIDGET = "application/vnd.jupyter.widget-view+json"
KEPT_AS_IS = ("image/png", "image/jpeg", "application/pdf")


def patterns() -> list[tuple[str, str, str]]:
    """Name, pattern and replacement of what differs between runs and machines in any text."""
    found = [
        ("cell file", r"[^\s'\"<>]*ipykernel_\d+[/\\]\d+\.py", "cell.py"),
        ("address", r"(?<= at )0x[0-9a-fA-F]{6,16}", "0x0"),
        ("run time", r"(CPU times|Wall time): [^\n<]*", r"\1: left out"),
    ]
    places = [
        (str(paths.data().parent), "."),
        (sys.prefix, "python"),
        (sys.base_prefix, "python"),
        (tempfile.gettempdir(), "tmp"),
        (str(Path.home()), "~"),
    ]
    for place, name in sorted(set(places), key=lambda p: -len(p[0])):
        if len(place) > 1:
            whole = r"(?<![\w.\-])" + re.escape(place) + r"(?=[/\\\s'\":<]|$)"
            found.append((f"folder {len(found)}", whole, name))
    return found


def scrubbed(value: object, rules: list | None = None) -> object:
    """The value with every text in it freed of times, addresses in memory and folders of this machine."""
    rules = patterns() if rules is None else rules
    if isinstance(value, str):
        for _, pattern, replacement in rules:
            value = re.sub(pattern, replacement, value)
        return value
    if isinstance(value, dict):
        return {k: v if k in KEPT_AS_IS else scrubbed(v, rules) for k, v in value.items()}
    return [scrubbed(v, rules) for v in value] if isinstance(value, list) else value


def sanitize_file_text() -> str:
    """The same patterns as nbval reads them with `--nbval-sanitize-with`."""
    return "".join(
        f"[{name}]\nregex: {pattern}\nreplace: {replacement}\n\n" for name, pattern, replacement in patterns()
    )


def normalise(notebook):
    """The notebook as it is stored: ids and counts in order, no run times, no folders of this machine."""
    import nbformat

    rules, count = patterns(), 0
    new = nbformat.v4.new_notebook()
    kept = {k: v for k, v in notebook.metadata.items() if k not in DROPPED}
    new.metadata = nbformat.from_dict({**kept, "kernelspec": KERNEL, "language_info": LANGUAGE})
    for position, old in enumerate(notebook.cells, 1):
        cell = nbformat.from_dict(copy.deepcopy(dict(old)))
        cell.id = f"cell-{position:02d}"
        cell.metadata = nbformat.from_dict(
            {k: v for k, v in old.metadata.items() if k not in DROPPED and (k != "tags" or v)}
        )
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
