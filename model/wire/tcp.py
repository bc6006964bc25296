"""TCP on IP: segments, the headers on each, and the ACKs that travel alone."""

from __future__ import annotations

import numpy as np

from model import checks
from model.wire import _sizes
from model.wire._sizes import constant

__all__ = ["keepalive_bytes", "mss_bytes", "packet_header_bytes", "pure_acks", "segments"]


def packet_header_bytes(ip=4):
    """The IP and TCP headers of every packet after the SYNs: a pure ACK is nothing else.

    IP header + TCP header 20 + timestamps option 12: 52 B on IPv4, 72 B on IPv6.

    Source: rfc791, rfc8200, rfc9293, rfc7323, wire_capture.
    """
    return _sizes.ip_header_bytes(ip) + constant("tcp_header_bytes") + constant("tcp_timestamps_bytes")


def mss_bytes(ip=4):
    """The stream bytes that one full segment carries.

    MTU 1,500 less the headers of a packet: 1,448 on IPv4, 1,428 on IPv6.

    Source: wire_capture, rfc9293.
    """
    return constant("mtu_bytes") - packet_header_bytes(ip)


def segments(stream_bytes, ip=4):
    """How many segments a message of so many stream bytes fills: ceil(bytes / MSS), at least one.

    Source: rfc9293, wire_capture.
    """
    return _sizes.in_blocks(_segments, 1, stream_bytes=stream_bytes, ip=ip)[0]


def _segments(stream_bytes, ip):
    return (segment_count(_sizes.whole_bytes("stream_bytes", stream_bytes), mss_bytes(ip)),)


def segment_count(stream_bytes, mss):
    """ceil(stream / MSS), at least 1, of integers already checked."""
    return np.maximum((stream_bytes + (mss - 1)) // mss, 1)


def pure_acks(segments, rides=False, segments_per_ack=2):
    """How many ACKs of so many segments travel alone, in packets of headers only.

    The receiver answers every second full segment at once: floor(k / 2). An odd last one waits for
    the delayed-ACK timer; it rides on data that leaves before then, and else goes alone. With
    nothing to ride on that is ceil(k / 2), the least that the standard allows.

    Source: rfc9293, wire_capture, wire_relay.
    """
    count = checks.whole("segments", segments).astype(np.int64)
    return _sizes.plain(ack_count(count, _sizes.switch("rides", rides), checked_every(segments_per_ack)))


def checked_every(segments_per_ack):
    """Segments an ACK covers, refused below 1."""
    every = checks.whole("segments_per_ack", segments_per_ack).astype(np.int64)
    if np.any(every < 1):
        checks.fail(f"segments_per_ack must be >= 1; got {checks.shown(np.min(every))}")
    return every


def ack_count(segments, rides, every=2):
    """Pure ACKs of integers already checked: whole runs at once, the rest unless it rides."""
    at_once = segments // every
    alone = segments > at_once * every
    return at_once + (alone if rides is False else alone & ~np.asarray(rides))


def keepalive_bytes(ip=4):
    """The bytes of one TCP keep-alive: an empty probe up, its ACK down.

    Source: wire_capture.
    """
    return packet_header_bytes(ip), packet_header_bytes(ip)
