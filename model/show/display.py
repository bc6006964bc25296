"""Numbers and tables as people see them: every number by one formatter, a table as text, HTML, Markdown or JSON.

A notebook's result keeps JSON beside what it shows. The JSON has a type of its own, because JupyterLab would
show plain `application/json` as a tree and hide the table. Nothing here depends on the time, on addresses in
memory or on random ids, so two runs give the same bytes.
"""

from __future__ import annotations

import html
import math
import numbers
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from model import checks
from model.checks import inert
from model.show import terminal
from model.show.digits import number, rounded
from model.show.forms import (
    as_csv,
    as_html,
    as_markdown,
    as_note,
    folded,
    headed,
    markdown,
    quiet,
    told_first,
    without_infinities,
)

SHOWN_DIGITS = 4  # what a person is shown; the JSON beside it keeps what a check compares
RESULT_MIME = "application/vnd.push-or-poll.result+json"
ALL_DIGITS = "WORKBOOK_ALL_DIGITS"  # set by a batch: results keep every digit beside the rounded ones
PERCENT = {"change": "+z.0%", "p_better": ".0%", "p_best": ".0%"}


@dataclass(frozen=True)
class Result:
    """A table as a notebook stores it: rows with rounded numbers, shown as HTML and text, kept as JSON."""

    name: str
    columns: tuple[str, ...]
    index: tuple[str, ...]
    records: tuple[dict, ...]
    digits: int = 5
    tolerance: dict = field(default_factory=dict)
    notes: tuple[str, ...] = ()  # said below the table
    steps: Mapping = field(default_factory=dict)  # figures on a step between draws, in words, by row and column
    units: str | Mapping | None = None  # shown behind the names of columns
    fold: float = 0.0  # of every column, below which rows are shown as one
    exact: tuple[dict, ...] = ()  # the records with all digits

    def payload(self) -> dict:
        """What is kept as JSON: name, columns, index columns, records and tolerances."""
        kept = {
            "name": self.name,
            "columns": list(self.columns),
            "index": list(self.index),
            "records": [dict(r) for r in self.records],
            "tolerance": dict(self.tolerance),
        }
        return kept | ({"exact": list(self.exact), "units": self.units} if self.exact else {})

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """The header and the rows as texts; a single row without an index stands upright, a name a line."""
        digits, columns = min(self.digits, SHOWN_DIGITS), _without_ends(self.columns)
        records = folded(self.records, self.index, self.fold) if self.fold and self.index else self.records
        rows = [[figure(r, c, _share(r, c) or number(r[c], digits), self.steps) for c in columns] for r in records]
        counts = [any(isinstance(r[c], numbers.Real) and not isinstance(r[c], bool) for r in records) for c in columns]
        own = {} if self.units is None or isinstance(self.units, str) else self.units
        each = "unit" in columns  # a row has a unit of its own, and a column only where it is told one
        header = [
            headed(c, n, self.units if c in own or not each else None) for c, n in zip(columns, counts, strict=True)
        ]
        if len(rows) == 1 and not self.index and len(columns) > 1:
            return ["", "value"], [list(pair) for pair in zip(header, rows[0], strict=True)]
        return header, rows

    def to_html(self) -> str:
        """The table as HTML, every text escaped and to the left, columns of numbers to the right."""
        header, rows = self.cells()
        sides = ["right" if all(_numeric(row[k]) for row in rows) else "left" for k in range(len(header))]
        inside = as_html(header, rows, [f' style="text-align:{side}"' for side in sides])
        said = "".join(f"\n{as_note(note)}" for note in self.notes)
        return f"<table{quiet(inside)}>\n{inside}\n</table>{said}"

    def to_text(self) -> str:
        """The table as aligned text: columns with a number to the right, names and ranges to the left."""
        header, rows = self.cells()
        padded = []
        for k, column in enumerate(zip(header, *rows, strict=True)):
            spans = any(row[k].endswith(")") for row in rows)  # begin below each other
            width, right = max(map(len, column)), not spans and any(_numeric(row[k]) for row in rows)
            padded.append([cell.rjust(width) if right else cell.ljust(width) for cell in column])
        return "\n".join([*("  ".join(line).rstrip() for line in zip(*padded, strict=True)), *self.notes])

    def to_markdown(self) -> str:
        """The table in Markdown."""
        return as_markdown(*self.cells())

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {RESULT_MIME: self.payload(), "text/html": self.to_html(), "text/plain": self.to_text()}


