"""Flows of a WebSocket design: connect, heartbeat, pushes, sends to nobody, disconnect, cache."""

from __future__ import annotations

from model.traffic import chains
from model.traffic.flow import Flow
from model.traffic.http import everywhere, monthly, push_rates
from model.traffic.usage import Life


def connect_flows(life: Life) -> list[Flow]:
    """A connect and its disconnect, once a session, a 2 h cut and a loss."""
    socket = life.design.socket
    rates = everywhere(life, life.connects_per_s)
    connects = monthly(life, rates)
    billed = 1.0 if life.scenario.billing.connects_billed else 0.0
    meters = {"apigw_ws_message": billed} if billed and socket.backend == "apigw_ws" else {}
    lambdas = 1.0 if socket.backend == "apigw_ws" else 0.0
    opened = Flow("connect", "connect", connects, rates, exchange="connect",
                  request_bytes=socket.upgrade_request_bytes, response_bytes=socket.upgrade_response_bytes,
                  function=socket.connect_function, executions=lambdas, connects=1.0, meters=meters)
    closed = Flow("disconnect", "disconnect", connects, function=socket.disconnect_function,
                  executions=lambdas, meters=meters)
    return [opened, closed]


def minutes_flow(life: Life) -> Flow:
    """Connection minutes: nothing on the wire, but billed for as long as a connection is open."""
    managed = life.design.socket.backend == "apigw_ws"
    return Flow("connection minutes", "minutes", life.billed_minutes_per_s * life.active_s,
                meters={"apigw_ws_minute": 1.0} if managed else {})


def heartbeat_flow(life: Life) -> Flow:
    """The ping and its pong, as long as the connection is open; JSON heartbeats are messages that run code."""
    beat, design = life.design.heartbeat, life.design
    up = 1.0 - life.down_share
    rates = everywhere(life, up / beat.period_s, grace=True)
    json = beat.kind == "json"
    meters = {}
    if json or life.scenario.billing.pings_billed:
        meters = chains.message_meters(design, beat.payload_bytes, 2.0)
    return Flow("heartbeat", "heartbeat", monthly(life, rates), rates, timer=True, duty=up,
                exchange="heartbeat", request_bytes=beat.payload_bytes, response_bytes=beat.payload_bytes,
                function=beat.function if json else None, executions=1.0 if json else 0.0, meters=meters,
                messages_up=1.0 if json else 0.0, messages_down=1.0 if json else 0.0,
                gateway_calls=1.0 if json else 0.0)


def push_flow(life: Life, event: str) -> Flow:
    """One message of an event to one connection, with its part of the sender's run."""
    one, socket = life.scenario.events[event], life.design.socket
    push = life.design.pushes[event]
    reached = one.recipients * one.online_share if push.audience == "broadcast" else 1.0
    runs = 0.0 if socket.direct_send else 1.0 / reached
    meters = chains.message_meters(life.design, one.payload_bytes)
    if socket.direct_send:
        send = life.design.functions[socket.send_function]
        meters = chains.added(meters, chains.times(chains.database_meters(send), 1.0 - socket.cache_hit_share))
    rates = push_rates(life, event)
    return Flow(f"push {event}", "push", monthly(life, rates), rates, exchange="push",
                response_bytes=one.payload_bytes, events=(event,), messages_down=1.0, gateway_calls=1.0,
                function=None if socket.direct_send else socket.send_function, executions=runs, meters=meters)


def lost_flows(life: Life) -> list[Flow]:
    """Sends that reach nobody: recipients who are not connected, and connections that linger."""
    design, socket = life.design, life.design.socket
    sent = {n: life.scenario.events[n] for n, p in design.pushes.items()
            if p.sent and p.audience == "recipients"}
    absent = sum((e.per_active_day * e.recipients * (1.0 - e.online_share * (1.0 - life.down_share))
                  for e in sent.values()), 0.0) * life.active_days
    queries = chains.database_meters(design.functions[socket.send_function])
    offline = Flow("send to an offline recipient", "offline", absent, function=socket.send_function,
                   executions=1.0, meters=queries)  # the run's own query is the first of the two
    ratio = life.lingering_share / life.connected_share
    told = sum((monthly(life, push_rates(life, n)) for n in sent), 0.0)
    lingering = Flow("send to a lingering connection", "lingering", told * ratio, messages_down=1.0,
                     gateway_calls=1.0, meters=chains.message_meters(design, 125.0))
    return [offline, lingering]


def socket_flows(life: Life) -> list[Flow]:
    """Every flow of the WebSocket itself."""
    pushes = [push_flow(life, event) for event, push in life.design.pushes.items() if push.sent]
    return [*connect_flows(life), minutes_flow(life), heartbeat_flow(life), *pushes, *lost_flows(life)]
