"""Backends: what serves a design, how it is billed and limited, each a row; and the five shapes of a bill.

Per use: units of messages and minutes. Plan: the busiest hour picks one. Capacity: instances, and units of a load
balancer. Held: a function is billed while a connection is open. Awake: an object while its channel is busy.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from types import MappingProxyType
from typing import Any

import numpy as np

from model import checks, ledger, paths

REQUESTS, SOCKETS = "requests", "sockets"  # what a backend may serve
SHAPES = ("use", "plan", "capacity", "held", "awake")
FAN_OUTS = ("", "own", "post_each", "publish_once", "held")


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
    fan_out: str  # own: it writes to its connections; post_each; publish_once; held: each connection is a function
    minute_meter: str
    message_meter: str
    message_unit: str
    in_per_unit: float  # messages up that are billed as one
    topics_per_subscribe: float
    bills: tuple[str, ...]  # what counts as a message: in, out, connect, subscribe, publish, ping
    may_bill: tuple[str, ...]  # what nobody says of
    free_ping_s: float  # pings are billed where they come more often
    channel_meter: str
    awake_meter: str
    awake_gb: float
    egress: bool  # whether what it sends is billed as internet out
    extra_rtts: float  # round trips of its own protocol after the connection is open
    post_s: str
    delivery_s: str
    idle: str  # quotas: it closes what is silent for so long, or open for so long
    life: str
    lingers: str  # a connection that was lost unseen stays open for so long
    most: str  # largest message
    door: tuple[str, ...]  # new connections a second, and at once
    limits: Mapping[str, tuple[str, ...]]  # load -> quotas whose product it runs into
    hello_up: str  # rows of wire.csv: what its protocol says around connections, channels and messages
    hello_down: str
    subscribe_up: str
    subscribe_down: str
    envelope: str
    json_in_json: bool
    source: str
    note: str

    @property
    def api_gateway(self) -> bool:
        """Whether its calls count towards API Gateway's quota."""
        return (self.request_meter or self.minute_meter).startswith("apigw_")

    def limit(self, name: str) -> float:
        """The quota that a column names; infinite where it names none."""
        return ledger.quotas()[name] if name else np.inf

    def request_meters(self, size_bytes) -> dict[str, Any]:
        """Per use: what one request is billed, by its size where a unit has one."""
        if not self.request_meter:
            return {}
        return {self.request_meter: started_units(size_bytes, self.request_unit) if self.request_unit else 1.0}

    def message_meters(self, payload_bytes, count: Any = 1.0, what: str = "") -> dict[str, Any]:
        """Per use: what so many messages of a size are billed; none where that kind of message costs nothing."""
        if not self.message_meter or (what and what not in self.bills):
            return {}
        units = started_units(payload_bytes, self.message_unit, self.limit(self.most)) if self.message_unit else 1.0
        return {self.message_meter: units * count / (max(self.in_per_unit, 1.0) if what == "in" else 1.0)}

    def billed(self, what: str, open_switch: Any = 0.0, period_s: Any = np.inf) -> Any:
        """Whether a kind of message is billed: yes, no, or what is taken of an open question."""
        if what == "ping" and self.free_ping_s:
            return np.less(period_s, self.free_ping_s) * 1.0
        return open_switch if what in self.may_bill else float(what in self.bills)


@dataclass(frozen=True)
class MonthlyPlan:
    """What is paid by the month for so many connections and messages: a row of `data/plans.csv`."""

    backend: str
    plan: str
    meter: str
    connections: float
    connects_per_s: float
    messages_per_s: float
    messages_per_day: float
    source: str


@dataclass(frozen=True)
class Balancer:
    """A load balancer: what one of its capacity units carries."""

    balancer: str
    title: str
    hour_meter: str
    unit_meter: str
    new_per_s: float
    active: float
    gb: float
    rules_per_s: float
    idle_s: float
    source: str
    note: str


def started_units(size_bytes, unit: str, most_bytes: float = np.inf):
    """Per use: the started units of a size, at least 1; what is above the largest that is taken is refused."""
    allowed = f"0 to {most_bytes:.0f} B" if most_bytes < np.inf else ">= 0 B"
    size = checks.bounded("payload_bytes", size_bytes, allowed, lambda a: (a >= 0) & (a <= most_bytes) & np.isfinite(a))
    return np.maximum(np.ceil(np.ceil(size) / ledger.value(unit)), 1.0)


