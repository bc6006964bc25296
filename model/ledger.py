"""The ledger: every number of the model that is no price and no choice, each with source and range.

A row is `name,value,low,high,unit,kind,source,where,checked_on,note`; the name ends in its unit.
What cannot be traced is refused: no unit, no known source, a value outside its range, an assumption
without a range or a note.
"""

from __future__ import annotations

import csv
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from model import checks, paths

COLUMNS = ("name", "value", "low", "high", "unit", "kind", "source", "where", "checked_on", "note")
KINDS = ("spec", "price", "published", "measured", "assumed")
SUFFIXES = {  # how a name ends -> the unit it must carry; longest suffix wins
    "_per_s": "1/s",
    "_per_month": "1/month",
    "_per_hour": "1/h",
    "_per_day": "1/day",
    "_bytes": "B",
    "_mb": "MB",
    "_ms": "ms",
    "_s": "s",
    "_w": "W",
    "_j": "J",
    "_wh": "Wh",
    "_usd": "USD",
    "_share": "1",
    "_ratio": "1",
    "_ln": "1",
    "_count": "1",
    "_units": "1",
    "_bytes_per_s": "B/s",
    "_connections": "1",
    "_gb": "GB",
    "_a": "A",
    "_v": "V",
}
FILES = ("wire", "metering", "service")
CHOSEN = "service"  # the file whose numbers a scenario may replace and draws vary; the others are constants


@dataclass(frozen=True)
class Row:
    """One number of the ledger with its range, unit, kind and source."""

    name: str
    value: float
    low: float
    high: float
    unit: str
    kind: str
    source: str
    where: str
    checked_on: str
    note: str

    @property
    def ranged(self) -> bool:
        """Whether the number has a range at all."""
        return self.low < self.high


def unit_of(name: str) -> str | None:
    """The unit that a name's ending stands for.

    `name`: such as "lambda_invoke_s". Gives a str, or None where the ending is no known unit.
    """
    endings = [s for s in SUFFIXES if name.endswith(s)]
    return SUFFIXES[max(endings, key=len)] if endings else None


def read_csv(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file with a header line; no comment lines, every row as wide as the header.

    `path`: the file. Gives a list of dict, column to text, a row each.
    """
    with open(path, encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines, strict=True)
        rows = []
        for row in reader:
            if None in row or None in row.values():
                checks.fail(
                    f"a row must have {len(reader.fieldnames or ())} fields", f"{paths.shown(path)}:{reader.line_num}"
                )
            rows.append(row)
    return rows


@functools.cache
def sources() -> Mapping[str, dict[str, str]]:
    """The sources of `data/sources.csv` by id."""
    return MappingProxyType({row["id"]: row for row in read_csv(paths.data("sources.csv"))})


def checked_row(raw: Mapping[str, str], place: str, known_sources: Mapping) -> Row:
    """One ledger row from its text fields, refused where it cannot be traced."""
    name = raw["name"]
    if not raw["unit"]:
        checks.fail(f"{name} must have a unit; got none", place)
    if unit_of(name) != raw["unit"]:
        checks.fail(f"{name} must end in its unit; got unit {raw['unit']!r}", place)
    if raw["kind"] not in KINDS:
        checks.known("kind", raw["kind"], KINDS, place)
    if raw["source"] not in known_sources:
        checks.fail(f"{name} must name a source of data/sources.csv; got {checks.shown(raw['source'])}", place)
    value = float(checks.numbers(name, raw["value"], place))
    low = float(checks.numbers(f"{name} low", raw["low"] or value, place))
    high = float(checks.numbers(f"{name} high", raw["high"] or value, place))
    if not low <= value <= high:
        checks.fail(f"{name} must lie in its range {low:g} to {high:g}; got {value:g}", place)
    if raw["kind"] == "assumed" and not (low < high and raw["note"]):
        checks.fail(f"{name} is assumed and must have a range and a note", place)
    return Row(
        name, value, low, high, raw["unit"], raw["kind"], raw["source"], raw["where"], raw["checked_on"], raw["note"]
    )


def read(path: Path, known_sources: Mapping | None = None) -> dict[str, Row]:
    """The rows of one ledger file by name."""
    known_sources = sources() if known_sources is None else known_sources
    rows: dict[str, Row] = {}
    for number, raw in enumerate(read_csv(path), start=2):
        place = f"{paths.shown(path)}:{number}"
        missing = [c for c in COLUMNS if c not in raw]
        if missing:
            checks.fail(f"a ledger file must have the column {missing[0]!r}", paths.shown(path))
        row = checked_row(raw, place, known_sources)
        if row.name in rows:
            checks.fail(f"{row.name} must stand once; it stands twice", place)
        rows[row.name] = row
    return rows


@functools.cache
def rows() -> Mapping[str, Row]:
    """Every row of the project's ledger by name, read once.

    Gives a mapping of str to Row, value, low, high, unit, kind, source, where, checked_on and note of each.
    """
    found: dict[str, Row] = {}
    for stem in FILES:
        path = paths.data(f"{stem}.csv")
        if not path.exists():
            continue
        for name, row in read(path).items():
            if name in found:
                checks.fail(f"{name} must stand once in the ledger; it stands twice", paths.shown(path))
            found[name] = row
    return MappingProxyType(found)


@functools.cache
def chosen() -> Mapping[str, Row]:
    """The rows that a scenario may replace and that draws vary.

    Gives a mapping of str to Row, by name.
    """
    return MappingProxyType(read(paths.data(f"{CHOSEN}.csv")))


def value(name: str) -> float:
    """The value of one ledger row.

    `name`: a row's name, which ends in its unit. Gives a float, in the unit that the name ends in.
    """
    checks.known("ledger row", name, rows())
    return rows()[name].value


@functools.cache
def quotas() -> Mapping[str, float]:
    """The service quotas of `data/quotas.csv` by name."""
    return MappingProxyType({r["name"]: float(r["value"]) for r in read_csv(paths.data("quotas.csv"))})
