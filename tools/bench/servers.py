"""Real servers on 127.0.0.1: HTTP/1.1 polling on aiohttp, HTTP/2 polling on h2, WebSocket on websockets.

Each listens with the segment size clamped to 1,460 (1,448 of payload with timestamps) and sends one segment
a turn of the event loop, because loopback otherwise hands one super-segment of up to 64 kB over, which is
acknowledged once, where a real path brings segments one after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field

from model import checks
from model.wire.measured import response_headers

__all__ = ["listener"]

ADDRESS = "127.0.0.1"
EVENTS_PATH, FIRST_COMMENT = "/events", b":\n\n"
EVENTS_HEADERS = {"content-type": "text/event-stream", "cache-control": "no-store"}
MAX_SEGMENT_BYTES = 1_460
SEGMENT_PAYLOAD_BYTES = 1_448


@dataclass
class Answers:
    """What the servers answer, by path: body bytes, seconds of work, whether ids change; and who listens to events."""

    body_bytes: dict[str, int] = field(default_factory=dict)
    server_s: dict[str, float] = field(default_factory=dict)
    changing: set[str] = field(default_factory=set)
    streams: dict[int, Callable[[bytes], Awaitable[None]]] = field(default_factory=dict)
    count: int = 0

    async def body(self, path: str) -> bytes:
        """The body for one path, after the seconds of work."""
        self.count += 1
        if self.server_s.get(path):
            await asyncio.sleep(self.server_s[path])
        return b"x" * self.body_bytes.get(path, 0)


class SegmentedSocket(socket.socket):
    """A socket that hands the kernel one segment at a time, as a network card would."""

    def send(self, data, flags=0):
        """Send one segment; the event loop comes back for the rest once it has let the client read."""
        return super().send(memoryview(data).cast("B")[:SEGMENT_PAYLOAD_BYTES], flags)

    def sendmsg(self, buffers, *rest):
        """The same for many buffers."""
        return self.send(b"".join(buffers))


class Listener(socket.socket):
    """A listening socket whose connections are segmented sockets."""

    def accept(self):
        """One connection and its address."""
        connection, address = super().accept()
        return SegmentedSocket(fileno=connection.detach()), address


def listener(port: int = 0) -> Listener:
    """A listening socket on 127.0.0.1 with the segment size of a real path.

    Parameters
    ----------
    port : int
        0 to 65,535; 0 takes any free one. [-]

    Returns
    -------
    Listener
        Bound, not yet served; closing it frees the port.

    Raises
    ------
    InputError
        For a port outside the range or in use.
    """
    if not float(port).is_integer() or not 0 <= port <= 65_535:
        checks.fail(f"port must be a whole number from 0 to 65535; got {checks.shown(port)}")
    sock = Listener(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, MAX_SEGMENT_BYTES)
    try:
        sock.bind((ADDRESS, int(port)))
        sock.listen(256)
    except OSError as error:
        sock.close()
        if error.errno in (errno.EADDRINUSE, errno.EACCES):
            why = "in use" if error.errno == errno.EADDRINUSE else "not allowed to this user"
            checks.fail(f"port {port} on {ADDRESS} is {why}; give another, or 0 for any free one")
        raise
    return sock


@contextlib.asynccontextmanager
async def http1_server(sock: Listener, context: ssl.SSLContext, answers: Answers) -> AsyncIterator[int]:
    """An HTTP/1.1 server on aiohttp that answers every path from `answers`, one with events; gives its port."""
    from aiohttp import web

    async def events(request):
        response = web.StreamResponse(headers=EVENTS_HEADERS)
        await response.prepare(request)
        await response.write(FIRST_COMMENT)
        answers.streams[request.transport.get_extra_info("peername")[1]] = response.write
        await asyncio.Event().wait()  # until the server ends

    async def answer(request):
        return web.Response(body=await answers.body(request.path), content_type="application/json")

    app = web.Application()
    app.router.add_get(EVENTS_PATH, events)
    app.router.add_route("*", "/{any:.*}", answer)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, keepalive_timeout=7_200, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.SockSite(runner, sock, ssl_context=context).start()
        yield sock.getsockname()[1]
    finally:
        await runner.cleanup()
        sock.close()


class Http2Connection(asyncio.Protocol):
    """The server's end of one HTTP/2 connection: frames by h2, one write a response."""

    def __init__(self, answers: Answers, tasks: set[asyncio.Task], open_ones: set):
        import h2.config
        import h2.connection

        self.answers, self.tasks, self.open_ones = answers, tasks, open_ones
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))

    def connection_made(self, transport):
        """Send the server's SETTINGS."""
        self.transport = transport
        self.open_ones.add(transport)
        self.h2.initiate_connection()
        transport.write(self.h2.data_to_send())

    def connection_lost(self, error):
        """Forget the connection."""
        self.open_ones.discard(self.transport)

    def data_received(self, data):
        """Feed the frames in, answer whole requests, send what the protocol itself has to say."""
        from h2.events import RequestReceived, StreamEnded

        for event in self.h2.receive_data(data):
            if isinstance(event, RequestReceived):
                self.path = dict(event.headers)[":path"].split("?")[0]
            elif isinstance(event, StreamEnded) and self.path == EVENTS_PATH:
                self.h2.send_headers(event.stream_id, [(":status", "200"), *EVENTS_HEADERS.items()])
                self.h2.send_data(event.stream_id, FIRST_COMMENT)
                self.answers.streams[self.transport.get_extra_info("peername")[1]] = self.writer(event.stream_id)
            elif isinstance(event, StreamEnded):
                task = asyncio.ensure_future(self.answer(event.stream_id, self.path))
                self.tasks.add(task)
                task.add_done_callback(self.tasks.discard)
        self.flush()

    def flush(self):
        """One write of everything there is to send."""
        if data := self.h2.data_to_send():
            self.transport.write(data)

    async def answer(self, stream_id: int, path: str):
        """HEADERS and DATA of one response, in one write."""
        body = await self.answers.body(path)
        headers = response_headers(len(body), self.answers.count if path in self.answers.changing else None)
        self.h2.send_headers(stream_id, headers, end_stream=not body)
        self.send(stream_id, body, end_stream=True)

    def writer(self, stream_id: int):
        """What writes on a stream that stays open."""

        async def write(text: bytes):
            self.send(stream_id, text)

        return write

    def send(self, stream_id: int, body: bytes, end_stream: bool = False):
        """The DATA of one body, in one write with what is waiting."""
        for at in range(0, len(body), 16_384):
            piece = body[at : at + 16_384]
            self.h2.send_data(stream_id, piece, end_stream=end_stream and at + len(piece) == len(body))
        self.flush()


