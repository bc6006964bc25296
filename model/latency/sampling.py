"""Quasi-random samples of a latency by component, from scrambled Sobol points with a seed."""

from __future__ import annotations

import numpy as np

from model import checks
from model.latency.branches import branches
from model.latency.deliveries import PART_NAMES, components_s, points
from model.latency.reach import undelivered_share
from model.life.flow import Traffic
from model.scenario import AnyDesign, Design, Scenario
from model.traffic import traffic as traffic_of


def whole(name: str, value, least: int) -> int:
    """The value as a whole number of at least that, refused otherwise."""
    number = not isinstance(value, bool) and isinstance(value, (int, float, np.integer, np.floating))
    if not number or not np.isfinite(value) or value != int(value) or value < least:
        rule = "> 0 samples" if least else ">= 0"
        checks.fail(f"{name} must be a whole number {rule}; got {checks.shown(value)}")
    return int(value)


def traffic_at_modes(scenario: Scenario, design: AnyDesign | str) -> Traffic:
    """The design's traffic with every range at its mode."""
    from model.scenario import sampling

    if np.size(scenario.users) != 1:
        checks.fail(f"users must be one number where latencies are drawn; got {np.size(scenario.users)}")
    if isinstance(design, Design):  # its ranges are resolved with the scenario's
        scenario, design = scenario.with_design("asked", design), "asked"
    return traffic_of(design, sampling.resolved(scenario))


def one(value) -> float:
    """The single number of an array of one."""
    return float(np.ravel(value)[0])


def sample(scenario: Scenario, design: AnyDesign | str, event: str, n: int, seed: int):
    """Quasi-random samples of an event's latency by component and in total.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    design : AnyDesign or str, the design, or `before` or `after`
    event : str, an event of the scenario
    n : int, how many samples
    seed : int, seed of the scrambled Sobol points

    Returns: pandas.DataFrame, A row a sample, a column a component and `total`, in seconds; inf in total where nothing
    ever tells; that a session may end first is left out
    Raises: InputError, no samples, a seed below 0, several user counts, an unknown event or design
    Source: cox1962.

    Examples
    --------
    >>> from model import scenario
    >>> found = sample(scenario.load("twilly"), "before", "new_comment", 1024, seed=1)
    >>> round(float(found["poll wait"].mean()), 2)
    1.0
    """
    import pandas as pd

    at, traffic = points(whole("n", n, 1), whole("seed", seed, 0)), traffic_at_modes(scenario, design)
    ways = branches(traffic, event)
    reached = 1.0 - one(undelivered_share(traffic, event))
    edges = np.concatenate([[0.0], np.cumsum([one(b.share) for b in ways])]) * reached
    found = {name: np.zeros(n) for name in PART_NAMES} | {"total": np.full(n, np.inf)}
    which = np.searchsorted(edges, np.ravel(at["way"]), side="right") - 1
    for k, way in enumerate(ways):
        rows = which == k
        if rows.any():
            parts = {p: np.ravel(s) for p, s in components_s(way, {c: u[rows] for c, u in at.items()}).items()}
            for name, seconds in {**parts, "total": sum(parts.values())}.items():
                found[name][rows] = seconds
    return pd.DataFrame(found)
