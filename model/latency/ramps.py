"""Distributions whose share below a time is made of ramps: sums of coefficient x (t - place)+ ^ power.

A point is one such term of power 0, a uniform two of power 1, the residual of a gap three; the sum of two
independent ones is again one. `mixture` adds a lognormal to them in closed form.
"""

from __future__ import annotations

import math

import numpy as np

__all__: list[str] = []

LEAST_S = 1e-6  # a width below a microsecond is taken as that, so that nothing is divided by 0

Term = tuple  # (coefficient [1/s^power], place [s], power)


def point(place_s=0.0) -> tuple[Term, ...]:
    """Always the same time."""
    return ((1.0, place_s, 0),)


def uniform(low_s, high_s) -> tuple[Term, ...]:
    """Even between two times."""
    width = np.maximum(high_s - low_s, LEAST_S)
    return ((1.0 / width, low_s, 1), (-1.0 / width, low_s + width, 1))


def residual(low_s, high_s) -> tuple[Term, ...]:
    """What is left, at a random moment in it, of a gap whose length is uniform between two times.

    Density P(gap > x) / E[gap]: flat up to the shortest gap, then falling in a line to 0 at the longest.
    """
    width = np.maximum(high_s - low_s, LEAST_S)
    mean = low_s + width / 2.0
    bend = 1.0 / (2.0 * mean * width)
    return ((1.0 / mean, 0.0, 1), (-bend, low_s, 2), (bend, low_s + width, 2))


def missed(period_s, share) -> tuple[Term, ...]:
    """The wait for a poll that works: even over each period, ever fewer in the later ones."""
    worst = min(float(np.max(share)), 0.999)
    periods = 1 if worst <= 0 else math.ceil(math.log(1e-10) / math.log(worst))
    terms, before = [], 0.0
    for k in range(periods):
        slope = (1.0 - share) * np.power(share, k) / period_s
        terms.append((slope - before, k * period_s, 1))
        before = slope
    return (*terms, (-before, periods * period_s, 1))


def added(one: tuple[Term, ...], other: tuple[Term, ...]) -> tuple[Term, ...]:
    """The sum of two independent times."""
    factorial = math.factorial
    return tuple(
        (a * b * factorial(j) * factorial(k) / factorial(j + k), s + t, j + k) for a, s, j in one for b, t, k in other
    )
