"""A path with a delay: a relay on loopback that holds every chunk back, each way, in order."""

from __future__ import annotations

import asyncio
import collections
import contextlib
from collections.abc import AsyncIterator, Callable

from tools.bench import servers

__all__ = []


class Side(asyncio.Protocol):
    """One end of a relayed connection: what arrives here leaves at the other end after the delay."""

    def __init__(self, draw_s: Callable[[], float], sides: set, upstream_port: int | None = None):
        self.draw_s, self.sides, self.upstream_port = draw_s, sides, upstream_port
        self.other: Side | None = None
        self.transport = None
        self.held: collections.deque[bytes] = collections.deque()
        self.last_s = 0.0
        self.loop = asyncio.get_running_loop()

    def connection_made(self, transport):
        """Note the connection; the client's side opens the one to the server."""
        self.transport = transport
        self.sides.add(self)
        if self.upstream_port is not None:
            self.task = self.loop.create_task(self.reach_server())

    async def reach_server(self):
        """Open the connection to the server and send on what came meanwhile."""
        try:
            _, other = await self.loop.create_connection(
                lambda: Side(self.draw_s, self.sides), servers.ADDRESS, self.upstream_port
            )
        except OSError:
            self.transport.abort()
            return
        other.other, self.other = self, other
        for _ in self.held:
            self.hold_back()

    def data_received(self, data):
        """Hold the chunk back; a later one never overtakes an earlier one, as in TCP."""
        self.held.append(data)
        if self.other is not None:
            self.hold_back()

    def hold_back(self):
        """A timer for the chunk: a draw from now, or when the one before it leaves."""
        self.last_s = max(self.last_s, self.loop.time() + self.draw_s())
        self.loop.call_at(self.last_s, self.deliver)

    def deliver(self):
        """Send the oldest chunk on, whichever timer fired; nothing where the other side has closed."""
        data = self.held.popleft()
        if not self.other.transport.is_closing():
            self.other.transport.write(data)

    def connection_lost(self, error):
        """Close the other side once what is still on the way has arrived."""
        self.sides.discard(self)
        if self.other is not None and not self.loop.is_closed():
            self.loop.call_at(max(self.last_s, self.loop.time()), self.other.transport.close)


@contextlib.asynccontextmanager
async def delayed_path(server_port: int, draw_s: Callable[[], float], port: int = 0) -> AsyncIterator[int]:
    """A relay to a server's port, in which each chunk waits for what `draw_s` gives; gives its own port."""
    sides: set[Side] = set()
    sock = servers.listener(port)
    relay = await asyncio.get_running_loop().create_server(lambda: Side(draw_s, sides, server_port), sock=sock)
    try:
        yield sock.getsockname()[1]
    finally:
        relay.close()
        for side in list(sides):
            if task := getattr(side, "task", None):
                task.cancel()
            side.transport.abort()
