"""Mean, variance, quantiles and the share told within a time, in closed form, over draws and user counts."""

from __future__ import annotations

import numpy as np

from model import checks
from model.latency import chain
from model.latency.branches import Branch, branches, kind
from model.latency.mixture import Mixture
from model.latency.quantiles import quantiles_s
from model.latency.reach import delivered_rate_per_s
from model.life.flow import Traffic

__all__ = ["event_quantile_s", "mean_s", "quantile_s", "told_share", "variance_s2"]


def _moments(way: Branch) -> tuple:
    """Mean and variance of one way's total; what goes over the network shares one draw."""
    net = [p for p in way.parts.values() if p.kind == "network"]
    deviation = sum((np.sqrt(p.variance_s2) for p in net), 0.0)
    other = sum((p.variance_s2 for p in way.parts.values() if p.kind != "network"), 0.0)
    return sum(p.mean_s for p in way.parts.values()), np.square(deviation) + other


def mean_s(now: Traffic, event: str):
    """Mean latency of an event over its deliveries, in closed form.

    Parameters
    ----------
    now : Traffic, the design's traffic
    event : str, an event of the scenario

    Returns
    -------
    array, seconds, (draws, users); inf where the event never arrives [s]

    Raises
    ------
    InputError, an unknown event

    Source: cox1962.
    """
    ways = branches(now, event)
    if not ways:
        return np.inf
    return chain.once(now, ("mean", *kind(now, event)), lambda: sum(b.share * _moments(b)[0] for b in ways))


def variance_s2(now: Traffic, event: str):
    """Variance of an event's latency over its deliveries, in closed form.

    Source: cox1962.
    """
    ways = branches(now, event)
    if not ways:
        return np.inf
    square = sum(b.share * (v + np.square(m)) for b, (m, v) in ((b, _moments(b)) for b in ways))
    return square - np.square(mean_s(now, event))


def _mixture(now: Traffic, event: str | None = None) -> Mixture:
    """The ways of all events, weighted by how often each is delivered; of one event where it is named."""

    def work():
        rates: dict = {}
        for name in now.life.scenario.events if event is None else [event]:
            key = kind(now, name)
            rate, first = rates.get(key, (0.0, name))
            rates[key] = (rate + delivered_rate_per_s(now, name), first)
        weighted = [
            (rate * way.share, way)
            for rate, name in rates.values()
            for way in branches(now, name)
            if np.any(np.asarray(rate) > 0)
        ]
        if not weighted:
            what = "no event is" if event is None else f"event {event!r} is never"
            checks.fail(f"{what} delivered within a session, so its latency has no quantile")
        return Mixture(weighted)

    return chain.once(now, ("mixture", event), work)


def _ends_s(now: Traffic, event: str | None, share: float):
    """The smallest and the largest delay there is."""
    names = now.life.scenario.events if event is None else [event]
    ways = [b for name in names for b in branches(now, name)]
    pick = np.minimum if share == 0.0 else np.maximum
    u = np.array(share)
    totals = [sum(p.quantile_s(u) for p in b.parts.values()) for b in ways]
    result = totals[0]
    for total in totals[1:]:
        result = pick(result, total)
    return result


def _quantiles(now: Traffic, event: str | None, shares) -> np.ndarray:
    wanted = np.atleast_1d(checks.share("quantile", shares))
    mixture = _mixture(now, event)
    found = np.empty((len(wanted), *mixture.shape))
    inside = (wanted > 0.0) & (wanted < 1.0)
    if inside.any():
        found[inside] = quantiles_s(mixture, [float(q) for q in wanted[inside]])
    for k in np.flatnonzero(~inside):
        found[k] = _ends_s(now, event, float(wanted[k]))
    return found


def quantile_s(now: Traffic, shares) -> np.ndarray:
    """Quantiles of latency over all events, weighted by how often each is delivered, in closed form.

    Source: cox1962.
    """
    return _quantiles(now, None, shares)


def event_quantile_s(now: Traffic, event: str, shares) -> np.ndarray:
    """Quantiles of one event's latency over its deliveries, in closed form.

    Source: cox1962.
    """
    checks.known("event", event, now.life.scenario.events)
    return _quantiles(now, event, shares)


def told_share(now: Traffic, within_s: float, event: str | None = None) -> np.ndarray:
    """Share of deliveries that take no longer than a time, in closed form.

    Source: cox1962.
    """
    within = float(checks.non_negative("within_s", within_s, "s"))
    if event is not None:
        checks.known("event", event, now.life.scenario.events)
    return _mixture(now, event).share(within)
