"""Options that several commands take, and user counts as people type them."""

from __future__ import annotations

import shutil
import textwrap
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from model import checks

Format = StrEnum("Format", "text md csv json html")  # how a table is written
ScenarioName = Annotated[str, typer.Argument(help="A name in data/scenarios, or a .yaml file.")]
Users = Annotated[list[str] | None, typer.Option("--users", "-u", help="Users in the month; several may follow.")]
Changes = Annotated[
    list[str] | None, typer.Option("--set", "-s", help="Another value: PATH=VALUE, such as before.api.backend=server.")
]
Region = Annotated[str | None, typer.Option(help="Another region (`workbook list regions`).")]
TimeoutMin = Annotated[float, typer.Option("--timeout", min=0.0, help="Minutes after which a run is ended.")]
OutDir = Annotated[Path, typer.Option("--out", "-o", help="Folder to write to.")]


def user_counts(texts: list[str] | None) -> list[float] | None:
    """User counts as typed, `1e4` and `10_000` included."""
    if not texts:
        return None
    counts = []
    for text in texts:
        try:
            counts.append(float(text.replace(",", "").replace("_", "")))
        except ValueError:
            checks.fail(f"--users must be a number > 0; got {checks.shown(text)}")
        checks.positive("--users", counts[-1], "users")
    return counts


def one_count(texts: list[str] | None, of: str) -> float | None:
    """The one user count that is asked for, or none; `of` says what takes no more."""
    counts = user_counts(texts)
    if counts and len(counts) > 1:
        checks.fail(f"{of} one user count; got {len(counts)}: {', '.join(f'{n:g}' for n in counts)}")
    return counts[0] if counts else None


def scenario_of(name: str, changes: list[str] | None = None, region: str | None = None):
    """The scenario of a command, with what its options change."""
    from model.documents import plain
    from model.scenario import load

    values: dict = {} if region is None else {"region": region}
    for text in changes or ():
        path, equals, value = text.partition("=")
        if not (equals and path.strip() and value.strip()):
            checks.fail(f"--set must be PATH=VALUE, such as users=5e4; got {checks.shown(text)}")
        values[path.strip()] = plain(value, f"--set {path.strip()}")
    return load(name).with_(values) if values else load(name)


def say(text: str) -> None:
    """Print a text of which no letter does anything in a terminal."""
    typer.echo(checks.inert(text))


def say_wrapped(text: str, indent: str = "  ") -> None:
    """Print a sentence in lines as wide as the terminal, its words whole."""
    width = shutil.get_terminal_size((100, 40)).columns
    whole = {"break_long_words": False, "break_on_hyphens": False}
    say(textwrap.fill(text, width, subsequent_indent=indent, **whole))
