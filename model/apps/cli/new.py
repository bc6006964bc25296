"""`workbook new`: a first file for one's own app, from eight questions or an example app."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from model import checks, paths

Start = StrEnum("Start", "blank chat delivery dashboard")  # what a first file may start from
QUESTIONS = {  # what is asked: name -> words, what holds where nothing is said
    "users": ("How many people use the app in a month", "10000"),
    "region": ("In which AWS region does it run", "us-east-1"),
    "event": ("What must people be told (one word)", "message"),
    "per_day": ("How many of these does one user cause on an active day", "10"),
    "recipients": ("How many users are told of one", "3"),
    "online": ("Which share of them is in the app at that moment, 0 to 1", "0.3"),
    "payload": ("How many bytes has one", "250"),
    "period_s": ("Every how many seconds does, or would, the app poll", "10"),
}


def new(
    name: Annotated[str, typer.Argument(help="A name for the app; the file is NAME.yaml in this folder.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is proposed.")] = False,
    start: Annotated[Start, typer.Option("--from", help="An example app; blank asks eight questions.")] = Start.blank,
) -> None:
    """Write a first file for your own app, from eight questions or an example app, and show its table."""
    from model.apps.cli.tables import table
    from model.apps.notebooks import write_whole
    from model.parts.fields import NAME
    from model.scenario import load

    if not re.fullmatch(NAME, name):
        checks.fail(f"a name must be letters, digits, '_', '-' or '.'; got {checks.shown(name)}")
    path = Path(f"{name.removesuffix('.yaml')}.yaml")
    if path.exists():
        checks.fail("the file is there already; choose another name", path)
    if start is Start.blank:
        said = {key: default if yes else typer.prompt(words, default) for key, (words, default) in QUESTIONS.items()}
        form = paths.data("scenarios", "new.txt").read_text(encoding="utf-8")
        text = form.format(name=path.name, title=path.stem.replace("_", " "), **said)
    else:
        text = paths.data("scenarios", f"{start}.yaml").read_text(encoding="utf-8").partition("\n")[2]
        text = re.sub("(?m)^title: .*", f"title: {path.stem.replace('_', ' ')}", text)
    try:
        write_whole(path, text)
        load(path)
    except OSError as wrong:
        checks.fail(f"the file cannot be written: {str(wrong.strerror).lower()}", path)
    except checks.InputError:
        path.unlink()  # nothing is left behind that could not be read
        raise
    typer.echo(f"{path} is yours to change; then: workbook table {path}\n")
    table([str(path)])
