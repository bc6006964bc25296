"""Reading AWS's own Price List: bulk files in JSON and CSV as downloaded, and GetProducts answers."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from model import checks, paths
from model.prices import list_pages
from model.prices.list_meters import Meter, Offer, endings, is_meter, meters, plain, region_of
from model.prices.rows import PriceRow, allowances, as_date, checked_tiers

NOT_A_LIST = (KeyError, TypeError, AttributeError, csv.Error, json.JSONDecodeError, UnicodeDecodeError, RecursionError)


def _number(text: str, name: str, place: str) -> Decimal:
    try:
        number = Decimal(text)
    except (InvalidOperation, TypeError, ValueError):
        checks.fail(f"{name} must be a number; got {checks.shown(text)}", place)
    if number.is_nan() or number < 0:
        checks.fail(f"{name} must be >= 0; got {text}", place)
    return number


def _tiers(term: Offer, place: str) -> list[tuple[Decimal, Decimal, Decimal]]:
    """From, to and price of each tier in numeric order, refused where they leave a gap or overlap."""
    tiers = []
    for low, high, price, currency in term.tiers:
        if currency != "USD":
            checks.fail(f"prices must be in USD; got {currency}", place)
        end = Decimal("Infinity") if high in ("Inf", "") else _number(high, "the end of a tier", place)
        tiers.append((_number(low, "the start of a tier", place), end, _number(price, "a price", place)))
    tiers.sort()
    reached = Decimal(0)
    for begin, end, _ in tiers:
        if begin != reached or end <= begin:
            kind = "a gap" if begin > reached else "an overlap"
            checks.fail(f"tiers must join; got {kind} between {reached} and {begin}", place)
        reached = end
    if reached != Decimal("Infinity"):
        checks.fail(f"the last tier must have no end; got a gap above {reached}", place)
    return tiers


def _without_free_tier(meter: str, tiers: list) -> list:
    """Tiers that start after the free ones: AWS writes some allowances as a first tier at 0 USD.

    The allowance is a switch of the bill and is taken off before the tiers, so the later ones move down.
    """
    free = {allowance.amount for allowance in allowances() if meter in allowance.meters}
    low, high, price = tiers[0]
    if price or high not in free:
        return tiers
    return [(start - high, end - high, usd) for start, end, usd in tiers[1:]]


def _meter_rows(meter: Meter, region: str, term: Offer, place: str) -> tuple[PriceRow, ...]:
    where = f"{term.service_code} SKU {term.sku}, usage type {term.attributes.get('usagetype', '')}"
    where += f", list {term.version}" if term.version else ""
    day = as_date(term.effective[:10], f"the effective date of SKU {term.sku}")
    tiers = _without_free_tier(meter.name, _tiers(term, f"{place}, {meter.name} in {region}, SKU {term.sku}"))
    return checked_tiers(
        PriceRow(meter.name, region, day, low, price, meter.unit, "aws_price_list", where) for low, _, price in tiers
    )


def _json_terms(product: Mapping, offers: Mapping, code: str, version: str) -> Iterator[Offer]:
    attributes = {plain(key): value for key, value in product.get("attributes", {}).items()}
    attributes["productfamily"] = product.get("productFamily", "")
    for offer in offers.values():
        tiers = []
        for dimension in offer["priceDimensions"].values():
            prices = dimension["pricePerUnit"]
            currency = "USD" if "USD" in prices else next(iter(prices), "none")
            tiers.append(
                (dimension.get("beginRange") or "0", dimension.get("endRange") or "Inf", prices.get(currency), currency)
            )
        yield Offer(
            attributes.get("servicecode", code),
            product.get("sku", ""),
            attributes,
            offer.get("effectiveDate", ""),
            tuple(tiers),
            version,
        )


def _document_terms(document: Mapping) -> Iterator[Offer]:
    """The terms of one JSON document: an offer file, a GetProducts answer, or one of its records."""
    if "PriceList" in document:
        for record in document["PriceList"]:
            yield from _document_terms(json.loads(record) if isinstance(record, str) else record)
        return
    version = document.get("version", "")
    offers = document["terms"].get("OnDemand", {})
    if "product" in document:
        yield from _json_terms(document["product"], offers, document.get("serviceCode", ""), version)
        return
    for sku, product in document["products"].items():
        yield from _json_terms(product, offers.get(sku, {}), document.get("offerCode", ""), version)


def _csv_header(reader: Iterator[list[str]], place: str) -> tuple[list[str], dict[str, str]]:
    """The column names, and what the lines before them say of the file (format, date, version, offer)."""
    about: dict[str, str] = {}
    for fields in reader:
        if fields[:1] == ["SKU"]:
            header = [plain(name) for name in fields]
            for column in ("startingrange", "endingrange", "priceperunit", "currency", "usagetype"):
                if column not in header:
                    checks.fail(f"an AWS price list must have the column {column!r}", place)
            return header, about
        if len(fields) == 2:
            about[plain(fields[0])] = fields[1]
    checks.fail("an AWS price list in CSV must have a header line that starts with SKU; got none", place)


def _csv_terms(lines: Iterable[str], place: str) -> Iterator[Offer]:
    """The terms of a CSV file: five lines about the file, the header, then a line a tier."""
    reader = csv.reader(lines)
    header, about = _csv_header(reader, place)
    offer = about.get("offercode", "")
    found: dict[tuple[str, str], tuple[dict[str, str], list]] = {}
    for fields in reader:
        if not any(fields):
            continue  # an empty line
        row = dict(zip(header, fields, strict=False))
        if len(fields) != len(header):
            checks.fail(f"a line must have {len(header)} fields; got {len(fields)}", f"{place}:{reader.line_num}")
        wanted = endings().get(row.get("servicecode") or offer, ())
        if row.get("termtype", "OnDemand") == "OnDemand" and row["usagetype"].endswith(wanted):
            _, tiers = found.setdefault((row["sku"], row.get("effectivedate", "")), (row, []))
            tiers.append(
                (row["startingrange"] or "0", row["endingrange"] or "Inf", row["priceperunit"], row["currency"])
            )
    for (sku, effective), (row, tiers) in found.items():
        code, version = row.get("servicecode") or offer, about.get("version", "")
        yield Offer(code, sku, row, effective, tuple(tiers), version)


def _document(source: Any) -> tuple[Mapping, str]:
    """The JSON document of a source that is no CSV file, with its place."""
    if isinstance(source, (str, Path)):
        text = str(source)
        if text.lstrip()[:1] in ("{", "["):
            return _document(json.loads(text, object_pairs_hook=list_pages.once))
        with open(source, encoding="utf-8-sig") as lines:
            return _document(json.load(lines, object_pairs_hook=list_pages.once))[0], paths.shown(Path(source))
    if isinstance(source, Mapping):
        return source, "the price list given"
    if isinstance(source, Iterable):
        return {"PriceList": list(source)}, "the price list given"
    checks.fail(f"a price list must be a path, dict or list of JSON strings; got {checks.shown(source)}")


def _csv_file_terms(path: Path) -> Iterator[Offer]:
    with open(path, encoding="utf-8-sig", newline="") as lines:
        yield from _csv_terms(lines, paths.shown(path))


def _named(source: Any) -> str:
    """The place of a source that is a file."""
    is_file = isinstance(source, Path) or isinstance(source, str) and source.lstrip()[:1] not in ("{", "[")
    return paths.shown(Path(source)) if is_file else ""


def load_price_list(source: Any) -> list[PriceRow]:
    """The price rows of our meters in a file of AWS's prices, a user's own download or a GetProducts answer.

    A product is matched by service, whole usage type after the region's prefix, and attributes; tiers are sorted by
    number and must join from 0 to no end. The row's date is the term's, or the page's day of publication. A first tier
    at 0 USD that equals an allowance of `data/free_allowances.csv` is dropped: the bill takes it off by its own switch.

    Parameters
    ----------
    source : path, dict, JSON text, or list of JSON strings, `index.json` or `index.csv` of one service, its content,
        what GetProducts answered, or the JSON that a pricing page reads

    Returns: list of PriceRow, by region, meter, date and tier; products that are none of our meters are left out
    Raises: InputError, a file that is no price list, holds none of our meters, prices one in another currency or twice
    and differently, leaves a gap or overlap between tiers, or names two regions for one price
    Source: aws_price_list.
    """
    found: dict[tuple, tuple[PriceRow, ...]] = {}
    try:
        if isinstance(source, (str, Path)) and str(source).lower().endswith(".csv"):
            terms, place = _csv_file_terms(Path(source)), paths.shown(Path(source))
        else:
            document, place = _document(source)
            if list_pages.is_page(document):
                return list_pages.rows(document, place)
            terms = _document_terms(document)
        for term in terms:
            region = region_of(term.attributes)
            for meter in meters():
                if not (region and is_meter(meter, term, region)):
                    continue
                rows = _meter_rows(meter, region, term, place)
                key = region, meter.name, rows[0].effective_from
                same = [(row.tier_from, row.price_usd) for row in rows]
                if [(row.tier_from, row.price_usd) for row in found.setdefault(key, rows)] != same:
                    checks.fail(f"{meter.name} in {region} must have one price on {key[2]}; got two", place)
    except OSError as error:
        checks.fail(f"a price list must be a file that can be read; {error.strerror}", source)
    except NOT_A_LIST as error:
        why = f"{type(error).__name__}: {error}"
        checks.fail(f"a price list must be in AWS's format, with products and terms; {why}", _named(source))
    if not found:
        checks.fail("a price list must hold a price of one of our meters; got none", _named(source))
    return [row for key in sorted(found) for row in found[key]]
