"""Mean, variance, quantiles and the share told within a time, in closed form, over draws and user counts.

Quantiles are bracketed on a grid, then found by Newton's method kept within the bracket.
"""

from __future__ import annotations

import math

import numpy as np

from model import checks
from model.latency import chain
from model.latency.branches import DeliveryPath, branches, kind
from model.latency.mixture import AT_ONCE, Mixture
from model.latency.reach import delivered_rate_per_s
from model.life.flow import Traffic
from model.life.sessions import pushes_per_s

__all__ = ["event_quantile_s", "mean_s", "quantile_s", "told_in_time", "told_share", "variance_s2"]

GRID = {"few": 8, "many": 768}  # points: few user counts refine by themselves, many share a finer grid
LOWEST_S, HIGHEST_S = 1e-4, 1e6
ROUNDS, CLOSE = 60, 1e-5  # Newton's next step is its square, 1e-10 of the time


def _moments(way: DeliveryPath) -> tuple:
    """Mean and variance of one way's total; what goes over the network shares one draw."""
    net = [p for p in way.parts.values() if p.kind == "network"]
    deviation = sum((np.sqrt(p.variance_s2) for p in net), 0.0)
    other = sum((p.variance_s2 for p in way.parts.values() if p.kind != "network"), 0.0)
    return sum(p.mean_s for p in way.parts.values()), np.square(deviation) + other


def mean_s(traffic: Traffic, event: str):
    """Mean latency of an event over its deliveries, in closed form.

    Parameters
    ----------
    traffic : Traffic, the design's traffic
    event : str, an event of the scenario

    Returns: array, seconds, (draws, users); inf where the event never arrives [s]
    Raises: InputError, an unknown event
    Source: cox1962.
    """
    ways = branches(traffic, event)
    if not ways:
        return np.inf
    return chain.once(traffic, ("mean", *kind(traffic, event)), lambda: sum(b.share * _moments(b)[0] for b in ways))


def variance_s2(traffic: Traffic, event: str):
    """Variance of an event's latency over its deliveries, in closed form.

    Source: cox1962.
    """
    ways = branches(traffic, event)
    if not ways:
        return np.inf
    square = sum(b.share * (v + np.square(m)) for b, (m, v) in ((b, _moments(b)) for b in ways))
    return square - np.square(mean_s(traffic, event))


def _mixture(traffic: Traffic, event: str | None = None) -> Mixture:
    """The ways of all events, weighted by how often each is delivered; of one event where it is named."""

    def work():
        rates: dict = {}
        for name in traffic.life.scenario.events if event is None else [event]:
            key = kind(traffic, name)
            rate, first = rates.get(key, (0.0, name))
            rates[key] = (rate + delivered_rate_per_s(traffic, name), first)
        weighted = [
            (rate * way.share, way)
            for rate, name in rates.values()
            for way in branches(traffic, name)
            if np.any(np.asarray(rate) > 0)
        ]
        if not weighted:
            what = "no event is" if event is None else f"event {event!r} is never"
            checks.fail(f"{what} delivered within a session, so its latency has no quantile")
        return Mixture(weighted)

    return chain.once(traffic, ("mixture", event), work)


def _ends_s(traffic: Traffic, event: str | None, share: float):
    """The smallest and the largest delay there is."""
    names = traffic.life.scenario.events if event is None else [event]
    ways = [b for name in names for b in branches(traffic, name)]
    pick = np.minimum if share == 0.0 else np.maximum
    u = np.array(share)
    totals = [sum(p.quantile_s(u) for p in b.parts.values()) for b in ways]
    result = totals[0]
    for total in totals[1:]:
        result = pick(result, total)
    return result


def _quantiles(traffic: Traffic, event: str | None, shares) -> np.ndarray:
    wanted = np.atleast_1d(checks.share("quantile", shares))
    mixture = _mixture(traffic, event)
    found = np.empty((len(wanted), *mixture.shape))
    inside = (wanted > 0.0) & (wanted < 1.0)
    if inside.any():
        found[inside] = mixture_quantiles_s(mixture, [float(q) for q in wanted[inside]])
    for k in np.flatnonzero(~inside):
        found[k] = _ends_s(traffic, event, float(wanted[k]))
    return found


def quantile_s(traffic: Traffic, shares) -> np.ndarray:
    """Quantiles of latency over all events, weighted by how often each is delivered, in closed form.

    Source: cox1962.
    """
    return _quantiles(traffic, None, shares)


def event_quantile_s(traffic: Traffic, event: str, shares) -> np.ndarray:
    """Quantiles of one event's latency over its deliveries, in closed form.

    Source: cox1962.
    """
    checks.known("event", event, traffic.life.scenario.events)
    return _quantiles(traffic, event, shares)


def told_share(traffic: Traffic, within_s: float, event: str | None = None) -> np.ndarray:
    """Share of deliveries that take no longer than a time, in closed form.

    Source: cox1962.
    """
    within = float(checks.non_negative("within_s", within_s, "s"))
    if event is not None:
        checks.known("event", event, traffic.life.scenario.events)
    return _mixture(traffic, event).share(within)


