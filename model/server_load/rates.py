"""What the servers see in the mean and the busiest hour: requests, messages, connections, runs, database units."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.life import chains
from model.life.flow import AWAY, Flow, Traffic
from model.traffic import traffic as traffic_of
from model.traffic.runs import flow_function

RATES = (
    "requests/s",
    "gateway calls/s",
    "connects/s",
    "messages up/s",
    "messages down/s",
    "heartbeats/s",
    "runs/s",
    "read units/s",
    "scanned units/s",
    "write units/s",
)
STANDING = ("server", "cache")  # kinds of flow that a whole server causes, however busy the hour


def _gateway_calls(traffic: Traffic, flow: Flow):
    """Calls that the gateway sees of one occurrence: none where a plain server answers."""
    design = traffic.life.design
    served = design.api if flow.exchange == "http" else design.socket
    return flow.gateway_calls if served is not None and served.row.api_gateway else 0.0


def _scanned_units(traffic: Traffic, flow: Flow):
    """Read units of one occurrence that a scan of the connection table takes.

    A scan begins at the table's beginning and ends with its first page, so all of them read one partition.
    Source: aws_docs, first_case_code.
    """
    if flow.kind == "cache":
        return flow.meters.get("dynamodb_read_unit", 0.0)
    if flow.function is None:
        return 0.0
    operations = flow_function(traffic.life, flow, traffic.table_bytes).operations
    scans = [chains.operation_meters(o, traffic.table_bytes) for o in operations if o.kind == "scan_table"]
    return sum((scan["dynamodb_read_unit"] for scan in scans), 0.0) * np.asarray(flow.requests or flow.executions)


def _amounts(traffic: Traffic, flow: Flow) -> dict:
    """What one occurrence of a flow is to the servers, by the names of RATES."""
    amounts = (
        flow.requests,
        _gateway_calls(traffic, flow),
        flow.connects,
        flow.messages_up,
        flow.messages_down,
        1.0 if flow.kind == "heartbeat" else 0.0,
        flow.executions,
        flow.meters.get("dynamodb_read_unit", 0.0),
        _scanned_units(traffic, flow),
        flow.meters.get("dynamodb_write_unit", 0.0),
    )
    return dict(zip(RATES, amounts, strict=True))


def flow_rates_per_s(flow: Flow, traffic: Traffic) -> dict:
    """What one flow asks of the servers, on average over the month, all users together. Source: little1961."""
    per_s = flow.per_month / traffic.life.scenario.month_s
    return {name: per_s * amount for name, amount in _amounts(traffic, flow).items()}


def rates_per_s(traffic: Traffic) -> dict:
    """What the servers see in the mean hour of the month, all users together.

    Gives a dict of str to array, a second where the name says so: requests, gateway calls, connects, messages each way,
    heartbeats, runs of functions, read, scanned and write units; open connections and executions at once by Little's
    law; plain servers; seconds of the longest fan-out. (draws, users). Whether a connect counts towards the gateway's
    calls as well is not said; here it counts on its own quota only. Ping frames run no code and are listed as
    heartbeats, JSON ones as messages too.
    Source: little1961.

    Examples
    --------
    >>> import model
    >>> rates_per_s(model.evaluate("twilly").before.traffic)["connects/s"].item()  # polling opens no sockets
    0.0
    """
    by_flow = [flow_rates_per_s(flow, traffic) for flow in traffic.flows]
    servers = any(f.kind == "server" for f in traffic.flows)
    return {
        **{name: sum((rates[name] for rates in by_flow), 0.0) for name in RATES},
        "open connections": np.asarray(traffic.life.open_connections),
        "executions at once": sum((r.executions_at_once for r in traffic.runs.values()), 0.0),
        "plain servers": np.asarray(traffic.instances if servers else 0.0),
        "longest fan-out s": _longest_s(traffic),
    }


def flow_requests_per_minute(flow: Flow, traffic: Traffic):
    """Requests of one flow per minute of a user's active time."""
    return flow.per_month * flow.requests / np.asarray(traffic.life.active_s) * 60.0


