"""Opening and closing a connection: TCP and TLS handshakes, what HTTP/2 says first, and the goodbyes.

The packets follow one pattern, counted in captures: at the start every segment is acknowledged at
once, and the client's Finished is acknowledged by the server's tickets where there are any.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from model import checks
from model.wire import exchanges, frames, packets
from model.wire.frames import constant

CHAINS = ("rsa4", "rsa3", "ecdsa3", "ecdsa2")


@dataclass(frozen=True)
class Handshake:
    """The flights of one TLS handshake in bytes of TLS, in the order they cross."""

    hello_up_bytes: int
    flight_down_bytes: int
    finished_up_bytes: int
    last_down_bytes: int
    last_down_segments: int

    def packets(self, mss: Any) -> tuple:
        """Packets (up, down) of the TCP and TLS handshake, SYNs in."""
        if not self.hello_up_bytes:
            return 2, 1
        hello, flight = (packets.segment_count(size, mss) for size in (self.hello_up_bytes, self.flight_down_bytes))
        answered = self.last_down_segments > 0
        up = 2 + hello + flight + 1 + answered  # SYN, ACK, hello, an ACK a segment, Finished, the tickets' ACK
        return up, 1 + hello + flight + (self.last_down_segments or 1)  # else the ACK of Finished goes alone

    def ip_bytes(self, ip: Any) -> tuple:
        """IP bytes (up, down): TLS bytes + packets x headers + 8 for the longer options of a SYN."""
        header, more = (
            packets.packet_header_bytes(ip),
            constant("tcp_syn_options_bytes") - constant("tcp_timestamps_bytes"),
        )
        up, down = self.packets(packets.mss_bytes(ip))
        return (
            self.hello_up_bytes + self.finished_up_bytes + up * header + more,
            self.flight_down_bytes + self.last_down_bytes + down * header + more,
        )


def handshake(tls="1.3", chain="rsa4", resumed=False, alpn=True, post_quantum=False) -> Handshake:
    """The flights of one TLS handshake, from the ledger's counts of OpenSSL 3.0.

    ClientHello up; the server's flight down (with the certificates when it is full); Finished up; the
    session tickets (1.3) or the new ticket and Finished (1.2 full) down. Offering ALPN costs the answer
    down and, where OpenSSL has not padded the ClientHello to 512 B anyway, the offer up.
    Source: wire_capture, wire_relay, ecdhe_mlkem.
    """
    tls = packets.version_name(tls)
    checks.known("certificate chain", chain, CHAINS)
    if post_quantum and tls != "1.3":
        checks.fail(f"post_quantum must be False below TLS 1.3; got {post_quantum} with {tls!r}")
    if tls == "none":
        return Handshake(0, 0, 0, 0, 0)
    kind = f"tls{tls[0]}{tls[2]}_{'resumed' if resumed else 'full'}"
    down = constant(f"{kind}_down_bytes" if resumed else f"{kind}_{chain}_down_bytes")
    finished, last = constant(f"{kind}_finished_up_bytes"), constant(f"{kind}_last_down_bytes")
    hello, flight = constant(f"{kind}_up_bytes") - finished, down - last
    if not alpn:
        hello -= constant(f"{kind}_alpn_up_bytes")
        flight -= constant("tls_alpn_down_bytes")
    if post_quantum:
        hello += constant("tls_post_quantum_up_bytes")
        flight += constant("tls_post_quantum_down_bytes")
    nonce = 0  # ChaCha20's records are shorter than those counted: Finished both ways, down in the last or only flight
    if tls == "1.2-chacha20":
        nonce = packets.record_overhead_bytes("1.2") - packets.record_overhead_bytes(tls)
    segments = constant(f"{kind}_last_down_segments_count")
    return Handshake(hello, flight - nonce * resumed, finished - nonce, last - nonce * (not resumed), segments)


@frames.remembered
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

    Returns: tuple of int or array of int, IP bytes (up, down), each in the common shape of `resumed` and `ip`. [B]
    Raises: InputError, for an unknown TLS version or chain, an IP version other than 4 and 6

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
    full, short = (handshake(tls, chain, again, alpn, post_quantum) for again in (False, True))

    def opened(resumed, ip):
        return tuple(
            np.where(resumed, few, many) for few, many in zip(short.ip_bytes(ip), full.ip_bytes(ip), strict=True)
        )

    return frames.together(opened, resumed=frames.switch("resumed", resumed), ip=ip)


@frames.remembered
def close_bytes(tls="1.3", ip=4):
    """The IP bytes of a close by the client: close_notify and FIN up, the server's FIN down, its ACK up.

    An alert of 2 B in one record, in 4 packets: 2 + 22 + 4 x 52 = 232 B on TLS 1.3 and IPv4.

    Parameters
    ----------
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none" for TCP alone
    ip : int or array, IP version, 4 or 6; broadcasts

    Returns: tuple of int or array of int, IP bytes (up, down). [B]
    Raises: InputError, for an unknown TLS version, an IP version other than 4 and 6

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
    header, overhead = packets.packet_header_bytes(ip), packets.record_overhead_bytes(tls)
    if not overhead:  # FIN and the last ACK
        return 2 * header, header
    return 3 * header + overhead + constant("tls_alert_bytes"), header


@frames.remembered
def websocket_close_bytes(tls="1.3", ip=4):
    """The IP bytes of the WebSocket closing handshake: a close frame each way, before `close_bytes`.

    A close frame is a control frame whose body is a code of 2 B. The server's frame carries the ACK of
    the client's; the client's ACK rides on the close_notify that follows. Source: rfc6455.
    """
    up, down = exchanges.heartbeat_bytes(tls, ip, 2, 2)
    return up - packets.packet_header_bytes(ip), down


@frames.remembered
def http2_opening_bytes(tls="1.3", ip=4):
    """The IP bytes that HTTP/2 adds to a new connection: preface, SETTINGS both ways, their ACKs.

    Up: preface 24 + SETTINGS + WINDOW_UPDATE in one segment, later the SETTINGS ACK in one more; down:
    SETTINGS + SETTINGS ACK in one. The TCP ACKs ride on these and on the first exchange. Source: rfc9113, wire_capture.
    """
    each = packets.packet_header_bytes(ip) + packets.record_overhead_bytes(tls)
    ack, window = constant("http2_settings_ack_bytes"), constant("http2_window_update_bytes")
    up = constant("http2_client_preface_settings_bytes") + window + ack + 2 * each
    return up, constant("http2_server_settings_bytes") + ack + each
