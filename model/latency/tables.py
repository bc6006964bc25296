"""Latency as tables: by design, by event, along a sweep, by component, and with components taken away."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model import checks
from model.latency.branches import branches
from model.latency.deliveries import POINTS, Deliveries, weighted
from model.latency.sampling import PART_NAMES, one, traffic_at_modes
from model.latency.told import LEFT, by_kind, mean_s, quantile_s, sent_shares, told_share, untold_reasons
from model.life.flow import Traffic
from model.scenario import Scenario, mode_of

__all__ = ["by_event", "curve", "summary", "sweep", "told_without", "waterfall"]

NEAR_SHARE = 0.01  # deliveries within this share of a quantile stand for it
CURVE_S = np.geomspace(0.05, 600.0, 160)


def summary(scenario: Scenario, within_s: float = 0.1, designs: Sequence[str] | None = None):
    """The latency of designs over all that is sent: p50, p95, share told in time, share not told, mean of the told.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    within_s : float, the time that deliveries are held against [s]
    designs : sequence of str, optional, names of designs; the pair that is compared where none is given

    Returns: pandas.DataFrame, A row a design; p50, p95 (inf where so many are never told) and the mean over those told
    in seconds, and two shares of all that is sent to people in the app: told within `within_s`, and not told within
    their session
    Raises: InputError, A negative time, several user counts, nothing sent
    Source: cox1962.

    Examples
    --------
    >>> from model import scenario
    >>> list(summary(scenario.load("twilly")).index)
    ['before', 'after']
    """
    import pandas as pd

    rows = {}
    for which in designs or scenario.compared:
        traffic = traffic_at_modes(scenario, which)
        p50, p95 = (one(q) for q in quantile_s(traffic, [0.5, 0.95]))
        rows[_column(scenario, which)] = {
            "p50, s": p50,
            "p95, s": p95,
            "mean, s": one(mean_s(traffic)),
            f"within {within_s:g} s": one(told_share(traffic, within_s)),
            "not told": 1.0 - one(told_share(traffic, math.inf)),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def _column(scenario: Scenario, design: str) -> str:
    """What a table calls a design: before and after for the pair that is compared, else its name."""
    return dict(zip(scenario.compared, ("before", "after"), strict=True)).get(design, design)


def by_event(scenario: Scenario, within_s: float = 10.0, designs: Sequence[str] | None = None):
    """How every event is told in each design: in time, late, after they left or never, and why.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    within_s : float, the limit of an event that states no `within_s` of its own [s]
    designs : sequence of str, optional, names of designs; the pair that is compared where none is given

    Returns: pandas.DataFrame, A row a pair of event and design, the last pair for all events by how often each is sent:
    p50 and p95 in seconds (inf where so many are never
    told), the limit, the shares told in time, late, left first and told by nothing, which add up to 1, and the reasons
    Raises: InputError, A negative time, several user counts
    Source: cox1962, first_case_code.
    """
    import pandas as pd

    rows, traffics = {}, {which: traffic_at_modes(scenario, which) for which in designs or scenario.compared}
    own = {name: about.within_s for name, about in scenario.events.items()}
    limits = {name: within_s if limit is None else mode_of(limit) for name, limit in own.items()}
    for event, limit_s in (limits | {None: within_s}).items():
        for which, traffic in traffics.items():
            p50, p95 = (one(q) for q in quantile_s(traffic, [0.5, 0.95], event))
            why = {reason: one(share) for reason, share in untold_reasons(traffic, event).items()}
            told = one(told_share(traffic, limit_s, event))
            rows[event or "all together", _column(scenario, which)] = {
                "p50, s": p50,
                "p95, s": p95,
                "limit, s": limit_s,
                "in time": told,
                "late": one(told_share(traffic, math.inf, event)) - told,
                "left first": why.pop(LEFT),
                "nothing tells them": sum(why.values()),
                "why": ", ".join(why),
            }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["event", "design"])


def curve(scenario: Scenario, designs: Sequence[str] | None = None, event: str | None = None):
    """The share told within a time, over the time: one column a design, all events together or one.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    designs : sequence of str, optional, names of designs; all where none is given
    event : str, optional, an event of the scenario

    Returns: pandas.DataFrame, a row a time from 0.05 to 600 s, shares from 0 to 1
    Raises: InputError, an unknown design or event, nothing sent
    Source: cox1962.
    """
    import pandas as pd

    found = {}
    for which in designs or scenario.designs:
        traffic = traffic_at_modes(scenario, which)
        found[which] = [one(told_share(traffic, float(t), event)) for t in CURVE_S]
    return pd.DataFrame(found, index=pd.Index(CURVE_S, name="within, s"))


def sweep(scenario: Scenario, path: str, values: Sequence[float], event: str, shares=(0.5, 0.95)):
    """Quantiles of one event's latency in both designs while one number of the scenario changes.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    path : str, dotted path of the number, such as `before.timers.unread_counts.period_s`
    values : sequence of float, what is put there, in the number's own unit
    event : str, an event of the scenario
    shares : sequence of float, quantiles, each between 0 and 1

    Returns: pandas.DataFrame, A row a value, columns such as `before p95` in seconds, inf where so many are never
    told, and `before not told`, `after not told` as shares of those the event is sent to in the app
    Raises: InputError, an unknown path or event, a value against its rule, a quantile outside 0 to 1
    Source: cox1962.
    """
    import pandas as pd

    checks.known("event", event, scenario.events)
    wanted, rows = np.atleast_1d(checks.share("quantile", shares)), {}
    for value in values:
        changed, row = scenario.with_({path: float(value)}), {}
        for which in scenario.compared:
            traffic, name = traffic_at_modes(changed, which), _column(scenario, which)
            found = quantile_s(traffic, wanted, event)
            row.update({f"{name} p{100 * q:g}": one(s) for q, s in zip(wanted, found, strict=True)})
            row[f"{name} not told"] = 1.0 - one(told_share(traffic, math.inf, event))
        rows[float(value)] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(path)


def told_without(scenario: Scenario, design: str, removed: Sequence[str], within_s: float = 0.1) -> float:
    """Share of deliveries that would take no longer than a time if some components took no time at all.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    design : str, `before` or `after`
    removed : sequence of str, names of components, from `PART_NAMES`
    within_s : float, the time that deliveries are held against [s]

    Returns: float, 0 to 1, of those who are told
    Raises: InputError, an unknown component or design, a negative time, nothing delivered

    Notes
    -----
    What is left keeps its place: nothing else grows or shrinks with what is taken away.
    Source: cox1962.
    """
    for name in removed:
        checks.known("component", name, PART_NAMES)
    checks.non_negative("within_s", within_s, "s")
    total, weight, parts = told_parts(traffic_at_modes(scenario, design))
    left = total - sum((parts[name] for name in removed), np.zeros_like(total))
    return float(weight[left <= within_s].sum() / weight.sum())


def waterfall(scenario: Scenario, shares=(0.5, 0.95)):
    """What each component adds at some quantiles of the latency of both designs, over those who are told.

    The mean of each component over the deliveries within one percent of the quantile, scaled so that they add
    up to it: the expectation of a component given the total.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    shares : sequence of float, quantiles, each between 0 and 1

    Returns: pandas.DataFrame, A row a component that any delivery meets, columns such as `before p50`, in seconds
    Raises: InputError, a quantile outside 0 to 1, nothing delivered
    Source: cox1962.
    """
    import pandas as pd

    wanted, found = np.atleast_1d(checks.share("quantile", shares)), {}
    for which in scenario.compared:
        total, weight, parts = told_parts(traffic_at_modes(scenario, which))
        order = np.argsort(total)
        place = (np.cumsum(weight[order]) - weight[order] / 2.0) / weight.sum()
        alone = Deliveries(total[:, None, None], (weight / weight.sum())[:, None, None])
        for share in wanted:
            near = order[np.abs(place - share) <= NEAR_SHARE]
            near = near if near.size else order[[min(np.searchsorted(place, share), len(order) - 1)]]
            means = {name: np.average(values[near], weights=weight[near]) for name, values in parts.items()}
            at_s = one(alone.quantile_s(min(float(share), 1.0 - 1e-12)))
            found[f"{_column(scenario, which)} p{100 * share:g}"] = pd.Series(means) * (at_s / sum(means.values()))
    table = pd.DataFrame(found).rename_axis("component")
    return table[(table > 0).any(axis=1)]


def told_parts(traffic: Traffic) -> tuple[np.ndarray, np.ndarray, dict]:
    """Totals, weights and components of what is told within its session, events by how often each is sent."""
    blocks = []
    for event, share in by_kind(traffic, sent_shares(traffic)).items():
        for way in branches(traffic, event) if one(share) > 0 else ():
            found, _, weights = weighted(way, traffic.life.scenario.usage, POINTS["few"][way.often])
            blocks.append((one(share) * np.ravel(weights), {name: np.ravel(s) for name, s in found.items()}))
    if not blocks:
        checks.fail("no event is delivered within a session, so its latency has no quantile")
    weight = np.concatenate([w for w, _ in blocks])
    parts = {name: np.concatenate([found.get(name, np.zeros(len(w))) for w, found in blocks]) for name in PART_NAMES}
    return sum(parts.values()), weight, parts
