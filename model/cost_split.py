"""Why a bill changed: what the transport did and what the backend, what the prices and what the traffic."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from model import checks, cost, cost_flows, prices, sampling
from model import traffic as traffic_of
from model.scenario import Design, Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["BACKENDS", "by_backend", "by_region", "by_service", "full_bill", "on_backend",
           "price_and_traffic", "price_change", "transport_and_backend", "two_parts", "with_backend"]

BACKENDS = ("http_api", "rest_api", "server")
OWN_SOCKETS = "server with its own sockets"


def two_parts(neither, first, second, both) -> tuple:
    """A change that two things make together, split into the part of each.

    Each part is the mean of what the thing does alone and what it does after the other:
    1/2 [(first - neither) + (both - second)] and 1/2 [(second - neither) + (both - first)]. The two add up
    to both - neither, whichever order one thinks them in.

    Parameters
    ----------
    neither, first, second, both : array_like
        The figure with neither change, with one of them, with both; broadcast [-].

    Returns
    -------
    tuple of array
        The first's part and the second's, in the figure's unit.

    Notes
    -----
    These are the Shapley values of two players: what they do only together is shared evenly.

    Examples
    --------
    >>> two_parts(10.0, 4.0, 8.0, 3.0)
    (-5.5, -1.5)
    """
    return ((first - neither + both - second) / 2.0, (second - neither + both - first) / 2.0)


def with_backend(design: Design, other: Design) -> Design:
    """A design on another's backend: its API host, its plain servers, its functions of the same names.

    Parameters
    ----------
    design : Design
        Keeps its timers, socket, pushes and pulls: the transport [-].
    other : Design
        Gives the rest [-].

    Returns
    -------
    Design
        A new design; the gateway or server that holds the sockets is part of the transport and stays.
    """
    shared = {n: f for n, f in other.functions.items() if n in design.functions}
    return design.model_copy(update={"api": other.api, "server": other.server,
                                     "functions": {**design.functions, **shared}})


def on_backend(design: Design, backend: str) -> Design:
    """A design whose HTTP side another kind of backend answers.

    Parameters
    ----------
    design : Design
        The design [-].
    backend : str
        http_api, rest_api, server, or "server with its own sockets" for a design that has some [-].

    Returns
    -------
    Design
        A new design, all else the same.

    Raises
    ------
    InputError
        An unknown backend.
    """
    checks.known("backend", backend, (*BACKENDS, OWN_SOCKETS))
    kind = "server" if backend == OWN_SOCKETS else backend
    update: dict = {"api": design.api.model_copy(update={"backend": kind})}
    if backend == OWN_SOCKETS and design.socket is not None:
        update["socket"] = design.socket.model_copy(update={"backend": "server"})
    return design.model_copy(update=update)


def _usd(design: Design, scenario: Scenario):
    """The bill of a design under a resolved scenario."""
    book = prices.book(scenario.region, scenario.prices_on)
    return cost_flows.month_usd(traffic_of.traffic(design, scenario), book, scenario.free_tier)


def transport_and_backend(before: Design, after: Design, scenario: Scenario) -> dict:
    """The change of the bill from one design to another: the transport's part and the backend's.

    The transport is timers, socket, pushes and pulls; the backend is what answers HTTP: its host (HTTP API,
    REST API or plain server), its servers and its functions. Four bills are compared: each transport on each
    backend.

    Parameters
    ----------
    before, after : Design
        The two designs [-].
    scenario : Scenario
        A resolved scenario: users, usage, region, date [-].

    Returns
    -------
    dict of str to array
        before, after, before_on_after_backend, after_on_before_backend, change, transport, backend:
        USD a month, (draws, users); transport + backend = change.

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Sources
    -------
    aws_price_list
    """
    moved, stayed = with_backend(before, after), with_backend(after, before)
    found = {"before": _usd(before, scenario), "after": _usd(after, scenario),
             "before_on_after_backend": _usd(moved, scenario),
             "after_on_before_backend": _usd(stayed, scenario)}
    transport, backend = two_parts(found["before"], found["after_on_before_backend"],
                                   found["before_on_after_backend"], found["after"])
    return {**found, "change": found["after"] - found["before"], "transport": transport, "backend": backend}


def _first(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def _usages(scenario: Scenario) -> dict:
    """What each design of a resolved scenario is billed on in the month."""
    return {which: cost_flows.month_usage(traffic_of.traffic(which, scenario))
            for which in ("before", "after")}


def by_backend(scenario: Scenario) -> pd.DataFrame:
    """The change of the bill for every backend that may answer before the move and after it.

    Parameters
    ----------
    scenario : Scenario
        The scenario, every range at its mode, at its first user count [-].

    Returns
    -------
    pandas.DataFrame
        Index polled_on and moved_to (the HTTP side; the last kind holds the sockets too); columns before,
        after, change, transport, backend [USD/month].

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Notes
    -----
    A plain server is as many instances as the peak hour needs; load balancers, addresses, disks and what
    several socket servers need to reach each other's clients are not in the bill.

    Sources
    -------
    aws_price_list
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    ends = (*BACKENDS, OWN_SOCKETS) if plain.after.socket is not None else BACKENDS
    columns, rows = ("before", "after", "change", "transport", "backend"), {}
    for start, end in itertools.product(BACKENDS, ends):
        split = transport_and_backend(on_backend(plain.before, start), on_backend(plain.after, end), plain)
        rows[start, end] = {name: _first(split[name]) for name in columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["polled_on", "moved_to"])


