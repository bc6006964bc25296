"""Options that several commands take, and user counts as people type them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from model import checks

Format = StrEnum("Format", "text md csv json html")  # how a table is written
ScenarioName = Annotated[str, typer.Argument(help="A name in data/scenarios, or a .yaml file.")]
Users = Annotated[list[str] | None, typer.Option("--users", "-u", help="Users in the month; several may follow.")]
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
            checks.fail(f"--users must be a number > 0; got {text!r}")
        checks.positive("--users", counts[-1], "users")
    return counts
