"""One radio for many draws, each with the profile that was drawn for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.radio.library import radio_of
from model.radio.states import IDLE, Promotion, Radio, State, climbs_from_low, promotion_of, state_power_w

__all__ = ["alike", "radio_of_draws"]


def alike(names: Sequence[str]) -> list[list[int]]:
    """Numbers of the profiles that can stand in one radio of draws: as many states, no size thresholds."""
    groups: dict = {}
    for number, name in enumerate(names):
        profile = radio_of(name)
        simple = not profile.low_state and not climbs_from_low(profile)
        groups.setdefault(len(profile.states) if simple else name, []).append(number)
    return list(groups.values())


def radio_of_draws(names: Sequence[str], number) -> Radio:
    """A radio whose numbers are, in every draw, those of the profile drawn.

    Discontinuous reception stands in the states' mean powers, promotions in a row in one with their sum and
    mean, so that power and energy are those of the profiles.
    """
    radios = [radio_of(name) for name in names]
    if len(radios) == 1:
        return radios[0]

    def taken(of):
        return np.array([of(one) for one in radios], dtype=float)[number]

    states = tuple(
        _made(
            State,
            name=state.name if state.name == IDLE else f"state {k}",
            on_w=0.0,
            on_s=0.0,
            cycle_s=0.0,
            power_w=taken(lambda one, k=k: state_power_w(one.states[k])),
            timer_s=taken(lambda one, k=k: one.states[k].timer_s),
        )
        for k, state in enumerate(radios[0].states)
    )
    delay_s, power_w = (taken(lambda one, k=k: promotion_of(one, IDLE, one.states[0].name)[k]) for k in (0, 1))
    climb = _made(Promotion, start=IDLE, end=states[0].name, delay_s=delay_s, power_w=power_w, label="")
    return _made(
        Radio,
        **{
            **radios[0].__dict__,
            "name": "drawn",
            "states": states,
            "promotions": (climb,),
            "transfer_w": taken(lambda one: one.transfer_w),
            "up_j_per_byte": taken(lambda one: one.up_j_per_byte),
            "down_j_per_byte": taken(lambda one: one.down_j_per_byte),
        },
    )


def _made(kind: type, **fields):
    """An object of numbers that were checked in the profiles they come from."""
    made = object.__new__(kind)
    made.__dict__.update(fields)
    return made
