"""What the kernel really sent and received on one connection, read from its TCP_INFO without root.

Linux keeps bytes and segments of every TCP socket; `getsockopt(TCP_INFO)` hands them to whoever owns the
socket. IP bytes are the TCP payload plus 20 of IPv4 and 32 of TCP (timestamps) for every segment; the SYN
and the SYN-ACK carry 8 more of options. A segment without payload that is neither SYN nor FIN is a pure ACK.
"""

from __future__ import annotations

import socket
import struct
import sys
from dataclasses import dataclass, fields

from model import checks

__all__ = ["read_tcp_info", "traffic_between"]

SEGMENT_OVERHEAD_BYTES = 20 + 32
SYN_EXTRA_BYTES = 8
TIMESTAMPS = 1  # the bit of tcpi_options
FIN_RECEIVED = (6, 7, 8, 9, 11)  # TIME_WAIT to CLOSING: states in which bytes_received counts the FIN as 1 B
OFFSETS = {
    "bytes_received": ("Q", 128),
    "segments_out": ("I", 136),
    "segments_in": ("I", 140),
    "data_segments_in": ("I", 152),
    "data_segments_out": ("I", 156),
    "bytes_sent": ("Q", 200),
    "bytes_resent": ("Q", 208),
}


@dataclass(frozen=True)
class TcpInfo:
    """The counters of one connection since its first SYN."""

    bytes_sent: int = 0
    bytes_received: int = 0
    segments_out: int = 0
    segments_in: int = 0
    data_segments_out: int = 0
    data_segments_in: int = 0
    bytes_resent: int = 0


@dataclass(frozen=True)
class Traffic:
    """What went over the wire between two readings, as IP bytes and segments, seen from the client."""

    up_bytes: int
    down_bytes: int
    up_data_segments: int
    down_data_segments: int
    up_bare_segments: int
    down_bare_segments: int
    resent_bytes: int

    def __add__(self, other: Traffic) -> Traffic:
        """Both together, field by field."""
        return Traffic(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def read_tcp_info(sock: socket.socket) -> TcpInfo:
    """The kernel's counters of one TCP connection.

    Parameters
    ----------
    sock : socket.socket
        A connected TCP socket, or a duplicate of one that was closed since. [-]

    Returns
    -------
    TcpInfo
        Bytes of payload [B] and segments [1] each way since the connection was opened.

    Raises
    ------
    InputError
        Where the system keeps no such counters, or the connection runs without TCP timestamps.

    Notes
    -----
    Counts what left and reached this end: a segment lost on the way is counted at its sender only.
    """
    if not sys.platform.startswith("linux"):
        checks.fail(f"the bench of real sockets reads Linux's TCP_INFO; this system is {sys.platform}")
    raw = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    if len(raw) < 216:
        checks.fail("the bench of real sockets needs Linux 4.19 or newer, whose TCP_INFO has bytes_sent")
    if not raw[5] & TIMESTAMPS:
        checks.fail("the bench of real sockets needs TCP timestamps; net.ipv4.tcp_timestamps must be 1")
    counts = {name: struct.unpack_from(code, raw, at)[0] for name, (code, at) in OFFSETS.items()}
    counts["bytes_received"] -= raw[0] in FIN_RECEIVED
    return TcpInfo(**counts)


def traffic_between(before: TcpInfo, after: TcpInfo) -> Traffic:
    """The IP bytes and segments between two readings of one connection.

    Parameters
    ----------
    before : TcpInfo
        The earlier reading; `TcpInfo()` for the whole life, SYN included. [-]
    after : TcpInfo
        The later reading. [-]

    Returns
    -------
    Traffic
        IP bytes each way [B], segments with payload and segments without any [1].

    Examples
    --------
    A request of 384 B on the wire, its answer of 332 B and the client's ACK:

    >>> a, b = TcpInfo(segments_out=1), TcpInfo(384, 332, 3, 1, 1, 1)
    >>> traffic_between(a, b)
    Traffic(up_bytes=488, down_bytes=384, up_data_segments=1, down_data_segments=1, up_bare_segments=1, \
down_bare_segments=0, resent_bytes=0)
    """
    gone = {f.name: getattr(after, f.name) - getattr(before, f.name) for f in fields(TcpInfo)}
    syn = SYN_EXTRA_BYTES if before == TcpInfo() else 0
    return Traffic(
        up_bytes=gone["bytes_sent"] + gone["segments_out"] * SEGMENT_OVERHEAD_BYTES + syn,
        down_bytes=gone["bytes_received"] + gone["segments_in"] * SEGMENT_OVERHEAD_BYTES + syn,
        up_data_segments=gone["data_segments_out"],
        down_data_segments=gone["data_segments_in"],
        up_bare_segments=gone["segments_out"] - gone["data_segments_out"],
        down_bare_segments=gone["segments_in"] - gone["data_segments_in"],
        resent_bytes=gone["bytes_resent"],
    )
