"""One executed notebook as a page: what nbconvert makes of its cells, charts drawn by a local plotly.js."""

from __future__ import annotations

import ast
import functools
import html as html_module
import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from markupsafe import Markup

from model import checks
from model.apps.notebooks import CHART_MIME, import_schemas
from model.apps.report import setting

TEMPLATES = Path(__file__).parent / "templates"
PLACE = "chart-placeholder-{}-end"
TAGS = frozenset(
    "a abbr b blockquote br caption code col colgroup dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i img "
    "kbd li mark ol p pre s samp small span strong sub summary sup table tbody td tfoot th thead tr u ul var".split()
)
PLAIN = frozenset(("class", "id", "title", "colspan", "rowspan", "scope", "alt", "width", "height", "open"))


@dataclass(frozen=True)
class ReportPage:
    """What the report needs to know of one notebook."""

    stem: str
    title: str
    body: Markup
    charts: list[dict] = field(default_factory=list)
    contents: list[tuple[str, str]] = field(default_factory=list)
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
    from pygments.formatters import HtmlFormatter

    env = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
    )
    style = (TEMPLATES / "style.css").read_text(encoding="utf-8")
    light, dark = (HtmlFormatter(style=name).get_style_defs(".highlight") for name in ("default", "github-dark"))
    env.globals["style"] = Markup(f"{light}\n@media (prefers-color-scheme: dark) {{\n{dark}\n}}\n{style}")
    env.globals["script"] = Markup((TEMPLATES / "charts.js").read_text(encoding="utf-8"))
    return env


def as_run(path: Path, claims: bool) -> None:
    """Put the parameters of its run in the place of a notebook's defaults; without claims, take out cells on them."""
    import_schemas()
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    tagged = {tag: cell for cell in notebook.cells for tag in cell.metadata.get("tags", ())}
    left_out = {"injected-parameters"} if claims else {"injected-parameters", "claims"}
    if "injected-parameters" in tagged and "parameters" in tagged:
        given = tagged["injected-parameters"].source
        said = {n.targets[0].id: ast.unparse(n.value) for n in ast.parse(given).body if isinstance(n, ast.Assign)}
        lines = tagged["parameters"].source.splitlines()
        for node in ast.parse("\n".join(lines)).body:
            line, name = lines[node.lineno - 1], node.target.id
            lines[node.lineno - 1] = (
                line[: node.value.col_offset]
                + said.get(name, ast.unparse(node.value))
                + line[node.value.end_col_offset :]
            )
        tagged["parameters"].source = "\n".join(lines)
    notebook.cells = [cell for cell in notebook.cells if not left_out & {*cell.metadata.get("tags", ())}]
    nbformat.write(notebook, path)


def page_of(path: Path) -> ReportPage:
    """The page of an executed notebook."""
    import_schemas()
    import nbformat
    from nbconvert.exporters import HTMLExporter

    notebook = nbformat.read(path, as_version=4)
    given = any("injected-parameters" in cell.metadata.get("tags", ()) for cell in notebook.cells)
    if given:  # a page shows the parameters it was made with, not those that a notebook starts from
        notebook.cells = [cell for cell in notebook.cells if "parameters" not in cell.metadata.get("tags", ())]
    figures, formulas = _take_charts(notebook), setting.take_formulas(notebook)
    exporter = HTMLExporter(template_name="basic", sanitize_html=True, exclude_anchor_links=True)
    exporter.register_filter("clean_html", cleaned)  # nbconvert's own takes headings and table heads away
    html, _ = exporter.from_notebook_node(notebook)
    html = html.replace("output_stdout", "output_stdout says", 1)  # what a notebook prints first is its answer
    html, contents = setting.with_headings(setting.with_scrolling_tables(setting.with_folded_code(html)))
    for n, formula in enumerate(formulas):
        html = html.replace(setting.FORMULA_PLACE.format(n), formula, 1)
    charts = []
    for n, figure in enumerate(figures):
        own = {"id": f"chart-{n}", "json": script_json(figure), "title": chart_title(figure)}
        drawn = f'<div class="chart" id="chart-{n}"></div>'
        told = Markup("<figcaption>{}</figcaption>").format(own["title"])
        html = html.replace(PLACE.format(n), f'<figure class="plot">{told}{drawn}</figure>', 1)
        charts.append({**own, "figure": figure})
    title = _title(notebook) or path.stem
    return ReportPage(path.stem, title, Markup(html), charts, contents, _answer(notebook), _error(notebook))


def script_json(figure: dict) -> Markup:
    """The chart as JSON that can stand in a script element whatever text is in it."""
    text = json.dumps({"data": figure.get("data", []), "layout": figure.get("layout", {})})
    return Markup(text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e"))


def chart_title(figure: dict) -> str:
    """What the chart is called."""
    title = figure.get("layout", {}).get("title") or {}
    text = (title.get("text") if isinstance(title, dict) else title) or "chart"
    return html_module.unescape(re.sub(r"<[^>]*>", " ", str(text))).strip()


def _outputs(notebook) -> list:
    return [output for cell in notebook.cells for output in cell.get("outputs", ())]


def _take_charts(notebook) -> list[dict]:
    """Take the charts out, leaving a mark in the place of each."""
    figures = []
    for output in _outputs(notebook):
        if CHART_MIME in output.get("data", {}):
            figures.append(output.data[CHART_MIME])
            output.data = {"text/html": f"<div>{PLACE.format(len(figures) - 1)}</div>"}
            output.metadata = {}
    return figures


def _title(notebook) -> str:
    """The first heading."""
    texts = [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]
    headings = (re.search(r"^#+ (.+)$", text, re.M) for text in texts)
    return next((heading.group(1).strip() for heading in headings if heading), "")


def _answer(notebook, lines: int = 4) -> str:
    """What the notebook prints before all else, as its answer; nothing where it begins with a table or a chart."""
    for first in _outputs(notebook)[:1]:
        if first.get("name") == "stdout":
            return "\n".join(first.text.strip().splitlines()[:lines])
    return ""


def _error(notebook) -> str:
    """What went wrong in the notebook, in a line, or else which of its cells have no meaning for its scenario."""
    errors = [o for o in _outputs(notebook) if o.output_type == "error"]
    left_out = [o.evalue for o in errors if o.ename == checks.LeftOut.__name__]
    said = [f"failed: {o.ename}: {o.evalue}" for o in errors if o.evalue not in left_out]
    if left_out and not said:
        return f"leaves {len(left_out)} of its cells out, {left_out[0].removeprefix('left out, ')}".splitlines()[0]
    return said[0].splitlines()[0] if said else ""


@functools.cache
def _cleaner():
    import bleach

    def allowed(tag: str, name: str, value: str) -> bool:
        if name == "href":  # a link may lead out, but only where a person follows it
            return tag == "a" and bool(re.match(r"https?://|#|[\w./-]+$", value))
        if name == "src":
            return tag == "img" and bool(re.match(r"data:image/(png|jpeg|gif|svg\+xml);", value))
        return name in PLAIN

    return bleach.Cleaner(tags=TAGS, attributes=allowed, protocols=["http", "https", "data"], strip=False)


def cleaned(html: str) -> str:
    """The HTML without scripts, styles, frames, forms, and pictures from elsewhere."""
    return _cleaner().clean(str(html).replace('style="text-align:right"', 'class="number"'))
