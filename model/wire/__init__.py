"""Bytes on the wire, layer by layer, vectorised: WebSocket, HTTP, event streams, MQTT, TLS, TCP and IP.

Sizes are whole bytes and are refused otherwise; a caller that samples sizes rounds them first
(`rounded_bytes`). Bytes each way come as a pair (up, down) from the phone's side.
"""

from model.wire.connections import CHAINS, close_bytes, connect_bytes, http2_opening_bytes, websocket_close_bytes
from model.wire.exchanges import (
    bits_per_s,
    heartbeat_bytes,
    http_exchange_bytes,
    upgrade_bytes,
    websocket_exchange_bytes,
    websocket_message_bytes,
)
from model.wire.frames import deflated_bytes, hpack_bytes, http2_message_bytes, rounded_bytes, websocket_frame_bytes
from model.wire.layers import exchange_layers, heartbeat_layers, message_layers
from model.wire.packets import TLS_VERSIONS, packet_header_bytes
from model.wire.streams import (
    KEEPALIVES,
    appsync_bytes,
    keepalive_bytes,
    long_poll_bytes,
    mqtt_connect_bytes,
    mqtt_ping_bytes,
    mqtt_publish_bytes,
    mqtt_subscribe_bytes,
    sse_comment_bytes,
    sse_event_bytes,
)
