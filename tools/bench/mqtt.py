"""MQTT on the bench: amqtt's broker behind the bench's own listeners, and a client that says one packet at a time."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import ssl
import uuid
from collections.abc import AsyncIterator

from model import checks
from tools.bench import clients, servers
from tools.bench.clients import PATIENCE_S

__all__ = []


@contextlib.asynccontextmanager
async def running_broker() -> AsyncIterator:
    """A broker that opens no port of its own, lets everybody in and says nothing."""
    from amqtt.broker import Broker

    for name in ("amqtt", "transitions"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    anybody = {"amqtt.plugins.authentication.AnonymousAuthPlugin": {"allow_anonymous": True}}
    broker = Broker({"listeners": {"default": {"type": "external"}}, "plugins": anybody})
    await broker.start()
    try:
        yield broker
    finally:
        await broker.shutdown()


@contextlib.asynccontextmanager
async def tls_server(sock: servers.Listener, context: ssl.SSLContext, broker) -> AsyncIterator[int]:
    """The broker on TLS without anything between; gives its port."""
    from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter

    async def serve(reader, writer):
        await broker.external_connected(StreamReaderAdapter(reader), StreamWriterAdapter(writer), "default")

    server = await asyncio.start_server(serve, sock=sock, ssl=context)
    try:
        yield sock.getsockname()[1]
    finally:
        server.close()
        sock.close()


def wss_server(sock: servers.Listener, context: ssl.SSLContext, broker):
    """The broker on WebSockets; gives its port."""
    from amqtt.adapters import WebSocketsReader, WebSocketsWriter

    async def serve(ws):
        await broker.external_connected(WebSocketsReader(ws), WebSocketsWriter(ws), "default")

    return servers.websocket_server(sock, context, serve)


class MqttClient(clients.Client):
    """One MQTT connection, bare on TLS or on a WebSocket, with a topic of its own."""

    def __init__(self, broker, context, port: int, web: clients.WebSocketClient | None):
        self.broker, self.context, self.port, self.web = broker, context, port, web
        self.name, self.topic = str(uuid.uuid4()), f"events/{uuid.uuid4().hex}"
        self.packet_id = 0

    async def connect(self) -> None:
        """TCP, TLS and, where there is one, the upgrade."""
        from amqtt.adapters import StreamReaderAdapter, StreamWriterAdapter, WebSocketsReader, WebSocketsWriter

        if self.web:
            await self.web.connect()
            self.hold(*(self.web.ws.transport.get_extra_info(what) for what in ("socket", "ssl_object")))
            self.reader, self.writer = WebSocketsReader(self.web.ws), WebSocketsWriter(self.web.ws)
            return
        reader, writer = await asyncio.wait_for(
            asyncio.open_connection(servers.ADDRESS, self.port, ssl=self.context, server_hostname=clients.HOST_NAME),
            PATIENCE_S,
        )
        self.hold(writer.get_extra_info("socket"), writer.get_extra_info("ssl_object"))
        self.transport = writer.transport
        self.reader, self.writer = StreamReaderAdapter(reader), StreamWriterAdapter(writer)

    def new_id(self) -> int:
        """The id of the next packet that has one."""
        self.packet_id = self.packet_id % 65_535 + 1
        return self.packet_id

    async def say(self, packet) -> None:
        """One packet in one write."""
        await packet.to_stream(self.writer)

    async def hear(self, kind: type):
        """The next packet, which must be of that kind."""
        from amqtt.mqtt.packet import MQTTFixedHeader

        header = await asyncio.wait_for(MQTTFixedHeader.from_stream(self.reader), PATIENCE_S)
        if header is None:
            raise ConnectionResetError("the broker has closed the connection")
        if header.packet_type != kind().fixed_header.packet_type:
            checks.fail(f"the broker answered with packet type {header.packet_type}, not a {kind.__name__}")
        return await kind.from_stream(self.reader, fixed_header=header)

    async def hello(self) -> None:
        """CONNECT and CONNACK."""
        from amqtt.mqtt.connack import ConnackPacket
        from amqtt.mqtt.connect import ConnectPacket, ConnectPayload, ConnectVariableHeader

        header = ConnectVariableHeader(keep_alive=0)
        header.clean_session_flag = True
        await self.say(ConnectPacket(variable_header=header, payload=ConnectPayload(client_id=self.name)))
        await self.hear(ConnackPacket)

    async def subscribe(self, qos: int = 0) -> None:
        """SUBSCRIBE to its topic, and SUBACK."""
        from amqtt.mqtt.suback import SubackPacket
        from amqtt.mqtt.subscribe import SubscribePacket

        await self.say(SubscribePacket.build([(self.topic, qos)], self.new_id()))
        await self.hear(SubackPacket)

    async def ping(self) -> None:
        """PINGREQ and PINGRESP."""
        from amqtt.mqtt.pingreq import PingReqPacket
        from amqtt.mqtt.pingresp import PingRespPacket

        await self.say(PingReqPacket())
        await self.hear(PingRespPacket)

    async def send(self, payload_bytes: int, qos: int) -> None:
        """PUBLISH to the broker, and with QoS 1 its PUBACK."""
        from amqtt.mqtt.puback import PubackPacket
        from amqtt.mqtt.publish import PublishPacket

        payload, packet_id = b"x" * payload_bytes, self.new_id() if qos else None
        await self.say(PublishPacket.build(self.topic, payload, packet_id, False, qos, False))
        if qos:
            await self.hear(PubackPacket)

    async def push(self, payload_bytes: int, qos: int) -> None:
        """PUBLISH from the broker, and with QoS 1 the PUBACK."""
        from amqtt.mqtt.puback import PubackPacket
        from amqtt.mqtt.publish import PublishPacket

        await self.broker.internal_message_broadcast(self.topic, b"x" * payload_bytes, qos)
        packet = await self.hear(PublishPacket)
        if len(packet.data) != payload_bytes:
            checks.fail(f"a push of {payload_bytes} B arrived with {len(packet.data)} B")
        if qos:
            await self.say(PubackPacket.build(packet.packet_id))

    async def let_go(self) -> None:
        """Drop the connection without a DISCONNECT."""
        if self.web:
            await self.web.aclose()
        elif hasattr(self, "transport"):
            self.transport.abort()
