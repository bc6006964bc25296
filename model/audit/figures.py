"""What the model says to a published figure: the same quantity, side and unit, over users and draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from math import inf, prod
from types import MappingProxyType

import numpy as np

from model import checks, claims, cost, latency
from model.audit.words import sold_unit
from model.claims.reading import UNITS, Figure, Term
from model.claims.units import conversion, product, unit
from model.outcome import MEASURES, Outcome, Side
from model.prices import PriceBook
from model.wire import websocket_frame_bytes

AFTER_POST = ("gateway", "cold start", "radio", "downlink", "transmission", "pull", "phone")


def _active_hours(side: Side):
    return side.traffic.life.active_s / 3600.0


def _messages(side: Side):
    count = sum((f.per_month * (f.messages_up + f.messages_down) for f in side.traffic.flows), 0.0)
    return count / _active_hours(side)


def _minutes(side: Side):
    return sum((f.per_month for f in side.traffic.flows if f.kind == "minutes"), 0.0) / _active_hours(side)


def _connections(side: Side):
    """Connections that an active user holds, with those that nobody has noticed are gone."""
    return side.traffic.life.connected_share + side.traffic.life.lingering_share


def _header_bytes(side: Side):
    """HTTP headers of a request and its answer, or the frame headers of the mean push."""
    scenario, design = side.traffic.life.scenario, side.traffic.life.design
    if design.socket is not None:
        pushes = [(f.per_month, np.floor(f.response_bytes)) for f in side.traffic.flows if f.kind == "push"]
        heads = sum(rate * (websocket_frame_bytes(size, masked=False) - size) for rate, size in pushes)
        return heads / sum(rate for rate, _ in pushes) if pushes else np.nan
    answer = design.api.row.answer.removesuffix("_api")
    names = ("http1_ios_post_headers_bytes", f"http1_{answer}_api_response_headers_bytes")
    return sum(scenario.number(name) for name in names)


def _server_s(side: Side):
    """From the stored event to the accepted post, warm: what comes before gateway, radio and phone."""
    traffic, seconds, rates = side.traffic, 0.0, 0.0
    pushed = [event for event, push in traffic.life.design.pushes.items() if push.sent]
    for event in pushed:
        rate = latency.delivered_rate_per_s(traffic, event)
        parts = latency.branches(traffic, event)[0].parts
        seconds += rate * sum(part.mean_s for name, part in parts.items() if not name.startswith(AFTER_POST))
        rates += rate
    return seconds / rates if pushed else np.nan


def _direct_s(side: Side):
    scenario = side.traffic.life.scenario
    if side.traffic.life.design.socket is None:
        return np.nan
    return scenario.number("direct_send_s") + scenario.number("apigw_ws_post_s")


def _cold_start_s(side: Side):
    socket = side.traffic.life.design.socket
    return side.traffic.runs[socket.send_function].init_s if socket else np.nan


QUANTITIES: Mapping[str, Callable[[Side], object]] = MappingProxyType(  # in the units of claims.reading.UNITS
    {
        "latency": lambda side: _latency(side, "p50"),
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


def _latency(side: Side, statistic: str):
    """Mean or a percentile of latency over all delivered events."""
    if statistic == "mean":
        return side.total("latency")
    return side.latency_quantiles((float(statistic.removeprefix("p")) / 100.0,))[0]


def _of_meters(figure: Figure, side: Side):
    """The part of the bill that the figure's meters make."""
    usd = cost.by_meter(side.usage, side.book, side.traffic.life.scenario.free_tier)
    billed = [usd[m] for m in figure.meters if m in usd]
    return sum(billed) if billed else np.nan


def _of_flows(figure: Figure, side: Side):
    """The part that the figure's flows make; of the load, their requests a minute while they run."""
    flows = [f for f in side.traffic.flows if f.name in figure.flows]
    if not flows:
        return np.nan
    if figure.measure == "load":
        fastest = [np.max(np.broadcast_arrays(*f.rates_per_s.values()), axis=0) for f in flows]
        return sum(f.requests * 60.0 * rate for f, rate in zip(flows, fastest, strict=True))
    parts = side.parts("cost" if figure.measure == "cost_per_hour" else figure.measure)
    return sum(parts[f.name] for f in flows)


def _side_values(figure: Figure, side: Side):
    """The figure's quantity of one design, in the unit that the model answers in."""
    if figure.meters or (figure.flows and figure.measure in (*MEASURES, "cost_per_hour")):
        part = _of_meters(figure, side) if figure.meters else _of_flows(figure, side)
        return part / _active_hours(side) if figure.measure == "cost_per_hour" else part
    return _latency(side, figure.statistic) if figure.statistic else QUANTITIES[figure.measure](side)


