"""The components of a delay as distributions: a mean, and quantiles that broadcast over (points, draws, users).

Among them the waits: for a poll, the rest of a gap, the radio, a place in a fan-out, a queue.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from model import checks, queueing
from model.life import cold_starts
from model.life.sessions import poll_period_s

NORMAL = "normal"


def deviates(u):
    """The standard normal deviates of shares."""
    from scipy.special import ndtri

    return ndtri(u)


class Points(dict):
    """Points of (0, 1) by column; their normal deviates, by (`NORMAL`, column), are worked out when first asked for."""

    def __missing__(self, key: tuple[str, str]) -> np.ndarray:
        return self.setdefault(key, deviates(self[key[1]]))


@dataclass(frozen=True, eq=False)  # deliveries are drawn once a part, told apart by which object it is
class DelayPart:
    """One component of a delay; every number is a float or an array over (draws, users).

    All parts on the `network` of one delivery share a draw: a slow path is slow both ways.
    """

    mean_s: Any
    quantile_s: Callable
    network: bool = False
    of_normal: Callable | None = None  # the same of normal deviates, which points keep
    choices: tuple[DelayPart, ...] = ()  # of a part that differs by the network that carries a delivery
    edges: tuple = ()  # up to which value of the column `path` each of them is taken

    def seconds(self, name: str, at: dict):
        """The component at points, given by column."""
        if not self.choices:
            column = "network" if self.network else name if name in at else "path"
            return self.of_normal(at[NORMAL, column]) if self.of_normal else self.quantile_s(at[column])
        *others, found = (choice.seconds(name, at) for choice in self.choices)
        for value, edge in zip(reversed(others), reversed(self.edges), strict=True):
            found = np.where(at["path"] < edge, value, found)
        return found


def by_network(shares: list, choices: list[DelayPart]) -> DelayPart:
    """One of several components, each on its share of the deliveries."""
    mean_s = sum(share * part.mean_s for share, part in zip(shares, choices, strict=True))
    edges = tuple(sum(shares[: k + 1]) for k in range(len(shares) - 1))
    return DelayPart(mean_s, choices[0].quantile_s, choices=tuple(choices), edges=edges)


def _seconds(value):
    """The value, refused where it is negative."""
    if np.any(value < 0):
        checks.non_negative("a delay", value, "s")
    return value


def fixed(value_s) -> DelayPart:
    """A component that always takes the same time."""
    return DelayPart(_seconds(value_s), lambda u: value_s + 0.0 * u)


def uniform(low_s, high_s) -> DelayPart:
    """A component that is even between two times."""
    _seconds(high_s)
    return DelayPart((low_s + high_s) / 2.0, lambda u: low_s + (high_s - low_s) * u)


def memoryless(rate_per_s) -> DelayPart:
    """The wait for something that comes at random."""
    mean_s = queueing.memoryless_wait_mean_s(rate_per_s)
    return DelayPart(mean_s, lambda u: queueing.memoryless_wait_quantile_s(u, rate_per_s))


def lognormal(mean_s, sigma_ln, least_s=0.0, network=False) -> DelayPart:
    """A lognormal time above `least_s`, with its mean and the spread of its logarithm."""

    def of_normal(z):
        return least_s + mean_s * np.exp(sigma_ln * z - np.square(sigma_ln) / 2.0)

    return DelayPart(_seconds(mean_s) + _seconds(least_s), lambda u: of_normal(deviates(u)), network, of_normal)


def network(mean_s, sigma_ln, path_s=0.0) -> DelayPart:
    """Time on the access network, lognormal, beside a fixed path; all ways of one delivery share the draw."""
    return lognormal(mean_s, sigma_ln, path_s, True)


def times(count: int, means_s: list, sigma_ln) -> DelayPart:
    """Services of one spread, run so many times one after another: the lognormal of their sum's mean and variance."""
    once_s = sum(means_s)
    squares = sum(np.square(mean) for mean in means_s) / np.square(np.maximum(once_s, 1e-12))
    return lognormal(count * once_s, np.sqrt(np.log1p(np.expm1(np.square(sigma_ln)) * squares / count)))


