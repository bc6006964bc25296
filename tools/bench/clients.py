"""Real clients: httpx for HTTP and its event streams, websockets for WebSocket, a bare TLS client for connects.

Each keeps hold of its own TCP socket (a duplicate outlives the library's close), so the kernel's counters
can be read at any time, and counts the plaintext that went through its TLS layer.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import ssl
import time
from dataclasses import dataclass

from model import checks
from model.wire.measured import HOST_NAME, HTTP2_HEADERS, IOS_HEADERS
from tools.bench.servers import ADDRESS, EVENTS_PATH, FIRST_COMMENT
from tools.bench.tcp_info import TcpInfo, read_tcp_info
from tools.bench.tls import CountedContext

__all__ = []

PATIENCE_S = 5.0


@dataclass(frozen=True)
class Reading:
    """Both counters of one connection at one moment: the kernel's and the plaintext's."""

    tcp: TcpInfo
    plain_out_bytes: int
    plain_in_bytes: int


class Client:
    """One connection to one server: what every kind of client shares."""

    sock: socket.socket | None = None
    tls: ssl.SSLObject | None = None

    def hold(self, sock, tls) -> None:
        """Keep a duplicate of the socket, and the TLS object, for the counters."""
        if self.sock is None:
            self.sock = socket.socket(fileno=os.dup(sock.fileno()))
            self.tls = tls

    def reading(self) -> Reading:
        """The counters now."""
        return Reading(read_tcp_info(self.sock), self.tls.plain_out_bytes, self.tls.plain_in_bytes)

    @property
    def port_here(self) -> int:
        """The client's own port, by which the server knows it."""
        return self.sock.getsockname()[1]

    def finish(self) -> None:
        """Send the FIN, which the duplicate keeps the library's own close from sending."""
        with contextlib.suppress(OSError):
            self.sock.shutdown(socket.SHUT_WR)

    async def let_go(self) -> None:
        """Close where the library has not closed yet."""

    async def aclose(self) -> None:
        """Drop the connection and the duplicate."""
        try:
            await self.let_go()
        finally:
            if self.sock is not None:
                self.sock.close()


class HttpClient(Client):
    """One HTTP/1.1 or HTTP/2 connection of httpx that sends requests of the size asked for."""

    def __init__(self, protocol: str, context: CountedContext, port: int):
        import httpx

        self.protocol = protocol
        two = protocol == "http/2"
        self.headers = dict(HTTP2_HEADERS if two else IOS_HEADERS, host=HOST_NAME)
        self.url = f"https://{ADDRESS}:{port}"
        self.http = httpx.AsyncClient(
            http1=not two,
            http2=two,
            verify=context,
            trust_env=False,
            timeout=PATIENCE_S,
            limits=httpx.Limits(max_connections=1, keepalive_expiry=None),
        )

    async def exchange(self, path: str, pad_bytes: int = 0) -> bytes:
        """The body that answers one request, which is filled up by so many bytes."""
        headers = dict(self.headers)
        if self.protocol == "http/2" and pad_bytes:
            headers["authorization"] = "X" * pad_bytes  # sent literally each time, 8 bits a letter in HPACK
        elif pad_bytes:
            headers["user-agent"] += "X" * pad_bytes
        answer = await self.http.get(self.url + path, headers=headers, extensions={"sni_hostname": HOST_NAME})
        stream = answer.extensions["network_stream"]
        self.hold(stream.get_extra_info("socket"), stream.get_extra_info("ssl_object"))
        if stream.get_extra_info("ssl_object") is not self.tls:  # httpx reconnects without a word
            raise ConnectionResetError("its connection was replaced by another")
        if answer.status_code != 200:
            checks.fail(f"the bench's own server answered {answer.status_code} to {path}")
        return answer.content

    async def listen(self) -> None:
        """Open the stream of events and read its first comment."""
        request = self.http.build_request("GET", self.url + EVENTS_PATH, headers=self.headers)
        request.extensions["sni_hostname"] = HOST_NAME
        answer = await self.http.send(request, stream=True)
        stream = answer.extensions["network_stream"]
        self.hold(stream.get_extra_info("socket"), stream.get_extra_info("ssl_object"))
        self.arriving = answer.aiter_raw()
        await self.hear(FIRST_COMMENT)

    async def hear(self, text: bytes) -> None:
        """Read from the stream of events until that text is there."""
        got = b""
        while len(got) < len(text):
            got += await asyncio.wait_for(anext(self.arriving), PATIENCE_S)
        if got != text:
            checks.fail(f"an event of {len(text)} B arrived with {len(got)} B")

    async def close(self) -> None:
        """The FINs; httpx sends no close_notify."""
        await self.http.aclose()
        self.finish()

    async def let_go(self) -> None:
        """Drop the connection."""
        await self.http.aclose()


