"""What changed between prices, and adding the prices of an AWS Price List to the books."""

from __future__ import annotations

import csv
import io
import os
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model import checks, paths
from model.prices.list_offers import load_price_list
from model.prices.rows import COLUMNS, PriceRow, Shelf, checked_tiers, file_rows, held, shelf

if TYPE_CHECKING:
    import pandas as pd

    from model.prices import PriceBook


def _newest_tiers(rows: Iterable[PriceRow]) -> dict[tuple[str, str], dict]:
    newest: dict[tuple[str, str], dict] = {}
    for row in sorted(rows, key=lambda row: row.effective_from):
        key = row.region, row.meter
        if key in newest and next(iter(newest[key].values())).effective_from < row.effective_from:
            del newest[key]
        newest.setdefault(key, {})[row.tier_from] = row
    return newest


def _what(old: PriceRow | None, new: PriceRow | None) -> str:
    if not (old and new):
        return "gone" if old else "new"
    return "dearer" if new.price_usd > old.price_usd else "cheaper"


def difference(old: PriceBook | Iterable[PriceRow], new: PriceBook | Iterable[PriceRow]) -> pd.DataFrame:
    """What changed from old prices to new ones, over the meters that the new ones hold.

    Parameters
    ----------
    old, new : PriceBook or rows, the prices before and after; the newest date of each meter counts

    Returns: pandas.DataFrame, a row a tier that differs: region, meter, tier_from, old_from, old_usd, new_from,
    new_usd, change (share of the old price), what (new, gone, dearer, cheaper)

    Examples
    --------
    >>> from model.prices import book
    >>> changed = difference(book("us-east-1", on="2024-10-31"), book("us-east-1", on="2024-11-01"))
    >>> changed[["meter", "change"]].values.tolist()
    [['dynamodb_read_unit', -0.5], ['dynamodb_write_unit', -0.5]]
    """
    import pandas as pd

    before, after = (_newest_tiers(side.rows if hasattr(side, "rows") else side) for side in (old, new))
    lines = []
    for key in after:
        was, now = before.get(key, {}), after[key]
        for tier in sorted(was.keys() | now.keys()):
            a, b = was.get(tier), now.get(tier)
            if a and b and a.price_usd == b.price_usd:
                continue
            change = float(b.price_usd / a.price_usd - 1) if a and b and a.price_usd else float("nan")
            lines.append(
                (
                    *key,
                    float(tier),
                    a and a.effective_from,
                    a and float(a.price_usd),
                    b and b.effective_from,
                    b and float(b.price_usd),
                    change,
                    _what(a, b),
                )
            )
    columns = ["region", "meter", "tier_from", "old_from", "old_usd", "new_from", "new_usd", "change", "what"]
    return pd.DataFrame(lines, columns=columns)


def _same(old: tuple[PriceRow, ...] | None, new: tuple[PriceRow, ...]) -> bool:
    return old is not None and (
        [(row.tier_from, row.price_usd) for row in old] == [(row.tier_from, row.price_usd) for row in new]
    )


def _additions(rows: Iterable[PriceRow], books: Shelf) -> dict[str, list[PriceRow]]:
    """The rows by region that say something no row yet says; a row of the same date is never changed."""
    grouped: dict[tuple, list[PriceRow]] = {}
    for row in rows:
        grouped.setdefault((row.region, row.meter, row.effective_from), []).append(row)
    found: dict[str, list[PriceRow]] = {}
    for (region, meter, day), group in grouped.items():
        tiers = checked_tiers(group)
        dated = books.get(region, {}).get(meter, {})
        if _same(held(dated, day), tiers):
            continue
        if day in dated:
            checks.fail(f"a price row is never edited; {meter} in {region} has another price of {day}")
        found.setdefault(region, []).extend(tiers)
    return found


def _appended(path: Path, rows: Iterable[PriceRow]) -> bytes:
    kept = path.read_bytes() if path.exists() else (",".join(COLUMNS) + "\n").encode()
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(
        [
            row.meter,
            row.region,
            row.effective_from,
            f"{row.tier_from:f}",
            f"{row.price_usd:f}",
            row.unit,
            row.source,
            row.where,
            row.confidence,
        ]
        for row in rows
    )
    return kept + (b"" if kept.endswith(b"\n") else b"\n") + text.getvalue().encode()


def _write(home: Path, added: Mapping[str, list[PriceRow]]) -> None:
    """Every file is written and read back under another name before the first one is put in its place."""
    with tempfile.TemporaryDirectory(dir=home, prefix=".refresh-") as scratch:
        ready = []
        for region, rows in added.items():
            draft = Path(scratch, f"{region}.csv")
            with open(draft, "wb") as out:
                out.write(_appended(home / draft.name, rows))
                out.flush()
                os.fsync(out.fileno())
            file_rows(draft)
            ready.append(draft)
        for draft in ready:
            os.replace(draft, home / draft.name)


def refresh(source: Any, folder: str | Path | None = None, write: bool = True) -> pd.DataFrame:
    """Add the prices of a file of AWS's prices to the books of a folder and show what changed.

    Rows are only ever added, with the list's own date; a price that equals the one in force adds none. New files
    stand complete under another name before they take their place, so a failure leaves nothing.

    Parameters
    ----------
    source : path, dict, list of JSON strings, or rows, what `load_price_list` reads, or the rows it returned
    folder : path, optional, where the price files are; the project's own where none is given
    write : bool, whether to write; False only shows the difference

    Returns: pandas.DataFrame, the `difference` between the newest prices there were and the added ones
    Raises: InputError, a list that cannot be used, or one with another price for a date that already has one
    Source: aws_price_list.
    """
    home = paths.data("prices") if folder is None else Path(folder)
    made = isinstance(source, (list, tuple)) and all(isinstance(row, PriceRow) for row in source)
    rows = source if made else load_price_list(source)
    if not home.is_dir():
        checks.fail("the folder of price files must exist", paths.shown(home))
    books = shelf(home) if any(home.glob("*.csv")) else {}
    added = _additions(rows, books)
    before = [
        row for region in added for dated in books.get(region, {}).values() for tiers in dated.values() for row in tiers
    ]
    table = difference(before, [row for rows in added.values() for row in rows])
    if write and added:
        _write(home, added)
    return table
