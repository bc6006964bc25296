"""A scenario: what the app is and the designs that could serve it, read from YAML and checked."""

from model.scenario.fields import Range
from model.scenario.pieces import Design, Function, Network, Operation, Timer
from model.scenario.whole import Scenario, files, load, names, read_yaml, schema

__all__ = [
    "Design",
    "Function",
    "Network",
    "Operation",
    "Range",
    "Scenario",
    "Timer",
    "files",
    "load",
    "names",
    "read_yaml",
    "schema",
]
