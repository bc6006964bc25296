"""Bytes and packets on the wire, layer by layer, vectorised: WebSocket, HTTP, TLS, TCP and IP.

Sizes are whole bytes and are refused otherwise; a caller that samples sizes rounds them first
(`rounded_bytes`). Bytes and packets each way come as a pair (up, down) from the phone's side.
"""

from model.wire.connections import close_bytes, close_packets, connect_bytes, connect_packets, websocket_close_bytes
from model.wire.exchanges import (
    bits_per_s,
    heartbeat_bytes,
    heartbeat_packets,
    http_exchange_bytes,
    http_exchange_packets,
    upgrade_bytes,
    upgrade_packets,
    websocket_message_bytes,
    websocket_message_packets,
)
from model.wire.frames import deflated_bytes, rounded_bytes, websocket_frame_bytes
from model.wire.http2 import hpack_bytes, http2_exchange_bytes, http2_message_bytes, http2_opening_bytes
from model.wire.stacked import LAYERS, exchange_layers, heartbeat_layers, layers, message_layers
from model.wire.tcp import keepalive_bytes, mss_bytes, packet_header_bytes, pure_acks, segments
from model.wire.tls import CHAINS, TLS_VERSIONS, tls_handshake_bytes, tls_record_bytes

__all__ = [
    "CHAINS",
    "LAYERS",
    "TLS_VERSIONS",
    "bits_per_s",
    "close_bytes",
    "close_packets",
    "connect_bytes",
    "connect_packets",
    "deflated_bytes",
    "exchange_layers",
    "heartbeat_bytes",
    "heartbeat_layers",
    "heartbeat_packets",
    "hpack_bytes",
    "http2_exchange_bytes",
    "http2_message_bytes",
    "http2_opening_bytes",
    "http_exchange_bytes",
    "http_exchange_packets",
    "keepalive_bytes",
    "layers",
    "message_layers",
    "mss_bytes",
    "packet_header_bytes",
    "pure_acks",
    "rounded_bytes",
    "segments",
    "tls_handshake_bytes",
    "tls_record_bytes",
    "upgrade_bytes",
    "upgrade_packets",
    "websocket_close_bytes",
    "websocket_frame_bytes",
    "websocket_message_bytes",
    "websocket_message_packets",
]
