"""A table in HTML, in Markdown, as CSV and as JSON can hold it; no text of a user does anything in any of them."""

from __future__ import annotations

import html
import math
import re
from collections.abc import Mapping, Sequence

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


ENDINGS = {"s": "s", "j": "J", "w": "W", "usd": "USD", "per_s": "1/s", "bytes": "B", "pct": "%"}  # of a column's name
PLAIN = {"users": "-", "clients": "-", "p_better": "-", "p_best": "-"}  # columns, and what they count in
UNITS = frozenset("s J W USD B bytes % %/h 1/s MB users MB/h USD/month".split())


def headed(column: str, number: bool, units: str | Mapping[str, str] | None) -> str:
    """A column's name as a person is shown it, with its unit in brackets where it holds numbers; [-] has none.

    A name that says its unit keeps it: `tail_s` and `tail, s` are both shown as `tail [s]`.
    """
    if units is None or "[" in column or not column:
        return column
    name, _, unit = column.rpartition(", ")
    if unit in UNITS and name:
        return f"{name} [{'B' if unit == 'bytes' else unit}]"
    if not number:
        return column
    own = units.get(column) if isinstance(units, Mapping) else None
    end = next((e for e in sorted(ENDINGS, key=len, reverse=True) if column.endswith(f"_{e}")), "")
    if own is None and end:
        return f"{column.removesuffix(f'_{end}')} [{ENDINGS[end]}]"
    unit = own or PLAIN.get(column) or (units if isinstance(units, str) else units.get("", ""))
    return f"{column} [{unit}]" if unit else column


def folded(records: Sequence[Mapping], names: Sequence[str], least: float) -> list[dict]:
    """Rows that are less than a share of every column of numbers as one row, whose name says how many they are."""
    columns = [c for c, value in records[0].items() if c not in names and isinstance(value, (int, float))]
    sums = {c: sum(abs(r[c]) for r in records) for c in columns}
    small = [r for r in records if all(abs(r[c]) < least * sums[c] or not r[c] for c in columns)]
    if len(small) < 2:
        return [dict(r) for r in records]
    rest = {names[0]: f"{len(small)} more", **{c: sum(r[c] for r in small) for c in columns}}
    return [*(dict(r) for r in records if r not in small), {c: rest.get(c, "") for c in records[0]}]


def told_first(table):
    """A table of measures with the share told in time before all else, as a person is shown it."""
    if "measure" not in table.index.names:
        return table
    labels = list(table.index.get_level_values("measure"))
    users = list(table.index.get_level_values("users")) if "users" in table.index.names else [0] * len(labels)
    first = {count: users.index(count) for count in users}
    order = sorted(range(len(labels)), key=lambda k: (first[users[k]], not labels[k].startswith("told in time"), k))
    return table.iloc[order]
