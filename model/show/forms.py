"""A table in HTML, in Markdown, as CSV and as JSON can hold it; no text of a user does anything in any of them."""

from __future__ import annotations

import html
import math
import re

from model.checks import inert

ACTIVE = re.compile(r"[`*\[~|]|(?<![^\W_])_|_(?![^\W_])")  # what marks something in Markdown
FORMULA = re.compile(r"[=+\-@](?!\.?\d[\d.,]*%?$)|[\t\r]")  # how a formula begins in a spreadsheet; a number is none


def as_html(header: list[str], rows: list[list[str]], looks: list[str]) -> str:
    """Head and body of a table in HTML, every text escaped; `looks` is what stands in a column's tags."""

    def line(cells: list[str], tag: str) -> str:
        marked = (f"<{tag}{look}>{html.escape(inert(c))}</{tag}>" for c, look in zip(cells, looks, strict=True))
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(f"{line(row, 'td')}\n" for row in rows)
    return f"<thead>{line(header, 'th')}</thead>\n<tbody>\n{body}</tbody>"


def as_markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; bars, tags and line ends in a text are made harmless."""

    def line(cells: list[str]) -> str:
        return f"| {' | '.join(map(markdown, cells))} |"

    return "\n".join([line(header), f"| {' | '.join(['---'] * len(header))} |", *map(line, rows)])


def quiet(inside: str) -> str:
    """The class that keeps a notebook from reading money, `$5 to $6`, as a formula; none where there is no dollar."""
    return ' class="tex2jax_ignore mathjax_ignore"' if "$" in inside or "\\" in inside else ""


def as_note(note: str) -> str:
    """A sentence below a table in HTML."""
    return f"<p{quiet(note)}>{html.escape(inert(note))}</p>"


def markdown(text: str) -> str:
    """A text that Markdown shows as it stands; a dollar or backslash in a tag of its own begins no formula."""
    safe = html.escape(inert(text).replace("\n", " "), quote=False).replace("\\", "\\\\")
    return re.sub(r"\$|\\\\", r"<span>\g<0></span>", ACTIVE.sub(r"\\\g<0>", safe))


def as_csv(table, **how) -> str:
    """A table as CSV; a text that a spreadsheet would take for a formula begins with an apostrophe."""

    def safe(cell):
        if not isinstance(cell, str):
            return cell
        return f"'{inert(cell)}" if FORMULA.match(cell) else inert(cell)

    plain = table.apply(lambda column: column if column.dtype.kind in "biufc" else column.map(safe))
    return plain.rename(index=safe, columns=safe).to_csv(lineterminator="\n", **how)


def without_infinities(table):
    """A table as JSON can hold it: where a figure is infinite there is none, and `notes` says what it means."""
    flat = table.reset_index()
    late = flat.select_dtypes("number").map(math.isinf)
    if not late.to_numpy().any():
        return flat
    said = ["; ".join(f"{c} not in this session" for c in late.columns if row[c]) for _, row in late.iterrows()]
    return flat.assign(notes=said)
