"""Price books: what each meter costs in one region on one date, from dated rows that are never edited."""

from __future__ import annotations

import datetime
import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from model import checks, ledger, paths
from model.prices.rows import OWN, PriceRow, Shelf, as_date, checked_tiers, held, services, shelf

HOME = "us-east-1"  # first of the regions with as many meters


@dataclass(frozen=True)
class PriceBook:
    """The prices of one region on one date, exact decimals in US dollars.

    `rows` holds every tier, `backdated` the meters whose earliest row is later than the date, and
    `elsewhere` the meters that this region lacks, each with the regions that have it.
    """

    region: str
    on: datetime.date
    rows: tuple[PriceRow, ...]
    backdated: frozenset[str] = frozenset()
    elsewhere: tuple[tuple[str, tuple[str, ...]], ...] = ()
    discounts: tuple[tuple[str, Decimal], ...] = ()  # what the user pays of a service's list prices

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.region != self.region:
                checks.fail(f"a book of {self.region} must hold rows of {self.region}; got {checks.shown(row.region)}")
        self._tiers  # noqa: B018  every meter's tiers are checked before anyone holds the book

    @functools.cached_property
    def _tiers(self) -> dict[str, tuple[PriceRow, ...]]:
        by_meter: dict[str, list[PriceRow]] = {}
        for row in self.rows:
            by_meter.setdefault(row.meter, []).append(row)
        return {meter: checked_tiers(rows) for meter, rows in by_meter.items()}

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters that have a price in this region."""
        return tuple(self._tiers)

    @property
    def missing(self) -> tuple[str, ...]:
        """The meters that another region has and this one lacks."""
        return tuple(meter for meter, _ in self.elsewhere)

    def lacks(self, meter: str) -> bool:
        """Whether the meter is known and has no price here; an unknown name is refused."""
        checks.known("meter", meter, self.meters + self.missing, f"the book of {self.region}")
        return meter not in self._tiers

    def tiers(self, meter: str) -> tuple[PriceRow, ...]:
        """The tiers of one meter from usage 0 up; refused by name where the region has no price for it."""
        if self.lacks(meter):
            others = dict(self.elsewhere)[meter]
            more = f" and {len(others) - 3} more" if len(others) > 3 else ""
            known = ", ".join(others[:3]) + more
            checks.fail(f"no price for {meter} in {self.region} on {self.on}; regions with one: {known}")
        return self._tiers[meter]

    def note(self, meter: str) -> str:
        """What to know of a meter's price: backdated, first tier only, medium confidence; mostly nothing."""
        row = self.tiers(meter)[0]
        said = [f"backdated: the list was read {row.effective_from}"] if meter in self.backdated else []
        said += ["your own price"] if row.source == OWN else []
        said += ["first tier only"] if row.first_tier_only else []
        said += [f"billed by {t.step:,f}" for t in self.tiers(meter)[-1:] if t.step]
        said += [f"{row.confidence} confidence"] if row.confidence != "high" else []
        return "; ".join(said)

    @property
    def remarks(self) -> list[str]:
        """What a table must say of prices that are not the list's."""
        own = [row.meter for row in self.rows if row.source == OWN and not row.tier_from]
        said = [f"Your own price of {', '.join(own)}."] if own else []
        if self.backdated:
            first = min(str(self.tiers(meter)[0].effective_from) for meter in self.backdated)
            count = len(self.backdated)
            said += [f"No list of {self.on} is on record for {count} prices; those read from {first} on stand in."]
        return said + [f"{name} at {float(factor):.0%} of the list price." for name, factor in self.discounts]


def regions(folder: str | Path | None = None) -> tuple[str, ...]:
    """The regions that have a price file, the one with most meters first."""
    found = shelf(folder)
    return tuple(sorted(found, key=lambda region: (-len(found[region]), region != HOME, region)))


