"""What other protocols than a bare WebSocket put on the wire: event streams, long polls, MQTT, and services' own words.

Each gives the IP bytes (up, down) of one occurrence of a flow.
"""

from __future__ import annotations

import numpy as np

from model import ledger, wire
from model.life.flow import Flow, Traffic


def sse_push(traffic: Traffic, flow: Flow, ip: int):
    """One event of a stream."""
    return wire.sse_event_bytes(wire.rounded_bytes(flow.response_bytes), tls=traffic.life.held.socket.tls, ip=ip)


def sse_beat(traffic: Traffic, flow: Flow, ip: int):
    """The comment that keeps a stream alive."""
    design = traffic.life.held
    return wire.sse_comment_bytes(wire.rounded_bytes(design.heartbeat.payload_bytes), tls=design.socket.tls, ip=ip)


def long_poll(traffic: Traffic, flow: Flow, ip: int):
    """One long poll, with news or without."""
    socket = traffic.life.held.socket
    headers = wire.rounded_bytes(socket.upgrade_response_bytes)
    news = np.maximum(wire.rounded_bytes(flow.response_bytes) - headers, 0)
    asked = wire.rounded_bytes(flow.request_bytes)
    return wire.long_poll_bytes(news, asked, headers, socket.tls, ip, asks_at_once=flow.kind == "push")


def mqtt_push(traffic: Traffic, flow: Flow, ip: int):
    """One PUBLISH to the phone."""
    socket = traffic.life.held.socket
    sizes = wire.rounded_bytes(flow.response_bytes), wire.rounded_bytes(socket.topic_bytes)
    return wire.mqtt_publish_bytes(*sizes, tls=socket.tls, ip=ip)


def mqtt_message(traffic: Traffic, flow: Flow, ip: int):
    """What a user publishes, and the answer where there is one."""
    socket = traffic.life.held.socket
    topic = wire.rounded_bytes(socket.topic_bytes)
    up = wire.mqtt_publish_bytes(wire.rounded_bytes(flow.request_bytes), topic, up=True, tls=socket.tls, ip=ip)
    down = wire.mqtt_publish_bytes(wire.rounded_bytes(flow.response_bytes), topic, tls=socket.tls, ip=ip)
    return tuple(flow.messages_up * a + flow.messages_down * b for a, b in zip(up, down, strict=True))


def mqtt_beat(traffic: Traffic, flow: Flow, ip: int):
    """PINGREQ and PINGRESP."""
    return wire.mqtt_ping_bytes(tls=traffic.life.held.socket.tls, ip=ip)


def nothing(traffic: Traffic, ip: int):
    """What a protocol says after the connection is open: nothing."""
    return 0.0, 0.0


def mqtt_hello(traffic: Traffic, ip: int):
    """CONNECT and SUBSCRIBE with their answers."""
    socket, topics = traffic.life.held.socket, wire.rounded_bytes(traffic.subscribed)
    met = wire.mqtt_connect_bytes(tls=socket.tls, ip=ip)
    asked = wire.mqtt_subscribe_bytes(
        wire.rounded_bytes(socket.topic_bytes), np.maximum(topics, 1), tls=socket.tls, ip=ip
    )
    return tuple(a + b for a, b in zip(met, asked, strict=True))


def service_hello(traffic: Traffic, ip: int):
    """What a service and its client say when they meet, and for each channel that is subscribed to."""
    socket = traffic.life.held.socket
    row, tls = socket.row, socket.tls
    met = _said(row.hello_up, row.hello_down, 0, tls, ip)
    asked = _said(row.subscribe_up, row.subscribe_down, wire.rounded_bytes(socket.topic_bytes), tls, ip)
    return tuple(a + traffic.subscribed * b for a, b in zip(met, asked, strict=True))


def _said(up: str, down: str, more, tls, ip: int):
    if up and down:
        return wire.websocket_exchange_bytes(int(ledger.value(up)) + more, int(ledger.value(down)), tls, ip)
    return wire.websocket_message_bytes(int(ledger.value(down)) + more, False, tls, ip) if down else (0.0, 0.0)


def enveloped_bytes(socket, payload_bytes):
    """A message of a service with what its protocol puts around the payload."""
    row, whole = socket.row, wire.rounded_bytes(payload_bytes)
    if not row.envelope:
        return whole
    escaped = 1.0 + ledger.value("json_escapes_share") * row.json_in_json
    return wire.rounded_bytes(ledger.value(row.envelope) + whole * escaped)


def _no_goodbye(tls, ip: int):
    """Nothing is said above TCP and TLS at the end."""
    return 0.0, 0.0


HELLOS = {  # transport -> what is said at the end of a connection, and when it is open
    "sse": (_no_goodbye, nothing),
    "long_polling": (_no_goodbye, nothing),
    "mqtt": (wire.websocket_close_bytes, mqtt_hello),
}
OTHERS = {  # what is not as on a WebSocket
    ("sse", "push"): sse_push,
    ("sse", "heartbeat"): sse_beat,
    ("long_polling", "push"): long_poll,
    ("long_polling", "heartbeat"): long_poll,
    ("mqtt", "push"): mqtt_push,
    ("mqtt", "message"): mqtt_message,
    ("mqtt", "heartbeat"): mqtt_beat,
}


def mobile_push_bytes(traffic: Traffic, flow: Flow, ip: int):
    """A push on the connection that the phone's system keeps to Apple or Google."""
    more = traffic.life.scenario.number("away_push_overhead_bytes")
    return wire.websocket_message_bytes(wire.rounded_bytes(flow.response_bytes + more), False, "1.3", ip)
