"""The pieces of a design: timers, functions, hosts, servers, the socket with its heartbeats, pushes, reconnects."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np
from pydantic import create_model

from model.backends import balancers
from model.parts.fields import (
    Bytes,
    BytesOrNone,
    Count,
    Delays,
    Grace,
    Memory,
    Part,
    PerSecond,
    Positive,
    Range,
    Rate,
    Requests,
    Seconds,
    SecondsOrNone,
    SecondsOrZero,
    Served,
    Share,
    Sockets,
    SomeCount,
    SomeShare,
    YesOrNo,
    Zero,
)

PING_RESETS = "accounts differ on whether a ping frame resets API Gateway's idle timer"


class Operation(Part):
    """One database operation of a function; a scan reads the shared connection table, a page at most."""

    kind: Literal["get", "query", "scan", "scan_table", "put", "update", "delete"]
    item_bytes: Bytes = 0.0
    times: Rate = 1.0
    consistency: Literal["eventual", "strong"] = "eventual"


class Function(Part):
    """A handler: CPU time at one full vCPU, the database operations it waits for, what it logs."""

    memory_mb: Memory = 128
    arch: Literal["x86", "arm"] = "x86"
    runtime: str = "nodejs18"
    package_kb: Positive
    cpu_s: SecondsOrZero
    log_bytes: Bytes
    operations: list[Operation] = []


class Timer(Part):
    """One polling loop: when it fires, where it runs, what it carries and which events it delivers.

    `response_bytes` is an answer to which news adds the event's payload, or `news_bytes`; `empty_bytes` is one without
    news where that is another, such as a 304. An answer that brings only a count is followed by `pulls` requests of
    the design's `pull` before the content shows, which carry it.
    """

    period_s: Seconds
    timing: Literal["fixed", "sleep_then_request", "by_hand"] = "fixed"
    screens: list[str] | None = None
    overlay: str | None = None
    max_attempts: Count = 0
    requests: SomeCount = 1
    missed_share: Share = 0.0
    cache_s: SecondsOrZero = 0.0
    request_bytes: Bytes
    response_bytes: Bytes
    news_bytes: BytesOrNone = None
    empty_bytes: BytesOrNone = None
    pulls: Count = 0
    function: str
    delivers: list[str] = []


class Host(Served):
    """A server the phone talks to: protocol, TLS, how long it keeps an idle connection, what runs it."""

    backend: Requests
    protocol: Literal["http1", "http2"] = "http1"
    tls: Literal["1.3", "1.2"] = "1.3"
    chain: str = "rsa4"
    resumed_share: Share = 0.0
    idle_timeout_s: Seconds


class Server(Part):
    """A plain server: instances of one type, sized from the load."""

    instance: str
    requests_per_s: PerSecond
    connections: Positive
    utilisation_share: SomeShare
    least_instances: Count = 1
    balancer: Literal["none", "alb", "nlb", "nlb_tls"] = "none"
    balancer_idle_s: SecondsOrZero = 0.0
    public_addresses: Count = 0
    disk_usd: Zero = 0.0

    @property
    def idle_s(self) -> Any:
        """How long the load balancer lets a connection be silent: as it is set, or as it comes; no limit without it."""
        if self.balancer == "none":
            return np.inf
        return np.where(np.greater(self.balancer_idle_s, 0.0), self.balancer_idle_s, balancers()[self.balancer].idle_s)


FROM: Any = {"from": (Literal["client", "server"], "client")}  # a word of Python, so no field of a class
_Sent: Any = create_model("Sent", __base__=Part, **FROM)


class Heartbeat(_Sent):
    """The beat that shows a connection is alive: sent `from` one side, mostly answered by the other.

    `json` beats are messages, `ping` frames are not. One that nobody answers is missed after `pong_timeout_s` too.
    """

    answered: bool = True
    period_s: Seconds
    pong_timeout_s: SecondsOrZero
    kind: Literal["ping", "json"] = "ping"
    clock: Literal["fixed", "after_silence"] = "fixed"
    payload_bytes: Bytes = 0.0
    function: str | None = None

    @property
    def by_client(self) -> bool:
        """Whether the phone sends it."""
        return getattr(self, "from") == "client"

    @property
    def messages(self) -> tuple[float, float]:
        """Messages that one beat is, up and down: none where it is a ping frame."""
        up, down = self.by_client or self.answered, not self.by_client or self.answered
        return float(up and self.kind == "json"), float(down and self.kind == "json")


class Reconnect(Part):
    """The schedule of attempts after a loss; a client out of attempts stays on the fallback."""

    delays_s: Delays
    jitter: Literal["none", "equal", "full", "decorrelated", "plus_minus"] = "none"
    jitter_share: Share = 0.5
    cap_s: SecondsOrNone = None
    last_attempt: bool = True

    @property
    def most_s(self) -> Any:
        """The most a delay is after jitter of plus and minus."""
        return math.inf if self.cap_s is None else self.cap_s


class Fallback(Part):
    """The poll that runs while the socket is down."""

    period_s: Seconds
    requests: SomeCount
    start_delay_s: SecondsOrZero


class Push(Part):
    """How a pushed event arrives: whether anybody sends it, the pulls it triggers, a payload of its own."""

    sent: bool = True
    pulls: Count = 0
    audience: Literal["recipients", "broadcast"] | None = None
    payload_bytes: BytesOrNone = None


class Pull(Part):
    """The request that a push, or the count in a poll's answer, triggers."""

    request_bytes: Bytes
    response_bytes: Bytes
    function: str


class Socket(Served):
    """The WebSocket side of a design: connection, functions behind it, table, cache and senders.

    `deflate` compresses every message on its own (permessage-deflate without context takeover).
    """

    backend: Sockets = "apigw_ws"
    tls: Literal["1.3", "1.2"] = "1.3"
    chain: str = "rsa4"
    resumed_share: Share = 0.0
    upgrade_request_bytes: Bytes
    upgrade_response_bytes: Bytes
    grace_s: Grace
    blocked_share: Share
    catch_up: bool
    connection_item_bytes: Bytes
    table_base_bytes: Bytes
    disconnect: Literal["scan", "key"]
    fan_out: Literal["sequential", "parallel"]
    connect_function: str
    disconnect_function: str
    send_function: str
    cache_scan_period_s: SecondsOrZero = 0.0
    cache_hit_share: Share = 0.0
    direct_send: bool = False
    deflate: bool = False
    topic_bytes: Bytes = 0.0
    publish_s: SecondsOrZero = 0.0
    delivery_s: SecondsOrZero = 0.0
    awake_s: SecondsOrZero = 0.0
    pings_billed: YesOrNo | None = None
    ping_resets_idle: YesOrNo = Range(low=0.0, mode=1.0, high=1.0, source="assumption", note=PING_RESETS, chance=0.7)
