"""Flows as the radio meets them: sources of packets at each place, over the screen's background.

A source is one object at all places at which its flow runs alike, so that the radio's work on it is done once.
"""

from __future__ import annotations

import functools
from collections.abc import Callable

import numpy as np

from model import radio
from model.life import exchange
from model.life.flow import Flow, Traffic
from model.radio import trusted
from model.scenario import Network

__all__ = [
    "background_sources",
    "hourly_bytes",
    "place_sources",
    "profile_number",
    "promotion_s",
    "quiet_by_place",
    "radio_shares",
    "side_by_side",
]

NEVER_S = 1e15  # between two exchanges of a timer that never starts
FALLBACK, SOCKET = "fallback", ("fallback", "heartbeat", "push")


def _timing(flow: Flow, rate_per_s) -> dict:
    """The period of a timer while it runs, endless in draws that never start it; else the rate."""
    if not flow.timer:
        return {"rate_per_s": rate_per_s}
    runs = np.greater(flow.duty, 0.0)
    return {"period_s": flow.period_s if np.all(runs) else np.where(runs, flow.period_s, NEVER_S)[()]}


def _source(traffic: Traffic, network: Network, flow: Flow, timing: dict, riders: list[tuple]):
    """One radio source for a flow and whatever shares its wake-up, so many of it for each exchange."""
    up, down = exchange.flow_bytes(traffic, flow, network.ip)
    busy_s = exchange.burst_s(flow, traffic.life.design, network)
    for rider, each in riders:
        more_up, more_down = exchange.flow_bytes(traffic, rider, network.ip)
        up, down = up + each * more_up, down + each * more_down
        busy_s = busy_s + each * exchange.burst_s(rider, traffic.life.design, network)
    return trusted(**timing, bytes_up=up, bytes_down=down, burst_s=busy_s)


def _with_timing(source, **timing):
    """The source as often as told."""
    return trusted(**timing, bytes_up=source.bytes_up, bytes_down=source.bytes_down, burst_s=source.burst_s)


def _by_flow(traffic: Traffic, network: Network) -> dict[str, dict]:
    """The sources of each flow by place, without those that ride on another's wake-up."""
    return {flow.name: _own_sources(traffic, network, flow) for flow in traffic.flows if not flow.rides}


def _own_sources(traffic: Traffic, network: Network, flow: Flow) -> dict:
    """A flow's source at each place at which it ever happens."""
    made: list[tuple] = []
    found = {}
    for place, rate in flow.rates_per_s.items():
        riders = {f.name: (f, 1.0) for f in traffic.flows if f.rides == flow.name and place in f.rates_per_s}
        source = next((s for r, names, s in made if r is rate and names == riders.keys()), None)
        if source is None and np.any(np.greater(rate, 0.0)):
            source = _source(traffic, network, flow, _timing(flow, rate), list(riders.values()))
            made.append((rate, riders.keys(), source))
        if source is not None:
            found[place] = source
    return found


def _at(flows: dict[str, dict], place: str) -> dict:
    """The sources at one place, by flow."""
    return {name: sources[place] for name, sources in flows.items() if place in sources}


def place_sources(traffic: Traffic, network: Network) -> dict[str, dict]:
    """The radio sources of a design at each place, each as often as in load, bill and data.

    Source: huang2012.
    """
    flows = _by_flow(traffic, network)
    return {place: _at(flows, place) for place in traffic.life.places}


def side_by_side(traffic: Traffic, network: Network) -> dict[str, list[tuple]]:
    """What keeps the radio awake at each place at the same time: with the socket up, and while it is down.

    Source: huang2012.
    """
    made = traffic.once(("side by side",), list)  # a network is no key, as its numbers may be arrays
    found = next((mixes for other, mixes in made if other is network), None)
    if found is None:
        made.append((network, found := _side_by_side(traffic, network)))
    return found


