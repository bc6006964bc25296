"""Told in time: the share told within a time, by event and together, and its inverse, the quantiles of latency."""

from __future__ import annotations

import math

import numpy as np

from model import checks
from model.latency import chain
from model.latency.branches import kind
from model.latency.deliveries import Deliveries, deliveries, together
from model.life.flow import Traffic, once
from model.life.rates import pushes_per_s

LIMITS_S = (1.0, 10.0, 60.0, math.inf)
LEFT = "the session ended first"


@once
def sent_shares(traffic: Traffic) -> dict:
    """The share of each event among all that is sent to people in the app; refused where nothing is."""
    rates = {event: pushes_per_s(traffic.life.scenario, event) for event in traffic.life.scenario.events}
    whole = sum(rates.values(), np.zeros(1))
    if not np.any(whole > 0):
        checks.fail("an event must be sent to somebody in the app; none is, so nobody can be told")
    return {event: rate / np.where(whole > 0, whole, 1.0) for event, rate in rates.items()}


def by_kind(traffic: Traffic, shares: dict) -> dict:
    """What anything tells of events, given their shares, with those of a kind together under the first of them."""
    first: dict = {}
    found: dict = {}
    for event, share in shares.items():
        name = first.setdefault(kind(traffic, event), event)
        found[name] = found.get(name, 0.0) + share * (1.0 - chain.undelivered_share(traffic, event))
    return found


def _shares(traffic: Traffic, event: str | None, rough: bool) -> list[tuple[np.ndarray | float, Deliveries]]:
    """The deliveries of one event, or of every kind of event, each with its share of what is sent."""
    shares = (
        sent_shares(traffic) if event is None else {checks.known("event", event, traffic.life.scenario.events): 1.0}
    )
    told = traffic.once(("told", event), lambda: by_kind(traffic, shares))
    return [(share, deliveries(traffic, name, rough)) for name, share in told.items()]


@once
def _of(traffic: Traffic, event: str | None, rough: bool) -> Deliveries:
    """The deliveries of one event, or of all by how often each is sent."""
    return together(_shares(traffic, event, rough))


def told_share(traffic: Traffic, within_s: float, event: str | None = None, rough: bool = False) -> np.ndarray:
    """Share of what is sent to people in the app that is on the screen within a time and before they leave.

    Of one event, or of all together by how often each is sent: (draws, users); 0 where nothing tells anybody.
    Source: cox1962.
    """
    limit_s = checks.non_negative("within_s", within_s, "s") if within_s < math.inf else within_s
    return np.minimum(sum(share * found.told(limit_s) for share, found in _shares(traffic, event, rough)), 1.0)


def told_in_time(traffic: Traffic, event: str | None = None) -> dict:
    """The same for each of `LIMITS_S`; the last is the end of the session alone. Source: cox1962."""
    return {limit: told_share(traffic, limit, event) for limit in LIMITS_S}


def quantile_s(traffic: Traffic, shares, event: str | None = None, rough: bool = False) -> np.ndarray:
    """Quantiles of latency over all that is sent to people in the app, the untold infinitely late. Source: cox1962."""
    found, wanted = _of(traffic, event, rough), np.atleast_1d(checks.share("quantile", shares))
    if not len(found.delays_s):
        return np.full((len(wanted), 1, 1), np.inf)
    return np.stack([found.quantile_s(float(share)) for share in wanted])


def mean_s(traffic: Traffic, event: str | None = None) -> np.ndarray:
    """Mean latency over those who are told of an event, or of all, within their session; infinite where nobody is.

    `event`: an event of the scenario; all by how often each is sent where none is given. Gives an array, seconds,
    (draws, users) [s].
    Source: cox1962.
    """
    return _of(traffic, event, False).mean_s


def untold_reasons(traffic: Traffic, event: str | None = None) -> dict:
    """Why the others are not told within their session, with the share of each reason: (draws, users).

    `the session ended first` is what something would have told had they stayed; the other reasons are nobody's fault
    but the design's. Source: first_case_code, cox1962.
    """
    shares = sent_shares(traffic) if event is None else {event: 1.0}
    found: dict = {}
    for name, share in shares.items():
        for reason, part in chain.undelivered_reasons(traffic, name).items():
            found[reason] = found.get(reason, 0.0) + share * part
    left = 1.0 - told_share(traffic, math.inf, event) - sum(found.values(), 0.0)
    return {LEFT: np.maximum(left, 0.0), **found}