def plan_meters(backend: str, peak: Mapping[str, Any]) -> tuple[dict[str, Any], str]:
    """Plan: how many of each are paid for, the cheapest that carries the peak, and why there is none.

    Where a draw goes beyond the largest plan it pays for as many of that as it needs; where most do, there is no plan.
    """
    offered = [plan for plan in plans() if plan.backend == backend]
    free, meters = True, {}
    for plan in offered:
        fits = functools.reduce(
            np.logical_and, (np.less_equal(load, getattr(plan, name)) for name, load in peak.items())
        )
        meters[plan.meter] = np.where(free & fits, 1.0, 0.0)
        free = np.logical_and(free, ~fits)
    top = offered[-1]
    need = functools.reduce(np.maximum, (np.ceil(load / getattr(top, name)) for name, load in peak.items()))
    meters[top.meter] = np.where(free, need, meters[top.meter])
    beyond = np.atleast_2d(free).mean(axis=0)
    if not np.any(beyond > 0.5):
        return meters, ""
    over = {name: float(np.max(np.median(np.atleast_2d(load), axis=0))) for name, load in peak.items()}
    words = " and ".join(
        f"{load:,.0f} {name.replace('_', ' ').replace(' per ', '/')} (at most {getattr(top, name):,.0f})"
        for name, load in over.items()
        if load > getattr(top, name)
    )
    return meters, f"{row(backend).title} sells no plan for this peak: {words} in {top.plan}, the largest"


def instances(least, *needs):
    """Capacity: whole servers, enough for the greatest of several needs."""
    return functools.reduce(np.maximum, [np.ceil(need) for need in needs], least)


def balancer_units(balancer: str, new_per_s, active, gb_per_hour, rules_per_s: Any = 0.0):
    """Capacity: units of a load balancer in an hour, the greatest of what its new and open connections, bytes and rules
    take. Source: aws_pricing_pages.
    """
    one = balancers()[checks.known("balancer", balancer, balancers())]
    loads = zip(
        (new_per_s, active, gb_per_hour, rules_per_s), (one.new_per_s, one.active, one.gb, one.rules_per_s), strict=True
    )
    return functools.reduce(np.maximum, [load / most for load, most in loads])


def held_gb_seconds(memory_mb, open_s):
    """Held: GB-seconds of a function that runs as long as a connection is open. Source: aws_pricing_pages."""
    return memory_mb / ledger.value("lambda_memory_unit_mb") * open_s


def awake_share(busy_per_s, awake_s):
    """Awake: the share of time that an object is awake, each time for so long after what wakes it at random.

    Source: cox1962.
    """
    return -np.expm1(-np.asarray(busy_per_s) * awake_s)


# ------------------------------------------------------------------------------------------------ the files


def _limits(text: str) -> Mapping[str, tuple[str, ...]]:
    pairs = [part.split("=") for part in text.split(";") if part.strip()]
    return MappingProxyType({load.strip(): tuple(names.strip().split("*")) for load, names in pairs})


READ: dict[str, Callable[[str], Any]] = {
    "str": str,
    "bool": "yes".__eq__,
    "tuple[str, ...]": lambda text: tuple(text.split()),
    "Mapping[str, tuple[str, ...]]": _limits,
}


def _table(kind: type, file: str, empty: float) -> list:
    """The rows of a file as objects of a kind; an empty number is no limit, or none."""
    found = []
    for number, raw in enumerate(ledger.read_csv(paths.data(file)), start=2):
        read: dict[str, Callable[[str], Any]] = {**READ, "float": lambda text: float(text) if text else empty}
        found.append(kind(**{one.name: read[str(one.type)](raw[one.name]) for one in fields(kind)}))
        checks.known("source", found[-1].source, ledger.sources(), f"data/{file}:{number}")
    return found


@functools.cache
def rows() -> Mapping[str, Backend]:
    """Every backend of `data/backends.csv` by name."""
    found = {one.backend: one for one in _table(Backend, "backends.csv", 0.0)}
    for name, one in found.items():
        for shape in one.shapes:
            checks.known("billing shape", shape, SHAPES, f"data/backends.csv, {name}")
        checks.known("fan-out", one.fan_out, FAN_OUTS, f"data/backends.csv, {name}")
    return MappingProxyType(found)


@functools.cache
def plans() -> tuple[MonthlyPlan, ...]:
    """The plans of `data/plans.csv`, the cheapest of each backend first."""
    return tuple(_table(MonthlyPlan, "plans.csv", np.inf))


@functools.cache
def balancers() -> Mapping[str, Balancer]:
    """The load balancers of `data/balancers.csv` by name."""
    return MappingProxyType({one.balancer: one for one in _table(Balancer, "balancers.csv", np.inf)})


def row(name: str) -> Backend:
    """The backend of that name; an unknown one is refused with the nearest."""
    return rows()[checks.known("backend", name, rows())]


def names(serves: str) -> tuple[str, ...]:
    """The backends that may answer requests, or hold sockets."""
    return tuple(name for name, one in rows().items() if serves in one.serves)