def _elsewhere(books: Shelf, region: str, order: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The meters that a region lacks, each with the regions that have it."""
    having: dict[str, list[str]] = {}
    for other in order:
        for meter in books[other]:
            if meter not in books[region]:
                having.setdefault(meter, []).append(other)
    return tuple((meter, tuple(others)) for meter, others in having.items())


Extra = Mapping[str, float] | str | Path  # a user's own prices: by meter, or a folder of price files


def book(
    region: str,
    on: str | datetime.date | None = None,
    backdate: bool = True,
    folder: str | Path | None = None,
    extra: Extra | None = None,
    discounts: Mapping[str, float] | None = None,
) -> PriceBook:
    """The price book of a region on a date.

    For each meter the newest row not after the date holds. A row's date is when AWS's list was read, not
    when the price began, so a date before the first row takes that row and marks the meter `backdated`.

    Parameters
    ----------
    region : str, A region with a price file, like us-east-1
    on : str or date, the day, like 2026-09-30; none takes the newest row of every meter
    backdate : bool, whether an earlier date may take the earliest row; refused where False
    folder : path, where the price files are; the project's own where none is given
    extra : mapping of meter to USD, or path of a folder of price files, a user's own prices, which take the place of
        the list's
    discounts : mapping of service to factor, what the user pays of the list price, from 0 to 1

    Returns: PriceBook, `meters`, `tiers(meter)`, `backdated`, `missing`, `note(meter)`. `on` is the newest date of
    any region where none was given
    Raises: InputError, for an unknown region, a date that is none, a date before a meter's first row with
    `backdate=False`, or a price file whose tiers leave a gap, overlap, or are not in USD

    Notes
    -----
    A region that lacks a meter says so in `missing`; its price is never taken from another region.
    Source: aws_price_list.

    Examples
    --------
    The price of a DynamoDB write unit was halved on 2024-11-01:

    >>> [float(book("us-east-1", on=day).tiers("dynamodb_write_unit")[0].price_usd) * 1e6
    ...  for day in ("2024-10-31", "2024-11-01")]
    [1.25, 0.625]
    """
    books = shelf(folder)
    if extra is not None and not isinstance(extra, Mapping):
        own = shelf(extra)
        books = {**books, **{name: {**books.get(name, {}), **meters} for name, meters in own.items()}}
    order = tuple(sorted(books, key=lambda name: (-len(books[name]), name != HOME, name)))
    checks.known("region", region, order)
    days = (day for meters in books.values() for dated in meters.values() for day in dated)
    day = max(days) if on is None else as_date(on)
    rows: list[PriceRow] = []
    late: list[str] = []
    for meter, dated in books[region].items():
        tiers = held(dated, day)
        if tiers is None:
            late.append(meter)
            tiers = dated[min(dated)]
        rows += tiers
    if late and not backdate:
        first = min(books[region][late[0]])
        more = f" and {len(late) - 1} more meters" if len(late) > 1 else ""
        checks.fail(f"no price for {late[0]}{more} in {region} on {day}: its earliest row is of {first}")
    found = PriceBook(region, day, tuple(rows), frozenset(late), _elsewhere(books, region, order))
    if isinstance(extra, Mapping) and extra:
        found = _with_own(found, extra, books)
    return _discounted(found, discounts) if discounts else found


def _with_own(found: PriceBook, extra: Mapping[str, float], books: Shelf) -> PriceBook:
    """The book with a user's prices by meter, each for any amount, in the place of the list's."""
    units = {meter: next(iter(dated.values()))[0].unit for meters in books.values() for meter, dated in meters.items()}
    rows = []
    for meter, usd in extra.items():
        if not re.fullmatch("ec2_[a-z0-9]+_[a-z0-9]+_hour", meter):
            checks.known("meter", meter, units, "prices")
        price = Decimal(str(float(checks.non_negative(f"prices.{meter}", usd, "USD"))))
        unit = units.get(meter, "instance-hour")
        rows.append(PriceRow(meter, found.region, found.on, Decimal(0), price, unit, OWN, OWN))
    kept = tuple(row for row in found.rows if row.meter not in extra)
    elsewhere = tuple((meter, others) for meter, others in found.elsewhere if meter not in extra)
    return replace(found, rows=(*kept, *rows), elsewhere=elsewhere, backdated=found.backdated - extra.keys())


def _discounted(found: PriceBook, discounts: Mapping[str, float]) -> PriceBook:
    """The book with each service's prices times what the user pays of them."""
    known = sorted({*services().values()})
    factors = {
        checks.known("service", name, known, "discounts"): Decimal(str(float(checks.share(f"discounts.{name}", share))))
        for name, share in discounts.items()
    }
    rows = []
    for row in found.rows:
        factor = factors.get(service_of(row.meter))
        said = f"{row.where}; {factor} of the list price"
        rows.append(row if factor is None else replace(row, price_usd=row.price_usd * factor, where=said))
    return replace(found, rows=tuple(rows), discounts=tuple(factors.items()))


def service_of(meter: str) -> str:
    """The AWS service that bills a meter; an instance type that no list here has is EC2 all the same."""
    return services().get(meter, "EC2" if meter.startswith("ec2_") else "")


EARTH_KM = 6371.0


@functools.cache
def places() -> dict[str, tuple[float, float]]:
    """Latitude and longitude of each region's city, in radians."""
    rows = ledger.read_csv(paths.data("places.csv"))
    return {
        row["region"]: (math.radians(float(row["latitude"])), math.radians(float(row["longitude"]))) for row in rows
    }


def distance_km(one: str, other: str) -> float:
    """The distance of two regions over the globe, by the haversine formula. Source: geonames."""
    for name in (one, other):
        checks.known("place", name, places())
    (lat, lon), (lat_2, lon_2) = places()[one], places()[other]
    half = math.sin((lat_2 - lat) / 2.0) ** 2 + math.cos(lat) * math.cos(lat_2) * math.sin((lon_2 - lon) / 2.0) ** 2
    return 2.0 * EARTH_KM * math.asin(math.sqrt(half))
