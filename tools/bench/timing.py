"""Times events from stored to seen: polling and push clients behind a path with a delay.

Events are stored at random (Poisson) moments. A polling client asks every period, at its own phase; a push
client has its message sent at once. Both see the same events. The period is compressed by a stated factor;
server time and path are not. What the bench itself adds is measured beside it, by a few more clients of both
designs with events of their own over a path of one fixed delay.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import random
import statistics
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from model import checks
from tools.bench import clients, losses, path, servers, store, tls

__all__ = []

PATIENCE_S = 3.0
WATCH_S = 0.02
QUANTILES = tuple(range(1, 100))


@dataclass(frozen=True)
class Timing:
    """The timed part: how often, how many, over which path."""

    period_s: float = 2.0
    compression: float = 2.5
    server_s: float = 0.010
    path_median_s: float = 0.025
    path_sigma_ln: float = 0.5
    events: int = 4_500
    events_per_s: float = 100.0
    poll_clients: int = 20
    push_clients: int = 60
    probe_events: int = 900
    probe_clients: int = 5

    def __post_init__(self):
        """Refuse a path slower than the poll, or numbers that cannot be."""
        for name in ("period_s", "compression", "path_median_s", "events_per_s"):
            checks.positive(f"timing.{name}", getattr(self, name))
        for name, least in (
            ("events", 2),
            ("probe_events", 2),
            ("poll_clients", 1),
            ("push_clients", 1),
            ("probe_clients", 1),
        ):
            value = getattr(self, name)
            if checks.whole(f"timing.{name}", value) < least:
                checks.fail(f"timing.{name} must be at least {least}; got {checks.shown(value)}")
        for name in ("server_s", "path_sigma_ln"):
            checks.non_negative(f"timing.{name}", getattr(self, name))
        slow = self.server_s + 2 * self.path_median_s * math.exp(2 * self.path_sigma_ln)
        if slow > self.timed_period_s:
            checks.fail(
                f"timing.period_s / compression must exceed a slow round trip of {slow:.3g} s; "
                f"got {self.timed_period_s:.3g}"
            )

    @property
    def timed_period_s(self) -> float:
        """The period as run."""
        return self.period_s / self.compression

    def quick(self) -> Timing:
        """The same with fewer events."""
        return replace(self, events=600, probe_events=150, events_per_s=150.0)


TIMING = Timing()


@dataclass
class Board:
    """A group of clients behind one path, and what happened to every event meant for them."""

    name: str
    draw_s: Callable[[], float]
    poll_clients: int
    push_clients: int
    stored_s: list[float] = field(default_factory=list)
    read_s: dict[int, float] = field(default_factory=dict)
    seen_s: dict[str, dict[int, float]] = field(default_factory=lambda: {"polling": {}, "push": {}})
    waiting: dict[str, list[int]] = field(default_factory=dict)
    sockets: list = field(default_factory=list)
    missed_polls: int = 0

    def delays_s(self, design: str) -> list[float]:
        """Stored to seen, in the order of the events."""
        return [self.seen_s[design][i] - stored for i, stored in enumerate(self.stored_s)]

    def passed_s(self, design: str) -> list[float]:
        """To seen, from read by the poll's handler or from stored: all but the wait for the poll."""
        start_s = self.read_s if design == "polling" else self.stored_s
        return [seen - start_s[i] for i, seen in self.seen_s[design].items()]

    def unseen(self) -> int:
        """Events that one of the designs has not shown yet."""
        return sum(len(self.stored_s) - len(seen) for seen in self.seen_s.values())

    def note(self, design: str, events: list[int]) -> None:
        """These events are seen now."""
        now_s = asyncio.get_running_loop().time()
        self.seen_s[design].update(dict.fromkeys(events, now_s))


class PollAnswers:
    """The polling server's answers: the events that wait for the client of this path."""

    def __init__(self, boards: dict[str, Board], server_s: float):
        self.boards, self.server_s = boards, server_s

    async def body(self, url_path: str) -> bytes:
        """Take what is stored now, work for a while, answer."""
        board = self.boards[url_path.split("/")[1]]
        taken = board.waiting.pop(url_path, [])
        board.read_s.update(dict.fromkeys(taken, asyncio.get_running_loop().time()))
        await asyncio.sleep(self.server_s)
        return json.dumps(taken).encode()


