"""What the outcome of a run depends on, as one hash: notebook, parameters, data, package, named files."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path

from model import paths
from model.checks import InputError

__all__ = ["Fingerprints", "data_hash", "package_hash", "source_hash"]


class Fingerprints:
    """Hashes each notebook, the data and the package once for a whole plan."""

    def __init__(self):
        self.data, self.package = data_hash(), package_hash()
        self._source = functools.cache(source_hash)
        self._file = functools.cache(_file_hash)

    def key(self, notebook: Path, parameters: Mapping) -> str:
        """The hash of one run."""
        files = {str(f): self._file(f) for v in _texts(parameters) if _is_file(v) for f in _with_bases(v)}
        parts = {
            "notebook": notebook.name,
            "source": self._source(notebook),
            "parameters": dict(parameters),
            "files": files,
            "data": self.data,
            "package": self.package,
        }
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def source_hash(notebook: Path) -> str:
    """The hash of a notebook's cells without their outputs."""
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    kept = [(c.cell_type, c.source, sorted(c.metadata.get("tags", ()))) for c in cells]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()


def data_hash() -> str:
    """The hash of all data files, but for what is written about them."""
    return _tree_hash(paths.data(), "*")


def package_hash() -> str:
    """The version of the package and the hash of its code, which an editable checkout changes unversioned."""
    try:
        version = metadata.version("push-or-poll")
    except metadata.PackageNotFoundError:
        version = "not installed"
    return f"{version} {_tree_hash(paths.PACKAGE, '*.py')}"


def _tree_hash(folder: Path, pattern: str) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix != ".md":
            total.update(f"{path.relative_to(folder).as_posix()} {_file_hash(path)}\n".encode())
    return total.hexdigest()


def _file_hash(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [t for v in values for t in _texts(v)]


def _with_bases(text: str) -> tuple:
    """A file with whatever it extends: a scenario is made of all of them."""
    from model import scenario

    try:
        return scenario.files(text) if text.endswith((".yaml", ".yml")) else (text,)
    except InputError:  # some other YAML
        return (text,)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_absolute() and Path(text).is_file()
    except OSError:
        return False
