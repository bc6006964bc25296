"""Battery: flows become radio power above the screen's background, then % of a named phone an hour."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np

from model import checks, ledger, paths, radio
from model.battery import plans
from model.battery.plans import Mix, Plan
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Network

__all__ = [
    "battery_j",
    "joules_per_hour",
    "network_percent_per_hour",
    "percent_per_hour",
    "phones",
    "range_percent_per_hour",
]

FIRST, LAST, ALL = "first promotion of a session", "last tail of a session", "all flows"


@functools.cache
def phones() -> Mapping[str, float]:
    """The phones of `data/devices.csv` with the energy of a full battery.

    Source: ninetofivemac_battery, aosp_power_profile.
    """
    rows = ledger.read_csv(paths.data("devices.csv"))
    return MappingProxyType({r["phone"]: float(r["battery_wh"]) * 3600.0 for r in rows})


def battery_j(phone: str) -> float:
    """The energy of a phone's full battery.

    Parameters
    ----------
    phone : str, A phone of `data/devices.csv`

    Returns: float, joules [J]
    Raises: InputError, an unknown phone
    Source: ninetofivemac_battery.

    Examples
    --------
    >>> round(battery_j("iPhone 14"))
    45648
    """
    checks.known("phone", phone, phones())
    return phones()[phone]


def _tail_j(plan: Plan, air: radio.Mixes, mix: Mix, alone_j):
    """What a session's end costs above what the screen's own traffic would have cost there.

    Without a socket everything stops and the tail runs out. With one, heartbeat and pushes go on through
    the grace (a place of its own); the tail of what stopped adds to theirs; then the close wakes the radio.
    """
    names = {plan.names[i] for i in mix.staying}
    if mix.grace_s is None:
        return air.last_tail_j((*mix.front, *mix.behind)) - alone_j
    stopping = (*(i for i in mix.front if plan.names[i] not in names), *mix.behind)
    return (
        air.last_tail_j(stopping, mix.staying, mix.grace_s) - alone_j + air.close_j(stopping, mix.staying, mix.grace_s)
    )


def _parts_j(plan: Plan, profile: radio.Radio, split: bool) -> dict:
    """Joules of an active hour by flow, or all flows in one sum, with the start and end of sessions."""
    air = radio.Mixes(profile, plan.sources)
    first = last = 0.0
    ended = [mix for mix in plan.mixes if np.any(mix.sessions)]
    alone_j = {behind: air.last_tail_j(behind) for behind in {mix.behind for mix in ended}}
    for mix in ended:
        first = first + mix.sessions * air.first_promotion_j(mix.front, mix.behind)
        last = last + mix.sessions * _tail_j(plan, air, mix, alone_j[mix.behind])
    if split:
        return {**_by_flow_j(plan, air), FIRST: first, LAST: last}
    total = air.added_j([(m.seconds, m.front, m.behind) for m in plan.mixes])
    bytes_j = plan.up_bytes * profile.up_j_per_byte + plan.down_bytes * profile.down_j_per_byte
    return {ALL: total + bytes_j, FIRST: first, LAST: last}


def _by_flow_j(plan: Plan, air: radio.Mixes) -> dict:
    """Joules of an active hour by flow, without the start and end of sessions."""
    parts: dict = {}
    for mix in plan.mixes:
        for i, power_w in zip(mix.front, air.added_by_source_w(mix.front, mix.behind), strict=True):
            parts[plan.names[i]] = parts.get(plan.names[i], 0.0) + mix.seconds * power_w
    return parts


def _network_j(plan: Plan, network: Network, profile: str | None, split: bool) -> dict:
    """Joules of an active hour on the plan's network with the named profile, or the one of each draw."""
    listed = network.profiles if profile is None else [profile]
    number = airtime.profile_number(network) if profile is None else 0
    shape = np.broadcast_shapes(np.shape(number), plan.shape)
    if np.prod(shape) == 1:
        found = _parts_j(plan.of(plans.slim, split), radio.profile(listed[int(np.max(number))]), split)
        return {name: np.reshape(value, shape)[()] for name, value in found.items()}
    draws = shape[0] if len(shape) > 1 else 1
    out: dict = {}
    for radio_of, meant in _drawn(listed, number):
        for part in plans.chunks(draws, meant):
            profile = radio_of(part)
            found = _parts_j(plan.of(plans.rows_of(part, draws), split), profile, split)
            for name, value in found.items():
                if name not in out:
                    out[name] = np.zeros(shape)
                out[name][part if len(shape) > 1 else ...] = value
    return out


