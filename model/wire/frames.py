"""What is put into TLS, in whole bytes: WebSocket frames (RFC 6455), permessage-deflate (RFC 7692), HTTP/2, HPACK."""

from __future__ import annotations

import functools
import zlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model import checks, ledger

CONTROL_MOST = 125  # the longest body of a ping, pong or close
EMPTY_BLOCK = b"\x00\x00\xff\xff"  # what a sync flush ends in; RFC 7692 takes it off


def remembered(compute: Callable) -> Callable:
    """The function with its answers kept where every input is a single number or word: the same, and soon."""
    kept = functools.lru_cache(maxsize=4096, typed=True)(compute)

    @functools.wraps(compute)
    def asked(*args, **named):
        alone = all(map(np.isscalar, (*args, *named.values())))
        return (kept if alone else compute)(*args, **named)

    return asked


@remembered
def websocket_frame_bytes(payload_bytes, masked):
    """The bytes of one WebSocket frame: header, mask and payload.

    Header 2 up to 125 B of payload, 4 up to 65,535, 10 above; a client's frame carries 4 more, the mask.

    Parameters
    ----------
    payload_bytes : int or array, payload of the frame, whole, 0 to 2**63 - 1; broadcasts. [B]
    masked : bool or array, true for a frame from the client, False for one from the server; broadcasts

    Returns: int or array of int, bytes of the frame; unsigned where they pass 2**63 - 1. [B]
    Raises: InputError, for a negative or fractional payload, and for one above 2**63 - 1

    Notes
    -----
    A message is one frame here; every further fragment adds one more header.
    Source: rfc6455.

    Examples
    --------
    >>> websocket_frame_bytes([0, 125, 126, 65_535, 65_536], masked=False)
    array([    2,   127,   130, 65539, 65546])
    """

    def frame(payload_bytes, masked):
        return (message_frame_bytes(payload_bytes, masked)[1],)

    return together(frame, payload_bytes=payload_bytes, masked=masked)[0]


def message_frame_bytes(payload_bytes: object, masked: object) -> tuple[np.ndarray, np.ndarray]:
    """The payload of a message and its frame."""
    payload_bytes = whole_bytes("payload_bytes", payload_bytes)
    return payload_bytes, payload_bytes + frame_overhead(payload_bytes, switch("masked", masked))


def frame_overhead(payload_bytes: np.ndarray, masked: Any) -> np.ndarray:
    """Header and mask of frames whose payloads are already checked."""
    short, medium, long = (constant(f"ws_header_{size}_bytes") for size in ("short", "medium", "long"))
    header = short + (payload_bytes > CONTROL_MOST) * (medium - short) + (payload_bytes > 65_535) * (long - medium)
    return header + masked * constant("ws_mask_bytes")


def control_frame_bytes(name: str, body_bytes: object, masked: bool) -> np.ndarray:
    """A ping, pong or close frame; its body is refused above 125 B."""
    body = whole_bytes(name, body_bytes, CONTROL_MOST, "in a control frame (RFC 6455)")
    return body + frame_overhead(body, masked)


@remembered
def rounded_bytes(sampled_bytes):
    """Sampled sizes as whole bytes, ready for the functions of this package, which refuse fractions."""
    sampled = checks.non_negative("sampled_bytes", sampled_bytes, "B")
    return plain(np.rint(sampled).astype(np.int64))


def deflated_bytes(messages: Sequence[bytes | str], context_takeover: bool = True, window_bits: int = 15) -> np.ndarray:
    """The payload bytes of messages under permessage-deflate, in the order sent.

    Raw deflate, flushed after each message, less the four bytes 00 00 ff ff. With context takeover the
    window lives on: a message like an earlier one is mostly a reference to it. Source: rfc7692.
    """
    if isinstance(messages, (bytes, str)):
        checks.fail(f"messages must be a sequence of messages; got one {type(messages).__name__}")
    if window_bits not in range(9, 16):
        checks.fail(f"window_bits must be a whole number from 9 to 15; got {checks.shown(window_bits)}")
    counts, deflate = [], zlib.compressobj(6, zlib.DEFLATED, -window_bits)
    for message in messages:
        text = message.encode() if isinstance(message, str) else message
        packed = deflate.compress(text) + deflate.flush(zlib.Z_SYNC_FLUSH)
        counts.append(max(1, len(packed.removesuffix(EMPTY_BLOCK))))  # an empty message is the byte 00
        if not context_takeover:
            deflate = zlib.compressobj(6, zlib.DEFLATED, -window_bits)
    return np.array(counts, dtype=np.int64)


