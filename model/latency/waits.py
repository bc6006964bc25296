"""The waits of a delivery: for a poll, the rest of a gap, the radio, a place in a fan-out, a queue."""

from __future__ import annotations

import numpy as np

from model import queueing
from model.latency import parts
from model.latency.parts import DelayPart, alone, central

__all__ = ["poll_wait"]


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

    first, second, third = (
        post_s**k * ((1.0 - more) * moment(whole) + more * moment(whole + 1.0))
        for k, moment in (
            (1, lambda n: n / 2.0),
            (2, lambda n: n * (2.0 * n + 1.0) / 6.0),
            (3, lambda n: np.square(n) * (n + 1.0) / 4.0),
        )
    )
    variance, third = central(first, second, third)
    if np.all(np.asarray(others) < 2.0):
        return DelayPart(first, quantile, "service", variance, third)
    return DelayPart(
        first, quantile, "wide", variance, third, alone(parts.uniform_terms(-post_s / 2.0, post_s * (others + 0.5)))
    )


def gap_rest(low_s, high_s) -> DelayPart:
    """What is left of a gap for an event at a random moment in it, the gap uniform between two times.

    A long gap catches more events than a short one: E[T^2] / (2 E[T]), not half the mean.
    """
    mean = (low_s + high_s) / 2.0
    powers = [sum(low_s**i * high_s ** (k - i) for i in range(k + 1)) / (k + 1) for k in (2, 3)]
    first, second = (p / (k * np.maximum(mean, parts.LEAST_S)) for k, p in zip((2, 3), powers, strict=True))

    def quantile(u):
        spent, width = u * mean, high_s - low_s
        bent = np.square(width) - 2.0 * width * (spent - low_s)
        return np.where(spent < low_s, spent, high_s - np.sqrt(np.maximum(bent, 0.0)))

    return DelayPart(
        first, quantile, "wide", second - np.square(first), states=alone(parts.residual_terms(low_s, high_s))
    )


def poll_wait(timer, request_s=0.0) -> DelayPart:
    """The wait until the poll that brings an event at a random time.

    A fixed period waits evenly over it, whole periods more where polls are missed; "sleep, then request" has
    the period sleep + request; a screen refreshed by hand waits without memory.

    Source: cox1962, kleinrock1975.
    """
    missed = timer.missed_share
    if timer.timing == "by_hand":
        rate = (1.0 - missed) / timer.period_s
        mean = queueing.memoryless_wait_mean_s(rate)
        return DelayPart(mean, lambda u: queueing.memoryless_wait_quantile_s(u, rate), "wide", np.square(mean))
    sleeps = timer.timing == "sleep_then_request"
    period = timer.period_s + request_s if sleeps else timer.period_s
    mean = queueing.poll_wait_mean_s(period, missed)
    variance = queueing.poll_wait_variance_s2(period, missed)
    if not np.any(np.asarray(missed) > 0):
        return DelayPart(mean, lambda u: period * u, "wide", variance, states=alone(parts.uniform_terms(0.0, period)))
    return DelayPart(
        mean,
        lambda u: queueing.poll_wait_quantile_s(u, period, missed),
        "wide",
        variance,
        states=alone(parts.missed_terms(period, missed)),
    )


def radio_wake(name: str, shares: tuple, drx_s, paging_s, promotion_s) -> DelayPart:
    """What a push waits for a network's radio: nothing, the next DRX on-time, or paging and a promotion."""
    active, tail, idle = shares
    paged = promotion_s + paging_s / 2.0
    mean = tail * drx_s / 2.0 + idle * paged
    square = tail * np.square(drx_s) / 3.0 + idle * (np.square(paged) + np.square(paging_s) / 12.0)

    def quantile(u):
        in_tail = (u - active) / np.where(tail > 0, tail, 1.0) * drx_s
        in_idle = promotion_s + (u - active - tail) / np.where(idle > 0, idle, 1.0) * paging_s
        return np.where(u < active, 0.0, np.where(u < active + tail, in_tail, in_idle))

    return DelayPart(
        mean,
        quantile,
        "wide",
        square - np.square(mean),
        states=(
            (f"{name} active", active, parts.point_terms()),
            (f"{name} tail", tail, parts.uniform_terms(0.0 * drx_s, drx_s)),
            (f"{name} idle", idle, parts.uniform_terms(promotion_s, promotion_s + paging_s)),
        ),
    )


def queue_wait(arrival_per_s, service_per_s, servers) -> DelayPart:
    """The wait for a plain server among several, by Erlang C."""
    load = servers * service_per_s
    arrival = np.minimum(arrival_per_s, 0.999 * load)
    waits, rate = queueing.erlang_c(arrival, service_per_s, servers), load - arrival
    first, second, third = waits / rate, 2.0 * waits / rate**2, 6.0 * waits / rate**3
    return DelayPart(
        first,
        lambda u: queueing.mmc_wait_quantile_s(u, arrival, service_per_s, servers),
        "service",
        *central(first, second, third),
    )
