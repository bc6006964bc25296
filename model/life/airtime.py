"""Flows as the radio meets them: sources of packets at each place, over the screen's background."""

from __future__ import annotations

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
    "radio_shares",
    "side_by_side",
    "wake_shares",
]

NEVER_S = 1e9
UP, TAIL = 0, 1  # steps of a radio's fall: at their ends the transfer and the tail are over
FALLBACK, SOCKET = "fallback", ("fallback", "heartbeat", "push")


def once(now: Traffic, key: tuple, work):
    """What the traffic keeps under a key, worked out where it is not there yet."""
    if key not in now.memo:
        now.memo[key] = work()
    return now.memo[key]


def _period_s(duty, rate_per_s):
    """A timer's period while it runs; so long that it never fires where a draw never starts it."""
    duty, rate = np.broadcast_arrays(np.asarray(duty, dtype=float), np.asarray(rate_per_s, dtype=float))
    return np.divide(duty, rate, out=np.full(rate.shape, NEVER_S), where=rate > 0)[()]


def _source(now: Traffic, network: Network, flow: Flow, timing: dict, riders: list[tuple]):
    """One radio source for a flow and whatever shares its wake-up, so many of it for each exchange."""
    up, down = exchange.flow_bytes(now, flow, network.ip)
    busy_s = exchange.burst_s(flow, now.life.design, network)
    for rider, each in riders:
        more_up, more_down = exchange.flow_bytes(now, rider, network.ip)
        up, down = up + each * more_up, down + each * more_down
        busy_s = busy_s + each * exchange.burst_s(rider, now.life.design, network)
    return trusted(**timing, bytes_up=up, bytes_down=down, burst_s=busy_s)


def place_sources(now: Traffic, network: Network, place: str) -> dict:
    """The radio sources of a design at one place, by flow, each as often as in load, bill and data.

    Source: huang2012.
    """
    return once(now, ("place", id(network), place), lambda: _place_sources(now, network, place))


def _place_sources(now: Traffic, network: Network, place: str) -> dict:
    found = {}
    ridden = {f.rides for f in now.flows if f.rides and place in f.rates_per_s}
    for flow in now.flows:
        rate = flow.rates_per_s.get(place)
        if rate is None or flow.rides or not _ever(now, rate):
            continue
        # the same source serves every screen on which the flow runs alike
        same = ("source", id(network), flow.name, id(rate), flow.name in ridden)
        found[flow.name] = once(now, same, lambda f=flow: _own_source(now, network, f, place))
    return found


def _ever(now: Traffic, rate_per_s) -> bool:
    """Whether a rate is above 0 in any draw; asked once, as a flow's rate is one array on every screen."""
    return once(now, ("ever", id(rate_per_s)), lambda: bool(np.any(np.greater(rate_per_s, 0.0))))


def _own_source(now: Traffic, network: Network, flow: Flow, place: str):
    riders = [(f, 1.0) for f in now.flows if f.rides == flow.name and place in f.rates_per_s]
    rate = flow.rates_per_s[place]
    timing = (
        {"rate_per_s": rate}
        if not flow.timer
        else {"period_s": once(now, ("period", flow.name, id(rate)), lambda: _period_s(flow.duty, rate))}
    )
    return _source(now, network, flow, timing, riders)


def _with_timing(source, **timing):
    """The source as often as told."""
    return trusted(**timing, bytes_up=source.bytes_up, bytes_down=source.bytes_down, burst_s=source.burst_s)


def _started(now: Traffic, network: Network, sources: dict) -> dict:
    """The sources with the connect of a session's start on the app's first requests: one wake-up, not two."""
    life, start = now.life, next((f for f in now.flows if f.kind == "start"), None)
    opened = next((f for f in now.flows if f.exchange == "connect"), None)
    if start is None or opened is None or not {start.name, opened.name} <= set(sources):
        return sources
    first, all_of_them = sources[start.name].rate_per_s, sources[opened.name].rate_per_s
    each, rest = once(now, ("connects", id(first), id(all_of_them)), lambda: _connects(life, first, all_of_them))
    return {
        **sources,
        start.name: _source(now, network, start, {"rate_per_s": first}, [(opened, each)]),
        opened.name: _with_timing(sources[opened.name], rate_per_s=rest),
    }


def _connects(life, starts_per_s, connects_per_s) -> tuple:
    """Connects that go with each start of a session, and the rate of the others: after losses and cuts."""
    first = np.asarray(starts_per_s, dtype=float)
    usable = 1.0 - life.design.socket.blocked_share
    opened = np.minimum(life.scenario.usage.sessions_per_day / life.active_day_s * usable, first)
    each = np.divide(opened, first, out=np.zeros(np.broadcast_shapes(opened.shape, first.shape)), where=first > 0)
    return each[()], np.maximum(connects_per_s - opened, 0.0)


def side_by_side(now: Traffic, network: Network, place: str) -> list[tuple]:
    """What keeps the radio awake at a place at the same time: with the socket up, and while it is down.

    Source: huang2012.
    """
    return once(now, ("together", id(network), place), lambda: _side_by_side(now, network, place))


