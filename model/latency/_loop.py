"""The share told and its slope, term by term as in `latency.mixture`, compiled for many draws."""

from __future__ import annotations

import math

from numba import njit

SURE = 8.3  # standard deviations beyond which less than 1e-16 is left
ROOT_HALF = math.sqrt(0.5)


@njit(cache=True, nogil=True)
def _normal_share(deviate):  # pragma: no cover - compiled
    return 1.0 if deviate > SURE else 0.5 * math.erfc(-deviate * ROOT_HALF)


@njit(cache=True, nogil=True)
def told(power, rise, place_s, median_ln, sigma, way_of, t_s, rows, value, slope):  # pragma: no cover - compiled
    """Adds every term to the value and the slope of its way; numbers are (terms, rows), times (times, rows)."""
    for k in range(rise.shape[0]):
        w = way_of[k]
        for j in range(rows.size):
            r = rows[j]
            m, s = median_ln[k, r], sigma[k, r]
            first = math.exp(m + 0.5 * s * s) if power > 0 else 1.0
            for i in range(t_s.shape[0]):
                z = t_s[i, j] - place_s[k, r]
                if z <= 0.0:
                    continue
                d = (math.log(z) - m) / s
                if d < -SURE:
                    continue
                below = _normal_share(d)
                if power == 0:
                    told_here, steep = below, math.exp(-0.5 * d * d) / (math.sqrt(2.0 * math.pi) * s * z)
                else:
                    told_here, steep = z * below - first * _normal_share(d - s), below
                    if power == 2:
                        second = first * first * math.exp(s * s)
                        told_here, steep = (
                            z * (2.0 * told_here - z * below) + second * _normal_share(d - 2.0 * s),
                            2.0 * told_here,
                        )
                value[w, i, j] += rise[k, r] * told_here
                slope[w, i, j] += rise[k, r] * steep
