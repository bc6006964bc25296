"""From flows to the bill: what a design is metered on in the month, and the bill by flow and by service."""

from __future__ import annotations

import numpy as np

from model import prices
from model.cost import totals
from model.life import exchange
from model.prices import metering

__all__ = ["flow_usage", "month_usage", "month_usd", "usd_by_flow", "usd_by_service"]


def flow_usage(flow, traffic) -> dict:
    """What one flow is billed on in the month: its meters, and the bytes it sends to the internet.

    Parameters
    ----------
    flow : Flow, A flow of that traffic
    traffic : Traffic, the design's traffic

    Returns
    -------
    dict of str to array, {meter: amount a month}, (draws, users)

    Notes
    -----
    Internet out counts IP bytes towards the phone, handshakes and ACKs in; AWS bills the same for a gateway
    as for a server. Bytes inside the region are taken as free.

    Source: aws_pricing_pages.
    """
    _, down = exchange.mean_flow_bytes(traffic, flow)
    found = {meter: flow.per_month * amount for meter, amount in flow.meters.items()}
    if np.any(np.asarray(down) > 0):
        found["internet_out_gb"] = flow.per_month * metering.transfer_gb(down)
    return found


def month_usage(traffic) -> dict:
    """What a design is billed on in the month, over all its flows.

    Source: aws_pricing_pages.
    """
    total: dict = {}
    for flow in traffic.flows:
        for meter, amount in flow_usage(flow, traffic).items():
            total[meter] = total[meter] + amount if meter in total else amount
    return total


def month_usd(traffic, book, free_tier=False):
    """A design's bill of the month.

    Source: aws_price_list.
    """
    return totals.total(month_usage(traffic), book, free_tier)


def usd_by_flow(traffic, book, free_tier=False) -> dict:
    """The month's bill split over the flows: each meter's sum in proportion to what each flow used of it.

    Source: aws_price_list.
    """
    whole = month_usage(traffic)
    usd = totals.by_meter(whole, book, free_tier)
    rate = {
        m: np.divide(
            usd[m], a, out=np.zeros(np.broadcast_shapes(np.shape(usd[m]), np.shape(a))), where=np.asarray(a) > 0
        )
        for m, a in whole.items()
    }
    return {flow.name: sum((rate[m] * a for m, a in flow_usage(flow, traffic).items()), 0.0) for flow in traffic.flows}


def usd_by_service(usage, book, free_tier=False) -> dict:
    """The bill of a month's usage by AWS service.

    Source: aws_price_list.
    """
    usd = totals.by_meter(usage, book, free_tier)
    found: dict = {}
    for meter, service in prices.services().items():
        if meter in usd:
            found[service] = found[service] + usd[meter] if service in found else usd[meter]
    return found
