"""The model beside the bytes that the bench of real sockets counted, by flow and by hour (`data/measured`)."""

from __future__ import annotations

import email.utils
import functools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np

from model import checks, paths, wire

SHORT_LIMIT_RATIO, LONG_LIMIT_RATIO, HOUR_LIMIT_RATIO = 0.02, 0.10, 0.01
LINUX_ACKS = 1  # quick ACKs where the receiver has been silent for an RTO
HANDSHAKES = ("connect", "close", "ws_close")
SIZES = ("message_up_bytes", "message_down_bytes")

# what the bench sends where a flow leaves the size of its messages to their headers
HOST_NAME = "api.push-or-poll.test"
POLL_BODY_BYTES = 19  # {"unread":0,"ok":1}
EVENT_ID, TOPIC_BYTES = "00000042", 39  # of a server-sent event; "events/" and a UUID's 32 digits
IOS_HEADERS = {  # as URLSession sends them; the bench fills the agent's value up to the size it wants
    "accept": "*/*",
    "accept-encoding": "gzip, deflate, br",
    "accept-language": "en-US,en;q=0.9",
    "connection": "keep-alive",
    "content-type": "application/json",
    "user-agent": "Twilly/1 CFNetwork/1494",
}
HTTP2_HEADERS = {k: v for k, v in IOS_HEADERS.items() if k != "connection"}
REST_HEADERS = (("content-type", "application/json"), ("x-powered-by", "Express"))


def response_headers(body_bytes: int, count: int | None = None, at_s: float | None = None) -> list[tuple[str, str]]:
    """A gateway's response headers; with a count, ids and the date (now, or at that second) too."""
    headers = [(":status", "200"), *REST_HEADERS, ("content-length", str(body_bytes))]
    if count is None:
        return headers
    rng = random.Random(count)

    def digits(n):
        return f"{rng.getrandbits(4 * n):0{n}x}"

    trace = f"Root=1-{digits(8)}-{digits(24)};Parent={digits(16)};Sampled=0;Lineage=1:{digits(8)}:0"
    request_id = "-".join(digits(n) for n in (8, 4, 4, 4, 12))
    return [
        *headers,
        ("date", email.utils.formatdate(at_s, usegmt=True)),
        ("x-amzn-requestid", request_id),
        ("x-amz-apigw-id", digits(16)),
        ("x-amzn-trace-id", trace),
    ]


def compare(folder: str | Path | None = None, bytes_model: Callable | None = None):
    """The bytes of the model beside those of a stored measurement, a row each, and whether they are near enough.

    `folder`: where the measurement is; the project's own where none is given; `bytes_model`: gives the model's bytes of
    a flow; the model's own unless told. A table: a row a flow and direction; measured and modelled bytes and their
    difference.
    """
    import pandas as pd

    model = bytes_model or modelled_bytes
    table = measured_table("bytes.csv", folder)
    parts = measured_table("hours.csv", folder) if (table.kind == "hour").any() else pd.DataFrame()
    rows = []
    for row in table.to_dict("records"):
        if row["kind"] == "hour":
            mine = parts[(parts.hour == row["flow"]) & (parts.protocol == row["protocol"])]
            up, down = hour_bytes(mine.to_dict("records"), row["protocol"], model)
        else:
            up, down = model(row)
        found, expected = row["up_bytes"] + row["down_bytes"], up + down
        limit = limit_ratio(row)
        rows.append(
            {name: row[name] for name in ("flow", "kind", "protocol", "n")}
            | {
                "measured_up_bytes": row["up_bytes"],
                "model_up_bytes": up,
                "measured_down_bytes": row["down_bytes"],
                "model_down_bytes": down,
                "measured_bytes": found,
                "model_bytes": expected,
                "measured_pure_acks": row["up_pure_acks"] + row["down_pure_acks"],
                "error_ratio": expected / found - 1,
                "limit_ratio": limit,
                "within": bool(abs(expected / found - 1) <= limit),
            }
        )
    return pd.DataFrame(rows)


def measured_table(name: str, folder: str | Path | None = None):
    """One file of a measurement as a DataFrame; of the project's own where no folder is given."""
    import pandas as pd

    path = (paths.data("measured") if folder is None else Path(folder)) / name
    if not path.is_file():
        checks.fail(f"no measurement {name} in {path.parent}; `workbook measure` writes one")
    return pd.read_csv(path)


def limit_ratio(row: dict) -> float:
    """How far the model may be from one row."""
    if row["kind"] == "hour":
        return HOUR_LIMIT_RATIO
    long = max(row["up_data_segments"], row["down_data_segments"]) > 2
    return LONG_LIMIT_RATIO if long or row["kind"] in HANDSHAKES else SHORT_LIMIT_RATIO


def modelled_bytes(part: dict) -> tuple[float, float]:
    """The IP bytes (up, down) that `model.wire` gives to one part of a measurement."""
    kind = checks.known("kind of flow", part["kind"], (*WIRE_OF, "exchange", "upgrade"))
    if kind in WIRE_OF:
        up, down = WIRE_OF[kind](part)
        return float(up), float(down)
    by_headers = part.get("sized_by") == "headers"
    up, down = http2_sizes(part["spacing_s"]) if by_headers else [part[name] for name in SIZES]
    return _exchange(up, down, part.get("server_s", 0.0))


