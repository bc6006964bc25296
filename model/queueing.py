"""Closed forms of waiting: polls, long polls, queues, concurrency."""

from __future__ import annotations

import numpy as np

from model import checks

__all__ = [
    "LONG_POLL_MOST_TRANSITS",
    "erlang_c",
    "little",
    "long_poll_transits",
    "loop_life_s",
    "loop_period_s",
    "memoryless_wait_mean_s",
    "memoryless_wait_quantile_s",
    "mmc_wait_quantile_s",
    "mmc_wait_s",
    "poll_wait_mean_s",
    "poll_wait_quantile_s",
    "poll_wait_variance_s2",
    "random_active_share",
    "residual_wait_mean_s",
    "timer_active_share",
]

LONG_POLL_MOST_TRANSITS = 3.0  # response, next request, response: RFC 6202 s.2.2


def _quantile(q: object) -> np.ndarray:
    return checks.share("q", q)


def poll_wait_mean_s(period_s: np.ndarray | float, missed_share: np.ndarray | float = 0.0) -> np.ndarray:
    """Mean wait of an event at a random time for the next poll that works.

    The wait is U(0, T) to the next poll and T more for each poll that is missed: T/2 + T p/(1 - p).

    Source: cox1962.
    """
    period, missed = checks.positive("period_s", period_s, "s"), checks.share("missed_share", missed_share)
    with np.errstate(divide="ignore"):
        return period / 2 + period * np.divide(missed, 1 - missed)


def poll_wait_variance_s2(period_s: np.ndarray | float, missed_share: np.ndarray | float = 0.0) -> np.ndarray:
    """Variance of the wait for the next poll that works: T^2/12 + T^2 p/(1 - p)^2."""
    period, missed = checks.positive("period_s", period_s, "s"), checks.share("missed_share", missed_share)
    with np.errstate(divide="ignore"):
        return period**2 / 12 + period**2 * np.divide(missed, (1 - missed) ** 2)


def poll_wait_quantile_s(
    q: np.ndarray | float, period_s: np.ndarray | float, missed_share: np.ndarray | float = 0.0
) -> np.ndarray:
    """Quantile of the wait for the next poll that works.

    The wait lies in [k T, (k + 1) T] with weight (1 - p) p^k and is uniform there, so a share s = 1 - q is
    longer than k T + r with k = floor(ln s / ln p) and r = T (1 - s/p^k)/(1 - p).
    """
    q, period = _quantile(q), checks.positive("period_s", period_s, "s")
    q, period, missed = np.broadcast_arrays(q, period, checks.share("missed_share", missed_share))
    left = 1 - q
    with np.errstate(divide="ignore", invalid="ignore"):
        periods = np.where(missed > 0, np.floor(np.log(left) / np.log(missed)), 0.0)
        rest = (1 - left / missed**periods) / (1 - missed)
        wait = period * (periods + rest)
    return np.where((missed == 1) | ((missed > 0) & (left == 0)), np.inf, wait)


def loop_period_s(sleep_s: np.ndarray | float, request_s: np.ndarray | float) -> np.ndarray:
    """Time from poll to poll of a loop that sleeps, then waits for its request to be answered."""
    return checks.non_negative("sleep_s", sleep_s, "s") + checks.non_negative("request_s", request_s, "s")


def loop_life_s(attempts: np.ndarray | float, sleep_s: np.ndarray | float, request_s: np.ndarray | float) -> np.ndarray:
    """How long a loop that sleeps, then requests, lasts until its last attempt is answered."""
    return checks.non_negative("attempts", attempts) * loop_period_s(sleep_s, request_s)


def residual_wait_mean_s(gap_mean_s: np.ndarray | float, gap_sd_s: np.ndarray | float) -> np.ndarray:
    """Mean wait of an event at a random time for the end of a gap of any distribution: E[T^2] / (2 E[T]).

    Source: cox1962, kleinrock1975.
    """
    mean = checks.positive("gap_mean_s", gap_mean_s, "s")
    return (mean**2 + checks.non_negative("gap_sd_s", gap_sd_s, "s") ** 2) / (2 * mean)


def memoryless_wait_mean_s(rate_per_s: np.ndarray | float) -> np.ndarray:
    """Mean wait for the next of refreshes that come at random (Poisson): 1 / rate."""
    return 1 / checks.positive("rate_per_s", rate_per_s, "1/s")


def memoryless_wait_quantile_s(q: np.ndarray | float, rate_per_s: np.ndarray | float) -> np.ndarray:
    """Quantile of the wait for the next of refreshes that come at random: -ln(1 - q) / rate."""
    with np.errstate(divide="ignore"):
        return -np.log1p(-_quantile(q)) * memoryless_wait_mean_s(rate_per_s)


