"""Quasi-random samples of a latency by component, from scrambled Sobol points with a seed."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from model import checks
from model.latency.branches import DeliveryPath, branches, kind
from model.latency.parts import DelayPart
from model.latency.reach import reached_share
from model.life.flow import Traffic
from model.scenario import AnyDesign, Design, Scenario
from model.traffic import traffic as traffic_of

__all__ = ["PART_NAMES", "sample", "samples"]

PART_NAMES = (
    "poll wait",
    "cached answer",
    "unseen loss",
    "reconnect",
    "catch-up",
    "queue",
    "invocation",
    "server",
    "function",
    "database",
    "cold start",
    "fan-out",
    "post",
    "gateway",
    "radio wake-up",
    "downlink",
    "pull connection",
    "pull network",
    "pull server",
    "pull cold start",
    "phone to screen",
)
NETWORK = "network"  # the one draw of all ways over the network of a delivery
COLUMNS = (
    "way",
    "poll wait",
    NETWORK,
    "radio wake-up",
    "invocation",
    "function",
    "gateway",
    "post",
    "server",
    "database",
    "pull server",
    "fan-out",
    "cached answer",
    "unseen loss",
    "reconnect",
    "catch-up",
    "cold start",
    "pull cold start",
    "queue",
)


class Points:
    """Quasi-random points of (0, 1), a column a component, in the order of the column that picks the way."""

    def __init__(self, n: int, seed: int):
        """Scrambled Sobol points, the first n of the next power of two."""
        from scipy.stats import qmc

        power = max(int(np.ceil(np.log2(n))), 0)
        sobol = qmc.Sobol(len(COLUMNS), scramble=True, rng=np.random.default_rng(seed))
        points = sobol.random_base2(power)[:n]
        self.n, self.order = n, np.argsort(points[:, 0], kind="stable")
        points = points[self.order].T
        self.columns = dict(zip(COLUMNS, np.clip(points, 1e-12, 1.0 - 1e-12), strict=True))
        self.memory: dict = {}

    @cached_property
    def back(self) -> np.ndarray:
        """Where each point of the original order stands now."""
        back = np.empty(self.n, dtype=np.intp)
        back[self.order] = np.arange(self.n)
        return back

    def unit(self, name: str, sigma_ln: float) -> np.ndarray:
        """Lognormal with mean 1 at a column's points, worked out once for all parts with that spread."""
        from scipy.special import ndtri

        if name not in self.memory:
            self.memory[name] = ndtri(self.columns[name])
        if (name, sigma_ln) not in self.memory:
            self.memory[name, sigma_ln] = np.exp(sigma_ln * self.memory[name] - sigma_ln**2 / 2.0)
        return self.memory[name, sigma_ln]

    def drawn_s(self, name: str, part: DelayPart, rows: slice):
        """A component's times at some rows."""
        if part.kind == "fixed":
            return part.mean_s
        column = NETWORK if part.kind == "network" else name
        if part.sigma_ln is not None:
            scale = part.mean_s - part.least_s
            return part.least_s + scale * self.unit(column, float(part.sigma_ln))[rows]
        return part.quantile_s(self.columns[column][rows])


def whole(name: str, value, least: int) -> int:
    """The value as a whole number of at least that, refused otherwise."""
    number = not isinstance(value, bool) and isinstance(value, (int, float, np.integer, np.floating))
    if not number or not np.isfinite(value) or value != int(value) or value < least:
        rule = "> 0 samples" if least else ">= 0"
        checks.fail(f"{name} must be a whole number {rule}; got {checks.shown(value)}")
    return int(value)


def points_of(n: int, seed: int) -> Points:
    """The points, refused without samples or with a seed below 0."""
    return Points(whole("n", n, 1), whole("seed", seed, 0))


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


def ways_rows(ways: list[DeliveryPath], points: Points, reached: float) -> list[tuple[DeliveryPath, slice]]:
    """The ways with their rows: points in the order of their first column, cut where the shares add up."""
    edges = np.concatenate([[0.0], np.cumsum([one(b.share) for b in ways])])
    places = np.searchsorted(points.columns["way"], np.minimum(edges, 1.0) * reached)
    spans = zip(ways, places[:-1], places[1:], strict=True)
    return [(way, slice(start, end)) for way, start, end in spans if start < end]


def totals_s(ways: list[tuple[DeliveryPath, slice]], points: Points, parts: dict | None = None) -> np.ndarray:
    """Totals by row, inf where never delivered; the components go into `parts` where it is given."""
    total = np.full(points.n, np.inf)
    for way, rows in ways:
        sums = 0.0
        for name, part in way.parts.items():
            drawn = points.drawn_s(name, part, rows)
            sums = sums + drawn
            if parts is not None:
                parts[name][rows] = drawn
        total[rows] = sums
    return total


def sample(scenario: Scenario, design: AnyDesign | str, event: str, n: int, seed: int):
    """Quasi-random samples of an event's latency by component and in total.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    design : AnyDesign or str, the design, or `before` or `after`
    event : str, an event of the scenario
    n : int, how many samples
    seed : int, seed of the scrambled Sobol points

    Returns: pandas.DataFrame, A row a sample, a column a component and `total`, in seconds; inf in total where never
    delivered
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

    points, traffic = points_of(n, seed), traffic_at_modes(scenario, design)
    ways = branches(traffic, event)
    parts = {name: np.zeros(points.n) for name in PART_NAMES}
    total = totals_s(ways_rows(ways, points, one(reached_share(traffic, event))), points, parts)
    return pd.DataFrame({name: values[points.back] for name, values in {**parts, "total": total}.items()})


def samples(scenario: Scenario, n: int, seed: int):
    """Quasi-random samples of the latency of every event in both designs.

    Source: cox1962.
    """
    import pandas as pd

    points, found = points_of(n, seed), {}
    for which in ("before", "after"):
        traffic, alike = traffic_at_modes(scenario, which), {}
        for event in scenario.events:
            reached = one(reached_share(traffic, event))
            key = (*kind(traffic, event), reached)
            if key not in alike:
                alike[key] = totals_s(ways_rows(branches(traffic, event), points, reached), points)[points.back]
            found[which, event] = alike[key]
    return pd.DataFrame(found).rename_axis(columns=["design", "event"])
