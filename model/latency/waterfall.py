"""What each component adds at a quantile of the latency: the components given the total."""

from __future__ import annotations

import numpy as np

from model import checks
from model.latency.branches import branches, kind
from model.latency.reach import delivered_rate_per_s
from model.latency.sampling import PART_NAMES, Points, now_of, one, points_of, totals_s, ways_rows
from model.life.flow import Traffic
from model.scenario import Scenario

__all__ = ["waterfall"]

NEAR_SHARE = 0.01  # deliveries within this share of a quantile stand for it


def waterfall(scenario: Scenario, shares=(0.5, 0.95), n: int = 2**15, seed: int = 1):
    """What each component adds at some quantiles of the latency of both designs, over all deliveries.

    The mean of each component over the deliveries within one percent of the quantile, scaled so that they add
    up to it: the expectation of a component given the total.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    shares : sequence of float, quantiles, each between 0 and 1
    n : int, how many samples of each kind of event
    seed : int, seed of the scrambled Sobol points

    Returns
    -------
    pandas.DataFrame, A row a component that any delivery meets, columns such as `before p50`, in seconds

    Raises
    ------
    InputError, no samples, a quantile outside 0 to 1, nothing delivered

    Source: cox1962.
    """
    import pandas as pd

    points, found = points_of(n, seed), {}
    wanted = np.atleast_1d(checks.share("quantile", shares))
    for which in ("before", "after"):
        total, weight, parts = all_deliveries(now_of(scenario, which), points)
        order = np.argsort(total)
        place = (np.cumsum(weight[order]) - weight[order] / 2.0) / weight.sum()
        for share in wanted:
            near = order[np.abs(place - share) <= NEAR_SHARE]
            at_s = total[order[min(np.searchsorted(place, share), len(order) - 1)]]
            means = {name: np.average(values[near], weights=weight[near]) for name, values in parts.items()}
            found[f"{which} p{100 * share:g}"] = pd.Series(means) * (at_s / sum(means.values()))
    table = pd.DataFrame(found).rename_axis("component")
    return table[(table > 0).any(axis=1)]


def all_deliveries(now: Traffic, points: Points) -> tuple[np.ndarray, np.ndarray, dict]:
    """Totals, weights and components of what is delivered, events put together by how often each is."""
    rates: dict = {}
    for event in now.life.scenario.events:
        rate, first = rates.get(kind(now, event), (0.0, event))
        rates[kind(now, event)] = (rate + one(delivered_rate_per_s(now, event)), first)
    rates = {key: pair for key, pair in rates.items() if pair[0] > 0}
    if not rates:
        checks.fail("no event is delivered within a session, so its latency has no quantile")
    blocks = []
    for rate, event in rates.values():
        parts = {name: np.zeros(points.n) for name in PART_NAMES}
        total = totals_s(ways_rows(branches(now, event), points, 1.0), points, parts)
        blocks.append((total, np.full(points.n, rate / points.n), parts))
    joined = {name: np.concatenate([b[2][name] for b in blocks]) for name in PART_NAMES}
    total, weight = (np.concatenate([b[k] for b in blocks]) for k in (0, 1))
    told = np.isfinite(total)
    return total[told], weight[told], {name: values[told] for name, values in joined.items()}
