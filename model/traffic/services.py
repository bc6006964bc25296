"""Flows of what others run: publishes to a service, its channels, plans, functions held open, long polls."""

from __future__ import annotations

from typing import Any

import numpy as np

from model import backends
from model.life import chains
from model.life.flow import Flow
from model.life.rates import feed_s, feeds_s, pushes_per_s
from model.life.sessions import Life
from model.prices import metering
from model.traffic.http import everywhere, monthly, push_rates

SILENT = ("heartbeat", "connect", "lingering")  # kinds of flow that no plan counts as messages


def pushed_bytes(life: Life, event: str):
    """The payload of a pushed event: the design's own, or the event's [B]."""
    own = life.design.pushes[event].payload_bytes
    return life.scenario.events[event].payload_bytes if own is None else own


def sends_per_month(life: Life, event: str):
    """How many recipients an event is sent to in a month, whether they are there or not."""
    one = life.scenario.events[event]
    if one.every_s is not None or one.audience != "recipients":  # only who is there is sent anything
        return pushes_per_s(life.scenario, event) * life.active_s
    return one.per_active_day * one.recipients * life.active_days


def channels(life: Life) -> tuple:
    """Live channels, and how many one user subscribes to: where the app has none, one of each user in it."""
    rooms = life.scenario.channels
    if rooms is None:
        return life.active_s / life.scenario.month_s, 1.0
    return life.channels_live, rooms.subscribed


def subscribe_meters(life: Life) -> dict:
    """What one connection pays to subscribe to its channels, several in one message where the service lets it."""
    row = life.held.socket.row
    count = np.ceil(channels(life)[1] / max(row.topics_per_subscribe, 1.0))
    return chains.message_meters(life.design, 0.0, count, "subscribe")


def waiting_flow(life: Life, key: str, beat) -> Flow:
    """A long poll that brings nothing: the answer after the longest hold, and the next request.

    What comes in the meantime ends it, so that of a hold H only those with no push in it run out: 1 in
    (e^(r H) - 1) / r seconds at r pushes a second. Source: rfc6202, cox1962.
    """
    rate = np.maximum(sum((pushed_per_s(life, e) for e in told_events(life)), 0.0), 1e-12)
    alive, hold_s = 1.0 - life.down_share, beat.period_s
    empty = rate / np.expm1(np.minimum(rate * hold_s, 500.0)) * np.greater(feeds_s(life.scenario, life.design), hold_s)
    return _asked(life, key.replace("_", " "), "heartbeat", everywhere(life, alive * empty, grace=True), 0.0, ())


def told_events(life: Life) -> list[str]:
    """The events that somebody pushes."""
    return [event for event, push in life.held.pushes.items() if push.sent]


def pushed_per_s(life: Life, event: str):
    """Pushes of an event to one user in the app a second, on average over the places."""
    return sum((life.places[p].weight * r for p, r in push_rates(life, event, grace=False).items()), 0.0)


def answer_flow(life: Life, event: str) -> Flow:
    """An event as the answer of the request that waits for it, and the next request."""
    every_s = feed_s(life.scenario, event)
    return _asked(life, f"push {event}", "push", push_rates(life, event), pushed_bytes(life, event), (event,), every_s)


def _asked(life: Life, name: str, kind: str, rates: dict, news_bytes, events: tuple, every_s: Any = None) -> Flow:
    socket = life.held.socket
    return Flow(
        name,
        kind,
        monthly(life, rates),
        rates,
        period_s=every_s,
        duty=1.0 - life.down_share,
        exchange=kind,
        request_bytes=socket.upgrade_request_bytes,
        response_bytes=socket.upgrade_response_bytes + news_bytes,
        events=events,
        requests=1,
        messages_down=float(kind == "push"),
        gateway_calls=1.0,
        function=socket.connect_function,
        executions=1.0,
        meters=socket.row.request_meters(socket.upgrade_request_bytes),
    )


def service_flows(life: Life, told: list[str]) -> list[Flow]:
    """What a service that others run is paid beside connections and messages."""
    socket, scenario = life.held.socket, life.scenario
    row, month_s, found = socket.row, scenario.month_s, []
    if row.fan_out == "publish_once":
        found += [publish_flow(life, event) for event in told]
    live, _ = channels(life)
    if row.channel_meter:
        found.append(Flow("channel minutes", "minutes", live * month_s / 60.0, meters={row.channel_meter: 1.0}))
    if row.awake_meter:
        wakes = sum((f.per_month * f.messages_up for f in found), 0.0) / month_s / np.maximum(live, 1e-9)
        awake_s = live * month_s * backends.awake_share(wakes, socket.awake_s)
        found.append(Flow("objects awake", "minutes", awake_s, meters={row.awake_meter: row.awake_gb}))
    if row.fan_out == "held":
        function = life.design.functions[socket.connect_function]
        gb_s = {f"lambda_gb_second_{function.arch}": backends.held_gb_seconds(function.memory_mb, 1.0)}
        found.append(Flow("functions held open", "minutes", life.open_connections * month_s, meters=gb_s))
    return found


def publish_flow(life: Life, event: str) -> Flow:
    """The sender's run for an event: a publish to a channel, or to the channel of each of its recipients."""
    socket, one, size = life.held.socket, life.scenario.events[event], pushed_bytes(life, event)
    alone = life.held.pushes[event].audience == "recipients" and one.audience == "recipients" and one.every_s is None
    publishes = one.recipients if alone else 1.0
    meters = chains.message_meters(life.design, size, publishes, "publish")
    if not socket.row.egress:  # the service is somewhere else
        sent = metering.transfer_gb(publishes * (size + socket.upgrade_request_bytes))
        meters = chains.added(meters, {"internet_out_gb": sent})
    return Flow(
        f"publish {event}",
        "publish",
        life.events_per_month(event),
        function=socket.send_function,
        executions=1.0,
        handlers=1.0,
        messages_up=publishes,
        meters=meters,
    )


def plan_flow(life: Life, flows: list[Flow]) -> tuple[Flow, str]:
    """The month of the plan that carries the busiest hour, and why there is none."""
    scenario = life.scenario
    peak = scenario.usage.peak_to_mean_ratio
    messages = sum((f.per_month * (f.messages_up + f.messages_down) for f in flows if f.kind not in SILENT), 0.0)
    connects = sum((f.per_month * f.connects for f in flows), 0.0)
    loads = {
        "connections": life.busiest_connections,
        "connects_per_s": connects / scenario.month_s * peak,
        "messages_per_s": messages / scenario.month_s * peak,
        "messages_per_day": messages / scenario.billing.month_days,
    }
    meters, refusal = backends.plan_meters(life.held.socket.backend, loads)
    return Flow("plan", "plan", 1.0, transport=False, meters=meters), refusal
