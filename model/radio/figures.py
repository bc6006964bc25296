"""What one packet costs a radio, and how to change some numbers of a profile."""

from __future__ import annotations

import dataclasses

from model import checks
from model.radio.library import radio_of
from model.radio.states import IDLE, Promotion, Radio, promotion_of, state_power_w

__all__ = ["idle_w", "packet_energy_j", "tail_energy_j", "tail_s", "with_promotion", "with_state"]


def idle_w(profile: Radio | str):
    """Mean power of the idle radio, paging or beacons included."""
    return state_power_w(radio_of(profile).states[-1])


def tail_s(profile: Radio | str):
    """Time from the last packet to idle after a packet that reached the top state.

    Parameters
    ----------
    profile : Radio or str, the radio or its name

    Returns
    -------
    float or array, the sum of the inactivity timers. [s]

    Examples
    --------
    >>> from model import radio
    >>> round(tail_s(radio.profile("lte_huang2012")), 3)
    11.576
    """
    return sum(state.timer_s for state in radio_of(profile).states[:-1])


def tail_energy_j(profile: Radio | str):
    """Energy of one full tail above idle: what the last packet of a session still costs.

    Parameters
    ----------
    profile : Radio or str, the radio or its name

    Returns
    -------
    float or array, energy above the idle radio over the same time. [J]

    Examples
    --------
    >>> from model import radio
    >>> round(float(tail_energy_j(radio.profile("lte_verizon_2021"))), 4)
    1.8156
    """
    base_w = idle_w(profile)
    return sum((state_power_w(s) - base_w) * s.timer_s for s in radio_of(profile).states[:-1])


def packet_energy_j(profile: Radio | str):
    """Energy of one packet that finds the radio idle: its promotion and the full tail behind it.

    Absolute against the profile's baseline (nothing is subtracted), as Huang et al. give it; the packet's
    own bytes are not counted.

    Source: huang2012 (sec 5.1: 12.76, 7.38 and 0.04 J for LTE, 3G and Wi-Fi).
    """
    profile = radio_of(profile)
    delay_s, power_w = promotion_of(profile, IDLE, profile.states[0].name)
    return delay_s * power_w + sum(state_power_w(s) * s.timer_s for s in profile.states[:-1])


def with_state(profile: Radio | str, name: str, **changes) -> Radio:
    """The radio with some numbers of one state replaced."""
    profile = radio_of(profile)
    checks.known("state", name, [s.name for s in profile.states], f"profile {profile.name}")
    states = tuple(dataclasses.replace(s, **changes) if s.name == name else s for s in profile.states)
    return dataclasses.replace(profile, states=states)


def with_promotion(profile: Radio | str, start: str, end: str, label: str = "", **changes) -> Radio:
    """The radio with some numbers of one promotion replaced."""

    def key(p: Promotion) -> str:
        return f"{p.start}>{p.end}" + (f"/{p.label}" if p.label else "")

    profile = radio_of(profile)
    wanted = f"{start}>{end}" + (f"/{label}" if label else "")
    checks.known("promotion", wanted, [key(p) for p in profile.promotions], f"profile {profile.name}")
    promotions = tuple(dataclasses.replace(p, **changes) if key(p) == wanted else p for p in profile.promotions)
    return dataclasses.replace(profile, promotions=promotions)
