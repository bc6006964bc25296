"""What crosses each way in an exchange, a message and a heartbeat: TLS records, TCP segments, lone ACKs.

Bytes and layers are both read off these, so they cannot contradict each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from model import checks, ledger
from model.wire import frames
from model.wire.frames import constant

TLS_VERSIONS = ("1.3", "1.2", "1.2-chacha20", "none")
RECORD_OVERHEAD = {
    "1.3": "tls13_record_overhead_bytes",
    "1.2": "tls12_gcm_record_overhead_bytes",
    "1.2-chacha20": "tls12_chacha20_record_overhead_bytes",
}


def version_name(tls: object) -> str:
    """The TLS version as its name; None is "none", an unknown one is refused with the nearest."""
    return checks.known("TLS version", "none" if tls is None else str(tls), TLS_VERSIONS)


def record_overhead_bytes(tls: object) -> int:
    """What one TLS record adds; 0 where there is no TLS.

    Header 5 + tag 16, and in TLS 1.3 the inner content type 1 (22 in all); AES-GCM in TLS 1.2 sends 8 bytes
    of nonce (29), ChaCha20 none (21). Source: rfc8446, rfc5288, rfc7905, wire_capture.
    """
    name = version_name(tls)
    return 0 if name == "none" else constant(RECORD_OVERHEAD[name])


@frames.remembered
def packet_header_bytes(ip=4):
    """The IP and TCP headers of every packet after the SYNs: a pure ACK is nothing else.

    IP header + TCP header 20 + timestamps option 12: 52 B on IPv4, 72 B on IPv6.
    Source: rfc791, rfc8200, rfc9293, rfc7323, wire_capture.
    """
    headers = frames.ip_header_bytes(ip) + constant("tcp_header_bytes") + constant("tcp_timestamps_bytes")
    return frames.plain(headers)


def mss_bytes(ip=4):
    """The stream bytes that one full segment carries: MTU 1,500 less the headers, 1,448 on IPv4, 1,428 on IPv6.

    Source: wire_capture, rfc9293.
    """
    return constant("mtu_bytes") - packet_header_bytes(ip)


def stream_bytes(plaintext_bytes: Any, overhead: int) -> Any:
    """The TLS stream of one message: n + overhead x max(1, ceil(n / 16,384)), a record for each 16,384 B.

    Source: rfc8446.
    """
    if not overhead:
        return plaintext_bytes
    most = constant("tls_record_plaintext_most_bytes")
    return plaintext_bytes + overhead * np.maximum(-(-plaintext_bytes // most), 1)


def segment_count(stream_bytes: Any, mss: Any) -> Any:
    """How many segments so many stream bytes fill: ceil(bytes / MSS), at least one. Source: rfc9293, wire_capture."""
    return np.maximum(-(-stream_bytes // mss), 1)


def ack_count(segments: Any, rides: Any = False, segments_per_ack: Any = 2) -> Any:
    """How many ACKs of so many segments travel alone, in packets of headers only.

    The receiver answers every second full segment at once: floor(k / 2). An odd last one waits for
    the delayed-ACK timer; it rides on data that leaves before then, and else goes alone. With
    nothing to ride on that is ceil(k / 2), the least that the standard allows.
    Source: rfc9293, wire_capture, wire_relay.
    """
    at_once = segments // segments_per_ack
    return at_once + ((segments > at_once * segments_per_ack) & np.logical_not(rides))


@dataclass(frozen=True)
class Way:
    """One direction: stream bytes handed to TCP, the segments that carry them, ACKs that go alone."""

    stream: Any
    segments: Any
    acks: Any

    def ip_bytes(self, header_bytes: Any) -> Any:
        """The stream and the headers of every packet."""
        return self.stream + (self.segments + self.acks) * header_bytes


def exchange(request_bytes, response_bytes, server_s, ip, overhead: int, asks_at_once=False) -> tuple[Way, Way]:
    """(up, down) of a request and its response; an ACK rides on a quick response, and on a request that follows it."""
    mss, quick = mss_bytes(ip), checks.non_negative("server_s", server_s, "s") <= ledger.value("tcp_delayed_ack_s")
    named = {"request_bytes": request_bytes, "response_bytes": response_bytes}
    up, down = (stream_bytes(frames.whole_bytes(name, size), overhead) for name, size in named.items())
    sent, answered = (segment_count(stream, mss) for stream in (up, down))
    return Way(up, sent, ack_count(answered, asks_at_once)), Way(down, answered, ack_count(sent, quick))


def one_way(plaintext_bytes, up, ip, overhead: int, segments_per_ack=2) -> tuple[Way, Way]:
    """(up, down) of what one side says unasked and of its ACKs."""
    every = checks.whole("segments_per_ack", segments_per_ack).astype(np.int64)
    if np.any(every < 1):
        checks.fail(f"segments_per_ack must be >= 1; got {checks.shown(np.min(every))}")
    stream = stream_bytes(plaintext_bytes, overhead)
    count = segment_count(stream, mss_bytes(ip))
    acks = ack_count(count, segments_per_ack=np.where(up, 2, every))
    return Way(stream * up, count * up, acks * ~up), Way(stream * ~up, count * ~up, acks * up)


def message(payload_bytes, masked, ip, overhead: int, segments_per_ack=2) -> tuple[Way, Way]:
    """(up, down) of one WebSocket message and its ACKs; a masked one goes up, any other down."""
    frame_bytes, up = frames.message_frame_bytes(payload_bytes, masked)[1], frames.switch("masked", masked)
    return one_way(frame_bytes, up, ip, overhead, segments_per_ack)


def heartbeat(client_payload_bytes, server_payload_bytes, ip, overhead: int, from_server=False) -> tuple[Way, Way]:
    """(up, down) of a ping, the pong on which the ping's ACK rides, and the pong's ACK: one segment each, on any IP."""
    up = frames.control_frame_bytes("client_payload_bytes", client_payload_bytes, True)
    down = frames.control_frame_bytes("server_payload_bytes", server_payload_bytes, False)
    return Way(up + overhead, 1, not from_server), Way(down + overhead, 1, from_server)
