"""Every connection of a design drops at once: its own schedule, its quota, and what falls back on its API."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from model import checks, ledger, storm
from model.life.flow import Traffic
from model.server_load import quotas
from model.server_load.rates import at_peak, rates_per_s, with_users

MOST_CLIENTS, MOST_ATTEMPTS, LEAST_CLIENTS = 1_000_000, 1e8, 1_000  # that are simulated one by one
UNKNOWN_PER_S = 1e9  # new connections that a backend lets in whose limit nobody publishes: as many as come
STEPS = 400  # moments at which the course of a storm is read for its worst


@dataclass(frozen=True)
class Drop:
    """A storm of one design: what was tried, who is back when, and what its fallback meets."""

    back_s: np.ndarray
    delays_s: tuple[float, ...]
    jitter: str
    attempts: float | None
    rate_per_s: float
    burst: float
    notice_s: float
    fallback_period_s: float
    fallback_requests: float
    fallback_delay_s: float
    connect_run_s: float
    usual_requests_per_s: float  # of the API, at the peak hour
    api_requests_per_s: float  # what the API's quota or servers carry
    each: float = 1.0  # clients that one of the simulated ones stands for

    @property
    def clients(self) -> int:
        """Connections that dropped."""
        return round(len(self.back_s) * self.each)


def _one(name: str, value) -> float:
    """One number: a storm is of one scenario without draws, at one user count."""
    array = np.ravel(np.asarray(value, dtype=float))
    if len(array) != 1:
        checks.fail(f"{name} must be one number in a storm, without draws and at one user count; got {len(array)}")
    return float(array[0])


def _door(traffic: Traffic) -> tuple[float, float]:
    """Connections let in a second, and at once: the gateway's quota, or new TLS connections of servers."""
    socket = traffic.life.design.socket
    door = () if socket is None else socket.row.door
    if door:
        return ledger.quotas()[door[0]], ledger.quotas()[door[-1]]
    if socket is not None and not socket.row.own:
        return UNKNOWN_PER_S, UNKNOWN_PER_S
    cores = quotas.instance_size(traffic.life.design.server.instance)[1]
    each = quotas.figures()["node_https_connects_per_s"].value
    rate = _one("instances", traffic.instances) * cores * each
    return rate, rate


def _api_per_s(traffic: Traffic) -> float:
    """Requests a second that the API carries: the gateway's quota, or its servers when wholly busy."""
    if not traffic.life.design.api.row.own:
        return ledger.quotas()["apigw_requests_per_s"]
    return _one("instances", traffic.instances) * _one(
        "server.requests_per_s", traffic.life.design.server.requests_per_s
    )


def drop(
    traffic: Traffic,
    clients: float | None = None,
    seed: int = 0,
    outage_s: float = 0.0,
    notice_s: float = 0.0,
    delays_s: Sequence[float] | None = None,
    jitter: str | None = None,
    attempts: float | None = None,
    rate_per_s: float | None = None,
    burst: float | None = None,
) -> Drop:
    """The storm after every connection of a design drops at the busiest hour.

    Whatever is not given is the design's own: its open connections at the peak, its schedule and jitter, the
    default quota of its gateway, or for a plain server the new TLS connections a second that its cores make.

    `traffic`: a WebSocket design's traffic, one user count, no draws; `clients`: connections that drop; the API then
    serves as many users as keep so many open at the peak; `outage_s`: attempts earlier than this fail [s]; `notice_s`:
    the loss is seen at a time uniform between 0 and this, such as the heartbeat's period [s]; `delays_s`: delay before
    each attempt [s]; `jitter`: none, equal, full, decorrelated or plus_minus; `attempts`: attempts of a client;
    infinite for no last one; `rate_per_s`: new connections admitted a second [1/s]; `burst`: new connections admitted
    at once by a rested quota. Gives Drop, seconds until each client is back, with all that led to them. Only these
    clients use the quota, and the fallback poll finds an API that answers all of them. Of more than a million clients,
    or 1e8 attempts, a sample is simulated at a quota that is smaller by as much, so that time and memory do not grow
    with the fleet; its shares are right to about 1 / sqrt(clients of the sample), 3 % at most.
    Source: aws_docs, aws_backoff, first_case_code, node_bench.

    Examples
    --------
    The product's five attempts without jitter bring 2,500 of 10,000 clients back:

    >>> import model
    >>> figures(drop(model.evaluate("twilly").after.traffic, clients=10_000))["back"]
    2500
    """
    design = traffic.life.design
    socket, plan, fallback = design.socket, design.reconnect, design.fallback
    if socket is None or plan is None or fallback is None:
        checks.fail("a storm needs a design that holds connections, which drop; got polling")
    own = _one("open connections", at_peak(traffic).life.open_connections)
    count = np.round(own)
    if clients is not None:
        more = max(_one("clients", checks.whole("clients", clients)), 1.0) / own
        traffic, count = with_users(traffic, traffic.life.scenario.users * more), clients
    door = _door(traffic)
    if attempts is None and not plan.last_attempt:
        attempts = np.inf
    delays = tuple(plan.delays_s if delays_s is None else delays_s)
    kind = plan.jitter if jitter is None else jitter
    rate = door[0] if rate_per_s is None else rate_per_s
    lent = door[1] if burst is None else burst
    each = _each(count, delays, rate, attempts)
    door_of_sample = (rate, lent) if each == 1.0 else (rate / each, max(1.0, lent / each))
    spread = {"jitter_share": _one("jitter_share", plan.jitter_share), "cap_s": _one("cap_s", plan.most_s)}
    back_s = storm.reconnect(
        np.round(count / each), delays, kind, *door_of_sample, seed, outage_s, notice_s, attempts, **spread
    )
    return Drop(
        each=each,
        back_s=back_s,
        delays_s=delays,
        jitter=kind,
        attempts=attempts,
        rate_per_s=float(rate),
        burst=float(lent),
        notice_s=notice_s,
        fallback_period_s=_one("fallback.period_s", fallback.period_s),
        fallback_requests=fallback.requests,
        fallback_delay_s=_one("fallback.start_delay_s", fallback.start_delay_s),
        connect_run_s=_one("connect", traffic.runs[socket.connect_function].duration_s),
        usual_requests_per_s=_one("requests/s", rates_per_s(at_peak(traffic))["requests/s"]),
        api_requests_per_s=_api_per_s(traffic),
    )


