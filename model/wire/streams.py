"""Other ways to be told than a poll and a bare socket: server-sent events, long polls, AppSync Events, MQTT 3.1.1.

Each gives the IP bytes (up, down) from the phone's side, ACKs in, as `exchanges` does. MQTT runs bare on TLS or each
packet in a frame of a WebSocket; QoS 2 and the properties of MQTT 5 are left out. Source: mqtt311, bench_sockets.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from model import checks, ledger
from model.wire import exchanges, frames, packets
from model.wire.frames import constant


def sse_event_bytes(data_bytes, id_bytes=0, name_bytes=0, http="1.1", tls="1.3", ip=4, segments_per_ack=2):
    """The IP bytes (up, down) of one server-sent event with one line of data, and of its ACKs.

    Data + 8, an id + 5, a name + 8; around them an HTTP/1.1 chunk or HTTP/2 DATA frames. An HTTP/2 client's
    WINDOW_UPDATE after each few megabytes is left out. Source: whatwg_sse, rfc9112, rfc9113, bench_sockets.
    """

    def ways(ip, overhead, segments_per_ack, **fields):
        text = constant("sse_event_framing_bytes")
        for name, size in fields.items():
            more = 0 if name == "data_bytes" else constant(f"sse_{name.removesuffix('_bytes')}_framing_bytes")
            text = text + (size := frames.whole_bytes(name, size)) + (size > 0) * more
        return packets.one_way(streamed_bytes(text, http), np.False_, ip, overhead, segments_per_ack)

    given = {"data_bytes": data_bytes, "id_bytes": id_bytes, "name_bytes": name_bytes, "ip": ip}
    return exchanges.ip_bytes(ways, tls, **given, segments_per_ack=segments_per_ack)


def sse_comment_bytes(comment_bytes=0, http="1.1", tls="1.3", ip=4):
    """The IP bytes (up, down) of the comment by which a server keeps an event stream alive, and of its ACK.

    Comment + 3 in a chunk of 5 more, + 22 + 52, and 52 up: 134 B where it is empty, 138 B on HTTP/2.
    Source: whatwg_sse, rfc9112, rfc9113, bench_sockets.
    """

    def ways(comment_bytes, **rest):
        text = frames.whole_bytes("comment_bytes", comment_bytes) + constant("sse_comment_framing_bytes")
        return packets.one_way(streamed_bytes(text, http), np.False_, **rest)

    return exchanges.ip_bytes(ways, tls, comment_bytes=comment_bytes, ip=ip)


def streamed_bytes(body: np.ndarray, http: object) -> np.ndarray:
    """A body in an HTTP/1.1 chunk, its length in hexadecimal digits before it, or in HTTP/2 frames of 16,384 B."""
    if checks.known("HTTP version", str(http), ("1.1", "2")) == "2":
        return body + -(-body // constant("http2_frame_payload_most_bytes")) * constant("http2_frame_header_bytes")
    return (
        body + constant("http1_chunk_framing_bytes") + 1 + sum((body >= 16**more).astype(int) for more in range(1, 16))
    )


def long_poll_bytes(
    news_bytes=0, request_bytes=323, response_headers_bytes=167, tls="1.3", ip=4, hold_s=25.0, asks_at_once=False
):
    """The IP bytes (up, down) of one long poll: a GET, the answer that the server holds back, and an ACK of each.

    With nothing new the answer is its headers: (323 + 22 + 52) + 52 up and (167 + 22 + 52) + 52 down, 742 B. A
    client that asks again within the delayed-ACK time sends its ACK on that request: `asks_at_once`, 52 B less.
    Source: rfc6202, wire_capture, bench_sockets.
    """

    def ways(news_bytes, response_headers_bytes, hold_s, asks_at_once, **rest):
        headers = frames.whole_bytes("response_headers_bytes", response_headers_bytes)
        rest["response_bytes"] = headers + frames.whole_bytes("news_bytes", news_bytes)
        rest["server_s"] = checks.non_negative("hold_s", hold_s, "s")
        return packets.exchange(**rest, asks_at_once=frames.switch("asks_at_once", asks_at_once))

    given = {"request_bytes": request_bytes, "response_headers_bytes": response_headers_bytes, "hold_s": hold_s}
    return exchanges.ip_bytes(ways, tls, **given, news_bytes=news_bytes, asks_at_once=asks_at_once, ip=ip)


def json_in_json_bytes(json_bytes):
    """The bytes of a JSON text that is sent as a string of another: a backslash before each quotation mark."""
    plain = checks.whole("json_bytes", json_bytes, "B")
    return frames.plain(np.rint(plain * (1 + ledger.value("json_escapes_share"))).astype(np.int64))


APPSYNC = {  # what the client says, if anything, and what the service says
    "connect": ("connection_init", "connection_ack"),
    "subscribe": ("subscribe", "subscribe_success"),
    "publish": ("publish", "publish_success"),
    "data": ("", "data"),
    "keepalive": ("", "ka"),
}


def appsync_bytes(message, channel_bytes=0, event_bytes=0, tls="1.3", ip=4):
    """The IP bytes (up, down) of one AppSync Events message, of its answer where it has one, and of the ACKs.

    `connect`, `subscribe` (a channel) and `publish` (an event to a channel) are answered; `data` (an event) and
    `keepalive` come from the service. An event is sent as a JSON text in JSON. Source: aws_docs.
    """
    said, answer = APPSYNC[checks.known("AppSync message", message, APPSYNC)]
    more = checks.whole("channel_bytes", channel_bytes, "B") if message in ("subscribe", "publish") else 0
    more = more + (json_in_json_bytes(event_bytes) if message in ("publish", "data") else 0)
    size = more + constant(f"appsync_{said or answer}_bytes")
    if not said:
        return exchanges.websocket_message_bytes(size, False, tls, ip)
    return exchanges.websocket_exchange_bytes(size, constant(f"appsync_{answer}_bytes"), tls, ip)


def keepalive_bytes(protocol, tls="1.3", ip=4):
    """The IP bytes (up, down) of one keep-alive of a protocol, with its answer where it has one and the ACKs."""
    return KEEPALIVES[checks.known("protocol", protocol, KEEPALIVES)](tls=tls, ip=ip)


def _said_bytes(row: str, answered: bool, tls, ip) -> tuple:
    """A vendor's keep-alive in JSON: its server's, not answered, or the client's, answered by one as long."""
    if answered:
        return exchanges.websocket_exchange_bytes(constant(row), constant(row), tls, ip)
    return exchanges.websocket_message_bytes(constant(row), False, tls, ip)


