"""Where the project's own files are: in a checkout beside the package, in a wheel inside it."""

from __future__ import annotations

import functools
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@functools.cache
def _home(name: str) -> Path:
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else PACKAGE.parent / name


def data(*parts: str) -> Path:
    """The path of a file under `data/`, in an editable checkout and in a built wheel.

    Parameters
    ----------
    parts : str, names of folders and the file

    Returns: pathlib.Path, which need not exist
    """
    return _home("data").joinpath(*parts)


def notebooks(*parts: str) -> Path:
    """The path of a file under `notebooks/`, in an editable checkout and in a built wheel."""
    return _home("notebooks").joinpath(*parts)


def shown(path: Path) -> str:
    """The path as a person would name it: relative to the project or the folder they are in."""
    path = Path(path)
    for root in (_home("data").parent, Path.cwd()):
        if path.is_absolute() and path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)
