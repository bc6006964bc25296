"""YAML files that people write: read strictly, and refused before they are parsed where that would take long."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.constructor import ConstructorError, SafeConstructor
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from model import checks, paths

CONTROL = re.compile(r"[^\t\n\x20-\x7e\x85\xa0-\ud7ff\ue000-\U0010ffff]")
TAG = re.compile(r"(?m)(?:^|[\s\[{,:-])(![^\s]*)")
ALIAS = re.compile(r"[\s\[{,:-]\*\w")
COMMENT_OR_TEXT = re.compile(r"#.*|'[^'\n]*'|\"[^\"\n]*\"")
MARGIN = re.compile(r"(?m)^(?:[ \t]|[-?:] )*")
MOST = {"letters": 1_000_000, "entries": 10_000, "levels": 50, "aliases": 100}  # parsing takes up to about 3 s
MOST_VALUES, MOST_TEXT, MOST_KEY, MOST_BITS = 100_000, 10_000, 200, 63  # aliases counted wherever they stand


def read_yaml(path: Path) -> Any:
    """The plain content of a YAML 1.2 file: no tags, no duplicate keys, no aliases of YAML 1.1."""
    path = Path(path)
    shown = paths.shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is no UTF-8 text"
        checks.fail(f"the file cannot be read: {str(reason).lower()}", shown)
    return plain(text, shown)


def plain(text: str, shown: str) -> Any:
    """The plain content of a YAML text from a place that errors name."""
    bare = COMMENT_OR_TEXT.sub("", text)
    tag = TAG.search(bare)
    if tag:
        line = text[: text.find(tag.group(1))].count("\n") + 1
        checks.fail(f"YAML tags must not be used; got {checks.shown(tag.group(1))}", f"{shown}:{line}")
    for what, count in _sizes(text, bare).items():
        if count > MOST[what]:
            checks.fail(f"the file must have at most {MOST[what]:,} {what}; got {count:,}", shown)
    try:
        content = _reader().load(text)
    except MarkedYAMLError as wrong:
        problem = " ".join(str(wrong.problem or wrong).split())
        twice = re.search(r'found duplicate key "([^"]+)"', problem)
        key = twice and checks.shown(twice.group(1))
        sentence = f"key {key} must stand once; it stands twice" if twice else f"the file must be YAML; {problem[:200]}"
        checks.fail(sentence, f"{shown}:{wrong.problem_mark.line + 1}" if wrong.problem_mark else shown)
    except (YAMLError, ValueError, TypeError, RecursionError) as wrong:
        checks.fail(f"the file must be YAML; {' '.join(str(wrong).split())[:120]}", shown)
    _check_values(content, shown)
    return content


def _reader() -> YAML:
    """A reader of plain YAML 1.2 that lets no control character, and no half of a letter, into a text."""
    yaml = YAML(typ="safe", pure=True)
    yaml.Constructor = PlainTexts
    return yaml


class PlainTexts(SafeConstructor):
    """Texts without control characters."""

    def construct_scalar(self, node):
        """The text of a node; refused where it holds a control character."""
        if odd := CONTROL.search(str(node.value)):
            raise ConstructorError(problem=f"no text may hold {odd[0]!a}", problem_mark=node.start_mark)
        return super().construct_scalar(node)


def _sizes(text: str, bare: str) -> dict[str, int]:
    """How large a text is before it is parsed; four columns of margin count as a level at least."""
    steps = (1 if bracket in "[{" else -1 for bracket in re.findall(r"[\[\]{}]", bare))
    levels = max(*itertools.accumulate(steps, initial=0), max(map(len, MARGIN.findall(bare))) // 4, 0)
    entries = bare.count(",") + bare.count("\n")
    return {"letters": len(text), "entries": entries, "levels": levels, "aliases": len(ALIAS.findall(bare))}


def _check_values(content: Any, shown: str) -> None:
    """Refuse a content that aliases make large or endless, and texts, keys and whole numbers that are too long."""
    waiting: list[tuple[str, Any]] = [("", content)]
    for number in itertools.count():
        if not waiting:
            return
        if number > MOST_VALUES:
            checks.fail(f"the file must hold at most {MOST_VALUES:,} values, with aliases written out", shown)
        name, value = waiting.pop()
        if isinstance(value, str) and len(value) > MOST_TEXT:
            checks.fail(f"{name} must have at most {MOST_TEXT:,} letters; got {len(value):,}", shown)
        if isinstance(value, int) and value.bit_length() > MOST_BITS:
            got = f"a number of {value.bit_length():,} bits"
            checks.fail(f"{name} must be at most {2.0**MOST_BITS:.2g}; got {got}", shown)
        inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        for key, one in inside:
            if len(str(key)) > MOST_KEY:
                checks.fail(f"a key must have at most {MOST_KEY} letters; got {checks.shown(str(key))}", shown)
            waiting.append((f"{name}.{key}"[-300:].lstrip("."), one))
