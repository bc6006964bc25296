"""Sources of packets, and the chance S(a) that none of them has sent anything for a time a."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from model import checks
from model.radio.states import Number, Radio

EVENTS = (10.0, 20.0, 40.0)  # an integral is cut where so many Poisson events have come: S falls steeply there
NODES = ((0.01, 2), (0.1, 3), (0.5, 4), (1.5, 5), (4.0, 7), (10.0, 12))  # events in a piece -> nodes for 1e-10
TINY = 1e-300


@dataclass(frozen=True, eq=False)
class Source:
    """One stream of exchanges: a timer with a period [s] or Poisson events with a rate [1/s].

    Each exchange moves `bytes_up` and `bytes_down` [B] and keeps the air busy for `burst_s` [s]; a burst of
    0 is an instant. Numbers broadcast: a single one or a (draws, 1) array. A rate of 0 never happens.
    """

    period_s: Number | None = None
    rate_per_s: Number | None = None
    bytes_up: Number = 0.0
    bytes_down: Number = 0.0
    burst_s: Number = 0.0

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

    @property
    def often_per_s(self) -> Number:
        """How often an exchange happens [1/s]."""
        if self.period_s is not None:
            return np.divide(1.0, self.period_s)
        return 0.0 if self.rate_per_s is None else self.rate_per_s


def trusted(**fields: Any) -> Source:
    """A source of numbers that were checked before; checking 131,072 draws again takes 5 % of a run over them."""
    source = object.__new__(Source)
    source.__dict__.update(fields)
    return source


def sources_of(sources: Source | Iterable[Source], what: str = "sources") -> tuple[Source, ...]:
    """The sources as a tuple; a single one may be given as it is."""
    several = (sources,) if isinstance(sources, Source) else tuple(sources)
    for source in several:
        if not isinstance(source, Source):
            checks.fail(f"{what} must be radio.Source objects; got {checks.shown(source)}")
    return several


def bytes_w(profile: Radio, source: Source) -> Number:
    """Power that the bytes of a source take by themselves [W]."""
    if not (some(source.bytes_up) or some(source.bytes_down)):
        return 0.0
    return source.often_per_s * (
        np.multiply(source.bytes_up, profile.up_j_per_byte) + np.multiply(source.bytes_down, profile.down_j_per_byte)
    )


def single(value: Any) -> Any:
    """A number as Python's own float, which is an order of magnitude quicker, or the array as it is."""
    return float(value) if np.ndim(value) == 0 else value


def least(x: Any, y: Any) -> Any:
    return min(x, y) if isinstance(x, float) and isinstance(y, float) else np.minimum(x, y)


def most(x: Any, y: Any) -> Any:
    return max(x, y) if isinstance(x, float) and isinstance(y, float) else np.maximum(x, y)


def some(x: Any) -> bool:
    """Whether a number is not 0 in any draw."""
    return bool(x) if isinstance(x, float) else bool(np.any(x))


def _exp(x: Any) -> Any:
    return math.exp(x) if isinstance(x, float) else np.exp(x)


@functools.cache
def _rule(nodes: int) -> list[tuple[float, float]]:
    """Nodes and weights of Gauss and Legendre on 0 to 1."""
    return [
        ((1.0 + float(x)) / 2.0, float(w) / 2.0) for x, w in zip(*np.polynomial.legendre.leggauss(nodes), strict=True)
    ]


