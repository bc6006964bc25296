"""Power over time: the walk of a few packets, told stretch by stretch instead of summed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model import checks
from model.radio.library import radio_of
from model.radio.states import IDLE, Radio, climbs_from_low, lifts_small, promotion_of, state_power_w
from model.radio.walk import trace

__all__ = ["Step", "power_steps"]

GAP_EPS_S = 1e-9


class Step(NamedTuple):
    """One stretch of time in which the radio's power does not change."""

    start_s: float
    end_s: float
    state: str  # active, a state of the profile, or promotion
    power_w: float  # against the profile's baseline; the bytes of a burst are spread over it


def power_steps(times_s, bytes_up, bytes_down, profile: Radio | str, duration_s, burst_s=0.0) -> list[Step]:
    """What `trace` sums, told over time: each stretch with its state and its power.

    Source: huang2012.
    """
    profile = radio_of(profile)
    trace(times_s, bytes_up, bytes_down, profile, duration_s, burst_s)  # refuses what it cannot walk
    if lifts_small(profile) or profile.hold_bytes:
        checks.fail("rules for small packets in a high state are not drawn", f"profile {profile.name}")
    packets = np.broadcast_arrays(
        *(np.atleast_1d(np.asarray(x, dtype=float)) for x in (times_s, bytes_up, bytes_down, burst_s))
    )
    found = list(_walked(profile, zip(*(x.tolist() for x in packets), strict=True), float(duration_s)))
    return [step for step in found if step.end_s - step.start_s > GAP_EPS_S]


def _walked(profile: Radio, packets, duration_s: float) -> Iterator[Step]:
    """The stretches between the packets and their bursts; mirrors the compiled walk."""
    tail_s = sum(s.timer_s for s in profile.states[:-1])
    low_s = profile.states[-2].timer_s
    last = busy_until = low_until = 0.0
    high_from, extra_w = -np.inf, 0.0
    for number, (time, sent, got, air) in enumerate(packets):
        big = not profile.low_state or sent > profile.up_threshold_bytes or got > profile.down_threshold_bytes
        free = min(max(busy_until, last), time)
        awake = number > 0 and time <= max(low_until, busy_until) + GAP_EPS_S
        high = awake and time <= high_from + tail_s - low_s + GAP_EPS_S
        yield Step(last, free, "active", profile.transfer_w + extra_w)
        climb = (IDLE if not awake else profile.states[-2].name, profile.states[0].name if big else profile.low_state)
        needed = not awake or (big and not high and climbs_from_low(profile))
        yield from _fallen(profile, free, time, high_from, low_until, climb if needed else None)
        if big:
            high_from = max(high_from, time + air)
        low_until = max(low_until, high_from + tail_s, time + air + low_s)
        bytes_j = sent * profile.up_j_per_byte + got * profile.down_j_per_byte
        extra_w = bytes_j / air if air > 0 else 0.0
        busy_until, last = max(busy_until, time + air), time
    free = min(max(busy_until, last), duration_s)
    yield Step(last, free, "active", profile.transfer_w + extra_w)
    yield from _fallen(profile, free, duration_s, high_from, low_until, None)


def _fallen(
    profile: Radio, start_s: float, end_s: float, high_from: float, low_until: float, climb: tuple | None
) -> Iterator[Step]:
    """The fall through the states between two times; a climb takes the last seconds of one of them."""
    at, age_s = start_s, 0.0
    climb_s, climb_w = promotion_of(profile, *climb) if climb else (0.0, 0.0)
    ends = []
    for state in profile.states[:-1]:
        age_s += state.timer_s
        ends.append((state, low_until if state is profile.states[-2] else high_from + age_s))
    for state, until in (*ends, (profile.states[-1], np.inf)):
        until = max(min(until, end_s), at)
        climbing = climb_s if climb and climb[0] == state.name and until >= end_s else 0.0
        middle = max(until - climbing, at)
        yield Step(at, middle, state.name, float(state_power_w(state)))
        yield Step(middle, until, "promotion", float(climb_w))
        at = until
