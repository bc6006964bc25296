"""What the radio does after an exchange: the steps in which its power falls to idle, and the climbs back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model import checks
from model.radio.quiet import Source
from model.radio.states import IDLE, Number, Radio, climbs_from_low, lifts_small, promotion_of, state_power_w


class Climb(NamedTuple):
    """A climb that is no step of the fall: it takes the last seconds before a packet that finds some state."""

    out_of: str  # that state
    from_s: Number  # time from the last exchange to the start of that state [s]
    room_s: Number  # longest time that the climb takes [s]
    extra_w: Number  # its power above that state [W]
    by: tuple  # for each source, whether its packets climb this way
    ends: bool  # whether the state ends by itself; idle does not


class Fall(NamedTuple):
    """The steps in which the power falls from a transfer to idle, by the time since the last exchange ended.

    The promotion counts as the step behind the tail. It really fills the last seconds of a gap, but in a gap
    longer than the tail the first seconds after the tail are just as many. Where a network carries small
    packets in a low state, the time of their sources counts from that state on (`lags`): in a higher state
    their packets change nothing.
    """

    names: tuple[str, ...]  # active, the connected states, promotion
    powers: tuple  # power of each step above idle [W]
    ends: tuple  # time from the last exchange to the end of each step [s]
    idle_at: int  # number of the last connected state's step
    lags: tuple  # for each source, when its time starts to count [s]
    climbs: tuple[Climb, ...]


def fall_of(profile: Radio, sources: Sequence[Source]) -> Fall:
    """The fall of a radio that carries these sources."""
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
    """The climb of a big packet that finds the last connected state, FACH to DCH on 3G."""
    if not climbs_from_low(profile):
        return []
    low = profile.states[-2]
    delay_s, power_w = promotion_of(profile, low.name, profile.states[0].name)
    room_s = np.minimum(delay_s, low.timer_s)
    return [Climb(low.name, from_s, room_s, power_w - state_power_w(low), big, True)]


def _from_idle(profile: Radio, big: tuple, from_s: Number) -> list[Climb]:
    """The climbs out of idle on a network that promotes big and small packets differently."""
    climbs, idle_w = [], state_power_w(profile.states[-1])
    for end, by in ((profile.states[0].name, big), (profile.low_state, tuple(np.logical_not(b) for b in big))):
        delay_s, power_w = promotion_of(profile, IDLE, end)
        climbs.append(Climb(IDLE, from_s, delay_s, power_w - idle_w, by, False))
    return climbs