GRID_S = (
    0.5,
    1.0,
    4.0,
    10.0,
    25.0,
    60.0,
    90.0,
    130.0,
    180.0,
    250.0,
    350.0,
    600.0,
    1200.0,
    3600.0,
    HIGHEST_S,
)  # shares within 0.002
LIMITS_S = (1.0, 10.0, 60.0, math.inf)


def told_in_time(traffic: Traffic, event: str | None = None) -> dict:
    """Share of the events sent to people in the app that is on the screen in time and before they leave.

    By limit in `LIMITS_S`, all events together by how often each is sent, or one: (draws, users); the last limit is
    the end of the session alone. 0 where nothing tells anybody.

    Source: cox1962.
    """
    scenario = traffic.life.scenario
    names = list(scenario.events) if event is None else [checks.known("event", event, scenario.events)]
    sent = sum(pushes_per_s(scenario, name) for name in names)
    if not np.any(np.asarray(sent) > 0):
        checks.fail("an event must be sent to somebody in the app; none is, so nobody can be told")
    reached = sum(delivered_rate_per_s(traffic, name) for name in names)
    if not np.any(np.asarray(reached) > 0):
        return dict.fromkeys(LIMITS_S, np.zeros(np.broadcast_shapes(np.shape(reached), (1, 1))))
    told = _mixture(traffic, event).told_in_session(GRID_S, scenario.usage)
    share = np.asarray(reached) / np.where(np.asarray(sent) > 0, sent, 1.0)
    return {limit: told[GRID_S.index(min(limit, HIGHEST_S))] * share for limit in LIMITS_S}


def mixture_quantiles_s(mixture: Mixture, shares) -> np.ndarray:
    """Quantiles of the mixture for shares strictly between 0 and 1: (shares, draws, users)."""
    _, columns, rows = mixture.weights.shape
    terms = sum(len(p.rise) for p in mixture.powers)
    grid = _grid(mixture, columns)
    step = max(1, AT_ONCE // (terms * max(columns * len(shares), len(grid))))
    found = np.empty((len(shares), columns, rows))
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        found[..., part] = _of_rows(mixture, shares, part, grid)
    return np.moveaxis(found, 1, 2).reshape(len(shares), *mixture.shape)


def _grid(mixture: Mixture, columns: int) -> np.ndarray:
    """Times, even in the logarithm, from before the first delivery to where next to nothing is left."""
    low = 0.9 * min(float(np.min(p.place_s)) for p in mixture.powers)
    high = 4.0 * max(float(np.max(p.place_s + 10.0 * np.exp(p.median_ln + p.sigma))) for p in mixture.powers)
    count = GRID["many" if columns > GRID["few"] else "few"]
    return np.geomspace(max(low, LOWEST_S), min(high, HIGHEST_S), count)


def _of_rows(mixture: Mixture, shares, rows: slice, grid: np.ndarray) -> np.ndarray:
    weights = mixture.weights[..., rows]
    by_way, _ = mixture.at(np.broadcast_to(grid[:, None], (len(grid), weights.shape[2])), rows)
    told = np.einsum("wur,wgr->gur", weights, by_way)
    low, high, guess = (
        np.concatenate(x) for x in zip(*(_bracket(told, grid, share) for share in shares), strict=True)
    )  # all quantiles side by side
    wanted = np.repeat(shares, told.shape[1])[:, None]
    found = _newton(mixture, wanted, rows, np.concatenate([weights] * len(shares), axis=1), low, high, guess)
    return found.reshape(len(shares), *told.shape[1:])


def _bracket(told: np.ndarray, grid: np.ndarray, share: float) -> tuple:
    """The grid's times around a quantile, and a first guess between them: each (columns, rows)."""
    over = np.clip((told < share).sum(axis=0), 1, len(grid) - 1)
    below, above = (np.take_along_axis(told, (over - k)[None], axis=0)[0] for k in (1, 0))
    low, high = grid[over - 1], grid[over]
    part = np.clip((share - below) / np.maximum(above - below, 1e-300), 0.0, 1.0)
    high = np.where(above < share, HIGHEST_S, high)
    return low, high, low * np.power(high / low, part)


def _newton(mixture: Mixture, share: np.ndarray, rows: slice, weights, low, high, t_s) -> np.ndarray:
    """Newton's method within the brackets; a row that no longer moves is left alone."""
    found, left = np.array(t_s), np.arange(*rows.indices(mixture.weights.shape[2]))
    for _ in range(ROUNDS):
        value, slope = ((weights * x).sum(axis=0) for x in mixture.at(t_s, left))
        low, high = np.where(value < share, t_s, low), np.where(value < share, high, t_s)
        with np.errstate(divide="ignore", invalid="ignore"):
            nearer = t_s - (value - share) / slope
        inside = (nearer >= low) & (nearer <= high)
        nearer = np.where(inside, nearer, np.sqrt(low * high))
        moves = (np.abs(nearer - t_s) > CLOSE * t_s).any(axis=0)
        found[:, left - rows.start], t_s = nearer, nearer[:, moves]
        if not t_s.size:
            break
        left, low, high, weights = left[moves], low[:, moves], high[:, moves], weights[..., moves]
    return found
