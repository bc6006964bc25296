"""The pieces of a scenario: usage, screens, networks, events, actions, and what serves a design.

Any float may be a number or a range `{low, mode, high}`.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from model.scenario.fields import (
    Bytes,
    BytesOrNone,
    Count,
    Delays,
    Detour,
    Grace,
    Memory,
    MonthDays,
    Part,
    PeakRatio,
    PerSecond,
    Positive,
    Range,
    Rate,
    Seconds,
    SecondsOrZero,
    Sessions,
    Share,
    Sigma,
    SomeCount,
    SomeShare,
    YesOrNo,
    Zero,
)

BIT_RATE = "of one phone while it sends or receives; LTE medians of 2012 were 6 up and 13 Mbit/s down (huang2012)"
PING_RESETS = "accounts differ on whether a ping frame resets API Gateway's idle timer"
WHICH_PROFILE = "which radio profile of the list a draw takes: 0 the first, 1 the last"


class UsersNear(Part):
    """The AWS region that users are near, and how far fibre goes round on the way to the scenario's."""

    place: str
    detour: Detour = Range(low=1.2, mode=1.5, high=2.2, source="assumption", note="fibre's length over the distance")


class Usage(Part):
    """How much people use the app; sessions have a lognormal length."""

    dau_mau_share: SomeShare
    sessions_per_day: Sessions
    session_mean_s: Seconds
    session_sigma_ln: Sigma
    peak_to_mean_ratio: PeakRatio


class Background(Part):
    """Traffic that both designs share on a screen, one segment a period."""

    period_s: Seconds
    up_bytes: Bytes
    down_bytes: Bytes
    burst_s: SecondsOrZero


class Screen(Part):
    """A screen with its share of active time and the background traffic it brings."""

    share: Share
    background: str | None = None


class Overlay(Part):
    """Something that goes on above any screen for a while, such as an upload being processed."""

    per_active_day: Rate
    duration_s: Seconds


class Network(Part):
    """One access network of the mix; the first radio profile is used, the others give its range.

    `profile_share` says how far down the list a draw goes: likelier the earlier a profile stands.
    """

    share: Share
    profiles: list[str] = Field(min_length=1)
    profile_share: Share = Range(low=0.0, mode=0.0, high=1.0, source="assumption", note=WHICH_PROFILE)
    rtt_s: Seconds
    rtt_sigma_ln: Sigma
    ip: Literal[4, 6] = 4
    metered: bool
    drx_s: SecondsOrZero
    paging_s: SecondsOrZero
    losses_per_hour: Rate
    unseen_share: Share
    nat_timeout_s: Seconds
    up_bit_per_s: Positive = Range(low=5e5, mode=5e6, high=3e7, source="assumption", note=BIT_RATE)
    down_bit_per_s: Positive = Range(low=2e6, mode=2e7, high=1e8, source="assumption", note=BIT_RATE)


class Event(Part):
    """Something users must be told: how often it is sent, to whom, and how big it is."""

    per_active_day: Rate
    recipients: Zero
    online_share: Share
    payload_bytes: Bytes
    screens: list[str] | None = None
    overlay: str | None = None
    within_s: Seconds | None = None


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


class Action(Part):
    """What a user does that costs requests in all designs, or messages where a socket is held and it goes `over` it."""

    per_session: Rate = 0.0
    per_active_day: Rate = 0.0
    requests: Count
    request_bytes: Bytes
    response_bytes: Bytes
    function: str
    over: Literal["http", "socket"] = "http"


class Refresh(Part):
    """What people do to look for themselves, whatever the design: a list opens with its screen, or they pull it down.

    Of the pulls a share is needless where everything the list shows comes by itself.
    """

    opens_per_active_hour: Rate
    pulls_per_active_hour: Rate
    needless_share: Share = 0.0
    screens: list[str] | None = None
    shows: list[str] = []
    request_bytes: Bytes
    response_bytes: Bytes
    function: str


class Timer(Part):
    """One polling loop: when it fires, where it runs, what it carries and which events it delivers.

    `response_bytes` is an answer without news; news adds the event's payload, or `news_bytes`. An answer that brings
    only a count is followed by `pulls` requests of the design's `pull` before the content shows, which carry it.
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
    pulls: Count = 0
    function: str
    delivers: list[str] = []


class Host(Part):
    """A server the phone talks to: protocol, TLS, how long it keeps an idle connection, what runs it."""

    backend: Literal["http_api", "rest_api", "server"]
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


class Heartbeat(Part):
    """The ping that shows a connection is alive; `json` heartbeats are messages, `ping` frames are not."""

    period_s: Seconds
    pong_timeout_s: SecondsOrZero
    kind: Literal["ping", "json"] = "ping"
    clock: Literal["fixed", "after_silence"] = "fixed"
    payload_bytes: Bytes = 0.0
    function: str | None = None


class Reconnect(Part):
    """The schedule of attempts after a loss; a client out of attempts stays on the fallback."""

    delays_s: Delays
    jitter: Literal["none", "equal", "full", "decorrelated"] = "none"
    last_attempt: bool = True


class Fallback(Part):
    """The poll that runs while the socket is down."""

    period_s: Seconds
    requests: SomeCount
    start_delay_s: SecondsOrZero


class Push(Part):
    """How a pushed event arrives: whether anybody sends it, the pulls it triggers, a payload of its own."""

    sent: bool = True
    pulls: Count = 0
    audience: Literal["recipients", "broadcast"] = "recipients"
    payload_bytes: BytesOrNone = None


class Pull(Part):
    """The request that a push, or the count in a poll's answer, triggers."""

    request_bytes: Bytes
    response_bytes: Bytes
    function: str


class Socket(Part):
    """The WebSocket side of a design: connection, functions behind it, table, cache and senders.

    `deflate` compresses every message on its own (permessage-deflate without context takeover).
    """

    backend: Literal["apigw_ws", "server"] = "apigw_ws"
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
    ping_resets_idle: YesOrNo = Range(low=0.0, mode=1.0, high=1.0, source="assumption", note=PING_RESETS, chance=0.7)


class Billing(Part):
    """Switches where AWS does not say what is billed, and how long a month is."""

    month_days: MonthDays = 30.0
    connects_billed: YesOrNo = False
    pings_billed: YesOrNo = False
    response_counts: YesOrNo = False
    logs_meter: Literal["lambda_logs_ingest_gb", "logs_ingest_gb"] = "lambda_logs_ingest_gb"


class Correlation(Part):
    """Two ranged inputs that rise and fall together, by the rank correlation of their draws."""

    between: tuple[str, str]
    rank: float
