"""The components of a delay as distributions: first three moments in closed form, and quantiles.

The share of a wide component below a time is a sum of terms, coefficient x (t - place)+ ^ power: a point is one
term of power 0, a uniform two of power 1, the rest of a gap three. `mixture` adds a lognormal to them.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from model import checks
from model.life import cold_starts

__all__ = ["DelayPart"]

LEAST_S = 1e-6  # a width below a microsecond is taken as that, so that nothing is divided by 0

Term = tuple  # (coefficient [1/s^power], place [s], power)


@dataclass(frozen=True, eq=False)  # the mixture tells parts apart by which object they are
class DelayPart:
    """One component of a delay; every number is a float or an array over (draws, users).

    `kind` says how the closed form takes it: fixed; part of the network's one draw, which all ways over it
    share; a service, of which the first three moments count; or wide, as ramps in one or several states.
    """

    mean_s: Any
    quantile_s: Callable
    kind: str = "service"
    variance_s2: Any = 0.0
    third_s3: Any = 0.0  # central
    states: tuple = ()  # of a wide one: what it may be, as (name, share, ramps)
    sigma_ln: Any = None  # lognormal above `least_s`
    least_s: Any = 0.0


def _seconds(value):
    """The value, refused where it is negative."""
    if np.any(value < 0):
        checks.non_negative("a delay", value, "s")
    return value


def alone(terms: tuple) -> tuple:
    """The one state of a wide component that is not several."""
    return (("", 1.0, terms),)


def fixed(value_s) -> DelayPart:
    """A component that always takes the same time."""
    return DelayPart(_seconds(value_s), lambda u: value_s + 0.0 * u, "fixed", least_s=value_s)


def uniform(low_s, high_s) -> DelayPart:
    """A component that is even between two times."""
    return DelayPart(
        (low_s + high_s) / 2.0,
        lambda u: low_s + (high_s - low_s) * u,
        "wide",
        np.square(high_s - low_s) / 12.0,
        states=alone(uniform_terms(low_s, _seconds(high_s))),
    )


def spread(low_s, high_s) -> DelayPart:
    """A service that is even between two times."""
    even = uniform(low_s, high_s)
    return DelayPart(even.mean_s, even.quantile_s, "service", even.variance_s2)


def lognormal(mean_s, sigma_ln, least_s=0.0, kind="service") -> DelayPart:
    """A lognormal time above `least_s`, with its mean and the spread of its logarithm."""
    spread = np.exp(np.square(sigma_ln))
    variance = np.square(mean_s) * (spread - 1.0)
    third = variance * mean_s * (spread - 1.0) * (spread + 2.0)

    def quantile(u):
        from scipy.special import ndtri

        return least_s + mean_s * np.exp(sigma_ln * ndtri(u) - np.square(sigma_ln) / 2.0)

    return DelayPart(
        _seconds(mean_s) + _seconds(least_s), quantile, kind, variance, third, sigma_ln=sigma_ln, least_s=least_s
    )


def network(mean_s, sigma_ln, path_s=0.0) -> DelayPart:
    """Time on the access network, lognormal, beside a fixed path; all ways of one delivery share the draw."""
    return lognormal(mean_s, sigma_ln, path_s, "network")


def matched(mean_s, variance_s2, third_s3):
    """Shift, ln of the median above it and spread of the lognormal with these three moments."""
    deviation = np.sqrt(np.maximum(variance_s2, 1e-18))
    skew = np.maximum(third_s3 / deviation**3, 1e-2)
    root = np.cbrt(1.0 + skew**2 / 2.0 + skew * np.sqrt(1.0 + skew**2 / 4.0))
    spread = root + 1.0 / root - 1.0
    scale, sigma = deviation / np.sqrt(spread - 1.0), np.sqrt(np.log(spread))
    return mean_s - scale, np.log(scale) - np.square(sigma) / 2.0, sigma


def times(count: int, one: list[DelayPart]) -> DelayPart:
    """The sum of the same services, run so many times one after another, as a lognormal of its moments."""
    names = ("mean_s", "variance_s2", "third_s3")
    mean, variance, third = (count * sum(getattr(p, name) for p in one) for name in names)

    def quantile(u):
        from scipy.special import ndtri

        shift, median_ln, sigma = matched(mean, variance, third)
        return np.maximum(shift + np.exp(median_ln + sigma * ndtri(u)), 0.0)

    return DelayPart(mean, quantile, "service", variance, third)


def sometimes(share, part: DelayPart) -> DelayPart:
    """A component that a share of the deliveries meets, 0 for the others."""
    mean, square, cube = raw(part)
    first, second, third = share * mean, share * square, share * cube

    def quantile(u):
        within = (u - (1.0 - share)) / np.where(share > 0, share, 1.0)
        return np.where(within > 0, part.quantile_s(np.clip(within, 0.0, 1.0)), 0.0)

    return DelayPart(first, quantile, "service", *central(first, second, third))


def raw(part: DelayPart):
    """Mean, mean square and mean cube of a component."""
    mean, variance = part.mean_s, part.variance_s2
    return mean, variance + np.square(mean), part.third_s3 + 3.0 * mean * variance + np.power(mean, 3)


def central(mean, square, cube):
    """Variance and third central moment from mean, mean square and mean cube."""
    return square - np.square(mean), cube - 3.0 * mean * square + 2.0 * np.power(mean, 3)


@functools.cache
def _cold_moments(runtime: str) -> tuple[float, float]:
    """Variance and third moment of a cold start's Init over its mean, from its quantiles."""
    from scipy.special import ndtr

    z = np.linspace(-7.0, 7.0, 4001)
    weight = np.exp(-np.square(z) / 2.0)
    ratio = cold_starts.cold_start_quantile_s(ndtr(z), runtime) / cold_starts.cold_start_mean_s(runtime)
    return tuple(float(np.average((ratio - 1.0) ** k, weights=weight)) for k in (2, 3))