def _side_by_side(traffic: Traffic, network: Network) -> dict[str, list[tuple]]:
    flows, places = _by_flow(traffic, network), traffic.life.places
    if traffic.life.design.socket is None:
        return {place: [(1.0, _at(flows, place), False)] for place in places}
    flows |= _started(traffic, network, flows)
    down, up, fallen = traffic.life.down_share, _while_up(traffic, flows), _while_down(traffic, flows)
    if not np.any(np.greater(down, 0.0)):
        return {place: [(1.0, _at(up, place), True)] for place in places}
    alive = 1.0 - down
    return {
        name: [(alive, _at(up, name), True), *([(down, _at(fallen, name), False)] if place.screen is not None else [])]
        for name, place in places.items()
    }


def _started(traffic: Traffic, network: Network, flows: dict[str, dict]) -> dict[str, dict]:
    """Start and connect with the connect of a session's start on the app's first requests: one wake-up, not two."""
    start = next((f for f in traffic.flows if f.kind == "start"), None)
    opened = next((f for f in traffic.flows if f.exchange == "connect"), None)
    if start is None or opened is None:
        return {}

    @functools.cache
    def joined(first, connects) -> tuple:
        each, rest = _connects(traffic.life, first.rate_per_s, connects.rate_per_s)
        return (
            _source(traffic, network, start, {"rate_per_s": first.rate_per_s}, [(opened, each)]),
            _with_timing(connects, rate_per_s=rest),
        )

    firsts, connects = flows[start.name], flows[opened.name]
    pairs = {place: joined(firsts[place], connects[place]) for place in firsts if place in connects}
    return {
        start.name: {**firsts, **{place: first for place, (first, _) in pairs.items()}},
        opened.name: {**connects, **{place: rest for place, (_, rest) in pairs.items()}},
    }


def _connects(life, starts_per_s, connects_per_s) -> tuple:
    """Connects that go with each start of a session, and the rate of the others: after losses and cuts."""
    first = np.asarray(starts_per_s, dtype=float)
    usable = 1.0 - life.design.socket.blocked_share
    opened = np.minimum(life.scenario.usage.sessions_per_day / life.active_day_s * usable, first)
    each = np.divide(opened, first, out=np.zeros(np.broadcast_shapes(opened.shape, first.shape)), where=first > 0)
    return each[()], np.maximum(connects_per_s - opened, 0.0)


def _changed(flows: dict[str, dict], names: list[str], change: Callable) -> dict[str, dict]:
    """Some flows with each of their sources changed."""
    once = functools.cache(change)
    return {name: {place: once(source) for place, source in flows[name].items()} for name in names}


def _while_up(traffic: Traffic, flows: dict[str, dict]) -> dict[str, dict]:
    """The flows beside a socket that is up: pushes as often as they come meanwhile, no fallback poll."""
    up, pushes = np.maximum(1.0 - traffic.life.down_share, 1e-9), [f.name for f in traffic.flows if f.kind == "push"]
    kept = {f.name: flows[f.name] for f in traffic.flows if f.name in flows and f.kind != FALLBACK}
    return kept | _changed(flows, pushes, lambda source: _more_often(source, up))


def _more_often(source, up):
    """A source that comes only while the socket is up, as often as it comes then; a clock's period is that anyway."""
    return source if source.period_s is not None else _with_timing(source, rate_per_s=source.rate_per_s / up)


def _while_down(traffic: Traffic, flows: dict[str, dict]) -> dict[str, dict]:
    """The flows while the socket is down: the fallback poll, spread over all that time as it begins later."""
    polled, polls = traffic.life.fallback_share, [f.name for f in traffic.flows if f.kind == FALLBACK]
    stretch = traffic.life.down_share / np.where(np.greater(polled, 0.0), polled, 1.0)
    kept = {f.name: flows[f.name] for f in traffic.flows if f.name in flows and f.kind not in SOCKET}
    return kept | _changed(flows, polls, lambda source: _with_timing(source, period_s=source.period_s * stretch))


def background_sources(traffic: Traffic) -> dict[str, tuple]:
    """What the screens' own traffic is to the radio: a video segment each few seconds, or a steady upload.

    Source: assumption.
    """
    own = {name: (_background(one),) for name, one in traffic.life.scenario.backgrounds.items()}
    return {name: own[place.background] if place.background else () for name, place in traffic.life.places.items()}


def _background(one):
    return trusted(period_s=one.period_s, bytes_up=one.up_bytes, bytes_down=one.down_bytes, burst_s=one.burst_s)


