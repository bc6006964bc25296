"""WebSocket frames (RFC 6455) and what permessage-deflate (RFC 7692) makes of messages."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np

from model import checks
from model.wire import _sizes
from model.wire._sizes import constant

__all__ = ["deflated_bytes", "rounded_bytes", "websocket_frame_bytes"]

CONTROL_MOST = 125  # the longest body of a ping, pong or close
EMPTY_BLOCK = b"\x00\x00\xff\xff"  # what a sync flush ends in; RFC 7692 takes it off


def websocket_frame_bytes(payload_bytes, masked):
    """The bytes of one WebSocket frame: header, mask and payload.

    Header 2 up to 125 B of payload, 4 up to 65,535, 10 above; a client's frame carries 4 more, the mask.

    Parameters
    ----------
    payload_bytes : int or array, payload of the frame, whole, 0 to 2**63 - 1; broadcasts. [B]
    masked : bool or array, true for a frame from the client, False for one from the server; broadcasts

    Returns
    -------
    int or array of int, bytes of the frame; unsigned where they pass 2**63 - 1. [B]

    Raises
    ------
    InputError, for a negative or fractional payload, and for one above 2**63 - 1

    Notes
    -----
    A message is one frame here; every further fragment adds one more header.

    Source: rfc6455.

    Examples
    --------
    >>> websocket_frame_bytes([0, 125, 126, 65_535, 65_536], masked=False)
    array([    2,   127,   130, 65539, 65546])
    """
    return _sizes.in_blocks(_frame, 1, payload_bytes=payload_bytes, masked=masked)[0]


def _frame(payload_bytes, masked):
    payload_bytes = _sizes.whole_bytes("payload_bytes", payload_bytes)
    return (payload_bytes + frame_overhead(payload_bytes, _sizes.switch("masked", masked)),)


def frame_overhead(payload_bytes, masked):
    """Header and mask of frames whose payloads are already checked."""
    header = (
        constant("ws_header_short_bytes")
        + (payload_bytes > CONTROL_MOST) * (constant("ws_header_medium_bytes") - constant("ws_header_short_bytes"))
        + (payload_bytes > 65_535) * (constant("ws_header_long_bytes") - constant("ws_header_medium_bytes"))
    )
    return header + masked * constant("ws_mask_bytes")


def control_bytes(name: str, body_bytes: object) -> np.ndarray:
    """The body of a ping, pong or close, refused above 125 B."""
    return _sizes.whole_bytes(name, body_bytes, CONTROL_MOST, " in a control frame (RFC 6455)")


def rounded_bytes(sampled_bytes):
    """Sampled sizes as whole bytes, ready for the functions of this package, which refuse fractions."""
    sampled = checks.non_negative("sampled_bytes", sampled_bytes, "B")
    return _sizes.plain(np.rint(sampled).astype(np.int64))


def deflated_bytes(messages: Sequence[bytes], context_takeover=True, window_bits=15, level=6) -> np.ndarray:
    """The payload bytes of messages under permessage-deflate, in the order sent.

    Raw deflate, flushed after each message, less the four bytes 00 00 ff ff. With context takeover the
    window lives on: a message like an earlier one is mostly a reference to it.

    Source: rfc7692.
    """
    if isinstance(messages, (bytes, str)):
        checks.fail(f"messages must be a sequence of messages; got one {type(messages).__name__}")
    if window_bits not in range(9, 16):
        checks.fail(f"window_bits must be a whole number from 9 to 15; got {checks.shown(window_bits)}")
    sizes, deflate = [], None
    for message in messages:
        if deflate is None or not context_takeover:
            deflate = zlib.compressobj(level, zlib.DEFLATED, -window_bits)
        text = message.encode() if isinstance(message, str) else message
        packed = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
        sizes.append(max(1, len(packed.removesuffix(EMPTY_BLOCK))))  # an empty message is the byte 00
    return np.array(sizes, dtype=np.int64)
