"""The ways an event reaches its user: by poll or push, over each network, warm or cold, through gaps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from model import checks
from model.latency import chain, parts
from model.latency.parts import DelayPart
from model.life import lengths, tellers
from model.life.flow import Traffic, once
from model.life.rates import feed_s
from model.life.sessions import HANDSHAKE_RTTS, poll_period_s
from model.traffic.services import pushed_bytes

LARGE_BYTES = 4096  # from which on a message's own size tells in its delay: 2 ms at 20 Mbit/s
OFTEN = ("usual", "seldom", "rare")


@dataclass(frozen=True)
class DeliveryPath:
    """One way an event reaches its user: how likely, and the components of its delay by name."""

    name: str
    share: Any
    parts: dict[str, DelayPart]
    often: str = "usual"  # how many deliveries stand for it: usual, seldom or rare
    period_s: Any = None  # of a timer that starts with the session; None where the way's phase is random
    seen: Any = 1.0  # share of active time before the last poll of such a timer
    refresh_per_s: Any = None  # how often a refresh by hand may come before the way's own wait is over


def branches(traffic: Traffic, event: str) -> list[DeliveryPath]:
    """The ways an event that arrives reaches its user, with shares that add up to 1.

    Source: cox1962, lambda_perf, first_case_code.
    """
    checks.known("event", event, traffic.life.scenario.events)
    return traffic.once(("branches", *kind(traffic, event)), lambda: _branches(traffic, event))


@once
def kind(traffic: Traffic, event: str) -> tuple:
    """What sets the ways of an event apart from those of another: events alike in it travel alike."""
    life = traffic.life
    on = {screen: tellers.refreshers(life, event, screen) for screen in tellers.by_screen(life, event)}
    by_hand = tuple(on.items()) if any(on.values()) else tuple(life.scenario.events[event].screens or ())
    if chain.pushed(traffic, event):
        push = life.design.pushes[event]
        own = push.pulls or push.audience == "broadcast" or np.any(np.greater(pushed_bytes(life, event), LARGE_BYTES))
        own = own or feed_s(life.scenario, event) is not None
        return ("push", by_hand, event if own else "")
    told = tuple(dict.fromkeys(name for name, _ in chain.timers_of(traffic, event)[0]))
    large = np.any(np.greater(life.scenario.events[event].payload_bytes, LARGE_BYTES))
    own = any(life.design.timers[name].overlay for name in told) or large
    return ("poll", by_hand, *told, event if own else "")


def _branches(traffic: Traffic, event: str) -> list[DeliveryPath]:
    if chain.pushed(traffic, event):
        found = _alive(traffic, event) + _caught_up(traffic) + _fallen_back(traffic)
    else:
        told = chain.refreshed(traffic, event, chain.timers_of(traffic, event)[0])
        found = [b for p in told for (name, by), share in p.items() for b in _polled(traffic, event, name, by, share)]
    looked, _ = chain.refreshed(traffic, event, chain.left_over(traffic, event))
    found += [b for (_, by), share in looked.items() for b in _looked_up(traffic, event, by, share)]
    found = [b for b in found if np.any(np.asarray(b.share) > 0)]
    whole = sum(b.share for b in found)
    return [replace(b, share=b.share / np.where(whole > 0, whole, 1.0)) for b in found]


@dataclass(frozen=True)
class Chance:
    """Something that some deliveries meet: its name, how likely, the component it adds."""

    name: str
    share: Any
    parts: dict[str, DelayPart]
    often: str = "usual"


def _split(whole: DeliveryPath, *either: list[Chance]) -> list[DeliveryPath]:
    """A way cut into those that meet one, or none, of each list of chances, independently between lists."""
    found = [whole]
    for chances in either:
        met = [c for c in chances if np.any(np.asarray(c.share) > 0)]
        none = 1.0 - sum((c.share for c in met), 0.0)
        found = [replace(b, share=b.share * none) for b in found] + [
            replace(
                b,
                name=f"{b.name}, {c.name}",
                share=b.share * c.share,
                parts={**b.parts, **c.parts},
                often=max(b.often, c.often, key=OFTEN.index),
            )
            for b in found
            for c in met
        ]
    return found


def _polled(traffic: Traffic, event: str, name: str, by: tuple[str, ...], share) -> list[DeliveryPath]:
    """An event shown by a timer, or by a refresh by hand where one comes first."""
    timer = traffic.life.design.timers[name]
    wait, cached = {"poll wait": parts.poll_wait(timer, traffic.life.request_s)}, np.asarray(timer.cache_s) > 0
    if np.any(cached):
        wait["cached answer"] = parts.uniform(0.0 * timer.cache_s, timer.cache_s)
    period_s = None if timer.overlay or np.any(cached) else poll_period_s(timer, traffic.life.request_s)
    seen = 1.0 if period_s is None else traffic.once(("seen", name), lambda: _seen(traffic, period_s))
    rate = tellers.refresh_per_s(traffic.life, by) if by else None
    answer_bytes = timer.response_bytes + tellers.news_bytes(traffic.life, timer, event)
    found = _answered(
        traffic, wait, timer.function, share, name, answer_bytes, (f"pull after poll {name}", timer.pulls)
    )
    return [replace(b, period_s=period_s, seen=seen, refresh_per_s=rate) for b in found]


def _seen(traffic: Traffic, period_s):
    """The share of active time that is not behind the last poll of a session."""
    usage = traffic.life.scenario.usage
    return 1.0 - lengths.cut_share(period_s, usage.session_mean_s, usage.session_sigma_ln)


def _looked_up(traffic: Traffic, event: str, by: tuple[str, ...], share) -> list[DeliveryPath]:
    """An event that people find when they look for themselves."""
    life = traffic.life
    first = life.scenario.refresh if by[-1] == tellers.APP else life.design.timers[by[0]]
    rate = np.asarray(tellers.refresh_per_s(life, by))
    wait = {"refresh": parts.memoryless(np.where(rate > 0, rate, 1.0))}
    answer_bytes = first.response_bytes + life.scenario.events[event].payload_bytes
    return _answered(traffic, wait, first.function, share, "refresh", answer_bytes)


def _answered(
    traffic: Traffic, wait: dict, function: str, share, name: str, answer_bytes=0.0, pull: tuple[str, int] = ("", 0)
) -> list[DeliveryPath]:
    """A wait, then the answer of a request that is already at the server: its time, the way down, what it triggers."""
    started = {"cold start": chain.cold_start(traffic, function)}
    cold = [Chance("cold", chain.cold_share(traffic, function), started, "rare")]
    served, down = chain.request_parts(traffic, function), {"downlink": chain.round_trips(traffic, 0.5)}
    sent = {"transmission": chain.transmission(traffic, answer_bytes)}
    pulled, chances = _pulls(traffic, *pull)
    parts_of = {**wait, **served, **down, **sent, **pulled, **chain.to_screen(traffic)}
    return _split(DeliveryPath(name, share, parts_of), cold, *chances)


def _alive(traffic: Traffic, event: str) -> list[DeliveryPath]:
    """An event pushed over a socket that works."""
    life = traffic.life
    socket, screens = life.design.socket, life.scenario.events[event].screens
    share = traffic.life.alive_share * life.fan_outs[event].share
    feed = "" if feed_s(life.scenario, event) is None else f"push {event}"
    cold = []
    if not socket.direct_send:
        name = socket.send_function
        cold = [Chance("cold", traffic.runs[name].cold_share, {"cold start": chain.cold_start(traffic, name)}, "rare")]
    pulled, chances = _pulls(traffic, f"pull after {event}", life.design.pushes[event].pulls)
    common = {
        **chain.sender_parts(traffic, event),
        "radio wake-up": chain.radio_wake(traffic, screens, feed),
        "downlink": chain.round_trips(traffic, 0.5),
        "transmission": chain.transmission(traffic, pushed_bytes(life, event)),
        **pulled,
        **chain.to_screen(traffic),
    }
    return _split(DeliveryPath("push", share, common), cold, *chances)


def _pulls(traffic: Traffic, flow: str, count: int) -> tuple[dict, list[list[Chance]]]:
    """The requests that a push or a poll triggers before its content shows, and what may come cold with them."""
    design = traffic.life.design
    if not count:
        return {}, []
    cold = next(f for f in traffic.flows if f.name == flow).cold_share
    function, trips = design.pull.function, HANDSHAKE_RTTS[design.api.tls]
    served = [part.mean_s for part in chain.request_parts(traffic, function).values()]
    spread = traffic.life.scenario.number("service_sigma_ln")
    found = {
        "pull network": chain.round_trips(traffic, count),
        "pull server": parts.times(count, served, spread),
    }
    resumed = design.api.resumed_share if design.api.tls == "1.2" else 0.0  # TLS 1.3 saves no round trip
    opened = [
        Chance(name, cold * part, {"pull connection": chain.round_trips(traffic, count)})
        for name, part, count in (
            ("new connection", 1.0 - resumed, trips),
            ("resumed connection", resumed, trips - 1.0),
        )
    ]
    started = {"pull cold start": chain.cold_start(traffic, function)}
    return found, [opened, [Chance("cold pull", chain.cold_share(traffic, function), started, "rare")]]


@once
def _caught_up(traffic: Traffic) -> list[DeliveryPath]:
    """An event that fell into a gap nobody had noticed: the rest of the gap, a reconnect, one request."""
    life = traffic.life
    if not life.design.socket.catch_up:
        return []
    back, jitter_s = life.reconnect_s, life.jitter_s
    wait = parts.gap_rest(*life.gap_s)
    again = parts.lognormal(life.scenario.number("catch_up_s"), life.scenario.number("service_sigma_ln"))
    reconnect = parts.uniform(back - jitter_s, back + jitter_s)
    unseen = {"unseen loss": wait, "reconnect": reconnect, "catch-up": again, **chain.to_screen(traffic)}
    share, length_s = chain.down_segments(traffic)["last"]
    half_s = np.minimum(jitter_s, length_s)
    down = {
        "reconnect": parts.gap_rest(length_s - half_s, length_s + half_s),
        "catch-up": again,
        **chain.to_screen(traffic),
    }
    lapsed = [*life.lapses.values()]
    shares = [n.share * lapse.deaf_share for n, lapse in zip(life.scenario.networks.values(), lapsed, strict=True)]
    whole = np.where(np.asarray(life.deaf_share) > 0, sum(shares), 1.0)
    silent = parts.by_network([share / whole for share in shares], [parts.uniform(0.0, s.deaf_s) for s in lapsed])
    deaf = {**unseen, "unseen loss": silent}
    return [
        DeliveryPath("silent too long", life.deaf_share, deaf, "seldom"),
        DeliveryPath("lost unseen", life.unseen_share, unseen, "seldom"),
        DeliveryPath("reconnecting", share, down, "seldom"),
    ]


@once
def _fallen_back(traffic: Traffic) -> list[DeliveryPath]:
    """An event shown by the fallback poll while the socket is down."""
    function = next(f.function for f in traffic.flows if f.kind == "fallback")
    found = []
    for name in ("first", "polls", "blocked"):
        share, length_s = chain.down_segments(traffic)[name]
        if np.any(np.asarray(share) > 0):
            wait = {"poll wait": parts.uniform(0.0 * length_s, length_s)}
            found += _answered(traffic, wait, function, share, f"fallback {name}")
    return [replace(b, often=max(b.often, "seldom", key=OFTEN.index)) for b in found]
