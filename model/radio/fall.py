"""The radio's fall after the last exchange as steps of age and power, which every closed form sums over."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from model import checks
from model.radio.states import IDLE, Radio, climbs_from_low, lifts_small, promotion_of, state_power_w
from model.radio.survival import Source, gaps_per_s, is_big, last_share, survival

__all__: list[str] = []


class Fall(NamedTuple):
    """The steps from the transfer down to idle for some flows.

    A step ends when every flow has been quiet for its age. Flows of small packets age only from the low
    state on: in a high state their packets change nothing.
    """

    names: list[str]  # active, the connected states, the promotion
    powers: list  # above idle [W]
    ages: list[list]  # at the end of each step, for each flow [s]
    lengths: list  # of each step but the transfer, which has none [s]
    moves: list[list]  # whether each flow ages in each step
    big: list  # whether each flow's packets are big
    idle_at: int  # the step at whose end the radio is idle

    def edges(self) -> Iterator[tuple]:
        """The change of power at the end of each step [W] and the ages there [s]."""
        return (
            (after - before, ages)
            for before, after, ages in zip(self.powers, [*self.powers[1:], 0.0], self.ages, strict=True)
        )

    def of(self, part: slice) -> Fall:
        """The same steps for some of the flows."""
        return self._replace(
            ages=[ages[part] for ages in self.ages], big=self.big[part], moves=[moves[part] for moves in self.moves]
        )


class Climb(NamedTuple):
    """Time spent climbing that no step holds: out of which state, its share, its power above that state."""

    out_of: str
    share: object
    extra_w: object


def _refuse_what_only_a_trace_walks(profile: Radio, flows: Sequence[Source], big: list) -> None:
    place = f"profile {profile.name}"
    held = profile.hold_bytes and any(
        np.any((np.asarray(flow.bytes_up) <= profile.hold_bytes) & (np.asarray(flow.bytes_down) <= profile.hold_bytes))
        for flow in flows
    )
    if held:
        checks.fail(
            "packets of at most hold_bytes have no closed form, radio.trace walks them; hold_bytes is"
            f" {checks.shown(profile.hold_bytes)} B",
            place,
        )
    if lifts_small(profile) and not all(np.all(b) for b in big):
        checks.fail(
            "small packets lifted from idle to the top have no closed form, radio.trace walks them;"
            f" low_state is {profile.low_state!r}",
            place,
        )


def _same_promotion(profile: Radio, big: list) -> bool:
    """Whether every packet that finds the radio idle has the same promotion."""
    if all(np.all(b) for b in big):
        return True
    top, low = (promotion_of(profile, IDLE, end) for end in (profile.states[0].name, profile.low_state))
    return all(np.all(np.equal(x, y)) for x, y in zip(top, low, strict=True))


def _steps(profile: Radio) -> tuple:
    """Steps of the profile, kept where its numbers are single ones."""
    return _kept_steps(profile) if np.ndim(profile.transfer_w) == 0 else _new_steps(profile)


@functools.lru_cache(maxsize=64)
def _kept_steps(profile: Radio) -> tuple:
    return _new_steps(profile)


def _new_steps(profile: Radio) -> tuple:
    """Power above idle of a transfer; name, power and length of each state and of the promotion, who ages."""
    idle_w = state_power_w(profile.states[-1])
    tail = tuple(
        (s.name, state_power_w(s) - idle_w, s.timer_s, profile.low_state in ("", s.name)) for s in profile.states[:-1]
    )
    delay_s, power_w = promotion_of(profile, IDLE, profile.states[0].name)
    climbing_w = np.where(np.asarray(delay_s) > 0, power_w - idle_w, 0.0)[()]
    return profile.transfer_w - idle_w, tail, ("promotion", climbing_w, delay_s, True)


def fall_of(profile: Radio, flows: Sequence[Source]) -> Fall:
    """The steps of a radio that carries the flows."""
    big = [is_big(profile, flow) for flow in flows]
    _refuse_what_only_a_trace_walks(profile, flows, big)
    transfer_w, tail, climb = _steps(profile)
    way = Fall(
        ["active"], [transfer_w], [[0.0] * len(flows)], [None], [[True] * len(flows)], big, len(profile.states) - 1
    )
    for name, step_w, length_s, all_age in (*tail, climb) if _same_promotion(profile, big) else tail:
        moves = [True if all_age else b for b in big]
        way.names.append(name)
        way.powers.append(step_w)
        way.lengths.append(length_s)
        way.moves.append(moves)
        way.ages.append(_older(way.ages[-1], length_s, moves))
    return way


def _older(ages: list, length_s, moves: list) -> list:
    """The ages after a step: one sum for all flows where they have aged alike."""
    if ages and all(m is True for m in moves) and all(age is ages[0] for age in ages):
        return [ages[0] + length_s] * len(ages)
    return [
        age + length_s if m is True else age + np.where(m, length_s, 0.0)[()]
        for age, m in zip(ages, moves, strict=True)
    ]


def climbs(profile: Radio, way: Fall, flows: Sequence[Source], by_flow: bool = False) -> list[Climb]:
    """Climbs out of the low state, and out of idle where big and small packets have promotions of their own.

    A packet that finds the low state spends min(delay, the gap's time there) climbing: the share of the
    first `room` of it less room x the gaps that outlast it. Time reversed, what follows the packets of a
    flow is what its packets cause.
    """
    if not flows:
        return []
    *highs, low = profile.states[:-1]
    top, found = profile.states[0].name, []
    idle_ages = way.ages[way.idle_at]
    if climbs_from_low(profile):
        delay_s, power_w = promotion_of(profile, low.name, top)
        room_s, low_w = np.minimum(delay_s, low.timer_s), state_power_w(low)
        high_s = sum(s.timer_s for s in highs)
        starts = [np.where(b, high_s, 0.0)[()] for b in way.big]
        lost = [gone * room_s for gone in gaps_per_s(flows, idle_ages)]
        if by_flow or not all(np.all(b) for b in way.big):
            share = last_share(flows, starts, room_s)
            parts = [(s - x) * b for s, x, b in zip(share, lost, way.big, strict=True)]
        else:
            parts = [survival(flows, high_s) - survival(flows, high_s + room_s) - sum(lost)]
        found.append(Climb(low.name, parts if by_flow else sum(parts), power_w - low_w))
    if way.names[-1] != "promotion":
        for end in (top, low.name):
            delay_s, power_w = promotion_of(profile, IDLE, end)
            share = last_share(flows, idle_ages, delay_s)
            parts = [s * (b if end == top else np.logical_not(b)) for s, b in zip(share, way.big, strict=True)]
            found.append(Climb(IDLE, parts if by_flow else sum(parts), power_w - state_power_w(profile.states[-1])))
    return found
