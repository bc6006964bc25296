"""`workbook replay` and `calibrate`: files of one's own against a scenario."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model import checks
from model.apps.cli.options import Format, Users, user_counts

OwnScenario = Annotated[str, typer.Argument(help="A name in data/scenarios, or a .yaml file.")]


def one_count(users: list[str] | None) -> float | None:
    """The one user count that is asked for, or none."""
    counts = user_counts(users)
    if counts and len(counts) > 1:
        checks.fail(
            f"files are of one app and one user count; got {len(counts)}: {', '.join(f'{n:g}' for n in counts)}"
        )
    return counts[0] if counts else None


def replay(
    scenario: OwnScenario,
    events: Annotated[Path, typer.Argument(help="CSV: time, event, recipients (ids with spaces, or how many).")],
    sessions: Annotated[Path | None, typer.Option(help="CSV: user, start, end.")] = None,
    design: Annotated[list[str] | None, typer.Option(help="Names of designs; all where none is named.")] = None,
    users: Users = None,
    draws: Annotated[int, typer.Option(help="Resamples of the days.")] = 200,
    seed: Annotated[int, typer.Option(help="Seed of what is drawn.")] = 0,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text,
) -> None:
    """Replay your own events and sessions, one by one, through every design."""
    from model.calibration import replay as replayed
    from model.show import display

    found = replayed(scenario, events, sessions, one_count(users), draws, seed)
    days = found.record.days
    spread = f"resampled {draws:,} times" if draws and days > 1 else "one day has no interval" if days == 1 else "as is"
    title = f"{found.scenario.title}: {days} day{'s' * (days > 1)} of {events.name}, {spread}"
    display.show(found.designs(design), str(format), title=title)
