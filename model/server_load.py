"""Server load: requests, messages, connections, executions and database units, each beside its quota."""

from __future__ import annotations

import numpy as np

from model import ledger
from model.traffic import Flow, Traffic

__all__ = ["QUOTAS", "load_table", "rates_per_s", "requests_per_minute"]

QUOTAS = {  # what is loaded -> the quota it runs into, names as in data/quotas.csv
    "gateway calls/s": "apigw_requests_per_s",
    "connects/s": "apigw_ws_new_connections_per_s",
    "executions at once": "lambda_concurrency",
    "read units/s": "dynamodb_table_read_units_per_s",
    "write units/s": "dynamodb_table_write_units_per_s",
}


def flow_requests_per_minute(flow: Flow, traffic: Traffic):
    """Requests of one flow per minute of a user's active time."""
    return flow.per_month * flow.requests / traffic.life.active_s * 60.0


def requests_per_minute(traffic: Traffic):
    """Requests per minute of an active user: exchanges that run server code, nothing else.

    Parameters
    ----------
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    array
        Requests a minute, (draws, users); messages, pings and connects are listed apart.

    Sources
    -------
    little1961
    """
    return sum(flow_requests_per_minute(flow, traffic) for flow in traffic.flows)


def rates_per_s(traffic: Traffic) -> dict:
    """What the servers see in the mean hour of the month, all users together.

    Parameters
    ----------
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    dict of str to array
        Requests, gateway calls, connects, messages each way, open connections, executions at once, read and
        write units; a second each where the name says so, (draws, users).

    Sources
    -------
    little1961
    """
    life, month_s = traffic.life, traffic.life.scenario.month_s

    def rate(of):
        return sum((f.per_month * of(f) for f in traffic.flows), 0.0) / month_s

    return {
        "requests/s": rate(lambda f: f.requests),
        "gateway calls/s": rate(lambda f: f.gateway_calls),
        "connects/s": rate(lambda f: f.connects),
        "messages up/s": rate(lambda f: f.messages_up),
        "messages down/s": rate(lambda f: f.messages_down),
        "open connections": np.asarray(life.open_connections),
        "executions at once": sum((r.executions_at_once for r in traffic.runs.values()), 0.0),
        "read units/s": rate(lambda f: f.meters.get("dynamodb_read_unit", 0.0)),
        "write units/s": rate(lambda f: f.meters.get("dynamodb_write_unit", 0.0)),
        "plain servers": np.asarray(traffic.instances if any(f.kind == "server" for f in traffic.flows) else 0.0),
    }


def load_table(traffic: Traffic):
    """The load at the mean and the peak hour beside its quota, for one user count.

    Parameters
    ----------
    traffic : Traffic
        Traffic of a scenario with one user count and no draws [-].

    Returns
    -------
    pandas.DataFrame
        A row a kind of load: mean, peak, quota, headroom (quota over peak), users at which the peak
        reaches the quota if everything grows in proportion.

    Sources
    -------
    aws_docs
    """
    import pandas as pd

    peak = traffic.life.scenario.usage.peak_to_mean_ratio
    users = float(np.ravel(traffic.life.scenario.users)[0])
    rows = []
    for name, mean in rates_per_s(traffic).items():
        mean = float(np.ravel(mean)[0])
        high = mean if name == "plain servers" else mean * float(np.ravel(peak)[0])
        quota = ledger.quotas().get(QUOTAS.get(name, ""), np.nan)
        headroom = quota / high if high > 0 else np.inf
        rows.append({"load": name, "mean": mean, "peak": high, "quota": quota, "headroom": headroom,
                     "users_at_quota": users * headroom})
    return pd.DataFrame(rows).set_index("load")