WIRE_OF = {
    "heartbeat": lambda part: wire.heartbeat_bytes(),
    "connect": lambda part: wire.connect_bytes(chain=part["chain"], resumed=bool(part["resumed"]), alpn=True),
    "close": lambda part: wire.close_bytes(),
    "ws_close": lambda part: np.add(wire.websocket_close_bytes(), wire.close_bytes()),
    "http2_opening": lambda part: wire.http2_opening_bytes(),
    "push": lambda part: wire.websocket_message_bytes(int(part["payload_bytes"]), False, segments_per_ack=LINUX_ACKS),
    "ws_exchange": lambda part: wire.websocket_exchange_bytes(*2 * [int(part["payload_bytes"])]),
    "long_poll": lambda part: wire.long_poll_bytes(*_poll_sizes(part)),
    "long_poll_at_once": lambda part: wire.long_poll_bytes(*_poll_sizes(part), asks_at_once=True),
    "sse_event": lambda part: wire.sse_event_bytes(
        int(part["payload_bytes"]), len(EVENT_ID), http=part["protocol"][5:], segments_per_ack=LINUX_ACKS
    ),
    "sse_comment": lambda part: wire.sse_comment_bytes(http=part["protocol"][5:]),
    "mqtt_connect": lambda part: wire.mqtt_connect_bytes(websocket=_on_websocket(part)),
    "mqtt_subscribe": lambda part: wire.mqtt_subscribe_bytes(TOPIC_BYTES, websocket=_on_websocket(part)),
    "mqtt_ping": lambda part: wire.mqtt_ping_bytes(_on_websocket(part)),
    "mqtt_push": lambda part: _mqtt_bytes(part, False, 0),
    "mqtt_push_qos1": lambda part: _mqtt_bytes(part, False, 1),
    "mqtt_send": lambda part: _mqtt_bytes(part, True, 0),
    "mqtt_send_qos1": lambda part: _mqtt_bytes(part, True, 1),
}


def _mqtt_bytes(part: dict, up: bool, qos: int) -> tuple:
    """A message over MQTT, up or down."""
    return wire.mqtt_publish_bytes(int(part["payload_bytes"]), TOPIC_BYTES, up, qos, _on_websocket(part))


def _poll_sizes(part: dict) -> tuple[int, int, int]:
    """News, request and response headers of a long poll; the bytes are the same wherever the response is split."""
    request, response = (int(part[name]) for name in SIZES)
    return 0, request, response


def _on_websocket(part: dict) -> bool:
    """Whether MQTT ran on a WebSocket."""
    return part["protocol"] == "mqtt/wss"


def _exchange(up_bytes: float, down_bytes: float, server_s: float) -> tuple[float, float]:
    """An exchange whose mean sizes need not be whole: between the whole ones around them."""
    sizes = [np.array([np.floor(size), np.floor(size) + 1]) for size in (up_bytes, down_bytes)]
    up, _ = wire.http_exchange_bytes(sizes[0], np.floor(down_bytes), server_s=server_s)
    up_more, down = wire.http_exchange_bytes(np.floor(up_bytes), sizes[1], server_s=server_s)
    return (
        float(up[0] + (up[1] - up[0]) * (up_bytes % 1) + (up_more[1] - up_more[0]) * (down_bytes % 1)),
        float(down[0] + (down[1] - down[0]) * (down_bytes % 1)),
    )


@functools.cache
def http2_sizes(spacing_s: float = 0.2) -> tuple[float, float]:
    """Mean frames (up, down) of a steady HTTP/2 poll, by HPACK from headers whose date and ids change."""
    asked = {":method": "GET", ":authority": HOST_NAME, ":scheme": "https", ":path": "/poll"}
    request = [*asked.items(), *HTTP2_HEADERS.items()]
    answers = [response_headers(POLL_BODY_BYTES, i, i * spacing_s) for i in range(300)]
    up = wire.hpack_bytes(request, repeats=2)[-1]
    down = wire.hpack_bytes(answers)[50:].mean()
    body, frame, window_update = POLL_BODY_BYTES, 9, 13  # httpx opens the window of every stream
    return float(up) + frame + window_update, float(down) + frame + body + frame


def hour_bytes(parts: list[dict], protocol: str, model: Callable) -> tuple[float, float]:
    """IP bytes (up, down) of an hour: its connections opened and closed, every part as often as it was."""
    connect: dict = {"kind": "connect", "chain": "rsa4", "resumed": 0}
    extra: list[dict] = []
    total = np.zeros(2)
    if any(part["part_protocol"] == "websocket" for part in parts):
        extra += [connect, {"kind": "ws_close"}]
    if any(part["part_protocol"] != "websocket" for part in parts):
        extra += [connect, {"kind": "close"}] + [{"kind": "http2_opening"}] * (protocol == "http/2")
    opening = np.subtract(wire.http2_opening_bytes(tls="none"), np.array([2, 1]) * wire.packet_header_bytes())
    for part in parts:
        if part["part"].startswith("first_") and protocol == "http/2":  # the count has the opening in it
            part = part | {name: part[name] - said for name, said in zip(SIZES, opening, strict=True)}
        total += part["times"] * np.array(model(part | {"server_s": 0.0}))
    for part in extra:
        total += model(part)
    return float(total[0]), float(total[1])
