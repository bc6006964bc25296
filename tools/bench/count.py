"""Counts the bytes of every flow and of whole hours on real connections over loopback."""

from __future__ import annotations

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from model import checks
from model.wire.measured import EVENT_ID, POLL_BODY_BYTES
from tools.bench import clients, servers, tls
from tools.bench.flows import Flow, Hour
from tools.bench.losses import all_of, loss_told
from tools.bench.running import SETTLE_S, Bench
from tools.bench.tcp_info import TcpInfo, Traffic, traffic_between

__all__ = []

STALL_S = 0.03  # an answer later than this was held up by the machine, and draws an ACK of its own at 40 ms
START_GAP_S, MOST_AT_ONCE = 0.03, 20


@dataclass(frozen=True)
class Count:
    """What one flow cost over n occurrences, in sums."""

    n: int
    traffic: Traffic
    plain_up_bytes: int
    plain_down_bytes: int
    stalled: int = 0


def _counted(before: clients.Reading | None, after: clients.Reading, n: int) -> Count:
    before = before or clients.Reading(TcpInfo(), 0, 0)
    return Count(
        n,
        traffic_between(before.tcp, after.tcp),
        after.plain_out_bytes - before.plain_out_bytes,
        after.plain_in_bytes - before.plain_in_bytes,
    )


def _summed(counts: list[Count]) -> Count:
    traffic = counts[0].traffic
    for count in counts[1:]:
        traffic = traffic + count.traffic
    return Count(
        sum(c.n for c in counts),
        traffic,
        sum(c.plain_up_bytes for c in counts),
        sum(c.plain_down_bytes for c in counts),
    )


async def fitted_pad(client: clients.HttpClient, flow: Flow, answers: servers.Answers) -> int:
    """How many bytes fill the request up to its size; sets the response's body to the same end."""
    path, pad = f"/{flow.name}", 0
    answers.server_s[path] = flow.server_s
    if flow.down_bytes is None:
        answers.changing.add(path)
        answers.body_bytes[path] = POLL_BODY_BYTES
    for _ in range(7):
        for _ in range(2):  # the first with new sizes may cost more: HPACK sends what is new in full
            before = client.reading() if client.sock else clients.Reading(TcpInfo(), 0, 0)
            await client.exchange(path, pad)
            after = client.reading()
        up = (flow.up_bytes or 0) - (after.plain_out_bytes - before.plain_out_bytes)
        down = (flow.down_bytes or 0) - (after.plain_in_bytes - before.plain_in_bytes)
        up, down = (0 if flow.up_bytes is None else up), (0 if flow.down_bytes is None else down)
        if not up and not down:
            return pad
        pad, body = pad + up, answers.body_bytes.get(path, 0) + down
        if pad < 0 or body < 0:
            break
        answers.body_bytes[path] = body
    checks.fail(
        f"{flow.up_bytes} B up and {flow.down_bytes} B down cannot be reached with these headers; "
        f"the nearest is {flow.up_bytes - up} and {flow.down_bytes - down} B",
        f"flow {flow.name!r} on {flow.protocol}",
    )


