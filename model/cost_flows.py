"""From flows to the bill: what a design is metered on in the month, and the bill split back over its flows."""

from __future__ import annotations

import numpy as np

from model import cost, exchange

__all__ = ["flow_usage", "month_usage", "usd_by_flow"]


GB_BYTES = 1024.0**3


def flow_usage(flow, traffic) -> dict:
    """What one flow is billed on in the month: its meters, and the bytes it sends to the internet.

    Parameters
    ----------
    flow : Flow
        A flow of that traffic [-].
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    dict of str to array
        {meter: amount a month}, (draws, users).

    Sources
    -------
    aws_pricing_pages
    """


    _, down = exchange.mean_flow_bytes(traffic, flow)
    found = {meter: flow.per_month * amount for meter, amount in flow.meters.items()}
    if np.any(np.asarray(down) > 0):
        found["internet_out_gb"] = flow.per_month * down / GB_BYTES
    return found


def month_usage(traffic) -> dict:
    """What a design is billed on in the month, over all its flows.

    Parameters
    ----------
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    dict of str to array
        {meter: amount a month}, (draws, users).

    Sources
    -------
    aws_pricing_pages
    """
    total: dict = {}
    for flow in traffic.flows:
        for meter, amount in flow_usage(flow, traffic).items():
            total[meter] = total[meter] + amount if meter in total else amount
    return total


def usd_by_flow(traffic, book, free_tier=False) -> dict:
    """The month's bill split over the flows: each meter's sum in proportion to what each flow used of it.

    Parameters
    ----------
    traffic : Traffic
        The design's traffic [-].
    book : PriceBook
        Prices of a region on a date [-].
    free_tier : bool or str
        False, "always" or "first_12_months" [-].

    Returns
    -------
    dict of str to array
        {flow: USD a month}; the parts add up to the whole bill.

    Sources
    -------
    aws_price_list
    """
    whole = month_usage(traffic)
    usd = cost.by_meter(whole, book, free_tier)
    rate = {m: np.divide(usd[m], a, out=np.zeros(np.broadcast_shapes(np.shape(usd[m]), np.shape(a))),
                         where=np.asarray(a) > 0) for m, a in whole.items()}
    return {flow.name: sum((rate[m] * a for m, a in flow_usage(flow, traffic).items()), 0.0)
            for flow in traffic.flows}
