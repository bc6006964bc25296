"""The closed form: mean power of independent sources, its split by source, and the ends of a session."""

from __future__ import annotations

import functools
import math
from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from model.radio.fall import Climb, fall_of
from model.radio.library import idle_w, radio_of, tail_energy_j
from model.radio.quiet import Quiet, Source, bytes_w, most, single, some, sources_of
from model.radio.states import IDLE, Number, Radio, promotion_of

Mix = tuple[int, ...]


class Mixes:
    """Power of many mixes of the same sources, and what the start and end of a session cost.

    A mix is a tuple of numbers of sources. What mixes share is worked out once. All numbers broadcast.
    """

    def __init__(self, profile: Radio | str, sources: Sequence[Source]) -> None:
        self.profile, self.sources = radio_of(profile), tuple(sources)
        self.fall = fall_of(self.profile, self.sources)
        self.steps_w = [single(after - before) for before, after in pairwise((*self.fall.powers, 0.0))]
        self.air = Quiet(self.sources, self.fall.ends, self.fall.lags)
        self.bursts = any(some(burst_s) for burst_s in self.air.bursts)

    def quiet(self, mix: Mix, step: int) -> Number:
        """Chance that every source of a mix has been quiet until the end of a step of the fall."""
        return self.air.at_end(mix, step)

    # ------------------------------------------------------------------------------------------- power

    def added_w(self, front: Mix, behind: Mix = ()) -> Number:
        """Mean power above idle that one mix adds to another that is there anyway: see `mean_power_w`."""
        return self.added_j([(1.0, front, behind)])

    def added_j(self, mixes: Iterable[tuple[Any, Mix, Mix]]) -> Number:
        """Energy that mixes add, each given as its seconds, the mix, and the mix that runs behind it anyway [J].

        Sum over the steps of the fall of the change of power at a step's end x the change of S there, plus the
        bytes.
        """
        runs = [(seconds, (*front, *behind), behind, front) for seconds, front, behind in mixes if front]
        total: Any = 0.0
        for step, step_w in enumerate(self.steps_w):
            if step == 0 and not self.bursts:
                continue  # without bursts nothing is ever on air for a while
            total = total + step_w * sum(
                (s * (self.quiet(both, step) - self.quiet(behind, step)) for s, both, behind, _ in runs), 0.0
            )
        for seconds, both, behind, front in runs:
            bytes_of_w = sum((self._bytes_w[i] for i in front), 0.0)
            if some(bytes_of_w):
                total = total + seconds * bytes_of_w
            for climb in self.fall.climbs:
                shares = (sum(self._shares(climb, mix).values(), 0.0) for mix in (both, behind))
                total = total + seconds * climb.extra_w * (next(shares) - next(shares))
        return total

    @functools.cached_property
    def _bytes_w(self) -> list[Number]:
        return [bytes_w(self.profile, source) for source in self.sources]

    def added_by_source_w(self, front: Mix, behind: Mix = ()) -> list[Number]:
        """The same power split by the sources of the front mix: see `power_by_source_w`."""
        drops_w = [-step_w * self.quiet(behind, step) for step, step_w in enumerate(self.steps_w)]
        longest_s = functools.reduce(most, (self.air.bursts[i] for i in front), 0.0)
        parts = {i: self._bytes_w[i] for i in front}
        awake: dict[int, Any] = dict.fromkeys(front, 0.0)
        for step, (start_s, end_s) in enumerate(pairwise((-longest_s, *self.air.ends))):
            above_w = sum(drops_w[step:])
            for i, share in self.air.last_shares(front, start_s, end_s).items():
                parts[i] = parts[i] + share * above_w
                awake[i] = awake[i] + (share if step <= self.fall.idle_at else 0.0)
        for climb in self.fall.climbs:
            together, alone = self._shares(climb, (*front, *behind)), self._shares(climb, behind)
            spared = sum(
                (together[i] - alone[i] for i in behind), 0.0
            )  # climbs that the others take from the background
            whole = sum(awake.values())
            for i in front:
                portion = np.divide(awake[i], whole, out=np.zeros(np.shape(whole)), where=np.asarray(whole) > 0)
                parts[i] = parts[i] + (together[i] + portion * spared) * climb.extra_w
        return [parts[i] for i in front]

    def _shares(self, climb: Climb, mix: Mix) -> dict[int, Any]:
        """Share of time that each source of a mix makes the radio spend in a climb.

        A packet that finds a state spends min(delay, time of the gap in that state) climbing. Summed over gaps
        that is the time in the first `room_s` of the state, less `room_s` x the gaps that outlast it. The time
        is counted for the source that began the gap: read backwards in time, that is the one that ended it.
        """
        shares = self.air.last_shares(mix, climb.from_s, climb.from_s + climb.room_s)
        lost = self.air.gaps_per_s(mix, self.air.ends[self.fall.idle_at]) if climb.ends else {}
        return {i: (shares[i] - lost.get(i, 0.0) * climb.room_s) * climb.by[i] for i in mix}

    def shares_of_time(self, mix: Mix) -> dict[str, Any]:
        """Share of time that the radio spends in bursts, in each state and in promotions under a mix."""
        quiet = [1.0, *(self.quiet(mix, step) for step in range(len(self.steps_w)))]
        spent: dict[str, Any] = dict.fromkeys(("active", *(s.name for s in self.profile.states), "promotion"), 0.0)
        for name, (before, after) in zip(self.fall.names, pairwise(quiet), strict=True):
            spent[name] = before - after
        spent[IDLE] = quiet[-1]
        for climb in self.fall.climbs:
            share = sum(self._shares(climb, mix).values(), 0.0)
            spent["promotion"], spent[climb.out_of] = spent["promotion"] + share, spent[climb.out_of] - share
        return spent

    # --------------------------------------------------------------------- start and end of a session

    def promotion_j(self) -> Number:
        """Energy above idle of the climb from idle to the top [J]."""
        return self._promotion_j

    @functools.cached_property
    def _promotion_j(self) -> Number:
        delay_s, power_w = promotion_of(self.profile, IDLE, self.profile.states[0].name)
        return delay_s * (power_w - idle_w(self.profile))

    @functools.cached_property
    def _tail_j(self) -> Number:
        return tail_energy_j(self.profile)

    def first_promotion_j(self, front: Mix, behind: Mix = ()) -> Number:
        """What the first exchange of a session costs more than one at a random time: it finds the radio idle.

        The mean power counts its promotion with the chance S(tail + delay) only.
        """
        last = len(self.steps_w) - 1
        return self._promotion_j * (self.quiet(behind, last) - self.quiet((*front, *behind), last))

    def last_tail_j(self, stopping: Mix, staying: Mix = (), stay_s: Number = math.inf) -> Number:
        """Energy above idle of the tail that is left when some sources stop and others stay for a while.

        Whoever leaves the app finds the radio at the age a with the density -S'(a), and the rest of the tail is
        still to come. So the energy is the sum over the steps of the fall, with a their ends, of -(change of
        power) x S_staying(a) x integral of 1 - S_stopping over the last `stay_s` [s] before a.
        """
        total: Any = 0.0
        if not stopping:
            return total
        for state in range(1, self.fall.idle_at + 1):
            steps = range(state, len(self.steps_w)) if state == self.fall.idle_at else (state,)
            fall_w = -sum(self.steps_w[k] * self.quiet(staying, k) for k in steps)  # of the promotion behind the last
            total = total + fall_w * self._still_s(stopping, self.air.ends[state], stay_s)
        return total

    def _still_s(self, mix: Mix, end_s: Number, stay_s: Number) -> Number:
        """Integral of 1 - S over the last `stay_s` before the age at which a state ends [s]."""
        from_s = _yet_s(end_s, stay_s)
        if self.air.lagging:  # small packets alone have the low state before them, not the high ones
            from_s = most(from_s, functools.reduce(np.minimum, (self.air.lags[i] for i in mix)))
            end_s = most(end_s, from_s)
        return end_s - from_s - self.air.seconds(mix, from_s, end_s)

    def close_j(self, stopping: Mix, staying: Mix, stay_s: Number) -> Number:
        """Energy above idle of the exchange that closes a socket: a promotion if the radio is idle, a whole tail."""
        last = len(self.steps_w) - 1
        cold, yet_s = self.quiet(staying, last), _yet_s(self.air.ends[last], stay_s)
        if stopping and some(yet_s):
            cold = cold * self.air.at(stopping, yet_s)
        return self._promotion_j * cold + self._tail_j


