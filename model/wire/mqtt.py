"""MQTT 3.1.1 packets on the wire, bare on TLS or each in a frame of a WebSocket; IP bytes (up, down), ACKs in.

QoS 2 and the properties of MQTT 5 are left out. Source: mqtt311, bench_sockets.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from model import checks
from model.wire import exchanges, frames, packets, sizes
from model.wire.sizes import constant


def mqtt_packet_bytes(rest_bytes):
    """The bytes of an MQTT packet whose variable header and payload are so long: type 1, length 1 to 4, and those."""
    rest = sizes.whole_bytes("rest_bytes", rest_bytes, 128**4 - 1, "(the longest MQTT packet)")
    return sizes.plain(rest + 2 + sum((rest >= 128**more).astype(int) for more in (1, 2, 3)))


def mqtt_connect_bytes(
    client_id_bytes=36, user_bytes=0, password_bytes=0, websocket=True, tls="1.3", ip=4, server_s=0.0
):
    """The IP bytes (up, down) of CONNECT and CONNACK, after TCP, TLS and, where there is one, the upgrade."""

    def ways(client_id_bytes, user_bytes, password_bytes, **rest):
        user, password = _text("user_bytes", user_bytes), _text("password_bytes", password_bytes)
        login = user * (user > _text()) + password * (password > _text())
        said = constant("mqtt_connect_header_bytes") + _text("client_id_bytes", client_id_bytes) + login
        return _exchange(said, constant("mqtt_connack_header_bytes"), **rest)

    login = {"client_id_bytes": client_id_bytes, "user_bytes": user_bytes, "password_bytes": password_bytes}
    return exchanges.ip_bytes(ways, tls, **login, websocket=websocket, ip=ip, server_s=server_s)


def mqtt_subscribe_bytes(topic_bytes, topics=1, websocket=True, tls="1.3", ip=4, server_s=0.0):
    """The IP bytes (up, down) of one SUBSCRIBE to so many topics of that length, and of its SUBACK."""

    def ways(topic_bytes, topics, **rest):
        count = checks.positive("topics", checks.whole("topics", topics)).astype(np.int64)
        asked = count * (_text("topic_bytes", topic_bytes) + 1)  # a byte each for the QoS asked for and given
        return _exchange(*(constant("mqtt_packet_id_bytes") + size for size in (asked, count)), **rest)

    given = {"topic_bytes": topic_bytes, "topics": topics, "websocket": websocket, "server_s": server_s}
    return exchanges.ip_bytes(ways, tls, **given, ip=ip)


def mqtt_publish_bytes(
    payload_bytes, topic_bytes, up=False, qos=0, websocket=True, tls="1.3", ip=4, segments_per_ack=2
):
    """The IP bytes (up, down) of one PUBLISH to the phone or from it, with QoS 1 of its PUBACK, and of the ACKs.

    Topic + payload + 4, and 2 more with QoS 1, whose PUBACK of 4 carries the ACK of the PUBLISH.
    """

    def ways(payload_bytes, topic_bytes, up, qos, websocket, ip, overhead, segments_per_ack):
        if not (good := (qos == 0) | (qos == 1)).all():
            checks.fail(f"qos must be 0 or 1; got {checks.shown(qos[~good].tolist()[0])}")
        up, packet_id = sizes.switch("up", up), constant("mqtt_packet_id_bytes")
        said = _text("topic_bytes", topic_bytes) + sizes.whole_bytes("payload_bytes", payload_bytes) + qos * packet_id
        stream = packets.stream_bytes(_framed(said, up, websocket), overhead)
        count = packets.segment_count(stream, packets.mss_bytes(ip))
        acks = packets.ack_count(count, qos, np.where(up, 2, segments_per_ack))
        ends = (stream, qos * (_framed(packet_id, ~up, websocket) + overhead)), (count, qos), (qos, acks)
        return packets.Way(*(np.where(up, *end) for end in ends)), packets.Way(
            *(np.where(up, *end[::-1]) for end in ends)
        )

    given = {"payload_bytes": payload_bytes, "topic_bytes": topic_bytes, "up": up, "qos": qos, "websocket": websocket}
    return exchanges.ip_bytes(ways, tls, **given, ip=ip, segments_per_ack=segments_per_ack)


def mqtt_ping_bytes(websocket=True, tls="1.3", ip=4):
    """The IP bytes (up, down) of PINGREQ and PINGRESP, 2 B each: 212 B in all on a WebSocket, 204 B bare."""
    return exchanges.ip_bytes(partial(_exchange, 0, 0), tls, websocket=websocket, ip=ip, server_s=0.0)


def _text(name: str = "text_bytes", size: object = 0) -> np.ndarray:
    """A text with the length field before it."""
    return constant("mqtt_text_length_bytes") + sizes.whole_bytes(name, size, 65_535, "(the longest MQTT text)")


def _framed(rest_bytes: Any, up: Any, websocket: object) -> Any:
    """A packet as it is put into TLS: bare, or in a WebSocket frame that a client masks."""
    packet = np.asarray(mqtt_packet_bytes(rest_bytes))
    return packet + sizes.switch("websocket", websocket) * frames.frame_overhead(packet, up)


def _exchange(asked_bytes: Any, answered_bytes: Any, websocket, **rest) -> tuple:
    """(up, down) of a packet and the one that answers it; the sizes are those after the length fields."""
    return packets.exchange(_framed(asked_bytes, True, websocket), _framed(answered_bytes, False, websocket), **rest)
