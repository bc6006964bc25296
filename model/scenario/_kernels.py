"""A compiled loop over draws, for a sum that numpy would walk many times; loaded when first used."""

from __future__ import annotations

import math

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def pert(share, table, end_share, out, ends):  # pragma: no cover - compiled
    """Quantiles by straight lines between the nodes of a table that is even in a root of the share.

    The places of shares at the ends, which the table does not hold, are written to `ends`; returns how many.
    """
    last, count = table.size - 2, 0
    for i in range(share.size):
        u = share[i]
        if u < end_share or u > 1.0 - end_share:
            ends[count] = i
            count += 1
            continue
        root = math.sqrt(0.5 * u) if u <= 0.5 else 1.0 - math.sqrt(0.5 * (1.0 - u))
        place = root * (last + 1)
        left = min(int(place), last)
        out[i] = table[left] + (place - left) * (table[left + 1] - table[left])
    return count


def as_flat(array) -> np.ndarray:
    """The array as one contiguous line of floats."""
    return np.ascontiguousarray(array, dtype=float).reshape(-1)
