"""The folder of a report: index, pages, tables as CSV and Markdown, pictures, plotly.js once."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from urllib.parse import quote, unquote

import numpy as np
from markupsafe import Markup

from model import checks, claims, paths
from model.answers import about, answer
from model.apps.notebooks import execute_all, write_whole
from model.apps.report.pages import ReportPage, as_run, environment, page_of
from model.apps.report.setting import with_links
from model.outcome import ROWS, Outcome, before_after, compare, evaluate, judged_twice
from model.scenario import Scenario, load, mode_of
from model.show import display, pictures
from model.show.forms import as_csv

NAMES = {
    "latency": "Not told within 10 s",
    "battery": "Battery",
    "data": "Mobile data",
    "load": "Server load",
    "cost": "Cost",
}


FRONT = {  # the three numbers of the first page: what they are, and how they are written
    "told in time 10 s": ("On the screen within 10 s, of all that is sent", "{} %"),
    "cost": ("The bill, a month", "${}"),
    "battery": ("Of a full battery, in an active hour", "{} %"),
}
SHOWN_DRAWS = 1024
FIRST, JUDGED = "Before and after", "The published claims, judged twice"
CLAIMED = ("claimed_before", "claimed_after", "verdict")  # stand in a table of their own, where there is one
ODDS = {"p_better": "odds", "p_best": "odds"}
NUMBER = re.compile(r"[-+]?[\d,.]+(e[+-]\d+)?%?( pts)?( \([-\d,.e]+ to [-\d,.e]+\))?|n/a")
CLAIMS_PAGE = "08_claims"  # left out where a scenario names no claims
FILES_PAGE = "11_calibrate"  # left out: it is about files, and a report has none
RECORD = ".report"  # lists the files of a report, which go when the next one is written into its folder


def write_report(scenario: str, users: float | None, out_dir: Path, notebooks: Sequence | None = None, **how) -> Path:
    """Run the notebooks on a scenario, as `execute_all` does, and write them, HTML pages with an index, and tables."""
    case = load(scenario)
    if users is not None:
        case = case.with_({"users": users})
    outcome, drawn = evaluate(case), evaluate(case, draws=SHOWN_DRAWS, designs=case.compared)
    tables = _tables(case, outcome)
    own = Path(scenario)
    parameters = {
        "scenario": str(own.resolve()) if own.suffix in (".yaml", ".yml") else scenario,
        "users": mode_of(case.users),
        "region": case.region,
    }
    out_dir = Path(out_dir)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        _clear(out_dir)
    except OSError as wrong:
        checks.fail(f"the folder cannot be written: {str(wrong.strerror).lower()}", out_dir)
    left_out = [FILES_PAGE] if case.claims else [FILES_PAGE, CLAIMS_PAGE]
    every = sorted(paths.notebooks().glob("[0-9][0-9]_*.ipynb"))
    notebooks = notebooks or [path for path in every if path.stem not in left_out]
    executed = execute_all(notebooks, parameters, out_dir / "notebooks", **how)
    there = [e.output for e in executed if e.output.exists()]
    for path in there:
        as_run(path, bool(case.claims))
    there.append(paths.notebooks("glossary.md"))
    lost = {e.notebook.stem: e.error for e in executed if not e.output.exists()}
    more = {
        "facts": _facts(case, outcome),
        "first": 1 + bool(case.claims or len(case.designs) > 2),
        "lost": lost,
        "said": answer(case).parts | {"why": [about(drawn, measure) for measure in ("latency", "cost")]},
        "figures": _figures(tables[FIRST]),
    }
    index = write(there, tables, out_dir, case.title, **more)
    broken = [e.error for e in executed if e.error]
    if broken:
        raise RuntimeError("; ".join(broken))
    return index


def _clear(folder: Path) -> None:
    """Take away what an older report wrote into the folder, and nothing else."""
    record = folder / RECORD
    for name in record.read_text(encoding="utf-8").splitlines() if record.is_file() else ():
        if (folder / name).resolve().is_relative_to(folder.resolve()):
            (folder / name).unlink(missing_ok=True)
    record.unlink(missing_ok=True)


def _tables(case: Scenario, outcome: Outcome) -> dict:
    """The tables that the report writes as files and shows first, by name."""
    tables = {FIRST: before_after(case, draws=SHOWN_DRAWS)}
    if len(case.designs) > 2:
        tables["All designs of the scenario"] = compare(case, draws=SHOWN_DRAWS)
    if case.claims:
        tables[JUDGED] = judged_twice(case)
    units = {measure: unit for measure, _, unit in ROWS.values()} | {"latency": "%"}
    for measure in claims.MEASURES:
        tables[f"{NAMES[measure]} by flow, {units[measure]}"] = outcome.by_flow(measure)
    return tables


def _figures(table) -> list[dict]:
    """The three numbers of the first page, each with what nine in ten draws lie between."""
    shown = []
    for row, (what, form) in FRONT.items():
        one = {"what": what}
        for side in ("before", "after"):
            middle, low, high = (display.number(table.loc[row, f"{side}{end}"], 3) for end in ("", "_low", "_high"))
            one |= {side: form.format(middle), f"{side}_range": f"({low} to {high})"}
        shown.append(one)
    return shown


def _facts(case: Scenario, outcome: Outcome) -> dict:
    """What the figures of the report are for."""
    life, users = outcome.before.traffic.life, mode_of(case.users)
    return {
        "before": case.before.title,
        "after": case.after.title,
        **{name.replace("_", " "): design.title for name, design in case.designs.items()},
        "users in the month": users,
        "active hours per user and month": float(np.ravel(life.active_s)[0]) / 3600.0 / users,
        "AWS region": case.region,
        "users near": case.users_near.place if case.users_near else "that region (assumed)",
        "list prices on": str(case.price_book().on),
    }


def write(
    executed: Iterable,
    tables: Mapping,
    out_dir,
    title: str,
    digits: int = 4,
    facts: Mapping | None = None,
    first: int = 2,
    said: Mapping[str, Sequence[str]] | None = None,
    figures: Sequence[Mapping] = (),
    lost: Mapping[str, str] | None = None,
) -> Path:
    """Write the pages of executed notebooks and an index with tables, verdicts and pictures before them.

    The pages load nothing from outside their folder. Every text is escaped, that of tables, titles
    and notebook outputs alike; scripts in a notebook's HTML are taken out. Of notebooks that are `lost`, which
    left no file, the index says why.
    """
    sources = [Path(p) for p in executed]
    stems = [p.stem for p in sources]
    twice = [stem for stem in stems if stems.count(stem) > 1]
    if twice:
        checks.fail(f"two notebooks are called {twice[0]}, and a report has one page of that name")
    folder = Path(out_dir)
    try:
        for name in ("tables", "pictures"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        pages = [page_of(p) for p in sources]
        less = CLAIMED if JUDGED in tables else ()
        shown = [_table(name, frame, folder, digits, less if name == FIRST else ()) for name, frame in tables.items()]
        for k, page in enumerate(pages):
            around = {"before": pages[k - 1] if k else None, "after": pages[k + 1] if k + 1 < len(pages) else None}
            body = Markup(with_links(page.body, stems))
            own = {"title": page.title, "charts": page.charts, "contents": page.contents, "body": body}
            write_whole(folder / page.file, _rendered("page.html.j2", **own, **around))
        drawn = _pictures(pages, folder)
        front = {**drawn[0], "id": "chart-front", "file": ""} if drawn else None
        if drawn:
            write_whole(folder / "plotly.min.js", pictures.plotly_js())
        entries = [_entry(page, source, folder) for page, source in zip(pages, sources, strict=True)]
        none = {"file": "", "answer": "", "source": ""}
        gone = [{**none, "title": stem, "error": f"failed: {why}"} for stem, why in (lost or {}).items()]
        index = _rendered(
            "index.html.j2",
            title=title,
            tables=shown[:first],
            more=shown[first:],
            front=front,
            pictures=drawn,
            said=said or {},
            figures=figures,
            draws=f"{SHOWN_DRAWS:,}",
            glossary="glossary" in stems,
            facts={k: display.number(v, 6) for k, v in (facts or {}).items()},
            pages=[*entries, *gone],
            charts=[*([front] if front else []), *(p for p in drawn if not p["file"])],
        )
        files = [page.file for page in pages] + [one[kind] for one in shown for kind in ("csv", "markdown")]
        files += [p["file"] for p in drawn if p["file"]] + [unquote(e["source"]) for e in entries if e["source"]]
        write_whole(folder / RECORD, "\n".join([*files, "plotly.min.js", "index.html"]))
        return write_whole(folder / "index.html", index)
    except OSError as error:
        checks.fail(f"cannot write the report to {folder}: {error.strerror}")


def _table(name: str, frame, folder: Path, digits: int, less: Sequence[str] = ()) -> dict:
    """A table for the index without some columns, written whole as CSV and Markdown on the way."""
    made = display.result(frame, name, digits)
    header, rows = made.cells()
    kept = [k for k, column in enumerate(header) if column not in less]
    header, rows = [header[k] for k in kept], [[row[k] for k in kept] for row in rows]
    csv, markdown = (f"tables/{_slug(name)}.{kind}" for kind in ("csv", "md"))
    index = list(made.index)
    write_whole(folder / csv, as_csv(frame, index=bool(index), index_label=index or None))
    write_whole(folder / markdown, f"{made.to_markdown()}\n")
    cells = [[{"text": c, "tone": _tone(h, c)} for h, c in zip(header, row, strict=True)] for row in rows]
    tones = ["number" if all(row[k]["tone"] in ("number", "") for row in cells) and any(row[k]["tone"] for row in cells)
             else "" for k in range(len(header))]  # fmt: skip
    shown = [{"text": ODDS.get(h, h.replace("_", " ")), "tone": t} for h, t in zip(header, tones, strict=True)]
    return {"name": name, "header": shown, "rows": cells, "csv": csv, "markdown": markdown, "notes": made.notes}


def _tone(column: str, text: str) -> str:
    """How a cell is set: numbers to the right, verdicts in colour."""
    if "verdict" not in column.lower():
        return "number" if NUMBER.fullmatch(text) else ""
    said = text.removeprefix("improvement ")
    if said.startswith("holds") or "it would hold" in said:
        return "good" if said == "holds" else "maybe"
    return "bad" if said.startswith("does not hold") or ";" in said else ""


def _pictures(pages: list[ReportPage], folder: Path) -> list[dict]:
    """The first chart of each page for the index: a PNG where one can be made, else the live chart."""
    charted = [page for page in pages if page.charts]
    pngs = pictures.pngs([page.charts[0]["figure"] for page in charted])
    drawn = []
    for number, (page, png) in enumerate(zip(charted, pngs, strict=True)):
        file = f"pictures/{_slug(page.stem)}.png" if png else ""
        if png:
            write_whole(folder / file, base64.b64decode(png))
        own = {"id": f"chart-{number}", "file": file, "page": quote(page.file)}
        drawn.append({**own, **{k: page.charts[0][k] for k in ("json", "title")}})
    return drawn


def _entry(page: ReportPage, path: Path, folder: Path) -> dict:
    inside = path.resolve().is_relative_to(folder.resolve())
    source = quote(path.resolve().relative_to(folder.resolve()).as_posix()) if inside else ""
    short = re.sub(r"^\d+_", "", page.stem).replace("_", " ")
    own = {"title": page.title, "answer": page.answer, "error": page.error}
    return {**own, "file": quote(page.file), "short": short, "source": source}


def _rendered(template: str, **what) -> str:
    return environment().get_template(template).render(**what)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_") or "table"
