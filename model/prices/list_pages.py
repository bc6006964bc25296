"""The JSON that AWS's pricing pages read, one file a service for all regions: meteredUnitMaps/SERVICE.json.

A place holds each price twice, under a hash and under a name such as "WebSocket Messages Messages first 1 billion";
`data/price_list/page_keys.csv` says which names are tiers of our meters.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from model import checks, ledger, paths
from model.prices.list_meters import meters, places
from model.prices.rows import PriceRow, as_date, checked_tiers


def is_page(document: Any) -> bool:
    """Whether a JSON document is that of a pricing page."""
    return isinstance(document, Mapping) and "manifest" in document and "regions" in document


def entries(document: Mapping) -> Iterator[tuple[str, str, str, str]]:
    """Every price of a page: place, name, rate code and the price as written; the copies under a hash left out."""
    for place, prices in document["regions"].items():
        for name, one in prices.items():
            if name != one.get("RegionlessRateCode"):
                yield place, name, one["rateCode"], one["price"]


@functools.cache
def _ladders() -> dict[str, dict[str, list[tuple[str, Decimal]]]]:
    """By page and meter the names of its tiers, each with the usage above which it holds."""
    found: dict[str, dict[str, list[tuple[str, Decimal]]]] = {}
    for row in ledger.read_csv(paths.data("price_list", "page_keys.csv")):
        tiers = found.setdefault(row["page"], {}).setdefault(row["meter"], [])
        tiers.append((row["key"], Decimal(row["tier_from"])))
    return found


def rows(document: Mapping, where: str) -> list[PriceRow]:
    """The rows of our meters on a pricing page; places that are no regions of ours are left out."""
    about = document["manifest"]
    currency, service = about.get("currencyCode", "none"), about.get("serviceId", "")
    if currency != "USD":
        checks.fail(f"prices must be in USD; got {currency}", where)
    checks.known("pricing page", service, _ladders(), where)
    day = as_date(str(about.get("hawkFilePublicationDate", ""))[:10], "hawkFilePublicationDate")
    units = {meter.name: meter.unit for meter in meters()}
    found: list[PriceRow] = []
    for region, place in places().items():
        prices = document["regions"].get(place, {})
        for meter, tiers in _ladders()[service].items():
            here = [(prices[name], start) for name, start in tiers if name in prices]
            if not here:
                continue
            if len(here) < len(tiers):
                missing = next(name for name, _ in tiers if name not in prices)
                checks.fail(f"the tiers of {meter} in {region} must be whole; {missing!r} is missing", where)
            made = [
                PriceRow(
                    meter,
                    region,
                    day,
                    start,
                    _price(one, f"{where}, {place}"),
                    units[meter],
                    "aws_price_pages",
                    f"meteredUnitMaps/{service}, rate code {one['rateCode']}",
                )
                for one, start in here
            ]
            found += checked_tiers(made, where)
    return found


def _price(one: Mapping, where: str) -> Decimal:
    try:
        price = Decimal(one["price"])
    except ArithmeticError:
        checks.fail(f"a price must be a number; got {checks.shown(one['price'])}", where)
    if not price.is_finite() or price < 0:
        checks.fail(f"a price must be >= 0 USD; got {one['price']}", where)
    return price


def once(pairs: list[tuple[str, Any]]) -> dict:
    """A JSON object in which no key stands twice with two values, for `json.load`."""
    found: dict = {}
    for key, value in pairs:
        if found.setdefault(key, value) != value:
            checks.fail(f"a price must stand once in a file; {key!r} stands twice")
    return found
