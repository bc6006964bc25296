"""Flows of a connection that is held: connect, heartbeat, pushes, broadcasts, sends to nobody, disconnect."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.life import chains
from model.life.flow import Flow
from model.life.rates import feed_s
from model.life.sessions import Life
from model.scenario import Heartbeat
from model.traffic import services
from model.traffic.http import action_flow, everywhere, monthly, push_rates, there_rates
from model.traffic.services import pushed_bytes, sends_per_month


def managed(life: Life) -> bool:
    """Whether functions of the app keep a table of connections and post to each."""
    return life.held.socket.row.fan_out == "post_each"


def connect_flows(life: Life) -> list[Flow]:
    """A connect and its disconnect, once a session, a 2 h cut and a loss."""
    socket = life.held.socket
    rates = everywhere(life, life.connects_per_s)
    connects = monthly(life, rates)
    row = socket.row
    billed = row.billed("connect", life.scenario.billing.connects_billed)
    meters = chains.times(chains.message_meters(life.design, 0.0), billed) if np.any(billed) else {}
    asked = services.subscribe_meters(life) if not life.held.asks_again else {}
    opened = Flow(
        "connect",
        "connect",
        connects,
        rates,
        exchange="connect",
        request_bytes=socket.upgrade_request_bytes,
        response_bytes=socket.upgrade_response_bytes,
        function=socket.connect_function,
        executions=float(row.on_lambda),
        handlers=float(row.on_lambda or row.own),
        connects=1.0,
        meters=chains.added(meters, asked),
    )
    closed = Flow(
        "disconnect",
        "disconnect",
        connects,
        function=socket.disconnect_function,
        executions=float(managed(life)),
        handlers=float(managed(life) or row.own),
        meters=meters if managed(life) else {},
    )
    return [opened, closed]


def message_flow(life: Life, name: str, action) -> Flow:
    """An action over the socket, with the answer where there is one; a gateway hands it to a function."""
    answers = bool(np.any(np.greater(action.response_bytes, 0.0)))
    sizes = [action.request_bytes, *([action.response_bytes] if answers else [])]
    count = float(action.requests)
    handed = count if managed(life) else 0.0
    return replace(
        action_flow(life, name, action),
        kind="action",
        exchange="message",
        cold_share=0.0,
        requests=0,
        executions=handed,
        gateway_calls=handed,
        handlers=count,
        meters=chains.added(
            *(
                chains.message_meters(life.design, size, count, way)
                for size, way in zip(sizes, ("in", "out"), strict=False)
            )
        ),
        messages_up=count,
        messages_down=count * answers,
    )


def minutes_flow(life: Life) -> Flow:
    """Connection minutes: nothing on the wire, but billed for as long as a connection is open."""
    return Flow(
        "connection minutes",
        "minutes",
        life.billed_minutes_per_s * life.active_s,
        meters={meter: 1.0} if (meter := life.held.socket.row.minute_meter) else {},
    )


def heartbeat_flow(life: Life, key: str, beat: Heartbeat) -> Flow:
    """A beat and its answer, as long as the connection is open; JSON ones are messages that run code."""
    alive, (up, down) = 1.0 - life.down_share, beat.messages
    rates = everywhere(life, alive / beat.period_s, grace=True)
    socket = life.held.socket
    open_switch = life.scenario.billing.pings_billed if socket.pings_billed is None else socket.pings_billed
    said = beat.kind == "json" and managed(life)  # a message to the gateway like any other
    billed = 1.0 if said else socket.row.billed("ping", open_switch, beat.period_s)
    ways = 2.0 if beat.answered else 1.0
    meters = chains.message_meters(life.design, beat.payload_bytes, ways) if np.any(billed) else {}
    return Flow(
        key.replace("_", " "),
        "heartbeat",
        monthly(life, rates),
        rates,
        period_s=beat.period_s,
        duty=alive,
        exchange="heartbeat",
        request_bytes=beat.payload_bytes * (beat.by_client or beat.answered),
        response_bytes=beat.payload_bytes * (not beat.by_client or beat.answered),
        function=beat.function if up else None,
        executions=up * float(socket.row.on_lambda or socket.row.own),
        meters=chains.times(meters, billed),
        messages_up=up,
        messages_down=down,
        gateway_calls=max(up, down),
    )


def push_flow(life: Life, event: str) -> Flow:
    """One message of an event to one connection; told one by one, each is a run of the sender."""
    socket, payload_bytes = life.held.socket, pushed_bytes(life, event)
    one_by_one = life.held.pushes[event].audience == "recipients"
    alone = one_by_one and managed(life)
    meters = chains.message_meters(life.design, payload_bytes, what="out")
    if alone and socket.direct_send:
        lookup = chains.database_meters(life.design.functions[socket.send_function])
        meters = chains.added(meters, chains.times(lookup, 1.0 - socket.cache_hit_share))
    function = socket.send_function if alone and not socket.direct_send else None
    rates = push_rates(life, event)
    return Flow(
        f"push {event}",
        "push",
        monthly(life, rates),
        rates,
        period_s=feed_s(life.scenario, event),
        duty=1.0 - life.down_share,
        exchange="push",
        response_bytes=payload_bytes,
        events=(event,),
        messages_down=1.0,
        gateway_calls=1.0,
        function=function,
        executions=1.0 if function else 0.0,
        handlers=1.0 if one_by_one and (alone or socket.row.own) else 0.0,
        meters=meters,
    )


def broadcast_flow(life: Life, event: str) -> Flow:
    """The sender's run of an event to everybody: one scan of a page, however many are told."""
    socket = life.held.socket
    runs = managed(life) and not socket.direct_send  # a server that sends itself has them all in its memory
    return Flow(
        f"broadcast {event}",
        "broadcast",
        life.events_per_month(event),
        events=(event,),
        function=socket.send_function if runs else None,
        executions=1.0 if runs else 0.0,
        handlers=1.0,
    )


