"""Battery: flows become radio power above the screen's background and processor work, then % of a named phone."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from model import checks, ledger, paths, radio
from model.battery.processor import processor_j
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Network

FIRST, LAST, ALL = "first promotion of a session", "last tail of a session", "all flows"
PROCESSOR = "the processor"
CHUNK = 16384  # draws worked on at once: what the sources of a network have in common stays in the cache
FIELDS = ("period_s", "rate_per_s", "burst_s", "bytes_up", "bytes_down")


@functools.cache
def phones() -> Mapping[str, float]:
    """The phones of `data/devices.csv` with the energy of a full battery.

    Source: ninetofivemac_battery, aosp_power_profile.
    """
    rows = ledger.read_csv(paths.data("devices.csv"))
    return MappingProxyType({r["phone"]: float(r["battery_wh"]) * 3600.0 for r in rows})


def battery_j(phone: str | float) -> float:
    """The energy of a phone's full battery.

    `phone`: a phone of `data/devices.csv`, or the energy of a full battery [Wh]. Gives a float, joules [J].
    Source: ninetofivemac_battery.

    Examples
    --------
    >>> round(battery_j("iPhone 14"))
    45648
    """
    if not isinstance(phone, str):
        return float(checks.positive("phone", phone, "Wh")) * 3600.0
    checks.known("phone", phone, phones())
    return phones()[phone]


# ------------------------------------------------------------------------- what the radio is asked for


@dataclass(frozen=True)
class Mix:
    """What runs side by side at a place for some of an active hour, by numbers of sources."""

    seconds: Any  # of an active hour
    sessions: Any  # that begin and end here, an active hour
    front: tuple[int, ...]  # sources of the design
    behind: tuple[int, ...]  # sources of the screen
    staying: tuple[int, ...] = ()  # sources that go on in the background
    grace_s: Any = None  # for how long, until the socket is closed; None where there is none


@dataclass(frozen=True)
class Plan:
    """Everything about a design on one access network that the radio is asked for."""

    sources: tuple[radio.Source, ...]
    names: tuple[str, ...]
    mixes: tuple[Mix, ...]
    up_bytes: Any  # of all flows in an active hour
    down_bytes: Any

    @property
    def shape(self) -> tuple[int, ...]:
        """The common shape of every number of the plan."""
        numbers = [getattr(source, name) for source in self.sources for name in FIELDS]
        numbers += [x for mix in self.mixes for x in (mix.seconds, mix.sessions, mix.grace_s)]
        numbers += [self.up_bytes, self.down_bytes]
        return np.broadcast_shapes(*{x.shape for x in numbers if isinstance(x, np.ndarray)})

    def of(self, rows: Callable, split: bool) -> Plan:
        """The plan for some of its draws; all flows in one sum need no bytes of each."""
        fields = FIELDS if split else FIELDS[:3]
        sources = tuple(radio.trusted(**{name: rows(getattr(s, name)) for name in fields}) for s in self.sources)
        mixes = tuple(
            Mix(rows(m.seconds), rows(m.sessions), m.front, m.behind, m.staying, rows(m.grace_s)) for m in self.mixes
        )
        return Plan(sources, self.names, mixes, rows(self.up_bytes), rows(self.down_bytes))


def plan_of(traffic: Traffic, network: Network, background: bool) -> Plan:
    """The design's plan on a network, with the screens' own traffic or without.

    Sources are numbered by how many mixes they are in: what mixes have in common comes first.
    """
    life, together = traffic.life, airtime.side_by_side(traffic, network)
    own = airtime.background_sources(traffic) if background else dict.fromkeys(life.places, ())
    grace_s, staying, drafts = None, {}, []
    if life.design.socket is not None and "grace" in life.places:
        grace_s, staying = life.design.socket.grace_s, together["grace"][0][1]
    for name, place in life.places.items():
        behind = {f"background {place.background}": source for source in own[name]}
        for share, front, up in together[name]:
            hour = _hour(traffic, name, share)
            if np.any(hour[0]):
                drafts.append((hour, (front, behind, staying if up else {}), grace_s if up else None))
    pairs = [pair for _, (front, behind, _), _ in drafts for pair in (*front.items(), *behind.items())]
    often = Counter(source for _, source in pairs)
    ordered = sorted([*pairs, *staying.items()], key=lambda pair: -often[pair[1]])
    names = {source: name for name, source in ordered}
    number = {source: k for k, source in enumerate(names)}
    mixes = []
    for (seconds, sessions), parts, grace in drafts:
        front, behind, stay = (tuple(number[source] for source in part.values()) for part in parts)
        mixes.append(Mix(seconds, sessions, front, behind, stay, grace))
    return Plan(tuple(names), tuple(names.values()), tuple(mixes), *airtime.hourly_bytes(traffic, network.ip))


def _hour(traffic: Traffic, place: str, share: Any) -> tuple:
    """Seconds of an active hour that a mix runs at a place, and sessions that end there meanwhile.

    Sessions end on screens by their share of the time; nobody leaves while an overlay runs.
    """
    life = traffic.life
    ends = {n: p.weight for n, p in life.places.items() if p.screen is not None and p.overlay is None}
    if place not in ends:
        return 3600.0 * life.places[place].weight * share, 0.0
    sessions = life.scenario.usage.sessions_per_day / life.active_day_s * 3600.0
    weight = ends[place] * share
    return 3600.0 * weight, sessions * weight / sum(ends.values())


# -------------------------------------------------------------------------------- joules of an active hour


def _tail_j(plan: Plan, air: radio.Mixes, mix: Mix, alone_j: Any) -> Any:
    """What the end of a session costs above what the screen's own traffic would have cost there.

    Without a socket everything stops and the tail runs out. With one, heartbeat and pushes go on through
    the grace (a place of its own); the tail of what stopped adds to theirs; then the close wakes the radio.
    """
    if mix.grace_s is None:
        return air.last_tail_j((*mix.front, *mix.behind)) - alone_j
    names = {plan.names[i] for i in mix.staying}
    stopping = (*(i for i in mix.front if plan.names[i] not in names), *mix.behind)
    left_j = air.last_tail_j(stopping, mix.staying, mix.grace_s)
    return left_j - alone_j + air.close_j(stopping, mix.staying, mix.grace_s)


def _parts_j(plan: Plan, profile: radio.Radio, split: bool) -> dict[str, Any]:
    """Joules of an active hour by flow, or all flows in one sum, with the start and end of sessions."""
    air = radio.Mixes(profile, plan.sources)
    parts: dict[str, Any] = {}
    if split:
        for mix in plan.mixes:
            for i, power_w in zip(mix.front, air.added_by_source_w(mix.front, mix.behind), strict=True):
                parts[plan.names[i]] = parts.get(plan.names[i], 0.0) + mix.seconds * power_w
    else:
        bytes_j = plan.up_bytes * profile.up_j_per_byte + plan.down_bytes * profile.down_j_per_byte
        parts[ALL] = air.added_j([(mix.seconds, mix.front, mix.behind) for mix in plan.mixes]) + bytes_j
    first = last = 0.0
    ended = [mix for mix in plan.mixes if np.any(mix.sessions)]
    alone_j = {behind: air.last_tail_j(behind) for behind in {mix.behind for mix in ended}}
    for mix in ended:
        first = first + mix.sessions * air.first_promotion_j(mix.front, mix.behind)
        last = last + mix.sessions * _tail_j(plan, air, mix, alone_j[mix.behind])
    return {**parts, FIRST: first, LAST: last}


def _network_j(plan: Plan, network: Network, profile: str | None, split: bool) -> dict[str, Any]:
    """Joules of an active hour on the plan's network with the named profile, or the one of each draw."""
    radios = [radio.waiting(radio.profile(name)) for name in (network.profiles if profile is None else [profile])]
    number = airtime.profile_number(network) if profile is None else 0
    shape = np.broadcast_shapes(np.shape(number), plan.shape)
    if np.prod(shape) == 1:
        parts = _parts_j(plan.of(_float, split), radios[int(np.max(number))], split)
        return {name: np.reshape(value, shape)[()] for name, value in parts.items()}
    draws, joules = shape[0] if len(shape) > 1 else 1, {}
    for rows, drawn in _chunks(radios, number, draws):
        for name, value in _parts_j(plan.of(_taker(rows, draws), split), drawn, split).items():
            if name not in joules:
                joules[name] = np.zeros(shape)
            joules[name][rows if len(shape) > 1 else ...] = value
    return joules