def _each(count, delays: Sequence[float], rate: float, attempts: float | None) -> float:
    """How many clients one of the simulated ones stands for: 1 while neither clients nor attempts are too many."""
    if not np.size(rate) == np.size(count) == 1 or not (rate > 0 and count > MOST_CLIENTS and delays):
        return 1.0
    tries = min(len(delays) if attempts is None else attempts, count / rate / delays[-1])
    return float(count / min(MOST_CLIENTS, max(LEAST_CLIENTS, MOST_ATTEMPTS // max(tries, 1.0))))


def course(storm_of: Drop, at_s: ArrayLike) -> dict[str, np.ndarray]:
    """How a storm stands at some moments.

    `at_s`: moments after the drop [s]. Gives a dict of str to array, share of clients that are back, and requests a
    second of the fallback poll, at each moment.
    Source: first_case_code.
    """
    polls = storm.fallback_requests_per_s(
        storm_of.back_s,
        at_s,
        storm_of.fallback_period_s,
        storm_of.fallback_requests,
        storm_of.notice_s,
        storm_of.fallback_delay_s,
    )
    return {"back_share": storm.back_share(storm_of.back_s, at_s), "fallback requests/s": storm_of.each * polls}


def figures(storm_of: Drop) -> dict[str, float]:
    """The figures of one storm: who is back when, who is lost, and what the fallback poll asks of the API.

    Gives a dict of str to float, `storm.summary`, then the fallback poll's requests a second at their worst and for
    good (of those who gave up), the API's load at the worst moment over what it carries, and most runs of the connect
    function at once (the burst and what is admitted while one runs).
    Source: first_case_code, aws_docs.
    """
    found = storm.summary(storm_of.back_s)
    found |= {name: round(storm_of.each * found[name]) for name in ("clients", "back", "lost")}
    first = storm_of.notice_s + storm_of.fallback_delay_s
    moments = np.append(np.linspace(0.0, max(found["last_back_s"], first), STEPS), first)
    worst = float(course(storm_of, moments)["fallback requests/s"].max())
    lasting = found["lost"] * storm_of.fallback_requests / storm_of.fallback_period_s
    load = (storm_of.usual_requests_per_s + worst) / storm_of.api_requests_per_s
    runs = min(storm_of.burst + storm_of.rate_per_s * storm_of.connect_run_s, found["clients"])
    return {
        **found,
        "worst_fallback_per_s": worst,
        "lasting_fallback_per_s": lasting,
        "worst_api_load": load,
        "connect_runs_at_once": runs,
    }


def drop_table(storms: Mapping[str, Drop]):
    """The figures of several storms below each other.

    `storms`: storms by name, or by a tuple of names. A table: a row a storm, the columns of `figures`.
    """
    import pandas as pd

    table = pd.DataFrame({name: figures(one) for name, one in storms.items()}).T
    return table.rename_axis("storm") if table.index.nlevels == 1 else table