def by_service(scenario: Scenario) -> pd.DataFrame:
    """The bill of both designs by AWS service.

    Parameters
    ----------
    scenario : Scenario
        The scenario, every range at its mode, at its first user count [-].

    Returns
    -------
    pandas.DataFrame
        Index service, with a row for all of them; columns before, after, change [USD/month].

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Sources
    -------
    aws_price_list
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    book = prices.book(plain.region, plain.prices_on)
    sides = {}
    for which, usage in _usages(plain).items():
        bill = cost_flows.usd_by_service(usage, book, plain.free_tier)
        sides[which] = {service: _first(usd) for service, usd in bill.items()}
    table = pd.DataFrame(sides).fillna(0.0).rename_axis("service")
    table = table[(table > 0).any(axis=1)]
    table.loc["all"] = table.sum()
    return table.assign(change=table["after"] - table["before"])


def full_bill(scenario: Scenario) -> pd.DataFrame:
    """The bill of both designs line by line, each line with the price row it was billed at.

    Parameters
    ----------
    scenario : Scenario
        The scenario, every range at its mode, at its first user count [-].

    Returns
    -------
    pandas.DataFrame
        Index design, meter, tier_from; columns amount, free, price_usd, usd, unit, effective_from, note.

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Sources
    -------
    aws_price_list
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    book = prices.book(plain.region, plain.prices_on)
    bills = {which: cost.bill({m: _first(a) for m, a in usage.items()}, book, plain.free_tier)
             for which, usage in _usages(plain).items()}
    table = pd.concat(bills, names=["design"]).reset_index(level="design")
    table["effective_from"] = table["effective_from"].astype(str)
    return table.drop(columns="service").set_index(["design", "meter", "tier_from"])


