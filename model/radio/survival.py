"""Sources of packets, and the chance that the air has been quiet for a while: the closed form's ground."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from model import checks
from model.radio.states import Radio

__all__ = ["Source"]

DECAY = (10.0, 20.0, 40.0)  # a stretch is cut where Poisson events have come this often: keeps 12 nodes exact
CHUNK = 1024  # draws times flows integrated at once: more nodes would not fit the processor's cache


@functools.cache
def gauss_rule(nodes: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Nodes and weights of Gauss and Legendre on -1 to 1."""
    return tuple(tuple(x.tolist()) for x in np.polynomial.legendre.leggauss(nodes))


@dataclass(frozen=True, eq=False)
class Source:
    """One stream of exchanges: a timer with a period [s] or Poisson events with a rate [1/s].

    Each exchange moves `bytes_up` and `bytes_down` [B] and keeps the air busy for `burst_s` [s]; a burst of
    0 is an instant. Numbers broadcast: a single one or a (draws, 1) array. A rate of 0 never happens.
    """

    period_s: float | None = None
    rate_per_s: float | None = None
    bytes_up: float = 0.0
    bytes_down: float = 0.0
    burst_s: float = 0.0

    def __post_init__(self) -> None:
        if (self.period_s is None) == (self.rate_per_s is None):
            both = "neither" if self.period_s is None else "both"
            checks.fail(f"a source must have either period_s or rate_per_s; got {both}")
        if self.period_s is not None:
            checks.positive("period_s", self.period_s, "s")
        else:
            checks.non_negative("rate_per_s", self.rate_per_s, "1/s")
        for name, unit in (("bytes_up", "B"), ("bytes_down", "B"), ("burst_s", "s")):
            checks.non_negative(name, getattr(self, name), unit)


def trusted(**fields) -> Source:
    """A source of numbers that were checked before: a pass over many draws is saved for each of them."""
    flow = object.__new__(Source)
    flow.__dict__.update(
        {"period_s": None, "rate_per_s": None, "bytes_up": 0.0, "bytes_down": 0.0, "burst_s": 0.0, **fields}
    )
    return flow


def flows_of(sources: Source | Iterable[Source], what: str = "sources") -> tuple[Source, ...]:
    """The sources as a tuple; a single one may be given as it is."""
    flows = (sources,) if isinstance(sources, Source) else tuple(sources)
    for flow in flows:
        if not isinstance(flow, Source):
            checks.fail(f"{what} must be radio.Source objects; got {checks.shown(flow)}")
    return flows


def rate_per_s(flow: Source):
    """How often an exchange of the flow happens [1/s]."""
    if flow.period_s is None:
        return flow.rate_per_s
    return 1.0 / np.asarray(flow.period_s, dtype=float)


def bytes_w(profile: Radio, flow: Source):
    """Power that the bytes of a flow take by themselves [W]."""
    return rate_per_s(flow) * (
        np.asarray(flow.bytes_up) * profile.up_j_per_byte + np.asarray(flow.bytes_down) * profile.down_j_per_byte
    )


def ages_of(flows: Sequence[Source], age_s) -> list:
    """One age for each flow [s]: a list is taken as it is, a single one stands for all."""
    return age_s if isinstance(age_s, list) else [age_s] * len(flows)


class Quiet:
    """P(no exchange ended less than an age ago) over independent phases, for many ages of the same flows.

    S(a) = product of (1 - (a + burst)/T), 0 beyond T, over timers, times exp(-rate (a + burst)) over events.
    Draws are many and the ages few, so that all that does not depend on the age is kept, and the memory.
    """

    def __init__(self, flows: Sequence[Source]) -> None:
        self.timers, self.events = [], []
        for i, flow in enumerate(flows):
            often = flow.rate_per_s if flow.period_s is None else np.divide(1.0, flow.period_s)
            into = self.events if flow.period_s is None else self.timers
            begun = np.multiply(often, flow.burst_s) if np.any(flow.burst_s) else 0.0
            into.append((i, np.asarray(often, dtype=float), begun))
        self.bursts = any(np.any(flow.burst_s) for flow in flows)
        self.memory: dict = {}

    def _room(self, *parts) -> np.ndarray | None:
        """Memory for a result of these shapes, taken again at the next age; None for single numbers."""
        shape = np.broadcast_shapes(*(np.shape(x) for x in parts))
        if shape and shape not in self.memory:
            self.memory[shape] = np.empty(shape)
        return self.memory.get(shape)

    def at(self, age_s):
        """S at an age [s]; a list has one for each flow."""
        ages = age_s if isinstance(age_s, list) else None
        early = any(np.any(np.asarray(age) < 0.0) for age in ([age_s] if ages is None else ages))
        single, many = 1.0, None
        for i, often, begun in self.timers:
            age = age_s if ages is None else ages[i]
            room = self._room(often, begun, age)
            if room is None:
                single *= min(max(1.0 - float(often) * float(age) - float(begun), 0.0), 1.0)
                continue
            np.multiply(often, np.negative(age), out=room)
            np.add(room, 1.0 - begun, out=room)
            np.maximum(room, 0.0, out=room)
            if early:
                np.minimum(room, 1.0, out=room)
            if many is None:
                many = room.copy()
            else:
                many = np.multiply(many, room, out=many if many.shape == room.shape else None)
        exponent = None
        for i, often, begun in self.events:
            come = often * np.negative(age_s if ages is None else ages[i]) - begun
            come = np.minimum(come, 0.0) if early else come
            exponent = come if exponent is None else exponent + come
        if exponent is not None:
            decay = np.exp(exponent)
            many = decay if many is None else many * decay
        if many is None:
            return single
        return many if single == 1.0 else np.multiply(many, single)