def sometimes(share, part: DelayPart) -> DelayPart:
    """A component that a share of the deliveries meets, 0 for the others."""

    def quantile(u):
        within = (u - (1.0 - share)) / np.where(share > 0, share, 1.0)
        return np.where(within > 0, part.quantile_s(np.clip(within, 1e-12, 1.0)), 0.0)

    return DelayPart(share * part.mean_s, quantile)


def cold_start(runtime: str, package_kb, extra_s) -> DelayPart:
    """What a cold start adds: placement and download, then Init by runtime and package size."""
    return DelayPart(
        cold_starts.cold_start_mean_s(runtime, package_kb) + extra_s,
        lambda u: cold_starts.cold_start_quantile_s(u, runtime, package_kb) + extra_s,
    )


def ahead(others, post_s) -> DelayPart:
    """The posts ahead of ours in a sequential fan-out to us and some others, our place being random.

    `others` need not be whole: then it is the whole number below or the next, so that the mean is kept.
    """
    whole = np.floor(others)
    more = others - whole
    step = (1.0 - more) / (whole + 1.0) + more / (whole + 2.0)

    def quantile(u):
        place = np.maximum(np.ceil(u / step - 1e-12) - 1.0, 0.0)
        return post_s * np.minimum(place, np.ceil(others))

    return DelayPart(post_s * others / 2.0, quantile)


def gap_rest(low_s, high_s) -> DelayPart:
    """What is left of a gap for an event at a random moment in it, the gap uniform between two times.

    A long gap catches more events than a short one: E[T^2] / (2 E[T]), not half the mean.
    """
    mean = (low_s + high_s) / 2.0
    square = (low_s**2 + low_s * high_s + high_s**2) / 3.0

    def quantile(u):
        spent, width = u * mean, high_s - low_s
        bent = np.square(width) - 2.0 * width * (spent - low_s)
        return np.where(spent < low_s, spent, high_s - np.sqrt(np.maximum(bent, 0.0)))

    return DelayPart(square / (2.0 * np.maximum(mean, 1e-6)), quantile)


def poll_wait(timer, request_s=0.0) -> DelayPart:
    """The wait until the poll that brings an event at a random time.

    A fixed period waits evenly over it, whole periods more where polls are missed; "sleep, then request" has
    the period sleep + request; a screen refreshed by hand waits without memory. Source: cox1962, kleinrock1975.
    """
    missed = timer.missed_share
    if timer.timing == "by_hand":
        return memoryless((1.0 - missed) / timer.period_s)
    period = poll_period_s(timer, request_s)
    if not np.any(np.asarray(missed) > 0):
        return uniform(0.0 * period, period)
    mean_s = queueing.poll_wait_mean_s(period, missed)
    return DelayPart(mean_s, lambda u: queueing.poll_wait_quantile_s(u, period, missed))


def radio_wake(shares: tuple, drx_s, paging_s, promotion_s) -> DelayPart:
    """What a push waits for a network's radio: nothing, the next DRX on-time, or paging and a promotion."""
    active, tail, idle = shares

    def quantile(u):
        in_tail = (u - active) / np.where(tail > 0, tail, 1.0) * drx_s
        in_idle = promotion_s + (u - active - tail) / np.where(idle > 0, idle, 1.0) * paging_s
        return np.where(u < active, 0.0, np.where(u < active + tail, in_tail, in_idle))

    return DelayPart(tail * drx_s / 2.0 + idle * (promotion_s + paging_s / 2.0), quantile)


def queue_wait(arrival_per_s, service_per_s, servers) -> DelayPart:
    """The wait for a plain server among several, by Erlang C."""
    load = servers * service_per_s
    arrival = np.minimum(arrival_per_s, 0.999 * load)
    return DelayPart(
        queueing.erlang_c(arrival, service_per_s, servers) / (load - arrival),
        lambda u: queueing.mmc_wait_quantile_s(u, arrival, service_per_s, servers),
    )