@contextlib.asynccontextmanager
async def http2_server(sock: Listener, context: ssl.SSLContext, answers: Answers) -> AsyncIterator[int]:
    """An HTTP/2 server on h2 with one write a response; gives its port."""
    tasks, open_ones = set(), set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Http2Connection(answers, tasks, open_ones), sock=sock, ssl=context
    )
    try:
        yield sock.getsockname()[1]
    finally:
        server.close()
        for task in list(tasks):
            task.cancel()
        for transport in list(open_ones):
            transport.abort()
        sock.close()


Handler = Callable[[object], Awaitable[None]]


@contextlib.asynccontextmanager
async def websocket_server(
    sock: Listener, context: ssl.SSLContext, handler: Handler, extra_header_bytes: list[int] | None = None
) -> AsyncIterator[int]:
    """A WebSocket server on websockets, without compression or pings of its own; gives its port."""
    from websockets.asyncio.server import serve

    def pad(connection, request, response):
        if extra_header_bytes and extra_header_bytes[0] > 0:
            response.headers["x-pad"] = "x" * extra_header_bytes[0]
        return response

    server = await serve(
        handler, sock=sock, ssl=context, compression=None, ping_interval=None, process_response=pad, close_timeout=0.5
    )
    try:
        yield sock.getsockname()[1]
    finally:
        server.close(close_connections=False)
        for connection in list(server.connections):
            connection.transport.abort()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 0.3)
        sock.close()
