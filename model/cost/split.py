"""Why a bill changed: what the transport did and what the backend, what the prices and what the traffic."""

from __future__ import annotations

from collections.abc import Mapping

from model import checks, prices
from model import traffic as traffic_of
from model.cost import flows
from model.scenario import Design, Scenario

__all__ = ["BACKENDS", "OWN_SOCKETS", "on_backend", "price_and_traffic", "transport_and_backend", "two_parts",
           "with_backend"]

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
    return flows.month_usd(traffic_of.traffic(design, scenario), book, scenario.free_tier)


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
    bills = {(u, b): flows.usd_by_service(usages[u], books[b], free_tier)
             for u in (0, 1) for b in (0, 1)}
    found = {}
    for service in dict.fromkeys(prices.services().values()):
        if not any(service in bill for bill in bills.values()):
            continue
        corner = {key: bill.get(service, 0.0) for key, bill in bills.items()}
        price, moved = two_parts(corner[0, 0], corner[0, 1], corner[1, 0], corner[1, 1])
        found[service] = {"then": corner[0, 0], "now": corner[1, 1], "price": price, "traffic": moved}
    return found
