"""Opening and closing a connection: TCP and TLS handshakes, and the goodbyes.

The packets follow one pattern, counted in captures: at the start every segment is acknowledged at
once, and the client's Finished is acknowledged by the server's tickets where there are any.
"""

from __future__ import annotations

import functools

from model.wire import _sizes, exchanges, tcp
from model.wire import tls as tls_layer
from model.wire._sizes import constant

__all__ = ["close_bytes", "close_packets", "connect_bytes", "connect_packets", "websocket_close_bytes"]


def handshake_packets(shaken: tls_layer.Handshake, mss) -> tuple:
    """(up, down) packets of a TCP and TLS handshake, SYNs in."""
    if not shaken.up_bytes:
        return 2, 1
    hello = tcp.segment_count(shaken.hello_up_bytes, mss)
    flight = tcp.segment_count(shaken.flight_down_bytes, mss)
    answered = shaken.last_down_segments > 0
    up = 2 + hello + flight + 1 + answered  # SYN, ACK, hello, an ACK a segment, Finished, the tickets' ACK
    down = 1 + hello + flight + (shaken.last_down_segments or 1)  # else the ACK of Finished goes alone
    return up, down


def _shaken_pair(tls, chain, alpn, post_quantum):
    """The full and the resumed handshake."""
    return [tls_layer.handshake(tls, chain, resumed, alpn, post_quantum) for resumed in (False, True)]


def _connected_packets(full, short, resumed, ip):
    mss = tcp.mss_bytes(ip)
    return tuple(
        tls_layer.either(resumed, few, many)
        for few, many in zip(handshake_packets(short, mss), handshake_packets(full, mss), strict=True)
    )


def _connected_bytes(full, short, resumed, ip):
    header = tcp.packet_header_bytes(ip)
    extra = constant("tcp_syn_options_bytes") - constant("tcp_timestamps_bytes")
    up, down = _connected_packets(full, short, resumed, ip)
    return (
        tls_layer.either(resumed, short.up_bytes, full.up_bytes) + up * header + extra,
        tls_layer.either(resumed, short.down_bytes, full.down_bytes) + down * header + extra,
    )


def connect_bytes(tls="1.3", chain="rsa4", resumed=False, ip=4, alpn=False, post_quantum=False):
    """The IP bytes of opening a connection: TCP and TLS, up to the last session ticket and its ACK.

    TLS bytes of the handshake + packets x headers + 8 for the longer options of each SYN. Full TLS 1.3
    with four RSA certificates: 6,646 + 17 x 52 + 16 = 7,546 B on IPv4.

    Parameters
    ----------
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none" for TCP alone
    chain : str, certificates sent: "rsa4", "rsa3", "ecdsa3" or "ecdsa2"; not sent when resumed
    resumed : bool or array, whether a session ticket saves the certificates; broadcasts
    ip : int or array, IP version, 4 or 6; broadcasts
    alpn : bool, whether ALPN is offered and answered: 9 B more, 27 B where the ClientHello is not padded
    post_quantum : bool, whether the key share is X25519MLKEM768: about 2.3 kB more; TLS 1.3 only

    Returns
    -------
    tuple of int or array of int, IP bytes (up, down), each in the common shape of `resumed` and `ip`. [B]

    Raises
    ------
    InputError, for an unknown TLS version or chain, an IP version other than 4 and 6

    Notes
    -----
    The certificates have the sizes of an Amazon chain of 2020: within 10 %. The server's flight is cut
    at the MSS; OpenSSL, which writes it in pieces of 4,096 B, needs one segment more on IPv6 (8,030 B
    counted against 7,886 here). DNS is not in it.

    Source: wire_capture, wire_relay, ecdhe_mlkem.

    Examples
    --------
    >>> sum(connect_bytes("1.3")), sum(connect_bytes("1.3", resumed=True))
    (7546, 1663)
    >>> sum(connect_bytes("1.2")), sum(connect_bytes("1.2", resumed=True))
    (6776, 1193)
    """
    full, short = _shaken_pair(tls, chain, alpn, post_quantum)
    compute = functools.partial(_connected_bytes, full, short)
    return _sizes.in_blocks(compute, resumed=_sizes.switch("resumed", resumed), ip=ip)


def connect_packets(tls="1.3", chain="rsa4", resumed=False, ip=4, alpn=False, post_quantum=False):
    """The packets of opening a connection, SYNs and lone ACKs in.

    Source: wire_capture, wire_relay.
    """
    full, short = _shaken_pair(tls, chain, alpn, post_quantum)
    compute = functools.partial(_connected_packets, full, short)
    return _sizes.in_blocks(compute, resumed=_sizes.switch("resumed", resumed), ip=ip)


def close_packets(tls="1.3", ip=4):
    """The packets of a close by the client: alert, FIN and last ACK up, FIN down."""
    alert = int(tls_layer.version_name(tls) != "none")
    return _sizes.in_blocks(lambda ip: (2 + alert + 0 * tcp.packet_header_bytes(ip), 1), ip=ip)


def close_bytes(tls="1.3", ip=4):
    """The IP bytes of a close by the client: close_notify and FIN up, the server's FIN down, its ACK up.

    An alert of 2 B in one record, in 4 packets: 2 + 22 + 4 x 52 = 232 B on TLS 1.3 and IPv4.

    Parameters
    ----------
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none" for TCP alone
    ip : int or array, IP version, 4 or 6; broadcasts

    Returns
    -------
    tuple of int or array of int, IP bytes (up, down). [B]

    Raises
    ------
    InputError, for an unknown TLS version, an IP version other than 4 and 6

    Notes
    -----
    The server answers with its FIN only. One that sends its own close_notify to a socket already
    closed draws two resets of 40 B: 336 B in all. A phone that loses its network sends nothing.

    Source: wire_capture, wire_relay.

    Examples
    --------
    >>> sum(close_bytes("1.3")), sum(close_bytes("1.2"))
    (232, 239)
    """
    overhead = tls_layer.record_overhead_bytes(tls)
    up, down = close_packets(tls, ip)
    header = tcp.packet_header_bytes(ip)
    return up * header + (overhead + constant("tls_alert_bytes") if overhead else 0), down * header


def websocket_close_bytes(tls="1.3", ip=4, client_payload_bytes=2, server_payload_bytes=2):
    """The IP bytes of the WebSocket closing handshake: a close frame each way, before `close_bytes`.

    A close frame is a control frame whose body starts with a code of 2 B. The server's frame carries
    the ACK of the client's; the client's ACK rides on the close_notify that follows.

    Source: rfc6455.
    """
    up, down = exchanges.heartbeat_bytes(tls, ip, client_payload_bytes, server_payload_bytes)
    return up - tcp.packet_header_bytes(ip), down