def offline_flow(life: Life, sent: list[str]) -> Flow:
    """Sends to recipients who are not connected: a lookup, a run of the sender with its own, no message."""
    there = {e: monthly(life, there_rates(life, e)) for e in sent}
    absent = sum((np.maximum(sends_per_month(life, e) - there[e], 0.0) for e in sent), 0.0)
    if not managed(life):
        return Flow("send to an offline recipient", "offline", absent, handlers=1.0)
    send = life.held.socket.send_function
    return Flow(
        "send to an offline recipient",
        "offline",
        absent,
        function=send,
        executions=1.0,
        meters=chains.database_meters(life.design.functions[send]),
    )


def lingering_flow(life: Life) -> Flow:
    """Messages to connections that were lost unseen and that the gateway still holds open.

    Each keeps the sender for one more post, but where its time is up anyway.
    """
    design, scenario = life.held, life.scenario
    told = {e: monthly(life, push_rates(life, e)) for e, push in design.pushes.items() if push.sent}
    count = sum(told.values(), 0.0)
    usage = chains.added(
        *(chains.times(chains.message_meters(design, pushed_bytes(life, e), what="out"), n) for e, n in told.items())
    )
    if managed(life) and not design.socket.direct_send:
        send = design.functions[design.socket.send_function]
        in_time = sum((np.where(life.fan_outs[e].share < 1.0, 0.0, n) for e, n in told.items()), 0.0)
        longer = chains.longer_meters(send, scenario.number("apigw_ws_post_s"))
        usage = chains.added(usage, chains.times(longer, in_time))
    meters = {m: amount / np.where(count > 0, count, 1.0) for m, amount in usage.items()}
    return Flow(
        "send to a lingering connection",
        "lingering",
        count * life.lingering_each,
        messages_down=1.0,
        gateway_calls=1.0,
        meters=meters,
    )


def gone_flow(life: Life, sent: list[str], table_bytes) -> Flow:
    """Posts answered by 410: rows that no disconnect's scan found, hit by a send before they expire.

    A user is sent something at random times, so a row is hit within its time to live with the chance
    1 - exp(-sends x time to live). The failed post is no message; the row is deleted. What expires is free.
    """
    scenario, socket = life.scenario, life.held.socket
    function = life.design.functions[socket.disconnect_function]
    scans = any(o.kind == "scan_table" for o in function.operations)
    missed = 1.0 - chains.found_share(table_bytes) if scans and managed(life) else 0.0
    sends = sum((sends_per_month(life, e) for e in sent), 0.0)
    hit = -np.expm1(-sends / scenario.users / scenario.month_s * scenario.number("connection_ttl_s"))
    meters = {"dynamodb_write_unit": 1.0}
    if not socket.direct_send:
        more_s = scenario.number("apigw_ws_post_s") + scenario.number("dynamodb_write_s")
        meters.update(chains.longer_meters(life.design.functions[socket.send_function], more_s))
    connects = monthly(life, everywhere(life, life.connects_per_s))
    return Flow("send to a closed connection", "gone", connects * missed * hit, gateway_calls=1.0, meters=meters)


def socket_flows(life: Life, table_bytes) -> list[Flow]:
    """Every flow of the WebSocket itself."""
    design = life.held
    told = [e for e, push in design.pushes.items() if push.sent]
    alone = [e for e in told if design.pushes[e].audience == "recipients"]
    beat, push = (services.waiting_flow, services.answer_flow) if design.asks_again else (heartbeat_flow, push_flow)
    found = [
        *connect_flows(life),
        minutes_flow(life),
        *(beat(life, key, one) for key, one in design.beats.items()),
        *(push(life, e) for e in told),
    ]
    if managed(life) or design.socket.row.own:
        found += [*(broadcast_flow(life, e) for e in told if e not in alone), offline_flow(life, alone)]
        return [*found, lingering_flow(life), gone_flow(life, alone, table_bytes)]
    return [*found, *services.service_flows(life, told), lingering_flow(life)]
