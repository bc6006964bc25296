"""`measure`: real sockets on loopback, counted and timed, written as CSV files with their conditions."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path

from model import checks
from tools.bench import store
from tools.bench.flows import FLOWS, HOURS, Flow, Hour
from tools.bench.timing import TIMING, Timing

__all__ = ["measure"]

WHAT = ("bytes", "timing")
LOWEST_SPACING_S = 0.2
BYTE_CONDITIONS = (
    "loopback, IPv4 with timestamps, segments of 1448 B, one write a segment, TLS 1.3, "
    "counted at the client by TCP_INFO"
)
Progress = Callable[[int, int, str], None]


def measure(
    out_dir,
    *,
    what: Iterable[str] = WHAT,
    seed: int = 1,
    quick: bool = False,
    progress: Progress | None = None,
    port: int = 0,
    occurrences: int | None = None,
    spacing_s: float = LOWEST_SPACING_S,
    hour_share: float | None = None,
    flows: tuple[Flow, ...] = FLOWS,
    hours: tuple[Hour, ...] = HOURS,
    timing: Timing | None = None,
) -> dict[str, Path]:
    """The files of a measurement on real sockets: bytes of every flow and hour, delays of both designs.

    Servers and clients run in this process on 127.0.0.1 and are gone when it returns. The kernel's
    counters of each connection are read before and after; a file appears only when all of it is measured.

    Parameters
    ----------
    out_dir : str or Path
        The folder for `bytes.csv`, `hours.csv`, `timing.csv` and `timing_sample.csv`. [-]
    what : iterable of str
        `bytes`, `timing` or both. [-]
    seed : int
        Fixes the order within an hour, the moments of the events and the delays of the path. [-]
    quick : bool
        A few occurrences, a 60th of an hour and a tenth of the events, about 20 seconds in all. [-]
    progress : callable, optional
        Called with steps done, steps in all and the step's name. [-]
    port : int
        The first of the ports to listen on, one after another; 0 takes free ones. [-]
    occurrences : int, optional
        How often each flow is repeated; 25, or 4 where quick. [-]
    spacing_s : float
        Pause between two exchanges of a connection, at least 0.2: below that ACKs ride along. [s]
    hour_share : float, optional
        Share of the hour's exchanges that are run, above 0 to 1; 1, or 1/60 where quick. [1]
    flows : tuple of Flow
        What is measured one by one. [-]
    hours : tuple of Hour
        What is measured as a whole; its parts name flows. [-]
    timing : Timing, optional
        Period, compression, path and numbers of the timed part. [-]

    Returns
    -------
    dict
        Path of each file written, by its name without the ending.

    Raises
    ------
    InputError
        For a port in use, a client that is lost on the way, a wrong parameter, a library that is not
        installed; nothing is left behind.

    Notes
    -----
    A whole hour of a 2 s poll takes about seven minutes at 0.2 s a poll; the timed part about a minute.
    Ctrl-C stops it within a second; what was written before stays.

    Sources
    -------
    bench_sockets
    """
    what = [checks.known("measurement", name, WHAT, "what") for name in what]
    store.check_libraries()
    folder = store.checked_folder(out_dir)
    if checks.positive("spacing_s", spacing_s, "s") < LOWEST_SPACING_S:
        checks.fail(f"spacing_s must be at least {LOWEST_SPACING_S} s, or ACKs ride along; got {spacing_s}")
    occurrences = (4 if quick else 25) if occurrences is None else occurrences
    hour_share = (1 / 60 if quick else 1.0) if hour_share is None else hour_share
    checks.whole("occurrences", checks.positive("occurrences", occurrences))
    checks.share("hour_share", checks.positive("hour_share", hour_share))
    tell, files = progress or (lambda done, total, text: None), {}
    if "bytes" in what:
        rows, parts = _ran(
            measured_bytes(flows, hours, seed, tell, port, int(occurrences), float(spacing_s), float(hour_share))
        )
        files["bytes"] = store.written(folder / "bytes.csv", rows)
        if parts:
            files["hours"] = store.written(folder / "hours.csv", parts)
    if "timing" in what:
        from tools.bench.timing import measured_delays

        chosen = timing or (TIMING.quick() if quick else TIMING)
        quantiles, sample = _ran(measured_delays(chosen, seed, tell, port))
        files["timing"] = store.written(folder / "timing.csv", quantiles)
        files["timing_sample"] = store.written(folder / "timing_sample.csv", sample)
    return files


def _ran(coroutine):
    """The result of a coroutine: in this thread, or in one of its own where a loop already runs here."""
    if not _loop_runs_here():
        return asyncio.run(coroutine)
    box, loop = {}, asyncio.new_event_loop()
    task = loop.create_task(coroutine)

    def work():
        try:
            box["result"] = loop.run_until_complete(task)
        except BaseException as error:
            box["error"] = error
        finally:
            loop.close()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        thread.join()
    except KeyboardInterrupt:
        loop.call_soon_threadsafe(task.cancel)
        thread.join()
        raise
    if "error" in box:
        raise box["error"]
    return box["result"]


def _loop_runs_here() -> bool:
    """Whether this thread already runs an event loop, as a notebook's does."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def measured_bytes(flows, hours, seed, tell, port, occurrences, spacing_s, hour_share):
    """Rows of bytes.csv and of hours.csv: groups of flows side by side, then all hours side by side."""
    from tools.bench.count import MOST_AT_ONCE, START_GAP_S, Run
    from tools.bench.losses import all_of
    from tools.bench.running import running_bench

    for hour in hours:
        for name in hour.times:
            _flow_of(hour, name, flows)
    total = len(flows) * occurrences + sum(max(1, round(n * hour_share)) for hour in hours for n in hour.times.values())
    done = 0

    def tick(name):
        nonlocal done
        done += 1
        tell(min(done, total), total, name)

    load = store.load_text()
    async with running_bench({flow.chain for flow in flows}, port) as bench:
        run = Run(bench, occurrences, spacing_s, tick)
        counts = []
        for start in range(0, len(flows), MOST_AT_ONCE):  # more would keep each other waiting
            group = enumerate(flows[start : start + MOST_AT_ONCE])
            counts += await all_of([run.flow(flow, i * START_GAP_S) for i, flow in group])
        totals = await all_of(
            [run.hour(hour, {n: _flow_of(hour, n, flows) for n in hour.times}, hour_share, seed) for hour in hours]
        )
    about = {"spacing_s": spacing_s, "conditions": f"{BYTE_CONDITIONS}; {load}", **store.versions()}
    rows = [
        _row(flow, count) | about | {"spacing_s": flow.pause_s(spacing_s)}
        for flow, count in zip(flows, counts, strict=True)
    ]
    rows += [_hour_row(hour, count) | about for hour, (count, _) in zip(hours, totals, strict=True)]
    return rows, [
        part for hour, (_, parts) in zip(hours, totals, strict=True) for part in _part_rows(hour, parts, hour_share)
    ]


