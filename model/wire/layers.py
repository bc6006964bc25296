"""Where the bytes of one exchange, one message, one heartbeat go, layer by layer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from model import checks
from model.wire import frames, packets

LAYERS = ("payload", "http headers", "framing", "tls", "tcp", "ip", "acks")


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
    message_bytes = frames.http2_message_bytes if str(http) == "2" else np.add

    def split(overhead, ip, server_s, **parts):
        headers, bodies = (
            [frames.whole_bytes(f"{way}_{part}_bytes", parts[f"{way}_{part}_bytes"]) for way in ("request", "response")]
            for part in ("headers", "body")
        )
        request, response = map(message_bytes, headers, bodies)
        ways = packets.exchange(request, response, server_s, ip, overhead)
        return ways, request + response, sum(bodies), sum(headers)

    return _layers(
        split,
        tls,
        request_headers_bytes=request_headers_bytes,
        request_body_bytes=request_body_bytes,
        response_headers_bytes=response_headers_bytes,
        response_body_bytes=response_body_bytes,
        server_s=server_s,
        ip=ip,
    )


def message_layers(payload_bytes, masked=False, tls="1.3", ip=4):
    """The IP bytes of one WebSocket message and its ACK by layer.

    Framing is the frame header and the mask.

    `payload_bytes`: payload of the message, whole, 0 to 2**63 - 1; broadcasts [B]; `masked`: true for client to server,
    False for a push; broadcasts; `tls`: "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"; `ip`: IP version, 4 or 6;
    broadcasts. Gives a dict of int or array of int, bytes of each of `LAYERS`; they sum to up + down of
    `websocket_message_bytes` [B].

    Examples
    --------
    >>> message_layers(184)
    {'payload': 184, 'http headers': 0, 'framing': 4, 'tls': 22, 'tcp': 32, 'ip': 20, 'acks': 52}
    """

    def split(overhead, ip, payload_bytes, masked):
        payload, frame = frames.message_frame_bytes(payload_bytes, masked)
        return packets.message(payload_bytes, masked, ip, overhead), frame, payload, 0

    return _layers(split, tls, payload_bytes=payload_bytes, masked=masked, ip=ip)


def heartbeat_layers(tls="1.3", ip=4, client_payload_bytes=0, server_payload_bytes=0):
    """The IP bytes of one heartbeat by layer: ping, pong and the ACK.

    `tls`: "1.3", "1.2" (AES-GCM), "1.2-chacha20", or "none"; `ip`: IP version, 4 or 6; broadcasts;
    `client_payload_bytes`: body of the ping, 0 to 125; broadcasts [B]; `server_payload_bytes`: body of the pong, 0 to
    125 [B]. Gives a dict of int or array of int, bytes of each of `LAYERS`; they sum to up + down of `heartbeat_bytes`
    [B].

    Examples
    --------
    >>> heartbeat_layers()
    {'payload': 0, 'http headers': 0, 'framing': 8, 'tls': 44, 'tcp': 64, 'ip': 40, 'acks': 52}
    """

    def split(overhead, ip, client_payload_bytes, server_payload_bytes):
        ways = packets.heartbeat(client_payload_bytes, server_payload_bytes, ip, overhead)
        plaintext = sum(way.stream for way in ways) - 2 * overhead
        return ways, plaintext, (client_payload_bytes + server_payload_bytes).astype(np.int64), 0

    given = {"client_payload_bytes": client_payload_bytes, "server_payload_bytes": server_payload_bytes, "ip": ip}
    return _layers(split, tls, **given)


def _layers(split: Callable, tls: object, **given: object) -> dict[str, Any]:
    """The layers of both ways together; `split` gives the ways, plaintext, payload and HTTP headers of the inputs."""
    overhead = packets.record_overhead_bytes(tls)

    def stacked(ip, **rest):
        ways, plaintext, payload, headers = split(overhead, ip, **rest)
        ip_header, header = frames.ip_header_bytes(ip), packets.packet_header_bytes(ip)
        streams, segments, acks = (sum(getattr(way, part) for way in ways) for part in ("stream", "segments", "acks"))
        framing, records = plaintext - payload - headers, streams - plaintext
        return payload, headers, framing, records, segments * (header - ip_header), segments * ip_header, acks * header

    return dict(zip(LAYERS, frames.together(stacked, **given), strict=True))
