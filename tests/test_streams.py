"""Event streams, long polls, MQTT, AppSync Events and keep-alives against messages that are really written out."""

import json
import re
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model import ledger, paths, wire
from model.checks import InputError
from model.wire import streams

RECORD, HEADERS = 22, 52  # TLS 1.3; IPv4 and TCP with timestamps
SAMPLES = [row["json"] for row in ledger.read_csv(paths.data("messages.csv"))]
texts = st.integers(0, 65_535)


def sent(plaintext):
    """IP bytes of one write that fits a segment."""
    return len(plaintext) + RECORD + HEADERS


def frame(payload, masked):
    """A WebSocket frame as RFC 6455 s.5.2 draws it."""
    size, bit = len(payload), 0x80 * masked
    if size <= 125:
        head = struct.pack("!BB", 0x82, size | bit)
    elif size <= 65_535:
        head = struct.pack("!BBH", 0x82, 126 | bit, size)
    else:
        head = struct.pack("!BBQ", 0x82, 127 | bit, size)
    return head + b"\0" * 4 * masked + payload


def compact(**message):
    return json.dumps(message, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("protocol", "ipv4_bytes", "more_on_ipv6"),
    [  # packets x 20 B more on IPv6
        ("websocket", 208, 3),
        ("sse", 134, 2),
        ("sse_http2", 138, 2),
        ("mqtt_wss", 212, 3),
        ("mqtt_tls", 204, 3),
        ("appsync_events", 141, 2),
        ("ably", 140, 2),
        ("pusher", 274, 3),
    ],
)
def test_keepalives_cost_what_their_bytes_and_packets_add_up_to(protocol, ipv4_bytes, more_on_ipv6):
    assert sum(wire.keepalive_bytes(protocol)) == ipv4_bytes
    assert sum(wire.keepalive_bytes(protocol, ip=6)) == ipv4_bytes + 20 * more_on_ipv6


def test_keepalives_written_out_have_the_modelled_size():
    ping, ka, pusher = b"\xc0\x00", compact(type="ka"), compact(event="pusher:ping", data={})
    written = {
        "sse": (b"", b"3\r\n:\n\n\r\n"),
        "sse_http2": (b"", b"\0" * 9 + b":\n\n"),
        "mqtt_tls": (ping, b"\xd0\x00"),
        "mqtt_wss": (frame(ping, True), frame(b"\xd0\x00", False)),
        "appsync_events": (b"", frame(ka, False)),
        "ably": (b"", frame(compact(action=0), False)),
        "pusher": (frame(pusher, True), frame(pusher, False)),
        "websocket": (frame(b"", True), frame(b"", False)),
    }
    for protocol in wire.KEEPALIVES:
        up, down = written[protocol]
        assert wire.keepalive_bytes(protocol) == ((sent(up) if up else 0) + HEADERS, sent(down)), protocol


def test_an_empty_long_poll_costs_742_bytes_a_cycle_and_690_where_the_client_asks_again_at_once():
    assert wire.long_poll_bytes() == (323 + RECORD + 2 * HEADERS, 167 + RECORD + 2 * HEADERS)
    assert sum(wire.long_poll_bytes()) == 742
    assert sum(wire.long_poll_bytes(asks_at_once=True)) == 742 - HEADERS
    assert sum(wire.long_poll_bytes(184)) == 742 + 184
    # an answer at once is a poll: the server's ACK rides on it
    assert wire.long_poll_bytes(184, 360, 336, hold_s=0) == wire.http_exchange_bytes(360, 520)


@given(data=st.integers(0, 1_200), ident=st.integers(0, 40), name=st.integers(0, 40))
def test_an_event_is_as_long_as_its_chunk_written_out(data, ident, name):
    text = f"id: {'i' * ident}\n" * (ident > 0) + f"event: {'n' * name}\n" * (name > 0) + f"data: {'x' * data}\n\n"
    chunk = f"{len(text):x}\r\n{text}\r\n".encode()
    assert wire.sse_event_bytes(data, ident, name) == (HEADERS, sent(chunk))
    assert wire.sse_event_bytes(data, ident, name, http="2") == (HEADERS, sent(b"\0" * 9 + text.encode()))


