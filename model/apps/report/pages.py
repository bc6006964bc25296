"""One executed notebook as a page: what nbconvert makes of its cells, charts drawn by a local plotly.js."""

from __future__ import annotations

import functools
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from model.apps.notebooks.quick import import_schemas
from model.apps.notebooks.tables import CHART_MIME
from model.apps.report.cleaning import cleaned

__all__ = ["Page", "environment", "page_of"]

TEMPLATES = Path(__file__).parent / "templates"
PLACE = "chart-placeholder-{}-end"


@dataclass(frozen=True)
class Page:
    """What the report needs to know of one notebook."""

    stem: str
    title: str
    body: str
    charts: list[dict] = field(default_factory=list)
    answer: str = ""
    error: str = ""

    @property
    def file(self) -> str:
        """The name of its page."""
        return f"{self.stem}.html"


@functools.cache
def environment():
    """The templates of the report; every text that goes into one is escaped."""
    import jinja2
    from markupsafe import Markup
    from pygments.formatters import HtmlFormatter

    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    env.globals["style"] = Markup(style + HtmlFormatter(style="default").get_style_defs(".highlight"))
    env.globals["script"] = Markup((TEMPLATES / "charts.js").read_text(encoding="utf-8"))
    return env


def page_of(path: Path) -> Page:
    """The page of an executed notebook."""
    import_schemas()
    import nbformat
    from nbconvert.exporters import HTMLExporter

    notebook = nbformat.read(path, as_version=4)
    figures = _take_charts(notebook)
    exporter = HTMLExporter(template_name="basic", sanitize_html=True, exclude_anchor_links=True)
    exporter.register_filter("clean_html", cleaned)  # nbconvert's own takes headings and table heads away
    html, _ = exporter.from_notebook_node(notebook)
    ids = [f"chart-{n}" for n in range(len(figures))]
    for n, identity in enumerate(ids):
        html = html.replace(PLACE.format(n), f'<div class="chart" id="{identity}"></div>', 1)
    charts = [
        {"id": i, "json": script_json(f), "title": chart_title(f), "figure": f}
        for i, f in zip(ids, figures, strict=True)
    ]
    return Page(path.stem, _title(notebook) or path.stem, html, charts, _answer(notebook), _error(notebook))


def script_json(figure: dict):
    """The chart as JSON that can stand in a script element whatever text is in it."""
    from markupsafe import Markup

    text = json.dumps({"data": figure.get("data", []), "layout": figure.get("layout", {})})
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def chart_title(figure: dict) -> str:
    """What the chart is called."""
    title = figure.get("layout", {}).get("title") or {}
    text = (title.get("text") if isinstance(title, dict) else title) or "chart"
    return re.sub(r"<[^>]*>", " ", str(text)).strip()


def _take_charts(notebook) -> list[dict]:
    """Take the charts out, leaving a mark in the place of each."""
    figures = []
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if CHART_MIME in output.get("data", {}):
                figures.append(output.data[CHART_MIME])
                output.data = {"text/html": f"<div>{PLACE.format(len(figures) - 1)}</div>"}
                output.metadata = {}
    return figures


def _title(notebook) -> str:
    """The first heading."""
    for cell in notebook.cells:
        heading = re.search(r"^#+ (.+)$", cell.source, re.M) if cell.cell_type == "markdown" else None
        if heading:
            return heading.group(1).strip()
    return ""


def _answer(notebook, lines: int = 4) -> str:
    """What the notebook prints before all else, as its answer; nothing where it begins with a table or a chart."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            printed = output.get("name") == "stdout" and output.text.strip()
            return "\n".join(printed.splitlines()[:lines]) if printed else ""
    return ""


def _error(notebook) -> str:
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            if output.output_type == "error":
                return f"{output.ename}: {output.evalue}".splitlines()[0]
    return ""
