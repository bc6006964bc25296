"""Battery: flows become radio power above the screen's background, then % of a named phone an hour."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from model import airtime, checks, ledger, paths, radio
from model.radio.survival import trusted
from model.scenario import Network
from model.traffic import Traffic

__all__ = ["battery_j", "drain_percent_per_hour", "joules_per_hour", "network_percent_per_hour",
           "percent_per_hour", "phones", "range_percent_per_hour"]

FIRST, LAST, ALL = "first promotion of a session", "last tail of a session", "all flows"
CHUNK = 8192  # draws worked on at once: what the sources of a network have in common stays in the cache
FIELDS = ("period_s", "rate_per_s", "burst_s", "bytes_up", "bytes_down")


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

    Examples
    --------
    >>> round(battery_j("iPhone 14"))
    45648
    """
    checks.known("phone", phone, phones())
    return phones()[phone]


@dataclass(frozen=True)
class Mix:
    """What runs side by side at a place for some of an active hour, by numbers of sources."""

    seconds: object                # of an active hour
    sessions: object               # that begin and end here, an active hour
    front: tuple[int, ...]         # sources of the design
    behind: tuple[int, ...]        # sources of the screen
    staying: tuple[int, ...] = ()  # sources that go on in the background
    grace_s: object = None         # for how long, until the socket is closed; None where there is none


@dataclass(frozen=True)
class Plan:
    """Everything about a design on one access network that the radio is asked for."""

    sources: tuple[radio.Source, ...]
    names: tuple[str, ...]
    mixes: tuple[Mix, ...]

    @property
    def shape(self) -> tuple[int, ...]:
        """The common shape of every number of the plan."""
        numbers = [getattr(flow, name) for flow in self.sources for name in FIELDS]
        numbers += [x for mix in self.mixes for x in (mix.seconds, mix.sessions, mix.grace_s)]
        return np.broadcast_shapes(*{x.shape for x in numbers if isinstance(x, np.ndarray)})

    def of(self, rows: Callable) -> Plan:
        """The plan for some of its draws."""
        sources = tuple(trusted(**{name: rows(getattr(flow, name)) for name in FIELDS})
                        for flow in self.sources)
        mixes = tuple(Mix(rows(m.seconds), rows(m.sessions), m.front, m.behind, m.staying, rows(m.grace_s))
                      for m in self.mixes)
        return Plan(sources, self.names, mixes)


def _plan(now: Traffic, network: Network, background: bool) -> Plan:
    key = ("battery", id(network), background)
    if key not in now.memo:
        now.memo[key] = _new_plan(now, network, background)
    return now.memo[key]


def _new_plan(now: Traffic, network: Network, background: bool) -> Plan:
    """Sources are numbered by how many mixes they are in: what mixes have in common comes first."""
    life = now.life
    sessions = life.scenario.usage.sessions_per_day / life.active_day_s * 3600.0
    ends = {n for n, p in life.places.items() if p.screen is not None and p.overlay is None}
    seen = sum(life.places[n].weight for n in ends)
    drafts = []
    for name, place in life.places.items():
        if not np.any(np.asarray(place.weight) > 0):
            continue
        beside = airtime.background_sources(now, name) if background else ()
        for share, named, up in airtime.side_by_side(now, network, name):
            ended = sessions * (place.weight / seen) * share if name in ends else 0.0
            drafts.append((3600.0 * place.weight * share, ended, named,
                           {f"background {place.background}": flow for flow in beside}, up))
    grace_s = life.design.socket.grace_s if "grace" in life.places else None
    staying = airtime.side_by_side(now, network, "grace")[0][1] if "grace" in life.places else {}
    found = [(n, s) for d in drafts for n, s in (*d[2].items(), *d[3].items())]
    often = Counter(id(s) for _, s in found)
    named = {id(s): (n, s) for n, s in sorted([*found, *staying.items()], key=lambda p: -often[id(p[1])])}
    number = {key: k for k, key in enumerate(named)}
    mixes = tuple(Mix(seconds, ended, *(tuple(number[id(s)] for s in part.values()) for part in
                                        (front, behind, staying if up else {})), grace_s if up else None)
                  for seconds, ended, front, behind, up in drafts)
    return Plan(tuple(s for _, s in named.values()), tuple(n for n, _ in named.values()), mixes)


def _tail_j(plan: Plan, air: radio.Mixes, mix: Mix):
    """What a session's end costs above what the screen's own traffic would have cost there.

    Without a socket everything stops and the tail runs out. With one, heartbeat and pushes go on through
    the grace (a place of its own); the tail of what stopped adds to theirs; then the close wakes the radio.
    """
    alone_j = air.once(("alone", mix.behind), lambda: air.last_tail_j(mix.behind))
    names = {plan.names[i] for i in mix.staying}
    if mix.grace_s is None:
        return air.last_tail_j((*mix.front, *mix.behind)) - alone_j
    stopping = (*(i for i in mix.front if plan.names[i] not in names), *mix.behind)
    return (air.last_tail_j(stopping, mix.staying, mix.grace_s) - alone_j
            + air.close_j(stopping, mix.staying, mix.grace_s))