class WebSocketClient(Client):
    """One WebSocket connection of websockets, without compression or pings of its own."""

    ws = None
    before_upgrade: Reading | None = None
    upgrade_s: float | None = None

    def __init__(self, context: CountedContext, port: int, pad_bytes: int = 0, pause_s: float = 0.0, path: str = "/"):
        self.context, self.port, self.pad_bytes, self.pause_s = context, port, pad_bytes, pause_s
        self.url = f"wss://{HOST_NAME}{path}"

    async def connect(self) -> None:
        """TCP and TLS, a pause, the upgrade."""
        from websockets.asyncio.client import ClientConnection, connect

        line = self

        class PausingConnection(ClientConnection):
            async def handshake(self, *args, **kwargs):
                line.hold(*(self.transport.get_extra_info(what) for what in ("socket", "ssl_object")))
                await asyncio.sleep(line.pause_s)
                line.before_upgrade, start_s = line.reading(), time.monotonic()
                await super().handshake(*args, **kwargs)
                line.upgrade_s = time.monotonic() - start_s

        self.ws = await connect(
            self.url,
            host=ADDRESS,
            port=self.port,
            create_connection=PausingConnection,
            ssl=self.context,
            server_hostname=HOST_NAME,
            compression=None,
            ping_interval=None,
            proxy=None,
            user_agent_header="Twilly/1" + "X" * self.pad_bytes,
            open_timeout=PATIENCE_S,
            close_timeout=0.5,
        )

    async def push(self, send, payload_bytes: int) -> None:
        """Have the server send one message of so many bytes, and read it."""
        await send("x" * payload_bytes)
        message = await asyncio.wait_for(self.ws.recv(), PATIENCE_S)
        if len(message) != payload_bytes:
            checks.fail(f"a push of {payload_bytes} B arrived with {len(message)} B")

    async def ask(self, payload_bytes: int) -> None:
        """Send one message of so many bytes and read the answer, which is as long."""
        await self.ws.send("x" * payload_bytes)
        await asyncio.wait_for(self.ws.recv(), PATIENCE_S)

    async def heartbeat(self) -> None:
        """One ping without payload and its pong."""
        await asyncio.wait_for(await self.ws.ping(b""), PATIENCE_S)

    async def close(self) -> None:
        """The closing handshake and the FINs."""
        await self.ws.close()
        self.finish()

    async def let_go(self) -> None:
        """Drop the connection without the closing handshake."""
        if self.ws is not None:
            self.ws.transport.abort()


class BareClient(Client, asyncio.Protocol):
    """A client that does nothing but TCP, TLS 1.3 and the close."""

    def __init__(self, context: CountedContext, port: int):
        self.context, self.port = context, port
        self.lost = asyncio.Event()

    def connection_lost(self, error):
        """Note that the library is done with the connection."""
        self.lost.set()

    async def connect(self) -> None:
        """TCP and TLS."""
        loop = asyncio.get_running_loop()
        self.transport, _ = await asyncio.wait_for(
            loop.create_connection(lambda: self, ADDRESS, self.port, ssl=self.context, server_hostname=HOST_NAME),
            PATIENCE_S,
        )
        self.hold(self.transport.get_extra_info("socket"), self.transport.get_extra_info("ssl_object"))

    async def close(self) -> None:
        """close_notify and FIN at once; the server's FIN and its ACK follow."""
        self.transport.close()
        self.finish()
        await asyncio.wait_for(self.lost.wait(), PATIENCE_S)

    async def let_go(self) -> None:
        """Drop the connection."""
        if not self.lost.is_set() and hasattr(self, "transport"):
            self.transport.abort()
