"""Traffic: a design becomes flows, with sessions, connections, cold starts and instances decided once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from model import backends, checks, prices
from model.life import chains, exchange
from model.life.away import when_away
from model.life.flow import AWAY, Flow, FunctionRuns, Traffic, open_share, with_cold_shares
from model.life.sessions import Life, life, mix
from model.prices import metering
from model.scenario import AnyDesign, Operation, Scenario
from model.traffic.away import with_away
from model.traffic.http import action_flow, fallback_flow, pull_flows, refresh_flows, refreshes_per_s, timer_flows
from model.traffic.runs import fan_outs, flow_function, flow_run_s, on_lambda, runs
from model.traffic.services import channels, plan_flow
from model.traffic.socket import message_flow, socket_flows


def request_server_s(scenario: Scenario, design: AnyDesign, function: str, table_bytes=0.0):
    """Server time of one HTTP request, warm: gateway and function, or a plain server with its database."""
    run, row = design.functions[function], design.api.row
    waits_s = sum((chains.operation_s(scenario, o, table_bytes) for o in run.operations), 0.0)
    return scenario.number(row.added_s) + (chains.run_s(scenario, run, table_bytes) if row.on_lambda else waits_s)


def _drafts(current: Life, table_bytes) -> list[Flow]:
    """The flows of a design before cold connections, cold starts and meters are known."""
    design = current.design
    drafts = [flow for n, t in design.timers.items() for flow in timer_flows(current, n, t)]
    held = design.socket is not None
    drafts += [
        (message_flow if held and design.two_way and a.over == "socket" else action_flow)(current, n, a)
        for n, a in current.scenario.actions.items()
    ]
    if held:
        drafts += [*pull_flows(current), fallback_flow(current), *socket_flows(current, table_bytes)]
    return drafts + refresh_flows(current)


def _metered(current: Life, flow: Flow, found: dict[str, FunctionRuns], table_bytes) -> Flow:
    """A flow with server time and everything one occurrence is billed."""
    scenario, design = current.scenario, current.design
    meters, run_s, server_s = flow.meters, 0.0, 0.0
    managed = on_lambda(design, flow)
    if flow.exchange == "http":
        gateway = chains.gateway_meters(scenario, design, flow.request_bytes, flow.response_bytes)
        meters = chains.added(meters, chains.times(gateway, flow.requests))
        server_s = request_server_s(scenario, design, str(flow.function), table_bytes)
    if flow.function is not None and np.any(np.asarray(flow.executions) > 0):
        function, run = flow_function(current, flow, table_bytes), found[flow.function]
        work = chains.database_meters(function, table_bytes)
        if managed:
            run_s = flow_run_s(current, flow, table_bytes)
            init_s = run.init_s - scenario.number("lambda_cold_extra_s")  # placement is not billed
            work = chains.added(work, chains.run_meters(scenario, function, run_s, run.cold_share, init_s))
        meters = chains.added(meters, chains.times(work, flow.executions))
    return replace(
        flow,
        meters=meters,
        execution_s=run_s,
        server_s=server_s,
        executions=flow.executions if managed else 0.0,
        handlers=np.maximum(flow.handlers, flow.executions),
    )


def _instances(scenario: Scenario, design: AnyDesign, current: Life, drafts: list[Flow]):
    """Plain servers needed at the peak hour: enough for its requests and its connections."""
    return backends.instances(float(design.server.least_instances), *server_needs(scenario, design, current, drafts))


def server_needs(scenario: Scenario, design: AnyDesign, current: Life, drafts: list[Flow]) -> tuple:
    """Instances that the peak hour's requests need and that its connections need, before they are made whole."""
    server, peak = design.server, scenario.usage.peak_to_mean_ratio
    requests = connections = 0.0
    if design.api.row.own:
        in_app = sum((f.per_month * f.requests for f in drafts if not f.name.endswith(AWAY)), 0.0)
        steady = sum((f.per_month * f.requests for f in drafts if f.name.endswith(AWAY)), 0.0)  # in every hour alike
        rate = in_app / scenario.month_s * peak + steady / scenario.month_s
        requests = rate / (server.requests_per_s * server.utilisation_share)
    if design.socket is not None and design.socket.row.own:
        connections = current.busiest_connections / server.connections
    return requests, connections


