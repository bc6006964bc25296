"""What pydantic found wrong with a scenario, in words: every unknown and every missing key, each with its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args, get_origin

from pydantic import ValidationError

from model import checks
from model.parts.fields import Part
from model.parts.transports import TRANSPORTS, Choices

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
