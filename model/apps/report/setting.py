"""How a page is set: headings and contents, code that unfolds, formulas, tables that scroll, links between pages."""

from __future__ import annotations

import html
import itertools
import re
from collections.abc import Iterable

FORMULA = re.compile(r"\$\$(.+?)\$\$|\$(?=\S)([^$\n]+?)(?<=\S)\$(?!\d)", re.S)
FORMULA_PLACE = "formula-placeholder-{}-end"
HEADING = re.compile(r"<p><strong>([^<]{3,120}?)([.:?])</strong>\s*(.*?)</p>", re.S)
CODE = re.compile(r'(<div class="[^"]*\bhighlight\b.*?</pre>\s*</div>)', re.S)
NOTEBOOK_LINK = re.compile(r'<a href="([\w-]+)\.(?:ipynb|md)(#[\w-]+)?">(.*?)</a>', re.S)


def take_formulas(notebook) -> list[str]:
    """Take the formulas out of a notebook's texts, leaving a mark in the place of each; as MathML."""
    from latex2mathml.converter import convert

    found: list[str] = []

    def marked(match: re.Match) -> str:
        text = match[1] or match[2]
        if re.search(r"[<>&]", text):  # what would be a tag on the page stays a text
            return match[0]
        try:
            made = convert(text, display="block" if match[1] else "inline")
            frame = f'<span class="formula" tabindex="0" role="region" aria-label="Formula {len(found) + 1}">'
            found.append(f"{frame}{made}</span>" if match[1] else made)
        except Exception:  # no formula after all: the text stands as it is
            return match[0]
        return FORMULA_PLACE.format(len(found) - 1)

    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            parts = re.split(r"(`[^`]*`)", cell.source)  # what stands in backticks is no formula
            cell.source = "".join(p if p.startswith("`") else FORMULA.sub(marked, p) for p in parts)
    return found


def with_headings(page: str) -> tuple[str, list[tuple[str, str]]]:
    """The page with a heading where a paragraph begins in bold, and the contents: address and text of each."""
    contents: list[tuple[str, str]] = []

    def heading(match: re.Match) -> str:
        text, mark, rest = match[1].strip(), match[2], match[3].strip()
        contents.append((f"part-{len(contents) + 1}", html.unescape(text) + ("?" if mark == "?" else "")))
        place, shown = contents[-1][0], text + ("?" if mark == "?" else "")
        return f'<h2 id="{place}">{shown}</h2>' + (f"<p>{rest[:1].upper()}{rest[1:]}</p>" if rest else "")

    page = re.sub(r"<h2>([\w -]+)</h2>", lambda m: f'<h2 id="{m[1].replace(" ", "-")}">{m[1]}</h2>', page)  # glossary
    return HEADING.sub(heading, page), contents


def with_folded_code(page: str) -> str:
    """The page with each cell's code behind a line that unfolds it; the parameters stay open."""

    def folded(match: re.Match) -> str:
        said = html.unescape(re.sub(r"<[^>]*>", "", match[1])).strip()
        open_, name = (" open", "Parameters") if re.match(r"\w+: \w+ = .+  # ", said) else ("", "Show the code")
        return f'<details class="code"{open_}><summary>{name}</summary>{match[1]}</details>'

    return CODE.sub(folded, page)


def with_scrolling_tables(page: str) -> str:
    """The page with each table in a frame of its own, which the keyboard scrolls; no table head is empty."""
    numbers = itertools.count(1)

    def framed(match: re.Match) -> str:
        label = f"Table {next(numbers)}"
        return f'<div class="scroll" tabindex="0" role="region" aria-label="{label}">{match[0]}</div>'

    page = re.sub(r"<td>([-+\d.,e]+ \([-+\d.,e]+ to [-+\d.,e]+\))</td>", r'<td class="number">\1</td>', page)
    page = re.sub(r"<table\b.*?</table>", framed, page, flags=re.S)
    return re.sub(r"<th\b([^>]*)></th>", r"<td\1></td>", page)


def with_links(page: str, stems: Iterable[str]) -> str:
    """The page with links to other notebooks as links to their pages; where the report has no such page, as text."""
    there = {*stems}
    return NOTEBOOK_LINK.sub(lambda m: f'<a href="{m[1]}.html{m[2] or ""}">{m[3]}</a>' if m[1] in there else m[3], page)