def by_region(scenario: Scenario) -> pd.DataFrame:
    """The bill of both designs in each region that has every meter they need; the others say what they lack.

    Parameters
    ----------
    scenario : Scenario
        The scenario, every range at its mode, at its first user count; its own region does not matter [-].

    Returns
    -------
    pandas.DataFrame
        Index region; columns before, after [USD/month, NaN where a price is missing], before_lacks and
        after_lacks (the meters without a price there).

    Notes
    -----
    A region lacks a price where no list of it was read, not because AWS sells no such thing there.

    Sources
    -------
    aws_price_list
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    usages, rows = _usages(plain), {}
    for region in prices.regions():
        book = prices.book(region, plain.prices_on)
        row: dict = {}
        for which, usage in usages.items():
            needed = [m for m, amount in usage.items() if np.any(np.asarray(amount) > 0)]
            lacks = [m for m in needed if book.lacks(m)]
            bill = np.nan if lacks else sum(cost_flows.usd_by_service(usage, book, plain.free_tier).values())
            row |= {which: _first(bill), f"{which}_lacks": ", ".join(lacks)}
        rows[region] = row
    columns = ["before", "after", "before_lacks", "after_lacks"]
    return pd.DataFrame.from_dict(rows, orient="index")[columns].rename_axis("region")


def price_and_traffic(usage_then: Mapping, usage_now: Mapping, book_then: prices.PriceBook,
                      book_now: prices.PriceBook, free_tier: bool | str = False) -> dict:
    """The change between two bills by service: what new prices did and what other usage did.

    Parameters
    ----------
    usage_then, usage_now : mapping of meter to array
        Amounts of the two months [-].
    book_then, book_now : PriceBook
        Prices of the two months [-].
    free_tier : bool or str
        False, "always" or "first_12_months" [-].

    Returns
    -------
    dict of str to dict
        {service: {then, now, price, traffic}} in USD a month; price + traffic = now - then.

    Raises
    ------
    InputError
        A meter that one of the books lacks.

    Sources
    -------
    aws_price_list

    Examples
    --------
    >>> books = [prices.book("us-east-1", on=day) for day in ("2024-10-15", "2024-11-15")]
    >>> change = price_and_traffic({"dynamodb_write_unit": 2e6}, {"dynamodb_write_unit": 4e6}, *books)
    >>> {part: float(usd) for part, usd in change["DynamoDB"].items()}
    {'then': 2.5, 'now': 2.5, 'price': -1.875, 'traffic': 1.875}
    """
    usages, books = (usage_then, usage_now), (book_then, book_now)
    bills = {(u, b): cost_flows.usd_by_service(usages[u], books[b], free_tier)
             for u in (0, 1) for b in (0, 1)}
    found = {}
    for service in dict.fromkeys(prices.services().values()):
        if not any(service in bill for bill in bills.values()):
            continue
        corner = {key: bill.get(service, 0.0) for key, bill in bills.items()}
        price, moved = two_parts(corner[0, 0], corner[0, 1], corner[1, 0], corner[1, 1])
        found[service] = {"then": corner[0, 0], "now": corner[1, 1], "price": price, "traffic": moved}
    return found


def price_change(scenario: Scenario, then: str, now: str) -> pd.DataFrame:
    """What happened to the bill between two days: polling throughout, push throughout, and the move between.

    Parameters
    ----------
    scenario : Scenario
        The scenario, every range at its mode, at its first user count [-].
    then, now : str
        Days of the two price books, like 2024-10-15 [-].

    Returns
    -------
    pandas.DataFrame
        Index case and service, with a row for all of them; columns then, now, price, traffic [USD/month].

    Raises
    ------
    InputError
        A day that is none, or a meter that the region has no price for.

    Notes
    -----
    A price whose list was read later than the day stands backdated in both books and changes nothing.

    Sources
    -------
    aws_price_list
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    books = [prices.book(plain.region, day) for day in (then, now)]
    usage = _usages(plain)
    cases = {"polling stays": ("before", "before"), "push stays": ("after", "after"),
             "polling becomes push": ("before", "after")}
    rows = {}
    for case, (one, other) in cases.items():
        split = price_and_traffic(usage[one], usage[other], *books, plain.free_tier)
        parts = {s: {k: _first(v) for k, v in p.items()} for s, p in split.items()}
        kept = {s: p for s, p in parts.items() if p["then"] or p["now"]}
        rows |= {(case, s): p for s, p in kept.items()}
        rows[case, "all"] = {k: sum(p[k] for p in kept.values()) for k in ("then", "now", "price", "traffic")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["case", "service"])
