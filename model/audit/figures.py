"""What the model says to a published figure: the same quantity, side and unit, over users and draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from model import claims, cost, latency, prices, traffic
from model.claims.reading import UNITS, Figure
from model.claims.units import conversion
from model.outcome.results import MEASURES, Outcome, Side
from model.scenario import Scenario
from model.wire import websocket_frame_bytes

__all__ = ["QUANTITIES", "figure_values", "holds", "miss_factor", "outcome_at"]

AFTER_POST = ("gateway", "cold start", "radio", "downlink", "pull", "phone")


def _active_hours(side: Side):
    return side.traffic.life.active_s / 3600.0


def _messages(side: Side):
    count = sum((f.per_month * (f.messages_up + f.messages_down) for f in side.traffic.flows), 0.0)
    return count / _active_hours(side)


def _minutes(side: Side):
    return sum((f.per_month for f in side.traffic.flows if f.kind == "minutes"), 0.0) / _active_hours(side)


def _connections(side: Side):
    """Connections that an active user holds, lingering ones included."""
    return side.traffic.life.connected_share + side.traffic.life.lingering_share


def _header_bytes(side: Side):
    """HTTP headers of a request and its answer, or the frame headers of the mean push."""
    now = side.traffic
    scenario, design = now.life.scenario, now.life.design
    if design.transport == "websocket":
        pushes = [f for f in now.flows if f.kind == "push"]
        sizes = [int(f.response_bytes) for f in pushes]
        heads = [int(websocket_frame_bytes(size, masked=False)) - size for size in sizes]
        rates = [f.per_month for f in pushes]
        return sum(h * r for h, r in zip(heads, rates, strict=True)) / sum(rates) if pushes else np.nan
    answer = "rest" if design.api.backend == "rest_api" else "http"
    return scenario.number("http1_ios_post_headers_bytes") + scenario.number(
        f"http1_{answer}_api_response_headers_bytes"
    )


def _server_s(side: Side):
    """From the stored event to the accepted post, warm: what comes before gateway, radio and phone."""
    now = side.traffic
    pushed = [e for e, p in now.life.design.pushes.items() if p.sent]
    rates = {e: latency.delivered_rate_per_s(now, e) for e in pushed}
    parts = {e: latency.branches(now, e)[0].parts for e in pushed}
    sums = {e: sum(p.mean_s for n, p in parts[e].items() if not n.startswith(AFTER_POST)) for e in pushed}
    return sum(rates[e] * sums[e] for e in pushed) / sum(rates.values()) if pushed else np.nan


def _direct_s(side: Side):
    scenario = side.traffic.life.scenario
    if side.traffic.life.design.socket is None:
        return np.nan
    return scenario.number("direct_send_s") + scenario.number("apigw_ws_post_s")


def _cold_start_s(side: Side):
    socket = side.traffic.life.design.socket
    return side.traffic.runs[socket.send_function].init_s if socket else np.nan


QUANTITIES: Mapping[str, Callable[[Side], object]] = MappingProxyType(
    {  # in the units of claims_read.UNITS
        "latency": lambda side: side.latency_quantiles((0.5,))[0],
        "battery": lambda side: side.total("battery"),
        "data": lambda side: side.total("data"),
        "load": lambda side: side.total("load"),
        "cost": lambda side: side.total("cost"),
        "cost_per_hour": lambda side: side.total("cost") / _active_hours(side),
        "messages": _messages,
        "minutes": _minutes,
        "connections": _connections,
        "overhead": _header_bytes,
        "server_latency": _server_s,
        "direct_latency": _direct_s,
        "cold_start": _cold_start_s,
    }
)


def _latency_of(statistic: str, side: Side):
    """Mean or a percentile of latency over all delivered events."""
    if statistic == "mean":
        return side.total("latency")
    return side.latency_quantiles((float(statistic.removeprefix("p")) / 100.0,))[0]


def _of_meters(figure: Figure, side: Side):
    """The part of the bill that the figure's meters make."""
    scenario = side.traffic.life.scenario
    usd = cost.by_meter(side.usage, side.book, scenario.free_tier)
    if not any(m in usd for m in figure.meters):
        return np.nan
    total = sum((usd[m] for m in figure.meters if m in usd), 0.0)
    return total / _active_hours(side) if figure.measure == "cost_per_hour" else total


