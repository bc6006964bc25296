"""The tables and charts in a notebook's outputs, as rows and values that can be compared by name."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from html.parser import HTMLParser

import numpy as np

from model.show.display import RESULT_MIME

__all__ = ["CHART_MIME", "Chart", "Table", "charts_of", "tables_of"]

CHART_MIME = "application/vnd.plotly.v1+json"


@dataclass(frozen=True)
class Table:
    """Rows with named columns; a row is called by its index columns, its first text, or its number."""

    name: str = ""
    columns: tuple[str, ...] = ()
    rows: tuple[dict, ...] = ()
    index: tuple[str, ...] = ()
    tolerance: dict = field(default_factory=dict)
    echo: bool = False  # the same table once more, as HTML

    def label(self, i: int) -> str:
        """What a person calls the row."""
        named = self.index or [c for c in self.columns[:1] if isinstance(self.rows[i].get(c), str)]
        return ", ".join(str(self.rows[i].get(c)) for c in named) or str(i + 1)

    def cells(self) -> tuple:
        """What two tables that are exactly equal have in common."""
        return self.columns, self.rows


@dataclass(frozen=True)
class Chart:
    """The values of a chart by their path in its JSON; `where` names a path for a person."""

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

    def cells(self) -> dict:
        """What two charts that are exactly equal have in common."""
        return self.values


def tables_of(output) -> list[Table]:
    """The tables of an output: of its JSON, and as they are shown in its HTML."""
    data = output.get("data", {})
    found = [_from_json(data[mime]) for mime in (RESULT_MIME, "application/json") if mime in data]
    name, tolerance = (found[0].name, found[0].tolerance) if found else ("shown", {})
    if "text/html" in data:
        reader = _Rows()
        reader.feed(data["text/html"])
        found += [_from_html(rows, name, tolerance, bool(found)) for rows in reader.tables if rows]
    return found


def charts_of(output) -> list[Chart]:
    """The plotly chart of an output, where it is one."""
    figure = output.get("data", {}).get(CHART_MIME)
    if figure is None:
        return []
    traces = tuple(figure.get("data", ()))
    shown = {"data": list(traces), "layout": figure.get("layout", {})}
    return [Chart(_title(figure), dict(_flat(shown)), traces)]


def _title(figure: dict) -> str:
    title = figure.get("layout", {}).get("title") or {}
    return str((title.get("text") if isinstance(title, dict) else title) or "without a title")


def _flat(value: object, path: tuple = ()):
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


def _from_json(payload: object) -> Table:
    told = payload if isinstance(payload, dict) and isinstance(payload.get("records"), list) else {}
    records = told.get("records", payload if isinstance(payload, list) else [payload])
    rows = tuple(r if isinstance(r, dict) else {"value": r} for r in records)
    columns = told.get("columns") or list(dict.fromkeys(c for r in rows for c in r))
    return Table(
        told.get("name", "result"), tuple(columns), rows, tuple(told.get("index", ())), told.get("tolerance", {})
    )


def _from_html(rows: list[list[str]], name: str, tolerance: dict, echo: bool) -> Table:
    header, *body = rows
    columns = [c or f"column {i + 1}" for i, c in enumerate(header)]
    columns = [c if columns.count(c) == 1 else f"{c} ({i + 1})" for i, c in enumerate(columns)]
    widest = max(map(len, rows))
    columns += [f"column {i + 1}" for i in range(len(columns), widest)]
    return Table(
        name,
        tuple(columns),
        tuple(dict(zip(columns, r, strict=False)) for r in body),
        tuple(columns[:1]),
        tolerance,
        echo,
    )


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
