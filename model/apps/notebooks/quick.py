"""Imports of the notebook libraries without the slowest thing that they do not need."""

from __future__ import annotations

import functools
import sys

__all__ = ["import_schemas"]

GRAMMAR = "rfc3987_syntax"


@functools.cache
def import_schemas() -> None:
    """Import jsonschema, on which nbformat stands, without a grammar of web addresses.

    Where that grammar is installed (Jupyter's events bring it), jsonschema compiles it on import, which
    takes longer than all else that papermill imports. No check of a notebook uses it.
    """
    absent = GRAMMAR not in sys.modules
    if absent:
        sys.modules[GRAMMAR] = None  # an import of it fails, as where it is not installed
    try:
        import jsonschema  # noqa: F401
    finally:
        if absent:
            del sys.modules[GRAMMAR]