@dataclass
class Run:
    """One run of the bench: how often, how far apart, who hears about progress."""

    bench: Bench
    occurrences: int
    spacing_s: float
    tick: Callable[[str], None]

    async def repeated(self, client: clients.Client, act, flow: Flow) -> Count:
        """n occurrences on one warm connection, far enough apart that no ACK rides along."""

        async def once():
            before, start_s = client.reading(), time.monotonic()
            await act()
            took_s = time.monotonic() - start_s
            await asyncio.sleep(flow.pause_s(self.spacing_s))
            return _counted(before, client.reading(), 1), took_s

        await asyncio.sleep(SETTLE_S)
        if not flow.pause_s(self.spacing_s):
            await act()  # the first of a row follows no answer
        return await self.unstalled(once, flow)

    async def unstalled(self, once, flow: Flow, n: int | None = None) -> Count:
        """The sum of n occurrences; one held up by a busy machine is done again, up to n times.

        The one after it is done again too: Linux still acknowledges at once what comes after a late answer.
        """
        counts, stalled, late, n = [], 0, False, n or self.occurrences
        while len(counts) < n:
            count, took_s = await once()
            after_late, late = late, took_s > flow.server_s + STALL_S and stalled < n
            stalled += late
            if late or after_late:
                continue
            counts.append(count)
            self.tick(flow.name)
        return replace(_summed(counts), stalled=stalled)

    async def one(self, act, flow: Flow) -> None:
        """One occurrence and the pause after it."""
        await act()
        self.tick(flow.name)
        await asyncio.sleep(self.spacing_s)

    async def exchange(self, flow: Flow) -> Count:
        """HTTP exchanges of exactly the flow's sizes on a warm connection."""
        client = self.bench.http(flow.protocol)
        async with contextlib.aclosing(client):
            pad = await fitted_pad(client, flow, self.bench.answers[flow.protocol])
            return await self.repeated(client, lambda: client.exchange(f"/{flow.name}", pad), flow)

    async def message(self, flow: Flow) -> Count:
        """Pushes, heartbeats or answered messages on an open WebSocket."""
        client = self.bench.websocket()
        async with contextlib.aclosing(client):
            await client.connect()
            act = websocket_act(self.bench, client, flow)
            for _ in range(2):
                await act()
            return await self.repeated(client, act, flow)

    async def event(self, flow: Flow) -> Count:
        """Events or comments on an open event stream."""
        text = event_text(flow.down_bytes) if flow.kind == "sse_event" else servers.FIRST_COMMENT
        async with contextlib.aclosing(self.bench.http(flow.protocol)) as client:
            await client.listen()
            await asyncio.sleep(SETTLE_S)
            await self.bench.write(client, servers.FIRST_COMMENT)  # not answered: Linux no longer waits for answers
            return await self.repeated(client, lambda: self.bench.write(client, text), flow)

    async def mqtt(self, flow: Flow) -> Count:
        """MQTT packets and their answers on an open connection, or its first ones on new connections."""
        if flow.kind == "mqtt_connect":
            return await self.unstalled(lambda: self.mqtt_hello(flow), flow)
        async with contextlib.aclosing(self.bench.mqtt(flow.protocol)) as client:
            await client.connect()
            await client.hello()
            qos = int(flow.kind.endswith("qos1"))
            if "push" in flow.kind:
                await client.subscribe(qos)
            act = {
                "mqtt_ping": client.ping,
                "mqtt_subscribe": client.subscribe,
                "mqtt_push": lambda: client.push(flow.down_bytes, qos),
                "mqtt_send": lambda: client.send(flow.up_bytes, qos),
            }[flow.kind.removesuffix("_qos1")]
            for _ in range(2):
                await act()
            return await self.repeated(client, act, flow)

    async def mqtt_hello(self, flow: Flow):
        """CONNECT and CONNACK on a new connection, and how long they took."""
        async with contextlib.aclosing(self.bench.mqtt(flow.protocol)) as client:
            await client.connect()
            await asyncio.sleep(SETTLE_S)
            before, start_s = client.reading(), time.monotonic()
            await client.hello()
            took_s = time.monotonic() - start_s
            await asyncio.sleep(SETTLE_S)
            return _counted(before, client.reading(), 1), took_s

    async def upgrade(self, flow: Flow) -> Count:
        """Upgrades of exactly the flow's sizes, each on its own new connection."""
        first = await self.upgrades(1, 0, flow)
        pad = flow.up_bytes - first.plain_up_bytes
        self.bench.upgrade_pad[0] = flow.down_bytes - first.plain_down_bytes - len("x-pad: \r\n")
        if pad < 0 or self.bench.upgrade_pad[0] < 1:
            checks.fail(
                f"an upgrade must be at least {first.plain_up_bytes} B up and "
                f"{first.plain_down_bytes + 10} B down; got {flow.up_bytes} and {flow.down_bytes}"
            )
        return await self.upgrades(self.occurrences, pad, flow)

    async def upgrades(self, n: int, pad_bytes: int, flow: Flow) -> Count:
        """n upgrades after a pause."""

        async def once():
            async with contextlib.aclosing(self.bench.websocket(pad_bytes)) as client:
                await client.connect()
                await asyncio.sleep(SETTLE_S)
                return _counted(client.before_upgrade, client.reading(), 1), client.upgrade_s

        return await self.unstalled(once, flow, n)

    async def ws_close(self, flow: Flow) -> Count:
        """The closing handshake of a WebSocket with the FINs."""

        async def once():
            async with contextlib.aclosing(self.bench.websocket()) as client:
                await client.connect()
                await asyncio.sleep(SETTLE_S)
                before, start_s = client.reading(), time.monotonic()
                await client.close()
                took_s = time.monotonic() - start_s
                await asyncio.sleep(SETTLE_S)
                return _counted(before, client.reading(), 1), took_s

        return await self.unstalled(once, flow)

    async def connect(self, flow: Flow) -> Count:
        """TCP and TLS handshakes, or the closes after them; each on its own new connection."""
        context = tls.client_context(self.bench.chains[flow.chain])
        port = self.bench.ports.get(flow.chain, self.bench.ports["http/1.1"])

        async def once():
            async with contextlib.aclosing(clients.BareClient(context, port)) as client:
                times_s = [time.monotonic()]
                await client.connect()
                times_s.append(time.monotonic())
                await asyncio.sleep(SETTLE_S)
                opened = client.reading()
                if client.tls.session_reused != (context.resume is not None):
                    checks.fail("the server resumed a session it was not asked for, or none", flow.name)
                context.resume = client.tls.session if flow.resumed else None
                times_s.append(time.monotonic())
                await client.close()
                times_s.append(time.monotonic())
                await asyncio.sleep(SETTLE_S)
                if flow.kind == "connect":
                    return _counted(None, opened, 1), times_s[1] - times_s[0]
                return _counted(opened, client.reading(), 1), times_s[3] - times_s[2]

        if flow.resumed:
            await once()  # fetches the first ticket
        return await self.unstalled(once, flow)

    async def flow(self, flow: Flow, start_s: float) -> Count:
        """One flow, started a little after the one before, its losses told as one sentence."""
        await asyncio.sleep(start_s)
        act = {
            "exchange": self.exchange,
            "push": self.message,
            "heartbeat": self.message,
            "ws_exchange": self.message,
            "upgrade": self.upgrade,
            "ws_close": self.ws_close,
            "connect": self.connect,
            "close": self.connect,
            "long_poll": self.exchange,
            "long_poll_at_once": self.exchange,
            "sse_event": self.event,
            "sse_comment": self.event,
        }.get(flow.kind, self.mqtt)
        with loss_told(flow.name):
            return await act(flow)

    async def hour(self, hour: Hour, flows: dict[str, Flow], share: float, seed: int):
        """Everything one hour of a design sends, connections opened and closed included, and its parts."""
        web = [name for name in hour.times if flows[name].kind != "exchange"]
        pulls = [name for name in hour.times if name not in web]
        with loss_told(f"hour_{hour.design}"):
            lines = [
                self.hour_line(opened, hour, names, flows, share, seed)
                for opened, names in ((self.http_line, pulls), (self.web_line, web))
                if names
            ]
            done = await all_of(lines)
        return _summed([count for count, _ in done]), [part for _, parts in done for part in parts]

    async def hour_line(self, opened, hour: Hour, names, flows, share, seed):
        """One connection's life: opened, every exchange in a mixed order, closed."""
        todo = [flows[name] for name in names for _ in range(max(1, round(hour.times[name] * share)))]
        random.Random(seed).shuffle(todo)
        client, act, parts = await opened(hour, [flows[name] for name in names])
        async with contextlib.aclosing(client):
            for flow in todo:
                before = client.reading() if client.sock else clients.Reading(TcpInfo(), 0, 0)
                await self.one(act(flow), flow)
                count = _counted(before, client.reading(), 1)
                first = flow.kind == "exchange" and before.tcp == TcpInfo()
                parts.append((f"first_{flow.name}" if first else flow.name, flow, count))
            await client.close()
            await asyncio.sleep(SETTLE_S)
            return _counted(None, client.reading(), 1), parts

    async def http_line(self, hour: Hour, flows):
        """A new HTTP connection, its sizes fitted on another one before."""
        pads = {}
        async with contextlib.aclosing(self.bench.http(hour.protocol)) as trial:
            for flow in flows:
                pads[flow.name] = await fitted_pad(trial, flow, self.bench.answers[hour.protocol])
        client = self.bench.http(hour.protocol)
        return client, lambda flow: lambda: client.exchange(f"/{flow.name}", pads[flow.name]), []

    async def web_line(self, hour: Hour, flows):
        """A new WebSocket connection."""
        client = self.bench.websocket()
        await client.connect()
        await asyncio.sleep(SETTLE_S)
        upgrade = _counted(client.before_upgrade, client.reading(), 1)
        part = ("upgrade", Flow("upgrade", "upgrade", "websocket"), upgrade)
        return client, lambda flow: websocket_act(self.bench, client, flow), [part]


def event_text(data_bytes: int) -> bytes:
    """A server-sent event with an id and so much data."""
    return f"id: {EVENT_ID}\ndata: {'x' * data_bytes}\n\n".encode()


def websocket_act(bench: Bench, client: clients.WebSocketClient, flow: Flow):
    """What one occurrence of a WebSocket flow does."""
    if flow.kind == "heartbeat":
        return client.heartbeat
    if flow.kind == "ws_exchange":
        return lambda: client.ask(flow.up_bytes)
    return lambda: client.push(lambda text: bench.push(client.port_here, text), flow.down_bytes)
