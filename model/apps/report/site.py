"""The folder of a report: index, pages, tables as CSV and Markdown, pictures, plotly.js once."""

from __future__ import annotations

import base64
import importlib.util
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from model import checks
from model.apps.report.pages import Page, environment, page_of
from model.show import display, pictures

__all__ = ["write"]

GOOD, MAYBE, BAD = "holds", "holds only if", ("does not hold", "contradicts")  # how verdicts begin


def write(
    executed: Iterable,
    tables: Mapping,
    out_dir,
    title: str,
    digits: int = 4,
    facts: Mapping | None = None,
    first: int = 2,
) -> Path:
    """Write the pages of executed notebooks and an index with tables, verdicts and pictures before them.

    The pages load nothing from outside their folder. Every text is escaped, that of tables, titles
    and notebook outputs alike; scripts in a notebook's HTML are taken out.
    """
    paths = [Path(p) for p in executed]
    twice = [p.stem for p in paths if [q.stem for q in paths].count(p.stem) > 1]
    if twice:
        checks.fail(f"two notebooks are called {twice[0]}, and a report has one page of that name")
    folder = Path(out_dir)
    try:
        for name in ("tables", "pictures"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        pages = [page_of(p) for p in paths]
        shown = [_table(name, frame, folder, digits) for name, frame in tables.items()]
        for page in pages:
            _put(
                folder / page.file,
                _rendered("page.html.j2", title=page.title, charts=page.charts, body=_markup(page.body)),
            )
        drawn = _pictures(pages, folder)
        if any(page.charts for page in pages):
            _put(folder / "plotly.min.js", _plotly_js())
        index = _rendered(
            "index.html.j2",
            title=title,
            tables=shown[:first],
            more=shown[first:],
            pictures=drawn,
            facts={k: display.number(v, 6) for k, v in (facts or {}).items()},
            pages=[_entry(p, q, folder) for p, q in zip(pages, paths, strict=True)],
            charts=[p for p in drawn if not p["file"]],
        )
        return _put(folder / "index.html", index)
    except OSError as error:
        checks.fail(f"cannot write the report to {folder}: {error.strerror}")


def _table(name: str, frame, folder: Path, digits: int) -> dict:
    """A table for the index, written as CSV and Markdown on the way."""
    made = display.result(frame, name, digits)
    header, rows = made.cells()
    if "change" in header:  # a share, as people say it
        k = header.index("change")
        for row, record in zip(rows, made.records, strict=True):
            row[k] = f"{record['change']:+.0%}" if isinstance(record["change"], float) else row[k]
    stem = _slug(name)
    csv = frame.to_csv(index=bool(made.index), index_label=list(made.index) or None, lineterminator="\n")
    _put(folder / "tables" / f"{stem}.csv", csv)
    _put(folder / "tables" / f"{stem}.md", f"{made.to_markdown()}\n")
    cells = [[{"text": c, "tone": _tone(h, c)} for h, c in zip(header, row, strict=True)] for row in rows]
    return {
        "name": name,
        "header": [h.replace("_", " ") for h in header],
        "rows": cells,
        "csv": f"tables/{stem}.csv",
        "markdown": f"tables/{stem}.md",
    }


def _tone(column: str, text: str) -> str:
    """How a cell is set: numbers to the right, verdicts in colour."""
    if "verdict" in column.lower():
        said = text.lower()
        return "bad" if said.startswith(BAD) else "maybe" if said.startswith(MAYBE) else "good" if said == GOOD else ""
    return "number" if re.fullmatch(r"[-+]?[\d,.]+(e[+-]\d+)?%?|n/a", text) else ""


def _pictures(pages: list[Page], folder: Path) -> list[dict]:
    """The first chart of each page for the index: a PNG where one can be made, else the live chart."""
    first = [(page, page.charts[0]) for page in pages if page.charts]
    made = pictures.pngs([chart["figure"] for _, chart in first])
    drawn = []
    for number, ((page, chart), png) in enumerate(zip(first, made, strict=True)):
        file = f"pictures/{_slug(page.stem)}.png" if png else ""
        if png:
            _put(folder / file, base64.b64decode(png))
        drawn.append(
            {
                "id": f"chart-{number}",
                "json": chart["json"],
                "title": chart["title"],
                "file": file,
                "page": quote(page.file),
            }
        )
    return drawn


def _entry(page: Page, path: Path, folder: Path) -> dict:
    inside = path.resolve().is_relative_to(folder.resolve())
    source = quote(path.resolve().relative_to(folder.resolve()).as_posix()) if inside else ""
    return {"file": quote(page.file), "title": page.title, "answer": page.answer, "error": page.error, "source": source}


def _rendered(template: str, **what) -> str:
    return environment().get_template(template).render(**what)


def _markup(html: str):
    from markupsafe import Markup

    return Markup(html)


def _plotly_js() -> bytes:
    """plotly.js as the installed plotly brings it; found without importing plotly."""
    package = Path(importlib.util.find_spec("plotly").origin).parent
    return (package / "package_data" / "plotly.min.js").read_bytes()


def _put(path: Path, content: str | bytes) -> Path:
    """Write a file whole or not at all."""
    part = path.with_name(f".part-{os.getpid()}-{path.name}")
    try:
        part.write_bytes(content.encode() if isinstance(content, str) else content)
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "table"
