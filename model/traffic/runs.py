"""The code that runs for a flow: which function, in which role, for how long, how often it starts cold."""

from __future__ import annotations

import numpy as np

from model.life import chains, cold_starts, tellers
from model.life.flow import Flow, FunctionRuns
from model.life.sessions import FanOut, Life
from model.scenario import AnyDesign, Function
from model.traffic.http import monthly, there_rates


def on_lambda(design: AnyDesign, flow: Flow) -> bool:
    """Whether a flow's code runs on Lambda: HTTP behind a gateway, and what a managed socket triggers."""
    if flow.function is None:
        return False
    served = design.api if flow.exchange == "http" or flow.kind in ("publish", "mobile push") else design.socket
    return served is not None and served.row.on_lambda


def flow_function(life: Life, flow: Flow, table_bytes) -> Function:
    """The function of a flow as it runs there: a broadcast scans, a disconnect deletes what its scan finds.

    Source: first_case_code.
    """
    function = life.design.functions[str(flow.function)]
    if flow.kind == "disconnect":
        return chains.matching(function, table_bytes)
    if flow.kind != "broadcast":
        return function
    one, sender = life.fan_outs[flow.events[0]], tellers.sender(life, flow.events[0])
    lines = np.maximum(one.posts * one.share - 1.0, 0.0)
    logged = function.log_bytes + lines * life.scenario.number("fan_out_log_bytes")
    return sender.model_copy(update={"log_bytes": logged})


def flow_run_s(life: Life, flow: Flow, table_bytes):
    """Duration of one warm run of a flow's function in its role. Source: first_case_code."""
    function = flow_function(life, flow, table_bytes)
    posts_s = life.held.socket.publish_s if flow.kind == "publish" else 0.0
    if flow.kind in ("push", "broadcast") and life.held.socket.row.fan_out == "post_each":
        posts_s = life.fan_outs[flow.events[0]].seconds
    whole_s = chains.run_s(life.scenario, function, table_bytes, posts_s)
    return np.minimum(whole_s, life.scenario.number("lambda_timeout_s"))


def _mean_run_s(life: Life, name: str, served: list[Flow], rate, table_bytes):
    """Mean duration of a function over the flows that run it, its plain run where none does."""
    alone = chains.run_s(life.scenario, life.design.functions[name], table_bytes)
    month_s = life.scenario.month_s
    busy = sum((f.per_month * f.executions / month_s * flow_run_s(life, f, table_bytes) for f in served), 0.0)
    return np.where(rate > 0, busy / np.where(rate > 0, rate, 1.0), alone)


def runs(life: Life, drafts: list[Flow], table_bytes) -> dict[str, FunctionRuns]:
    """Every function of a design, with its rate over the flows it serves on Lambda and its cold share.

    Source: little1961, lambda_init_billing.
    """
    scenario, found = life.scenario, {}
    for name, function in life.design.functions.items():
        served = [f for f in drafts if f.function == name and on_lambda(life.design, f)]
        rate = np.asarray(sum((f.per_month * f.executions for f in served), 0.0) / scenario.month_s)
        duration_s = _mean_run_s(life, name, served, rate, table_bytes)
        init_s = cold_starts.cold_start_mean_s(function.runtime, function.package_kb)
        init_s = init_s + chains.cold_extra_s(scenario, function.runtime)
        cold = cold_starts.cold_start_share(rate, duration_s, scenario.number("lambda_reap_s"))
        found[name] = FunctionRuns(rate, duration_s, cold, init_s)
    return found


def fan_outs(life: Life, table_bytes) -> dict[str, FanOut]:
    """The sender's run for each event that is pushed.

    A broadcast posts to everybody who is there, one after another or all together as the design says; an
    event to named recipients is a run for each, so one post. A function is cut off at the time-out of every
    function, and whom it has not posted to by then is never told; a process or server of one's own is not.
    A plain server writes to its own sockets one after another. Source: first_case_code, node_bench.
    """
    sent = {event: push.audience == "broadcast" for event, push in life.design.pushes.items() if push.sent}
    return {
        event: _fan_out(life, _posts(life, event) if whole else 1.0, _left_s(life, event, table_bytes))
        for event, whole in sent.items()
    }


def _posts(life: Life, event: str):
    """Connections that one broadcast posts to: the recipients in the app or in the grace after it."""
    sent = np.asarray(life.events_per_month(event))
    return monthly(life, there_rates(life, event)) / np.where(sent > 0, sent, 1.0)


def _left_s(life: Life, event: str, table_bytes):
    """Time that the sender has for its posts: what its own work leaves of a function's time-out."""
    socket = life.held.socket
    if socket.direct_send:
        return np.inf
    work_s = chains.run_s(life.scenario, tellers.sender(life, event), table_bytes)
    return np.maximum(life.scenario.number("lambda_timeout_s") - work_s, 0.0)


def _fan_out(life: Life, posts, left_s) -> FanOut:
    socket, scenario = life.held.socket, life.scenario
    row = socket.row
    if row.fan_out in ("publish_once", "held"):  # nothing of the app goes through its connections
        return FanOut(posts, socket.publish_s + socket.delivery_s)
    own, post_s = row.own, scenario.number(row.post_s)
    needed_s = post_s * posts if own or socket.fan_out == "sequential" else post_s
    share = np.minimum(left_s / np.maximum(needed_s, 1e-12), 1.0)
    return FanOut(posts, needed_s, 1.0 if np.all(share == 1.0) else share)