def _yet_s(age_s: Number, stay_s: Number) -> Number:
    """What is left of an age after a stay; 0 where the stay is always longer."""
    return 0.0 if np.min(stay_s) >= np.max(age_s) else most(age_s - stay_s, 0.0)


def _mixed(profile: Radio | str, sources: Any, background: Any = ()) -> tuple[Mixes, Mix, Mix]:
    front, behind = sources_of(sources), sources_of(background, "background")
    numbers = tuple(range(len(front) + len(behind)))
    return Mixes(profile, (*front, *behind)), numbers[: len(front)], numbers[len(front) :]


def mean_power_w(profile: Radio | str, sources: Any, background: Any = ()) -> Any:
    """Mean power above idle that some sources add to a radio that already carries a background.

    power(sources + background) - power(background), phases independent. With a the time since the last
    exchange ended, S(a) = P(nothing ended within a) = product over timers of (1 - (a + burst)/T), 0 beyond
    T, times exp(-rate (a + burst)) over Poisson events. The radio is transferring 1 - S(0) of the time, in
    the tail state from a1 to a2 for S(a1) - S(a2), in the promotion of delay d for S(tau) - S(tau + d), idle
    for S(tau + d); bytes cost alpha each. An exchange inside a tail so adds (beta - tail power) x burst.

    Parameters
    ----------
    profile : Radio or str, the radio or its name; its numbers may be (draws, 1) arrays
    sources : Source or sequence of Source, what is added
    background : Source or sequence of Source, what is there in any case, a video for example

    Returns: float or array, added power, broadcast over every number of profile, sources and background. [W]
    Raises: InputError, for what is no `Source`, and for packets that only `trace` can walk (see `Radio`)

    Notes
    -----
    Exact for independent phases; timers that start together are phase-locked and belong in `trace` over one
    common period. The first promotion and the last tail of a session are not in it (`tail_energy_j`).
    Where a network carries small packets in a low state, big and small ones have ages of their own: it is
    high until the high timers after the last big packet, and low until the low timer after either.
    Source: cox1962 (superposition of renewal processes), huang2012 (power model).

    Examples
    --------
    Polls every 30 s on LTE of 2012, as power and by the hand: promotion and tail less idle over 30 s.

    >>> from model import radio
    >>> lte = radio.profile("lte_huang2012")
    >>> polled_w = mean_power_w(lte, radio.Source(period_s=30))
    >>> by_hand_w = (radio.packet_energy_j(lte) - radio.idle_w(lte) * (0.2601 + 11.576)) / 30
    >>> round(float(polled_w), 6), bool(abs(polled_w - by_hand_w) < 1e-12)
    (0.413943, True)
    """
    air, front, behind = _mixed(profile, sources, background)
    return np.asarray(air.added_w(front, behind))[()]


def power_by_source_w(profile: Radio | str, sources: Any, background: Any = ()) -> np.ndarray:
    """The power that `mean_power_w` finds, split by the source that causes it; the parts sum to it.

    At any moment the power above what the background alone would draw belongs to the source whose exchange
    was the last on air; where that was the background's own, nothing is added. So source i gets the
    integral of [power(a) - expected power of the background alone] x (-S_i'(a)) x product of the other
    S_j(a), and its own bytes. Promotions are in it: time reversed, the share of them that follows a
    source's packets equals the share that its packets cause.
    Source: qian2011 (tail energy belongs to the packet before it).
    """
    air, front, behind = _mixed(profile, sources, background)
    parts = air.added_by_source_w(front, behind)
    return np.stack(np.broadcast_arrays(*parts)) if parts else np.zeros(0)


def state_shares(profile: Radio | str, sources: Any) -> dict[str, Any]:
    """Share of time that the radio spends in each state under some sources: S(a) at the ends of the steps.

    Source: cox1962.
    """
    air, mix, _ = _mixed(profile, sources)
    return air.shares_of_time(mix)