def long_poll_transits(rate_per_s: np.ndarray | float, transit_s: np.ndarray | float) -> np.ndarray:
    """Mean delay of a message by long polling, in network transits.

    A message that finds the request waiting needs one transit d. Behind a response lies a gap of two transits
    until the next request is there; a message u into it needs 3 - u/d transits, `LONG_POLL_MOST_TRANSITS` at
    most. At rate r the share of time in gaps is g = 2 d / (2 d + exp(-2 r d) / r), and the mean is 1 + g.

    Source: rfc6202.
    """
    gap = 2 * checks.non_negative("transit_s", transit_s, "s") * checks.non_negative("rate_per_s", rate_per_s, "1/s")
    return 1 + gap / (gap + np.exp(-gap))


def little(rate_per_s: np.ndarray | float, time_s: np.ndarray | float) -> np.ndarray:
    """Mean number at once by Little's law: rate x time.

    Source: little1961.
    """
    return checks.non_negative("rate_per_s", rate_per_s, "1/s") * checks.non_negative("time_s", time_s, "s")


def _stable(arrival_per_s, service_per_s, servers):
    """Checked arguments of a queue that does not grow for ever."""
    arrival = checks.non_negative("arrival_per_s", arrival_per_s, "1/s")
    service = checks.positive("service_per_s", service_per_s, "1/s")
    servers = checks.bounded(
        "servers", servers, "a whole number >= 1", lambda a: (a >= 1) & (a == np.floor(a)) & np.isfinite(a)
    )
    arrival, capacity, servers, service = np.broadcast_arrays(arrival, service * servers, servers, service)
    over = arrival >= capacity
    if over.any():
        first, most = (checks.shown(float(a[over].flat[0])) for a in (arrival, capacity))
        checks.fail(
            f"arrival_per_s must be below servers x service_per_s, or the queue is unstable; "
            f"got {first} against {most} 1/s"
        )
    return arrival, service, servers, capacity


def erlang_c(
    arrival_per_s: np.ndarray | float, service_per_s: np.ndarray | float, servers: np.ndarray | int
) -> np.ndarray:
    """Share of arrivals that must wait in an M/M/c queue (Erlang C).

    With a = arrival/service and Erlang B as a Poisson density over its sum, B = P(c; a) / P(<= c; a):
    C = B / (1 - (a/c)(1 - B)). Logarithms keep it exact for any number of servers.

    Source: kleinrock1975.
    """
    from scipy import special

    arrival, service, servers, capacity = _stable(arrival_per_s, service_per_s, servers)
    load = arrival / service
    blocked = np.exp(special.xlogy(servers, load) - load - special.gammaln(servers + 1))
    blocked = blocked / special.pdtr(servers, load)
    return blocked / (1 - arrival / capacity * (1 - blocked))


def mmc_wait_s(
    arrival_per_s: np.ndarray | float, service_per_s: np.ndarray | float, servers: np.ndarray | int
) -> np.ndarray:
    """Mean time in the queue of an M/M/c system: C / (c x service - arrival)."""
    arrival, _, _, capacity = _stable(arrival_per_s, service_per_s, servers)
    return erlang_c(arrival_per_s, service_per_s, servers) / (capacity - arrival)


def mmc_wait_quantile_s(
    q: np.ndarray | float,
    arrival_per_s: np.ndarray | float,
    service_per_s: np.ndarray | float,
    servers: np.ndarray | int,
) -> np.ndarray:
    """Quantile of the time in the queue of an M/M/c system served in order: P(W > t) = C exp(-(c s - a) t)."""
    q = _quantile(q)
    arrival, _, _, capacity = _stable(arrival_per_s, service_per_s, servers)
    with np.errstate(divide="ignore"):
        longer = np.log(erlang_c(arrival_per_s, service_per_s, servers)) - np.log1p(-q)
    return np.maximum(0.0, longer) / (capacity - arrival)


def timer_active_share(
    period_s: np.ndarray | float, promotion_s: np.ndarray | float, tail_s: np.ndarray | float
) -> np.ndarray:
    """Share of time a radio is up for one timer alone: min(1, (promotion + tail) / period)."""
    up = checks.non_negative("promotion_s", promotion_s, "s") + checks.non_negative("tail_s", tail_s, "s")
    return np.minimum(1.0, up / checks.positive("period_s", period_s, "s"))


def random_active_share(rate_per_s: np.ndarray | float, tail_s: np.ndarray | float) -> np.ndarray:
    """Share of time a radio is up for exchanges that come at random: 1 - exp(-rate x tail)."""
    return -np.expm1(-little(rate_per_s, checks.non_negative("tail_s", tail_s, "s")))
