"""A design's bill in parts: by flow, by service, and what each of two causes did to a bill that changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from model import checks, prices
from model.cost.billing import by_meter, total
from model.life import chains, exchange
from model.life.flow import Flow, Traffic
from model.parts.fields import ANSWERING
from model.prices import metering
from model.scenario import AnyDesign, Scenario
from model.traffic import traffic as traffic_of

BACKENDS = ANSWERING
OWN_SOCKETS = "server with its own sockets"


def flow_usage(flow: Flow, traffic: Traffic) -> dict[str, Any]:
    """What one flow is billed on in the month: its meters, and the bytes it sends to the internet.

    `flow`: a flow of that traffic. Gives a dict of str to array, {meter: amount a month}, (draws, users). Internet out
    counts IP bytes towards the phone, handshakes and ACKs in; AWS bills the same for a gateway as for a server. Bytes
    inside the region are taken as free.
    Source: aws_pricing_pages.
    """
    if flow.kind == "plan" and traffic.refusal:
        checks.fail(traffic.refusal)
    _, down_bytes = exchange.mean_flow_bytes(traffic, flow)
    meters: Mapping[str, Any] = flow.meters
    usage = {meter: flow.per_month * amount for meter, amount in meters.items()}
    socket = traffic.life.design.socket
    sent = flow.exchange == "http" or socket is None or socket.row.egress
    sent = sent and flow.exchange != "mobile push"  # Apple or Google send it
    if sent and np.any(np.asarray(down_bytes) > 0):
        usage["internet_out_gb"] = flow.per_month * metering.transfer_gb(down_bytes)
    return usage


def month_usage(traffic: Traffic) -> dict[str, Any]:
    """What a design is billed on in the month, over all its flows: {meter: amount}."""
    return chains.added(*(flow_usage(flow, traffic) for flow in traffic.flows))


def month_usd(traffic: Traffic, book: prices.PriceBook, free_tier: bool | str = False) -> np.ndarray:
    """A design's bill of the month."""
    return total(month_usage(traffic), book, free_tier)


def usd_by_flow(traffic: Traffic, book: prices.PriceBook, free_tier: bool | str = False) -> dict[str, Any]:
    """The month's bill split over the flows: each meter's cost in proportion to what each flow used of it."""
    usages = [flow_usage(flow, traffic) for flow in traffic.flows]
    whole = chains.added(*usages)
    usd = by_meter(whole, book, free_tier)
    unit_usd = {meter: _ratio(usd[meter], np.asarray(amount)) for meter, amount in whole.items()}
    parts = [sum((unit_usd[meter] * amount for meter, amount in usage.items()), 0.0) for usage in usages]
    return {flow.name: part for flow, part in zip(traffic.flows, parts, strict=True)}


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """part / whole, and 0 where the whole is 0."""
    shape = np.broadcast_shapes(part.shape, whole.shape)
    return np.divide(part, whole, out=np.zeros(shape), where=whole > 0)


def usd_by_service(usage: Mapping[str, Any], book: prices.PriceBook, free_tier: bool | str = False) -> dict[str, Any]:
    """The bill of a month's usage by AWS service."""
    usd, order = by_meter(usage, book, free_tier), list(prices.services())
    meters = sorted(usd, key=lambda meter: order.index(meter) if meter in order else len(order))
    return chains.added(*({prices.service_of(meter): usd[meter]} for meter in meters))


def two_parts(neither, first, second, both) -> tuple[Any, Any]:
    """A change that two things make together, split into the part of each.

    Each part is the mean of what the thing does alone and what it does after the other:
    1/2 [(first - neither) + (both - second)] and 1/2 [(second - neither) + (both - first)]. The two add up
    to both - neither, in whichever order the changes are made.
    """
    return ((first - neither + both - second) / 2.0, (second - neither + both - first) / 2.0)


def on_backend(design: AnyDesign, backend: str) -> AnyDesign:
    """A design whose HTTP side another kind of backend answers; the last kind also holds its sockets."""
    checks.known("backend", backend, (*BACKENDS, OWN_SOCKETS))
    kind = "server" if backend == OWN_SOCKETS else backend
    update: dict[str, Any] = {"api": design.api.model_copy(update={"backend": kind})}
    if backend == OWN_SOCKETS and design.socket is not None:
        update["socket"] = design.socket.model_copy(update={"backend": "server"})
    return design.model_copy(update=update)


def _with_backend_of(design: AnyDesign, other: AnyDesign) -> AnyDesign:
    """A design served as another is: its API host, its plain servers, its functions of the same names."""
    shared = {name: function for name, function in other.functions.items() if name in design.functions}
    served = {"api": other.api, "server": other.server, "functions": {**design.functions, **shared}}
    return design.model_copy(update=served)


def transport_and_backend(before: AnyDesign, after: AnyDesign, scenario: Scenario) -> dict[str, Any]:
    """The change of the bill from one design to another: the transport's part and the backend's.

    The transport is timers, socket, pushes and pulls; the backend is what answers HTTP: its host (HTTP API,
    REST API or plain server), its servers and its functions. Four bills are compared: each transport on each
    backend.
    """
    book = scenario.price_book()
    usd = {
        name: month_usd(traffic_of(design, scenario), book, scenario.free_tier)
        for name, design in {
            "before": before,
            "after": after,
            "before_on_after_backend": _with_backend_of(before, after),
            "after_on_before_backend": _with_backend_of(after, before),
        }.items()
    }
    transport, backend = two_parts(
        usd["before"], usd["after_on_before_backend"], usd["before_on_after_backend"], usd["after"]
    )
    return {**usd, "change": usd["after"] - usd["before"], "transport": transport, "backend": backend}


def price_and_traffic(usages: tuple, books: tuple, free_tier: bool | str = False) -> dict[str, dict[str, Any]]:
    """The change between two months' bills by service: what new prices did and what other usage did."""
    bills = {(u, b): usd_by_service(usages[u], books[b], free_tier) for u in (0, 1) for b in (0, 1)}
    changes = {}
    for service in dict.fromkeys(prices.services().values()):
        if any(service in bill for bill in bills.values()):
            usd = {key: bill.get(service, 0.0) for key, bill in bills.items()}
            price, moved = two_parts(usd[0, 0], usd[0, 1], usd[1, 0], usd[1, 1])
            changes[service] = {"then": usd[0, 0], "now": usd[1, 1], "price": price, "traffic": moved}
    return changes