def _uses_server(design: AnyDesign) -> bool:
    """Whether plain servers run at all: for requests, for sockets, as the sender or to keep its cache."""
    socket = design.socket
    if socket is None or design.api.row.own or socket.row.own:
        return design.api.row.own or socket is not None
    return socket.row.fan_out == "post_each" and (socket.direct_send or _caches(socket))


def _caches(socket) -> bool:
    return bool(np.any(np.asarray(socket.cache_scan_period_s) > 0))


def instance_meter(scenario: Scenario, design: AnyDesign) -> str:
    """The meter of a plain server's hours; a type without a price is refused with the nearest one."""
    meters = (*prices.services(), *scenario.prices)
    priced = [m.removeprefix("ec2_").removesuffix("_hour") for m in meters if m.startswith("ec2_")]
    return f"ec2_{checks.known('server.instance', design.server.instance, priced)}_hour"


def _server_flows(scenario: Scenario, design: AnyDesign, instances, table_bytes) -> list[Flow]:
    """The hours of plain servers, and the connection cache that each of them fills by a scan."""
    if not _uses_server(design):
        return []
    hours = scenario.month_s / 3600.0
    meters = {instance_meter(scenario, design): hours}
    if np.any(np.greater(design.server.disk_usd, 0.0)):
        meters["disk_usd"] = design.server.disk_usd
    found = [Flow("plain server", "server", instances, transport=False, meters=meters)]
    socket = design.socket
    if socket is not None and _caches(socket):
        found.append(
            Flow(
                "cache scan",
                "cache",
                instances * scenario.month_s / socket.cache_scan_period_s,
                meters=chains.operation_meters(Operation(kind="scan_table"), table_bytes),
            )
        )
    return found


def balancer_flows(traffic: Traffic) -> list[Flow]:
    """The load balancer in front of plain servers with the units that its mean hour takes, and public addresses.

    Source: aws_pricing_pages.
    """
    life, server = traffic.life, traffic.life.design.server
    hours = life.scenario.month_s / 3600.0
    found: list[Flow] = []
    if not _uses_server(life.design):
        return found
    if server.balancer != "none":
        one = backends.balancers()[server.balancer]
        units = backends.balancer_units(server.balancer, *_balanced(traffic))
        meters = {one.hour_meter: hours, one.unit_meter: units * hours}
        found.append(Flow("load balancer", "balancer", 1.0, transport=False, meters=meters))
    if server.public_addresses:
        found.append(
            Flow(
                "public addresses",
                "balancer",
                float(server.public_addresses),
                transport=False,
                meters={"public_ipv4_hour": hours},
            )
        )
    return found


def _balanced(traffic: Traffic) -> tuple:
    """New connections a second, open connections and GB an hour that go through the load balancer in the mean hour."""
    life, design = traffic.life, traffic.life.design
    new: Any = 0.0
    active: Any = 0.0
    gb: Any = 0.0
    for flow in traffic.flows:
        served = design.api if flow.exchange == "http" else design.socket
        if served is not None and served.row.own and flow.rates_per_s:
            new = new + flow.per_month * (flow.cold_share * (flow.exchange == "http") + flow.connects)
            gb = gb + flow.per_month * metering.transfer_gb(sum(exchange.mean_flow_bytes(traffic, flow)))
    if design.socket is not None and design.socket.row.own:
        active = life.open_connections
    if design.api.row.own:
        weights = {name: place.weight for name, place in life.places.items()}
        share = open_share([f for f in traffic.flows if f.exchange == "http"], weights, design.api.idle_timeout_s)
        active = active + share * life.active_s / life.scenario.month_s
    month_s = life.scenario.month_s
    return new / month_s, active, gb / month_s * 3600.0


