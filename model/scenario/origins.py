"""Which file says each input of a scenario, what it replaces, and values far outside the range that they replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from model import checks, paths
from model.parts.fields import Part
from model.parts.transports import Choices
from model.scenario.designs import Anew, apart
from model.scenario.files import OWN, content_of

FAR, FAR_OF_ONE = 3.0, 1000.0  # times outside the range, or away from the one number, that a value replaces
SHARED = ("api", "server", "functions")  # the app's, which designs have alike unless they say otherwise
Saying = tuple[str, Any]  # a file, and what it says as it stands there


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every input below a value with its path; what is empty or absent is none."""
    if isinstance(value, Part):
        value = {name: getattr(value, name) for name in type(value).model_fields if path or name != "place"}
    elif isinstance(value, list) and value and isinstance(value[0], Part):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from leaves(inner, (*path, str(name)))
    elif value is not None and not (isinstance(value, (list, str)) and not value):
        yield path, value


def _said(content: Any, keys: Sequence[str]) -> Any:
    """What a content says at a path or above it; None where it says nothing."""
    for key in keys:
        if not isinstance(content, dict) or "mode" in content:  # a list, a range, or a place by its name alone
            return None if isinstance(content, str) and key != "place" else content
        content = content.get(key)
    return content


def _sayings(keys: tuple[str, ...], files: list[tuple[str, dict]]) -> Iterator[Saying]:
    """Every file that says an input, the one that counts first: the scenario's own, then what it extends or is like."""
    if keys[0] != "designs":
        yield from ((where, said) for where, one in files if (said := _said(one, keys)) is not None)
        return
    name, rest, like, after = keys[1], keys[2:], None, files
    for depth, (where, one) in enumerate(files):
        design = one.get("designs", {}).get(name, {})
        if like is None and design.get("like"):
            anew = any(isinstance(other, Anew) for _, over in files[:depth] for other in over["designs"].values())
            like, after = design["like"], files[depth:] if anew else files  # a copy of what was then is not of what is
        if (said := _said(design, rest)) is not None:
            yield where, said
        if isinstance(design, Anew):
            break
    path = paths.data("designs", f"{like}.yaml")
    if like != name and any(like in one.get("designs", {}) for _, one in after):
        yield from _sayings(("designs", str(like), *rest), after)
    elif path.is_file():
        yield from _sayings(("designs", str(like), *rest), [(paths.shown(path), {"designs": {like: content_of(path)}})])
    if rest[0] in SHARED:
        yield from _sayings(rest, files)


def sayings(scenario: Choices, chain: Sequence[Path]) -> dict[str, tuple[Any, list[Saying]]]:
    """Each input by its path as users write it: its value, and the files that say it, the one that counts first."""
    contents = []
    for depth, path in enumerate(chain):
        whole = apart(content_of(path), paths.shown(path))
        own = {key: one for key, one in whole.items() if depth == 0 or key not in OWN}
        contents.append((paths.shown(path), {"designs": {}, **own}))
    found = {}
    for keys, value in leaves(scenario):
        said = list(_sayings(keys, contents))
        of_app = list(_sayings(keys[2:], contents)) if keys[0] == "designs" and keys[2] in SHARED else []
        if said and said[:1] != of_app[:1]:  # what the app has for its designs is an input already
            found[".".join(keys).removeprefix("designs.")] = (value, said)
    return found


def _span(said: Any) -> tuple[str, float, float] | None:
    """What is said of an input, a range or a number above 0, in words, and between which values others are usual."""
    if isinstance(said, dict) and None not in (said.get("low"), said.get("high")):
        return f"{said['low']:.15g} to {said['high']:.15g}", said["low"] / FAR, said["high"] * FAR
    one = said if type(said) in (int, float) and said > 0 else None
    return one and (checks.shown(one), one / FAR_OF_ONE, one * FAR_OF_ONE)


def unusual(scenario: Choices, chain: Sequence[Path]) -> list[str]:
    """Each value of the scenario's own file that is far from the range or number it replaces, in one sentence."""
    sentences: dict[tuple, str] = {}
    for path, (value, ((own, _), *others)) in sayings(scenario, chain).items():
        value = getattr(value, "mode", value)
        norms = ((where, span) for where, one in others if where != own and (span := _span(one)))
        where, span = next(norms, ("", None))
        if own == paths.shown(chain[0]) and span and value and not span[1] <= value <= span[2]:  # 0 switches off
            said = f"is {checks.shown(value)}, far outside the {span[0]} of {where} ({own})"
            sentences.setdefault((path.partition(".")[2], said), f"{path} {said}")  # once for all designs alike
    return list(sentences.values())
