"""A flow: one kind of exchange that a design causes, as every outcome reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from model import queueing
from model.life.sessions import Life


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
    rates_per_s: dict[str, object] = field(default_factory=dict)
    period_s: object = None  # of a timer while it runs; None where the flow comes at random
    duty: object = 1.0  # share of a place's time that the timer runs
    exchange: str = "none"  # http, push, heartbeat, connect or none
    request_bytes: object = 0.0
    response_bytes: object = 0.0
    cold_share: object = 0.0  # share of occurrences that open a new connection first
    server_s: object = 0.0  # from the request's arrival to the answer's departure
    rides: str | None = None  # the flow whose wake-up this one shares
    events: tuple[str, ...] = ()
    function: str | None = None
    executions: object = 0.0
    execution_s: object = 0.0  # of one execution, warm
    meters: dict[str, object] = field(default_factory=dict)
    requests: int = 0
    messages_up: float = 0.0
    messages_down: float = 0.0
    gateway_calls: object = 0.0
    connects: float = 0.0
    transport: bool = True  # caused by the transport, not by what both designs keep

    @property
    def timer(self) -> bool:
        """Whether the flow fires at a fixed period."""
        return self.period_s is not None


@dataclass(frozen=True)
class FunctionRuns:
    """One function at work: how often it starts, how long it runs, how often it starts cold."""

    rate_per_s: object
    duration_s: object
    cold_share: object
    init_s: object

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
    instances: object
    table_bytes: object

    @cached_property
    def memo(self) -> dict:
        """What was worked out for this traffic, kept by name or number; a traffic made from it begins anew."""
        return {}
