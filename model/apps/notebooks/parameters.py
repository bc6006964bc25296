"""What a notebook can be told: its parameters as papermill finds them, and values checked against them."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from model import checks, paths
from model.apps.notebooks.plain import no_secret, plain_value
from model.apps.notebooks.quick import import_schemas

__all__ = ["Parameter", "find", "parameters_of"]

TYPES = {
    "float": (int, float),
    "int": (int,),
    "str": (str,),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
    "tuple": (list,),
}
NOUNS = {
    "float": "a number",
    "int": "a whole number",
    "str": "a text",
    "bool": "true or false",
    "list": "a list",
    "dict": "a mapping",
    "tuple": "a list",
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a notebook: its name, declared type, default and explanation."""

    name: str
    type: str
    default: object
    help: str


def find(name: str | os.PathLike, place: object = None) -> Path:
    """The path of a notebook given by its name in the project's folder or by a path."""
    path = Path(name)
    if path.suffix == ".ipynb" and path.is_file():
        return path.resolve()
    own = {p.stem: p for p in sorted(paths.notebooks().glob("*.ipynb"))}
    stem = str(name).removesuffix(".ipynb")
    return own[checks.known("notebook", stem, own, place)]


def parameters_of(notebook: Path, needed: bool = True) -> dict[str, Parameter]:
    """The parameters that papermill finds in the cell tagged `parameters`."""
    import_schemas()
    import nbformat
    import papermill

    try:
        cells = nbformat.read(notebook, as_version=4).cells
    except Exception as error:
        checks.fail(f"{notebook.name} is no readable notebook: {str(error).splitlines()[0]}")
    if not any("parameters" in c.metadata.get("tags", ()) for c in cells):
        if not needed:
            return {}
        checks.fail(f"{notebook.name} has no cell tagged 'parameters', so nothing can be set in it")
    found = papermill.inspect_notebook(format_safe(notebook))
    for name in found:
        no_secret(name, place=notebook.name)
    return {
        name: Parameter(name, _outer_type(p["inferred_type_name"]), _literal(p["default"]), p["help"])
        for name, p in found.items()
    }


def checked(known: Mapping[str, Parameter], given: Mapping, notebook: str, place: object = None) -> dict:
    """The given parameters, each known to the notebook and of its type, as plain JSON values."""
    clean = {}
    for name, value in given.items():
        value = plain_value(name, value, place)
        if name not in known:
            checks.fail(f"unknown parameter {name!r} in {notebook}{checks.nearest(name, known)}", place)
        kind = known[name].type
        wanted = TYPES.get(kind, (object,))
        ok = isinstance(value, wanted) and not (isinstance(value, bool) and kind in ("float", "int"))
        if kind == "int" and isinstance(value, float) and value.is_integer():
            value, ok = int(value), True
        if not ok:
            checks.fail(f"{name} must be {NOUNS[kind]}; got {checks.shown(value)}", place)
        clean[name] = float(value) if kind == "float" else value
    return clean


def format_safe(path) -> str:
    """The path as papermill wants it, which takes braces for a format."""
    return str(path).replace("{", "{{").replace("}", "}}")


def _outer_type(name: str) -> str:
    return re.split(r"[\[\s|]", name.strip())[0]


def _literal(text: str) -> object:
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text
