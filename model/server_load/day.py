"""The shape of a day: 24 hours whose mean is 1 and whose busiest is the peak-to-mean ratio."""

from __future__ import annotations

import functools

import numpy as np
from numpy.typing import ArrayLike

from model import checks, ledger, paths

__all__ = ["day_shape", "hour_levels", "peak_ratio"]

HOURS = 24
STEPS = 200  # Newton steps at most; the few largest ratios need about 40


@functools.cache
def _levels() -> tuple[float, ...]:
    rows = ledger.read_csv(paths.data("day_shape.csv"))
    return tuple(float(row["level_ratio"]) for row in sorted(rows, key=lambda row: int(row["hour"])))


def hour_levels() -> np.ndarray:
    """How busy each hour of a day is beside its busiest, as published studies anchor it.

    Source: bohmer2011, stach2024, assumption.
    """
    return np.array(_levels())


def peak_ratio(peak_to_mean_ratio: ArrayLike) -> np.ndarray:
    """The peak-to-mean ratio, refused where no day can have it."""
    return checks.bounded(
        "peak_to_mean_ratio",
        peak_to_mean_ratio,
        "between 1 and 24, as many as a day has hours",
        lambda a: (a >= 1) & (a <= HOURS),
    )


def day_shape(peak_to_mean_ratio: ArrayLike) -> np.ndarray:
    """Load of each hour of a day over its mean hour: mean 1, largest the ratio, at 18:00.

    The anchored levels b_h, at most 1, are raised to the one power k that gives the ratio: the sum of b_h^k
    must be 24 / ratio. k = 0 is a flat day, ever larger k leave only the busiest hour. The sum falls and is
    convex in k, so Newton's steps from 0 reach the root without passing it.

    Source: bohmer2011, stach2024, assumption.
    """
    ratio = peak_ratio(peak_to_mean_ratio)
    levels = hour_levels().reshape(HOURS, *([1] * ratio.ndim))
    wanted, power = HOURS / ratio, np.zeros(ratio.shape)
    for _ in range(STEPS):
        terms = levels**power
        over = terms.sum(axis=0) - wanted
        with np.errstate(invalid="ignore"):  # 0 / 0 once a day is all in its busiest hour
            step = np.where(wanted > 1.0, over / -(terms * np.log(levels)).sum(axis=0), np.inf)
        power = power + np.maximum(step, 0.0)
        if not (np.abs(over) > 1e-13 * wanted)[wanted > 1.0].any():
            break
    shape = levels**power
    return shape / shape.mean(axis=0)
