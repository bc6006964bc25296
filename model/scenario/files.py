"""Scenario files: the chain of files that extend each other, and one laid over another."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import Any

from model import checks, paths
from model.documents import read_yaml

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
            checks.fail(f"extends must not lead back to itself; got {base!r}", paths.shown(path))
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