class Stage:
    """Servers, paths and clients of the timed part."""

    def __init__(self, timing: Timing, seed: int, chain: tls.Chain, tick: Callable[[str], None]):
        self.timing, self.chain, self.tick = timing, chain, tick
        self.rng = random.Random(f"{seed} events")
        path_rng, mu = random.Random(f"{seed} path"), math.log(timing.path_median_s)
        self.timed = Board(
            "timed", lambda: path_rng.lognormvariate(mu, timing.path_sigma_ln), timing.poll_clients, timing.push_clients
        )
        self.probe = Board("probe", lambda: timing.path_median_s, timing.probe_clients, timing.probe_clients)
        self.boards = {board.name: board for board in (self.timed, self.probe)}
        self.late_s: list[float] = []

    async def run(self, port: int) -> None:
        """Store all events and wait until both designs have shown them."""
        context, answers = tls.server_context(self.chain), PollAnswers(self.boards, self.timing.server_s)
        ports = [port + i if port else 0 for i in range(6)]
        async with contextlib.AsyncExitStack() as stack, asyncio.TaskGroup() as group:
            socks = [servers.listener(port) for port in ports[:2]]
            for sock in socks:
                stack.callback(sock.close)
            polled = await stack.enter_async_context(servers.http1_server(socks[0], context, answers))
            pushed = await stack.enter_async_context(servers.websocket_server(socks[1], context, self.serve_socket))
            tasks = [group.create_task(self.watch())]
            for board, at in zip(self.boards.values(), (2, 4), strict=True):
                ways = [
                    await stack.enter_async_context(path.delayed_path(to, board.draw_s, ports[at + i]))
                    for i, to in enumerate((polled, pushed))
                ]
                tasks += await self.clients(stack, group, board, *ways)
            await asyncio.sleep(0.3)
            async with asyncio.TaskGroup() as publishers:
                share = self.timing.probe_events / self.timing.events
                for board, events, part in (
                    (self.timed, self.timing.events, 1.0),
                    (self.probe, self.timing.probe_events, share),
                ):
                    publishers.create_task(self.publish(board, events, self.timing.events_per_s * part))
            for task in tasks:
                task.cancel()

    async def clients(self, stack, group, board: Board, poll_port: int, push_port: int) -> list[asyncio.Task]:
        """Every client of a board connected and at work, each polling client at a phase of its own."""
        context, period_s = tls.client_context(self.chain), self.timing.timed_period_s
        pushed = [clients.WebSocketClient(context, push_port, path=f"/{board.name}") for _ in range(board.push_clients)]
        polled = [clients.HttpClient("http/1.1", context, poll_port) for _ in range(board.poll_clients)]
        for client in (*pushed, *polled):
            stack.push_async_callback(client.aclose)
        await losses.all_of(
            [*(client.connect() for client in pushed), *(client.exchange(f"/{board.name}/warm") for client in polled)]
        )
        start_s = asyncio.get_running_loop().time() + 0.1
        return [group.create_task(self.listen(board, client)) for client in pushed] + [
            group.create_task(self.poll(board, client, f"/{board.name}/{i}", start_s + self.rng.random() * period_s))
            for i, client in enumerate(polled)
        ]

    async def serve_socket(self, ws) -> None:
        """The server's end of a push connection."""
        self.boards[ws.request.path.strip("/")].sockets.append(ws)
        await ws.wait_closed()

    async def publish(self, board: Board, events: int, rate_per_s: float) -> None:
        """Store events at Poisson moments and send the pushes; wait until all are seen."""
        loop = asyncio.get_running_loop()
        at_s = loop.time()
        async with asyncio.TaskGroup() as pushes:
            for i in range(events):
                at_s += self.rng.expovariate(rate_per_s)
                await asyncio.sleep(at_s - loop.time())
                board.stored_s.append(loop.time())
                reader = f"/{board.name}/{self.rng.randrange(board.poll_clients)}"
                board.waiting.setdefault(reader, []).append(i)
                pushes.create_task(self.push(self.rng.choice(board.sockets), i))
                self.tick("timing")
        give_up_s = loop.time() + PATIENCE_S
        while board.unseen():
            if loop.time() > give_up_s:
                raise ConnectionResetError(f"{board.unseen()} events were never seen")
            await asyncio.sleep(0.05)

    async def push(self, ws, event: int) -> None:
        """The server's work and the message."""
        await asyncio.sleep(self.timing.server_s)
        await ws.send(json.dumps([event]))

    async def watch(self) -> None:
        """How late this process wakes up: what a busy machine adds to everything timed here."""
        loop = asyncio.get_running_loop()
        while True:
            due_s = loop.time() + WATCH_S
            await asyncio.sleep(WATCH_S)
            self.late_s.append(loop.time() - due_s)

    async def listen(self, board: Board, client: clients.WebSocketClient) -> None:
        """A push client: note when each message is read."""
        while True:
            board.note("push", json.loads(await client.ws.recv()))

    async def poll(self, board: Board, client: clients.HttpClient, url_path: str, at_s: float) -> None:
        """A polling client: ask every period, note what the answer shows; skip a tick while one is out."""
        loop, period_s = asyncio.get_running_loop(), self.timing.timed_period_s
        while True:
            await asyncio.sleep(at_s - loop.time())
            board.note("polling", json.loads(await client.exchange(url_path)))
            at_s += period_s
            while at_s < loop.time():
                at_s += period_s
                board.missed_polls += 1


