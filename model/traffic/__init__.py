"""Traffic: a design becomes flows, with sessions, connections, cold starts and instances decided once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from model import cold_starts, queueing
from model.scenario import Design, Scenario
from model.traffic import chains
from model.traffic.flow import Flow
from model.traffic.http import action_flow, fallback_flow, pull_flows, timer_flow
from model.traffic.reuse import with_cold_shares
from model.traffic.socket import socket_flows
from model.traffic.usage import Life, life, mix

__all__ = ["Flow", "Life", "Run", "Traffic", "flows", "traffic"]


@dataclass(frozen=True)
class Run:
    """One function at work: how often it starts, how long it runs, how often it starts cold."""

    rate_per_s: object
    duration_s: object
    cold_share: object
    init_s: object

    @property
    def executions_at_once(self):
        """Mean executions at once, by Little's law, cold starts included."""
        return queueing.little(self.rate_per_s, self.duration_s + self.cold_share * self.init_s)


@dataclass(frozen=True)
class Traffic:
    """A design's flows and what they share: life of its users, functions at work, plain servers."""

    life: Life
    flows: list[Flow]
    runs: dict[str, Run]
    instances: object
    table_bytes: object
    memo: dict = field(default_factory=dict, compare=False, repr=False)  # what the wire adds, worked out once


def request_server_s(scenario: Scenario, design: Design, function: str, table_bytes=0.0):
    """Server time of one HTTP request, warm: gateway and function, or a plain server with its database."""
    run = design.functions[function]
    if design.api.backend == "server":
        return scenario.number("server_request_s") + sum(
            (chains.operation_s(scenario, o, table_bytes) for o in run.operations), 0.0)
    gateway = {"http_api": "apigw_http_s", "rest_api": "apigw_rest_s"}[design.api.backend]
    return scenario.number(gateway) + chains.run_s(scenario, run, table_bytes)


def _drafts(current: Life, request_s) -> list[Flow]:
    """The flows of a design before cold connections, cold starts and meters are known."""
    design = current.design
    drafts = [timer_flow(current, n, t, request_s) for n, t in design.timers.items()]
    drafts += [action_flow(current, n, a) for n, a in current.scenario.actions.items()]
    if design.transport == "websocket":
        drafts += [*pull_flows(current), fallback_flow(current), *socket_flows(current)]
    return drafts


def _runs(scenario: Scenario, design: Design, drafts: list[Flow], durations: dict) -> dict[str, Run]:
    """Every function that runs on Lambda, with its rate over all flows and its cold share from it."""
    found = {}
    for name, function in design.functions.items():
        rate = sum((f.per_month * f.executions for f in drafts if f.function == name
                    and on_lambda(design, f)), 0.0) / scenario.month_s
        init_s = (cold_starts.cold_start_mean_s(function.runtime, function.package_kb)
                  + scenario.number("lambda_cold_extra_s"))
        cold = cold_starts.cold_start_share(rate, durations[name], scenario.number("lambda_reap_s"))
        found[name] = Run(rate, durations[name], cold, init_s)
    return found


def on_lambda(design: Design, flow: Flow) -> bool:
    """Whether a flow's code runs on Lambda: HTTP behind a gateway, and whatever the socket triggers."""
    return flow.function is not None and (flow.exchange != "http" or design.api.backend != "server")


def _metered(scenario: Scenario, design: Design, flow: Flow, runs: dict, table_bytes) -> Flow:
    """A flow with server time and everything one occurrence is billed."""
    meters, run_s = flow.meters, 0.0
    if flow.exchange == "http":
        gateway = chains.gateway_meters(scenario, design, flow.request_bytes, flow.response_bytes)
        meters = chains.added(meters, chains.times(gateway, flow.requests))
    if flow.function is not None and np.any(np.asarray(flow.executions) > 0):
        function, run = design.functions[flow.function], runs[flow.function]
        work = chains.database_meters(function, table_bytes)
        if on_lambda(design, flow):
            run_s = run.duration_s
            init_s = run.init_s - scenario.number("lambda_cold_extra_s")  # placement is not billed
            work = chains.added(work, chains.run_meters(scenario, function, run_s, run.cold_share, init_s))
        meters = chains.added(meters, chains.times(work, flow.executions))
    server_s = 0.0
    if flow.exchange == "http":
        server_s = request_server_s(scenario, design, flow.function, table_bytes)
    return replace(flow, meters=meters, execution_s=run_s, server_s=server_s,
                   executions=flow.executions if on_lambda(design, flow) else 0.0)


