"""Deliveries: weighted points of every way, the same for all draws and designs, and what is read off them.

The weight of a way is exact, its points are even, and how many there are goes by the way. The end of the session is a
part of each point's weight: an event that comes later than the session lasts tells nobody.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np

from model import checks
from model.latency.branches import DeliveryPath, branches, kind
from model.latency.chain import undelivered_share
from model.latency.parts import Points
from model.life import lengths
from model.life.flow import Traffic, once
from model.scenario import AnyDesign, Design, Scenario
from model.scenario.points import sobol
from model.traffic import traffic as traffic_of

PART_NAMES = tuple(
    (
        "poll wait,cached answer,refresh,unseen loss,reconnect,catch-up,queue,invocation,server,function,database,"
        "cold start,fan-out,post,gateway,radio wake-up,downlink,transmission,pull connection,pull network,pull server,"
        "pull cold start,phone to screen"
    ).split(",")
)
COLUMNS = ("way", "path", "network", *PART_NAMES)  # which way, which network, the one draw of all parts over it
FEW, SOME = 1, 4096  # draws up to which so many points stand for a way
POINTS = {  # of a way that is usual, seldom met or rare, by how many draws there are
    "few": {"usual": 16_384, "seldom": 1024, "rare": 256},
    "rough": {"usual": 2048, "seldom": 128, "rare": 32},  # at the modes, where a line of words is made from them
    "some": {"usual": 128, "seldom": 16, "rare": 4},
    "many": {"usual": 16, "seldom": 2, "rare": 1},
}
WAITS = ("poll wait", "cached answer")
SEED = 10


@cache
def points(count: int, seed: int) -> Points:
    """Points of (0, 1) by column, each (points, 1, 1): scrambled Sobol's, moved to the middle of even steps."""
    (drawn,) = sobol(len(COLUMNS), [1 << max(int(np.ceil(np.log2(count))), 0)], np.random.default_rng(seed))
    rank = drawn[:count].argsort(axis=0).argsort(axis=0)
    found = (rank + 0.5) / count
    return Points(zip(COLUMNS, found.T[:, :, None, None], strict=True))


def components_s(way: DeliveryPath, at: dict, drawn: dict | None = None) -> dict[str, np.ndarray]:
    """The components of a way's deliveries at points; `drawn` keeps those of parts that other ways share."""
    drawn = {} if drawn is None else drawn
    found = {}
    for name, part in way.parts.items():
        key = (part, name, len(at["way"]))
        if key not in drawn:
            drawn[key] = part.seconds(name, at)
        found[name] = drawn[key]
    return found if way.refresh_per_s is None else _raced(way, found, at)


def _raced(way: DeliveryPath, found: dict, at: dict) -> dict:
    """The same where a refresh by hand comes first: it takes the place of the wait."""
    with np.errstate(divide="ignore"):
        looks_s = -np.log(at["refresh"]) / way.refresh_per_s
    waits = {name: found[name] for name in WAITS if name in found}
    first = looks_s < sum(waits.values())
    kept = {name: np.where(first, 0.0, value) for name, value in waits.items()}
    return {**found, **kept, "refresh": np.where(first, looks_s, 0.0)}


def lasting(way: DeliveryPath, found: dict, delay_s, usage) -> np.ndarray:
    """The chance that the session lasts as long as each delivery takes, of which `found` are the components.

    A timer that starts with the session fires at multiples of its period from then, so its wait and the session's end
    are not independent; whatever else comes at a random moment of the session. Source: cox1962.
    """
    mean_s, sigma = usage.session_mean_s, usage.session_sigma_ln
    if way.period_s is None:
        return lengths.residual_sf(delay_s, mean_s, sigma)
    stays = way.seen
    missed_s = np.floor(found["poll wait"] / way.period_s * (1.0 - 1e-12)) * way.period_s
    if np.any(missed_s > 0):
        stays = stays * lengths.residual_sf(missed_s, mean_s, sigma)
    if "refresh" not in found:
        return stays
    looked = lengths.residual_sf(np.maximum(found["refresh"], 1e-9), mean_s, sigma)
    return np.where(found["refresh"] > 0, looked, stays)


