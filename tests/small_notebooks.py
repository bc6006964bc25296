"""Small notebooks that the tests of the notebook machinery make for themselves."""

from __future__ import annotations

from pathlib import Path

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

PARAMETERS = """\
scenario: str = "twilly"  # name or path of the scenario [-]
users: float = 10_000  # users in the month [users]
region: str = "us-east-1"  # region of the prices [-]
changes: dict = {}  # changes of the scenario by path [-]"""
TABLE = """\
from model.show.display import result
rows = [{"measure": "battery", "before": users / 7, "after": users / 9},
        {"measure": "cost", "before": users * 0.0468, "after": users * 0.0108}]
result(pd.DataFrame(rows).set_index("measure"), name="before_after")"""
CHART = """\
import plotly.graph_objects as go
sizes = [100, 1000, 10000]
figure = go.Figure(go.Scatter(x=sizes, y=[round(n * 0.0468, 2) for n in sizes], name="before"))
figure.update_layout(title="Cost by users")"""


def write(path: Path, *sources: str, parameters: str | None = PARAMETERS, tags: dict | None = None) -> Path:
    """A notebook of these cells after a title and a parameters cell; `tags` by position of the source."""
    cells = [new_markdown_cell("# What is shown?", id="a")]
    if parameters is not None:
        cells.append(new_code_cell(parameters, id="b", metadata={"tags": ["parameters"]}))
    for number, source in enumerate(sources):
        kind = new_markdown_cell if source.startswith("#md ") else new_code_cell
        own = {"tags": (tags or {})[number]} if number in (tags or {}) else {}
        cells.append(kind(source.removeprefix("#md "), id=f"c{number}", metadata=own))
    notebook = new_notebook(
        cells=cells, metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python 3"}}
    )
    nbformat.write(notebook, path)
    return path


def table_and_chart(path: Path) -> Path:
    """A notebook like the real ones: imports, a tagged table, a chart, a sentence."""
    return write(
        path, "import pandas as pd", TABLE, CHART, 'print(f"{users:,.0f} users in {region}")', tags={1: ["result"]}
    )


def small(path: Path, body: str = "") -> Path:
    """The cheapest notebook with a result: one record of plain numbers; `body` runs before it."""
    return write(
        path,
        f"{body}\nfrom model.show.display import result\n"
        'result({"cost": users * 0.0468, "named": region, "period": changes.get("after.p_s", 30)})',
        tags={0: ["result"]},
    )
