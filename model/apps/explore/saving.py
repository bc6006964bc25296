"""A state written as a scenario file that starts from its own and names only what differs."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

from model import checks, paths
from model import scenario as scenarios
from model.apps.explore.state import State

__all__ = ["saved", "scenario_text"]

HEAD = "# Saved from the page; what is not named here is as in the scenario it extends."
NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"


def scenario_text(state: State, name: str) -> str:
    """The YAML of a scenario that extends the state's own with what was changed.

    Parameters
    ----------
    state : State, the values chosen
    name : str, the new scenario's name: letters, digits, '_', '-' or '.'

    Returns
    -------
    str, YAML that `load` reads back to the same numbers

    Raises
    ------
    InputError, A name that a scenario cannot have, or values that no scenario can have

    Examples
    --------
    >>> from model.explore import start
    >>> print(scenario_text(start("twilly", {"users": 500}), "small"), end="")
    # Saved from the page; what is not named here is as in the scenario it extends.
    extends: twilly
    name: small
    title: "Twilly Broadcaster: HTTP polling to WebSocket push, as documented (small)"
    users: 500.0
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if not re.fullmatch(NAME, name):
        checks.fail(
            "the name must begin with a plain letter or a digit and go on with at most 63 of them, '_', '-' or"
            f" '.'; got {name!r}"
        )
    made = state.scenario()
    plain: dict = {
        "extends": _origin(state.name),
        "name": name,
        "title": DoubleQuotedScalarString(f"{made.title} ({name})"),
    }
    for path, value in state.changes().items():
        here = plain
        *parents, last = path.split(".")
        for part in parents:
            here = here.setdefault(part, {})
        here[last] = value
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 4096
    yaml.dump(plain, out)
    return f"{HEAD}\n{out.getvalue()}"


def _origin(name: str) -> str:
    return name if name in scenarios.names() else str(Path(name).resolve())


def saved(state: State, name: str, folder: str | Path) -> Path:
    """The state as a file in a folder, whole or not at all; a file that is there is left alone."""
    name = name.strip().removesuffix(".yaml")
    text = scenario_text(state, name)
    path = Path(folder) / f"{name}.yaml"
    if name in scenarios.names():
        checks.fail(f"{name!r} is a scenario of the project; choose another name")
    if path.exists():
        checks.fail(f"a scenario called {name!r} is there already; choose another name", paths.shown(path))
    try:
        part = Path(folder) / f".part-{os.getpid()}-{name}.yaml"
        try:
            part.write_text(text, encoding="utf-8")
            os.replace(part, path)
        finally:
            part.unlink(missing_ok=True)
    except OSError as wrong:
        checks.fail(f"the scenario cannot be written: {str(wrong.strerror).lower()}", paths.shown(path))
    return path