def _chunks(radios: list[radio.Radio], number: Any, draws: int) -> Iterator[tuple[Any, radio.Radio]]:
    """Some draws at a time, as rows, with the radio of these draws: profiles of one kind at once.

    The commonest kind is taken in all draws, which need no copy then; the other kinds overwrite their own.
    """
    if np.ndim(number) == 0:
        radios, number = [radios[number]], np.zeros((draws, 1), dtype=int)
    often = np.bincount(number.ravel(), minlength=len(radios))
    kinds = sorted((kind for kind in radio.alike(radios) if often[kind].any()), key=lambda kind: -often[kind].sum())
    for kind in kinds:
        rows = np.arange(draws) if kind is kinds[0] else np.flatnonzero(np.isin(number, kind))
        within = np.zeros(len(radios), dtype=int)
        within[kind] = np.arange(len(kind))
        for k in range(0, rows.size, CHUNK):
            part = slice(k, k + CHUNK) if rows.size == draws else rows[k : k + CHUNK]
            yield part, radio.radio_of_draws([radios[i] for i in kind], within[number[part]])


def _taker(rows: Any, draws: int) -> Callable:
    """Takes rows out of a number that has a row for each draw."""

    def taken(value: Any) -> Any:
        if not isinstance(value, np.ndarray) or value.ndim < 2 or value.shape[0] != draws:
            return value
        return value[rows] if isinstance(rows, slice) else value.take(rows, axis=0)

    return taken


