"""The tables of executed notebooks: the tagged results as one table, and a tidy file a table."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterator, Mapping, Sequence

from model.apps.notebooks import table_of
from model.show.display import RESULT_MIME
from model.show.forms import as_csv, headed


def results_of(notebook: Mapping, tags: Sequence[str] | None = ("result",)) -> list[dict]:
    """The JSON that cells with one of these tags, or any cells, put out, each as a mapping with name and records."""
    cells = [c for c in notebook["cells"] if tags is None or {*tags} & {*c.get("metadata", {}).get("tags", ())}]
    found = [output.get("data", {}) for cell in cells for output in cell.get("outputs", ())]
    payloads = [data.get(RESULT_MIME, data.get("application/json")) for data in found]
    return [table_of(payload) for payload in payloads if payload is not None]


def flat(parameters: Mapping) -> dict:
    """The parameters of a run, a mapping among them opened."""
    point = {}
    for name, value in parameters.items():
        point.update(value if isinstance(value, dict) else {name: value})
    return point


def rows_of(run: str, notebook: str, parameters: Mapping, executed: Mapping) -> list[dict]:
    """The rows of one run: which run it was, its parameters, then the columns of its results."""
    point, rows = {"run": run, "notebook": notebook} | flat(parameters), []
    for table in results_of(executed):
        for record in table["records"]:
            ordered = {c: record[c] for c in table.get("columns", ()) if c in record} | record
            own = {f"result.{k}" if point.get(k, v) != v else k: _number(v) for k, v in ordered.items()}
            rows.append({**point, "table": table.get("name", "result"), **own})
    return rows


def tidy_of(point: Mapping, executed: Mapping) -> Iterator[tuple[str, list[dict]]]:
    """Each table of one run by its name: the run's facts, the table's columns with all digits, and the unit.

    Where the columns of numbers have one unit, `unit` says it; else each says its own behind its name.
    """
    for table in results_of(executed, None):
        records = table.get("exact") or table["records"]
        columns = list(table.get("columns") or dict.fromkeys(c for r in records for c in r))
        of_numbers = [c for c in columns if any(type(r.get(c)) in (int, float) for r in records)]
        names, unit = {c: c for c in columns}, {}
        if "unit" not in columns:
            heads = {c: headed(c, True, table.get("units") or {}) for c in of_numbers}
            found = {
                re.search(r"(?: \[(.*)\])?$", heads[c])[1] or "-" for c in heads if c not in table.get("index", ())
            }
            unit = {"unit": found.pop() if len(found) == 1 else "by column" if found else "-"}
            names |= heads if unit["unit"] == "by column" else {}
        names = {c: f"result.{n}" if n in point else n for c, n in names.items()}
        rows = [{**point, **{names[c]: _number(r.get(c)) for c in columns}, **unit} for r in records]
        yield re.sub(r"[^\w-]+", "_", str(table["name"])), rows


def _number(value: object) -> object:
    """Infinities come as texts, because JSON has none."""
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if isinstance(value, str) else value


def write_results(rows: Sequence[Mapping], tables: Mapping[tuple[str, str], list[dict]], store) -> list[str]:
    """Write the tagged results and each table as CSV and, where pyarrow is installed and a disk is there, Parquet."""
    notes = {*_write(rows, store, "results")}
    for notebook, name in tables:
        notes |= {*_write(tables[notebook, name], store, "tables", notebook, name)}
    store.keep_only("tables", {f"{notebook}/{name}" for notebook, name in tables})
    return sorted(notes)


def _write(rows: Sequence[Mapping], store, *place: str) -> list[str]:
    import pandas as pd

    frame, (*folder, name) = pd.DataFrame(list(rows)), place
    store.write(as_csv(frame, index=False), *folder, f"{name}.csv")
    if store.remote:
        return [f"results.csv is in {store.root}; Parquet is written to folders on a disk only"]
    for column in frame.columns[[pd.api.types.is_object_dtype(t) for t in frame.dtypes]]:
        kinds = {type(v) for v in frame[column] if v is not None and v == v}
        if len(kinds) > 1 and not kinds <= {int, float}:
            frame[column] = [None if v is None or v != v else str(v) for v in frame[column]]
    try:
        buffer = io.BytesIO()
        frame.to_parquet(buffer, index=False, engine="pyarrow")
    except ImportError:
        return ["results.parquet was not written: pyarrow is not installed; results.csv holds the same"]
    store.write(buffer.getvalue(), *folder, f"{name}.parquet")
    return []