def mqtt_packet_bytes(rest_bytes):
    """The bytes of an MQTT packet whose variable header and payload are so long: type 1, length 1 to 4, and those."""
    rest = frames.whole_bytes("rest_bytes", rest_bytes, 128**4 - 1, "(the longest MQTT packet)")
    return frames.plain(rest + 2 + sum((rest >= 128**more).astype(int) for more in (1, 2, 3)))


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
        up, packet_id = frames.switch("up", up), constant("mqtt_packet_id_bytes")
        said = _text("topic_bytes", topic_bytes) + frames.whole_bytes("payload_bytes", payload_bytes) + qos * packet_id
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
    return constant("mqtt_text_length_bytes") + frames.whole_bytes(name, size, 65_535, "(the longest MQTT text)")


def _framed(rest_bytes: Any, up: Any, websocket: object) -> Any:
    """A packet as it is put into TLS: bare, or in a WebSocket frame that a client masks."""
    packet = np.asarray(mqtt_packet_bytes(rest_bytes))
    return packet + frames.switch("websocket", websocket) * frames.frame_overhead(packet, up)


def _exchange(asked_bytes: Any, answered_bytes: Any, websocket, **rest) -> tuple:
    """(up, down) of a packet and the one that answers it; the sizes are those after the length fields."""
    return packets.exchange(_framed(asked_bytes, True, websocket), _framed(answered_bytes, False, websocket), **rest)


KEEPALIVES = {
    "websocket": exchanges.heartbeat_bytes,
    "sse": sse_comment_bytes,
    "sse_http2": partial(sse_comment_bytes, http="2"),
    "mqtt_tls": partial(mqtt_ping_bytes, False),
    "mqtt_wss": partial(mqtt_ping_bytes, True),
    "appsync_events": partial(_said_bytes, "appsync_ka_bytes", False),
    "ably": partial(_said_bytes, "ably_heartbeat_bytes", False),
    "pusher": partial(_said_bytes, "pusher_ping_bytes", True),
}
