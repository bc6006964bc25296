"""What is read off draws: quantiles, which design is best, and on which side of a step a percentile of latency is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from model import latency
from model.outcome.sides import Side

MORE_IS_BETTER = (
    "told in time 1 s",
    "told in time 10 s",
    "told in time 60 s",
    "told when away 1 min",
    "told when away 1 h",
)
SPAN = (0.05, 0.95)  # what lies between low and high: nine draws of ten
APART = 3.0  # times, from which on two quantiles are apart
LEAST = 0.05  # of the draws, fewer are not shown by themselves
NOT_IN_SESSION = "not in this session"


def rank_quantile(values: np.ndarray, share: float) -> float:
    """A quantile of draws: nearest rank where any is infinite, so that it is a value that draws have."""
    values = np.asarray(values, dtype=float)
    if np.isnan(values).any():
        return np.nan
    finite = np.isfinite(values).all()
    return float(np.quantile(values, share) if finite else np.quantile(values, share, method="inverted_cdf"))


def low_middle_high(values: np.ndarray) -> tuple[float, float, float]:
    """What nine in ten draws lie between, and their middle."""
    low, high = SPAN
    return rank_quantile(values, low), rank_quantile(values, 0.5), rank_quantile(values, high)


def spanned(name: str, values: np.ndarray) -> dict[str, float]:
    """The middle of draws under a name, and their low and high beside it."""
    low, middle, high = low_middle_high(values)
    return {f"{name}_low": low, name: middle, f"{name}_high": high}


def apart(low: float, high: float) -> bool:
    """Whether two quantiles are so far apart that neither stands for both."""
    return bool(np.isfinite(low) and high > APART * low)


def seconds_words(value: float) -> str:
    """A time in words; an infinite one is never told within the session."""
    return f"{value:,.3g} s" if np.isfinite(value) else NOT_IN_SESSION


def sides_of_draws(values: np.ndarray) -> str:
    """The p95 of draws on each side of the step they stand on, in words; empty where there is no step.

    Each side gives the middle of its draws, and is left out where fewer than one draw in twenty lies there.
    """
    values = np.sort(np.asarray(values, dtype=float).ravel())
    low, high = rank_quantile(values, 0.25), rank_quantile(values, 0.75)
    if not apart(low, high):
        return ""
    edge = np.sqrt(low * high) if np.isfinite(high) else APART * low
    groups = [values[values <= edge], values[(values > edge) & np.isfinite(values)], values[np.isinf(values)]]
    parts = [
        f"{seconds_words(rank_quantile(group, 0.5))} in {10 * group.size / values.size:.0f} of 10 draws"
        for group in groups
        if group.size >= LEAST * values.size
    ]
    return ", ".join(parts)


def step_line(side: Side, rough: bool) -> str:
    """One line where the percentiles of a design stand on a step at the modes: the events on each side of it."""
    found, title = latency.quantile_s(side.traffic, (0.9, 0.99), rough=rough), side.traffic.life.design.title
    low, high = (float(q[0, 0]) for q in found)
    if not apart(low, high):
        return ""
    edge = np.sqrt(low * high) if np.isfinite(high) else APART * low
    early: list[str] = []
    late: list[str] = []
    for event, share in latency.sent_shares(side.traffic).items():
        if np.ravel(share)[0] > 0:
            told = float(np.ravel(latency.told_share(side.traffic, edge, event, rough))[0])
            (early if told >= 0.9 else late).append(event)
    if not early or not late:
        return ""
    behind = (
        f"{', '.join(late)} not before {seconds_words(edge)}"
        if np.isfinite(high)
        else f"{', '.join(late)} often do not come in the session"
    )
    return f"{title}: p95 has no single value. {', '.join(early)} come within {seconds_words(low)}; {behind}."


def less_is_better(label: str, values):
    """The figures of a row, turned round where more is better, so that the least is the best."""
    return -values if label in MORE_IS_BETTER else values


def best_of(label: str, figures: Mapping[str, float]) -> list[str]:
    """The names of the best figures of a row, several where they tie; what has no figure is never best."""
    turned = {name: less_is_better(label, figure) for name, figure in figures.items()}
    least = np.nanmin([*turned.values(), np.inf])
    return [name for name, figure in turned.items() if figure <= least < np.inf]


def least_share(values: Mapping[str, np.ndarray], best: Sequence[str]) -> float:
    """The share of draws in which the best are the least of all, a tie counted in parts."""
    every = np.array(list(values.values()))
    least = every == np.nanmin(np.where(np.isnan(every), np.inf, every), axis=0)
    return float((least / least.sum(axis=0))[[name in best for name in values]].sum(axis=0).mean())


def ends(values: Mapping[str, np.ndarray]) -> dict:
    """The 5 and 95 % quantiles of each design's draws."""
    return {
        f"{name}_{end}": rank_quantile(v, share)
        for name, v in values.items()
        for end, share in zip(("low", "high"), SPAN, strict=True)
    }


def better_share(label: str, before: np.ndarray, after: np.ndarray) -> float:
    """The share of draws in which after is better on a row, a tie as half."""
    old, new = less_is_better(label, before), less_is_better(label, after)
    missing = np.isnan(old).any() or np.isnan(new).any()
    return np.nan if missing else float(((new < old) + 0.5 * (new == old)).mean())
