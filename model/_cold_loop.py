"""The level-by-level sum of `cold_starts`, compiled for many draws; loaded when first used."""

from __future__ import annotations

from numba import njit

from model import cold_starts

_level = njit(cache=True, nogil=True)(cold_starts.cold_level)


@njit(cache=True, nogil=True)
def cold_levels(load, calls, out):  # pragma: no cover - compiled
    """The sum of `cold_starts.cold_level` for each element."""
    for i in range(load.size):
        out[i] = _level(load[i], calls[i])
