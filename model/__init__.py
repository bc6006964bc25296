"""push-or-poll: what a move from HTTP polling to WebSocket push does to five measures.

`load` reads a scenario, `evaluate` gives its outcome and `before_after` the table; modules load when used.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["InputError", "before_after", "evaluate", "load"]
__version__ = "0.1.0"

_HOMES = {"InputError": "checks", "before_after": "compare", "evaluate": "compare", "load": "scenario"}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"model.{_HOMES[name]}"), name)
    try:
        return importlib.import_module(f"model.{name}")
    except ModuleNotFoundError as wrong:
        if wrong.name == f"model.{name}":
            raise AttributeError(f"module 'model' has no attribute {name!r}") from None
        raise


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
