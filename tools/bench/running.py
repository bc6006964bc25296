"""The running servers of the bench, each on its own port."""

from __future__ import annotations

import contextlib
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from tools.bench import clients, mqtt, servers, tls

SETTLE_S = 0.25  # longer than any delayed ACK: nothing of the flow before is still under way


@dataclass
class Bench:
    """The running servers: their ports, what they answer, and the connections of the WebSocket server."""

    chains: dict[str, tls.Chain]
    answers: dict[str, servers.Answers]
    upgrade_pad: list[int]
    ports: dict[str, int] = field(default_factory=dict)
    sockets: dict[int, object] = field(default_factory=dict)
    broker: object = None

    def http(self, protocol: str) -> clients.HttpClient:
        """A new HTTP client."""
        context = tls.client_context(self.chains["rsa4"], ("h2",) if protocol == "http/2" else ("http/1.1",))
        return clients.HttpClient(protocol, context, self.ports[protocol])

    def websocket(self, pad_bytes: int = 0) -> clients.WebSocketClient:
        """A new WebSocket client that pauses between TLS and upgrade."""
        return clients.WebSocketClient(
            tls.client_context(self.chains["rsa4"]), self.ports["websocket"], pad_bytes, SETTLE_S
        )

    def mqtt(self, protocol: str) -> mqtt.MqttClient:
        """A new MQTT client."""
        context, port = tls.client_context(self.chains["rsa4"]), self.ports[protocol]
        web = clients.WebSocketClient(context, port) if protocol == "mqtt/wss" else None
        return mqtt.MqttClient(self.broker, context, port, web)

    async def push(self, client_port: int, text: str) -> None:
        """Send one message on the connection of the client with that port."""
        if client_port not in self.sockets:
            raise ConnectionResetError("the server has lost the client")
        await self.sockets[client_port].send(text)

    async def write(self, client: clients.HttpClient, text: bytes) -> None:
        """Write on the event stream of a client, which reads it."""
        await self.answers[client.protocol].streams[client.port_here](text)
        await client.hear(text)

    async def serve_socket(self, ws) -> None:
        """Keep a WebSocket connection open for whoever wants to push on it, and answer each message with itself."""
        client_port = ws.remote_address[1]
        self.sockets[client_port] = ws
        from websockets import ConnectionClosed

        try:
            with contextlib.suppress(ConnectionClosed):
                async for message in ws:
                    await ws.send(message)
        finally:
            self.sockets.pop(client_port, None)


@contextlib.asynccontextmanager
async def running_bench(chain_names: set[str], port: int = 0):
    """Every server of the bench on its own port: free ones, or from `port` upwards."""
    with tempfile.TemporaryDirectory() as folder:
        chains = {name: tls.make_chain(name, Path(folder)) for name in sorted({"rsa4", *chain_names})}
        bench = Bench(chains, {"http/1.1": servers.Answers(), "http/2": servers.Answers()}, [0])
        names = [
            "http/1.1",
            "http/2",
            "websocket",
            "mqtt/tls",
            "mqtt/wss",
            *(name for name in chains if name != "rsa4"),
        ]
        async with contextlib.AsyncExitStack() as stack:
            socks = {}
            for i, name in enumerate(names):  # every port is taken before the first server starts
                socks[name] = servers.listener(port + i if port else 0)
                stack.callback(socks[name].close)
            bench.broker = await stack.enter_async_context(mqtt.running_broker())
            for name in names:
                context = tls.server_context(
                    chains.get(name, chains["rsa4"]), ("h2",) if name == "http/2" else ("http/1.1",)
                )
                start, *args = {
                    "http/2": (servers.http2_server, bench.answers["http/2"]),
                    "websocket": (servers.websocket_server, bench.serve_socket, bench.upgrade_pad),
                    "mqtt/tls": (mqtt.tls_server, bench.broker),
                    "mqtt/wss": (mqtt.wss_server, bench.broker),
                }.get(name, (servers.http1_server, bench.answers["http/1.1"]))
                bench.ports[name] = await stack.enter_async_context(start(socks[name], context, *args))
            yield bench
