"""A calibrated scenario as a file: what it extends, and what the files changed."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from model.scenario import Range, Scenario


def scenario_text(scenario: Scenario, changes: Mapping[str, Any], base: str, title: str | None = None) -> str:
    """The scenario file of the changes; it extends the file or name it is given."""
    whole: dict[str, Any] = {}
    for path, value in changes.items():
        head, *rest = path.split(".")
        *parents, last = ["designs", head, *rest] if head in scenario.designs else [head, *rest]
        here = whole
        for key in parents:
            here = here.setdefault(key, {})
        here[last] = value
    first = f"# {scenario.title}, calibrated on files of one's own: each range is a 95 % interval."
    return "\n".join([first, f"extends: {base}", f"title: {json.dumps(title or scenario.title)}", *_yaml(whole), ""])


def _yaml(content: Mapping, depth: int = 0) -> Iterable[str]:
    """Nested mappings as YAML, ranges on one line."""
    for key, value in content.items():
        key = key if key.replace("_", "").isalnum() else json.dumps(key)
        if isinstance(value, Mapping):
            yield f"{'  ' * depth}{key}:"
            yield from _yaml(value, depth + 1)
            continue
        if isinstance(value, Range):
            kept = {n: v for n, v in asdict(value).items() if v is not None}
            value = "{" + ", ".join(f"{n}: {json.dumps(v)}" for n, v in kept.items()) + "}"
        else:
            value = json.dumps(value)
        yield f"{'  ' * depth}{key}: {value}"
