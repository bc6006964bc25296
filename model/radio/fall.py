"""The radio's fall behind the last exchange: steps of power, which the closed form sums over, and climbs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model import checks
from model.radio.quiet import Source
from model.radio.states import IDLE, Number, Radio, climbs_from_low, lifts_small, promotion_of, state_power_w

__all__: list[str] = []


class Climb(NamedTuple):
    """A climb that no step holds: it takes the last seconds before a packet that finds the radio in a state."""

    out_of: str
    from_s: Number  # when the fall reaches that state [s]
    room_s: Number  # the most that the climb takes [s]
    extra_w: Number  # above that state [W]
    by: tuple  # whether each source's packets climb so
    ends: bool  # whether the fall leaves that state again


class Fall(NamedTuple):
    """The steps of power from the transfer down to idle, by the time since the last exchange ended.

    A promotion stands behind the tail: with every phase alike likely, the last seconds of a gap before its
    next packet are as many as those behind its first `tail`. Where a network carries small packets in a low
    state, their sources age from there on only: in a high state their packets change nothing.
    """

    names: tuple[str, ...]  # active, the connected states, the promotion
    powers: tuple  # above idle [W]
    ends: tuple  # of the steps [s]
    idle_at: int  # the step at whose end the radio is idle
    lags: tuple  # of each source [s]
    climbs: tuple[Climb, ...]


def fall_of(profile: Radio, sources: Sequence[Source]) -> Fall:
    """The steps of a radio that carries the sources."""
    big = tuple(_is_big(profile, source) for source in sources)
    all_big = all(np.all(b) for b in big)
    _refuse_what_only_a_trace_walks(profile, sources, all_big)
    idle_w = state_power_w(profile.states[-1])
    names, powers, ends = ["active"], [profile.transfer_w - idle_w], [0.0]
    for state in profile.states[:-1]:
        names.append(state.name)
        powers.append(state_power_w(state) - idle_w)
        ends.append(ends[-1] + state.timer_s)
    idle_at, alike = len(ends) - 1, all_big or _promoted_alike(profile)
    if alike:
        delay_s, power_w = promotion_of(profile, IDLE, profile.states[0].name)
        names.append("promotion")
        powers.append(np.where(np.asarray(delay_s) > 0, power_w - idle_w, 0.0)[()])
        ends.append(ends[-1] + delay_s)
    lags = tuple(0.0 if b is True else np.where(b, 0.0, ends[idle_at - 1])[()] for b in big)
    climbs = (
        *_climbs_from_low(profile, big, ends[idle_at - 1]),
        *(() if alike else _from_idle(profile, big, ends[-1])),
    )
    return Fall(tuple(names), tuple(powers), tuple(ends), idle_at, lags, climbs)


def _is_big(profile: Radio, source: Source):
    """Whether a source's packets are above a size threshold; all are where the network has none."""
    if not profile.low_state:
        return True
    return np.greater(source.bytes_up, profile.up_threshold_bytes) | np.greater(
        source.bytes_down, profile.down_threshold_bytes
    )


def _refuse_what_only_a_trace_walks(profile: Radio, sources: Sequence[Source], all_big: bool) -> None:
    place, hold = f"profile {profile.name}", profile.hold_bytes
    if hold and any(np.any(np.less_equal(s.bytes_up, hold) & np.less_equal(s.bytes_down, hold)) for s in sources):
        checks.fail(
            "packets of at most hold_bytes have no closed form, radio.trace walks them; hold_bytes is"
            f" {checks.shown(hold)} B",
            place,
        )
    if lifts_small(profile) and not all_big:
        checks.fail(
            "small packets lifted from idle to the top have no closed form, radio.trace walks them;"
            f" low_state is {profile.low_state!r}",
            place,
        )


def _promoted_alike(profile: Radio) -> bool:
    """Whether big and small packets that find the radio idle have the same promotion."""
    top, low = (promotion_of(profile, IDLE, end) for end in (profile.states[0].name, profile.low_state))
    return all(np.all(np.equal(x, y)) for x, y in zip(top, low, strict=True))


def _climbs_from_low(profile: Radio, big: tuple, from_s: Number) -> list[Climb]:
    if not climbs_from_low(profile):
        return []
    low = profile.states[-2]
    delay_s, power_w = promotion_of(profile, low.name, profile.states[0].name)
    room_s = np.minimum(delay_s, low.timer_s)
    return [Climb(low.name, from_s, room_s, power_w - state_power_w(low), big, True)]


def _from_idle(profile: Radio, big: tuple, from_s: Number) -> list[Climb]:
    """Climbs out of idle where big and small packets have promotions of their own."""
    found, idle_w = [], state_power_w(profile.states[-1])
    for end, by in ((profile.states[0].name, big), (profile.low_state, tuple(np.logical_not(b) for b in big))):
        delay_s, power_w = promotion_of(profile, IDLE, end)
        found.append(Climb(IDLE, from_s, delay_s, power_w - idle_w, by, False))
    return found