def _drawn(listed: list[str], number) -> list[tuple]:
    """Ways to the radio of a chunk, one for each kind of profiles that are alike, with the draws it is for.

    The commonest kind is taken in all draws; what it gives where another was drawn is overwritten by that.
    """
    if np.ndim(number) == 0:
        return [(lambda part: radio.profile(listed[number]), None)]
    often, found = np.bincount(number.ravel(), minlength=len(listed)), []
    radios = [radio.profile(name) for name in listed]
    for group in sorted(radio.alike(radios), key=lambda group: -often[group].sum()):
        if often[group].any():
            local = np.zeros(len(listed), dtype=int)
            local[group] = np.arange(len(group))
            kind = [radios[i] for i in group]
            meant = np.isin(number.ravel(), group) if found else None
            found.append((lambda part, kind=kind, local=local: radio.radio_of_draws(kind, local[number[part]]), meant))
    return found


def joules_per_hour(
    now: Traffic, network: Network, profile: str | None = None, background: bool = True, split: bool = True
) -> dict:
    """Radio energy that a design adds per active hour on one access network, by flow.

    Power at each place (screen, overlay, grace) above that of the screen's background, weighted by the time
    there; the first promotion of every session, which finds the radio idle; and the last tail, which runs on
    after the session: a close behind the grace wakes the radio again and leaves a whole tail.

    Source: huang2012, narayanan2021, cox1962.
    """
    if profile is not None:
        checks.known("radio profile", profile, radio.profiles())
    return _network_j(plans.plan_of(now, network, background), network, profile, split)


def network_percent_per_hour(now: Traffic, network: str, profile: str | None = None, background: bool = True):
    """Battery that a design takes per active hour on one access network.

    Source: huang2012, narayanan2021, ninetofivemac_battery.
    """
    scenario = now.life.scenario
    checks.known("network", network, scenario.networks)
    joules = joules_per_hour(now, scenario.networks[network], profile, background, split=False)
    return sum(joules.values()) / battery_j(scenario.phone) * 100.0


def percent_per_hour(now: Traffic, background: bool = True, pick: Callable | None = None, split: bool = True) -> dict:
    """Battery that a design takes per active hour over the network mix, by flow.

    Source: huang2012, narayanan2021, ninetofivemac_battery.
    """
    networks = now.life.scenario.networks.items()
    profiles = {name: None if pick is None else pick(network) for name, network in networks}
    return mixed_percent(now, {n: joules_per_hour(now, w, profiles[n], background, split) for n, w in networks})


def mixed_percent(now: Traffic, joules: Mapping[str, Mapping]) -> dict:
    """Battery over the network mix by flow, from the joules by flow on each network."""
    scenario = now.life.scenario
    full_j = battery_j(scenario.phone)
    total: dict = {}
    for name, network in scenario.networks.items():
        for flow, flow_j in joules[name].items():
            total[flow] = total.get(flow, 0.0) + network.share * flow_j / full_j * 100.0
    return total


def range_percent_per_hour(now: Traffic, background: bool = True) -> tuple:
    """Lowest and highest battery per active hour over the radio profiles that a scenario lists.

    On every network the kindest and the dearest of its profiles, mixed by the networks' shares.

    Source: huang2012, narayanan2021, yue2020.
    """
    return over_profiles(now, lambda network: percent_by_profile(now, network, background).values())


def percent_by_profile(now: Traffic, network: Network, background: bool = True) -> dict:
    """% of the battery per active hour on one network, by each radio profile in its list."""
    plan, full_j = plans.plan_of(now, network, background), battery_j(now.life.scenario.phone)
    return {
        profile: sum(_network_j(plan, network, profile, split=False).values()) / full_j * 100.0
        for profile in network.profiles
    }


def over_profiles(now: Traffic, of: Callable) -> tuple:
    """Least and most of what `of` gives for the profiles of a network, mixed by the networks' shares."""
    low = high = 0.0
    for network in now.life.scenario.networks.values():
        each = list(of(network))
        low = low + network.share * functools.reduce(np.minimum, each)
        high = high + network.share * functools.reduce(np.maximum, each)
    return low, high
