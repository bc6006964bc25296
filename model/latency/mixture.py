"""Closed form of the share of deliveries told within a time, and its quantiles, over all ways at once.

A way's total is R + A + B: ramps R (waits), the network's lognormal A, and the services B, a shifted
lognormal of their first three moments. For a shifted lognormal Y, E[((t - Y)+)^k] is closed for k = 0, 1, 2,
so that R and the wider of A and B are exact and the narrower one takes four Gauss-Hermite nodes; where that
is more than is needed, A and B are one lognormal of their moments. Nothing is drawn at random.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from model.latency import parts
from model.latency.branches import DeliveryPath
from model.life import lengths

__all__: list[str] = []

NODES = 4
MANY = 64  # draws from which on moments will do
TINY = 1e-12
SURE = 8.3  # standard deviations beyond which less than 1e-16 is left
AT_ONCE = 4_000_000  # numbers in one array of the work


def stacked(values: list, shape: tuple[int, ...]) -> np.ndarray:
    """The values one after another, each broadcast to the shape."""
    return np.stack([np.broadcast_to(value, shape) for value in values], dtype=float)


@functools.cache
def _nodes() -> tuple[np.ndarray, np.ndarray]:
    """Normal deviates and weights of the Gauss-Hermite rule."""
    x, weight = np.polynomial.hermite.hermgauss(NODES)
    return np.sqrt(2.0) * x, weight / np.sqrt(np.pi)


def _sum(have: list[parts.DelayPart], name: str):
    return sum((getattr(p, name) for p in have), 0.0)


def _expanded(way: DeliveryPath) -> list[tuple]:
    """The way once for each combination of its waits' states: a key, the share of it, its terms.

    Ways of one key have the same distribution, so that events which differ only in how often they find the
    radio in which state share the work.
    """
    narrow = tuple(p for p in way.parts.values() if p.kind != "wide")
    found = [((narrow, way.fine), 1.0, parts.point_terms())]
    for part in (p for p in way.parts.values() if p.kind == "wide"):
        found = [
            ((*key, name or part), share * often, parts.added_terms(have, terms))
            for key, share, have in found
            for name, often, terms in part.states
        ]
    return found


def _terms(way: DeliveryPath, wide: tuple, many: bool) -> list[tuple]:
    """A way as terms (coefficient, place, ln median, spread, power) of E[((t - place - Y)+)^power].

    Over many draws network and services are one lognormal on every way: p50 is within 0.1 % of the finer form and p95
    within 0.3 %, far less than what draws differ by.
    """
    kinds = ("network", "service", "fixed")
    net, rest, fixed = ([p for p in way.parts.values() if p.kind == kind] for kind in kinds)
    fixed_s = _sum(fixed, "mean_s")
    if way.fine and net and rest and not many:
        return _quadrature(wide, fixed_s, _one_draw(net), rest)
    both = [_one_draw(net), *rest] if net else rest
    place, median_ln, sigma = parts.matched(*(_sum(both, n) for n in ("mean_s", "variance_s2", "third_s3")))
    return [(rise, at + fixed_s + place, median_ln, sigma, power) for rise, at, power in wide]


def _one_draw(net: list[parts.DelayPart]) -> parts.DelayPart:
    """All ways over the network of one delivery: one lognormal, as they share its draw."""
    if len(net) == 1:
        return net[0]
    least = _sum(net, "least_s")
    return parts.network(_sum(net, "mean_s") - least, net[0].sigma_ln, least)


def _quadrature(wide: tuple, fixed_s, net: parts.DelayPart, rest: list[parts.DelayPart]) -> list[tuple]:
    """The wider of network and services in closed form, the narrower one at nodes."""
    sigma = np.maximum(net.sigma_ln, 1e-6)
    scale_s = np.maximum(net.mean_s - net.least_s, TINY)
    a = (net.least_s, np.log(scale_s) - np.square(sigma) / 2.0, sigma)
    b = parts.matched(*(_sum(rest, n) for n in ("mean_s", "variance_s2", "third_s3")))
    over = net.variance_s2 > _sum(rest, "variance_s2")
    kernel = tuple(np.where(over, x, y) for x, y in zip(a, b, strict=True))
    other = tuple(np.where(over, y, x) for x, y in zip(a, b, strict=True))
    found = []
    for z, weight in zip(*_nodes(), strict=True):
        at_node = kernel[0] + other[0] + np.exp(other[1] + other[2] * z) + fixed_s
        found += [(weight * rise, at + at_node, kernel[1], kernel[2], power) for rise, at, power in wide]
    return found


@dataclass(frozen=True)
class Power:
    """All terms of one power: arrays (terms, 1, rows), way after way; `owner` is the way that each belongs to."""

    power: int
    rise: np.ndarray
    place_s: np.ndarray
    median_ln: np.ndarray
    sigma: np.ndarray
    owner: np.ndarray
    ways: int

    @functools.cached_property
    def partial_s(self) -> tuple[np.ndarray, np.ndarray]:
        """First and second moment of each term's lognormal."""
        return tuple(np.exp(k * self.median_ln + k * k * np.square(self.sigma) / 2.0) for k in (1.0, 2.0))

    def at(self, t_s: np.ndarray, rows: slice | np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Share told within the times (times, rows) and its slope, by way: (ways, times, rows)."""
        median_ln, sigma, rise = (_cut(x, rows) for x in (self.median_ln, self.sigma, self.rise))
        z = np.maximum(t_s - _cut(self.place_s, rows), TINY)
        d = (np.log(z) - median_ln) / sigma
        below = _normal_share(d)
        if self.power == 0:
            value, slope = below, np.exp(-np.square(d) / 2.0) / (np.sqrt(2.0 * np.pi) * sigma * z)
        else:
            first, second = (_cut(x, rows) for x in self.partial_s)
            value, slope = z * below - first * _normal_share(d - sigma), below
            if self.power == 2:
                square = z * (2.0 * value - z * below) + second * _normal_share(d - 2.0 * sigma)
                value, slope = square, 2.0 * value
        return self._by_way(rise * value), self._by_way(rise * slope)

    def _by_way(self, terms: np.ndarray) -> np.ndarray:
        owners, starts = np.unique(self.owner, return_index=True)
        total = np.zeros((self.ways, *terms.shape[1:]))
        total[owners] = np.add.reduceat(terms, starts, axis=0)
        return total


def _normal_share(deviate: np.ndarray) -> np.ndarray:
    """Share of a normal below a deviate, worked out only where it is neither 0 nor 1 to rounding."""
    from scipy.special import ndtr

    found, unsure = np.greater(deviate, 0.0).astype(float), np.abs(deviate) < SURE
    found[unsure] = ndtr(deviate[unsure])  # scipy 1.17's own `where=` writes beyond the array
    return found


def _cut(array: np.ndarray, rows: slice | np.ndarray) -> np.ndarray:
    return array if array.shape[-1] == 1 else array[..., rows]


class Mixture:
    """All ways of some events with their weights: the distribution of latency over their deliveries."""

    def __init__(self, weighted: list[tuple]):
        """Pairs of a weight and a way; weights over (draws, users)."""
        found: dict = {}
        for weight, way in weighted:
            for key, share, wide in _expanded(way):
                have, *rest = found.get(key, (0.0, way, wide))
                found[key] = (have + weight * share, *rest)
        self.periods_s = [way.period_s for _, way, _ in found.values()]
        weights = [w for w, _, _ in found.values()]
        many = np.broadcast_shapes((1, 1), *{np.shape(w) for w in weights})[0] >= MANY
        terms = [_terms(way, wide, many) for _, way, wide in found.values()]
        inner = np.broadcast_shapes((1, 1), *{np.shape(x) for way in terms for term in way for x in term[:4]})
        self.shape = np.broadcast_shapes(inner, *{np.shape(w) for w in weights})
        self.flat = inner[1] > 1  # ways that change with the user count: each count is a row of its own
        rows, columns = self.shape if not self.flat else (self.shape[0] * self.shape[1], 1)
        told = stacked(weights, self.shape)
        told = (told / told.sum(axis=0)).reshape(len(weights), rows, columns)
        self.weights = np.ascontiguousarray(np.moveaxis(told, 2, 1))  # (ways, columns, rows)
        self.powers = [self._power(terms, k) for k in range(3) if any(term[4] == k for way in terms for term in way)]

    def _power(self, terms: list, power: int) -> Power:
        mine = [(number, *term[:4]) for number, way in enumerate(terms) for term in way if term[4] == power]
        owner = np.array([m[0] for m in mine])
        return Power(power, *(self._stack([m[k] for m in mine]) for k in range(1, 5)), owner, len(terms))

    def _stack(self, values: list) -> np.ndarray:
        shape = self.shape if self.flat else np.broadcast_shapes((1, 1), *{np.shape(v) for v in values})
        return stacked(values, shape).reshape(len(values), 1, -1)

    def at(self, t_s: np.ndarray, rows: slice | np.ndarray = slice(None)) -> tuple[np.ndarray, np.ndarray]:
        """Share told within the times (times, rows) and its slope, by way."""
        found = [p.at(t_s, rows) for p in self.powers]
        return sum(f[0] for f in found), sum(f[1] for f in found)

    def told_in_session(self, times_s, usage) -> np.ndarray:
        """Share of deliveries on the screen within the times and before the session ends: (times, draws, users).

        The times must rise. A poll that starts with the session is there at multiples of its period from then, so its
        wait and the session's end go together; any other delivery takes the chance that the session outlasts it.
        """
        rows = self.weights.shape[2]
        mean_s, sigma = (self._stack([x])[0] for x in (usage.session_mean_s, usage.session_sigma_ln))
        edges = np.array([0.0, *times_s])
        by_way, _ = self.at(np.broadcast_to(edges[:, None], (len(edges), rows)))
        middle_s = (edges[1:, None] + edges[:-1, None]) / 2.0
        at_edges, at_middle = (lengths.residual_sf(times, mean_s, sigma) for times in (edges[:, None], middle_s))
        lasting = (at_edges[:-1] + 4.0 * at_middle + at_edges[1:]) / 6.0  # Simpson's mean over each span
        found = np.zeros((len(times_s), *self.weights.shape[1:]))
        for weights, told, period_s in zip(self.weights, by_way, self.periods_s, strict=True):
            if period_s is None:
                within = np.cumsum(np.maximum(np.diff(told, axis=0), 0.0) * lasting, axis=0)
            else:
                within = np.maximum.accumulate(told[1:]) * (
                    1.0 - lengths.cut_share(self._stack([period_s])[0], mean_s, sigma)
                )
            found += weights * within[:, None, :]
        return np.clip(np.moveaxis(found, 1, 2).reshape(len(times_s), *self.shape), 0.0, 1.0)

    def share(self, t_s) -> np.ndarray:
        """Share of deliveries told within a time: (draws, users)."""
        value, _ = self.at(np.full((1, self.weights.shape[2]), float(t_s)))
        return np.clip((self.weights * value).sum(axis=0), 0.0, 1.0).T.reshape(self.shape)
