"""Backends: what serves a design, how it is billed and limited, each a row; and the five shapes of a bill.

Per use: units of messages and minutes. Plan: the peak picks one. Capacity: instances, and units of a load balancer.
Held: a function is billed while a connection is open. Awake: an object is billed while its channel is busy.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from model import checks, ledger, paths

REQUESTS, SOCKETS = "requests", "sockets"  # what a backend may serve
SHAPES = ("use", "plan", "capacity", "held", "awake")


@dataclass(frozen=True)
class Backend:
    """What holds connections or answers requests: a row of `data/backends.csv`, empty where it has no such thing."""

    backend: str
    title: str
    serves: tuple[str, ...]
    shapes: tuple[str, ...]
    own: bool  # plain servers of one's own
    on_lambda: bool  # whether what a request or a connection triggers is a function
    request_meter: str
    request_unit: str
    added_s: str  # ledger row of the time that it adds to an answer
    answer: str  # whose headers its answers have
    fan_out: str  # own, post_each or publish_once
    minute_meter: str
    message_meter: str
    message_unit: str
    bills: tuple[str, ...]  # what counts as a message: in, out, connect, ping, ...
    may_bill: tuple[str, ...]  # what nobody says of
    post_s: str
    delivery_s: str
    idle: str  # quotas: it closes what is silent for so long, or open for so long
    life: str
    lingers: str  # a connection that was lost unseen stays open for so long
    most: str  # largest message
    door: tuple[str, ...]  # new connections a second, and at once
    limits: Mapping[str, tuple[str, ...]]  # load -> quotas whose product it runs into
    source: str
    note: str

    def limit(self, name: str) -> float:
        """The quota that a column names; infinite where it names none."""
        return ledger.quotas()[name] if name else np.inf

    def request_meters(self, size_bytes) -> dict[str, Any]:
        """Per use: what one request is billed, by its size where a unit has one."""
        if not self.request_meter:
            return {}
        return {self.request_meter: started_units(size_bytes, self.request_unit) if self.request_unit else 1.0}

    def message_meters(self, payload_bytes, count: Any = 1.0) -> dict[str, Any]:
        """Per use: what so many messages of a size are billed; none where a message costs nothing."""
        if not self.message_meter:
            return {}
        most = self.limit(self.most)
        return {self.message_meter: started_units(payload_bytes, self.message_unit, most) * count}

    def billed(self, what: str, open_switch: Any = 0.0) -> Any:
        """Whether a kind of message is billed: yes, no, or what is taken of an open question."""
        return open_switch if what in self.may_bill else float(what in self.bills)


def started_units(size_bytes, unit: str, most_bytes: float = np.inf):
    """Per use: the started units of a size, at least 1; what is above the largest that is taken is refused."""
    allowed = f"0 to {most_bytes:.0f} B" if most_bytes < np.inf else ">= 0 B"
    size = checks.bounded("payload_bytes", size_bytes, allowed, lambda a: (a >= 0) & (a <= most_bytes) & np.isfinite(a))
    return np.maximum(np.ceil(np.ceil(size) / ledger.value(unit)), 1.0)


def instances(least, *needs):
    """Capacity: whole servers, enough for the greatest of several needs."""
    return functools.reduce(np.maximum, [np.ceil(need) for need in needs], least)


def _limits(text: str) -> Mapping[str, tuple[str, ...]]:
    pairs = [part.split("=") for part in text.split(";") if part.strip()]
    return MappingProxyType({load.strip(): tuple(names.strip().split("*")) for load, names in pairs})


READ = {
    "str": str,
    "bool": "yes".__eq__,
    "float": lambda text: float(text or 0.0),
    "tuple[str, ...]": lambda text: tuple(text.split()),
    "Mapping[str, tuple[str, ...]]": _limits,
}


@functools.cache
def rows() -> Mapping[str, Backend]:
    """Every backend of `data/backends.csv` by name."""
    found = {}
    for number, raw in enumerate(ledger.read_csv(paths.data("backends.csv")), start=2):
        place = f"data/backends.csv:{number}"
        made = Backend(**{f.name: READ[str(f.type)](raw[f.name]) for f in fields(Backend)})  # type: ignore[operator]
        checks.known("source", made.source, ledger.sources(), place)
        for shape in made.shapes:
            checks.known("billing shape", shape, SHAPES, place)
        found[made.backend] = made
    return MappingProxyType(found)


def row(name: str) -> Backend:
    """The backend of that name; an unknown one is refused with the nearest."""
    return rows()[checks.known("backend", name, rows())]


def names(serves: str) -> tuple[str, ...]:
    """The backends that may answer requests, or hold sockets."""
    return tuple(name for name, one in rows().items() if serves in one.serves)
