"""The tagged results of executed notebooks as one tidy table."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Mapping

from model.apps.notebooks import table_of
from model.show.display import RESULT_MIME
from model.show.forms import as_csv


def results_of(notebook: Mapping) -> list[dict]:
    """The JSON that cells tagged `result` put out, each as a mapping with name and records."""
    tables = []
    for cell in notebook["cells"]:
        if "result" not in cell.get("metadata", {}).get("tags", ()):
            continue
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            payload = data.get(RESULT_MIME, data.get("application/json"))
            if payload is not None:
                tables.append(table_of(payload))
    return tables


def rows_of(run: str, notebook: str, parameters: Mapping, executed: Mapping) -> list[dict]:
    """The rows of one run: which run it was, its parameters, then the columns of its results."""
    point = {"run": run, "notebook": notebook}
    for name, value in parameters.items():
        point.update(value if isinstance(value, dict) else {name: value})
    rows = []
    for table in results_of(executed):
        for record in table["records"]:
            ordered = {c: record[c] for c in table.get("columns", ()) if c in record} | record
            own = {f"result.{k}" if point.get(k, v) != v else k: _number(v) for k, v in ordered.items()}
            rows.append({**point, "table": table.get("name", "result"), **own})
    return rows


def _number(value: object) -> object:
    """Infinities come as texts, because JSON has none."""
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if isinstance(value, str) else value


def write_tables(rows: Iterable[Mapping], store) -> list[str]:
    """Write the rows as CSV and, where pyarrow is installed, as Parquet."""
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    store.write(as_csv(frame, index=False), "results.csv")
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
    store.write(buffer.getvalue(), "results.parquet")
    return []