async def measured_delays(timing: Timing, seed: int, tell, port: int = 0) -> tuple[list[dict], list[dict]]:
    """Rows of timing.csv and of timing_sample.csv."""
    total, done = timing.probe_events + timing.events, 0

    def tick(name):
        nonlocal done
        done += 1
        tell(done, total, name)

    load = store.load_text()
    with tempfile.TemporaryDirectory() as folder, losses.loss_told("timing"):
        stage = Stage(timing, seed, tls.make_chain("ecdsa3", Path(folder)), tick)
        try:
            await stage.run(port)
        except BaseExceptionGroup as errors:
            raise losses.first_of(errors) from None
    rows = [row | {"seed": seed} for design in stage.timed.seen_s for row in quantile_rows(design, stage, load)]
    sample = [
        {"event": i, "polling_s": round(a, 4), "push_s": round(b, 4)}
        for i, (a, b) in enumerate(zip(*(stage.timed.delays_s(design) for design in ("polling", "push")), strict=True))
    ]
    return rows, sample


def own_times_s(passed_s: list[float], timing: Timing) -> list[float]:
    """Percentiles of what the bench adds by itself: over the fixed path, less server time and that path."""
    return [
        cut - timing.server_s - timing.path_median_s
        for cut in statistics.quantiles(passed_s, n=100, method="inclusive")
    ]


def quantile_rows(design: str, stage: Stage, load: str) -> list[dict]:
    """The percentiles of one design's delays with all that they depend on."""
    delays, timing = stage.timed.delays_s(design), stage.timing
    cuts = statistics.quantiles(delays, n=100, method="inclusive")
    own = own_times_s(stage.probe.passed_s(design), timing)
    about = {
        "n": len(delays),
        "mean_s": round(statistics.fmean(delays), 5),
        "timed_period_s": timing.timed_period_s,
        **asdict(timing),
        "missed_polls": stage.timed.missed_polls,
        "late_p95_s": round(statistics.quantiles(stage.late_s, n=20)[-1], 5),
        "conditions": f"loopback, TLS 1.3, HTTP/1.1 polls, relay with lognormal delay each way; {load}",
        **store.versions(),
    }
    return [
        {"design": design, "percentile": q, "delay_s": round(cut, 5), "own_s": round(mine, 5)} | about
        for q, cut, mine in zip(QUANTILES, cuts, own, strict=True)
    ]
