"""Price books: what each meter costs in one region on one date, from dated rows that are never edited."""

from __future__ import annotations

import datetime
import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model import checks
from model.prices.rows import PriceRow, Shelf, allowances, as_date, checked_tiers, held, services, shelf

__all__ = ["PriceBook", "allowances", "book", "regions", "services"]


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

    def __post_init__(self) -> None:
        for row in self.rows:
            if row.region != self.region:
                checks.fail(f"a book of {self.region} must hold rows of {self.region}; got {row.region!r}")
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
            others = ", ".join(dict(self.elsewhere)[meter])
            checks.fail(f"no price for {meter} in {self.region} on {self.on}; regions with one: {others}")
        return self._tiers[meter]

    def note(self, meter: str) -> str:
        """What to know of a meter's price: backdated, first tier only, medium confidence; mostly nothing."""
        row = self.tiers(meter)[0]
        said = [f"backdated: the list was read {row.effective_from}"] if meter in self.backdated else []
        said += ["first tier only"] if row.first_tier_only else []
        said += [f"{row.confidence} confidence"] if row.confidence != "high" else []
        return "; ".join(said)


def regions(folder: str | Path | None = None) -> tuple[str, ...]:
    """The regions that have a price file, the one with most meters first."""
    found = shelf(folder)
    return tuple(sorted(found, key=lambda region: (-len(found[region]), region)))


def _elsewhere(books: Shelf, region: str, order: Iterable[str]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The meters that a region lacks, each with the regions that have it."""
    having: dict[str, list[str]] = {}
    for other in order:
        for meter in books[other]:
            if meter not in books[region]:
                having.setdefault(meter, []).append(other)
    return tuple((meter, tuple(others)) for meter, others in having.items())


def book(
    region: str, on: str | datetime.date | None = None, backdate: bool = True, folder: str | Path | None = None
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
    checks.known("region", region, regions(folder))
    newest = max(day for meters in books.values() for dated in meters.values() for day in dated)
    day = newest if on is None else as_date(on)
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
    return PriceBook(region, day, tuple(rows), frozenset(late), _elsewhere(books, region, regions(folder)))
