"""The ways an event reaches its user: by poll or push, over each network, warm or cold, through gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model import checks
from model.latency import chain, parts, reach, waits
from model.latency.parts import DelayPart
from model.life.flow import Traffic
from model.life.sessions import HANDSHAKE_RTTS
from model.scenario import Network, Timer

__all__ = ["DeliveryPath", "branches"]


@dataclass(frozen=True)
class DeliveryPath:
    """One way an event reaches its user: how likely, and the components of its delay by name.

    In the closed form a `fine` way has the network's own lognormal; for the others, which are rare or spread
    over a wait much longer than all else, the three moments of network and services together do.
    """

    name: str
    share: Any
    parts: dict[str, DelayPart]
    fine: bool = False
    period_s: Any = None  # of a timer that starts with the screen; None where the way's phase is random


def branches(traffic: Traffic, event: str) -> list[DeliveryPath]:
    """The ways an event that arrives reaches its user, with shares that add up to 1.

    Source: cox1962, lambda_perf, first_case_code.
    """
    checks.known("event", event, traffic.life.scenario.events)
    return chain.once(traffic, ("branches", *kind(traffic, event)), lambda: _branches(traffic, event))


def kind(traffic: Traffic, event: str) -> tuple:
    """What sets the ways of an event apart from those of another: events alike in it travel alike."""
    scenario, design = traffic.life.scenario, traffic.life.design
    if not reach.pushed(traffic, event):
        told = tuple(reach.timers_of(traffic, event)[0])
        return ("poll", *told) if len(told) == 1 else ("poll", event)
    push, screens = design.pushes[event], scenario.events[event].screens
    own = event if push.pulls or push.audience == "broadcast" else ""
    return ("push", tuple(screens or ()), own)


def _branches(traffic: Traffic, event: str) -> list[DeliveryPath]:
    if reach.pushed(traffic, event):
        gaps = chain.once(traffic, ("gaps",), lambda: [*_caught_up(traffic), *_fallen_back(traffic)])
        found = [*_alive(traffic, event), *gaps]
    else:
        told, _ = reach.timers_of(traffic, event)
        found = [
            b for name, share in told.items() for b in _polled(traffic, traffic.life.design.timers[name], share, name)
        ]
    found = [b for b in found if np.any(np.asarray(b.share) > 0)]
    whole = sum(b.share for b in found)
    return [replace(b, share=b.share / np.where(whole > 0, whole, 1.0)) for b in found]


@dataclass(frozen=True)
class Chance:
    """Something that some deliveries meet: its name, how likely, the component it adds."""

    name: str
    share: Any
    parts: dict[str, DelayPart]
    rare: bool = False


def _split(whole: DeliveryPath, *either: list[Chance]) -> list[DeliveryPath]:
    """A way cut into those that meet one, or none, of each list of chances, independently between lists."""
    found = [whole]
    for chances in either:
        met = [c for c in chances if np.any(np.asarray(c.share) > 0)]
        none = 1.0 - sum((c.share for c in met), 0.0)
        found = [replace(b, share=b.share * none) for b in found] + [
            DeliveryPath(
                f"{b.name}, {c.name}",
                b.share * c.share,
                {**b.parts, **c.parts},
                b.fine and not c.rare,
                b.period_s,
            )
            for b in found
            for c in met
        ]
    return found


def _polled(traffic: Traffic, timer: Timer, share, name: str) -> list[DeliveryPath]:
    """An event shown by a timer."""
    wait, cached = {"poll wait": waits.poll_wait(timer, chain.request_s(traffic, timer))}, np.asarray(timer.cache_s) > 0
    if np.any(cached):
        wait["cached answer"] = parts.uniform(0.0 * timer.cache_s, timer.cache_s)
    starts = timer.timing == "fixed" and not np.any(cached)
    period_s = timer.period_s if starts else None
    return [replace(b, period_s=period_s) for b in _answered(traffic, wait, timer.function, share, name)]


def _answered(traffic: Traffic, wait: dict, function: str, share, name: str) -> list[DeliveryPath]:
    """A wait, then the answer of a request that is already at the server: its time and the way down."""
    cold = [Chance("cold", chain.cold_share(traffic, function), {"cold start": chain.cold_start(traffic, function)})]
    served, seen, found = chain.request_parts(traffic, function), chain.to_screen(traffic), []
    for net, network in traffic.life.scenario.networks.items():
        common = {**wait, **served, "downlink": chain.downlink(traffic, net), **seen}
        found += _split(DeliveryPath(f"{name}, {net}", share * network.share, common), cold)
    return found


def _alive(traffic: Traffic, event: str) -> list[DeliveryPath]:
    """An event pushed over a socket that works."""
    life = traffic.life
    socket, screens = life.design.socket, life.scenario.events[event].screens
    share = chain.alive_share(traffic) * life.fan_outs[event].share
    sender, found, cold = chain.sender_parts(traffic, event), [], []
    if not socket.direct_send:
        name = socket.send_function
        cold = [Chance("cold", traffic.runs[name].cold_share, {"cold start": chain.cold_start(traffic, name)}, True)]
    for net, network in life.scenario.networks.items():
        pulled, chances = _pulls(traffic, event, network)
        common = {
            **sender,
            "radio wake-up": chain.radio_wake(traffic, net, screens),
            "downlink": chain.downlink(traffic, net),
            **pulled,
            **chain.to_screen(traffic),
        }
        found += _split(DeliveryPath(f"push, {net}", share * network.share, common, fine=True), cold, *chances)
    return found


def _pulls(traffic: Traffic, event: str, network: Network) -> tuple[dict, list[list[Chance]]]:
    """The requests that a push triggers before its content shows, and what may come cold with them."""
    design = traffic.life.design
    count = design.pushes[event].pulls
    if not count:
        return {}, []
    cold = next(f for f in traffic.flows if f.name == f"pull after {event}").cold_share
    function, trips = design.pull.function, HANDSHAKE_RTTS[design.api.tls]
    served = list(chain.request_parts(traffic, function).values())
    found = {"pull network": chain.round_trips(traffic, network, count), "pull server": parts.times(count, served)}
    resumed = design.api.resumed_share if design.api.tls == "1.2" else 0.0  # TLS 1.3 saves no round trip
    opened = [
        Chance(name, cold * part, {"pull connection": chain.round_trips(traffic, network, count)})
        for name, part, count in (
            ("new connection", 1.0 - resumed, trips),
            ("resumed connection", resumed, trips - 1.0),
        )
    ]
    started = {"pull cold start": chain.cold_start(traffic, function)}
    return found, [opened, [Chance("cold pull", chain.cold_share(traffic, function), started, True)]]


def _caught_up(traffic: Traffic) -> list[DeliveryPath]:
    """An event that fell into a gap nobody had noticed: the rest of the gap, a reconnect, one request."""
    life = traffic.life
    if not life.design.socket.catch_up:
        return []
    back, jitter_s = life.reconnect_s, life.jitter_s
    wait = waits.gap_rest(*life.gap_s)
    again = parts.lognormal(life.scenario.number("catch_up_s"), life.scenario.number("service_sigma_ln"))
    reconnect = parts.spread(back - jitter_s, back + jitter_s)
    unseen = {"unseen loss": wait, "reconnect": reconnect, "catch-up": again, **chain.to_screen(traffic)}
    share, length_s = chain.down_segments(traffic)["last"]
    half_s = np.minimum(jitter_s, length_s)
    down = {
        "reconnect": waits.gap_rest(length_s - half_s, length_s + half_s),
        "catch-up": again,
        **chain.to_screen(traffic),
    }
    return [DeliveryPath("lost unseen", life.unseen_share, unseen), DeliveryPath("reconnecting", share, down)]


def _fallen_back(traffic: Traffic) -> list[DeliveryPath]:
    """An event shown by the fallback poll while the socket is down."""
    function = next(f.function for f in traffic.flows if f.kind == "fallback")
    found = []
    for name in ("first", "polls", "blocked"):
        share, length_s = chain.down_segments(traffic)[name]
        if np.any(np.asarray(share) > 0):
            wait = {"poll wait": parts.uniform(0.0 * length_s, length_s)}
            found += _answered(traffic, wait, function, share, f"fallback {name}")
    return found
