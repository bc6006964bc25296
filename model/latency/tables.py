"""Latency as tables: by design, by event, along a sweep, by component, and with components taken away."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model import checks
from model.latency.branches import branches, kind
from model.latency.figures import event_quantile_s, mean_s, quantile_s, told_share
from model.latency.reach import delivered_rate_per_s, undelivered_reasons, undelivered_share
from model.latency.sampling import PART_NAMES, Points, one, points_of, totals_s, traffic_at_modes, ways_rows
from model.life.flow import Traffic
from model.life.sessions import pushes_per_s
from model.scenario import Scenario

__all__ = ["by_event", "summary", "sweep", "told_without", "waterfall"]

SIDES = ("before", "after")
NEAR_SHARE = 0.01  # deliveries within this share of a quantile stand for it


def summary(scenario: Scenario, within_s: float = 0.1):
    """The latency of both designs over all deliveries: p50, p95, mean, share told in time, share not told.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    within_s : float, the time that deliveries are held against [s]

    Returns: pandas.DataFrame, A row a design; p50, p95 and mean in seconds, and two shares: of the deliveries that
    take no longer than `within_s`, and of the recipients in the app who are not told within the session
    Raises: InputError, A negative time, several user counts, nothing delivered
    Source: cox1962.

    Examples
    --------
    >>> from model import scenario
    >>> list(summary(scenario.load("twilly")).index)
    ['before', 'after']
    """
    import pandas as pd

    rows = {}
    for which in SIDES:
        traffic = traffic_at_modes(scenario, which)
        told = {e: one(delivered_rate_per_s(traffic, e)) for e in scenario.events}
        sent = {e: one(pushes_per_s(traffic.life.scenario, e)) for e in scenario.events}
        p50, p95 = (one(q) for q in quantile_s(traffic, [0.5, 0.95]))
        mean = sum(rate * one(mean_s(traffic, e)) for e, rate in told.items() if rate > 0) / sum(told.values())
        rows[which] = {
            "p50, s": p50,
            "p95, s": p95,
            "mean, s": mean,
            f"within {within_s:g} s": one(told_share(traffic, within_s)),
            "not told": 1.0 - sum(told.values()) / sum(sent.values()),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def by_event(scenario: Scenario, within_s: float = 0.1):
    """The latency of every event in both designs, with who is not told and why.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    within_s : float, the time that deliveries are held against [s]

    Returns: pandas.DataFrame, A row a pair of event and design: p5, p50, p95 and mean in seconds (NaN where never
    delivered), the share told in time, the share not told within the session, and the reasons
    Raises: InputError, A negative time, several user counts
    Source: cox1962, first_case_code.
    """
    import pandas as pd

    by_design, rows = {which: traffic_at_modes(scenario, which) for which in SIDES}, {}
    for event in scenario.events:
        for which, traffic in by_design.items():
            row = dict.fromkeys(("p5, s", "p50, s", "p95, s", "mean, s", f"within {within_s:g} s"), np.nan)
            if branches(traffic, event):
                figures = [
                    *event_quantile_s(traffic, event, [0.05, 0.5, 0.95]),
                    mean_s(traffic, event),
                    told_share(traffic, within_s, event),
                ]
                row = dict(zip(row, map(one, figures), strict=True))
            row["not told"] = one(undelivered_share(traffic, event))
            rows[event, which] = row | {"why": ", ".join(undelivered_reasons(traffic, event))}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["event", "design"])


def sweep(scenario: Scenario, path: str, values: Sequence[float], event: str, shares=(0.5, 0.95)):
    """Quantiles of one event's latency in both designs while one number of the scenario changes.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    path : str, dotted path of the number, such as `before.timers.unread_counts.period_s`
    values : sequence of float, what is put there, in the number's own unit
    event : str, an event of the scenario
    shares : sequence of float, quantiles, each between 0 and 1

    Returns: pandas.DataFrame, A row a value, columns such as `before p95` in seconds, inf where the event is never
    delivered, and `before not told`, `after not told` as shares
    Raises: InputError, an unknown path or event, a value against its rule, a quantile outside 0 to 1
    Source: cox1962.
    """
    import pandas as pd

    checks.known("event", event, scenario.events)
    wanted, rows = np.atleast_1d(checks.share("quantile", shares)), {}
    for value in values:
        changed, row = scenario.with_({path: float(value)}), {}
        for which in SIDES:
            traffic = traffic_at_modes(changed, which)
            told = branches(traffic, event)
            found = event_quantile_s(traffic, event, wanted) if told else np.full(len(wanted), np.inf)
            row.update({f"{which} p{100 * q:g}": one(s) for q, s in zip(wanted, found, strict=True)})
            row[f"{which} not told"] = one(undelivered_share(traffic, event))
        rows[float(value)] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(path)


def told_without(
    scenario: Scenario, design: str, removed: Sequence[str], within_s: float = 0.1, n: int = 2**14, seed: int = 1
) -> float:
    """Share of deliveries that would be told in time if some components took no time at all.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    design : str, `before` or `after`
    removed : sequence of str, names of components, from `PART_NAMES`
    within_s : float, the time that deliveries are held against [s]
    n : int, how many samples of each kind of event
    seed : int, seed of the scrambled Sobol points

    Returns: float, 0 to 1
    Raises: InputError, an unknown component or design, a negative time, no samples, nothing delivered

    Notes
    -----
    What is left keeps its place: nothing else grows or shrinks with what is taken away.
    Source: cox1962.
    """
    for name in removed:
        checks.known("component", name, PART_NAMES)
    checks.non_negative("within_s", within_s, "s")
    total, weight, parts = all_deliveries(traffic_at_modes(scenario, design), points_of(n, seed))
    left = total - sum((parts[name] for name in removed), np.zeros_like(total))
    return float(weight[left <= within_s].sum() / weight.sum())


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

    Returns: pandas.DataFrame, A row a component that any delivery meets, columns such as `before p50`, in seconds
    Raises: InputError, no samples, a quantile outside 0 to 1, nothing delivered
    Source: cox1962.
    """
    import pandas as pd

    points, found = points_of(n, seed), {}
    wanted = np.atleast_1d(checks.share("quantile", shares))
    for which in ("before", "after"):
        total, weight, parts = all_deliveries(traffic_at_modes(scenario, which), points)
        order = np.argsort(total)
        place = (np.cumsum(weight[order]) - weight[order] / 2.0) / weight.sum()
        for share in wanted:
            near = order[np.abs(place - share) <= NEAR_SHARE]
            at_s = total[order[min(np.searchsorted(place, share), len(order) - 1)]]
            means = {name: np.average(values[near], weights=weight[near]) for name, values in parts.items()}
            found[f"{which} p{100 * share:g}"] = pd.Series(means) * (at_s / sum(means.values()))
    table = pd.DataFrame(found).rename_axis("component")
    return table[(table > 0).any(axis=1)]


def all_deliveries(traffic: Traffic, points: Points) -> tuple[np.ndarray, np.ndarray, dict]:
    """Totals, weights and components of what is delivered, events put together by how often each is."""
    rates: dict = {}
    for event in traffic.life.scenario.events:
        rate, first = rates.get(kind(traffic, event), (0.0, event))
        rates[kind(traffic, event)] = (rate + one(delivered_rate_per_s(traffic, event)), first)
    rates = {key: pair for key, pair in rates.items() if pair[0] > 0}
    if not rates:
        checks.fail("no event is delivered within a session, so its latency has no quantile")
    blocks = []
    for rate, event in rates.values():
        parts = {name: np.zeros(points.n) for name in PART_NAMES}
        total = totals_s(ways_rows(branches(traffic, event), points, 1.0), points, parts)
        blocks.append((total, np.full(points.n, rate / points.n), parts))
    joined = {name: np.concatenate([b[2][name] for b in blocks]) for name in PART_NAMES}
    total, weight = (np.concatenate([b[k] for b in blocks]) for k in (0, 1))
    told = np.isfinite(total)
    return total[told], weight[told], {name: values[told] for name, values in joined.items()}