def _float(value: Any) -> Any:
    """A number as Python's own float, whatever the shape of the array it stands in: much quicker to work with."""
    return value if value is None or type(value) is float else float(np.reshape(value, ()))


def joules_per_hour(
    traffic: Traffic, network: Network, profile: str | None = None, background: bool = True, split: bool = True
) -> dict[str, Any]:
    """Radio energy that a design adds per active hour on one access network, by flow.

    Power at each place (screen, overlay, grace) above that of the screen's background, weighted by the time
    there; the first promotion of every session, which finds the radio idle; and the last tail, which runs on
    after the session: a close behind the grace wakes the radio again and leaves a whole tail.
    Source: huang2012, narayanan2021, cox1962.
    """
    if profile is not None:
        checks.known("radio profile", profile, radio.profiles())
    return _network_j(plan_of(traffic, network, background), network, profile, split)


# ----------------------------------------------------------------------------- % of the phone's battery


def network_percent_per_hour(traffic: Traffic, network: str, background: bool = True) -> Any:
    """Battery that a design takes per active hour on one access network."""
    scenario = traffic.life.scenario
    checks.known("network", network, scenario.networks)
    joules = joules_per_hour(traffic, scenario.networks[network], None, background, split=False)
    worked = sum(processor_j(traffic).values())
    return (sum(joules.values()) + worked) / battery_j(scenario.phone) * 100.0


def percent_by_profile(traffic: Traffic, network: Network, background: bool = True) -> dict[str, Any]:
    """Battery that a design takes per active hour on one network, by each radio profile of its list."""
    plan, full_j = plan_of(traffic, network, background), battery_j(traffic.life.scenario.phone)
    worked = sum(processor_j(traffic).values())
    return {
        profile: (sum(_network_j(plan, network, profile, split=False).values()) + worked) / full_j * 100.0
        for profile in network.profiles
    }


def percent_per_hour(traffic: Traffic, background: bool = True, split: bool = True) -> dict[str, Any]:
    """Battery that a design takes per active hour over the network mix, by flow.

    Source: huang2012, narayanan2021, aosp_power_profile, ninetofivemac_battery.
    """
    networks = traffic.life.scenario.networks.items()
    return mixed_percent(traffic, {n: joules_per_hour(traffic, w, None, background, split) for n, w in networks})


def mixed_percent(traffic: Traffic, joules: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Battery over the network mix by flow: the processor's work and the joules of the radio on each network."""
    scenario, full_j = traffic.life.scenario, battery_j(traffic.life.scenario.phone)
    total: dict[str, Any] = {}
    for name, network in scenario.networks.items():
        for flow, flow_j in joules[name].items():
            total[flow] = total.get(flow, 0.0) + network.share * flow_j / full_j * 100.0
    for flow, flow_j in processor_j(traffic).items():
        name = flow if flow in total else PROCESSOR
        total[name] = total.get(name, 0.0) + flow_j / full_j * 100.0
    return total