def _parts_j(plan: Plan, profile: radio.Radio, split: bool) -> dict:
    """Joules of an active hour by flow, or all flows in one sum, with the start and end of sessions."""
    air = radio.Mixes(profile, plan.sources)
    first = last = 0.0
    for mix in plan.mixes:
        if np.any(mix.sessions):
            first = first + mix.sessions * air.first_promotion_j(mix.front, mix.behind)
            last = last + mix.sessions * _tail_j(plan, air, mix)
    if split:
        return {**_by_flow_j(plan, profile), FIRST: first, LAST: last}
    return {ALL: air.added_j([(m.seconds, m.front, m.behind) for m in plan.mixes]), FIRST: first, LAST: last}


def _by_flow_j(plan: Plan, profile: radio.Radio) -> dict:
    """Joules of an active hour by flow, without the start and end of sessions."""
    parts: dict = {}
    for mix in plan.mixes:
        front, behind = ([plan.sources[i] for i in part] for part in (mix.front, mix.behind))
        for i, power_w in zip(mix.front, radio.power_by_source_w(profile, front, behind), strict=True):
            parts[plan.names[i]] = parts.get(plan.names[i], 0.0) + mix.seconds * power_w
    return parts


def _rows(part, draws: int) -> Callable:
    """Takes some draws out of a number, if it has any; equal arrays are cut once."""
    cut: dict[int, np.ndarray] = {}

    def taken(value):
        if not isinstance(value, np.ndarray) or value.ndim < 2 or value.shape[0] != draws:
            return value
        if id(value) not in cut:
            cut[id(value)] = value[part] if isinstance(part, slice) else value.take(part, axis=0)
        return cut[id(value)]

    return taken


def _slim(value):
    """A number as Python's own float, whatever the shape of the array it stands in."""
    return value if value is None or type(value) is float else float(np.reshape(value, ()))


def _network_j(now: Traffic, network: Network, profile: str | None, background: bool, split: bool) -> dict:
    """Joules of an active hour on one network with the named profile, or the one of each draw."""
    plan, listed = _plan(now, network, background), network.profiles if profile is None else [profile]
    number = airtime.profile_number(network) if profile is None else 0
    shape = np.broadcast_shapes(np.shape(number), plan.shape)
    if np.prod(shape) == 1:
        found = _parts_j(plan.of(_slim), radio.profile(listed[int(np.max(number))]), split)
        return {name: np.reshape(value, shape)[()] for name, value in found.items()}
    draws = shape[0] if len(shape) > 1 else 1
    out: dict = {}
    for one in np.unique(number).tolist():
        of_it = np.broadcast_to(np.asarray(number) == one, shape)[:, 0] if np.ndim(number) else None
        for part in _chunks(draws, of_it):
            found = _parts_j(plan.of(_rows(part, draws)), radio.profile(listed[one]), split)
            for name, value in found.items():
                if name not in out:
                    out[name] = np.zeros(shape)
                out[name][part if len(shape) > 1 else ...] = value
    return out


def _chunks(draws: int, of_it=None):
    """Draws in pieces that fit the cache: slices of all, or the numbers of those that are meant."""
    if of_it is None:
        return [slice(k, k + CHUNK) for k in range(0, draws, CHUNK)]
    wanted = np.flatnonzero(of_it)
    return [wanted[k:k + CHUNK] for k in range(0, wanted.size, CHUNK)]


def joules_per_hour(now: Traffic, network: Network, profile: str | None = None, background: bool = True,
                    split: bool = True) -> dict:
    """Radio energy that a design adds per active hour on one access network, by flow.

    Power at each place (screen, overlay, grace) above that of the screen's background, weighted by the time
    there; the first promotion of every session, which finds the radio idle; and the last tail, which runs on
    after the session: a close behind the grace wakes the radio again and leaves a whole tail.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    network : Network
        The access network [-].
    profile : str, optional
        A radio profile; the network's first, or the one of each draw, where none is named [-].
    background : bool
        Whether the screen's background keeps the radio busy beside it [-].
    split : bool
        Whether flow by flow, or all flows in one sum, which is quicker [-].

    Returns
    -------
    dict of str to array
        Joules per active hour by flow, with a row each for first promotions and last tails; the parts add up
        to the whole. A push that falls into a tail has little more than its bytes [J].

    Raises
    ------
    InputError
        An unknown profile.

    Notes
    -----
    The radio's energy alone: processor, screen and TLS are left out, in both designs. Timers have phases of
    their own. Sessions begin and end on each screen by its share of the time, with a radio that is idle
    before; a session lasts longer than a tail. Nothing runs in the background but the grace.

    Sources
    -------
    huang2012, narayanan2021, cox1962

    Examples
    --------
    >>> from model import sampling, scenario, traffic
    >>> now = traffic.traffic("after", sampling.resolved(scenario.load("twilly")))
    >>> lte = now.life.scenario.networks["lte"]
    >>> old, new = (sum(joules_per_hour(now, lte, name).values()) for name in
    ...             ("lte_huang2012", "lte_verizon_2021"))
    >>> bool(old > 5 * new)
    True
    """
    if profile is not None:
        checks.known("radio profile", profile, radio.profiles())
    return _network_j(now, network, profile, background, split)


