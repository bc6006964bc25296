"""Scenario files: the chain of files that extend each other, one laid over another, and what is wrong in them."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from model import checks, paths
from model.documents import read_yaml
from model.parts.fields import Part
from model.parts.transports import TRANSPORTS, Choices

BLANK = "blank"  # every default that is not about one app; what a file without `extends` starts from
OWN = ("name", "title", "claims", "extends")  # what a file says of itself alone


def names() -> list[str]:
    """The scenarios that come with the project."""
    stems = (name.removesuffix(".yaml") for name in os.listdir(paths.data("scenarios")) if name.endswith(".yaml"))
    return sorted(stem for stem in stems if stem != BLANK)


def _path_of(name: str | Path, place: str = "") -> Path:
    text = str(name)
    if text.endswith((".yaml", ".yml")) or "/" in text:
        if not Path(text).is_file():
            checks.fail(f"no scenario file at {text!r}", place)
        return Path(text)
    if text != BLANK:
        checks.known("scenario", text, names(), place)
    return paths.data("scenarios", f"{text}.yaml")


def content_of(path: Path) -> dict:
    """The mapping that a file holds; read again when the file has changed."""
    return _content(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=64)
def _content(path: Path, changed_ns: int) -> dict:
    content = read_yaml(path)
    if not isinstance(content, dict):
        checks.fail(f"a scenario must be a mapping; got {checks.shown(content)}", paths.shown(path))
    return content


def files(name: str | Path) -> tuple[Path, ...]:
    """The files that a scenario is made of: its own, then what it extends, to the last, which is the blank one."""
    chain = [_path_of(name)]
    while True:
        path = chain[-1]
        base = content_of(path).get("extends")
        if base is None:
            blank = _path_of(BLANK)
            return tuple(chain) if path.resolve() == blank.resolve() else (*chain, blank)
        if path.resolve() in [one.resolve() for one in chain[:-1]]:
            checks.fail(f"extends must not lead back to itself; got {checks.shown(base)}", paths.shown(path))
        near = path.parent / (str(base) if str(base).endswith((".yaml", ".yml")) else f"{base}.yaml")
        here = near.is_file() and near.resolve() != path.resolve()
        chain.append(near if here else _path_of(base, f"extends in {paths.shown(path)}"))


def laid_over(base: dict, changes: dict) -> dict:
    """The base with the changes laid over it, mapping by mapping; a range replaces, a null stays as a mark."""
    out = dict(base)
    for key, value in changes.items():
        mine = out.get(key)
        merges = type(value) is dict and "mode" not in value
        out[key] = laid_over(mine, value) if merges and isinstance(mine, dict) else value
    return out


def without_nulls(value: Any) -> Any:
    """The content without the keys that are null."""
    if isinstance(value, dict):
        return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
    return [without_nulls(inner) for inner in value] if isinstance(value, list) else value


WANTED = {  # what a value must be, by pydantic's name of the mistake
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "too_short": "a list with at least one entry",
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "a mapping"),
}


def sentences(wrong: ValidationError) -> list[str]:
    """Each mistake in one sentence: one that designs copy is said once, and what a part lacks is one list."""
    found: dict[tuple, list[dict]] = {}
    for error in wrong.errors(include_url=False):
        inside = error["loc"][2:] if error["loc"][:1] == ("designs",) else ()
        copied = (error["type"], inside or error["loc"], checks.shown(error["input"]))
        found.setdefault(copied, []).append(dict(error))
    lacking: dict[tuple, list[str]] = {}
    for (kind, *_), (first, *_) in found.items():
        if kind == "missing":
            key, needs = first["loc"][-1], ", ".join(_needs(first["loc"]))
            lacking.setdefault(first["loc"][:-1], []).append(f"{key} ({needs})" if needs else str(key))
    said = []
    for (kind, *_), (first, *more) in found.items():
        lacks = lacking.get(first["loc"][:-1], []) if kind == "missing" else []
        part = ".".join(_located(first["loc"][:-1])) or "a scenario"
        sentence = f"{part} lacks {', '.join(lacks)}, which must be given" if len(lacks) > 1 else _sentence(first)
        names = ", ".join(str(one["loc"][1]) for one in more)
        said.append(sentence + (f" (also in {names})" if names else ""))
    return said


def _sentence(error: Any) -> str:
    """What pydantic found wrong, in one sentence."""
    kind, context, value, keys = error["type"], error.get("ctx", {}), error["input"], error["loc"]
    name = ".".join(_located(keys))
    if kind == "extra_forbidden":
        part, of_design = part_at(keys[:-1]), keys[:1] == ("designs",) and len(keys) == 4
        if of_design and any(keys[-1] in design.model_fields for design in TRANSPORTS.values()):
            return f"{name} must be left out, for a {keys[2]} design has none"
        near = [key for key in part.model_fields if key != "place"] if part else []
        return f"unknown key {checks.shown(name)}{checks.nearest(keys[-1], near)}"
    if kind == "rule":
        return f"{name} {context['sentence']}".lstrip()
    if kind.startswith("union_tag"):
        got = value.get("transport") if isinstance(value, dict) else value
        *others, last = map(repr, TRANSPORTS)
        wanted = f"{', '.join(others)} or {last}"
        return f"{name}.transport must be {wanted}; got {checks.shown(got) if got else 'nothing'}"
    if kind == "missing":
        needs = ", ".join(_needs(keys))
        return f"{name} must be given; got nothing" + (f"; it needs {needs}" if needs else "")
    wanted = context["expected"] if kind == "literal_error" else WANTED.get(kind, error["msg"].lower())
    return f"{name} must be {wanted}; got {checks.shown(value)}"


def _located(keys: tuple) -> Iterator[str]:
    """The words of pydantic's path as a user writes them: a design by its name, without the union's tag."""
    inside = len(keys) > 1 and keys[0] == "designs"
    for place, key in enumerate(keys):
        if not (inside and (place == 0 or place == 2 and key in TRANSPORTS)):
            yield str(key)


def _needs(keys: tuple) -> list[str]:
    """The keys that a missing part cannot be without."""
    part = part_at(keys)
    return [key for key, field in part.model_fields.items() if field.is_required()] if part else []


def part_at(keys: tuple) -> type[Part] | None:
    """The kind of part that stands at pydantic's path, or None where another thing does."""
    kind: Any = Choices
    for key in keys:
        if isinstance(kind, type) and issubclass(kind, Part):
            found: Any = kind.model_fields.get(key)
            kind = found and found.annotation
        elif get_origin(kind) in (dict, list):
            kind = get_args(kind)[-1]
        elif key in TRANSPORTS:
            kind = TRANSPORTS[key]
    one = [kind, *get_args(kind)] if get_origin(kind) not in (dict, list) else []
    return next((part for part in one if isinstance(part, type) and issubclass(part, Part)), None)
