"""Compiled loops over draws, for the two sums that numpy would walk many times; loaded when first used."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def pert(share, table, out):  # pragma: no cover - compiled
    """Quantiles by straight lines between the nodes of a table that is even in a root of the share."""
    last = table.size - 2
    for i in range(share.size):
        u = share[i]
        root = math.sqrt(0.5 * u) if u <= 0.5 else 1.0 - math.sqrt(0.5 * (1.0 - u))
        place = root * (last + 1)
        left = min(int(place), last)
        out[i] = table[left] + (place - left) * (table[left + 1] - table[left])


@njit(cache=True, nogil=True)
def cold_levels(load, calls, out):  # pragma: no cover - compiled
    """The sum of `cold_starts._cold_levels`, each element only as far as somebody is at its levels."""
    for i in range(load.size):
        a = load[i]
        rise, ratio, share = a, 2.0, math.exp(-a)
        total = share * math.exp(-calls[i])
        for n in range(1, int(a + 10.0 * math.sqrt(a) + 26)):
            step = a / (n + rise)
            rise = step * rise
            ratio = ((2 * rise * rise + 2 * n * rise * (1 + step)) / (a + n) + n * step * (ratio * step + 2)) / a
            share = share * a / n
            rare = min(1.0, 2.0 / ratio)
            total += share * rare * math.exp(-rare * rise / a * calls[i])
            if n > a + 4 and share < 1e-13 * total:  # all that is left is less than this share
                break
        out[i] = total


def as_flat(array) -> np.ndarray:
    """The array as one contiguous line of floats."""
    return np.ascontiguousarray(array, dtype=float).reshape(-1)