def network_percent_per_hour(now: Traffic, network: str, profile: str | None = None, background: bool = True):
    """Battery that a design takes per active hour on one access network.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    network : str
        A network of the scenario [-].
    profile : str, optional
        A radio profile; the network's first, or the one of each draw, where none is named [-].
    background : bool
        Whether the screen's background keeps the radio busy beside it [-].

    Returns
    -------
    array
        % of the phone's full battery per active hour, broadcast over (draws, users).

    Raises
    ------
    InputError
        An unknown network or profile.

    Sources
    -------
    huang2012, narayanan2021, ninetofivemac_battery
    """
    scenario = now.life.scenario
    checks.known("network", network, scenario.networks)
    joules = joules_per_hour(now, scenario.networks[network], profile, background, split=False)
    return sum(joules.values()) / battery_j(scenario.phone) * 100.0


def percent_per_hour(now: Traffic, background: bool = True, pick: Callable | None = None,
                     split: bool = True) -> dict:
    """Battery that a design takes per active hour over the network mix, by flow.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    background : bool
        Whether the screen's background keeps the radio busy beside it [-].
    pick : callable, optional
        Chooses a network's radio profile from its list; the first, or the one drawn, where none is given [-].
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
        profile = None if pick is None else pick(network)
        for flow, joules in joules_per_hour(now, network, profile, background, split).items():
            total[flow] = total.get(flow, 0.0) + network.share * joules / full_j * 100.0
    return total


def range_percent_per_hour(now: Traffic, background: bool = True) -> tuple:
    """Lowest and highest battery per active hour over the radio profiles that a scenario lists.

    On every network the kindest and the dearest of its profiles, mixed by the networks' shares.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    background : bool
        Whether the screen's background keeps the radio busy beside it [-].

    Returns
    -------
    tuple of array
        Low and high, % of the phone's full battery per active hour.

    Sources
    -------
    huang2012, narayanan2021, yue2020
    """
    low = high = 0.0
    for name, network in now.life.scenario.networks.items():
        each = [network_percent_per_hour(now, name, profile, background) for profile in network.profiles]
        low = low + network.share * functools.reduce(np.minimum, each)
        high = high + network.share * functools.reduce(np.maximum, each)
    return low, high


def _beside_j(now: Traffic, network: Network) -> object:
    """Energy of an active hour that the radio takes for the screens' own traffic and in idle, above nothing."""
    def of(name: str):
        profile, total = radio.profile(name), 0.0
        for place, where in now.life.places.items():
            if where.screen is not None:
                power_w = radio.mean_power_w(profile, airtime.background_sources(now, place))
                total = total + where.weight * (power_w + radio.idle_w(profile))
        return 3600.0 * total

    number = np.asarray(airtime.profile_number(network))
    drawn = np.unique(number).tolist()
    return np.select([number == k for k in drawn], [of(network.profiles[k]) for k in drawn])[()]


def _media_w(now: Traffic) -> object:
    """Mean power of decoding video, or of camera and encoder, over the screens."""
    scenario, total = now.life.scenario, 0.0
    for screen in scenario.screens.values():
        if screen.background is not None:
            one = scenario.backgrounds[screen.background]
            films = np.greater(one.up_bytes, one.down_bytes)
            total = total + screen.share * np.where(films, scenario.number("phone_camera_w"),
                                                    scenario.number("phone_video_w"))
    return total


def drain_percent_per_hour(now: Traffic, background: bool = True) -> dict:
    """What empties the phone in an active hour: screen and processor, the screen's own traffic, the design.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    background : bool
        Whether a video or an upload runs on the screens that have one [-].

    Returns
    -------
    dict of str to array
        % of the phone's full battery per active hour for "phone", "own traffic" and "design"; their sum is
        the whole drain.

    Notes
    -----
    Powers of phone, video and camera are assumed, with wide ranges; the radio's idle power counts as own
    traffic where a profile has one. A screen whose own traffic goes up rather than down films.

    Sources
    -------
    huang2012, narayanan2021_artifact, macrumors_iphone14

    Examples
    --------
    >>> from model import sampling, scenario, traffic
    >>> now = traffic.traffic("after", sampling.resolved(scenario.load("twilly")))
    >>> parts = drain_percent_per_hour(now)
    >>> bool(parts["design"] < 0.1 * parts["phone"])
    True
    """
    scenario = now.life.scenario
    per_j = 100.0 / battery_j(scenario.phone)
    phone_w = scenario.number("phone_on_w") + (_media_w(now) if background else 0.0)
    own_j = sum(n.share * _beside_j(now, n) for n in scenario.networks.values()) if background else 0.0
    return {"phone": 3600.0 * phone_w * per_j, "own traffic": own_j * per_j,
            "design": sum(percent_per_hour(now, background, split=False).values())}
