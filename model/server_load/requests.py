"""Server load: requests, messages, connections, executions and database units, each beside its quota."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model import checks, queueing
from model.life.flow import Flow, Traffic
from model.server_load import capacity
from model.server_load.quotas import QUOTAS, first_break, limits, users_at_quota
from model.server_load.rates import at_peak, flow_rates_per_s, hourly, rates_per_s

__all__ = [
    "QUOTAS",
    "at_peak",
    "disconnect_reads",
    "first_break",
    "flow_rates_per_s",
    "flow_requests_per_minute",
    "hourly",
    "limits",
    "load_by_users",
    "load_table",
    "quota_table",
    "quota_use",
    "rates_per_s",
    "requests_per_minute",
    "server_table",
    "server_wait_s",
    "users_at_quota",
]


def flow_requests_per_minute(flow: Flow, traffic: Traffic):
    """Requests of one flow per minute of a user's active time."""
    return flow.per_month * flow.requests / traffic.life.active_s * 60.0


def requests_per_minute(traffic: Traffic):
    """Requests per minute of an active user: exchanges that run server code, nothing else.

    Source: little1961.
    """
    return sum(flow_requests_per_minute(flow, traffic) for flow in traffic.flows)


def _first(value) -> float:
    return float(np.ravel(value)[0])


def load_table(traffic: Traffic, quotas: Mapping[str, float] | None = None):
    """The load at the mean and the peak hour beside its quota, for one user count.

    Source: aws_docs.
    """
    import pandas as pd

    mean, peak = rates_per_s(traffic), rates_per_s(at_peak(traffic))
    bounds, breaks = limits(traffic, quotas), users_at_quota(traffic, quotas)
    rows = []
    for name in mean:
        quota, high = _first(bounds.get(name, np.nan)), _first(peak[name])
        rows.append(
            {
                "load": name,
                "mean": _first(mean[name]),
                "peak": high,
                "quota": quota,
                "headroom": quota / high if high > 0 else np.inf if name in bounds else np.nan,
                "users_at_quota": _first(breaks[name]) if name in bounds else np.nan,
            }
        )
    return pd.DataFrame(rows).set_index("load")


def load_by_users(traffic: Traffic, hour: str = "peak"):
    """The load at many user counts, a column each.

    Parameters
    ----------
    traffic : Traffic, traffic of a scenario with several user counts and no draws
    hour : str, peak or mean

    Returns
    -------
    pandas.DataFrame, A row a kind of load, a column a user count

    Raises
    ------
    InputError, an unknown hour

    Source: little1961, aws_docs.
    """
    import pandas as pd

    checks.known("hour", hour, ("peak", "mean"))
    users = np.atleast_1d(traffic.life.scenario.users)
    rates = rates_per_s(at_peak(traffic) if hour == "peak" else traffic)
    rows = {name: np.broadcast_to(np.asarray(r, dtype=float), users.shape) for name, r in rates.items()}
    return pd.DataFrame.from_dict(rows, orient="index", columns=list(users)).rename_axis("load")


