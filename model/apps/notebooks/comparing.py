"""Two runs of a notebook, compared: every number of every table and chart, then all texts.

A number differs where it is farther from the stored one than its column's tolerance allows. Pictures,
ids of widgets and run times are left out. A table is compared by the JSON beside it, a chart by the data behind it.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest

import numpy as np

from model.show import display

RELATIVE = 1e-6  # below any change of a digit that a table shows
ABSOLUTE = 1e-12  # below it a number is zero
CHART_MIME = "application/vnd.plotly.v1+json"
LEFT_OUT = ("image/png", "image/jpeg", "application/pdf", "application/vnd.jupyter.widget-view+json", CHART_MIME)


@dataclass(frozen=True)
class Difference:
    """One thing that is not as it was stored."""

    notebook: str
    cell: int
    kind: str  # number, text, missing, new or failed
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
        said = {"failed": self.fresh, "missing": "stored, but not there now", "new": "there now, but not stored"}
        return f"{where}: {said.get(self.kind, f'{_brief(self.stored)} stored, {_brief(self.fresh)} now')}"


@dataclass(frozen=True)
class Shown:
    """The values of a table or chart by their place, and by what row and column a person knows each place."""

    title: str = ""
    values: dict[tuple, object] = field(default_factory=dict)
    places: dict[tuple, tuple[str, str]] = field(default_factory=dict)
    tolerance: Mapping = field(default_factory=dict)

    def changes(self, new: Shown, tolerance: Mapping) -> Iterator[tuple]:
        """Kind, title, row, column and both values of everything in which another one differs."""
        if bool(self.values) != bool(new.values):  # of a table or chart that is gone, only that is said
            yield "missing" if self.values else "new", self.title or new.title
            return
        apart = self.values.keys() ^ new.values.keys()
        for path in {**self.values, **new.values}:
            what = self.title or new.title, *(self if path in self.values else new).places[path]
            if path in apart:
                if not apart & {path[:1], path[1:]} - {path}:  # of a row or column that is gone, only that is said
                    yield "missing" if path in self.values else "new", *what
                continue
            near = next((t[what[2]] for t in (tolerance, self.tolerance) if what[2] in t), RELATIVE)
            a, b = self.values[path], new.values[path]
            if not _same(a, b, near):
                yield "text" if _number(a) is None else "number", *what, a, b


def summary(changes: Sequence[Difference]) -> str:
    """What changed in one line: the largest change of a number, then how many tables, charts and others differ."""
    sizes = [(d.fresh / d.stored - 1.0, d) for d in changes if d.kind == "number" and _share(d)]
    first = [(size, d) for size, d in sizes if d.table.startswith("table")] or sizes
    said = [
        f"{d.row} {d.column} {'+' * (size > 0)}{display.number(100 * size, 2)} %"
        for size, d in sorted(first, key=lambda s: -abs(s[0]))[:1]
    ]
    places = {(d.notebook, d.cell, d.table) for d in changes}
    kinds = [next((k for k in ("table", "chart") if place[2].startswith(f"{k} ")), "text") for place in places]
    counts = ((kinds.count(kind), kind) for kind in ("table", "chart", "text"))
    return ", ".join([*said, *(f"{n} {kind}{'s' if n > 1 else ''}" for n, kind in counts if n)])


def _share(d: Difference) -> bool:
    """Whether a change is a share of something."""
    both = [v for v in (d.stored, d.fresh) if isinstance(v, (int, float)) and math.isfinite(v)]
    return len(both) == 2 and bool(d.stored)


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
    for place, (a, b) in enumerate(zip_longest(old.outputs, new.outputs), 1):
        if a is None or b is None:
            yield "new" if a is None else "missing", f"output {place}"
            continue
        pairs = list(zip_longest(_shown(a), _shown(b), fillvalue=Shown()))
        named = [change for one, other in pairs for change in one.changes(other, tolerance)]
        close = any(one.values != other.values for one, other in pairs)
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


def _shown(output) -> list[Shown]:
    """The tables and the chart of an output."""
    data = output.get("data", {})
    tables = [_table(table_of(data[mime])) for mime in (display.RESULT_MIME, "application/json") if mime in data]
    return [*tables, *([_chart(data[CHART_MIME])] if CHART_MIME in data else [])]


def table_of(payload: object) -> dict:
    """The JSON of a result as a table with name and records, whatever JSON a cell put out."""
    if isinstance(payload, dict) and isinstance(payload.get("records"), list):
        return {"name": "result", **payload}
    records = payload if isinstance(payload, list) else [payload]
    return {"name": "result", "records": [r if isinstance(r, dict) else {"value": r} for r in records]}


def _table(table: dict) -> Shown:
    """A table's values by row and column; a row is called by its index columns, its first text, or its number."""
    rows = [r if isinstance(r, dict) else {"value": r} for r in table["records"]]
    columns = list(table.get("columns") or dict.fromkeys(c for r in rows for c in r))
    values, places = {(c,): c for c in columns}, {(c,): ("", c) for c in columns}
    for k, row in enumerate(rows):
        named = table.get("index") or [c for c in columns[:1] if isinstance(row.get(c), str)]
        label = ", ".join(str(row.get(c)) for c in named) or str(k + 1)
        values |= {(k,): k, **{(k, c): row.get(c) for c in columns}}
        places |= {(k,): (label, ""), **{(k, c): (label, c) for c in columns}}
    return Shown(f"table {table['name']}", values, places, table.get("tolerance", {}))


def _chart(figure: Mapping) -> Shown:
    """A chart's values by their path in its JSON."""
    traces, layout = list(figure.get("data", ())), figure.get("layout", {})
    title = layout.get("title") or {}
    name = (title.get("text") if isinstance(title, dict) else title) or "without a title"
    values = dict(_flat({"data": traces, "layout": layout}))
    return Shown(f"chart {name}", values, {path: _point(path, traces) for path in values})


def _point(path: tuple, traces: list) -> tuple[str, str]:
    """Row (the point's place on the axis) and column (the trace and what of it) of a value."""
    if path[0] != "data":
        return "layout", ".".join(map(str, path[1:]))
    trace = traces[path[1]]
    name, place = trace.get("name") or f"trace {path[1] + 1}", path[2:]
    if not isinstance(path[-1], int):
        return "", f"{name} {'.'.join(map(str, place))}"
    at = _listed(trace.get("x")) or _listed(trace.get("labels")) or []
    known = place[0] not in ("x", "labels") and path[-1] < len(at)
    row = str(at[path[-1]]) if known else f"point {path[-1] + 1}"
    return row, f"{name} {'.'.join(map(str, place[:-1]))}"


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