def _settled(design: AnyDesign, scenario: Scenario) -> AnyDesign:
    """The design with what its socket and the events imply: a keyed disconnect scans nothing, a server has no table.

    What is told to more than named recipients is broadcast, unless the design says otherwise.
    """
    socket = design.socket
    if socket is None:
        return design
    one_by_one = {e: scenario.events[e].audience == "recipients" for e in design.pushes}
    said = {e: p.audience or ("recipients" if one_by_one[e] else "broadcast") for e, p in design.pushes.items()}
    pushes = {e: p.model_copy(update={"audience": said[e]}) for e, p in design.pushes.items()}
    design = design.model_copy(update={"pushes": pushes})
    once = socket.row.fan_out == "publish_once"
    if socket.row.own or socket.row.fan_out == "held" or (once and not design.api.row.on_lambda):  # nobody is asked
        own = {"direct_send": True, "cache_hit_share": 1.0, "cache_scan_period_s": 0.0}
        return design.model_copy(update={"socket": socket.model_copy(update=own)})
    if socket.disconnect != "key":
        return design
    name = socket.disconnect_function
    kept = [o for o in design.functions[name].operations if o.kind != "scan_table"]
    keyed = design.functions[name].model_copy(update={"operations": kept})
    return design.model_copy(update={"functions": {**design.functions, name: keyed}})


def _table_bytes(current: Life):
    """Size of the table that holds the connections, beside whatever else the app keeps in it."""
    socket = current.design.socket
    if socket is None:
        return 0.0
    return socket.table_base_bytes + current.open_connections * socket.connection_item_bytes


def _check_payloads(name: str, design: AnyDesign, scenario: Scenario) -> None:
    """Refuse a design whose backend does not take a message as large as an event that it pushes."""
    if design.socket is None:
        return
    row = design.socket.row
    for event, push in design.pushes.items():
        size = scenario.events[event].payload_bytes if push.payload_bytes is None else push.payload_bytes
        if push.sent and np.any(np.greater(size, row.limit(row.most))):
            got = f"{float(np.max(size)):,.0f} B of {event}"
            checks.fail(f"{name} must push at most the {row.limit(row.most):,.0f} B that {row.title} takes; got {got}")


def traffic(design: AnyDesign | str, scenario: Scenario) -> Traffic:
    """A design's flows with everything they share, from a resolved scenario.

    Parameters
    ----------
    design : AnyDesign or str, the design, or its name
    scenario : Scenario, A resolved scenario: plain numbers or columns of draws

    Returns: Traffic, life of the users, flows, functions at work, instances; numbers are (draws, users) where they
    vary
    Raises: InputError, an unknown design
    Source: little1961, cox1962.
    """
    _check_payloads(design if isinstance(design, str) else "the design", scenario.design(design), scenario)
    design = _settled(scenario.design(design), scenario)
    rtt_s = mix(scenario, lambda n: n.rtt_s)
    polled = next((t.function for t in design.timers.values() if t.timing == "sleep_then_request"), None)
    request_s = rtt_s + request_server_s(scenario, design, polled) if polled else 0.0
    socket = design.socket
    connect_s = chains.run_s(scenario, design.functions[socket.connect_function]) if socket else 0.0
    current = life(design, scenario, request_s, connect_s)
    current = replace(current, away=when_away(current))
    table = _table_bytes(current)
    current = replace(current, fan_outs=fan_outs(current, table))
    current = replace(current, refreshes_per_s=refreshes_per_s(current))
    drafts = with_cold_shares(
        with_away(current, _drafts(current, table)),
        {n: p.weight for n, p in current.places.items()},
        design.api.idle_timeout_s,
    )
    found = runs(current, drafts, table)
    instances = _instances(scenario, design, current, drafts)
    done = [_metered(current, f, found, table) for f in drafts]
    done += _server_flows(scenario, design, instances, table)
    refusal = ""
    if socket is not None and "plan" in socket.row.shapes:
        plan, refusal = plan_flow(current, done)
        done.append(plan)
    subscribed = channels(current)[1]
    whole = Traffic(current, done, found, instances, table, subscribed, refusal)
    return replace(whole, flows=[*done, *balancer_flows(whole)])


def flows(design: AnyDesign | str, scenario: Scenario) -> list[Flow]:
    """The flows of a design: every kind of exchange it causes, with rate, bytes, meters and events.

    Parameters
    ----------
    design : AnyDesign or str, the design, or its name
    scenario : Scenario, the scenario; ranges count at their modes

    Returns: list of Flow, one a kind of exchange; `per_month` is over all users
    Raises: InputError, an unknown design
    Source: first_case_code.

    Examples
    --------
    >>> from model import scenario
    >>> [f.name for f in flows("before", scenario.load("twilly"))][:2]
    ['poll unread_counts', 'poll stream_processing']
    """
    from model.scenario import sampling

    return traffic(design, sampling.resolved(scenario)).flows
