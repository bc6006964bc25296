"""The components that deliveries share: one HTTP request, the network, the sender, the socket's gaps."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from model import checks
from model.latency import parts
from model.latency.parts import DelayPart
from model.life import airtime, chains, tellers
from model.life.flow import Traffic, once
from model.life.rates import pushes_per_s


def _service(traffic: Traffic, mean_s) -> DelayPart:
    return parts.lognormal(mean_s, traffic.life.scenario.number("service_sigma_ln"))


def _server_queue(traffic: Traffic) -> DelayPart:
    """The wait for a plain server at the mean rate of all requests."""
    requests = sum((f.per_month * f.requests for f in traffic.flows if f.exchange == "http"), 0.0)
    rate = requests / traffic.life.scenario.month_s
    return parts.queue_wait(rate, traffic.life.design.server.requests_per_s, traffic.instances)


@once
def request_parts(traffic: Traffic, name: str) -> dict[str, DelayPart]:
    """Server time of one warm HTTP request by component; queue apart, the means add up to `server_s`."""
    scenario, design = traffic.life.scenario, traffic.life.design
    function = design.functions[name]
    database_s = sum((chains.operation_s(scenario, o, traffic.table_bytes) for o in function.operations), 0.0)
    row = design.api.row
    if row.own:
        return {
            "queue": _server_queue(traffic),
            "server": _service(traffic, scenario.number(row.added_s)),
            "database": _service(traffic, database_s),
        }
    gateway_s = scenario.number(row.added_s)
    code_s = chains.run_s(scenario, function, traffic.table_bytes) - database_s
    return {
        "gateway": _service(traffic, gateway_s),
        "function": _service(traffic, code_s),
        "database": _service(traffic, database_s),
    }


def cold_share(traffic: Traffic, function: str):
    """Share of requests that find the function cold, as traffic decided; none on a plain server."""
    return traffic.runs[function].cold_share if traffic.life.design.api.row.on_lambda else 0.0


@once
def cold_start(traffic: Traffic, name: str) -> DelayPart:
    """What a cold start of a function adds."""
    one = traffic.life.design.functions[name]
    extra_s = chains.cold_extra_s(traffic.life.scenario, one.runtime)
    return parts.cold_start(one.runtime, one.package_kb, extra_s)


def by_network(traffic: Traffic, of: Callable[[str], DelayPart]) -> DelayPart:
    """A component that differs by the access network."""
    networks = traffic.life.scenario.networks
    return parts.by_network([n.share for n in networks.values()], [of(name) for name in networks])


@once
def round_trips(traffic: Traffic, count) -> DelayPart:
    """So many round trips between phone and region, one after another; half of one is the way down."""
    networks, path_s = traffic.life.scenario.networks, 2.0 * count * traffic.life.scenario.path_s

    def on(name: str) -> DelayPart:
        return parts.network(count * networks[name].rtt_s, networks[name].rtt_sigma_ln, path_s)

    return by_network(traffic, on)


def transmission(traffic: Traffic, payload_bytes) -> DelayPart:
    """The time that an answer or a message takes at the network's bit rate."""
    networks = traffic.life.scenario.networks
    return by_network(traffic, lambda name: parts.fixed(8.0 * payload_bytes / networks[name].down_bit_per_s))


@once
def to_screen(traffic: Traffic) -> dict[str, DelayPart]:
    """From bytes in the app to pixels."""
    return {"phone to screen": parts.fixed(traffic.life.scenario.number("screen_render_s"))}


def radio_wake(traffic: Traffic, screens: list[str] | None, feed: str = "") -> DelayPart:
    """What a push waits for the radio, as the traffic of the screens where it is seen leaves it.

    A feed, by the name of its flow, finds its own last push where its clock put it, not at random.
    """
    every = ("wake", feed, *(screens or ()))
    return traffic.once(every, lambda: by_network(traffic, lambda name: radio_on(traffic, name, screens, feed)))


def radio_on(traffic: Traffic, name: str, screens: list[str] | None, feed: str = "") -> DelayPart:
    """The same on one network."""
    network = traffic.life.scenario.networks[name]
    quiet = traffic.once(("quiet", feed, name), lambda: airtime.quiet_by_place(traffic, network, feed))
    shares = airtime.shares_on(traffic, quiet, screens)
    return parts.radio_wake(shares, network.drx_s, network.paging_s, airtime.promotion_s(network))


def sender_parts(traffic: Traffic, event: str) -> dict[str, DelayPart]:
    """From the stored event to the gateway's end of the socket; the same for all that is told one by one."""
    broadcast = traffic.life.design.pushes[event].audience == "broadcast"
    return traffic.once(("sender", event if broadcast else ""), lambda: _sender_parts(traffic, event))


def _sender_parts(traffic: Traffic, event: str) -> dict[str, DelayPart]:
    scenario, socket = traffic.life.scenario, traffic.life.design.socket
    found = _lookup(traffic, event)
    row = socket.row
    if row.post_s:
        found["fan-out"] = parts.ahead(_others(traffic, event), scenario.number(row.post_s))
    if row.own:
        return found
    post_s, delivery_s = (
        scenario.number(name) if name else own_s
        for name, own_s in ((row.post_s, socket.publish_s), (row.delivery_s, socket.delivery_s))
    )
    return {**found, "post": _service(traffic, post_s), "gateway": _service(traffic, delivery_s)}


