"""Two runs of a notebook, compared: every number of every table and chart, then all texts.

A number differs where it is farther from the stored one than its column's tolerance allows. Pictures,
ids of widgets and run times are left out; a chart is compared by the data behind it.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from model.apps.notebooks.tables import CHART_MIME, Chart, Table, charts_of, tables_of

__all__ = ["RELATIVE", "Difference", "differences"]

RELATIVE = 1e-6  # below any change of a digit that a table shows
ABSOLUTE = 1e-12  # below it a number is zero
LEFT_OUT = ("image/png", "image/jpeg", "application/pdf", "application/vnd.jupyter.widget-view+json")


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was stored."""

    notebook: str
    cell: int
    kind: str  # number, text, missing, new, failed or nbval
    table: str = ""
    row: str = ""
    column: str = ""
    stored: object = None
    now: object = None

    def __str__(self) -> str:
        where = f"{self.notebook}, In [{self.cell}]"
        where += f", {self.table}" if self.table else ""
        where += f", row {self.row!r}" if self.row else ""
        where += f", column {self.column!r}" if self.column else ""
        if self.kind in ("failed", "nbval"):
            return f"{where}: {self.now}"
        if self.kind == "missing":
            return f"{where}: stored, but not there now"
        if self.kind == "new":
            return f"{where}: there now, but not stored"
        return f"{where}: {_brief(self.stored)} stored, {_brief(self.now)} now"


def differences(stored, now, name: str, tolerance: Mapping | None = None) -> list[Difference]:
    """Everything in which two normalised runs of a notebook differ."""
    found = []
    old, new = ([c for c in nb.cells if c.cell_type == "code"] for nb in (stored, now))
    for number in range(1, max(len(old), len(new)) + 1):
        if number > len(old) or number > len(new):
            found.append(Difference(name, number, "new" if number > len(old) else "missing", "the cell"))
            continue
        if "nbval-ignore-output" not in old[number - 1].metadata.get("tags", ()):
            found += _cell(old[number - 1], new[number - 1], name, number, tolerance or {})
    return found


def _cell(old, new, name: str, number: int, tolerance: Mapping) -> list[Difference]:
    """The differences of a cell: by number where there is a table or chart, by text where there is not."""
    found = []
    for index in range(max(len(old.outputs), len(new.outputs))):
        a = old.outputs[index] if index < len(old.outputs) else None
        b = new.outputs[index] if index < len(new.outputs) else None
        if a is None or b is None:
            found.append(Difference(name, number, "new" if a is None else "missing", f"output {index + 1}"))
            continue
        named, close = [], False
        for what, one, other in _pairs(a, b):
            if named and one.echo:
                continue
            exact = list(what(one, other, tolerance))
            named += [Difference(name, number, *d) for d in exact]
            close = close or one.cells() != other.cells()
        found += named
        if not named and not close:
            found += _texts(a, b, name, number)
    return found


def _pairs(a, b) -> Iterator[tuple]:
    """Tables and charts of an output that belong together; one without a counterpart is a difference."""
    for what, found_in, empty in ((_table, tables_of, Table), (_chart, charts_of, Chart)):
        old, new = found_in(a), found_in(b)
        for i in range(max(len(old), len(new))):
            yield what, old[i] if i < len(old) else empty(), new[i] if i < len(new) else empty()


def _table(old: Table, new: Table, tolerance: Mapping) -> Iterator[tuple]:
    title = f"table {old.name or new.name}"
    for column in [*old.columns, *(c for c in new.columns if c not in old.columns)]:
        if column not in old.columns or column not in new.columns:
            yield "new" if column in new.columns else "missing", title, "", column
    for i in range(max(len(old.rows), len(new.rows))):
        if i >= len(old.rows) or i >= len(new.rows):
            side = new if i >= len(old.rows) else old
            yield "new" if side is new else "missing", title, side.label(i)
            continue
        for column in (c for c in old.columns if c in new.columns):
            a, b = old.rows[i].get(column), new.rows[i].get(column)
            names = (column, old.label(i)) if old.echo else (column,)  # one record stands upright in HTML
            near = next((t[n] for t in (tolerance, old.tolerance) for n in names if n in t), RELATIVE)
            if not _same(a, b, near):
                yield "number" if _number(a) is not None else "text", title, old.label(i), column, a, b


def _chart(old: Chart, new: Chart, tolerance: Mapping) -> Iterator[tuple]:
    title = f"chart {old.name or new.name}"
    for path in [*old.values, *(p for p in new.values if p not in old.values)]:
        if path not in old.values or path not in new.values:
            side = new if path in new.values else old
            yield "new" if side is new else "missing", title, *side.where(path)
            continue
        a, b = old.values[path], new.values[path]
        row, column = old.where(path)
        if not _same(a, b, tolerance.get(column, RELATIVE)):
            yield "number" if _number(a) is not None else "text", title, row, column, a, b


def _texts(a, b, name: str, number: int) -> Iterator[Difference]:
    """Texts that differ, by line; of an error only its kind and message."""
    one, other = _text_parts(a), _text_parts(b)
    for part in [*one, *(p for p in other if p not in one)]:
        if part not in one or part not in other:
            yield Difference(name, number, "new" if part in other else "missing", part)
        elif one[part] != other[part]:
            old, new = (str(x[part]).splitlines() for x in (one, other))
            line = next((i for i, (p, q) in enumerate(zip(old, new, strict=False)) if p != q), min(len(old), len(new)))
            yield Difference(
                name,
                number,
                "text",
                part,
                f"line {line + 1}",
                "",
                *((x[line] if line < len(x) else "") for x in (old, new)),
            )


def _text_parts(output) -> dict[str, object]:
    if output.output_type == "stream":
        return {output.name: output.text}
    if output.output_type == "error":
        return {"error": f"{output.ename}: {output.evalue}"}
    return {k: v for k, v in output.data.items() if k not in LEFT_OUT and k != CHART_MIME}


def _same(a: object, b: object, relative: float) -> bool:
    x, y = _number(a), _number(b)
    if x is None or y is None:
        return a == b or (a != a and b != b)  # nan is not equal to itself
    return x == y or math.isclose(x, y, rel_tol=relative, abs_tol=ABSOLUTE)


def _number(value: object) -> float | None:
    """The value as a number, also one written with thousands apart."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        number = float(value.replace(",", "") if isinstance(value, str) else value)
    except (TypeError, ValueError):
        return None
    return None if math.isnan(number) else number


def _brief(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 80 else text[:77] + "..."
