"""Where the bytes of one exchange, one message, one heartbeat go, layer by layer."""

from __future__ import annotations

import functools
import inspect

import numpy as np

from model import checks
from model.wire import _sizes, frames, http2, tcp, ways
from model.wire import tls as tls_layer

__all__ = ["LAYERS", "exchange_layers", "heartbeat_layers", "layers", "message_layers"]

LAYERS = ("payload", "http headers", "framing", "tls", "tcp", "ip", "acks")


def _stacked(pair, plaintext_bytes, ip, payload=0, headers=0) -> tuple:
    """The layers of both ways together; framing is what is left of the plaintext."""
    streams, counts, acks = (sum(getattr(way, part) for way in pair) for part in ("stream", "segments", "acks"))
    ip_header, header = _sizes.ip_header_bytes(ip), tcp.packet_header_bytes(ip)
    return (
        payload,
        headers,
        plaintext_bytes - payload - headers,
        streams - plaintext_bytes,
        counts * (header - ip_header),
        counts * ip_header,
        acks * header,
    )


def _named(compute, **inputs) -> dict:
    return dict(zip(LAYERS, _sizes.in_blocks(compute, len(LAYERS), **inputs), strict=True))


def exchange_layers(
    request_headers_bytes,
    request_body_bytes,
    response_headers_bytes,
    response_body_bytes,
    tls="1.3",
    ip=4,
    server_s=0.0,
    http="1.1",
):
    """The IP bytes of one HTTP exchange by layer, up and down together.

    Payload is the bodies; framing is the frame headers of HTTP/2; tcp and ip are the headers of the
    segments that carry data; acks are the packets that carry nothing.
    """
    checks.known("HTTP version", str(http), ("1.1", "2"))
    compute = functools.partial(
        _exchange,
        overhead=tls_layer.record_overhead_bytes(tls),
        whole=http2.http2_message_bytes if str(http) == "2" else np.add,
    )
    return _named(
        compute,
        request_headers_bytes=request_headers_bytes,
        request_body_bytes=request_body_bytes,
        response_headers_bytes=response_headers_bytes,
        response_body_bytes=response_body_bytes,
        server_s=server_s,
        ip=ip,
    )


def _exchange(overhead, whole, server_s, ip, **sizes) -> tuple:
    sizes = {name: _sizes.whole_bytes(name, size) for name, size in sizes.items()}
    request, response = (
        whole(sizes[f"{way}_headers_bytes"], sizes[f"{way}_body_bytes"]) for way in ("request", "response")
    )
    headers, payload = (
        sizes[f"request_{part}_bytes"] + sizes[f"response_{part}_bytes"] for part in ("headers", "body")
    )
    pair = ways.exchange_ways(request, response, server_s, 2, ip, overhead)
    return _stacked(pair, request + response, ip, payload, headers)


def message_layers(payload_bytes, masked=False, tls="1.3", ip=4):
    """The IP bytes of one WebSocket message and its ACK by layer.

    Framing is the frame header and the mask.

    Parameters
    ----------
    payload_bytes : int or array, payload of the message, whole, 0 to 2**63 - 1; broadcasts. [B]
    masked : bool or array, true for client to server, False for a push; broadcasts
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"
    ip : int or array, IP version, 4 or 6; broadcasts

    Returns
    -------
    dict of int or array of int, bytes of each of `LAYERS`; they sum to up + down of `websocket_message_bytes`. [B]

    Raises
    ------
    InputError, for a bad payload, an unknown TLS or IP version

    Examples
    --------
    >>> message_layers(184)
    {'payload': 184, 'http headers': 0, 'framing': 4, 'tls': 22, 'tcp': 32, 'ip': 20, 'acks': 52}
    """
    compute = functools.partial(_message, overhead=tls_layer.record_overhead_bytes(tls))
    return _named(compute, payload_bytes=payload_bytes, masked=masked, ip=ip)


def _message(overhead, payload_bytes, masked, ip) -> tuple:
    payload_bytes = _sizes.whole_bytes("payload_bytes", payload_bytes)
    pair = ways.message_ways(payload_bytes, masked, 2, ip, overhead)
    return _stacked(pair, payload_bytes + frames.frame_overhead(payload_bytes, masked), ip, payload_bytes)


def heartbeat_layers(tls="1.3", ip=4, client_payload_bytes=0, server_payload_bytes=0):
    """The IP bytes of one heartbeat by layer: ping, pong and the ACK.

    Parameters
    ----------
    tls : str, "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"
    ip : int or array, IP version, 4 or 6; broadcasts
    client_payload_bytes : int or array, body of the ping, 0 to 125; broadcasts. [B]
    server_payload_bytes : int or array, body of the pong, 0 to 125. [B]

    Returns
    -------
    dict of int or array of int, bytes of each of `LAYERS`; they sum to up + down of `heartbeat_bytes`. [B]

    Raises
    ------
    InputError, for a bad body, an unknown TLS or IP version

    Examples
    --------
    >>> heartbeat_layers()
    {'payload': 0, 'http headers': 0, 'framing': 8, 'tls': 44, 'tcp': 64, 'ip': 40, 'acks': 52}
    """
    compute = functools.partial(_heartbeat, overhead=tls_layer.record_overhead_bytes(tls))
    return _named(compute, client_payload_bytes=client_payload_bytes, server_payload_bytes=server_payload_bytes, ip=ip)


def _heartbeat(overhead, client_payload_bytes, server_payload_bytes, ip) -> tuple:
    pair = ways.heartbeat_ways(client_payload_bytes, server_payload_bytes, ip, overhead)
    plaintext = sum(way.stream for way in pair) - 2 * overhead
    payload = np.asarray(client_payload_bytes) + np.asarray(server_payload_bytes)
    return _stacked(pair, plaintext, ip, payload.astype(np.int64))


KINDS = {"exchange": exchange_layers, "message": message_layers, "heartbeat": heartbeat_layers}


def layers(kind, **inputs):
    """The IP bytes of one exchange, message or heartbeat by layer, for a stacked chart."""
    function = KINDS[checks.known("kind of layers", kind, KINDS)]
    for name in inputs:
        checks.known(f"input of {kind!r}", name, inspect.signature(function).parameters)
    return function(**inputs)
