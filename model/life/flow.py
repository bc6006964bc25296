"""A flow: one kind of exchange that a design causes, as every outcome reads it."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from model import queueing
from model.life.sessions import Life

T = TypeVar("T")
AWAY = " when away"  # ends the names of flows of connections and polls while the app is not on screen


@dataclass(frozen=True)
class Flow:
    """One kind of exchange: how often, where, what it carries and what the cloud meters for it.

    `rates_per_s` gives the rate of one user while at a place (a screen, with or without an overlay, or the
    grace after leaving); `per_month` is the same flow over all users in a month, the one number that load,
    bill, data and radio share. One occurrence is `requests` HTTP exchanges, or one message, heartbeat or
    connect. Bytes are those of one message, before TLS, TCP and IP. `meters`, executions and calls are per
    occurrence. Every number is a float or an array, (draws, users) where it varies.
    """

    name: str
    kind: str
    per_month: np.ndarray | float
    rates_per_s: dict[str, Any] = field(default_factory=dict)
    period_s: Any = None  # of a timer while it runs; None where the flow comes at random
    duty: Any = 1.0  # share of a place's time that the timer runs
    exchange: str = "none"  # http, push, heartbeat, connect or none
    request_bytes: Any = 0.0
    response_bytes: Any = 0.0
    cold_share: Any = 0.0  # share of occurrences that open a new connection first
    server_s: Any = 0.0  # from the request's arrival to the answer's departure
    rides: str | None = None  # the flow whose wake-up this one shares
    events: tuple[str, ...] = ()
    function: str | None = None
    executions: Any = 0.0  # on Lambda
    handlers: Any = 0.0  # runs of a handler, wherever it runs
    execution_s: Any = 0.0  # of one execution, warm
    meters: dict[str, Any] = field(default_factory=dict)
    requests: int = 0
    messages_up: float = 0.0
    messages_down: float = 0.0
    gateway_calls: Any = 0.0
    connects: float = 0.0
    transport: bool = True  # caused by the transport, not by what both designs keep

    @property
    def timer(self) -> bool:
        """Whether the flow fires at a fixed period."""
        return self.period_s is not None


@dataclass(frozen=True)
class FunctionRuns:
    """One function at work: how often it starts, how long it runs, how often it starts cold."""

    rate_per_s: Any
    duration_s: Any
    cold_share: Any
    init_s: Any

    @property
    def executions_at_once(self):
        """Mean executions at once, by Little's law, cold starts included."""
        return queueing.little(self.rate_per_s, self.duration_s + self.cold_share * self.init_s)


@dataclass(frozen=True)
class Traffic:
    """A design's flows and what they share: life of its users, functions at work, plain servers."""

    life: Life
    flows: list[Flow]
    runs: dict[str, FunctionRuns]
    instances: Any
    table_bytes: Any
    subscribed: Any = 1.0  # channels of one connection
    refusal: str = ""  # why it has no bill: no plan carries its peak

    @cached_property
    def memo(self) -> dict:
        """What was worked out for this traffic, kept by name or number; a traffic made from it begins anew."""
        return {}

    def once(self, key: tuple, work: Callable[[], Any]) -> Any:
        """The value under a key of the memo, worked out where it is not there yet."""
        if key not in self.memo:
            self.memo[key] = work()
        return self.memo[key]


def once(work: Callable[..., T]) -> Callable[..., T]:
    """What a function finds for a traffic and names or numbers: worked out once, and kept with the traffic."""

    name = work.__module__, work.__name__

    @functools.wraps(work)
    def found(traffic: Traffic, *args):
        return traffic.once((*name, *args), lambda: work(traffic, *args))

    return found


def quiet(flow: Flow, place: str, gap_s):
    """P(no request of this flow in the last gap), phases independent."""
    rate = flow.rates_per_s.get(place)
    if rate is None:
        return 1.0
    if flow.timer:
        return 1.0 - flow.duty * np.minimum(gap_s / flow.period_s, 1.0)
    return np.exp(-rate * gap_s)


def own_quiet(flow: Flow, place: str, gap_s):
    """P(the flow's own previous request is longer ago than the gap), seen from one of its requests."""
    if flow.timer:
        return np.where(np.asarray(flow.period_s) > gap_s, 1.0, 0.0)
    return np.exp(-flow.rates_per_s[place] * gap_s)


def _others_quiet(alone: list) -> list:
    """For each of some chances the product of all the others, without dividing by any."""
    ahead, behind = [1.0], [1.0]
    for one, other in zip(alone, reversed(alone), strict=True):
        ahead.append(ahead[-1] * one)
        behind.append(behind[-1] * other)
    return [a * b for a, b in zip(ahead, behind[-2::-1], strict=False)]


def cold_shares(flows: list[Flow], weights: dict, gap_s) -> list:
    """The share of each flow's requests that must open a new connection, over the places it runs at."""
    cold, total = [0.0] * len(flows), [0.0] * len(flows)
    for place, weight in weights.items():
        others = _others_quiet([quiet(f, place, gap_s) for f in flows])
        for k, flow in enumerate(flows):
            rate = flow.rates_per_s.get(place)
            if rate is not None:
                cold[k] = cold[k] + weight * rate * (own_quiet(flow, place, gap_s) * others[k])
                total[k] = total[k] + weight * rate
    return [
        np.divide(c, t, out=np.zeros(np.broadcast_shapes(np.shape(c), np.shape(t))), where=np.asarray(t) > 0)
        for c, t in zip(cold, total, strict=True)
    ]


def open_share(flows: list[Flow], weights: dict, gap_s):
    """The share of active time with a connection open: some request was less than the gap ago. Source: cox1962."""
    shut = (weight * math.prod((quiet(f, p, gap_s) for f in flows), start=1.0) for p, weight in weights.items())
    return np.maximum(sum(weights.values()) - sum(shut, 0.0), 0.0)


def with_cold_shares(flows: list[Flow], weights: dict, idle_timeout_s) -> list[Flow]:
    """The same flows, each HTTP flow with the share of its requests that find the connection cold."""
    http = [k for k, f in enumerate(flows) if f.exchange == "http"]
    shares = dict(zip(http, cold_shares([flows[k] for k in http], weights, idle_timeout_s), strict=True))
    return [
        replace(f, cold_share=shares[k]) if k in shares and f.kind != "start" and f.rates_per_s else f
        for k, f in enumerate(flows)
    ]
