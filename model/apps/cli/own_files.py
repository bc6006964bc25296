"""`workbook replay` and `calibrate`: files of one's own against a scenario."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from model import checks
from model.apps.cli.options import Format, Users, one_count, say

OwnScenario = Annotated[str, typer.Argument(help="A name in data/scenarios, or a .yaml file.")]
FILES = "files are of one app and"


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

    found = replayed(scenario, events, sessions, one_count(users, FILES), draws, seed)
    days = found.record.days
    spread = f"resampled {draws:,} times" if draws and days > 1 else "one day has no interval" if days == 1 else "as is"
    title = f"{found.scenario.title}: {days} day{'s' * (days > 1)} of {events.name}, {spread}"
    display.show(found.designs(design), str(format), title=title)


def calibrate(
    scenario: OwnScenario,
    files: Annotated[
        list[Path], typer.Argument(help="HAR, bill, CloudWatch export, access log, battery dump; gz or not.")
    ],
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Scenario file to write; else nothing is.")] = None,
    users: Users = None,
    design: Annotated[str | None, typer.Option(help="The design that runs today.")] = None,
    match: Annotated[
        list[str] | None, typer.Option(help="PART=TIMER: which timer asks a path with PART in it.")
    ] = None,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text,
) -> None:
    """Put what your own files say into a scenario: each input measured, narrowed, contradicted or not in them."""
    from model import calibration
    from model.apps.notebooks import write_whole
    from model.scenario import load
    from model.show import display

    said = dict(_pair(one) for one in match or ())
    mine = Path(scenario).resolve() if scenario.endswith((".yaml", ".yml")) else None
    if out is not None and (out.suffix not in (".yaml", ".yml") or out.resolve() == mine):
        checks.fail("-o must name a .yaml file that is not the scenario itself", out)
    found = calibration.calibrate(scenario, files, one_count(users, FILES), design, said)
    told = found.table[found.table["state"] != "not in these files"]
    columns = ["state", "was_low", "was_mode", "was_high", "low", "mode", "high", "n", "of", "file", "also"]
    if format is not Format.text:
        return display.show(found.table, str(format), title=f"{found.base.title}: what these files say")
    title = f"{found.base.title}: what these files say, 95 % intervals"
    display.show(told[columns[:8]], "text", title=title)
    for path, row in told.iterrows():
        count = f"{row['n']:,.0f} " if row["n"] == row["n"] else ""
        also = f", {row['also']}" if isinstance(row["also"], str) and row["also"] else ""
        say(f"{path}: {row['state']} from {count}{row['of']} ({row['file']}){also}")
    rest = found.table[found.table["state"] == "not in these files"]
    say(f"\nNot in these files: {len(rest)} inputs with a range. What would show them:")
    for file, rows in rest.groupby("also", sort=False):
        say(f"- {file}: {', '.join(rows.index)}")
    for line in (*found.remarks, *(finding for bill in found.bills for finding in bill.findings)):
        say(f"* {line}")
    for bill in found.bills:
        display.show(bill.table, "text", title=f"The month's bill at list price beside {bill.design} [USD]")
    if out is not None:
        base = scenario if mine is None else os.path.relpath(mine, out.resolve().parent)
        try:
            write_whole(out, found.text(base))
            load(out)
        except OSError as wrong:
            checks.fail(f"the file cannot be written: {str(wrong.strerror).lower()}", out)
        say(f"\n{out} is yours to change; then: workbook table {out}")


def _pair(text: str) -> tuple[str, str]:
    """PART=TIMER as its two sides."""
    part, sign, timer = text.partition("=")
    if not (part and sign and timer):
        checks.fail(f"--match must be PART=TIMER; got {checks.shown(text)}")
    return part, timer
