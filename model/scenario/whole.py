"""The whole scenario: read from one YAML file, changed by dotted paths, checked as it is built.

A file may start from another one with `extends` and name only what differs.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any

from pydantic import ValidationError, model_validator
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from model import checks, ledger, paths
from model.scenario.pieces import Choices, Design
from model.scenario.rules import check_references

WANTED = {  # what a value must be, by pydantic's name of the mistake
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "string_type": "text",
    "list_type": "a list",
    "too_short": "a list with at least one entry",
    **dict.fromkeys(("model_type", "dict_type", "model_attributes_type"), "a mapping"),
}
TAG = re.compile(r"(?m)(?:^|[\s\[{,:-])(![^\s]*)")
COMMENT_OR_TEXT = re.compile(r"#.*|'[^'\n]*'|\"[^\"\n]*\"")


class Scenario(Choices):
    """Everything a user chooses: users, usage, events, two designs, network mix, phone, region."""

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        check_references(self)
        return self

    def with_(self, changes: dict[str, Any]) -> Scenario:
        """The same scenario with some values replaced, each named by its dotted path.

        Parameters
        ----------
        changes : dict of str to object, path such as `after.heartbeat.period_s` and the value put there; it replaces
            a range

        Returns: Scenario, A new scenario, checked like a file
        Raises: InputError, A path that is no part of the scenario (the nearest is offered), or a value against its
        rule
        """
        plain = self.model_dump()
        for path, value in changes.items():
            _put(plain, path, value, self.place)
        return _built(plain, self.place)

    def number(self, name: str):
        """A ledger number as this scenario sees it: its own value, or the ledger's."""
        return self.ledger[name] if name in self.ledger else ledger.value(name)

    @property
    def month_s(self):
        """Seconds in the month that is billed [s]."""
        return self.billing.month_days * 86400.0

    def design(self, which: str | Design) -> Design:
        """The design called `before` or `after`, or the design itself."""
        if isinstance(which, Design):
            return which
        return getattr(self, checks.known("design", which, ("before", "after"), self.place))


def _put(plain: dict, path: str, value: Any, place: str) -> None:
    """Put a value at a dotted path of a scenario's plain content; only a ledger row may be new there."""
    here: Any = plain
    *parents, last = path.split(".")
    for depth, key in enumerate((*parents, last)):
        known = list(ledger.chosen() if parents[:depth] == ["ledger"] else here) if isinstance(here, dict) else []
        above = ".".join(parents[:depth])
        if key not in known:
            checks.fail(
                f"unknown parameter {path!r}: {above or 'a scenario'} has no {key!r}{checks.nearest(key, known)}", place
            )
        if depth < len(parents):
            if here.get(key) is None:
                checks.fail(f"{'.'.join(parents[: depth + 1])} is not set here, so {path} cannot be", place)
            here = here[key]
    here[last] = value


def _built(plain: Any, place: str) -> Scenario:
    """The scenario of a plain content; the first thing that is wrong with it is refused in one sentence."""
    if not isinstance(plain, dict):
        checks.fail(f"a scenario must be a mapping; got {checks.shown(plain)}", place)
    try:
        return Scenario.model_validate({**plain, "place": place})
    except ValidationError as wrong:
        sentence = _sentence(wrong.errors(include_url=False)[0])
    checks.fail(sentence, place)


def _sentence(error: Any) -> str:
    """What pydantic found wrong, in one sentence."""
    kind, context, value = error["type"], error.get("ctx", {}), error["input"]
    name = ".".join(str(key) for key in error["loc"])
    if kind == "unknown_key":
        return f"unknown key {'.'.join((name, str(context['key']))).lstrip('.')!r}{context['near']}"
    if kind == "rule":
        return f"{name} {context['sentence']}".lstrip()
    if kind == "missing":
        return f"{name} must be given; got nothing"
    wanted = context["expected"] if kind == "literal_error" else WANTED.get(kind, error["msg"].lower())
    return f"{name} must be {wanted}; got {checks.shown(value)}"


