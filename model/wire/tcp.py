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

    Parameters
    ----------
    ip : int or array
        IP version, 4 or 6; broadcasts. [-]

    Returns
    -------
    int or array of int
        Header bytes of one packet, in the shape of `ip`. [B]

    Raises
    ------
    InputError
        For a version other than 4 and 6.

    Notes
    -----
    Timestamps are on, as Linux, iOS and Android negotiate them; selective acknowledgements after a
    loss, which lengthen an ACK, are left out, as is every retransmission.

    Sources
    -------
    rfc791, rfc8200, rfc9293, rfc7323, wire_capture

    Examples
    --------
    >>> packet_header_bytes(4), packet_header_bytes(6)
    (52, 72)
    """
    return _sizes.ip_header_bytes(ip) + constant("tcp_header_bytes") + constant("tcp_timestamps_bytes")


def mss_bytes(ip=4):
    """The stream bytes that one full segment carries.

    MTU 1,500 less the headers of a packet: 1,448 on IPv4, 1,428 on IPv6.

    Parameters
    ----------
    ip : int or array
        IP version, 4 or 6; broadcasts. [-]

    Returns
    -------
    int or array of int
        Payload of a full segment, in the shape of `ip`. [B]

    Notes
    -----
    A path with a smaller MTU (tunnels, some carriers: 1,280 to 1,430) cuts long messages into more
    segments; messages below one segment cost the same.

    Sources
    -------
    wire_capture, rfc9293

    Examples
    --------
    >>> mss_bytes(4), mss_bytes(6)
    (1448, 1428)
    """
    return constant("mtu_bytes") - packet_header_bytes(ip)


def segments(stream_bytes, ip=4):
    """How many segments a message of so many stream bytes fills: ceil(bytes / MSS), at least one.

    Parameters
    ----------
    stream_bytes : int or array
        Bytes handed to TCP, TLS records included; whole, >= 0; broadcasts. [B]
    ip : int or array
        IP version, 4 or 6; broadcasts. [-]

    Returns
    -------
    int or array of int
        Segments that carry data. [-]

    Raises
    ------
    InputError
        For a negative or fractional size.

    Notes
    -----
    The message is taken as one write: a server that writes headers and body apart sends one more.

    Sources
    -------
    rfc9293, wire_capture

    Examples
    --------
    >>> segments([0, 1448, 1449])
    array([1, 1, 2])
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

    Parameters
    ----------
    segments : int or array
        Data segments received in one run, whole, >= 0; broadcasts. [-]
    rides : bool or array
        Whether data leaves the receiver before its timer (about 40 ms) ends; broadcasts. [-]
    segments_per_ack : int or array
        Full segments that an ACK covers, whole, >= 1. [-]

    Returns
    -------
    int or array of int
        Packets that carry an ACK and nothing else. [-]

    Raises
    ------
    InputError
        For a negative or fractional count.

    Notes
    -----
    A Linux receiver that was idle for longer than its retransmission timeout answers every segment of
    up to 16 (`segments_per_ack=1`; counted on Linux 6.18); receive offload and Apple's stretched ACKs
    answer fewer than every second. One or two segments, nearly all of this traffic, hardly differ.

    Sources
    -------
    rfc9293, wire_capture, wire_relay

    Examples
    --------
    >>> pure_acks([1, 2, 3, 70])
    array([ 1,  1,  2, 35])
    >>> pure_acks([1, 2, 3, 70], rides=True)
    array([ 0,  1,  1, 35])
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

    Parameters
    ----------
    ip : int or array
        IP version, 4 or 6; broadcasts. [-]

    Returns
    -------
    tuple of int or array of int
        IP bytes (up, down) from the phone's side. [B]

    Notes
    -----
    Linux sends the first after 7,200 s of silence, so a 30 s heartbeat leaves it nothing to do; a
    keep-alive does not count as traffic to a gateway that closes idle WebSockets.

    Sources
    -------
    wire_capture

    Examples
    --------
    >>> sum(keepalive_bytes(4))
    104
    """
    return packet_header_bytes(ip), packet_header_bytes(ip)
