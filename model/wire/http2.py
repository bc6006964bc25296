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

    Source: rfc7541, wire_capture.
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

    Source: rfc9113.
    """
    return _sizes.in_blocks(_framed, 1, header_block_bytes=header_block_bytes, body_bytes=body_bytes)[0]


def _framed(header_block_bytes, body_bytes):
    block = _sizes.whole_bytes("header_block_bytes", header_block_bytes)
    body = _sizes.whole_bytes("body_bytes", body_bytes)
    most, frame = constant("http2_frame_payload_most_bytes"), constant("http2_frame_header_bytes")
    frames = np.maximum(-(-block // most), 1) + -(-body // most)
    return (block + body + frames * frame,)


def http2_exchange_bytes(
    request_header_block_bytes,
    request_body_bytes,
    response_header_block_bytes,
    response_body_bytes,
    tls="1.3",
    ip=4,
    server_s=0.0,
):
    """The IP bytes of one HTTP/2 request and its response on a warm connection, ACKs in.

    `http_exchange_bytes` of the frames of both.

    Source: rfc9113, wire_capture.
    """
    return http_exchange_bytes(
        http2_message_bytes(request_header_block_bytes, request_body_bytes),
        http2_message_bytes(response_header_block_bytes, response_body_bytes),
        tls,
        ip,
        server_s,
    )


def http2_opening_bytes(tls="1.3", ip=4):
    """The IP bytes that HTTP/2 adds to a new connection: preface, SETTINGS both ways, their ACKs.

    Up: preface 24 + SETTINGS + WINDOW_UPDATE in one segment, later the SETTINGS ACK in one more; down:
    SETTINGS + SETTINGS ACK in one. The TCP ACKs ride on these and on the first exchange.

    Source: rfc9113, wire_capture.
    """
    each = tcp.packet_header_bytes(ip) + tls_layer.record_overhead_bytes(tls)
    ack, window = constant("http2_settings_ack_bytes"), constant("http2_window_update_bytes")
    up = constant("http2_client_preface_settings_bytes") + window + ack + 2 * each
    return up, constant("http2_server_settings_bytes") + ack + each
