"""Closed forms of waiting: polls, refreshes by hand, queues, concurrency."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from model import checks


def poll_wait_mean_s(period_s: ArrayLike, missed_share: ArrayLike = 0.0) -> np.ndarray:
    """Mean wait of an event at a random time for the next poll that works.

    The wait is U(0, T) to the next poll and T more for each poll that is missed: T/2 + T p/(1 - p). Source: cox1962.
    """
    period, missed = checks.positive("period_s", period_s, "s"), checks.share("missed_share", missed_share)
    with np.errstate(divide="ignore"):
        return period / 2 + period * np.divide(missed, 1 - missed)


def poll_wait_variance_s2(period_s: ArrayLike, missed_share: ArrayLike = 0.0) -> np.ndarray:
    """Variance of the wait for the next poll that works: T^2/12 + T^2 p/(1 - p)^2."""
    period, missed = checks.positive("period_s", period_s, "s"), checks.share("missed_share", missed_share)
    with np.errstate(divide="ignore"):
        return period**2 / 12 + period**2 * np.divide(missed, (1 - missed) ** 2)


def poll_wait_quantile_s(q: ArrayLike, period_s: ArrayLike, missed_share: ArrayLike = 0.0) -> np.ndarray:
    """Quantile of the wait for the next poll that works.

    The wait lies in [k T, (k + 1) T] with weight (1 - p) p^k and is uniform there, so a share s = 1 - q is
    longer than k T + r with k = floor(ln s / ln p) and r = T (1 - s/p^k)/(1 - p).
    """
    left, period = 1 - checks.share("q", q), checks.positive("period_s", period_s, "s")
    left, period, missed = np.broadcast_arrays(left, period, checks.share("missed_share", missed_share))
    with np.errstate(divide="ignore", invalid="ignore"):
        periods = np.where(missed > 0, np.floor(np.log(left) / np.log(missed)), 0.0)
        wait = period * (periods + (1 - left / missed**periods) / (1 - missed))
    return np.where((missed == 1) | ((missed > 0) & (left == 0)), np.inf, wait)


def memoryless_wait_mean_s(rate_per_s: ArrayLike) -> np.ndarray:
    """Mean wait for the next of refreshes that come at random (Poisson): 1 / rate."""
    return 1 / checks.positive("rate_per_s", rate_per_s, "1/s")


def memoryless_wait_quantile_s(q: ArrayLike, rate_per_s: ArrayLike) -> np.ndarray:
    """Quantile of the wait for the next of refreshes that come at random: -ln(1 - q) / rate."""
    with np.errstate(divide="ignore"):
        return -np.log1p(-checks.share("q", q)) * memoryless_wait_mean_s(rate_per_s)


def little(rate_per_s: ArrayLike, time_s: ArrayLike) -> np.ndarray:
    """Mean number at once by Little's law: rate x time. Source: little1961."""
    return checks.non_negative("rate_per_s", rate_per_s, "1/s") * checks.non_negative("time_s", time_s, "s")


def erlang_c(arrival_per_s: ArrayLike, service_per_s: ArrayLike, servers: ArrayLike) -> np.ndarray:
    """Share of arrivals that must wait in an M/M/c queue (Erlang C).

    With a = arrival/service and Erlang B as a Poisson density over its sum, B = P(c; a) / P(<= c; a):
    C = B / (1 - (a/c)(1 - B)). Logarithms keep it exact for any number of servers. Source: kleinrock1975.
    """
    from scipy import special

    arrival = checks.non_negative("arrival_per_s", arrival_per_s, "1/s")
    service, rule = checks.positive("service_per_s", service_per_s, "1/s"), "a whole number >= 1"
    count = checks.bounded("servers", servers, rule, lambda a: (a >= 1) & (a == np.floor(a)) & np.isfinite(a))
    arrival, capacity = np.broadcast_arrays(arrival, service * count)
    over = arrival >= capacity
    if over.any():
        first, most = (checks.shown(float(a[over].flat[0])) for a in (arrival, capacity))
        checks.fail(
            f"arrival_per_s must be below servers x service_per_s, or the queue is unstable; "
            f"got {first} against {most} 1/s"
        )
    load = arrival / service
    blocked = np.exp(special.xlogy(count, load) - load - special.gammaln(count + 1)) / special.pdtr(count, load)
    return blocked / (1 - arrival / capacity * (1 - blocked))


def mmc_wait_quantile_s(
    q: ArrayLike, arrival_per_s: ArrayLike, service_per_s: ArrayLike, servers: ArrayLike
) -> np.ndarray:
    """Quantile of the time in the queue of an M/M/c system served in order: P(W > t) = C exp(-(c s - a) t)."""
    share = checks.share("q", q)
    waiting = erlang_c(arrival_per_s, service_per_s, servers)
    with np.errstate(divide="ignore"):
        longer = np.log(waiting) - np.log1p(-share)
    return np.maximum(0.0, longer) / (np.multiply(service_per_s, servers) - np.asarray(arrival_per_s))
