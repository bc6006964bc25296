"""`workbook new`: a first file for one's own app, from eight questions."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

from model import checks

TEXT = """\
# {name}: what the app is, and the designs that could serve it. Whatever stands here is yours; what does not is assumed,
# with a range, in the project's blank.yaml. A number may be a range: {{low: 5, mode: 20, high: 60}}.
title: {title}
# people active at least once in the month, and a region of `workbook prices list`
users: {users}
region: {region}

# sessions on a day on which somebody uses the app, and how long one lasts on average [s]
usage: {{sessions_per_day: {sessions}, session_mean_s: {session_s}}}

# what people must be told: sent by one user on an active day, users who are told of one, the share of them who are in
# the app at that moment, and its size [B]
events:
  {event}: {{per_active_day: {per_day}, recipients: {recipients}, online_share: {online}, payload_bytes: {payload}}}

# `workbook designs` lists those that come with the project; `like` starts from one, a name alone takes it as it is
designs:
  poll: {{like: poll_http_api, timers: {{poll: {{period_s: {period_s}}}}}}}
  push: websocket_api_gateway
  own_push: websocket_own_server
"""
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
ASSUMED = {"sessions": "{low: 1, mode: 3, high: 12}", "session_s": "{low: 72, mode: 600, high: 1308}"}


def new(
    name: Annotated[str, typer.Argument(help="A name for the app; the file is NAME.yaml in this folder.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take what is proposed.")] = False,
) -> None:
    """Write a first file for your own app from eight questions, and show its table."""
    from model.apps.cli.tables import table
    from model.apps.notebooks import write_whole
    from model.scenario import load
    from model.scenario.fields import NAME

    if not re.fullmatch(NAME, name):
        checks.fail(f"a name must be letters, digits, '_', '-' or '.'; got {name!r}")
    path = Path(f"{name.removesuffix('.yaml')}.yaml")
    if path.exists():
        checks.fail("the file is there already; choose another name", path)
    said = {key: default if yes else typer.prompt(words, default) for key, (words, default) in QUESTIONS.items()}
    text = TEXT.format(name=path.name, title=path.stem.replace("_", " "), **ASSUMED, **said)
    try:
        write_whole(path, text)
        load(path)
    except OSError as wrong:
        checks.fail(f"the file cannot be written: {str(wrong.strerror).lower()}", path)
    except checks.InputError:
        path.unlink()  # nothing is left behind that could not be read
        raise
    typer.echo(f"{path} is yours to change; then: workbook table {path}\n")
    table(str(path))