def quota_table(before: Traffic, after: Traffic, quotas: Mapping[str, float] | None = None):
    """The user count at which each limit breaks, for both designs, the first to break at the top.

    Parameters
    ----------
    before, after : Traffic, the two designs' traffic
    quotas : mapping of str to float, optional, quotas that differ from the defaults

    Returns
    -------
    pandas.DataFrame, A row a kind of load: quota, before and after (users; infinite where it never breaks, over draws
        the middle)

    Raises
    ------
    InputError, an unknown or zero quota

    Source: aws_docs.
    """
    import pandas as pd

    sides = {"before": before, "after": after}
    bounds = {name: limit for side in sides.values() for name, limit in limits(side, quotas).items()}
    broken = {
        name: {k: float(np.median(v)) for k, v in users_at_quota(side, quotas).items()} for name, side in sides.items()
    }
    rows = {
        load: {"quota": float(np.median(limit)), **{name: broken[name].get(load, np.inf) for name in sides}}
        for load, limit in bounds.items()
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("load")
    order = table[["before", "after"]].min(axis=1).sort_values(kind="stable").index
    return table.loc[order]


def quota_use(traffic: Traffic, quotas: Mapping[str, float] | None = None):
    """How much of each limit the peak hour uses at many user counts, a column each.

    Parameters
    ----------
    traffic : Traffic, traffic of a scenario with several user counts and no draws
    quotas : mapping of str to float, optional, quotas that differ from the defaults

    Returns
    -------
    pandas.DataFrame, A row a limited kind of load, a column a user count; 1 is the limit

    Raises
    ------
    InputError, an unknown or zero quota

    Source: aws_docs.
    """
    import pandas as pd

    bounds = pd.Series(limits(traffic, quotas))
    return load_by_users(traffic).loc[bounds.index].div(bounds, axis=0).rename_axis("load")


def disconnect_reads(traffic: Traffic) -> dict:
    """What disconnecting reads: units of one disconnect, units a second at the peak, units a month.

    Parameters
    ----------
    traffic : Traffic, A WebSocket design's traffic

    Returns
    -------
    dict of str to array, open connections at the peak, read units of one disconnect there, read units a second at the
        peak and read units a month, (draws, users)

    Raises
    ------
    InputError, A polling design, which has no connections

    Source: aws_docs, twilly_code.
    """
    if traffic.life.design.socket is None:
        checks.fail("disconnect_reads must be given a websocket design; got polling")
    peak = at_peak(traffic)
    mean, high = (next(f for f in t.flows if f.kind == "disconnect") for t in (traffic, peak))
    units = high.meters.get("dynamodb_read_unit", 0.0)
    return {
        "open connections": peak.life.open_connections,
        "read units a disconnect": units,
        "read units/s": units * high.per_month / traffic.life.scenario.month_s,
        "read units a month": mean.meters.get("dynamodb_read_unit", 0.0) * mean.per_month,
    }


def server_table(traffic: Traffic):
    """What plain servers of the design's type would need at the peak hour, by published capacity.

    Memory by bytes a connection takes, cores by requests and messages a second that one core was measured at,
    each up to the share that is planned; beside them the scenario's own capacity of an instance.

    Source: phoenix2015, anycable, node_bench, aws_docs.
    """
    import pandas as pd

    rates, server = rates_per_s(at_peak(traffic)), traffic.life.design.server
    memory_gb, cores = capacity.instance_size(server.instance)
    share, rows = _first(server.utilisation_share), []
    room_bytes = memory_gb * capacity.GB_BYTES * capacity.figures()["server_memory_share"].value
    demand = {
        "connections": _first(rates["open connections"]),
        "requests/s": _first(rates["requests/s"]),
        "messages/s": _first(rates["messages down/s"]),
    }

    def add(name, limits_, holds):
        rows.append(
            {
                "capacity": name,
                "limits": limits_,
                "demand": demand[limits_],
                "instance_holds": holds[0],
                "low": min(holds),
                "high": max(holds),
                "instances": np.ceil(demand[limits_] / holds[0]),
            }
        )

    for name, row in capacity.figures().items():
        three = (row.value, row.low, row.high)
        if name.endswith("_connection_bytes"):
            add(name.removesuffix("_connection_bytes"), "connections", [room_bytes / b for b in three])
            rows[-1]["memory_gb"] = float(capacity.connection_memory_gb(demand["connections"], row.value))
        elif name.endswith(("_requests_per_s", "_messages_per_s")):
            limits_ = "requests/s" if "_requests_" in name else "messages/s"
            add(name.removesuffix("_per_s"), limits_, [r * cores * share for r in three])
    add("scenario", "requests/s", [_first(server.requests_per_s) * share])
    add("scenario", "connections", [_first(server.connections)])
    return pd.DataFrame(rows).set_index("capacity")


def server_wait_s(traffic: Traffic):
    """Mean wait for a free core of the plain servers at the peak hour, by Erlang C.

    All cores of all instances are the servers of one queue; each finishes its part of the requests a second
    that the scenario gives an instance.

    Source: kleinrock1975.
    """
    design = traffic.life.design
    if design.api.backend != "server":
        return 0.0
    cores = capacity.instance_size(design.server.instance)[1]
    arrival = rates_per_s(at_peak(traffic))["requests/s"]
    return queueing.mmc_wait_s(arrival, design.server.requests_per_s / cores, traffic.instances * cores)
