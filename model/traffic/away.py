"""Flows while the app is not on screen: a socket that stays, a poll now and then, mobile push."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.life.away import brought, sender
from model.life.flow import AWAY, Flow
from model.life.sessions import Life
from model.prices import metering
from model.traffic.http import http_flow
from model.traffic.services import pushed_bytes

SNS = {"sns_request": 1.0, "sns_mobile_push": 1.0}  # a publish to one phone, and its delivery


def with_away(life: Life, flows: list[Flow]) -> list[Flow]:
    """The flows of a design and those when away; who is told then by the socket is no recipient that is offline."""
    if life.away is None:
        return flows
    if life.away.way == "poll":
        return [*flows, _poll(life)]
    if life.away.way == "mobile_push":
        return [*flows, *_mobile_pushes(life)]
    away = [found for flow in flows if (found := _when_away(life, flow)) is not None]
    alone = [f for f in away if f.kind == "push" and life.held.pushes[f.events[0]].audience == "recipients"]
    told = sum((f.per_month for f in alone), 0.0)
    rest = [replace(f, per_month=np.maximum(f.per_month - told, 0.0)) if f.kind == "offline" else f for f in flows]
    return [*rest, *away]


def _when_away(life: Life, flow: Flow) -> Flow | None:
    """A flow of the socket as it goes on when away; None for what only the app on screen causes."""
    name = f"{flow.name}{AWAY}"
    if flow.kind == "minutes" and flow.name == "connection minutes":
        per_month = life.away.connections * life.scenario.month_s / 60.0
    elif flow.name == "disconnect":
        per_month = life.away.per_month(f"connect{AWAY}")
    elif any(name in stretch.timings for stretch in life.away.stretches):
        per_month = life.away.per_month(name)
    else:
        return None
    return replace(flow, name=name, per_month=per_month, rates_per_s={}, period_s=None, duty=1.0)


def _poll(life: Life) -> Flow:
    """The poll of an app that is not on screen, on a new connection each time."""
    part, name = life.design.pull or next(iter(life.design.timers.values())), f"poll{AWAY}"
    flow = http_flow(life, name, "poll", {}, part, requests=1, cold_share=1.0)
    return replace(flow, per_month=life.away.per_month(name))


def _mobile_pushes(life: Life) -> list[Flow]:
    """Each event on the phones that are on and may notify, and the run of the sender for it."""
    scenario, design, found = life.scenario, life.design, []
    more, by_sns = scenario.number("away_push_request_bytes"), design.push_by == "sns"
    for event in brought(life):
        held = event in design.pushes
        size = pushed_bytes(life, event) if held else scenario.events[event].payload_bytes
        name = f"mobile push {event}"
        meters = {**(SNS if by_sns else {}), "internet_out_gb": metering.transfer_gb(size + more)}
        pushes = life.away.per_month(name)
        found.append(
            Flow(
                name, "mobile push", pushes, exchange="mobile push", response_bytes=size, events=(event,), meters=meters
            )
        )
        runs = np.minimum(life.events_per_month(event), pushes)
        found.append(
            Flow(
                f"send mobile push {event}",
                "mobile push",
                runs,
                function=sender(life),
                executions=1.0,
                handlers=1.0,
            )
        )
    return found
