"""Price rows: one dated price of one meter, region and tier, and the files under `data/` that hold them."""

from __future__ import annotations

import csv
import datetime
import functools
import itertools
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from types import MappingProxyType

from model import checks, ledger, paths

COLUMNS = ("meter", "region", "effective_from", "tier_from", "price_usd", "unit", "source", "where", "confidence")
CONFIDENCES = ("high", "medium", "low")
MOST = {"price_usd": 1e6, "tier_from": 1e18, "step": 1e18, "amount_per_month": 1e18}  # beyond it is a slip
OWN = "your own"  # the source of a price that the user gives
ALLOWANCE_KINDS = ("always", "first_12_months")

Shelf = Mapping[str, Mapping[str, Mapping[datetime.date, tuple["PriceRow", ...]]]]


@dataclass(frozen=True)
class PriceRow:
    """What one unit of a meter costs in a region from a date on, for usage above `tier_from`."""

    meter: str
    region: str
    effective_from: datetime.date
    tier_from: Decimal
    price_usd: Decimal
    unit: str
    source: str
    where: str
    confidence: str = "high"
    step: Decimal = Decimal(0)  # what is used of the tier is rounded up to whole steps

    @property
    def first_tier_only(self) -> bool:
        """Whether higher tiers exist that no source gives, so that large usage may be billed too dear."""
        return "first tier only" in self.where


@dataclass(frozen=True)
class Allowance:
    """Usage a month that costs nothing, shared by its meters in the order given."""

    name: str
    amount: Decimal
    kind: str
    meters: tuple[str, ...]
    note: str = ""


def as_date(value: str | datetime.date, name: str = "on") -> datetime.date:
    """A date from text or from a date."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(value)
    except (TypeError, ValueError):
        checks.fail(f"{name} must be a date like 2026-09-30; got {checks.shown(value)}")


def _decimal(name: str, text: str, place: str) -> Decimal:
    try:
        number = Decimal(text)
    except InvalidOperation:
        checks.fail(f"{name} must be a number; got {checks.shown(text)}", place)
    if not number.is_finite() or number < 0:
        checks.fail(f"{name} must be >= 0; got {str(number)[:40]}", place)
    if number > MOST[name]:
        checks.fail(f"{name} must be at most {MOST[name]:.0e}; got {checks.shown(text)}", place)
    return number


def checked_tiers(rows: Iterable[PriceRow], place: str | None = None) -> tuple[PriceRow, ...]:
    """The tiers of one meter, region and date in order, refused unless they cover all usage once."""
    tiers = tuple(sorted(rows, key=lambda row: row.tier_from))
    name = f"{tiers[0].meter} in {tiers[0].region}"
    for row in tiers:
        if row.price_usd < 0:
            checks.fail(f"the price of {name} must be >= 0 USD; got {row.price_usd}", place)
    if tiers[0].tier_from != 0:
        checks.fail(f"the tiers of {name} must start at 0; got a gap up to {tiers[0].tier_from}", place)
    for lower, upper in itertools.pairwise(tiers):
        if lower.tier_from == upper.tier_from:
            checks.fail(f"the tiers of {name} must not overlap; two start at {upper.tier_from}", place)
    return tiers


def _sources(folder: Path) -> set[str]:
    """The sources that rows may name: the project's, and those of a sources.csv beside a user's price files."""
    beside = folder / "sources.csv"
    own = {row["id"] for row in ledger.read_csv(beside)} if beside.is_file() else set()
    return {*ledger.sources(), OWN, *own}


def _price_row(raw: Mapping[str, str], region: str, place: str, known: Collection[str]) -> PriceRow:
    if raw["region"] != region:
        checks.fail(f"a row of {region}.csv must be of {region}; got {checks.shown(raw['region'])}", place)
    for column in ("meter", "unit", "where"):
        if not raw[column]:
            checks.fail(f"a price row must have a {column}; got none", place)
    if raw["source"] not in known:
        checks.fail(f"source must be an id of sources.csv; got {checks.shown(raw['source'])}", place)
    checks.known("confidence", raw["confidence"], CONFIDENCES, place)
    try:
        day = datetime.date.fromisoformat(raw["effective_from"])
    except ValueError:
        checks.fail(f"effective_from must be a date like 2026-09-30; got {checks.shown(raw['effective_from'])}", place)
    return PriceRow(
        raw["meter"],
        region,
        day,
        _decimal("tier_from", raw["tier_from"], place),
        _decimal("price_usd", raw["price_usd"], place),
        raw["unit"],
        raw["source"],
        raw["where"],
        raw["confidence"],
        _decimal("step", raw.get("step") or "0", place),
    )


def _check_header(path: Path) -> None:
    with open(path, encoding="utf-8", newline="") as lines:
        header = next(csv.reader(lines), [])
    for column in header:
        if column.startswith("price_") and column != "price_usd":
            checks.fail(f"prices must be in USD (column price_usd); got column {column}", paths.shown(path))
    missing = [column for column in COLUMNS if column not in header]
    if missing:
        checks.fail(f"a price file must have the column {missing[0]!r}", paths.shown(path))


def file_rows(path: Path, region: str | None = None) -> Mapping[str, Mapping[datetime.date, tuple[PriceRow, ...]]]:
    """The rows of one region's price file: the tiers by meter and by the date they hold from."""
    place = paths.shown(path)
    by_meter: dict[str, dict[datetime.date, list[PriceRow]]] = {}
    try:
        _check_header(path)
        known = _sources(path.parent)
        for number, raw in enumerate(ledger.read_csv(path), start=2):
            row = _price_row(raw, region or path.name.removesuffix(".csv"), f"{place}:{number}", known)
            by_meter.setdefault(row.meter, {}).setdefault(row.effective_from, []).append(row)
    except (csv.Error, UnicodeDecodeError) as error:
        checks.fail(f"a price file must be CSV text; {error}", place)
    if not by_meter:
        checks.fail("a price file must hold a row; got none", place)
    return {
        meter: {day: checked_tiers(rows, f"{place}, {day}") for day, rows in dated.items()}
        for meter, dated in by_meter.items()
    }