def _of_flows(figure: Figure, side: Side):
    """The part that the figure's flows make; of the load, their requests a minute while they run."""
    flows = [f for f in side.traffic.flows if f.name in figure.flows]
    if not flows:
        return np.nan
    if figure.measure == "load":
        fastest = [np.max(np.broadcast_arrays(*f.rates_per_s.values()), axis=0) for f in flows]
        return sum(f.requests * 60.0 * rate for f, rate in zip(flows, fastest, strict=True))
    parts = side.parts("cost" if figure.measure == "cost_per_hour" else figure.measure)
    total = sum(parts[f.name] for f in flows)
    return total / _active_hours(side) if figure.measure == "cost_per_hour" else total


def _whole(measure: str, outcome: Outcome, which: str):
    """A quantity of a side, worked out once however many figures ask for it."""
    if (measure, which) not in outcome.kept:
        outcome.kept[measure, which] = QUANTITIES[measure](getattr(outcome, which))
    return outcome.kept[measure, which]


def _side_values(figure: Figure, outcome: Outcome, which: str) -> np.ndarray:
    side = getattr(outcome, which)
    shape = (max(outcome.draws, 1), len(outcome.users))
    if figure.meters:
        found = _of_meters(figure, side)
    elif figure.flows and figure.measure in (*MEASURES, "cost_per_hour"):
        found = _of_flows(figure, side)
    elif figure.statistic:
        found = _latency_of(figure.statistic, side)
    else:
        found = _whole(figure.measure, outcome, which)
    return np.broadcast_to(np.asarray(found, dtype=float), shape)


def figure_values(figure: Figure, outcome: Outcome) -> np.ndarray:
    """What the model gives for a published figure.

    Latency is the median over all delivered events, or the claim's own statistic of them; a load
    restricted to flows is their rate while they run.

    Source: assumption.
    """
    if figure.side in ("before", "after"):
        size = conversion(UNITS[figure.measure], figure.unit)
        return (
            np.nan * np.ones((max(outcome.draws, 1), len(outcome.users)))
            if size is None
            else (_side_values(figure, outcome, figure.side) * size)
        )
    before, after = (_side_values(figure, outcome, w) for w in ("before", "after"))
    if figure.side == "saved":
        return (before - after) * conversion(UNITS[figure.measure], figure.unit)
    return claims.gain(before, after, figure.gain)


def holds(figure: Figure, values) -> np.ndarray:
    """Whether figures of the model bear a published one out, within its slack; an improvement may be larger."""
    values = np.asarray(values, dtype=float)
    if figure.gain == "less":
        return values >= figure.low - claims.SLACK / 10.0
    enough = values >= figure.low - claims.SLACK * abs(figure.low)
    return (
        enough
        if figure.gain or figure.side == "saved"
        else (enough & (values <= figure.high + claims.SLACK * abs(figure.high)))
    )


def miss_factor(figure: Figure, value: float) -> float:
    """How many times the model's figure is off a published one; 1 where it holds."""
    if bool(holds(figure, value)):
        return 1.0
    if figure.gain == "less":  # by what is left: 98 % less leaves twice as much as 99 %
        return (1.0 - value) / (1.0 - figure.low) if figure.low < 1.0 else np.inf
    above = not (figure.gain or figure.side == "saved") and value > figure.high
    good, bad = (value, figure.high) if above else (figure.low, value)
    return good / bad if bad > 0 else np.inf


def outcome_at(scenario: Scenario, resolved: Scenario, users, draws: int) -> Outcome:
    """The outcome of a scenario whose ranges a caller has already replaced by columns."""
    book = prices.book(resolved.region, resolved.prices_on)
    sides = [Side(traffic.traffic(which, resolved), book) for which in ("before", "after")]
    return Outcome(scenario, np.atleast_1d(np.asarray(users, dtype=float)), draws, *sides)
