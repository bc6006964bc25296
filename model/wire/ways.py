"""What crosses each way in an exchange, a message and a heartbeat: stream bytes, segments, lone ACKs.

The rest of the package reads bytes, packets and layers off these, so they cannot contradict each other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model import checks, ledger
from model.wire import _sizes, frames, tcp, tls

__all__ = ["Way"]


@dataclass(frozen=True)
class Way:
    """One direction: stream bytes handed to TCP, the segments that carry them, ACKs that go alone."""

    stream: np.ndarray
    segments: np.ndarray
    acks: np.ndarray

    @property
    def packets(self) -> np.ndarray:
        """Data segments and lone ACKs."""
        return self.segments + self.acks

    def ip_bytes(self, header_bytes) -> np.ndarray:
        """The stream and the headers of every packet."""
        return self.stream + self.packets * header_bytes


def streamed(plaintext_bytes, overhead: int, mss) -> tuple:
    """(stream bytes, segments) of one message that is already checked."""
    records = tls.record_count(plaintext_bytes) * overhead if overhead else 0
    return plaintext_bytes + records, tcp.segment_count(plaintext_bytes + records, mss)


def exchange_ways(request_bytes, response_bytes, server_s, segments_per_ack, ip, overhead) -> tuple[Way, Way]:
    """(up, down) of a request and its response; the request's last ACK rides on a quick response."""
    mss, every = tcp.mss_bytes(ip), tcp.checked_every(segments_per_ack)
    request_bytes = _sizes.whole_bytes("request_bytes", request_bytes)
    response_bytes = _sizes.whole_bytes("response_bytes", response_bytes)
    quick = checks.non_negative("server_s", server_s, "s") <= delayed_ack_s()
    up, up_segments = streamed(request_bytes, overhead, mss)
    down, down_segments = streamed(response_bytes, overhead, mss)
    return (
        Way(up, up_segments, tcp.ack_count(down_segments, False, every)),
        Way(down, down_segments, tcp.ack_count(up_segments, quick)),
    )


def message_ways(payload_bytes, masked, segments_per_ack, ip, overhead) -> tuple[Way, Way]:
    """(up, down) of one WebSocket message and its ACKs; `masked` may be an array."""
    masked, every = _sizes.switch("masked", masked), tcp.checked_every(segments_per_ack)
    payload_bytes = _sizes.whole_bytes("payload_bytes", payload_bytes)
    frame_bytes = payload_bytes + frames.frame_overhead(payload_bytes, masked)
    stream, count = streamed(frame_bytes, overhead, tcp.mss_bytes(ip))
    acks = tcp.ack_count(count, False, np.where(masked, 2, every) if np.any(every != 2) else every)
    return (Way(stream * masked, count * masked, acks * ~masked), Way(stream * ~masked, count * ~masked, acks * masked))


def heartbeat_ways(client_payload_bytes, server_payload_bytes, ip, overhead) -> tuple[Way, Way]:
    """(up, down) of a ping, the pong on which the ping's ACK rides, and the pong's ACK."""
    ping = frames.control_bytes("client_payload_bytes", client_payload_bytes)
    pong = frames.control_bytes("server_payload_bytes", server_payload_bytes)
    return (
        Way(ping + frames.frame_overhead(ping, True) + overhead, 1, 1),
        Way(pong + frames.frame_overhead(pong, False) + overhead, 1, 0),
    )


@functools.cache
def delayed_ack_s() -> float:
    """How long an ACK waits for data to ride on."""
    return ledger.value("tcp_delayed_ack_s")


def ip_bytes(ways: Callable[..., tuple[Way, Way]], version: object, **inputs: object) -> tuple:
    """IP bytes (up, down) of the ways that `ways` gives for the inputs."""
    overhead = tls.record_overhead_bytes(version)

    def pair(**parts):
        header_bytes = tcp.packet_header_bytes(parts["ip"])
        return tuple(way.ip_bytes(header_bytes) for way in ways(**parts, overhead=overhead))

    return _sizes.in_blocks(pair, **inputs)


def packets(ways: Callable[..., tuple[Way, Way]], version: object, **inputs: object) -> tuple:
    """Packets (up, down) of the ways that `ways` gives for the inputs."""
    overhead = tls.record_overhead_bytes(version)

    def pair(**parts):
        _sizes.ip_header_bytes(parts["ip"])
        return tuple(way.packets for way in ways(**parts, overhead=overhead))

    return _sizes.in_blocks(pair, **inputs)
