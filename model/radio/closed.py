"""The closed form: mean power, time by state and promotions of independent sources, without a simulation."""

from __future__ import annotations

import numpy as np

from model.radio.fall import climbs, fall_of
from model.radio.library import radio_of
from model.radio.mixes import Mixes
from model.radio.states import Radio
from model.radio.survival import flows_of, gaps_per_s, survival

__all__ = ["mean_power_w", "promotions_per_s", "state_shares"]


def mean_power_w(profile: Radio | str, sources, background=()):
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

    Returns
    -------
    float or array, added power, broadcast over every number of profile, sources and background. [W]

    Raises
    ------
    InputError, for what is no `Source`, and for packets that only `trace` can walk (see `Radio`)

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
    flows, behind = flows_of(sources), flows_of(background, "background")
    mixes, count = Mixes(profile, (*flows, *behind)), len(flows)
    front = tuple(range(count))
    return np.asarray(mixes.added_w(front, tuple(range(count, count + len(behind)))))[()]


def state_shares(profile: Radio | str, sources) -> dict:
    """Share of time that the radio spends in each state under some sources.

    From the same S(a) as `mean_power_w`; the shares sum to 1.

    Source: cox1962.
    """
    profile, flows = radio_of(profile), flows_of(sources)
    way = fall_of(profile, flows)
    quiet = [1.0, *(survival(flows, ages) for _, ages in way.edges())]
    spent = {name: 0.0 for name in ("active", *(s.name for s in profile.states), "promotion")}
    for name, before, after in zip(way.names, quiet, quiet[1:], strict=False):
        spent[name] = spent[name] + before - after
    spent["idle"] = quiet[-1]
    for climb in climbs(profile, way, flows):
        spent["promotion"] = spent["promotion"] + climb.share
        spent[climb.out_of] = spent[climb.out_of] - climb.share
    return spent


def promotions_per_s(profile: Radio | str, sources):
    """How often packets find the radio idle and have it promoted.

    -S'(tau): the rate of gaps longer than the tail.

    Source: cox1962.
    """
    profile, flows = radio_of(profile), flows_of(sources)
    way = fall_of(profile, flows)
    return sum(gaps_per_s(flows, way.ages[way.idle_at]), 0.0)