class Quiet:
    """S(a): the chance that every source of a mix has been quiet for a time a, its last exchange included.

    S(a) = product over timers of 1 - (a + burst)/T, 0 beyond T, times exp(-rate (a + burst)) over Poisson
    events; phases are independent. A mix is a tuple of numbers of sources. A source with a lag has the age a
    less its lag, and 0 before. `ends` are ages at which S is needed often: each product is kept there.
    Source: cox1962 (superposition of renewal processes).
    """

    def __init__(self, sources: Sequence[Source], ends: Sequence[Number], lags: Sequence[Number] = ()) -> None:
        self.ends, self.lags = [single(end_s) for end_s in ends], lags or [0.0] * len(sources)
        self.timed = [source.period_s is not None for source in sources]
        self.often = [single(source.often_per_s) for source in sources]
        self.bursts = [single(source.burst_s) for source in sources]
        self.fires = [math.inf if s.period_s is None else single(np.subtract(s.period_s, s.burst_s)) for s in sources]
        self.lagging = any(some(lag_s) for lag_s in self.lags)
        self.memory: dict[tuple, Any] = {}

    def _once(self, key: tuple, work: Callable[[], Any]) -> Any:
        if key not in self.memory:
            self.memory[key] = work()
        return self.memory[key]

    def _apart(self, mix: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The timers and the events of a mix, in order, so that mixes that begin alike share their work."""
        return self._once(
            ("apart", mix),
            lambda: tuple(tuple(i for i in sorted(mix) if self.timed[i] is kind) for kind in (True, False)),
        )

    def at_end(self, mix: tuple[int, ...], step: int, timer: int | None = None) -> Number:
        """S at the age `ends[step]`, at a random moment or at one when a timer of the mix fires."""
        if timer is not None:
            others = tuple(i for i in mix if i != timer)
            return self.at_end(others, step) * (self._left(timer, self.ends[step]) > 0.0)
        return self._once((mix, step), lambda: self._product(*self._apart(mix), step))

    def _product(self, timers: tuple[int, ...], events: tuple[int, ...], step: int) -> Number:
        if not timers:
            return self._once((events, step), lambda: self._silent(events, self.ends[step]))
        *others, last = timers
        return self._once(
            (timers, events, step),
            lambda: (
                self._product(tuple(others), events, step)
                * self._once((last, step), lambda: self._left(last, self.ends[step]))
            ),
        )

    def at(self, mix: tuple[int, ...], age_s: Number) -> Number:
        """S at any age of 0 or more."""
        timers, events = self._apart(mix)
        quiet = self._silent(events, age_s)
        for i in timers:
            quiet = quiet * self._left(i, age_s)
        return quiet

    def _age(self, i: int, age_s: Number) -> Number:
        """The age of one source; below 0 its burst is still on air."""
        return most(age_s - self.lags[i], least(age_s, 0.0)) if self.lagging else age_s

    def _left(self, i: int, age_s: Number) -> Number:
        """S of one timer."""
        return most((self.fires[i] - self._age(i, age_s)) * self.often[i], 0.0)

    def _silent(self, events: tuple[int, ...], age_s: Number) -> Number:
        """S of some Poisson events."""
        if not events:
            return 1.0
        if self.lagging:
            return _exp(-sum(self.often[i] * (self._age(i, age_s) + self.bursts[i]) for i in events))
        rate, begun = self._rates(events)
        return _exp(-(rate * age_s + begun))

    def _rates(self, events: tuple[int, ...]) -> tuple[Number, Number]:
        """How often any of these events comes [1/s], and how many of their bursts are on air, on average."""
        if not events:
            return 0.0, 0.0
        *others, last = events

        def more() -> tuple[Number, Number]:
            rate, begun = self._rates(tuple(others))
            return rate + self.often[last], begun + self.often[last] * self.bursts[last]

        return self._once(("rates", events), more)

    def gaps_per_s(self, mix: tuple[int, ...], age_s: Number) -> dict[int, Number]:
        """How often each source begins a gap longer than an age [1/s]: -S_i' x product of the other S_j."""
        gaps = {}
        for i in mix:
            others = tuple(j for j in mix if j != i) if self.timed[i] else mix
            runs = self._left(i, age_s) > 0.0 if self.timed[i] else True
            gaps[i] = self.often[i] * self.at(others, age_s) * runs
        return gaps

    # ------------------------------------------------------------------------------------------ integrals

    def seconds(self, mix: tuple[int, ...], from_s: Number, to_s: Number) -> Number:
        """Integral of S between two ages of 0 or more [s]."""
        timers, events = self._apart(mix)
        total: Any = 0.0
        for age_s, weight_s in self._nodes(mix, from_s, to_s):
            quiet = weight_s * self._silent(events, age_s) if events else weight_s
            for i in timers:  # none has fired yet
                quiet = quiet * (self.fires[i] - self._age(i, age_s))
            total = total + quiet
        for i in timers:
            total = total * self.often[i]
        return total

    def last_shares(self, mix: tuple[int, ...], from_s: Number, to_s: Number) -> dict[int, Number]:
        """Share of time in which the last exchange ended between two ages ago and was that of each source.

        The integral of -S_i' x product of the other S_j. Below an age of 0 the exchange is still on air.
        """
        shares: dict[int, Number] = dict.fromkeys(mix, 0.0)
        for age_s, quiet in self._nodes(mix, from_s, to_s):
            come, soon = 0.0, {}
            for i in mix:
                past_s = self._age(i, age_s) + self.bursts[i]
                soon[i] = self.often[i] * (past_s > 0.0)
                if self.lagging:
                    soon[i] = soon[i] * ((age_s >= self.lags[i]) | (age_s < 0.0))
                if self.timed[i]:
                    left = least(most(1.0 - past_s * self.often[i], 0.0), 1.0)
                    quiet, soon[i] = quiet * left, soon[i] / most(left, TINY)
                else:
                    come = come + self.often[i] * most(past_s, 0.0)
            quiet = quiet * _exp(-come)
            for i in mix:
                shares[i] = shares[i] + quiet * soon[i]
        return shares

    def _nodes(self, mix: tuple[int, ...], from_s: Number, to_s: Number) -> Iterator[tuple[Number, Number]]:
        """Ages and weights that integrate S: the rule of Gauss and Legendre on each piece without a kink.

        There S is a polynomial times an exponential, and the rule is right to 1e-10. S is 0 beyond the age at
        which the first timer must have fired.
        """
        timers, events = self._apart(mix)
        rate, _ = self._rates(events)
        for i in timers:
            to_s = least(to_s, self.fires[i] + self.lags[i])
        to_s = most(to_s, from_s)  # a burst longer than its period ends at no age of the tail
        kinks = [-self.bursts[i] for i in mix] if some(from_s < 0.0) else []
        kinks += [self.fires[i] for i in timers if some(self.fires[i] < 0.0)]
        kinks += [self.lags[i] for i in mix if self.lagging]
        come = _greatest(rate * (to_s - from_s)) if events else 0.0
        if come > EVENTS[0]:
            kinks += [from_s + events_come / most(rate, TINY) for events_come in EVENTS]
        for start_s, end_s in pairwise(_in_order(from_s, kinks, to_s)):
            span_s = end_s - start_s
            if kinks and not some(span_s):
                continue
            come = _greatest(rate * span_s) if events and kinks else come
            more = next((n for events_at_most, n in NODES if come <= events_at_most), NODES[-1][1]) if events else 1
            for node, weight in _rule(len(timers) // 2 + more):
                yield start_s + span_s * node, span_s * weight


def _greatest(x: Any) -> float:
    return x if isinstance(x, float) else float(np.max(x))


def _in_order(from_s: Number, kinks: list, to_s: Number) -> list:
    """The start, the kinks between, and the end, in order in every draw."""
    values = [from_s, *(most(least(kink, to_s), from_s) for kink in kinks), most(to_s, from_s)]
    if len(values) == 2:
        return values
    if all(isinstance(x, float) for x in values):
        return sorted(values)
    return list(np.sort(np.stack(np.broadcast_arrays(*values)), axis=0))