def test_an_event_of_a_chunk_length_with_one_more_digit_is_one_byte_longer():
    data = np.array([16**digits - 8 for digits in (1, 2, 3, 4, 5)])
    up, down = (wire.sse_event_bytes(data - less, tls="none", segments_per_ack=10**6)[1] for less in (1, 0))
    packets = (-(-(down) // 1_500)) - (-(-(up) // 1_500))
    assert ((down - up - packets * HEADERS) == 2).all()


def encoded(kind, rest):
    """An MQTT packet with the length field of MQTT 3.1.1 s.2.2.3."""
    length, left = bytearray(), len(rest)
    while True:
        left, digit = divmod(left, 128)
        length.append(digit | 0x80 * (left > 0))
        if not left:
            return bytes([kind]) + bytes(length) + rest


def test_the_length_field_grows_where_table_2_4_of_mqtt_3_1_1_says():
    most = np.array([127, 16_383, 2_097_151, 268_435_455])
    assert (streams.mqtt_packet_bytes(most) - most == [2, 3, 4, 5]).all()
    assert (streams.mqtt_packet_bytes(most[:3] + 1) - most[:3] - 1 == [3, 4, 5]).all()
    with pytest.raises(InputError, match=re.escape("rest_bytes must be <= 268435455 B (the longest MQTT packet)")):
        streams.mqtt_packet_bytes(268_435_456)


def text(size):
    return struct.pack("!H", size) + b"t" * size


@given(
    payload=st.integers(0, 17_000), topic=texts, masked=st.booleans(), websocket=st.booleans(), qos=st.integers(0, 1)
)
def test_a_publish_is_as_long_as_its_packet_written_out(payload, topic, masked, websocket, qos):
    packet = encoded(0x30 | qos << 1, text(topic) + b"\0\1" * qos + b"x" * payload)
    said = len(frame(packet, masked)) if websocket else len(packet)
    bare = wire.mqtt_publish_bytes(payload, topic, masked, qos, websocket, tls="none")
    answer = frame(b"\x40\2\0\1", not masked) if websocket else b"\x40\2\0\1"
    segments = max(1, -(-said // 1_448))
    lone = segments // 2 + (0 if qos else segments % 2)
    there, back = said + segments * HEADERS + qos * HEADERS, qos * (len(answer) + HEADERS) + lone * HEADERS
    assert bare == ((there, back) if masked else (back, there))


@given(client=texts, user=texts, password=texts, topic=st.integers(0, 300), topics=st.integers(1, 8))
def test_the_hello_of_mqtt_is_as_long_as_its_packets_written_out(client, user, password, topic, topics):
    login = b"".join(text(size) for size in (user, password) if size)
    connect = encoded(0x10, text(4) + b"\4\xc2\0\0" + text(client) + login)
    up, down = wire.mqtt_connect_bytes(client, user, password, websocket=False, tls="none")
    segments = -(-len(connect) // 1_448)
    assert up == len(connect) + (segments + 1) * HEADERS  # the ACK of CONNACK
    assert down == 4 + (1 + segments // 2) * HEADERS
    subscribe = encoded(0x82, b"\0\1" + topics * (text(topic) + b"\0"))
    suback = encoded(0x90, b"\0\1" + topics * b"\0")
    up, down = wire.mqtt_subscribe_bytes(topic, topics)
    segments = -(-(len(frame(subscribe, True)) + RECORD) // 1_448)
    assert up == len(frame(subscribe, True)) + RECORD + (segments + 1) * HEADERS
    assert down == len(frame(suback, False)) + RECORD + (1 + segments // 2) * HEADERS


def test_appsync_messages_are_as_long_as_those_of_awss_page_written_out():
    ident, channel, event = "ee849ef0-cf23-4cb8-9fcb-152ae4fd1e69", "/namespaceA/subB/subC", SAMPLES[0]
    key, host = "da2-12345678901234567890123456", "example1234567890000.appsync-api.us-east-1.amazonaws.com"
    both = [
        ("connect", compact(type="connection_init"), compact(type="connection_ack", connectionTimeoutMs=300000)),
        (
            "subscribe",
            compact(type="subscribe", id=ident, channel=channel, authorization={"x-api-key": key, "host": host}),
            compact(type="subscribe_success", id=ident),
        ),
    ]
    for message, said, answer in both:
        priced = wire.appsync_bytes(message, len(channel))
        assert priced == (sent(frame(said, True)) + HEADERS, sent(frame(answer, False))), message
    data = compact(type="data", id=ident, event=event)
    priced = wire.appsync_bytes("data", event_bytes=len(event))
    assert priced[0] == HEADERS and priced[1] == pytest.approx(sent(frame(data, False)), abs=0.01 * len(event))
    publish = compact(type="publish", id=ident, channel=channel, events=[event], authorization={"x-api-key": key})
    up, _ = wire.appsync_bytes("publish", len(channel), len(event))
    assert up == pytest.approx(sent(frame(publish, True)) + HEADERS, abs=0.01 * len(event))


def test_json_in_json_grows_by_the_quotation_marks_of_the_sample_messages():
    grown = [len(json.dumps(sample, ensure_ascii=False)) - 2 for sample in SAMPLES]
    assert sum(grown) / sum(map(len, SAMPLES)) - 1 == pytest.approx(ledger.value("json_escapes_share"), abs=5e-5)


def test_a_websocket_exchange_is_two_messages_less_one_ack():
    both = sum(wire.websocket_message_bytes(33, True)) + sum(wire.websocket_message_bytes(89, False))
    assert sum(wire.websocket_exchange_bytes(33, 89)) == both - HEADERS
    assert wire.websocket_exchange_bytes(0, 0) == wire.heartbeat_bytes()


def test_arrays_give_what_their_elements_give():
    sizes, up, qos = np.array([0, 184, 1_500]), np.array([[True], [False]]), np.array([0, 1, 1])
    calls = [
        (wire.sse_event_bytes, {"data_bytes": sizes, "id_bytes": up * 5}),
        (wire.long_poll_bytes, {"news_bytes": sizes, "asks_at_once": up}),
        (wire.mqtt_publish_bytes, {"payload_bytes": sizes, "topic_bytes": 30, "up": up, "qos": qos, "websocket": ~up}),
        (wire.mqtt_subscribe_bytes, {"topic_bytes": sizes, "topics": up + 1}),
        (wire.websocket_exchange_bytes, {"client_payload_bytes": sizes, "server_payload_bytes": up * 7, "ip": 6}),
    ]
    for function, given_arrays in calls:
        whole = function(**given_arrays)
        assert whole[0].shape == (2, 3)
        for at in np.ndindex(2, 3):
            one = {name: np.broadcast_to(value, (2, 3))[at].item() for name, value in given_arrays.items()}
            assert (whole[0][at], whole[1][at]) == function(**one)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: wire.mqtt_publish_bytes(1, 1, qos=2), "qos must be 0 or 1; got 2"),
        (
            lambda: wire.mqtt_publish_bytes(1, 65_536),
            "topic_bytes must be <= 65535 B (the longest MQTT text); got 65536",
        ),
        (lambda: wire.mqtt_subscribe_bytes(5, topics=0), "topics must be > 0; got 0"),
        (lambda: wire.sse_event_bytes(-1), "data_bytes must be a whole number >= 0 B; got -1"),
        (lambda: wire.sse_event_bytes(1, http="3"), "unknown HTTP version '3'"),
        (lambda: wire.keepalive_bytes("absly"), "unknown protocol 'absly'; did you mean 'ably'?"),
        (lambda: wire.appsync_bytes("subscribed"), "unknown AppSync message 'subscribed'; did you mean 'subscribe'?"),
        (lambda: wire.long_poll_bytes(hold_s=-1), "hold_s must be >= 0 s; got -1"),
    ],
)
def test_bad_input_is_one_sentence(call, sentence):
    with pytest.raises(InputError, match=re.escape(sentence)):
        call()