def _lookup(traffic: Traffic, event: str) -> dict[str, DelayPart]:
    """The sender's work until its first post: its own process with a cache, or a function that is invoked."""
    scenario, design, socket = traffic.life.scenario, traffic.life.design, traffic.life.design.socket
    function = tellers.sender(traffic.life, event)
    broadcast = design.pushes[event].audience == "broadcast"
    database_s = sum((chains.operation_s(scenario, o, traffic.table_bytes) for o in function.operations), 0.0)
    if socket.direct_send:
        missed = 0.0 if broadcast else 1.0 - socket.cache_hit_share
        return {
            "server": _service(traffic, scenario.number("direct_send_s")),
            "database": parts.sometimes(missed, _service(traffic, database_s)),
        }
    code_s = chains.run_s(scenario, function, traffic.table_bytes) - database_s
    return {
        "invocation": _service(traffic, scenario.number("lambda_invoke_s")),
        "function": _service(traffic, code_s),
        "database": _service(traffic, database_s),
    }


def _others(traffic: Traffic, event: str):
    """Connections posted to beside ours: the rest of a broadcast, or a recipient's own that linger."""
    life = traffic.life
    if life.design.socket.fan_out == "parallel":
        return 0.0
    if life.design.pushes[event].audience == "broadcast":
        return np.maximum(life.fan_outs[event].posts * life.fan_outs[event].share - 1.0, 0.0)
    return life.lingering_each


@once
def down_segments(traffic: Traffic) -> dict[str, tuple]:
    """A gap until the reconnect, cut where the fallback polls: shares of down time and the lengths waited in.

    `first`: before the fallback's first poll; `polls`: between its polls; `last`: after them, until the
    socket is back; `blocked`: on networks that let no socket through, where the fallback always polls.
    """
    life, fallback = traffic.life, traffic.life.design.fallback
    gap_s, start_s, period_s = life.reconnect_s, fallback.start_delay_s, fallback.period_s
    polled = np.floor(np.maximum(gap_s - start_s, 0.0) / period_s)
    out = life.down_share - life.design.socket.blocked_share
    first_s = np.where(start_s < gap_s, start_s, 0.0)
    last_s = np.maximum(gap_s - first_s - polled * period_s, 0.0)
    return {
        "first": (out * first_s / gap_s, first_s),
        "polls": (out * polled * period_s / gap_s, period_s),
        "last": (out * last_s / gap_s, last_s),
        "blocked": (life.design.socket.blocked_share, period_s),
    }


def lost_share(traffic: Traffic):
    """Share of events that fall into a gap which nothing fills: no catch-up, no fallback poll behind them."""
    if traffic.life.design.socket.catch_up:
        return 0.0
    return traffic.life.unseen_share + traffic.life.deaf_share + down_segments(traffic)["last"][0]


LOST = "lost with the connection"
CUT_OFF = "the sender's run timed out"


def pushed(traffic: Traffic, event: str) -> bool:
    """Whether somebody sends a push for this event."""
    return tellers.pushed(traffic.life.design, event)


@once
def left_over(traffic: Traffic, event: str) -> dict:
    """The shares of an event's recipients whom no timer and no push of the design tells, by (reason, screen)."""
    if not pushed(traffic, event):
        return timers_of(traffic, event)[1]
    cut = 1.0 - traffic.life.fan_outs[event].share
    lost = {LOST: lost_share(traffic), CUT_OFF: cut * traffic.life.alive_share}
    on = tellers.by_screen(traffic.life, event)
    return {(reason, screen): share * part for reason, share in lost.items() for screen, part in on.items()}


@once
def timers_of(traffic: Traffic, event: str) -> tuple[dict, dict]:
    """The shares of an event's recipients that each timer tells, and of the others by reason, on each screen."""
    return tellers.loops_of(traffic.life, event)


def refreshed(traffic: Traffic, event: str, shares: dict) -> tuple[dict, dict]:
    """Shares by (name, screen) as {(name, what refreshes there): share} where people look for themselves, and the rest.

    A refresh that nobody makes in a draw shows nothing there.
    """
    looked: dict = {}
    alone: dict = {}
    for (name, screen), share in shares.items():
        by = tellers.refreshers(traffic.life, event, screen)
        looks = np.greater(tellers.refresh_per_s(traffic.life, by), 0.0)
        for found, part in ((looked, np.where(looks, share, 0.0)), (alone, np.where(looks, 0.0, share))):
            if np.any(part > 0):
                key = (name, by) if found is looked else (name, ())
                found[key] = found.get(key, 0.0) + part
    return looked, alone


@once
def undelivered_reasons(traffic: Traffic, event: str) -> dict:
    """Why nothing tells some recipients in the app of an event, with the share of each reason.

    Source: first_case_code, cox1962.
    """
    checks.known("event", event, traffic.life.scenario.events)
    _, alone = refreshed(traffic, event, left_over(traffic, event))
    return {reason: share for (reason, _), share in alone.items()}


@once
def undelivered_share(traffic: Traffic, event: str):
    """The share of an event's recipients in the app whom nothing tells, however long they stay.

    Source: first_case_code.
    """
    return sum(undelivered_reasons(traffic, event).values(), 0.0)


def delivered_rate_per_s(traffic: Traffic, event: str):
    """How often one user in the app is told of an event that they stay for: its weight among all deliveries.

    Source: assumption.
    """
    return pushes_per_s(traffic.life.scenario, event) * (1.0 - undelivered_share(traffic, event))
