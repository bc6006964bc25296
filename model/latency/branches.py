"""The ways an event reaches its user: by poll or push, over each network, warm or cold, through gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from model import checks
from model.latency import chain, parts, reach, waits
from model.latency.parts import Part
from model.life.flow import Traffic
from model.life.sessions import HANDSHAKE_RTTS
from model.scenario import Network, Timer

__all__ = ["Branch", "branches"]


@dataclass(frozen=True)
class Branch:
    """One way an event reaches its user: how likely, and the components of its delay by name.

    In the closed form a `fine` way has the network's own lognormal; for the others, which are rare or spread
    over a wait much longer than all else, the three moments of network and services together do.
    """

    name: str
    share: Any
    parts: dict[str, Part]
    fine: bool = False


def branches(now: Traffic, event: str) -> list[Branch]:
    """The ways an event that arrives reaches its user, with shares that add up to 1.

    Source: cox1962, lambda_perf, twilly_code.
    """
    checks.known("event", event, now.life.scenario.events)
    return chain.once(now, ("branches", *kind(now, event)), lambda: _branches(now, event))


def kind(now: Traffic, event: str) -> tuple:
    """What sets the ways of an event apart from those of another: events alike in it travel alike."""
    scenario, design = now.life.scenario, now.life.design
    if not reach.pushed(now, event):
        told = tuple(reach.timers_of(now, event)[0])
        return ("poll", *told) if len(told) == 1 else ("poll", event)
    push, screens = design.pushes[event], scenario.events[event].screens
    own = event if push.pulls or push.audience == "broadcast" else ""
    return ("push", tuple(screens or ()), own)


def _branches(now: Traffic, event: str) -> list[Branch]:
    if reach.pushed(now, event):
        gaps = chain.once(now, ("gaps",), lambda: [*_caught_up(now), *_fallen_back(now)])
        found = [*_alive(now, event), *gaps]
    else:
        told, _ = reach.timers_of(now, event)
        found = [b for name, share in told.items() for b in _polled(now, now.life.design.timers[name], share, name)]
    found = [b for b in found if np.any(np.asarray(b.share) > 0)]
    whole = sum(b.share for b in found)
    return [Branch(b.name, b.share / np.where(whole > 0, whole, 1.0), b.parts, b.fine) for b in found]


@dataclass(frozen=True)
class Chance:
    """Something that some deliveries meet: its name, how likely, the component it adds."""

    name: str
    share: Any
    parts: dict[str, Part]
    rare: bool = False


def _split(whole: Branch, *either: list[Chance]) -> list[Branch]:
    """A way cut into those that meet one, or none, of each list of chances, independently between lists."""
    found = [whole]
    for chances in either:
        met = [c for c in chances if np.any(np.asarray(c.share) > 0)]
        none = 1.0 - sum((c.share for c in met), 0.0)
        found = [Branch(b.name, b.share * none, b.parts, b.fine) for b in found] + [
            Branch(f"{b.name}, {c.name}", b.share * c.share, {**b.parts, **c.parts}, b.fine and not c.rare)
            for b in found
            for c in met
        ]
    return found


def _polled(now: Traffic, timer: Timer, share, name: str) -> list[Branch]:
    """An event shown by a timer."""
    wait = {"poll wait": waits.poll_wait(timer, chain.request_s(now, timer))}
    if np.any(np.asarray(timer.cache_s) > 0):
        wait["cached answer"] = parts.uniform(0.0 * timer.cache_s, timer.cache_s)
    return _answered(now, wait, timer.function, share, name)


def _answered(now: Traffic, wait: dict, function: str, share, name: str) -> list[Branch]:
    """A wait, then the answer of a request that is already at the server: its time and the way down."""
    cold = [Chance("cold", chain.cold_share(now, function), {"cold start": chain.cold_start(now, function)})]
    served, seen, found = chain.request_parts(now, function), chain.to_screen(now), []
    for net, network in now.life.scenario.networks.items():
        common = {**wait, **served, "downlink": chain.downlink(now, net), **seen}
        found += _split(Branch(f"{name}, {net}", share * network.share, common), cold)
    return found


def _alive(now: Traffic, event: str) -> list[Branch]:
    """An event pushed over a socket that works."""
    life = now.life
    socket, screens = life.design.socket, life.scenario.events[event].screens
    share = chain.alive_share(now) * life.fan_outs[event].share
    sender, found, cold = chain.sender_parts(now, event), [], []
    if not socket.direct_send:
        name = socket.send_function
        cold = [Chance("cold", now.runs[name].cold_share, {"cold start": chain.cold_start(now, name)}, True)]
    for net, network in life.scenario.networks.items():
        pulled, chances = _pulls(now, event, network)
        common = {
            **sender,
            "radio wake-up": chain.radio_wake(now, net, screens),
            "downlink": chain.downlink(now, net),
            **pulled,
            **chain.to_screen(now),
        }
        found += _split(Branch(f"push, {net}", share * network.share, common, fine=True), cold, *chances)
    return found


def _pulls(now: Traffic, event: str, network: Network) -> tuple[dict, list[list[Chance]]]:
    """The requests that a push triggers before its content shows, and what may come cold with them."""
    design = now.life.design
    count = design.pushes[event].pulls
    if not count:
        return {}, []
    cold = next(f for f in now.flows if f.name == f"pull after {event}").cold_share
    function, trips = design.pull.function, HANDSHAKE_RTTS[design.api.tls]
    served = list(chain.request_parts(now, function).values())
    found = {"pull network": chain.round_trips(now, network, count), "pull server": parts.times(count, served)}
    resumed = design.api.resumed_share if design.api.tls == "1.2" else 0.0  # TLS 1.3 saves no round trip
    opened = [
        Chance(name, cold * part, {"pull connection": chain.round_trips(now, network, count)})
        for name, part, count in (
            ("new connection", 1.0 - resumed, trips),
            ("resumed connection", resumed, trips - 1.0),
        )
    ]
    started = {"pull cold start": chain.cold_start(now, function)}
    return found, [opened, [Chance("cold pull", chain.cold_share(now, function), started, True)]]


def _caught_up(now: Traffic) -> list[Branch]:
    """An event that fell into a gap nobody had noticed: the rest of the gap, a reconnect, one request."""
    life = now.life
    if not life.design.socket.catch_up:
        return []
    back, jitter_s = life.reconnect_s, life.jitter_s
    wait = waits.gap_rest(*life.gap_s)
    again = parts.lognormal(life.scenario.number("catch_up_s"), life.scenario.number("service_sigma_ln"))
    reconnect = parts.spread(back - jitter_s, back + jitter_s)
    unseen = {"unseen loss": wait, "reconnect": reconnect, "catch-up": again, **chain.to_screen(now)}
    share, length_s = chain.down_segments(now)["last"]
    half_s = np.minimum(jitter_s, length_s)
    down = {
        "reconnect": waits.gap_rest(length_s - half_s, length_s + half_s),
        "catch-up": again,
        **chain.to_screen(now),
    }
    return [Branch("lost unseen", life.unseen_share, unseen), Branch("reconnecting", share, down)]


def _fallen_back(now: Traffic) -> list[Branch]:
    """An event shown by the fallback poll while the socket is down."""
    function = next(f.function for f in now.flows if f.kind == "fallback")
    found = []
    for name in ("first", "polls", "blocked"):
        share, length_s = chain.down_segments(now)[name]
        if np.any(np.asarray(share) > 0):
            wait = {"poll wait": parts.uniform(0.0 * length_s, length_s)}
            found += _answered(now, wait, function, share, f"fallback {name}")
    return found
