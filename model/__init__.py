"""push-or-poll: what each way of telling users costs in latency, battery, data, server load and dollars.

`load` reads a scenario, `evaluate` gives its outcome and `before_after` the table; modules load when used.
"""

from __future__ import annotations

import importlib
from typing import Any

__all__ = ["InputError", "answer", "before_after", "calibrate", "catalogue", "compare", "evaluate", "load", "replay"]
__version__ = "0.1.0"

_HOMES = {
    "InputError": "checks",
    "answer": "answers",
    "before_after": "outcome",
    "calibrate": "calibration",
    "catalogue": "scenario",
    "compare": "outcome",
    "evaluate": "outcome",
    "load": "scenario",
    "replay": "calibration",
}
_MOVED = {  # where notebooks of version 1 took them from; to go with version 3
    "audit_arithmetic": "audit.figures",
    "battery_periods": "battery",
    "battery_published": "battery",
    "battery_tables": "battery",
    "break_even": "cost.break_even",
    "capacity": "server_load.quotas",
    "charts": "show.charts",
    "cost_flows": "cost.parts",
    "cost_split": "cost.parts",
    "cost_tables": "cost",
    "display": "show.display",
    "drops": "server_load.drops",
    "exchange_sizes": "life.exchange",
    "explore": "apps.explore",
    "load_rates": "server_load",
    "migration": "outcome.migration",
    "sampling": "scenario.sampling",
    "uncertainty": "ranges",
}


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"model.{_HOMES[name]}"), name)
    home = f"model.{_MOVED.get(name, name)}"
    try:
        return importlib.import_module(home)
    except ModuleNotFoundError as wrong:
        if wrong.name == home:
            raise AttributeError(f"module 'model' has no attribute {name!r}") from None
        raise


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