def hourly_bytes(traffic: Traffic, ip: int) -> tuple:
    """IP bytes of all flows of a design per active hour: occurrences in the month, as in load and bill.

    Source: wire_capture.
    """
    up = down = 0.0
    for flow in traffic.flows:
        if flow.rates_per_s:
            sent, got = exchange.flow_bytes(traffic, flow, ip)
            up, down = up + flow.per_month * sent, down + flow.per_month * got
    hours = traffic.life.active_s / 3600.0
    return up / hours, down / hours


def profile_number(network: Network):
    """Which profile of a network's list is meant: the first, or in every draw the one that was drawn.

    The k-th of n is drawn with the chance (2 (n - k) + 1) / n^2: the earlier in the list, the likelier. The
    network's `profile_share` is drawn as PERT with low and mode at 0 and high at 1, of which (1 - x)^5 is
    even; the number is the whole part of n (1 - (1 - x)^(5/2)).

    Source: assumption.
    """
    count, share = len(network.profiles), np.asarray(network.profile_share, dtype=float)
    rest = 1.0 - share
    found = np.minimum(count * (1.0 - rest * rest * np.sqrt(rest)), count - 1).astype(np.int64)
    return found if found.ndim else int(found)


def radio_shares(traffic: Traffic, network: Network, screens=None) -> tuple:
    """How a push finds the radio of a user in the app: active, in a DRX tail, idle.

    Source: huang2012, cox1962.
    """
    return shares_on(traffic, quiet_by_place(traffic, network), screens)


def shares_on(traffic: Traffic, quiet_at: dict[str, tuple], screens=None) -> tuple:
    """The same from what `quiet_by_place` gives, for whoever asks about several screens of one network."""
    quiet = idle = whole = 0.0
    for name, (quiet_there, idle_there) in quiet_at.items():
        place = traffic.life.places[name]
        if not screens or place.screen in screens:
            quiet = quiet + place.weight * quiet_there
            idle = idle + place.weight * idle_there
            whole = whole + place.weight
    return 1.0 - quiet / whole, (quiet - idle) / whole, idle / whole


def quiet_by_place(traffic: Traffic, network: Network, feed: str = "") -> dict[str, tuple]:
    """How often the radio is quiet, and how often idle, beside a live socket at each place with a screen.

    At a random moment, or when a push of a feed comes, which its own last push precedes by its period.

    Source: huang2012, cox1962.
    """
    together, behind = side_by_side(traffic, network), background_sources(traffic)
    mixes = {
        name: (*together[name][0][1].values(), *behind[name])  # the first: a push needs the socket
        for name, place in traffic.life.places.items()
        if place.screen is not None
    }
    number = {source: k for k, source in enumerate(dict.fromkeys(s for mix in mixes.values() for s in mix))}
    air = radio.Quiet(tuple(number), (0.0, _of_profile(network, radio.tail_s)))  # no transfer runs; the tail is over
    numbers = {name: tuple(number[source] for source in mix) for name, mix in mixes.items()}
    own = {name: number.get(together[name][0][1].get(feed)) for name in numbers}
    return {name: tuple(air.at_end(mix, step, own[name]) for step in (0, 1)) for name, mix in numbers.items()}


def _of_profile(network: Network, of):
    """A number of a network's radio: of its first profile, or in every draw of the one drawn."""
    number = profile_number(network)
    if isinstance(number, int):
        return of(radio.profile(network.profiles[number]))
    return np.array([of(radio.profile(name)) for name in network.profiles])[number]


def _first_leg_s(profile) -> float:
    """Delay of the promotion after which data flow: on 5G beside LTE that of the LTE leg."""
    top = profile.states[0].name
    direct = [p.delay_s for p in profile.promotions if (p.start, p.end) == ("idle", top)]
    return direct[0] if direct else radio.promotion_of(profile, "idle", top)[0]


def promotion_s(network: Network):
    """Time that a packet waits for an idle radio to be lifted to a state that carries it.

    On 5G beside LTE (NSA) data flow over the LTE leg while the 5G leg is added, so its own delay is no wait.

    Source: narayanan2021, huang2012.
    """
    return _of_profile(network, _first_leg_s)
