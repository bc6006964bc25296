"""The folder of a batch: here on a disk, or wherever papermill can write (s3:// and others)."""

from __future__ import annotations

import contextlib
import io
import json
import math
import os
import re
import tempfile
from collections.abc import Iterable, Mapping
from pathlib import Path

from model import checks
from model.apps.notebooks import is_remote
from model.show.display import RESULT_MIME

PART = re.compile(r"\.part-(\d+)-")


class Store:
    """Finished runs under `runs/`, failed ones under `failed/`, manifest and table beside them."""

    def __init__(self, root: str | os.PathLike):
        self.remote = is_remote(root)
        self.root = str(root).rstrip("/") if self.remote else str(Path(root).resolve())

    def path(self, *parts: str) -> str:
        """The address of a file of the batch."""
        return "/".join((self.root, *parts)) if self.remote else os.path.join(self.root, *parts)

    def open(self) -> None:
        """Make the folders and see that they can be written; clear what a killed batch left half done."""
        if self.remote:
            return
        try:
            for folder in ("runs", "failed"):
                os.makedirs(self.path(folder), exist_ok=True)
                with tempfile.NamedTemporaryFile(dir=self.path(folder)):
                    pass
        except OSError as error:
            checks.fail(f"cannot write to the folder {self.root}: {error.strerror}")
        self.clear_parts()

    def clear_parts(self) -> None:
        """Take away what ended processes left half done."""
        if self.remote:
            return
        for part in Path(self.root).rglob(".part-*"):
            owner = PART.match(part.name)
            if owner and not _alive(int(owner.group(1))):
                part.unlink(missing_ok=True)

    def finished(self, keys: Mapping[str, str]) -> set[str]:
        """Which of the runs are there, whole, readable, and made from what they would be made from now."""
        here = self._listed()
        return {n for n, key in keys.items() if (here is None or n in here) and self._key(n) == key}

    def _key(self, name: str) -> str | None:
        found = self.notebook(name) or {"metadata": {}}
        return found["metadata"].get("workbook", {}).get("key")

    def notebook(self, name: str) -> dict | None:
        """The executed notebook of a run as plain JSON, None where there is none."""
        try:
            nb = json.loads(self.read("runs", name))
        except Exception:  # each storage has an error of its own for what is not there
            return None
        return nb if isinstance(nb, dict) and "cells" in nb else None

    def notebook_failed(self, name: str) -> bool:
        """Whether the notebook of a failed run is kept."""
        return self.remote or os.path.exists(self.path("failed", name))

    def read(self, *parts: str) -> str:
        """The text of a file."""
        if self.remote:
            from papermill.iorw import papermill_io

            return papermill_io.read(self.path(*parts), [""])
        return Path(self.path(*parts)).read_text(encoding="utf-8")

    def write(self, text: str | bytes, *parts: str) -> None:
        """Write a file whole or not at all."""
        path = self.path(*parts)
        if self.remote:
            from papermill.exceptions import PapermillException
            from papermill.iorw import papermill_io

            try:
                papermill_io.write(text, path, [""])
            except PapermillException as error:  # an address of no kind that papermill writes to, or without its extra
                checks.fail(f"cannot write to {path}: {str(error).splitlines()[0].rstrip('.')}")
            return
        folder, name = os.path.split(path)
        part = os.path.join(folder, f".part-{os.getpid()}-{name}")
        try:
            Path(part).write_bytes(text.encode() if isinstance(text, str) else text)
            os.replace(part, path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(part)
            raise

    def remove(self, *parts: str) -> None:
        """Take away a file that no longer holds, where it is on a disk."""
        if not self.remote:
            Path(self.path(*parts)).unlink(missing_ok=True)

    def _listed(self) -> set[str] | None:
        """The names under `runs/`, None where the storage cannot list."""
        if not self.remote:
            return set(os.listdir(self.path("runs")))
        from papermill.iorw import papermill_io

        try:
            return {str(n).rstrip("/").rsplit("/", 1)[-1] for n in papermill_io.listdir(self.path("runs"))}
        except Exception:  # nothing there yet, or a protocol without listings
            return None


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    with contextlib.suppress(OSError):  # one that has ended and that nobody has asked after writes no more
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    return True


def results_of(notebook: Mapping) -> list[dict]:
    """The JSON that cells tagged `result` put out, each as a mapping with name and records."""
    found = []
    for cell in notebook["cells"]:
        if "result" not in cell.get("metadata", {}).get("tags", ()):
            continue
        for output in cell.get("outputs", ()):
            data = output.get("data", {})
            payload = data.get(RESULT_MIME, data.get("application/json"))
            if payload is not None:
                found.append(_as_table(payload))
    return found


def _as_table(payload: object) -> dict:
    if isinstance(payload, list):
        return {"name": "result", "records": [r if isinstance(r, dict) else {"value": r} for r in payload]}
    if isinstance(payload, dict) and isinstance(payload.get("records"), list):
        return payload
    return {"name": "result", "records": [payload if isinstance(payload, dict) else {"value": payload}]}


def rows_of(run: str, notebook: str, parameters: Mapping, executed: Mapping) -> list[dict]:
    """The rows of one run: which run it was, its parameters, then the columns of its results."""
    told = {"run": run, "notebook": notebook}
    for name, value in parameters.items():
        told.update(value if isinstance(value, dict) else {name: value})
    rows = []
    for table in results_of(executed):
        for record in table["records"]:
            ordered = {c: record[c] for c in table.get("columns", ()) if c in record} | record
            own = {f"result.{k}" if told.get(k, v) != v else k: _number(v) for k, v in ordered.items()}
            rows.append({**told, "table": table.get("name", "result"), **own})
    return rows


def _number(value: object) -> object:
    """Infinities come as texts, because JSON has none."""
    return {"inf": math.inf, "-inf": -math.inf}.get(value, value) if isinstance(value, str) else value


def write_tables(rows: Iterable[Mapping], store) -> list[str]:
    """Write the rows as CSV and, where pyarrow is installed, as Parquet."""
    import pandas as pd

    frame = pd.DataFrame(list(rows))
    store.write(frame.to_csv(index=False, lineterminator="\n"), "results.csv")
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
