"""Gaps between the requests of one loop: what polls by a timer, what a hand asks for."""

from __future__ import annotations

import numpy as np

GAPS = "gaps mean_gap_s median_gap_s shortest_gap_s longest_gap_s even stretched spread".split()
EVEN = 0.05  # a gap within this share of the median is even


def gap_table(times: np.ndarray, groups: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """By group the gaps between its times: how many, mean, median, shortest, longest, share within 5 % of the median,
    how many are stretched beyond 1.5 medians, and the middle half's width over the median."""
    order = np.lexsort((times, groups))
    groups, gaps = groups[order], np.diff(times[order])
    inside = groups[1:] == groups[:-1]
    gaps, groups = gaps[inside], groups[1:][inside]
    order = np.lexsort((gaps, groups))
    gaps, groups = gaps[order], groups[order]
    many = np.bincount(groups, minlength=count)
    start, some = np.cumsum(many) - many, many > 0

    def quantile(share: float) -> np.ndarray:
        at = start[some] + share * (many[some] - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, start[some] + many[some] - 1)
        return gaps[low] + (at - low) * (gaps[high] - gaps[low])

    def spread(values: np.ndarray) -> np.ndarray:
        found = np.full(count, np.nan)
        found[some] = values
        return found

    middle = spread(quantile(0.5))
    share = np.bincount(groups, np.abs(gaps - middle[groups]) <= EVEN * middle[groups], count)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "gaps": many,
            "mean_gap_s": np.bincount(groups, gaps, count) / many,
            "median_gap_s": middle,
            "shortest_gap_s": spread(gaps[start[some]]),
            "longest_gap_s": spread(gaps[start[some] + many[some] - 1]),
            "even": share / many,
            "stretched": np.bincount(groups, gaps > 1.5 * middle[groups], count).astype(int),
            "spread": spread(quantile(0.75) - quantile(0.25)) / middle,
        }


def kinds(table: dict[str, np.ndarray]) -> np.ndarray:
    """By group what made its requests: a timer, a hand (gaps as uneven as chance), a page (all at once), or unknown."""
    timer = (table["spread"] < 0.25) & (table["gaps"] >= 2) | (table["even"] >= 0.5) & (table["gaps"] >= 5)
    kind = np.where(timer, "timer", "hand")
    kind[table["gaps"] < 2] = "unknown"
    kind[(table["gaps"] >= 2) & (table["median_gap_s"] < 0.5)] = "page"
    return kind