def _side_by_side(now: Traffic, network: Network, place: str) -> list[tuple]:
    sources, kinds = place_sources(now, network, place), {f.name: f.kind for f in now.flows}
    if now.life.design.transport != "websocket":
        return [(1.0, sources, False)]
    screens = now.life.places[place].screen is not None
    if screens:
        names = tuple(map(id, (sources.get(n) for n, k in kinds.items() if k in ("start", "connect"))))
        sources = {
            **sources,
            **once(now, ("started", id(network), names), lambda: _changed(sources, _started(now, network, sources))),
        }
    down = now.life.down_share
    up = {
        name: _while_up(now, network, source) if kinds[name] == "push" else source
        for name, source in sources.items()
        if kinds[name] != FALLBACK
    }
    if not np.any(np.greater(down, 0.0)):
        return [(1.0, up, True)]
    kept = {name: source for name, source in sources.items() if kinds[name] not in SOCKET}
    polls = {
        name: _while_down(now, network, name, source) for name, source in sources.items() if kinds[name] == FALLBACK
    }
    alive = once(now, ("alive",), lambda: 1.0 - down)
    return [(alive, up, True), *([(down, {**kept, **polls}, False)] if screens else [])]


def _changed(old: dict, new: dict) -> dict:
    return {name: source for name, source in new.items() if source is not old[name]}


def _while_up(now: Traffic, network: Network, source):
    """A push as often as it comes while the socket is up."""
    rate = once(
        now,
        ("rate while up", id(source.rate_per_s)),
        lambda: source.rate_per_s / np.maximum(1.0 - now.life.down_share, 1e-9),
    )
    return once(now, ("up", id(source)), lambda: _with_timing(source, rate_per_s=rate))


def _while_down(now: Traffic, network: Network, name: str, source):
    """The fallback poll spread over all the time that the socket is down: it begins a little later."""
    flow = next(f for f in now.flows if f.name == name)
    stretch = _period_s(now.life.down_share, flow.duty)
    return once(now, ("down", id(source)), lambda: _with_timing(source, period_s=source.period_s * stretch))


def background_sources(now: Traffic, place: str) -> tuple:
    """What the screen's own traffic is to the radio: a video segment each few seconds, or a steady upload.

    Source: assumption.
    """
    name = now.life.places[place].background
    if name is None:
        return ()
    return once(now, ("background", name), lambda: _background(now.life.scenario.backgrounds[name]))


def _background(one) -> tuple:
    return (trusted(period_s=one.period_s, bytes_up=one.up_bytes, bytes_down=one.down_bytes, burst_s=one.burst_s),)


def hourly_bytes(now: Traffic, ip: int) -> tuple:
    """IP bytes of all flows of a design per active hour: occurrences in the month, as in load and bill.

    Source: wire_capture.
    """
    return once(now, ("hourly bytes", ip), lambda: _hourly_bytes(now, ip))


def _hourly_bytes(now: Traffic, ip: int) -> tuple:
    up = down = 0.0
    for flow in now.flows:
        if flow.rates_per_s:
            sent, got = exchange.flow_bytes(now, flow, ip)
            up, down = up + flow.per_month * sent, down + flow.per_month * got
    hours = now.life.active_s / 3600.0
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


def radio_shares(now: Traffic, network: Network, screens=None) -> tuple:
    """How a push finds the radio of a user in the app: active, in a DRX tail, idle.

    Source: huang2012, cox1962.
    """
    key = ("radio shares", id(network), tuple(screens or ()))
    return once(now, key, lambda: _radio_shares(now, network, screens))


def _radio_shares(now: Traffic, network: Network, screens) -> tuple:
    air, mixes = once(now, ("air", id(network)), lambda: _air(now, network))
    quiet = idle = whole = 0.0
    for name, mix in mixes.items():
        place = now.life.places[name]
        if not screens or place.screen in screens:
            quiet = quiet + place.weight * air.quiet(mix, UP)
            idle = idle + place.weight * air.quiet(mix, TAIL)
            whole = whole + place.weight
    return 1.0 - quiet / whole, (quiet - idle) / whole, idle / whole


def _air(now: Traffic, network: Network) -> tuple:
    """Who is on air beside a live socket on each screen; what screens have in common is worked out once."""
    sources, mixes = {}, {}
    for name, place in now.life.places.items():
        if place.screen is not None:
            _, alive, _ = side_by_side(now, network, name)[0]  # a push needs the socket
            mixes[name] = (*alive.values(), *background_sources(now, name))
            sources |= {id(source): source for source in mixes[name]}
    number = {key: k for k, key in enumerate(sources)}
    air = radio.Mixes(_tail_alone(_of_profile(network, radio.tail_s)), tuple(sources.values()))
    return air, {name: tuple(number[id(s)] for s in mix) for name, mix in mixes.items()}


def _tail_alone(tail_s) -> radio.Radio:
    """A radio of which nothing but its tail is asked."""
    return radio.Radio(
        "tail",
        "",
        0,
        "lte",
        "",
        "",
        "",
        "",
        "",
        transfer_w=0.0,
        states=(radio.State("tail", 0.0, tail_s), radio.State("idle", 0.0)),
        promotions=(radio.Promotion("idle", "tail", 0.0, 0.0),),
    )


def wake_shares(profile, sources: tuple) -> tuple:
    """Shares of time that a radio is transferring, in its tail, idle or being promoted.

    Source: cox1962.
    """
    air, mix = radio.Mixes(_tail_alone(radio.tail_s(profile)), sources), tuple(range(len(sources)))
    quiet, idle = air.quiet(mix, UP), air.quiet(mix, TAIL)
    return 1.0 - quiet, quiet - idle, idle


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