def result(
    table: object,
    name: str = "result",
    digits: int = 5,
    tolerance: Mapping | None = None,
    units: str | Mapping | None = None,
    fold: float = 0.0,
) -> Result:
    """A table ready to be the last expression of a notebook's result cell.

    Parameters
    ----------
    table : DataFrame, Series, mapping or list of mappings, rows and columns; a mapping of plain values is one row; an
        index with a name is a column
    name : str, what the table is called where a difference is reported
    digits : int, significant digits that the inputs deserve; 5 unless told
    tolerance : mapping, optional, column name to the relative difference that a check lets pass; anything visible
        else fails
    units : str or mapping, optional, the unit of every column of numbers, or of each by its name ("" for the others);
        only shown, the JSON keeps the names
    fold : float, rows below this share of every column are shown as one; the JSON keeps them

    Returns: Result, shows as a table and carries the rounded rows as JSON
    Raises: InputError where the table has no columns or two columns of one name

    Examples
    --------
    >>> result({"cost_usd": 1234.5678, "users": 10_000})
                 value
    cost_usd    1,235
    users       10,000
    """
    frame, index = _frame(table)
    columns = [" ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in frame.columns]
    twice = sorted({c for c in columns if columns.count(c) > 1})
    if twice or not columns:
        checks.fail(f"a result needs columns, each with its own name; got {twice or 'none'}", name)
    for column in tolerance or ():
        checks.known("column of tolerance", column, columns, name)
    rows = list(zip(*(frame.iloc[:, i].tolist() for i in range(len(columns))), strict=True))

    def records(digits: int) -> tuple[dict, ...]:
        return tuple({c: rounded(v, digits) for c, v in zip(columns, row, strict=True)} for row in rows)

    exact = records(17) if os.environ.get(ALL_DIGITS) else ()
    notes = tuple(notes_of(table))
    steps = getattr(table, "attrs", {}).get("steps", {})
    more = (dict(tolerance or {}), notes, steps, units, fold, exact)
    return Result(name, tuple(columns), tuple(index), records(digits), digits, *more)


def _frame(table: object):
    """The table as a DataFrame whose index, where it says something, has become columns."""
    import pandas as pd

    if isinstance(table, pd.Series):
        table = table.to_frame(table.name or "value")
    if isinstance(table, Mapping) and not any(np.ndim(v) for v in table.values()):
        table = [dict(table)]
    frame = told_first(table if isinstance(table, pd.DataFrame) else pd.DataFrame(table))
    plain = isinstance(frame.index, pd.RangeIndex) and frame.index.name is None
    if plain:
        return frame, []
    names = [
        str(n) if n is not None else ("row" if i == 0 else f"row {i + 1}") for i, n in enumerate(frame.index.names)
    ]
    return frame.rename_axis(index=names).reset_index(allow_duplicates=True), names


def _numeric(text: str) -> bool:
    try:
        float(text.replace(",", ""))
    except ValueError:
        return text == "n/a"
    return True


def as_text(table, form: str, title: str = "") -> str:
    """A before-and-after table or the audit's, written as csv, json, md or html."""
    if form == "csv":
        return as_csv(table)
    if form == "json":
        return without_infinities(table).to_json(orient="records", indent=1, double_precision=12) + "\n"
    header, rows = _shown(table)
    notes = notes_of(table)
    if form == "md":
        return "\n".join([as_markdown(header, rows), *(f"\n{markdown(note)}" for note in notes)]) + "\n"
    caption = f"<caption>{html.escape(inert(title))}</caption>" if title else ""
    inside = caption + as_html(header, rows, [""] * len(header))
    return f"<table{quiet(inside)}>{inside}</table>\n" + "".join(f"{as_note(note)}\n" for note in notes)


def notes_of(table) -> list[str]:
    """What must be said below a table: prices of the user's own, and why a row has no figure."""
    attrs = getattr(table, "attrs", {})
    lacking = [f"{row} of {design} is n/a: {reason}." for (design, row), reason in attrs.get("notes", {}).items()]
    return [*attrs.get("remarks", ()), *lacking]


def show(table, form: str, title: str = "") -> None:
    """Write a table to standard output in one of the forms of `as_text`, or as `text`, as wide as the terminal."""
    if form != "text":
        sys.stdout.write(as_text(table, form, title))
        return
    terminal.show(*_shown(table), title, notes_of(table))


def _shown(table) -> tuple[list[str], list[list[str]]]:
    """The header and the rows as texts, without columns that are empty."""
    flat = told_first(table).reset_index()
    columns = [c for c in _without_ends(flat.columns) if not flat[c].eq("").all()]
    steps = getattr(table, "attrs", {}).get("steps", {})
    rows = flat.to_dict("records")
    return columns, [[figure(row, c, _share(row, c) or _cell(c, row[c]), steps) for c in columns] for row in rows]


def _share(row: Mapping, column: str) -> str:
    """A change, or a share of draws, of a measure as people say it; the change of a share told in points of percent."""
    if column not in PERCENT or not isinstance(row.get("measure"), str) or not isinstance(row[column], numbers.Real):
        return ""
    told = column == "change" and row["measure"].startswith(("told in time", "told when away", "not told"))
    points = row["after"] - row["before"] if told and {"before", "after"} <= row.keys() else math.nan
    return _cell(column, row[column]) if math.isnan(points) else f"{points:+.2g} pts"


def _without_ends(columns) -> list[str]:
    """The columns without those that give the low and the high of another; these stand behind its figures."""
    every = {*columns}
    spans = {c: {f"{c}_low", f"{c}_high"} for c in every}
    ends = {end for c, pair in spans.items() if pair <= every for end in pair}
    return [c for c in columns if c not in ends]


def figure(row: Mapping, column: str, text: str, steps: Mapping) -> str:
    """A figure's text with what nine in ten draws lie between, or the draws on each side of the step it stands on."""
    on_step = steps.get((row.get("measure"), column))
    if on_step or not {f"{column}_low", f"{column}_high"} <= row.keys() or text == "n/a":
        return on_step or _time(row, column, text)
    ends = [row[f"{column}_{end}"] for end in ("low", "high")]
    return ranged(*(_time(row, column, _in_range(value, *ends)) for value in (row[column], *ends)))


def ranged(middle: str, low: str, high: str) -> str:
    """A figure's text with its range, where what is shown of the ends differs."""
    return f"{middle} ({low} to {high})" if low != high else middle


def _in_range(value: object, low: float, high: float) -> str:
    """A figure with the digits that its range deserves: two, those before the point, or to the first that differs."""
    if not all(isinstance(x, numbers.Real) and math.isfinite(x) for x in (value, low, high)):
        return number(value, 3)
    width, size = high - low, max(abs(low), abs(high))  # type: ignore[operator]
    if width > 0.1 * size:
        return number(value, 3 if abs(value) >= 100 else 2)  # type: ignore[arg-type]
    return number(value, 3 if width == 0 else min(5, max(2, 1 + math.floor(math.log10(size / width)))))


def _time(row: Mapping, column: str, text: str) -> str:
    """A figure's text; a notification that takes for ever is not told in this session."""
    of_time = str(row.get("measure", "")).startswith("notification latency") or column.endswith(", s")
    return "not in this session" if text == "inf" and of_time else text


def spanned(value: object) -> str:
    """An input as a person reads it: a range by its mode and its ends, a list with commas."""
    if hasattr(value, "mode"):
        return f"{number(value.mode)} ({number(value.low)} to {number(value.high)})"  # type: ignore[attr-defined]
    return ", ".join(map(str, value)) if isinstance(value, list) else number(value)


def _cell(column: str, value: object) -> str:
    if column in PERCENT:
        if math.isnan(float(value)):  # type: ignore[arg-type]
            return "n/a"
        return f"{value:{PERCENT[column]}}"
    return number(value, 6 if column == "users" else 3) if isinstance(value, float) else str(value)