def hpack_bytes(headers: Sequence, repeats: int = 1, table_bytes: int = 4096) -> np.ndarray:
    """The HPACK sizes of header lists sent one after another on one connection.

    A real encoder with its dynamic table: the first is long, a repeat is about a byte a field. `[0]` is
    the first, `[-1]` the steady state. Source: rfc7541, wire_capture.
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
    """Whether a thing is a header's name and value."""
    return isinstance(thing, (tuple, list)) and len(thing) == 2 and all(isinstance(x, str) for x in thing)


@remembered
def http2_message_bytes(header_block_bytes, body_bytes=0):
    """The frames of one HTTP/2 request or response: HEADERS, and DATA where there is a body.

    Each frame has 9 B of header and carries up to 16,384 B; a longer header block goes on in
    CONTINUATION frames. Without a body END_STREAM is on the HEADERS and no DATA follows. Source: rfc9113.
    """

    def framed(header_block_bytes, body_bytes):
        block = whole_bytes("header_block_bytes", header_block_bytes)
        body = whole_bytes("body_bytes", body_bytes)
        most, frame = constant("http2_frame_payload_most_bytes"), constant("http2_frame_header_bytes")
        return (block + body + (np.maximum(-(-block // most), 1) + -(-body // most)) * frame,)

    return together(framed, header_block_bytes=header_block_bytes, body_bytes=body_bytes)[0]


FRAME_MOST = 2**63 - 1  # RFC 6455: the highest bit of the length field is 0
EXACT_INT64 = 2**62  # above this a sum of layers could leave int64, so Python's own integers take over


@functools.cache
def constant(name: str) -> int:
    """One byte or packet count of the ledger as an integer."""
    return int(ledger.value(name))


def whole_bytes(
    name: str, value: object, most: int = FRAME_MOST, rule: str = "(the longest frame, RFC 6455)"
) -> np.ndarray:
    """The sizes as integers; refuses what is negative, fractional, no number, or above `most`."""
    array = np.asarray(value)
    if array.dtype.kind in "US":
        checks.fail(f"{name} must be a number; got {checks.shown(array.flat[0].item())}")
    if array.dtype.kind not in "iu" or (array.size and array.min() < 0):
        array = checks.whole(name, array, "B")
    largest = array.max() if array.size else 0
    if largest >= most + 1:  # not "> most": as a float, 2**63 - 1 is 2**63
        checks.fail(f"{name} must be <= {most} B {rule}; got {checks.shown(largest)}")
    integers = array.astype(np.int64, copy=False)
    return integers.astype(object) if largest > EXACT_INT64 else integers


def switch(name: str, value: object) -> np.ndarray:
    """A yes or no, or an array of them; 0 and 1 will do."""
    array = np.asarray(value)
    good = np.asarray((array == 0) | (array == 1))
    if not good.all():
        checks.fail(f"{name} must be True or False; got {checks.shown(array[~good].tolist()[0])}")
    return array.astype(bool)


def ip_header_bytes(ip: object) -> np.ndarray:
    """The IP header of version 4 or 6, or of an array of versions."""
    version = np.asarray(ip)
    good = np.asarray((version == 4) | (version == 6))
    if not good.all():
        checks.fail(f"ip must be 4 or 6; got {checks.shown(version[~good].tolist()[0] if version.ndim else ip)}")
    return np.where(version == 6, constant("ipv6_header_bytes"), constant("ipv4_header_bytes"))


def plain(array: Any) -> Any:
    """The integers as they are handed out: a Python int where nothing was an array, machine integers else."""
    array = np.asarray(array)
    if array.ndim and array.dtype == object:
        return array.astype(np.uint64 if array.size and array.max() > FRAME_MOST else np.int64)
    return array if array.ndim else array.item()


def together(compute: Callable[..., tuple], **inputs: Any) -> tuple:
    """The integers that `compute` gives for the inputs, by name, each in their common shape."""
    shapes = {name: np.shape(value) for name, value in inputs.items()}
    try:
        shape = np.broadcast_shapes(*shapes.values())
    except ValueError:
        given = " and ".join(f"{name} {own}" for name, own in shapes.items() if own)
        checks.fail(f"inputs must have shapes that go together; got {given}")
    parts = compute(**{name: np.atleast_1d(np.asarray(value)) for name, value in inputs.items()})
    return tuple(plain(np.array(np.broadcast_to(part, shape or 1)).reshape(shape)) for part in parts)
