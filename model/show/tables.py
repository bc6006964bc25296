"""Tables as text, Markdown, CSV, JSON and HTML, every number through one formatter."""

from __future__ import annotations

import sys

from model.show import display

__all__ = ["as_text", "show"]

PERCENT = ("change", "p_better")
NUMBERS = ("before", "after", "before_low", "before_high", "after_low", "after_high")


def _cell(column: str, value) -> str:
    if column in PERCENT:
        return f"{value:+.0%}" if column == "change" else f"{value:.0%}"
    if column in NUMBERS:
        return display.number(value, 3)
    return str(value)


def _rows(table) -> tuple[list[str], list[list[str]]]:
    flat = table.reset_index()
    if "users" in flat.columns:
        flat["users"] = [display.number(u, 6) for u in flat["users"]]
    columns = [c for c in flat.columns if not flat[c].eq("").all()]
    return columns, [
        [_cell(c, v) for c, v in zip(columns, row, strict=True)] for row in flat[columns].itertuples(index=False)
    ]


def as_text(table, form: str, title: str = "") -> str:
    """A table in one of the written forms."""
    import html

    if form == "csv":
        return table.to_csv(lineterminator="\n")
    if form == "json":
        return table.reset_index().to_json(orient="records", indent=1, double_precision=12) + "\n"
    columns, rows = _rows(table)
    if form == "md":
        lines = [columns, ["---"] * len(columns), *rows]
        return "\n".join("| " + " | ".join(c.replace("|", "\\|") for c in one) + " |" for one in lines) + "\n"
    head = "".join(f"<th>{html.escape(c)}</th>" for c in columns)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>\n" for row in rows)
    caption = f"<caption>{html.escape(title)}</caption>" if title else ""
    return f"<table>{caption}<thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table>\n"


def show(table, form: str, title: str = "") -> None:
    """Write a table to standard output; `text` is a box for a terminal."""
    if form != "text":
        sys.stdout.write(as_text(table, form, title))
        return
    from rich.console import Console
    from rich.table import Table

    columns, rows = _rows(table)
    box = Table(title=title, title_justify="left")
    for column in columns:
        box.add_column(
            column,
            justify="right" if column in (*NUMBERS, *PERCENT) else "left",
            overflow="fold",
            no_wrap=column in NUMBERS,
        )
    for row in rows:
        box.add_row(*row)
    wide = Console()
    Console(width=wide.width if wide.is_terminal else 140).print(box)
