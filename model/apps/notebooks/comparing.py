"""Two runs of a notebook, compared: every number of every table and chart, then all texts.

A number differs where it is farther from the stored one than its column's tolerance allows. Pictures,
ids of widgets and run times are left out; a chart is compared by the data behind it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from itertools import zip_longest

import numpy as np

from model.show.display import RESULT_MIME

RELATIVE = 1e-6  # below any change of a digit that a table shows
ABSOLUTE = 1e-12  # below it a number is zero
CHART_MIME = "application/vnd.plotly.v1+json"
LEFT_OUT = ("image/png", "image/jpeg", "application/pdf", "application/vnd.jupyter.widget-view+json", CHART_MIME)


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
    fresh: object = None

    def __str__(self) -> str:
        where = f"{self.notebook}, In [{self.cell}]"
        where += f", {self.table}" if self.table else ""
        where += f", row {self.row!r}" if self.row else ""
        where += f", column {self.column!r}" if self.column else ""
        if self.kind in ("failed", "nbval"):
            return f"{where}: {self.fresh}"
        if self.kind == "missing":
            return f"{where}: stored, but not there now"
        if self.kind == "new":
            return f"{where}: there now, but not stored"
        return f"{where}: {_brief(self.stored)} stored, {_brief(self.fresh)} now"


@dataclass(frozen=True)
class Table:
    """Rows with named columns; a row is called by its index columns, its first text, or its number."""

    name: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[dict, ...] = ()
    index: tuple[str, ...] = ()
    tolerance: dict = field(default_factory=dict)
    echo: bool = False  # the same table once more, as HTML

    def label(self, k: int) -> str:
        """What a person calls the row."""
        named = self.index or [c for c in self.columns[:1] if isinstance(self.rows[k].get(c), str)]
        return ", ".join(str(self.rows[k].get(c)) for c in named) or str(k + 1)

    def content(self) -> tuple:
        """What two tables that are exactly equal have in common."""
        return self.columns, self.rows

    def changes(self, new: Table, tolerance: Mapping) -> Iterator[tuple]:
        """Kind, title, row, column and both values of everything in which another table differs."""
        title = f"table {self.name or new.name}"
        for column in [*self.columns, *(c for c in new.columns if c not in self.columns)]:
            if column not in self.columns or column not in new.columns:
                yield "new" if column in new.columns else "missing", title, "", column
        for k, (one, other) in enumerate(zip_longest(self.rows, new.rows)):
            if one is None or other is None:
                yield ("new", title, new.label(k)) if one is None else ("missing", title, self.label(k))
                continue
            for column in (c for c in self.columns if c in new.columns):
                a, b = one.get(column), other.get(column)
                names = (column, self.label(k)) if self.echo else (column,)  # one record stands upright in HTML
                near = next((t[n] for t in (tolerance, self.tolerance) for n in names if n in t), RELATIVE)
                if not _same(a, b, near):
                    yield _kind(a), title, self.label(k), column, a, b


@dataclass(frozen=True)
class Chart:
    """The values of a chart by their path in its JSON."""

    name: str = ""
    values: dict = field(default_factory=dict)
    traces: tuple = ()
    echo: bool = False

    def where(self, path: tuple) -> tuple[str, str]:
        """Row (the point's place on the axis) and column (the trace and what of it) of a value."""
        if path[0] != "data":
            return "layout", ".".join(map(str, path[1:]))
        trace = self.traces[path[1]]
        name, place = trace.get("name") or f"trace {path[1] + 1}", path[2:]
        if not isinstance(path[-1], int):
            return "", f"{name} {'.'.join(map(str, place))}"
        at = _listed(trace.get("x")) or _listed(trace.get("labels")) or []
        known = place[0] not in ("x", "labels") and path[-1] < len(at)
        row = str(at[path[-1]]) if known else f"point {path[-1] + 1}"
        return row, f"{name} {'.'.join(map(str, place[:-1]))}"

    def content(self) -> dict:
        """What two charts that are exactly equal have in common."""
        return self.values

    def changes(self, new: Chart, tolerance: Mapping) -> Iterator[tuple]:
        """Kind, title, row, column and both values of everything in which another chart differs."""
        title = f"chart {self.name or new.name}"
        for path in [*self.values, *(p for p in new.values if p not in self.values)]:
            if path not in self.values or path not in new.values:
                yield ("new", title, *new.where(path)) if path in new.values else ("missing", title, *self.where(path))
                continue
            a, b = self.values[path], new.values[path]
            row, column = self.where(path)
            if not _same(a, b, tolerance.get(column, RELATIVE)):
                yield _kind(a), title, row, column, a, b


def differences(stored, fresh, name: str, tolerance: Mapping | None = None) -> list[Difference]:
    """Everything in which two normalised runs of a notebook differ."""
    changes = []
    cells = ([c for c in nb.cells if c.cell_type == "code"] for nb in (stored, fresh))
    for number, (old, new) in enumerate(zip_longest(*cells), 1):
        if old is None or new is None:
            changes.append(Difference(name, number, "new" if old is None else "missing", "the cell"))
        elif "nbval-ignore-output" not in old.metadata.get("tags", ()):
            changes += [Difference(name, number, *what) for what in _cell_changes(old, new, tolerance or {})]
    return changes


def _cell_changes(old, new, tolerance: Mapping) -> Iterator[tuple]:
    """What differs in a cell: by number where there is a table or chart, by text where there is not."""
    for number, (a, b) in enumerate(zip_longest(old.outputs, new.outputs), 1):
        if a is None or b is None:
            yield "new" if a is None else "missing", f"output {number}"
            continue
        named, close = [], False
        for read, empty in ((_tables, Table()), (_charts, Chart())):
            for one, other in zip_longest(read(a), read(b), fillvalue=empty):
                if not (named and one.echo):
                    named += one.changes(other, tolerance)
                    close = close or one.content() != other.content()
        yield from named if named or close else _text_changes(a, b)


def _text_changes(a, b) -> Iterator[tuple]:
    """The first line that differs of each text; of an error only its kind and message."""
    one, other = _texts(a), _texts(b)
    for part in [*one, *(p for p in other if p not in one)]:
        if part not in one or part not in other:
            yield "new" if part in other else "missing", part
        elif one[part] != other[part]:
            lines = zip_longest(*(str(x[part]).splitlines() for x in (one, other)), fillvalue="")
            pair = next(((k, p, q) for k, (p, q) in enumerate(lines, 1) if p != q), None)
            number, old, new = pair or (len(str(one[part]).splitlines()) + 1, "", "")
            yield "text", part, f"line {number}", "", old, new


def _texts(output) -> dict[str, object]:
    if output.output_type == "stream":
        return {output.name: output.text}
    if output.output_type == "error":
        return {"error": f"{output.ename}: {output.evalue}"}
    return {k: v for k, v in output.data.items() if k not in LEFT_OUT}


def _same(a: object, b: object, relative: float) -> bool:
    x, y = _number(a), _number(b)
    if x is None or y is None:
        return a == b or (a != a and b != b)  # nan is not equal to itself
    return x == y or math.isclose(x, y, rel_tol=relative, abs_tol=ABSOLUTE)


def _kind(value: object) -> str:
    return "text" if _number(value) is None else "number"


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


def _tables(output) -> list[Table]:
    """The tables of an output: of its JSON, and as they are shown in its HTML."""
    data = output.get("data", {})
    tables = [_table_of_json(data[mime]) for mime in (RESULT_MIME, "application/json") if mime in data]
    name, tolerance = (tables[0].name, tables[0].tolerance) if tables else ("shown", {})
    if "text/html" in data:
        reader = _Rows()
        reader.feed(data["text/html"])
        tables += [_table_of_html(rows, name, tolerance, bool(tables)) for rows in reader.tables if rows]
    return tables


def _table_of_json(payload: object) -> Table:
    whole = payload if isinstance(payload, dict) and isinstance(payload.get("records"), list) else {}
    records = whole.get("records", payload if isinstance(payload, list) else [payload])
    rows = tuple(r if isinstance(r, dict) else {"value": r} for r in records)
    columns = tuple(whole.get("columns") or dict.fromkeys(c for r in rows for c in r))
    return Table(whole.get("name", "result"), columns, rows, tuple(whole.get("index", ())), whole.get("tolerance", {}))


def _table_of_html(rows: list[list[str]], name: str, tolerance: dict, echo: bool) -> Table:
    """A table as shown: the first row names the columns; a name that is empty or stands twice has a number."""
    texts = [text or f"column {k}" for k, text in enumerate(rows[0], 1)]
    columns = [text if texts.count(text) == 1 else f"{text} ({k})" for k, text in enumerate(texts, 1)]
    columns += [f"column {k + 1}" for k in range(len(columns), max(map(len, rows)))]
    records = tuple(dict(zip(columns, row, strict=False)) for row in rows[1:])
    return Table(name, tuple(columns), records, tuple(columns[:1]), tolerance, echo)


class _Rows(HTMLParser):
    """The texts of all table cells, by table and row."""

    def __init__(self):
        super().__init__()
        self.tables, self._open = [], False

    def handle_starttag(self, tag, attrs):
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self.tables[-1][-1].append("")
            self._open = True

    def handle_endtag(self, tag):
        if tag in ("td", "th", "table"):
            self._open = False

    def handle_data(self, data):
        if self._open:
            self.tables[-1][-1][-1] += data.strip()


def _charts(output) -> list[Chart]:
    """The plotly chart of an output, where it is one."""
    figure = output.get("data", {}).get(CHART_MIME)
    if figure is None:
        return []
    traces, layout = list(figure.get("data", ())), figure.get("layout", {})
    title = layout.get("title") or {}
    name = str((title.get("text") if isinstance(title, dict) else title) or "without a title")
    return [Chart(name, dict(_flat({"data": traces, "layout": layout})), tuple(traces))]


def _flat(value: object, path: tuple = ()) -> Iterator[tuple]:
    """Each single value in nested JSON with the path to it."""
    value = _listed(value) if isinstance(value, dict) and "bdata" in value else value
    if not isinstance(value, (dict, list)):
        yield path, value
        return
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value):
        yield from _flat(inner, (*path, key))


def _listed(value: object) -> list | None:
    """A list, also where plotly has packed an array."""
    if isinstance(value, dict) and "bdata" in value:
        array = np.frombuffer(base64.b64decode(value["bdata"]), dtype=value["dtype"])
        shape = [int(n) for n in str(value.get("shape") or array.size).split(",")]
        return array.reshape(shape).tolist()
    return value if isinstance(value, list) else None
