"""Many mixes of the same sources on one radio: what each adds, and what a session's start and end cost."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model.radio.fall import climbs, fall_of
from model.radio.figures import idle_w, tail_energy_j
from model.radio.library import radio_of
from model.radio.states import IDLE, Radio, promotion_of
from model.radio.survival import Source, bytes_w, gauss_rule

__all__ = ["Mixes"]

NODES = ((1.0, 3), (3.0, 5), (9.0, 9))  # Poisson events in a stretch -> nodes that leave 1e-5 of it, odd
MOST_NODES, FADED = 21, 40.0


def _least(x, y):
    return min(x, y) if type(x) is float and type(y) is float else np.minimum(x, y)


def _most(x, y):
    return max(x, y) if type(x) is float and type(y) is float else np.maximum(x, y)


def _exp(x):
    return math.exp(x) if type(x) is float else np.exp(x)


def _is_one(x) -> bool:
    return type(x) is float and x == 1.0


def _single(value):
    """A number as Python's own float, which is an order of magnitude quicker, or the array as it is."""
    return float(value) if np.ndim(value) == 0 else value


def _halves(nodes: int) -> list[tuple[float, float]]:
    """Nodes of a rule from 0 on with their weights: the rest is their mirror image."""
    return [(x if x > 1e-9 else 0.0, w) for x, w in zip(*gauss_rule(nodes), strict=True) if x > -1e-9]