def read_yaml(path: Path) -> Any:
    """The plain content of a YAML 1.2 file: no tags, no duplicate keys, no aliases of YAML 1.1."""
    path = Path(path)
    shown = paths.shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is no UTF-8 text"
        checks.fail(f"the file cannot be read: {str(reason).lower()}", shown)
    tag = TAG.search(COMMENT_OR_TEXT.sub("", text))
    if tag:
        line = text[: text.find(tag.group(1))].count("\n") + 1
        checks.fail(f"YAML tags must not be used; got {tag.group(1)!r}", f"{shown}:{line}")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as wrong:
        problem = " ".join(str(wrong.problem or wrong).split())
        twice = re.search(r'found duplicate key "([^"]+)"', problem)
        sentence = (
            f"key {twice.group(1)!r} must stand once; it stands twice" if twice else f"the file must be YAML; {problem}"
        )
        checks.fail(sentence, f"{shown}:{wrong.problem_mark.line + 1}" if wrong.problem_mark else shown)
    except (YAMLError, ValueError) as wrong:
        checks.fail(f"the file must be YAML; {' '.join(str(wrong).split())[:120]}", shown)


def names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(p.stem for p in paths.data("scenarios").glob("*.yaml"))


def _path_of(name: str | Path, place: str = "") -> Path:
    text = str(name)
    if text.endswith((".yaml", ".yml")) or "/" in text:
        if not Path(text).is_file():
            checks.fail(f"no scenario file at {text!r}", place)
        return Path(text)
    checks.known("scenario", text, names(), place)
    return paths.data("scenarios", f"{text}.yaml")


@functools.lru_cache(maxsize=64)
def _content(path: Path, changed_ns: int) -> dict:
    content = read_yaml(path)
    if not isinstance(content, dict):
        checks.fail(f"a scenario must be a mapping; got {checks.shown(content)}", paths.shown(path))
    return content


def files(name: str | Path) -> tuple[Path, ...]:
    """The files that a scenario is made of: its own, then what it extends, to the last."""
    chain = [_path_of(name)]
    while True:
        path = chain[-1]
        base = _content(path, path.stat().st_mtime_ns).get("extends")
        if base is None:
            return tuple(chain)
        if path.resolve() in [one.resolve() for one in chain[:-1]]:
            checks.fail(f"extends must not lead back to itself; got {base!r}", paths.shown(path))
        near = path.parent / (str(base) if str(base).endswith((".yaml", ".yml")) else f"{base}.yaml")
        here = near.is_file() and near.resolve() != path.resolve()
        chain.append(near if here else _path_of(base, f"extends in {paths.shown(path)}"))


def _merged(base: dict, changes: dict) -> dict:
    """The base with the changes laid over it, mapping by mapping; null takes a key away."""
    out = dict(base)
    for key, value in changes.items():
        mine, ranged = out.get(key), isinstance(value, dict) and "mode" in value
        if value is None:
            out.pop(key, None)
        elif isinstance(value, dict) and isinstance(mine, dict) and not ranged:
            out[key] = _merged(mine, value)
        else:
            out[key] = value
    return out


@functools.lru_cache(maxsize=64)
def _loaded(stamped: tuple[tuple[Path, int], ...]) -> Scenario:
    first, *others = ({k: v for k, v in _content(*one).items() if k != "extends"} for one in reversed(stamped))
    return _built(functools.reduce(_merged, others, first), paths.shown(stamped[0][0]))


def load(name: str | Path) -> Scenario:
    """The scenario of that name in `data/scenarios`, or of a YAML file.

    Parameters
    ----------
    name : str or pathlib.Path, A name such as `twilly`, or a path that ends in .yaml

    Returns: Scenario, frozen and checked
    Raises: InputError, one sentence: unknown name or key (the nearest is offered), a value against its rule, broken
    YAML

    Examples
    --------
    >>> load("twilly").after.heartbeat.period_s
    30.0
    """
    return _loaded(tuple((path, path.stat().st_mtime_ns) for path in files(name)))


def schema() -> dict:
    """The JSON schema of a scenario file, so that an editor completes and checks it."""
    found = Scenario.model_json_schema(mode="validation")
    found["title"] = "push-or-poll scenario"
    found["properties"].pop("place", None)
    found["properties"]["extends"] = {"type": "string", "description": "the scenario this one starts from"}
    found.pop("required", None)  # a file that extends another may leave everything out
    return found
