"""Why a bill changed: what the transport did and what the backend, what the prices and what the traffic."""

from __future__ import annotations

from collections.abc import Mapping

from model import checks, prices
from model import traffic as traffic_of
from model.cost import flows
from model.scenario import Design, Scenario

__all__ = [
    "BACKENDS",
    "OWN_SOCKETS",
    "on_backend",
    "price_and_traffic",
    "transport_and_backend",
    "two_parts",
    "with_backend",
]

BACKENDS = ("http_api", "rest_api", "server")
OWN_SOCKETS = "server with its own sockets"


def two_parts(neither, first, second, both) -> tuple:
    """A change that two things make together, split into the part of each.

    Each part is the mean of what the thing does alone and what it does after the other:
    1/2 [(first - neither) + (both - second)] and 1/2 [(second - neither) + (both - first)]. The two add up
    to both - neither, whichever order one thinks them in.
    """
    return ((first - neither + both - second) / 2.0, (second - neither + both - first) / 2.0)


def with_backend(design: Design, other: Design) -> Design:
    """A design on another's backend: its API host, its plain servers, its functions of the same names."""
    shared = {n: f for n, f in other.functions.items() if n in design.functions}
    return design.model_copy(
        update={"api": other.api, "server": other.server, "functions": {**design.functions, **shared}}
    )


def on_backend(design: Design, backend: str) -> Design:
    """A design whose HTTP side another kind of backend answers."""
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

    Source: aws_price_list.
    """
    moved, stayed = with_backend(before, after), with_backend(after, before)
    found = {
        "before": _usd(before, scenario),
        "after": _usd(after, scenario),
        "before_on_after_backend": _usd(moved, scenario),
        "after_on_before_backend": _usd(stayed, scenario),
    }
    transport, backend = two_parts(
        found["before"], found["after_on_before_backend"], found["before_on_after_backend"], found["after"]
    )
    return {**found, "change": found["after"] - found["before"], "transport": transport, "backend": backend}


def price_and_traffic(
    usage_then: Mapping,
    usage_now: Mapping,
    book_then: prices.PriceBook,
    book_now: prices.PriceBook,
    free_tier: bool | str = False,
) -> dict:
    """The change between two bills by service: what new prices did and what other usage did.

    Source: aws_price_list.
    """
    usages, books = (usage_then, usage_now), (book_then, book_now)
    bills = {(u, b): flows.usd_by_service(usages[u], books[b], free_tier) for u in (0, 1) for b in (0, 1)}
    found = {}
    for service in dict.fromkeys(prices.services().values()):
        if not any(service in bill for bill in bills.values()):
            continue
        corner = {key: bill.get(service, 0.0) for key, bill in bills.items()}
        price, moved = two_parts(corner[0, 0], corner[0, 1], corner[1, 0], corner[1, 1])
        found[service] = {"then": corner[0, 0], "now": corner[1, 1], "price": price, "traffic": moved}
    return found
