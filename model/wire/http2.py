"""HTTP/2: frames, HPACK with a real encoder, and what a new connection says first."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model import checks
from model.wire import _sizes, tcp
from model.wire import tls as tls_layer
from model.wire._sizes import constant
from model.wire.exchanges import http_exchange_bytes

__all__ = ["hpack_bytes", "http2_exchange_bytes", "http2_message_bytes", "http2_opening_bytes"]


def hpack_bytes(headers: Sequence, repeats=1, table_bytes=4096) -> np.ndarray:
    """The HPACK sizes of header lists sent one after another on one connection.

    A real encoder with its dynamic table: the first is long, a repeat is about a byte a field. `[0]` is
    the first, `[-1]` the steady state.

    Parameters
    ----------
    headers : sequence
        One list of (name, value) pairs, pseudo-headers first, or a sequence of such lists. [-]
    repeats : int
        How often the list, or the sequence, is sent, >= 1. [-]
    table_bytes : int
        Dynamic table, 0 or more. [B]

    Returns
    -------
    array of int
        Bytes of each header block, in the order sent. [B]

    Raises
    ------
    InputError
        For an empty list, fewer than one repeat, or something else than pairs of text.

    Notes
    -----
    This encoder (python-hyper) indexes every field; those that leave :path, dates or ids out of the
    table (nghttp2) send them in full each time.

    Sources
    -------
    rfc7541, wire_capture

    Examples
    --------
    >>> hpack_bytes([(":method", "GET"), (":scheme", "http"), (":path", "/"),
    ...              (":authority", "www.example.com")], repeats=3)
    array([17,  4,  4])
    """
    from hpack import Encoder

    lists = [headers] if headers and _is_pair(headers[0]) else list(headers)
    if not lists or not all(lists) or not all(_is_pair(pair) for block in lists for pair in block):
        checks.fail(f"headers must be lists of (name, value) pairs of text; got {checks.shown(headers)}")
    count = int(checks.positive("repeats", checks.whole("repeats", repeats)))
    encoder = Encoder()
    table = int(checks.whole("table_bytes", table_bytes, "B"))
    if table != encoder.header_table_size:
        encoder.header_table_size = table
        encoder.table_size_changes.clear()  # the change of size is told once, in SETTINGS, not here
    return np.array([len(encoder.encode(block)) for block in lists * count], dtype=np.int64)


def _is_pair(thing: object) -> bool:
    return isinstance(thing, (tuple, list)) and len(thing) == 2 and all(isinstance(x, str) for x in thing)


def http2_message_bytes(header_block_bytes, body_bytes=0):
    """The frames of one HTTP/2 request or response: HEADERS, and DATA where there is a body.

    Each frame has 9 B of header and carries up to 16,384 B; a longer header block goes on in
    CONTINUATION frames. Without a body END_STREAM is on the HEADERS and no DATA follows.

    Parameters
    ----------
    header_block_bytes : int or array
        Header block as HPACK leaves it, whole, >= 0; broadcasts. [B]
    body_bytes : int or array
        Body, whole, >= 0; broadcasts. [B]

    Returns
    -------
    int or array of int
        Bytes handed to TLS. [B]

    Raises
    ------
    InputError
        For a negative or fractional size.

    Notes
    -----
    A server that ends a stream with an empty DATA frame adds 9 B; one that writes HEADERS and DATA
    apart adds a record of TLS and perhaps a packet.

    Sources
    -------
    rfc9113

    Examples
    --------
    >>> http2_message_bytes(43, [0, 74, 20_000])
    array([   52,   135, 20070])
    """
    return _sizes.in_blocks(_framed, 1, header_block_bytes=header_block_bytes, body_bytes=body_bytes)[0]


def _framed(header_block_bytes, body_bytes):
    block = _sizes.whole_bytes("header_block_bytes", header_block_bytes)
    body = _sizes.whole_bytes("body_bytes", body_bytes)
    most, frame = constant("http2_frame_payload_most_bytes"), constant("http2_frame_header_bytes")
    frames = np.maximum(-(-block // most), 1) + -(-body // most)
    return (block + body + frames * frame,)


def http2_exchange_bytes(request_header_block_bytes, request_body_bytes, response_header_block_bytes,
                         response_body_bytes, tls="1.3", ip=4, server_s=0.0):
    """The IP bytes of one HTTP/2 request and its response on a warm connection, ACKs in.

    `http_exchange_bytes` of the frames of both.

    Parameters
    ----------
    request_header_block_bytes : int or array
        Request's header block as HPACK leaves it; broadcasts. [B]
    request_body_bytes : int or array
        Request's body. [B]
    response_header_block_bytes : int or array
        Response's header block. [B]
    response_body_bytes : int or array
        Response's body. [B]
    tls : str
        "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none". [-]
    ip : int or array
        IP version, 4 or 6; broadcasts. [-]
    server_s : float or array
        Time from the request's arrival to the answer's start, >= 0. [s]

    Returns
    -------
    tuple of int or array of int
        IP bytes (up, down). [B]

    Notes
    -----
    Each message is one write. WINDOW_UPDATE frames, 13 B now and then for bodies, are left out.

    Sources
    -------
    rfc9113, wire_capture

    Examples
    --------
    >>> http2_exchange_bytes(10, 74, 43, 74)
    (228, 209)
    """
    return http_exchange_bytes(http2_message_bytes(request_header_block_bytes, request_body_bytes),
                               http2_message_bytes(response_header_block_bytes, response_body_bytes),
                               tls, ip, server_s)


def http2_opening_bytes(tls="1.3", ip=4):
    """The IP bytes that HTTP/2 adds to a new connection: preface, SETTINGS both ways, their ACKs.

    Up: preface 24 + SETTINGS + WINDOW_UPDATE in one segment, later the SETTINGS ACK in one more; down:
    SETTINGS + SETTINGS ACK in one. The TCP ACKs ride on these and on the first exchange.

    Parameters
    ----------
    tls : str
        "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none". [-]
    ip : int or array
        IP version, 4 or 6; broadcasts. [-]

    Returns
    -------
    tuple of int or array of int
        IP bytes (up, down). [B]

    Raises
    ------
    InputError
        For an unknown TLS version, an IP version other than 4 and 6.

    Notes
    -----
    Seven settings a side, as python-h2 sends them; a browser sends fewer. Clients that put the preface
    in the segment of the first request save its packet.

    Sources
    -------
    rfc9113, wire_capture

    Examples
    --------
    >>> http2_opening_bytes()
    (245, 134)
    """
    each = tcp.packet_header_bytes(ip) + tls_layer.record_overhead_bytes(tls)
    ack, window = constant("http2_settings_ack_bytes"), constant("http2_window_update_bytes")
    up = constant("http2_client_preface_settings_bytes") + window + ack + 2 * each
    return up, constant("http2_server_settings_bytes") + ack + each