class Mixes:
    """Power and session ends of many mixes of some sources; a source's part is worked out once for all.

    A mix is a tuple of numbers of sources. All numbers of the sources broadcast.
    """

    def __init__(self, profile: Radio | str, sources: Sequence[Source]) -> None:
        self.profile, self.sources = radio_of(profile), tuple(sources)
        self.way = fall_of(self.profile, self.sources)
        self.steps = [_single(step_w) for step_w, _ in self.way.edges()]
        self.plain = all(b is True for b in self.way.big) and not self._climbs_apart()
        self.timers: dict[int, tuple] = {}
        self.events: dict[int, tuple] = {}
        self.memory: dict[tuple, object] = {}
        for i, flow in enumerate(self.sources):
            often = flow.rate_per_s if flow.period_s is None else np.divide(1.0, flow.period_s)
            if flow.period_s is None:
                self.events[i] = _single(often), _single(np.multiply(often, flow.burst_s))
            else:  # how often, and the age at which it fires
                self.timers[i] = _single(often), _single(np.subtract(flow.period_s, flow.burst_s))
        self.silent = [
            all(type(x) is float and not x for x in (flow.bytes_up, flow.bytes_down)) for flow in self.sources
        ]
        self.bursts = any(np.any(flow.burst_s) for flow in self.sources)

    def _climbs_apart(self) -> bool:
        """Whether climbs are found that no step of the fall holds (3G)."""
        return bool(self.sources) and bool(climbs(self.profile, self.way, self.sources))

    def once(self, key: tuple, work):
        if key not in self.memory:
            self.memory[key] = work()
        return self.memory[key]

    # ------------------------------------------------------------------------------------- chance of quiet

    def quiet(self, mix: tuple[int, ...], step: int):
        """P(every source of the mix has been quiet for its age at the end of a step of the fall)."""
        timers, events = self._apart(mix)
        return self._chain(events, timers, step)

    def _apart(self, mix: tuple[int, ...]) -> tuple:
        """The timers and the events of a mix, in order, so that mixes that begin alike share their work."""
        return self.once(
            ("apart", mix),
            lambda: tuple(tuple(i for i in sorted(mix) if i in kind) for kind in (self.timers, self.events)),
        )

    def _chain(self, events: tuple, timers: tuple, step: int):
        if timers:
            return self.once(
                (events, timers, step), lambda: self._chain(events, timers[:-1], step) * self._timer(timers[-1], step)
            )
        if not events:
            return 1.0
        ages = self.way.ages[step]
        return self.once((events, step), lambda: self._silent(events, [ages[i] for i in events]))

    def _timer(self, i: int, step: int):
        return self.once((i, step), lambda: self._left(i, self.way.ages[step][i]))

    def _left(self, i: int, age_s):
        often, end_s = self.timers[i]
        return _most((end_s - age_s) * often, 0.0)

    def _silent(self, events: tuple, ages: list):
        if self.plain:
            rate, begun = self._rates(events)
            return _exp(-(rate * ages[0] + begun))
        return _exp(-sum(self.events[i][0] * age + self.events[i][1] for i, age in zip(events, ages, strict=True)))

    def _rates(self, events: tuple):
        """Rate of any of these events, and the share of time that their bursts run."""
        if len(events) < 2:
            return self.events[events[0]] if events else (0.0, 0.0)
        return self.once(
            ("rates", events),
            lambda: tuple(x + y for x, y in zip(self._rates(events[:-1]), self.events[events[-1]], strict=True)),
        )

    # ----------------------------------------------------------------------------------------------- power

    def added_w(self, front: tuple[int, ...], behind: tuple[int, ...] = ()):
        """Mean power above idle that one mix adds to another that is there anyway: see `mean_power_w`."""
        return self.added_j([(1.0, front, behind)])

    def added_j(self, mixes: Sequence[tuple]):
        """Energy that mixes add while each runs for its seconds over what is there anyway [J].

        Parameters are triples: seconds, the mix, and the mix behind it. Whatever they have in common, and the
        step of power that all of them share, is worked out once.
        """
        mixes = [(seconds, (*front, *behind), behind) for seconds, front, behind in mixes if front]
        total = 0.0
        for step, step_w in enumerate(self.steps):
            if (step == 0 and not self.bursts) or (type(step_w) is float and not step_w):
                continue  # without bursts nothing is ever on air for a while
            quieter_s = 0.0
            for seconds, both, behind in mixes:
                change = self.quiet(both, step) - self.quiet(behind, step)
                quieter_s = quieter_s + (change if _is_one(seconds) else seconds * change)
            total = total + step_w * quieter_s
        if not self.plain:
            total = total + sum(
                seconds * (self._climbs_w(both) - self._climbs_w(behind)) for seconds, both, behind in mixes
            )
        return total + self._bytes_j(mixes)

    def _bytes_j(self, mixes: list[tuple]):
        """Energy of the bytes: sources that run in the same mixes are taken together."""
        alike: dict[tuple, list] = {}
        for i in sorted({i for _, both, _ in mixes for i in both}):
            if self.silent[i]:
                continue
            where = tuple(k for k, (_, both, behind) in enumerate(mixes) if i in both and i not in behind)
            alike.setdefault(where, []).append(i)
        total = 0.0
        for where, numbers in alike.items():
            if where:
                bytes_of_w = sum(_single(bytes_w(self.profile, self.sources[i])) for i in numbers)
                total = total + bytes_of_w * sum(mixes[k][0] for k in where)
        return total

    def _climbs_w(self, mix: tuple):
        part = [self.sources[i] for i in mix]
        way = self.way._replace(
            ages=[[ages[i] for i in mix] for ages in self.way.ages],
            big=[self.way.big[i] for i in mix],
            moves=[[moves[i] for i in mix] for moves in self.way.moves],
        )
        return sum((c.extra_w * c.share for c in climbs(self.profile, way, part)), 0.0)

    # ------------------------------------------------------------------------- start and end of a session

    def promotion_j(self):
        """Energy above idle of the climb from idle to the top [J]."""
        return self.once(("climb",), self._promotion_j)

    def _promotion_j(self):
        delay_s, power_w = promotion_of(self.profile, IDLE, self.profile.states[0].name)
        return delay_s * (power_w - idle_w(self.profile))

    def first_promotion_j(self, front: tuple[int, ...], behind: tuple[int, ...] = ()):
        """What a session's first exchange costs more than one at a random time: it finds the radio idle.

        The closed form counts its promotion with the chance S(tau + d) only.
        """
        last = len(self.steps) - 1
        return self.promotion_j() * (self.quiet(behind, last) - self.quiet((*front, *behind), last))

    def last_tail_j(self, stopping: tuple[int, ...], staying: tuple[int, ...] = (), stay_s=math.inf):
        """Energy above idle of the tail that runs on when some sources stop and others stay for a while.

        Sum over the steps of the fall of -(change of power) x S_staying(a) x integral of 1 - S_stopping over
        the last `stay_s` [s] before a: whoever leaves the app finds the radio at the age a with the chance
        -S'(a), and the rest of its tail is still to come.
        """
        if not stopping:
            return 0.0
        total = 0.0
        for state in range(1, self.way.idle_at + 1):
            still_s = self._still_s(stopping, state, stay_s)
            fall_w = self.once(("fall", staying, state), lambda k=state: self._fall_w(staying, k))
            total = total + fall_w * still_s
        return total

    def _fall_w(self, staying: tuple, state: int):
        """The fall of power at the end of a state, of the promotion as well behind the last one."""
        steps = range(state, len(self.steps)) if state == self.way.idle_at else (state,)
        return -sum(self.steps[k] * self.quiet(staying, k) for k in steps)

    def close_j(self, stopping: tuple[int, ...], staying: tuple[int, ...], stay_s):
        """Energy above idle of the exchange that closes a socket: its promotion where idle, a whole tail."""
        last = len(self.steps) - 1
        cold = self.quiet(staying, last)
        ages = {i: self._yet_s(self.way.ages[last][i], stay_s) for i in stopping[: 1 if self.plain else None]}
        if any(np.any(age) for age in ages.values()):
            timers, events = self._apart(stopping)
            ages = {i: ages.get(i, ages[stopping[0]]) for i in stopping}
            for i in timers:
                cold = cold * self._left(i, ages[i])
            cold = cold * self._silent(events, [ages[i] for i in events]) if events else cold
        return self.promotion_j() * cold + self.once(("tail",), lambda: tail_energy_j(self.profile))

    def _yet_s(self, age_s, stay_s):
        """What is left of an age when the time is over; 0 where it always ends before."""
        return 0.0 if np.min(stay_s) >= np.max(age_s) else _most(age_s - stay_s, 0.0)

    def _still_s(self, mix: tuple, state: int, stay_s):
        """Integral of 1 - S over the ages that have yet to pass before a state ends, `stay_s` at most [s]."""
        ages = [self.way.ages[state][i] for i in mix]
        end_s = ages[0] if self.plain else np.max(np.stack(np.broadcast_arrays(*ages)), axis=0)[()]
        from_s = self._yet_s(end_s, stay_s)
        span_s = end_s if type(from_s) is float and not from_s else end_s - from_s
        if not self.plain:
            return span_s - self._quiet_apart_s(mix, ages, span_s)
        return span_s - self._quiet_s(mix, from_s, end_s)

    def _quiet_s(self, mix: tuple, from_s, end_s):
        """Integral of S over ages: polynomials times an exponential, up to where the first timer fires."""
        numbers, events = self._apart(mix)
        timers, (rate, begun) = [self.timers[i] for i in numbers], self._rates(events)
        for _, fires_s in timers:
            end_s = _least(end_s, fires_s)
        half_s = _most(end_s - from_s, 0.0) * 0.5
        fading, nodes = half_s * rate, len(timers) // 2 + 1  # as many are exact for timers alone
        if events:
            come = 2.0 * float(np.max(fading))
            nodes = next((n for most, n in NODES if come <= most), MOST_NODES)
            if come > FADED:
                half_s = _least(half_s, FADED / 2.0 / _most(rate, FADED * 1e-9))
                fading = half_s * rate
        middle_s = half_s + from_s
        faded = _exp(-(rate * from_s + begun + fading)) if events else 1.0
        total = 0.0
        for node, weight in _halves(nodes):
            aside = _exp(fading * -node) if events and node else 1.0  # of a pair of nodes, one is the inverse
            for side in (1.0, -1.0) if node else (1.0,):
                left = faded if not (events and node) else faded * aside if side > 0 else faded / aside
                age_s = half_s * (side * node) + middle_s if node else middle_s
                for _, fires_s in timers:
                    left = left * (fires_s - age_s)
                total = total + left * weight
        for often, _ in timers:
            total = total * often
        return total * half_s

    def _quiet_apart_s(self, mix: tuple, ages: list, span_s):
        """The same where big and small packets have ages of their own: by many nodes, not exact at kinks."""
        total = 0.0
        for node, weight in zip(*gauss_rule(MOST_NODES), strict=True):
            gone_s = span_s * (1.0 + node) / 2.0
            left = 1.0
            for i, age_s in zip(mix, ages, strict=True):
                age_s = _most(age_s - gone_s, 0.0)
                left = left * (self._left(i, age_s) if i in self.timers else self._silent((i,), [age_s]))
            total = total + weight * left
        return total * span_s / 2.0