@dataclass(frozen=True)
class Deliveries:
    """Delays of points, (points, draws, users), and the shares of all that is sent which they stand for."""

    delays_s: np.ndarray
    weights: np.ndarray

    def told(self, within_s) -> np.ndarray:
        """Share of what is sent that is told within a time, and before the session ends: (draws, users)."""
        return np.minimum(np.einsum("p...,p...->...", self.weights, self.delays_s <= within_s), 1.0)

    @cached_property
    def mean_s(self) -> np.ndarray:
        """Mean delay of those who are told."""
        whole = self.weights.sum(axis=0)
        total = np.einsum("p...,p...->...", self.weights, self.delays_s)
        return np.divide(total, whole, out=np.full(whole.shape, np.inf), where=whole > 0)

    @cached_property
    def _sorted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Delays in order, the share told until the middle of each, and all that is told; points last."""
        delays = np.ascontiguousarray(np.moveaxis(self.delays_s, 0, -1))
        order, weights = np.argsort(delays, axis=-1), np.moveaxis(self.weights, 0, -1)
        shape = np.broadcast_shapes(delays.shape, weights.shape)
        weights = _taken(np.broadcast_to(weights, shape), np.broadcast_to(order, shape))
        heap = np.cumsum(weights, axis=-1)
        return np.broadcast_to(_taken(delays, order), shape), heap - weights / 2.0, heap[..., -1]

    def quantile_s(self, share: float) -> np.ndarray:
        """The time within which a share of all that is sent is told; infinite where less ever is: (draws, users)."""
        delays, middle, whole = self._sorted
        place = (middle < share).sum(axis=-1)[..., None]
        low, high = np.maximum(place - 1, 0), np.minimum(place, delays.shape[-1] - 1)
        (t0, t1), (m0, m1) = (
            [np.take_along_axis(x, k, axis=-1)[..., 0] for k in (low, high)] for x in (delays, middle)
        )
        part = np.clip((share - m0) / np.where(m1 > m0, m1 - m0, 1.0), 0.0, 1.0)
        return np.where(share > whole, np.inf, t0 + part * (t1 - t0))


def _taken(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    """The values in an order along their last axis."""
    starts = np.arange(order.size // order.shape[-1]).reshape(*order.shape[:-1], 1) * order.shape[-1]
    return values.ravel()[order + starts]


def deliveries(traffic: Traffic, event: str, rough: bool = False) -> Deliveries:
    """The deliveries of an event, as shares of those whom anything tells of it; events of a kind have the same."""
    return _by_kind(traffic, rough)[kind(traffic, event)]


@once
def _by_kind(traffic: Traffic, rough: bool) -> dict:
    """The deliveries of every kind of event."""
    ways = {kind(traffic, event): branches(traffic, event) for event in traffic.life.scenario.events}
    usage, drawn = traffic.life.scenario.usage, {}
    numbers = [x for of in ways.values() for way in of for x in (way.share, *(p.mean_s for p in way.parts.values()))]
    draws = np.broadcast_shapes((1, 1), *{np.shape(x) for x in (*numbers, usage.session_mean_s)})[0]
    few = "rough" if rough else "few"
    counts = POINTS[few if draws <= FEW else "some" if draws <= SOME else "many"]
    return {
        key: _joined([weighted(way, usage, counts[way.often], drawn)[1:] for way in of]) for key, of in ways.items()
    }


def weighted(way: DeliveryPath, usage, count: int, drawn: dict | None = None) -> tuple[dict, Any, np.ndarray]:
    """The components of a way's deliveries, their delays, and the shares that they stand for."""
    drawn = {} if drawn is None else drawn
    found = components_s(way, points(count, SEED), drawn)
    alike = way.period_s is None and way.refresh_per_s is None and (*way.parts.items(), count)
    delay_s, lasts = drawn.get(alike) or (total_s := sum(found.values()), lasting(way, found, total_s, usage))
    if alike:  # what falls into a gap takes as long whatever event it is
        drawn[alike] = delay_s, lasts
    weights = np.asarray(way.share) / count * lasts
    return found, delay_s, np.broadcast_to(weights, np.broadcast_shapes((count, 1, 1), weights.shape))


def _joined(ways: list[tuple]) -> Deliveries:
    """Ways, or kinds of events, put together."""
    if not ways:
        return Deliveries(np.zeros((0, 1, 1)), np.zeros((0, 1, 1)))
    shapes = [np.broadcast_shapes((1, 1), *(x.shape[1:] for x in column)) for column in zip(*ways, strict=True)]
    found = (
        np.concatenate([np.broadcast_to(x, (len(x), *shape)) for x in column])
        for column, shape in zip(zip(*ways, strict=True), shapes, strict=True)
    )
    return Deliveries(*found)


def together(parts: list[tuple[np.ndarray | float, Deliveries]]) -> Deliveries:
    """Deliveries of several events, each by its share of all that is sent."""
    return _joined([(d.delays_s, np.asarray(share) * d.weights) for share, d in parts if len(d.delays_s)])


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
            parts = {p: np.ravel(s) for p, s in components_s(way, Points((c, at[c][rows]) for c in COLUMNS)).items()}
            for name, seconds in {**parts, "total": sum(parts.values())}.items():
                found[name][rows] = seconds
    return pd.DataFrame(found)