def _instances(scenario: Scenario, design: Design, current: Life, drafts: list[Flow]):
    """Plain servers needed at the peak hour: enough for its requests and its connections."""
    server, peak = design.server, scenario.usage.peak_to_mean_ratio
    needed = float(server.least_instances)
    if design.api.backend == "server":
        rate = sum((f.per_month * f.requests for f in drafts), 0.0) / scenario.month_s * peak
        needed = np.maximum(needed, np.ceil(rate / (server.requests_per_s * server.utilisation_share)))
    if design.socket is not None and design.socket.backend == "server":
        needed = np.maximum(needed, np.ceil(current.open_connections * peak / server.connections))
    return needed


def _uses_server(design: Design) -> bool:
    socket = design.socket
    return design.api.backend == "server" or (
        socket is not None and (socket.backend == "server" or socket.direct_send))


def _server_flows(scenario: Scenario, design: Design, instances, table_bytes) -> list[Flow]:
    """The hours of plain servers, and the connection cache that each of them fills by a scan."""
    if not _uses_server(design):
        return []
    hours = scenario.month_s / 3600.0
    found = [Flow("plain server", "server", instances, transport=False,
                  meters={f"ec2_{design.server.instance}_hour": hours})]
    socket = design.socket
    if socket is not None and np.any(np.asarray(socket.cache_scan_period_s) > 0):
        page = np.maximum(np.ceil(np.minimum(table_bytes, chains.SCAN_PAGE_BYTES)), 1.0)
        units = chains.metering.dynamodb_scan_units(page, pages=1)
        found.append(Flow("cache scan", "cache", instances * scenario.month_s / socket.cache_scan_period_s,
                          meters={"dynamodb_read_unit": units}))
    return found


def _keyed(design: Design) -> Design:
    """The design without the table scan of its disconnect, where the table has a key on the connection id."""
    socket = design.socket
    if socket is None or socket.disconnect != "key":
        return design
    function = design.functions[socket.disconnect_function]
    kept = [o for o in function.operations if o.kind != "scan_table"]
    functions = {**design.functions, socket.disconnect_function: function.model_copy(update={"operations": kept})}
    return design.model_copy(update={"functions": functions})


def traffic(design: Design | str, scenario: Scenario) -> Traffic:
    """A design's flows with everything they share, from a resolved scenario.

    Parameters
    ----------
    design : Design or str
        The design, or `before` or `after` [-].
    scenario : Scenario
        A resolved scenario: plain numbers or columns of draws [-].

    Returns
    -------
    Traffic
        Life of the users, flows, functions at work, instances; numbers are (draws, users) where they vary.

    Raises
    ------
    InputError
        An unknown design.

    Sources
    -------
    little1961, cox1962
    """
    design = _keyed(scenario.design(design))
    rtt_s = mix(scenario, lambda n: n.rtt_s)
    polled = next((t.function for t in design.timers.values() if t.timing == "sleep_then_request"), None)
    request_s = rtt_s + request_server_s(scenario, design, polled) if polled else 0.0
    socket = design.socket
    connect_s = chains.run_s(scenario, design.functions[socket.connect_function]) if socket else 0.0
    current = life(design, scenario, request_s, connect_s)
    table = socket.table_base_bytes + current.open_connections * socket.connection_item_bytes if socket else 0.0
    drafts = with_cold_shares(_drafts(current, request_s), {n: p.weight for n, p in current.places.items()},
                              design.api.idle_timeout_s)
    post_s = scenario.number("apigw_ws_post_s")
    durations = {n: chains.run_s(scenario, f, table, post_s if socket and n == socket.send_function else 0.0)
                 for n, f in design.functions.items()}
    runs = _runs(scenario, design, drafts, durations)
    instances = _instances(scenario, design, current, drafts)
    done = [_metered(scenario, design, f, runs, table) for f in drafts]
    return Traffic(current, [*done, *_server_flows(scenario, design, instances, table)], runs, instances, table)


def flows(design: Design | str, scenario: Scenario) -> list[Flow]:
    """The flows of a design: every kind of exchange it causes, with rate, bytes, meters and events.

    Parameters
    ----------
    design : Design or str
        The design, or `before` or `after` [-].
    scenario : Scenario
        The scenario; ranges count at their modes [-].

    Returns
    -------
    list of Flow
        One a kind of exchange; `per_month` is over all users.

    Raises
    ------
    InputError
        An unknown design.

    Sources
    -------
    twilly_code

    Examples
    --------
    >>> from model import scenario
    >>> [f.name for f in flows("before", scenario.load("twilly"))][:2]
    ['poll unread_counts', 'poll stream_processing']
    """
    from model import sampling

    return traffic(design, sampling.resolved(scenario)).flows
