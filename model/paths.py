"""Where the project's own files are: in a checkout beside the package, in a wheel inside it."""

from __future__ import annotations

import contextlib
import functools
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent


@functools.cache
def _home(name: str) -> Path:
    packed = PACKAGE / f"_{name}"
    return packed if packed.is_dir() else PACKAGE.parent / name


def data(*parts: str) -> Path:
    """The path of a file under `data/`, in an editable checkout and in a built wheel.

    `parts`: names of folders and the file. Gives pathlib.Path, which need not exist.
    """
    return _home("data").joinpath(*parts)


def notebooks(*parts: str) -> Path:
    """The path of a file under `notebooks/`, in an editable checkout and in a built wheel."""
    return _home("notebooks").joinpath(*parts)


def here() -> Path | None:
    """The folder a person is in; None where it has been deleted."""
    with contextlib.suppress(FileNotFoundError):
        return Path.cwd()
    return None


def shown(path: Path) -> str:
    """The path as a person would name it: relative to the project or the folder they are in."""
    path = Path(path)
    for root in filter(None, (_home("data").parent, here())):
        if path.is_absolute() and path.is_relative_to(root):
            return str(path.relative_to(root))
    return str(path)