def figure_values(figure: Figure, outcome: Outcome) -> np.ndarray:
    """What the model gives for a published figure, in its unit, (draws, users); NaN where there is no such thing.

    Latency is the median over all delivered events, or the claim's own statistic of them; a load
    restricted to flows is their rate while they run. Source: assumption.
    """
    shape = (max(outcome.draws, 1), len(outcome.users))

    def of(which: str) -> np.ndarray:
        return np.broadcast_to(np.asarray(_side_values(figure, getattr(outcome, which)), dtype=float), shape)

    if figure.gain:
        return claims.gain(of("before"), of("after"), figure.gain)
    size = conversion(UNITS[figure.measure], figure.unit)
    if size is None:
        return np.full(shape, np.nan)
    return size * (of("before") - of("after") if figure.side == "saved" else of(figure.side))


def holds(figure: Figure, values) -> np.ndarray:
    """Whether figures of the model bear a published one out."""
    return claims.holds(values, figure.claimed)


Span = tuple[float, float]  # low and high


def apart(low: float, high: float, other_low: float, other_high: float) -> float:
    """How many times two ranges are apart; 1 where they meet, give or take the slack."""
    slack = 1.0 + claims.SLACK
    if low > other_high * slack:
        return low / other_high if other_high > 0 else inf
    if other_low > high * slack:
        return other_low / high if high > 0 else inf
    return 1.0


def unlike(low: float, high: float, other_low: float, other_high: float) -> float:
    """How many times the ends of two ranges that should be one differ; 1 where they agree, about.

    A range from 0 says "up to": its low end is nothing that was published.
    """
    ends = ((high, other_high),) if low == 0 else ((low, other_low), (high, other_high))
    worst = max(
        max(one / other, other / one) if min(one, other) > 0 else 1.0 if one == other else inf for one, other in ends
    )
    return worst if worst > 1.0 + claims.SLACK else 1.0


def multiplied(terms: Sequence[Term], target: str) -> Span:
    """The product of terms, in a unit that their own units must come to.

    `terms`: the factors, each with its unit; `target`: the unit of the product, such as USD/month. Gives a tuple of
    float, low and high in the target's unit.
    """
    size = product([(unit(t.unit), 1) for t in terms]).size / unit(target).size
    return prod(t.low for t in terms) * size, prod(t.high for t in terms) * size


def sums(parts: Sequence[Term], target: str) -> dict[str, Span]:
    """What parts add up to, by the times at which some of them count; "" stands for all other times."""
    found = {}
    for when in (*dict.fromkeys(p.when for p in parts if p.when), ""):
        sized = [(p.sign * conversion(p.unit, target), p) for p in parts if p.when in ("", when)]
        low = sum(size * (p.low if size > 0 else p.high) for size, p in sized)
        found[when] = low, sum(size * (p.high if size > 0 else p.low) for size, p in sized)
    return found


def listed(meter: str, term: Term, figure: Figure, book: PriceBook) -> float:
    """The list price of one unit of a term, in the figure's unit."""
    sold = sold_unit(meter, book)
    whole = product([(unit("USD"), 1), (unit(term.unit), 1), (unit(sold), -1)])
    if whole.powers != unit(figure.unit).powers:
        checks.fail(
            f"an amount that {figure.name} prices by {meter} ({sold}) must give its unit "
            f"{figure.unit}; got {checks.shown(term.unit)}"
        )
    return float(book.tiers(meter)[0].price_usd) * whole.size / unit(figure.unit).size


def nearest_price(term: Term, figure: Figure, book: PriceBook) -> tuple[str, float]:
    """The meter, of those that may price a term, whose list price comes nearest to the figure."""
    if not term.meters:
        checks.fail(f"an amount that {figure.name} prices must name its meter; got none")
    priced = {m: listed(m, term, figure, book) for m in term.meters}
    middle = (figure.low + figure.high) / 2.0
    return min(priced.items(), key=lambda p: abs(p[1] * term.high - middle))


def at_list_price(figure: Figure, book: PriceBook) -> Span:
    """What the amounts that a figure prices cost at list price."""
    priced = [(t, nearest_price(t, figure, book)[1]) for t in figure.priced]
    return sum(t.low * usd for t, usd in priced), sum(t.high * usd for t, usd in priced)


def corrected(figure: Figure, known: Mapping[str, Figure], book: PriceBook) -> Span:
    """What a figure comes to when all that it is made of is multiplied, added and priced anew."""

    def right(term: Term) -> Term:
        low, high = corrected(known[term.claim], known, book) if term.claim else (term.low, term.high)
        return replace(term, low=low, high=high)

    if figure.factors:
        return multiplied([right(t) for t in figure.factors], figure.unit)
    if figure.parts and not any(p.when for p in figure.parts):
        return sums([right(p) for p in figure.parts], figure.unit)[""]
    return at_list_price(figure, book) if figure.priced else (figure.low, figure.high)
