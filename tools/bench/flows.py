"""What the bench measures: single flows, and an hour of each design put together from them.

Sizes are whole messages: an HTTP/1.1 request or response with its headers, the frames of an HTTP/2 one, the
payload of a WebSocket message. `None` leaves a message as long as its headers make it.
"""

from __future__ import annotations

from dataclasses import dataclass

from model import checks

__all__ = []

OTHER_KINDS = ("long_poll", "long_poll_at_once", "sse_event", "sse_comment", "ws_exchange", "mqtt_connect")
OTHER_KINDS += ("mqtt_subscribe", "mqtt_ping", "mqtt_push", "mqtt_push_qos1", "mqtt_send", "mqtt_send_qos1")
KINDS = ("exchange", "push", "heartbeat", "upgrade", "ws_close", "connect", "close", *OTHER_KINDS)
PROTOCOLS = ("http/1.1", "http/2", "websocket", "tls1.3", "mqtt/tls", "mqtt/wss")
PAYLOADS = {  # bytes of JSON of each message type of the first case, data/messages.csv
    f"{size}_bytes": size for size in (184, 306, 399, 133, 123, 181, 326, 209, 164)
}


HOLD_S = 0.3  # how long a long poll is held back: beyond any ACK timer, as 25 s would be
SILENCE_S = 0.3  # beyond Linux's shortest RTO of 0.2 s, after which it acknowledges every segment at once


@dataclass(frozen=True)
class Flow:
    """One kind of exchange to be measured."""

    name: str
    kind: str
    protocol: str
    up_bytes: int | None = 0
    down_bytes: int | None = 0
    server_s: float = 0.0
    chain: str = "rsa4"
    resumed: bool = False

    def pause_s(self, spacing_s: float) -> float:
        """The pause after each: none where the client asks again at once, longer where only the server speaks."""
        if self.kind in ("push", "sse_event", "mqtt_push"):
            return max(spacing_s, SILENCE_S)
        return 0.0 if self.kind == "long_poll_at_once" else spacing_s

    def __post_init__(self):
        """Refuse what the bench has no way to send."""
        place = f"flow {self.name!r}"
        checks.known("kind of flow", self.kind, KINDS, place)
        checks.known("protocol", self.protocol, PROTOCOLS, place)
        checks.non_negative("server_s", self.server_s, "s", place)
        for name in ("up_bytes", "down_bytes"):
            if getattr(self, name) is not None:
                checks.whole(name, getattr(self, name), "B", place)


@dataclass(frozen=True)
class Hour:
    """One active hour of a design: how often each flow happens on its HTTP and WebSocket connections."""

    design: str
    protocol: str
    times: dict[str, int]


def _exchange(name, protocol, up_bytes, down_bytes, server_s=0.0):
    return Flow(name, "exchange", protocol, up_bytes, down_bytes, server_s)


FLOWS = (
    _exchange("poll", "http/1.1", 362, 310),
    _exchange("rest_poll", "http/1.1", 360, 520),
    _exchange("rest_poll_slow", "http/1.1", 360, 520, 0.06),
    _exchange("token_poll", "http/1.1", 1_397, 576),
    _exchange("two_segments", "http/1.1", 360, 2_000),
    _exchange("bulk", "http/1.1", 360, 20_000),
    _exchange("poll", "http/2", None, None),
    _exchange("exact_poll", "http/2", 120, 160),
    _exchange("exact_poll_slow", "http/2", 120, 160, 0.06),
    _exchange("token_poll", "http/2", 1_100, 240),
    _exchange("two_segments", "http/2", 120, 2_000),
    _exchange("bulk", "http/2", 120, 20_000),
    *(Flow(f"push_{name}", "push", "websocket", 0, size) for name, size in PAYLOADS.items()),
    Flow("push_two_segments", "push", "websocket", 0, 2_000),
    Flow("push_bulk", "push", "websocket", 0, 20_000),
    Flow("heartbeat", "heartbeat", "websocket"),
    Flow("upgrade", "upgrade", "websocket", 330, 300),
    Flow("ws_close", "ws_close", "websocket"),
    Flow("connect_rsa4", "connect", "tls1.3"),
    Flow("connect_rsa4_resumed", "connect", "tls1.3", resumed=True),
    Flow("connect_rsa3", "connect", "tls1.3", chain="rsa3"),
    Flow("connect_ecdsa3", "connect", "tls1.3", chain="ecdsa3"),
    Flow("close", "close", "tls1.3"),
    Flow("push_appsync_ka", "push", "websocket", 0, 13),
    Flow("push_ably_heartbeat", "push", "websocket", 0, 12),
    Flow("pusher_ping", "ws_exchange", "websocket", 33, 33),
    Flow("long_poll_empty", "long_poll", "http/1.1", 323, 167, HOLD_S),
    Flow("long_poll_news", "long_poll", "http/1.1", 323, 351, HOLD_S),
    Flow("long_poll_at_once", "long_poll_at_once", "http/1.1", 323, 167, HOLD_S),
    *(
        Flow(f"sse_{name}", "sse_event", protocol, 0, size)
        for protocol in ("http/1.1", "http/2")
        for name, size in {"new_comment": 184, "two_segments": 2_000, "bulk": 20_000}.items()
    ),
    *(Flow("sse_keepalive", "sse_comment", protocol) for protocol in ("http/1.1", "http/2")),
    *(
        Flow(name, name, protocol, 184 * ("send" in name), 184 * ("push" in name))
        for protocol in ("mqtt/tls", "mqtt/wss")
        for name in KINDS
        if name.startswith("mqtt_")
    ),
)

_PUSHES = {f"push_{name}": 2 for name in PAYLOADS}
HOURS = (  # what one user causes in an active hour; pulls follow the messages of 184 B (3) and of 164 B (1)
    Hour("polling", "http/1.1", {"poll": 1_800, "rest_poll": 210, "two_segments": 90}),
    Hour("polling", "http/2", {"poll": 1_800, "exact_poll": 210, "two_segments": 90}),
    Hour("push", "http/1.1", {"heartbeat": 120, **_PUSHES, "rest_poll": 8}),
    Hour("push", "http/2", {"heartbeat": 120, **_PUSHES, "poll": 8}),
)
