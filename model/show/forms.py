"""A table in HTML, in Markdown and as JSON can hold it."""

from __future__ import annotations

import html
import math


def as_html(header: list[str], rows: list[list[str]], looks: list[str]) -> str:
    """Head and body of a table in HTML, every text escaped; `looks` is what stands in a column's tags."""

    def line(cells: list[str], tag: str) -> str:
        marked = (f"<{tag}{look}>{html.escape(c)}</{tag}>" for c, look in zip(cells, looks, strict=True))
        return f"<tr>{''.join(marked)}</tr>"

    body = "".join(f"{line(row, 'td')}\n" for row in rows)
    return f"<thead>{line(header, 'th')}</thead>\n<tbody>\n{body}</tbody>"


def as_markdown(header: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown; bars, tags and line ends in a text are made harmless."""

    def line(cells: list[str]) -> str:
        safe = (html.escape(c, quote=False).replace("|", "\\|").replace("\n", " ") for c in cells)
        return f"| {' | '.join(safe)} |"

    return "\n".join(line(cells) for cells in (header, ["---"] * len(header), *rows))


def without_infinities(table):
    """A table as JSON can hold it: where a figure is infinite there is none, and `notes` says what it means."""
    flat = table.reset_index()
    late = flat.select_dtypes("number").map(math.isinf)
    if not late.to_numpy().any():
        return flat
    said = ["; ".join(f"{c} not in this session" for c in late.columns if row[c]) for _, row in late.iterrows()]
    return flat.assign(notes=said)
