"""A table in a terminal: no wider than it, words whole, columns in blocks where they do not fit side by side."""

from __future__ import annotations

import os
from collections.abc import Sequence

from model.checks import inert

WIDTH = 100  # where the output is no terminal
MOST_NAME, MOST_CELL, GAP = 22, 22, 2  # characters that a name or a cell takes before it wraps, and between columns
ODDS = {"change": "p_better", "best": "p_best"}  # columns, and the share of draws in which they are right
CLAIMED = ("claimed_before", "claimed_after", "verdict")
Lines = tuple[list[str], list[list[str]]]


def show(header: Sequence[str], rows: Sequence[Sequence[str]], title: str, notes: Sequence[str]) -> None:
    """Print a table of texts, its title above and its notes below."""
    from rich.console import Console
    from rich.text import Text

    out = Console()
    if not (out.is_terminal or "COLUMNS" in os.environ):
        out = Console(width=WIDTH)
    header, rows = _users_across(*_with_odds(list(header), [list(row) for row in rows]))
    header, rows = _with_units(header, rows)
    header, rows, claimed = _claims_apart(header, rows)
    if title:
        out.print(Text(inert(title if rows else f"{title}: none"), "bold"))
    for block in _blocks(header, rows, out.width) if rows else ():
        out.print(_box([header[k] for k in block], [[row[k] for k in block] for row in rows]))
    for line in (*claimed, *notes):
        out.print(Text(inert(line)))


def _with_odds(header: list[str], rows: list[list[str]]) -> Lines:
    """A table with the share of draws behind what it is about, where that is not all of them."""
    for column, odds in ODDS.items():
        if column in header and odds in header:
            at, of = header.index(column), header.index(odds)
            for row in rows:
                row[at] += "" if row[of] in ("100%", "n/a") else f" ({row[of]} of draws)"
                del row[of]
            del header[of]
    return header, rows


def _users_across(header: list[str], rows: list[list[str]]) -> Lines:
    """A table of several user counts with a column a design and count, a row a measure."""
    if header[:2] != ["users", "measure"]:
        return header, rows
    counts, width = list(dict.fromkeys(row[0] for row in rows)), header.index("unit") + 1
    across: dict[str, list[str]] = {}
    for row in rows:
        across.setdefault(row[1], row[1:width]).extend(row[width:])
    names = [f"{name} {count}" if name not in CLAIMED else name for count in counts for name in header[width:]]
    kept = [k for k, name in enumerate(names) if name not in CLAIMED or k >= len(names) - len(header[width:])]
    return [*header[1:width], *(names[k] for k in kept)], [
        [*row[: width - 1], *(row[width - 1 + k] for k in kept)] for row in across.values()
    ]


def _with_units(header: list[str], rows: list[list[str]]) -> Lines:
    """A table of measures with each unit behind its name."""
    if header[:2] != ["measure", "unit"]:
        return header, rows
    return ["", *header[2:]], [[f"{row[0]} [{row[1]}]", *row[2:]] for row in rows]


def _claims_apart(header: list[str], rows: list[list[str]]) -> tuple[list[str], list[list[str]], list[str]]:
    """A table without its columns of claims, and a line for each measure that something is claimed of."""
    if not {*CLAIMED[:2]} & {*header}:  # a verdict alone is no claim's
        return header, rows, []
    said, figures = [], [k for k, name in enumerate(header) if name.partition(" ")[0] in ("before", "after")]
    for row in rows:
        one = dict(zip(header, row, strict=True))
        claimed = ", then ".join(one[name] for name in CLAIMED[:2] if one.get(name))
        if one["verdict"]:
            model = ", then ".join(row[k] for k in figures[-2:])
            said.append(f"{row[0]}: the document says {claimed}; the model {model}: {one['verdict']}.")
    kept = [k for k, name in enumerate(header) if name not in CLAIMED]
    return [header[k] for k in kept], [[row[k] for k in kept] for row in rows], said


def _widths(header: Sequence[str], rows: Sequence[Sequence[str]]) -> list[int]:
    """What each column takes: its longest cell, at most a limit, but never less than its longest word."""
    widths = []
    for k, name in enumerate(header):
        cells = [_words(name), *(row[k] for row in rows)]
        longest = max((len(word) for cell in cells for word in cell.split()), default=0)
        most = MOST_CELL if k else MOST_NAME
        widths.append(max(longest, min(most, max(len(row[k]) for row in rows)) if rows else 0))
    return widths


def _words(name: str) -> str:
    return name.replace("_", " ")


def _blocks(header: Sequence[str], rows: Sequence[Sequence[str]], width: int) -> list[list[int]]:
    """The columns of each block, its first column the names of the rows; as many side by side as fit."""
    first, *others = _widths(header, rows)
    blocks, used = [[0]], first
    for k, own in enumerate(others, start=1):
        if len(blocks[-1]) > 1 and used + GAP + own > width:
            blocks.append([0])
            used = first
        blocks[-1].append(k)
        used += GAP + own
    return blocks


def _box(header: Sequence[str], rows: Sequence[Sequence[str]]):
    """The rich table of one block: a line below the header, numbers to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(
        box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, GAP - 1, 0, 0), collapse_padding=True, show_edge=False
    )
    for k, (name, width) in enumerate(zip(header, _widths(header, rows), strict=True)):
        side = "right" if k and all(" " not in row[k] for row in rows) else "left"
        table.add_column(Text(inert(_words(name))), justify=side, overflow="fold", min_width=width, max_width=width)
    for row in rows:
        table.add_row(*(Text(inert(cell)) for cell in row))
    return table