def _flow_of(hour: Hour, name: str, flows) -> Flow:
    """The flow that an hour's part names, on the hour's HTTP protocol or the WebSocket."""
    here = {flow.name: flow for flow in flows if flow.protocol in (hour.protocol, "websocket")}
    return here[checks.known("flow", name, here, f"hour {hour.design!r} on {hour.protocol}")]


def _row(flow: Flow, count) -> dict:
    """One row of bytes.csv: per occurrence."""
    t, n = count.traffic, count.n
    syns, fins = flow.kind == "connect", flow.kind in ("close", "ws_close")
    return {
        "flow": flow.name,
        "kind": flow.kind,
        "protocol": flow.protocol,
        "chain": flow.chain,
        "resumed": int(flow.resumed),
        "server_s": flow.server_s,
        "n": n,
        "sized_by": "headers" if flow.up_bytes is None else "flow",
        "payload_bytes": _payload(flow),
        "message_up_bytes": round(count.plain_up_bytes / n, 3),
        "message_down_bytes": round(count.plain_down_bytes / n, 3),
        "up_bytes": round(t.up_bytes / n, 3),
        "down_bytes": round(t.down_bytes / n, 3),
        "up_data_segments": round(t.up_data_segments / n, 3),
        "down_data_segments": round(t.down_data_segments / n, 3),
        "up_pure_acks": round(t.up_bare_segments / n - syns - fins, 3),
        "down_pure_acks": round(t.down_bare_segments / n - syns - fins, 3),
        "resent_bytes": t.resent_bytes,
        "stalled": count.stalled,
    }


def _payload(flow: Flow) -> int:
    """The payload of a push, an event or a packet; nothing else has one."""
    sent = flow.kind.startswith(("push", "sse_", "mqtt_", "ws_exchange"))
    return sent * max(flow.up_bytes or 0, flow.down_bytes or 0)


def _hour_row(hour: Hour, count) -> dict:
    """One row of bytes.csv: all that the hour's connections carried in their whole lives."""
    row = _row(Flow(f"hour_{hour.design}", "exchange", hour.protocol), replace(count, n=1)) | {"kind": "hour"}
    for name in ("up_pure_acks", "down_pure_acks"):
        row[name] -= 2 * count.n  # a SYN and a FIN of each connection
    return row


def _part_rows(hour: Hour, parts, hour_share: float) -> list[dict]:
    """Rows of hours.csv: how often each part happened and its mean plaintext."""
    found = {}
    for name, flow, count in parts:
        found.setdefault((name, flow), []).append(count)
    return [
        {
            "hour": f"hour_{hour.design}",
            "protocol": hour.protocol,
            "part": name,
            "kind": flow.kind,
            "part_protocol": flow.protocol,
            "payload_bytes": _payload(flow),
            "hour_share": round(hour_share, 6),
            "times": len(counts),
            "message_up_bytes": round(sum(c.plain_up_bytes for c in counts) / len(counts), 3),
            "message_down_bytes": round(sum(c.plain_down_bytes for c in counts) / len(counts), 3),
        }
        for (name, flow), counts in sorted(found.items(), key=lambda item: item[0][0])
    ]
