"""Bytes on the wire, layer by layer, vectorised: WebSocket, HTTP, TLS, TCP and IP.

Sizes are whole bytes and are refused otherwise; a caller that samples sizes rounds them first
(`rounded_bytes`). Bytes each way come as a pair (up, down) from the phone's side.
"""

from model.wire.connections import CHAINS, close_bytes, connect_bytes, http2_opening_bytes, websocket_close_bytes
from model.wire.exchanges import (
    bits_per_s,
    heartbeat_bytes,
    http_exchange_bytes,
    upgrade_bytes,
    websocket_message_bytes,
)
from model.wire.frames import deflated_bytes, hpack_bytes, http2_message_bytes, rounded_bytes, websocket_frame_bytes
from model.wire.layers import LAYERS, exchange_layers, heartbeat_layers, message_layers
from model.wire.packets import TLS_VERSIONS, packet_header_bytes

__all__ = [
    "CHAINS",
    "LAYERS",
    "TLS_VERSIONS",
    "bits_per_s",
    "close_bytes",
    "connect_bytes",
    "deflated_bytes",
    "exchange_layers",
    "heartbeat_bytes",
    "heartbeat_layers",
    "hpack_bytes",
    "http2_message_bytes",
    "http2_opening_bytes",
    "http_exchange_bytes",
    "message_layers",
    "packet_header_bytes",
    "rounded_bytes",
    "upgrade_bytes",
    "websocket_close_bytes",
    "websocket_frame_bytes",
    "websocket_message_bytes",
]
