"""The way from one design to the other: a fleet of which a share has the new app, month by month and back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from model import checks, cost, prices
from model.scenario import Scenario, load, sampling
from model.server_load import at_peak, rates_per_s, requests_per_minute
from model.traffic import Flow, Traffic
from model.traffic import traffic as traffic_of
from model.traffic.assembly import server_needs
from model.traffic.services import sends_per_month

LOOKUPS = "send to an old app"
WORST = "longest fan-out s"  # the one load of which a fleet has the larger, not the sum
PEAKS = "requests/s,connects/s,open connections,runs/s,executions at once,read units/s,plain servers".split(",")


def update_shares(months: int, updated_share: ArrayLike) -> np.ndarray:
    """Share of users with the new app by month, if the same share of the rest updates each month.

    1 - (1 - u)^k in month k, from 0 in month 0.

    `months`: months after the release, at least 1; `updated_share`: share of those left who update in a month, one
    number [1]. Gives an array (months + 1,), shares from the month before the release on [1].

    Examples
    --------
    >>> update_shares(3, 0.5).tolist()
    [0.0, 0.5, 0.75, 0.875]
    """
    count = checks.bounded("months", months, "a whole number >= 1", lambda a: (a >= 1) & (a == np.floor(a)))
    return 1.0 - (1.0 - checks.share("updated_share", updated_share)) ** np.arange(float(count) + 1.0)


@dataclass(frozen=True)
class Fleet:
    """Old and new apps side by side; shares on the first axis of every number, then (draws, users)."""

    shares: np.ndarray
    old: Traffic
    new: Traffic
    old_there: np.ndarray  # 0 where nobody has it: what is fixed, such as a server, is then not there either
    new_there: np.ndarray
    book: prices.PriceBook

    @cached_property
    def usage(self) -> dict:
        """What the month is billed on, both sides added up before any tier: {meter: amount}."""
        total: dict = {}
        for traffic, there in ((self.old, self.old_there), (self.new, self.new_there)):
            for meter, amount in cost.month_usage(traffic).items():
                total[meter] = total.get(meter, 0.0) + there * amount
        return total

    def usd(self) -> np.ndarray:
        """The one bill of the whole fleet, (months, draws, users) [USD/month]."""
        return cost.total(self.usage, self.book, self.old.life.scenario.free_tier)

    def rates_per_s(self, hour: str = "mean") -> dict:
        """The load of both sides together, as `server_load.rates_per_s`, at the mean or the peak hour."""
        checks.known("hour", hour, ("peak", "mean"))
        both = self.old, self.new
        if hour == "peak":
            looked = any(flow.name == LOOKUPS for flow in self.new.flows)
            both = at_peak(self.old), at_peak(self.new)
            both = _looked_up(*both, self.old_there) if looked else both
        old, new = map(rates_per_s, both)
        joined = {name: np.maximum if name == WORST else np.add for name in old}
        return {name: join(self.old_there * old[name], self.new_there * new[name]) for name, join in joined.items()}

    def requests_per_minute(self) -> np.ndarray:
        """Requests per minute of an active user, old and new apps in their shares, (months, draws, users)."""
        return (1.0 - self.shares) * requests_per_minute(self.old) + self.shares * requests_per_minute(self.new)


def _servers(traffic: Traffic) -> Flow | None:
    return next((f for f in traffic.flows if f.kind == "server"), None)


def _needed(traffic: Traffic, there) -> list:
    """Instances that a side's requests need and that its connections need, before they are made whole."""
    life = traffic.life
    return [there * need for need in server_needs(life.scenario, life.design, life, traffic.flows)]


def _with_servers(traffic: Traffic, count) -> Traffic:
    """A side with that many plain servers, each of which fills its cache."""
    scenario = traffic.life.scenario
    flows = []
    for flow in traffic.flows:
        if flow.kind == "cache":
            flow = replace(flow, per_month=count * scenario.month_s / traffic.life.held.socket.cache_scan_period_s)
        flows.append(replace(flow, per_month=count) if flow.kind == "server" else flow)
    return replace(traffic, flows=flows, instances=count)