def survival(flows: Sequence[Source], age_s):
    """S at one age [s], or one for each flow: see `Quiet`."""
    return Quiet(flows).at(age_s)


def hazard_per_s(flow: Source, age_s):
    """-S'/S of one flow [1/s]: how soon its quiet ends; 0 where no quiet is left or the burst still runs."""
    past_s = np.add(age_s, flow.burst_s)
    if flow.period_s is None:
        return np.where(past_s >= 0.0, flow.rate_per_s, 0.0)[()]
    left_s = np.asarray(flow.period_s - past_s, dtype=float)
    return np.divide(1.0, left_s, out=np.zeros(left_s.shape), where=(left_s > 0.0) & (past_s >= 0.0))[()]


def gaps_per_s(flows: Sequence[Source], age_s) -> list:
    """Gaps longer than an age that each flow begins (or ends), a second: -S_i' x product of the other S_j."""
    quiet = survival(flows, age_s)
    return [quiet * hazard_per_s(flow, age) for flow, age in zip(flows, ages_of(flows, age_s), strict=True)]


def last_share(flows: Sequence[Source], start_s, length_s, moves=True) -> np.ndarray:
    """Integral of -S_i' x product of the other S_j over a stretch of ages, for each flow i.

    The share of time in that stretch whose last exchange was flow i's. A list of starts has one for each
    flow; a flow that does not move keeps its age and takes no share. Each integrand is a polynomial times
    exponentials between the points where a timer runs out, so that Gauss-Legendre between those points is
    exact to rounding. Shape (flows, broadcast of all numbers).
    """
    starts = ages_of(flows, start_s)
    moving = moves if isinstance(moves, list) else [moves] * len(flows)
    poisson = sum((flow.rate_per_s for flow in flows if flow.period_s is None), 0.0)
    quick = np.divide(1.0, poisson, out=np.full(np.shape(poisson), np.inf), where=np.asarray(poisson) > 1e-300)
    cuts = [0.0, length_s, *(c * quick for c in DECAY)]
    fields: list = []
    for flow, start, move in zip(flows, starts, moving, strict=True):
        begins = -np.add(start, flow.burst_s)  # before it the burst still runs
        cuts.append(begins)
        if flow.period_s is not None:
            cuts.append(begins + flow.period_s)
        fields.append((flow.rate_per_s if flow.period_s is None else flow.period_s, flow.burst_s, start, move))
    order = sorted(range(len(flows)), key=lambda i: flows[i].period_s is None)  # timers, then events
    numbers = [*cuts, *(fields[i][k] for k in range(4) for i in order)]
    shape = np.broadcast_shapes(*(np.shape(x) for x in numbers))
    flat = stacked(numbers, shape).reshape(len(numbers), -1)
    timers, size = sum(flow.period_s is not None for flow in flows), flat.shape[1]
    out, step = np.empty((len(flows), size)), max(1, CHUNK // max(len(flows), 1))
    for k in range(0, size, step):
        part = flat[:, k : k + step, None]
        out[order, k : k + step] = _integrated(
            timers, part[: len(cuts)], part[len(cuts) :].reshape(4, len(flows), -1, 1, 1)
        )
    return out.reshape((len(flows), *shape))


def stacked(values: Sequence, shape: tuple) -> np.ndarray:
    """The values one after another, each broadcast to the shape."""
    found = np.empty((len(values), *shape))
    for k, value in enumerate(values):
        found[k] = value
    return found


def _integrated(timers: int, cuts: np.ndarray, fields: np.ndarray) -> np.ndarray:
    """The integrals for all flows at once, the timers before the events: (flows, draws).

    Numbers are (cuts, draws, 1); fields are period or rate, burst, start and whether it moves, each (flows,
    draws, 1, 1).
    """
    edges = np.sort(np.clip(cuts, 0.0, cuts[1]), axis=0)
    half = np.diff(edges, axis=0) / 2
    wide = (half > 0.0).any(axis=(1, 2))  # most timers run out elsewhere: few stretches have any width
    half, begin = (np.moveaxis(x, 0, 1) for x in (half[wide], edges[:-1][wide]))
    often, burst_s, start_s, moves = fields
    count = timers // 2 + 1 if timers == len(often) else max(12, timers // 2 + 8)
    nodes, weights = map(np.array, gauss_rule(count))
    past_s = burst_s + start_s + moves * (begin + half * (1 + nodes))  # (flows, draws, stretches, nodes)
    begun, left_s = past_s >= 0.0, often[:timers] - past_s[:timers]
    runs = begun[:timers] & (left_s > 0.0)
    hazard = np.where(begun, often, 0.0)
    hazard[:timers] = np.divide(1.0, left_s, out=np.zeros(left_s.shape), where=runs)
    quiet = np.clip(left_s / often[:timers], 0.0, 1.0).prod(axis=0) * half * weights
    if timers < len(often):
        quiet = quiet * np.exp(-(often[timers:] * np.maximum(past_s[timers:], 0.0)).sum(axis=0))
    return np.einsum("dsn,fdsn->fd", quiet, hazard) * moves[:, :, 0, 0]


def is_big(profile: Radio, flow: Source):
    """Whether the flow's packets are above a size threshold; all are where the network has none."""
    if not profile.low_state:
        return True
    return (np.asarray(flow.bytes_up) > profile.up_threshold_bytes) | (
        np.asarray(flow.bytes_down) > profile.down_threshold_bytes
    )
