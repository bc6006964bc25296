"""Limits: what one server, sender and quota carry, what each kind of load meets, at how many users it gets there."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import ArrayLike

from model import checks, ledger, paths
from model.life.flow import Traffic
from model.server_load.rates import at_peak, peak_of, rates_per_s

QUOTAS = {  # what is loaded -> the quotas whose product it runs into, names as in data/quotas.csv
    "gateway calls/s": ("apigw_requests_per_s",),
    "runs/s": ("lambda_requests_per_concurrency_per_s", "lambda_concurrency"),
    "executions at once": ("lambda_concurrency",),
    "read units/s": ("dynamodb_table_read_units_per_s",),
    "scanned units/s": ("dynamodb_partition_read_units_per_s",),
    "write units/s": ("dynamodb_table_write_units_per_s",),
}
FAN_OUT = "longest fan-out s"
LEAST, MOST = 1e-3, 1e12  # users between which a quota is searched
STEPS = 60


def limits(traffic: Traffic, quotas: Mapping[str, float] | None = None) -> dict:
    """The limit of each kind of load: AWS's defaults, or an account's own where given.

    Open connections have no quota of their own: what the connects a second keep open for the longest life of
    a connection, 500 x 7,200. Runs a second are 10 for each execution at once that is allowed.

    `quotas`: quotas that differ from the defaults, by their names in data/quotas.csv, > 0. Gives a dict of str to
    float, limits by load, in the load's unit; the functions' time-out is a column where draws vary it. Runs count every
    start of a function; the quota strictly counts those somebody waits for.
    Source: aws_docs, first_case_code.
    """
    known = dict(ledger.quotas())
    for name, value in (quotas or {}).items():
        checks.known("quota", name, known)
        known[name] = float(checks.positive(name, value))
    socket = traffic.life.design.socket
    own = {} if socket is None else socket.row.limits  # a plain server's sockets have none
    found = {load: float(np.prod([known[n] for n in names])) for load, names in {**QUOTAS, **own}.items()}
    if socket is not None and not socket.direct_send:  # a sender of one's own has no time-out
        found[FAN_OUT] = traffic.life.scenario.number("lambda_timeout_s")
    return found


def _peak_logs(traffic: Traffic, loads: list[str], users: np.ndarray, limit: np.ndarray) -> np.ndarray:
    """ln(load / limit) at the peak, of each load at its own column of users; -inf where there is none."""
    rates = rates_per_s(peak_of(traffic, users))
    found = [np.broadcast_to(rates[load], users.shape)[:, k] for k, load in enumerate(loads)]
    with np.errstate(divide="ignore"):
        return np.log(np.stack(found, axis=1) / limit)


def _middle(low, high, at_low, at_high, step: int):
    """Where the power law through both ends of a bracket meets the limit, or its middle, in ln(users)."""
    with np.errstate(divide="ignore", invalid="ignore"):
        guess = low - at_low * (high - low) / (at_high - at_low)
    inside = (guess > low) & (guess < high) & (step % 3 != 2)
    return np.where(inside, guess, 0.5 * (low + high))


def users_at_quota(traffic: Traffic, quotas: Mapping[str, float] | None = None) -> dict[str, np.ndarray]:
    """The user count at which the load of the peak hour reaches each limit.

    Not every load is linear in users: a disconnect scans a table that grows until it fills a page, cold
    starts thin out, servers come in whole numbers. So each count is searched for: between two counts the load is
    taken to be a power of the users, the count at which that power meets the limit is tried, and it replaces one
    of the two. A load that is linear in users is found at the first try. Source: aws_docs.
    """
    bounds = limits(traffic, quotas)
    loads = list(bounds)
    active_s = np.asarray(traffic.life.active_s)
    draws = active_s.shape[0] if active_s.ndim == 2 else 1
    limit = np.stack([np.broadcast_to(np.ravel(bound), (draws,)) for bound in bounds.values()], axis=1)
    low = np.full((draws, len(loads)), np.log(LEAST))
    high = np.full(low.shape, np.log(MOST))
    at_low, at_high = (_peak_logs(traffic, loads, np.exp(x), limit) for x in (low, high))
    ever, always = at_high >= 0.0, at_low >= 0.0
    for step in range(STEPS):
        middle = _middle(low, high, at_low, at_high, step)
        value = _peak_logs(traffic, loads, np.exp(middle), limit)
        over = value >= -1e-12
        low, at_low = np.where(over, low, middle), np.where(over, at_low, value)
        high, at_high = np.where(over, middle, high), np.where(over, value, at_high)
        if (~ever | always | (np.abs(at_high) < 1e-9) | (high - low < 1e-12)).all():
            break
    users = np.where(always, 0.0, np.where(ever, np.exp(high), np.inf))
    return {load: users[:, k] for k, load in enumerate(loads)}


def load_by_users(traffic: Traffic, hour: str = "peak"):
    """The load at many user counts, a column each.

    `traffic`: traffic of a scenario with several user counts and no draws; `hour`: peak or mean. A table: a row a kind
    of load, a column a user count.
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

    `quotas`: quotas that differ from the defaults. A table: a row a kind of load: quota, before and after (users;
    infinite where it never breaks, over draws the middle).
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

    `traffic`: traffic of a scenario with several user counts and no draws; `quotas`: quotas that differ from the
    defaults. A table: a row a limited kind of load, a column a user count; 1 is the limit.
    Source: aws_docs.
    """
    import pandas as pd

    bounds = pd.Series(limits(traffic, quotas))
    return load_by_users(traffic).loc[bounds.index].div(bounds, axis=0).rename_axis("load")


def disconnect_reads(traffic: Traffic) -> dict:
    """What disconnecting reads: units of one disconnect, units a second at the peak, units a month.

    `traffic`: a WebSocket design's traffic. Gives a dict of str to array, open connections at the peak, read units of
    one disconnect there, read units a second at the peak and read units a month, (draws, users).
    Source: aws_docs, first_case_code.
    """
    if traffic.life.design.socket is None:
        checks.fail("disconnect_reads must be given a websocket design; got polling")
    peak = at_peak(traffic)
    mean, high = (next(f for f in t.flows if f.kind == "disconnect") for t in (traffic, peak))
    units = np.asarray(high.meters.get("dynamodb_read_unit", 0.0))
    return {
        "open connections": peak.life.open_connections,
        "read units a disconnect": units,
        "read units/s": units * high.per_month / traffic.life.scenario.month_s,
        "read units a month": np.asarray(mean.meters.get("dynamodb_read_unit", 0.0)) * mean.per_month,
    }


@functools.cache
def figures() -> Mapping[str, ledger.Row]:
    """The published and measured capacities by name, each a row of `data/capacity.csv`."""
    return MappingProxyType(ledger.read(paths.data("capacity.csv")))


def instance_size(instance: str) -> tuple[float, float]:
    """Memory and virtual CPUs of an instance type. Source: aws_docs."""
    known = [name.removesuffix("_vcpu_count") for name in figures() if name.endswith("_vcpu_count")]
    checks.known("server.instance", instance, known)
    return figures()[f"{instance}_gb"].value, figures()[f"{instance}_vcpu_count"].value


def fan_out_s(
    connections: ArrayLike, post_s: ArrayLike, at_once: ArrayLike = 1.0, rate_per_s: ArrayLike = np.inf
) -> np.ndarray:
    """Time until the last of many connections has its message.

    Posts go out in rounds of `at_once`: ceil(n / at_once) x post_s; a quota may slow them down: n / rate.

    `connections`: connections to tell; broadcasts; `post_s`: time of one post [s]; `at_once`: posts in flight: 1 one
    after another, infinite all together; `rate_per_s`: posts that a quota lets through; infinite for none [1/s]. Gives
    an array, broadcast shape [s]. A burst that the quota would lend is left out.
    Source: first_case_code, aws_docs.

    Examples
    --------
    A hundred connections at 20 ms, one after another, and all together:

    >>> float(fan_out_s(100, 0.020)), float(fan_out_s(100, 0.020, at_once=np.inf))
    (2.0, 0.02)
    """
    count = checks.non_negative("connections", connections)
    each_s = checks.non_negative("post_s", post_s, "s")
    width = checks.bounded("at_once", at_once, ">= 1 post", lambda a: a >= 1)
    rate = checks.bounded("rate_per_s", rate_per_s, "> 0 posts/s", lambda a: a > 0)
    rounds = np.where(np.isinf(width), np.minimum(count, 1.0), np.ceil(count / width))
    return np.maximum(rounds * each_s, count / rate)


def fan_out_connections(timeout_s: ArrayLike, post_s: ArrayLike) -> np.ndarray:
    """Connections that a sender tells one after another before its time is up.

    `timeout_s`: time the sender has; broadcasts [s]; `post_s`: time of one post [s]. Gives an array, whole connections,
    broadcast shape.
    Source: first_case_code.

    Examples
    --------
    >>> float(fan_out_connections(30, 0.020))
    1500.0
    """
    limit = checks.positive("timeout_s", timeout_s, "s") / checks.positive("post_s", post_s, "s")
    return np.floor(limit * (1.0 + 1e-12))
