"""How a notebook shows a result: numbers rounded by one formatter, the same table as JSON, HTML and text.

The JSON goes under a type of its own, because JupyterLab would show plain `application/json` as a tree
and hide the table. Nothing here depends on the time, on addresses in memory or on random ids, so two
runs give the same bytes.
"""

from __future__ import annotations

import html
import math
import numbers
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from model import checks

__all__ = ["RESULT_MIME", "Result", "number", "result", "rounded"]

SHOWN_DIGITS = 4  # what a person is shown; the JSON beside it keeps what a check compares
RESULT_MIME = "application/vnd.push-or-poll.result+json"


def rounded(value: object, digits: int = 5) -> object:
    """The value as JSON can hold it, a real number rounded to its significant digits."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, (bool, str, numbers.Integral)):
        return value
    if isinstance(value, numbers.Real):
        if math.isnan(value):
            return None
        return float(f"{value:.{digits - 1}e}") + 0.0 if math.isfinite(value) else str(float(value))
    return None if type(value).__name__ in ("NAType", "NaTType") else str(value)


def number(value: object, digits: int = 5) -> str:
    """The number as a person reads it: rounded to its significant digits, thousands apart."""
    value = rounded(value, digits)
    if value is None:
        return "n/a"
    if isinstance(value, (bool, str)):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    if value and not 1e-4 <= abs(value) < 1e15:
        return f"{value:.{digits}g}"
    places = 0 if value == 0 else max(0, digits - 1 - math.floor(math.log10(abs(value))))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True)
class Result:
    """A table as a notebook stores it: rows with rounded numbers, shown as HTML and text, kept as JSON."""

    name: str
    columns: tuple[str, ...]
    index: tuple[str, ...]
    records: tuple[dict, ...]
    digits: int = 5
    tolerance: dict = field(default_factory=dict)

    def payload(self) -> dict:
        """What is kept as JSON: name, columns, index columns, records and tolerances."""
        return {
            "name": self.name,
            "columns": list(self.columns),
            "index": list(self.index),
            "records": [dict(r) for r in self.records],
            "tolerance": dict(self.tolerance),
        }

    def cells(self) -> tuple[list[str], list[list[str]]]:
        """The header and the rows as texts; a single row without an index stands upright, a name a line."""
        digits = min(self.digits, SHOWN_DIGITS)
        rows = [[number(r[c], digits) for c in self.columns] for r in self.records]
        if len(rows) == 1 and not self.index and len(self.columns) > 1:
            return ["", "value"], [list(pair) for pair in zip(self.columns, rows[0], strict=True)]
        return list(self.columns), rows

    def to_html(self) -> str:
        """The table as HTML, every text escaped and to the left, numbers to the right."""
        header, rows = self.cells()
        sides = ["right" if all(_numeric(r[k]) for r in rows) else "left" for k in range(len(header))]
        head = "".join(f'<th style="text-align:{s}">{html.escape(c)}</th>' for c, s in zip(header, sides, strict=True))
        body = "".join(
            "<tr>"
            + "".join(f'<td style="text-align:{s}">{html.escape(c)}</td>' for c, s in zip(row, sides, strict=True))
            + "</tr>\n"
            for row in rows
        )
        return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody>\n</table>"

    def to_text(self) -> str:
        """The table as aligned text: numbers to the right, names to the left."""
        header, rows = self.cells()
        lines = [header, *rows]
        widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
        left = [all(not _numeric(row[i]) for row in rows) for i in range(len(header))]
        return "\n".join(
            "  ".join(
                c.ljust(w) if is_left else c.rjust(w) for c, w, is_left in zip(line, widths, left, strict=True)
            ).rstrip()
            for line in lines
        )

    def to_markdown(self) -> str:
        """The table in Markdown, bars and line ends in a text made harmless."""
        header, rows = self.cells()
        lines = [header, ["---"] * len(header), *rows]
        return "\n".join("| " + " | ".join(_markdown(c) for c in line) + " |" for line in lines)

    def __repr__(self) -> str:
        return self.to_text()

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        return {RESULT_MIME: self.payload(), "text/html": self.to_html(), "text/plain": self.to_text()}


def result(table: object, name: str = "result", digits: int = 5, tolerance: Mapping | None = None) -> Result:
    """A table ready to be the last expression of a notebook's result cell.

    Parameters
    ----------
    table : DataFrame, Series, mapping or list of mappings, rows and columns; a mapping of plain values is one row; an
        index with a name is a column
    name : str, what the table is called where a difference is reported
    digits : int, significant digits that the inputs deserve; 5 unless told
    tolerance : mapping, optional, column name to the relative difference that a check lets pass; anything visible
        else fails

    Returns
    -------
    Result, shows as a table and carries the rounded rows as JSON

    Raises
    ------
    InputError where the table has no columns or two columns of one name

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
    rows = zip(*(frame.iloc[:, i].tolist() for i in range(len(columns))), strict=True)
    records = tuple({c: rounded(v, digits) for c, v in zip(columns, row, strict=True)} for row in rows)
    return Result(name, tuple(columns), tuple(index), records, digits, dict(tolerance or {}))


def _frame(table: object):
    """The table as a DataFrame whose index, where it says something, has become columns."""
    import pandas as pd

    if isinstance(table, pd.Series):
        table = table.to_frame(table.name or "value")
    if isinstance(table, Mapping) and not any(np.ndim(v) for v in table.values()):
        table = [dict(table)]
    frame = table if isinstance(table, pd.DataFrame) else pd.DataFrame(table)
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


def _markdown(text: str) -> str:
    return html.escape(text, quote=False).replace("|", "\\|").replace("\n", " ")