def requests_per_minute(traffic: Traffic):
    """Requests per minute of an active user: exchanges that run server code, nothing else. Source: little1961."""
    return sum(flow_requests_per_minute(flow, traffic) for flow in traffic.flows)


def flow_code_runs_per_minute(flow: Flow, traffic: Traffic):
    """Runs of a handler per minute of an active user that a flow causes, wherever the handler runs."""
    return flow.per_month * flow.handlers / (traffic.life.active_s / 60.0)


def code_runs_per_minute(traffic: Traffic):
    """Runs of handlers per minute of an active user: requests, connects, disconnects, sends and fan-outs."""
    return sum(flow_code_runs_per_minute(flow, traffic) for flow in traffic.flows)


def with_users(traffic: Traffic, users) -> Traffic:
    """The same design with other user counts."""
    return traffic_of(traffic.life.design, traffic.life.scenario.model_copy(update={"users": users}))


def at_peak(traffic: Traffic) -> Traffic:
    """The design's traffic if the whole month were its busiest hour.

    As many users as are there at the peak: users x ratio. The table, cold starts and scans follow; plain
    servers, which are there for the peak anyway, the caches they fill, and connections and polls when away do not.

    Gives Traffic, its rates are those of the busiest hour.
    Source: bohmer2011.
    """
    scenario = traffic.life.scenario
    peak = with_users(traffic, scenario.users * scenario.usage.peak_to_mean_ratio)
    kept = {f.name: f.per_month for f in traffic.flows if f.kind in STANDING or f.name.endswith(AWAY)}
    flows = [replace(f, per_month=kept.get(f.name, f.per_month)) for f in peak.flows]
    return replace(peak, life=replace(peak.life, away=traffic.life.away), flows=flows, instances=traffic.instances)


def peak_of(traffic: Traffic, users) -> Traffic:
    """The busiest hour of the same design with other user counts."""
    if traffic.life.away is not None or any(f.kind in STANDING for f in traffic.flows):
        return at_peak(with_users(traffic, users))
    return with_users(traffic, users * traffic.life.scenario.usage.peak_to_mean_ratio)


def connects_by_cause(traffic: Traffic) -> dict:
    """Connects a second in the mean hour, split by what makes them.

    Gives a dict of str to array, session starts, cuts by the gateway's longest life of a connection, reconnects after
    losses that both sides see (network changes, silence), and after losses that only a heartbeat finds; they add up to
    all connects, (draws, users) [1/s]. The cuts are what remains of all connects, as `traffic` has decided them.
    Source: aws_docs, little1961.
    """
    life = traffic.life
    if life.design.socket is None:
        return dict.fromkeys(("session starts", "2 h limit", "seen losses", "unseen losses"), 0.0)
    active = life.active_s / life.scenario.month_s
    usable = 1.0 - life.design.socket.blocked_share
    starts = life.sessions / life.scenario.month_s * usable
    lost = active * usable * life.losses_per_s
    unseen = active * usable * life.unseen_per_s
    cuts = np.maximum(active * life.connects_per_s - starts - lost, 0.0)
    return {"session starts": starts, "2 h limit": cuts, "seen losses": lost - unseen, "unseen losses": unseen}


def fan_out_by_event(traffic: Traffic) -> dict:
    """Time that the sender's posts of an event take if nothing cuts them off, for each event that is pushed.

    As `traffic` decides it for all: more than a function has means that it reaches a share of them only.
    Source: first_case_code, node_bench.
    """
    return {event: one.needed_s for event, one in traffic.life.fan_outs.items()}


def _longest_s(traffic: Traffic):
    longest = np.asarray(0.0)
    for seconds in fan_out_by_event(traffic).values():
        longest = np.maximum(longest, seconds)
    return longest