def cold_start(runtime: str, package_kb, extra_s) -> DelayPart:
    """What a cold start adds: placement and download, then Init by runtime and package size."""
    init_s = cold_starts.cold_start_mean_s(runtime, package_kb)
    second, third = _cold_moments(runtime)
    return DelayPart(
        init_s + extra_s,
        lambda u: cold_starts.cold_start_quantile_s(u, runtime, package_kb) + extra_s,
        "service",
        second * init_s**2,
        third * init_s**3,
        least_s=extra_s,
    )


def point_terms(place_s=0.0) -> tuple[Term, ...]:
    """Always the same time."""
    return ((1.0, place_s, 0),)


def uniform_terms(low_s, high_s) -> tuple[Term, ...]:
    """Even between two times."""
    width = np.maximum(high_s - low_s, LEAST_S)
    return ((1.0 / width, low_s, 1), (-1.0 / width, low_s + width, 1))


def residual_terms(low_s, high_s) -> tuple[Term, ...]:
    """What is left, at a random moment in it, of a gap whose length is uniform between two times.

    Density P(gap > x) / E[gap]: flat up to the shortest gap, then falling in a line to 0 at the longest.
    """
    width = np.maximum(high_s - low_s, LEAST_S)
    mean = low_s + width / 2.0
    bend = 1.0 / (2.0 * mean * width)
    return ((1.0 / mean, 0.0, 1), (-bend, low_s, 2), (bend, low_s + width, 2))


def missed_terms(period_s, share) -> tuple[Term, ...]:
    """The wait for a poll that works: even over each period, ever fewer in the later ones."""
    worst = min(float(np.max(share)), 0.999)
    periods = 1 if worst <= 0 else math.ceil(math.log(1e-10) / math.log(worst))
    terms, before = [], 0.0
    for k in range(periods):
        slope = (1.0 - share) * np.power(share, k) / period_s
        terms.append((slope - before, k * period_s, 1))
        before = slope
    return (*terms, (-before, periods * period_s, 1))


def added_terms(one: tuple[Term, ...], other: tuple[Term, ...]) -> tuple[Term, ...]:
    """The sum of two independent times."""
    factorial = math.factorial
    return tuple(
        (a * b * factorial(j) * factorial(k) / factorial(j + k), s + t, j + k) for a, s, j in one for b, t, k in other
    )