def _shared_servers(old: Traffic, new: Traffic, old_there, new_there) -> tuple[Traffic, Traffic]:
    """Both sides on the same plain servers where they use the same type: the sum of needs made whole once."""
    old_servers, new_servers = _servers(old), _servers(new)
    if old_servers is None or new_servers is None or set(old_servers.meters) != set(new_servers.meters):
        return old, new
    needs = [a + b for a, b in zip(_needed(old, old_there), _needed(new, new_there), strict=True)]
    least = np.maximum(
        old_there * old.life.design.server.least_instances, new_there * new.life.design.server.least_instances
    )
    count = np.maximum(least, np.maximum(*(np.ceil(n) for n in needs)))
    return _with_servers(old, count * (1.0 - new_there)), _with_servers(new, count * new_there)


def _looked_up(old: Traffic, new: Traffic, old_there) -> tuple[Traffic, Traffic]:
    """The new side with what its sender does for recipients who have the old app: a lookup, no message."""
    design = new.life.design
    offline = next((f for f in new.flows if f.kind == "offline"), None)
    if offline is None:
        return old, new
    sent = [e for e, push in design.pushes.items() if push.sent and push.audience == "recipients"]
    count = old_there * sum((sends_per_month(old.life, e) for e in sent), 0.0)
    runs = dict(new.runs)
    if offline.function is not None:
        run = runs[offline.function]
        more = count * offline.executions / new.life.scenario.month_s
        runs[offline.function] = replace(run, rate_per_s=run.rate_per_s + more)
    return old, replace(new, flows=[*new.flows, replace(offline, name=LOOKUPS, per_month=count)], runs=runs)


def fleet(
    scenario: Scenario | str, shares: Sequence[float], users=None, draws: int = 0, seed: int = 0, lookups: bool = True
) -> Fleet:
    """A fleet in which a share of the users has the new app, for several shares at once.

    Each side is its design with its own users; usages are added up and billed once, so tiers join over both.
    Plain servers of one type serve both sides. While anybody has the new app, the sender runs for recipients
    with the old one too, and finds no connection: a lookup and a run each. A share of 0 is the pure old
    design, a share of 1 the pure new one. A month depends on its share alone, so a rollback is the same
    shares backwards.

    `shares`: share of users with the new app, month by month, 0 to 1 [1]; `lookups`: whether the sender runs for
    recipients with the old app; False leaves the plain sum of both sides. Gives Fleet, numbers over (months, draws,
    users). A function that both sides call starts cold as if each side had its own, so cold starts are a little
    overstated while both are there. Users of both sides behave alike.
    Source: first_case_code, aws_pricing_pages.

    Examples
    --------
    >>> run = fleet("twilly", [0.0, 0.5, 1.0])
    >>> back = fleet("twilly", [1.0, 0.5, 0.0])
    >>> bool((run.usd() == back.usd()[::-1]).all())
    True
    """
    share = checks.share("shares", shares)
    if share.ndim != 1 or not len(share):
        checks.fail(f"shares must list the share of users with the new app month by month; got {checks.shown(shares)}")
    scenario = load(scenario)
    counts = np.atleast_1d(np.asarray(scenario.users if users is None else users, dtype=object))
    plain = sampling.resolved(scenario, counts, draws, seed)
    share = share[:, None, None]
    there = [(part > 0.0).astype(float) for part in (1.0 - share, share)]
    both = []
    for which, part in (("before", 1.0 - share), ("after", share)):
        users_there = plain.users * np.where(part > 0.0, part, 1.0)
        both.append(traffic_of(which, plain.model_copy(update={"users": users_there})))
    old, new = _shared_servers(*both, *there)
    if lookups:
        old, new = _looked_up(old, new, there[0])
    return Fleet(share, old, new, there[0], there[1], plain.price_book())


def months_table(run: Fleet):
    """Load at the peak hour and the bill, month by month.

    `run`: a fleet with one user count and no draws. A table: a row a month from 0 on: share of the new app, requests a
    minute of an active user; at the peak hour requests, connects, open connections, runs, executions, read units, plain
    servers; lookups for old apps in the month; USD a month.
    """
    import pandas as pd

    usd = run.usd()
    if usd[0].size != 1:
        checks.fail(f"months_table must be of one user count without draws; got {usd[0].size} columns")
    rates = run.rates_per_s("peak")
    lookups = sum((run.new_there * f.per_month for f in run.new.flows if f.name == LOOKUPS), 0.0)
    columns = {"share_new": run.shares, "requests/min": run.requests_per_minute()}
    columns |= {name: rates[name] for name in PEAKS} | {"lookups a month": lookups, "USD/month": usd}
    rows = {name: np.broadcast_to(values, usd.shape)[:, 0, 0] for name, values in columns.items()}
    return pd.DataFrame(rows).rename_axis("month")
