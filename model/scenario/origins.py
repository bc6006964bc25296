"""Which file says each input of a scenario, what it replaces, and values far outside the range that they replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from model import checks, paths
from model.scenario.designs import Anew, apart
from model.scenario.fields import Part, Range
from model.scenario.files import OWN, content_of
from model.scenario.transports import Choices

FAR = 3.0  # times above the high, or below the low, of the range that a value replaces
Saying = tuple[str, Any]  # a file, and what it says as it stands there


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every input below a value with its path; what is empty or absent is none."""
    if isinstance(value, Part):
        value = {name: getattr(value, name) for name in type(value).model_fields if name != "place"}
    elif isinstance(value, list) and value and isinstance(value[0], Part):
        value = dict(enumerate(value))
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, (*path, str(name)))
    elif isinstance(value, Range) or value not in (None, [], ""):
        yield path, value


def _said(content: Any, keys: Sequence[str]) -> Any:
    """What a content says at a path or above it; None where it says nothing."""
    for key in keys:
        if not isinstance(content, dict) or "mode" in content:
            break
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
            like, anew = (
                design["like"],
                any(isinstance(d, Anew) for _, o in files[:depth] for d in o["designs"].values()),
            )
            after = files[depth:] if anew else files  # a design given anew leaves alone what copied the old one
        if (said := _said(design, rest)) is not None:
            yield where, said
        if isinstance(design, Anew):
            break
    path = paths.data("designs", f"{like}.yaml")
    if like != name and any(like in one.get("designs", {}) for _, one in after):
        yield from _sayings(("designs", str(like), *rest), after)
    elif path.is_file():
        yield from _sayings(("designs", str(like), *rest), [(paths.shown(path), {"designs": {like: content_of(path)}})])
    if rest[0] in ("api", "server", "functions"):
        yield from (("", said) for _, said in _sayings(rest, files))  # the app's, where it is an input already


def sayings(scenario: Choices, chain: Sequence[Path]) -> dict[str, tuple[Any, list[Saying]]]:
    """Each input by its path as users write it: its value, and the files that say it, the one that counts first."""
    contents = []
    for depth, path in enumerate(chain):
        whole = apart(content_of(path), paths.shown(path))
        own = {key: one for key, one in whole.items() if depth == 0 or key not in OWN}
        contents.append((paths.shown(path), {"designs": {}, **own}))
    found = {}
    for keys, value in _leaves(scenario):
        said = list(_sayings(keys, contents))
        if said and said[0][0]:
            found[".".join(keys).removeprefix("designs.")] = (value, said)
    return found


def unusual(scenario: Choices, chain: Sequence[Path]) -> list[str]:
    """Each value of the scenario's own file that is far outside the range it replaces, in one sentence."""
    sentences: dict[tuple, str] = {}
    for path, (value, ((own, _), *others)) in sayings(scenario, chain).items():
        value = getattr(value, "mode", value)
        ranged = [(where, one) for where, one in others if isinstance(one, dict) and one.keys() >= {"low", "high"}]
        if own != paths.shown(chain[0]) or not ranged or not isinstance(value, float):
            continue
        where, one = ranged[0]
        if not one["low"] / FAR <= value <= one["high"] * FAR:
            span = f"{checks.shown(one['low'])} to {checks.shown(one['high'])}"
            said = f"is {checks.shown(value)}, far outside the {span} of {where or own} ({own})"
            sentences.setdefault((path.partition(".")[2], said), f"{path} {said}")  # once for all designs alike
    return list(sentences.values())