@functools.lru_cache(maxsize=8)
def _read_shelf(files: tuple[tuple[Path, int, int], ...]) -> Shelf:
    return {path.name.removesuffix(".csv"): file_rows(path) for path, _, _ in files}


@functools.lru_cache(maxsize=8)
def _everywhere(files: tuple[tuple[Path, int, int], ...]) -> Shelf:
    """The project's shelf with the prices that are the same in every region: `data/vendor_prices.csv`."""
    anywhere = file_rows(paths.data("vendor_prices.csv"), "any")
    return {
        region: {
            **meters,
            **{
                meter: {day: tuple(replace(row, region=region) for row in rows) for day, rows in dated.items()}
                for meter, dated in anywhere.items()
            },
        }
        for region, meters in _read_shelf(files).items()
    }


def shelf(folder: str | Path | None = None) -> Shelf:
    """Every region's price rows, read again only after a file has changed."""
    home = paths.data("prices") if folder is None else Path(folder)
    stats = [(path, path.stat()) for path in sorted(home.glob("*.csv")) if path.name != "sources.csv"]
    if not stats:
        checks.fail("a price folder must hold a file like us-east-1.csv; got none", paths.shown(home))
    read = _everywhere if folder is None else _read_shelf
    return read(tuple((path, stat.st_mtime_ns, stat.st_size) for path, stat in stats))


def held(dated: Mapping[datetime.date, tuple[PriceRow, ...]], day: datetime.date) -> tuple[PriceRow, ...] | None:
    """The tiers that hold on a day: those of the newest date that is not later; None where all are later."""
    past = [date for date in dated if date <= day]
    return dated[max(past)] if past else None


@functools.cache
def allowances() -> tuple[Allowance, ...]:
    """The usage AWS gives free each month, from `data/free_allowances.csv`."""
    found = []
    for number, raw in enumerate(ledger.read_csv(paths.data("free_allowances.csv")), start=2):
        place = f"data/free_allowances.csv:{number}"
        checks.known("kind", raw["kind"], ALLOWANCE_KINDS, place)
        amount = _decimal("amount_per_month", raw["amount_per_month"], place)
        found.append(Allowance(raw["name"], amount, raw["kind"], tuple(raw["meters"].split()), raw["note"]))
    return tuple(found)


@functools.cache
def services() -> Mapping[str, str]:
    """The AWS service that bills each meter, as a person would call it."""
    rows = ledger.read_csv(paths.data("price_list", "usage_types.csv"))
    return MappingProxyType({row["meter"]: row["service"] for row in rows})
