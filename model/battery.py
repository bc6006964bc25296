"""Battery: flows become radio power above the screen's background, then % of a named phone an hour."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from model import airtime, checks, ledger, paths, radio
from model.scenario import Network
from model.traffic import Traffic

__all__ = ["battery_j", "joules_per_hour", "percent_per_hour", "phones"]

LAST_TAIL = "last tail of a session"


@functools.cache
def phones() -> Mapping[str, float]:
    """The phones of `data/devices.csv` with the energy of a full battery.

    Returns
    -------
    mapping of str to float
        Joules by phone [J].

    Sources
    -------
    ninetofivemac_battery, aosp_power_profile
    """
    rows = ledger.read_csv(paths.data("devices.csv"))
    return MappingProxyType({r["phone"]: float(r["battery_wh"]) * 3600.0 for r in rows})


def battery_j(phone: str) -> float:
    """The energy of a phone's full battery.

    Parameters
    ----------
    phone : str
        A phone of `data/devices.csv` [-].

    Returns
    -------
    float
        Joules [J].

    Raises
    ------
    InputError
        An unknown phone.

    Sources
    -------
    ninetofivemac_battery
    """
    checks.known("phone", phone, phones())
    return phones()[phone]


def _added(parts: dict, name: str, power_w) -> None:
    parts[name] = parts[name] + power_w if name in parts else power_w


def _groups(now: Traffic, network: Network, place: str) -> list[tuple]:
    """What runs side by side at a place, with its share of the time: usually, and while the socket is down."""
    sources = airtime.place_sources(now, network, place)
    fallback = {n: s for n, s in sources.items() if n == "fallback poll"}
    usual = {n: s for n, s in sources.items() if n not in fallback}
    if not fallback:
        return [(1.0, usual)]
    down = next(f.duty for f in now.flows if f.name in fallback)
    kept = {n: s for n, s in usual.items() if n != "heartbeat" and not n.startswith("push ")}
    return [(1.0 - down, usual), (down, {**kept, **fallback})]


def _place_power_w(now: Traffic, network: Network, profile, place: str, background: tuple) -> dict:
    """Power above the background at one place, by flow."""
    parts: dict = {}
    for share, group in _groups(now, network, place):
        if group:
            powers = radio.power_by_source_w(profile, tuple(group.values()), background)
            for name, power_w in zip(group, powers, strict=True):
                _added(parts, name, share * power_w)
    return parts


def _whole_power_w(now: Traffic, network: Network, profile, place: str, background: tuple) -> dict:
    """Power above the background at one place, all flows together."""
    return {"all flows": sum(share * radio.mean_power_w(profile, tuple(group.values()), background)
                             for share, group in _groups(now, network, place) if group)}


def _last_tail_j(now: Traffic, network: Network, profile, place: str, background: tuple):
    """What a session's end costs: a tail in full wherever the design leaves the radio up, or closes a socket."""
    sources = tuple(airtime.place_sources(now, network, place).values())
    full_j = radio.tail_energy_j(profile)
    if now.life.design.transport == "websocket":
        return full_j  # the close after the grace wakes the radio by itself
    up = 1.0 - airtime.wake_shares(profile, (*sources, *background))[2]
    alone = 1.0 - airtime.wake_shares(profile, background)[2] if background else 0.0
    return full_j * (up - alone)


def joules_per_hour(now: Traffic, network: Network, profile: str, background: bool = True,
                    split: bool = True) -> dict:
    """Radio energy that a design adds per active hour on one access network, by flow.

    Power at each place (screen, overlay, grace) above that of the screen's background, weighted by the time
    there, and the last tail of every session, paid in full.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    network : Network
        The access network [-].
    profile : str
        A radio profile [-].
    background : bool
        Whether the screen's background keeps the radio busy beside it [-].
    split : bool
        Whether flow by flow, or all flows in one sum, which is quicker [-].

    Returns
    -------
    dict of str to array
        Joules per active hour by flow, with a row for the last tails; the parts add up to the whole.

    Sources
    -------
    huang2012, narayanan2021
    """
    modem = radio.profile(profile)
    power = _place_power_w if split else _whole_power_w
    parts: dict = {}
    tails_j = weights = 0.0
    for name, place in now.life.places.items():
        beside = airtime.background_sources(now, name) if background else ()
        for flow, power_w in power(now, network, modem, name, beside).items():
            _added(parts, flow, place.weight * power_w * 3600.0)
        if place.screen is not None:
            tails_j = tails_j + place.weight * _last_tail_j(now, network, modem, name, beside)
            weights = weights + place.weight
    parts[LAST_TAIL] = tails_j / weights * now.life.scenario.usage.sessions_per_day / now.life.active_day_s * 3600.0
    return parts


def percent_per_hour(now: Traffic, background: bool = True, pick=None, split: bool = True) -> dict:
    """Battery that a design takes per active hour over the network mix, by flow.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    background : bool
        Whether the screen's background keeps the radio busy beside it [-].
    pick : callable, optional
        Chooses a network's radio profile from its list; the first where none is given [-].
    split : bool
        Whether flow by flow, or all flows in one sum, which is quicker [-].

    Returns
    -------
    dict of str to array
        % of the phone's full battery per active hour by flow; the parts add up to the whole.

    Sources
    -------
    huang2012, narayanan2021, ninetofivemac_battery
    """
    scenario = now.life.scenario
    full_j = battery_j(scenario.phone)
    total: dict = {}
    for network in scenario.networks.values():
        profile = network.profiles[0] if pick is None else pick(network)
        for flow, joules in joules_per_hour(now, network, profile, background, split).items():
            _added(total, flow, network.share * joules / full_j * 100.0)
    return total
