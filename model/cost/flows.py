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
    flow : Flow
        A flow of that traffic [-].
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    dict of str to array
        {meter: amount a month}, (draws, users).

    Notes
    -----
    Internet out counts IP bytes towards the phone, handshakes and ACKs in; AWS bills the same for a gateway
    as for a server. Bytes inside the region are taken as free.

    Sources
    -------
    aws_pricing_pages
    """
    _, down = exchange.mean_flow_bytes(traffic, flow)
    found = {meter: flow.per_month * amount for meter, amount in flow.meters.items()}
    if np.any(np.asarray(down) > 0):
        found["internet_out_gb"] = flow.per_month * metering.transfer_gb(down)
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


def month_usd(traffic, book, free_tier=False):
    """A design's bill of the month.

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
    array
        USD a month, (draws, users).

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Sources
    -------
    aws_price_list
    """
    return totals.total(month_usage(traffic), book, free_tier)


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

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Sources
    -------
    aws_price_list
    """
    whole = month_usage(traffic)
    usd = totals.by_meter(whole, book, free_tier)
    rate = {m: np.divide(usd[m], a, out=np.zeros(np.broadcast_shapes(np.shape(usd[m]), np.shape(a))),
                         where=np.asarray(a) > 0) for m, a in whole.items()}
    return {flow.name: sum((rate[m] * a for m, a in flow_usage(flow, traffic).items()), 0.0)
            for flow in traffic.flows}


def usd_by_service(usage, book, free_tier=False) -> dict:
    """The bill of a month's usage by AWS service.

    Parameters
    ----------
    usage : mapping of meter to array
        Amounts a month [-].
    book : PriceBook
        Prices of a region on a date [-].
    free_tier : bool or str
        False, "always" or "first_12_months" [-].

    Returns
    -------
    dict of str to array
        {service: USD a month}, services in the order of the price list; the parts add up to the whole bill.

    Raises
    ------
    InputError
        A meter that the region has no price for.

    Sources
    -------
    aws_price_list

    Examples
    --------
    >>> usage = {"apigw_ws_message": 18e6, "apigw_ws_minute": 21.6e6, "lambda_request": 5e6}
    >>> bill = usd_by_service(usage, prices.book("us-east-1"))
    >>> {service: round(float(usd), 2) for service, usd in bill.items()}
    {'API Gateway': 23.4, 'Lambda': 1.0}
    """
    usd = totals.by_meter(usage, book, free_tier)
    found: dict = {}
    for meter, service in prices.services().items():
        if meter in usd:
            found[service] = found[service] + usd[meter] if service in found else usd[meter]
    return found
