"""The designs of a file in full, in plain content: copies made, what the app has laid under, every event brought."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from typing import Any

from model import checks, ledger, paths
from model.backends import row
from model.parts.fields import Part
from model.parts.serving import Function, Host, Server
from model.parts.transports import TRANSPORTS, Choices, HeldDesign, PollingDesign
from model.scenario.files import content_of, laid_over, without_nulls

PAIR = ("before", "after")
REPLACED = ("screens", "networks", "events", "actions", "overlays")  # of the blank's, when a file names them
NO_NAMES = ("best", "unit", "measure", "both", "designs", "like")
GONE = "gone"  # marks a design that a later file takes away: it may still be copied
ROLES = ("connect_function", "disconnect_function", "send_function")


class Anew(dict):
    """A design given as the name of another: it takes the place of what an extended file says, title and all."""


# ------------------------------------------------------------------------------------ files laid over files


def apart(content: dict, place: str) -> dict:
    """A file's content with `before` and `after` among its designs, and every design a mapping."""
    rest = {key: value for key, value in content.items() if key not in (*PAIR, "designs")}
    named = content.get("designs") or {}
    if not isinstance(named, dict):
        checks.fail(f"designs must be a mapping of designs by name; got {checks.shown(named)}", place)
    for name in PAIR:
        if name in content and name in named:
            checks.fail(f"{name} must stand once; it stands alone and under designs", place)
    top = {name: content[name] for name in PAIR if name in content}
    designs = {str(name): _plain(str(name), design, place) for name, design in {**top, **named}.items()}
    return {**rest, "designs": designs} if designs else rest


def _plain(name: str, design: Any, place: str) -> dict:
    if design is None:
        return {GONE: True}
    if isinstance(design, str):
        return Anew(like=design)
    if not isinstance(design, dict):
        checks.fail(f"{name} must be a mapping or the name of a design; got {checks.shown(design)}", place)
    return {**design, GONE: None}


def merged(base: dict, changes: dict, place: str, first: bool = False) -> dict:
    """One file's content laid over another's; the first file replaces the blank's collections by its own.

    What the base copies from a design that the file replaces keeps the old one's parts.
    """
    if first:
        base = {key: value for key, value in base.items() if key not in REPLACED or changes.get(key) is None}
    designs, over = dict(base.get("designs", {})), changes.get("designs", {})
    if any(isinstance(design, Anew) for design in over.values()):
        designs = {name: _copied(name, designs, place) for name in designs}
    for name, design in over.items():
        copied = designs.get(name, {})
        designs[name] = design if isinstance(design, Anew) else _on_top(copied, design)
    whole = laid_over(base, {key: value for key, value in changes.items() if key != "designs"})
    return {**whole, "designs": designs}


def _on_top(copied: dict, own: dict) -> dict:
    """A design laid over one that it starts from, of which another transport keeps only what it knows."""
    transport = own.get("transport") or copied.get("transport")
    if copied.get("transport") not in (None, transport) and transport in (*TRANSPORTS,):
        copied = {key: value for key, value in copied.items() if key in (*TRANSPORTS[transport].model_fields, GONE)}
    return laid_over(copied, own)


# ------------------------------------------------------------------------------------------------- in full


def in_full(content: dict, place: str) -> dict:
    """A merged content with every design complete, and nothing left of `like` and null."""
    drafts = content.get("designs", {})
    for name in drafts:
        _check_name(name, place)
    designs = {name: _copied(name, drafts, place) for name in drafts}
    kept = {name: design for name, design in designs.items() if not design.get(GONE)}
    if not kept:
        checks.fail("designs must hold at least one design; got none", place)
    app = without_nulls({key: value for key, value in content.items() if key != "designs"})
    whole = {name: _completed(name, without_nulls(design), app) for name, design in kept.items()}
    return {**app, "designs": whole}


def _check_name(name: str, place: str) -> None:
    if not re.fullmatch("[a-z][a-z0-9_]*", name):
        checks.fail(f"designs: a name must be small letters, digits and '_'; got {checks.shown(name)}", place)
    if name in NO_NAMES or name in Choices.model_fields:
        checks.fail(f"designs: a name must be no word with another meaning; got {checks.shown(name)}", place)


def _copied(name: str, drafts: dict, place: str, trail: tuple[str, ...] = ()) -> dict:
    """A design with what its `like` names copied under it: the file's own first, then the catalogue."""
    own = {key: value for key, value in drafts[name].items() if key != "like"}
    like = drafts[name].get("like")
    if like is None:
        return own
    if not isinstance(like, str):
        checks.fail(f"{name}.like must be the name of a design; got {checks.shown(like)}", place)
    if like in drafts and like != name:
        if like in trail:
            checks.fail(f"{name}.like must not lead back to itself; got {checks.shown(like)}", place)
        base = _copied(like, drafts, place, (*trail, name))
        dropped = (GONE,) if isinstance(drafts[name], Anew) else ("title", "own", GONE)
        return _on_top({key: value for key, value in base.items() if key not in dropped}, own)
    known = catalogue_names()
    if like not in known:
        others = [other for other in (*drafts, *known) if other != name]
        checks.fail(f"unknown design {checks.shown(like)} in {name}.like{checks.nearest(like, others)}", place)
    return _on_top(_from_catalogue(like), own)


def catalogue_names() -> list[str]:
    """The designs that come with the project."""
    return sorted(path.stem for path in paths.data("designs").glob("*.yaml"))


def catalogue():
    """The designs that come with the project: a scenario starts one of its own from them with `like: NAME`.

    Returns: pandas.DataFrame, index design; title, transport, who answers requests, who holds sockets, and what it is

    Examples
    --------
    >>> catalogue().loc["websocket_own_server", "sockets"]
    'server'
    """
    import pandas as pd

    rows = {}
    for name in catalogue_names():
        design, path = _from_catalogue(name), paths.data("designs", f"{name}.yaml")
        heading = itertools.takewhile(lambda line: line.startswith("#"), path.read_text("utf-8").splitlines())
        rows[name] = {
            "title": design["title"],
            "transport": design["transport"],
            "requests": design["api"]["backend"],
            "sockets": design.get("socket", {}).get("backend", ""),
            "about": " ".join(line.strip("# ") for line in heading),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def capabilities():
    """What each design that comes with the project can do, in words; the largest message is a figure of its backend.

    Returns: pandas.DataFrame, index design; resumes (is a client brought what it missed), ordering, largest_bytes [B]
    (infinite where it is one's own choice), browser, proxies, away (while the app is not on screen), runs (who does)

    Examples
    --------
    >>> float(capabilities().loc["pusher", "largest_bytes"])
    10240.0
    """
    import pandas as pd

    table = catalogue()
    held = table["sockets"].where(table["sockets"] != "", table["requests"])
    said = {(one["transport"], one["backend"]): one for one in ledger.read_csv(paths.data("capabilities.csv"))}
    rows = {}
    for name, key in zip(table.index, zip(table["transport"], held, strict=True), strict=True):
        one, backend = dict(said.get(key, {})), row(key[1])
        rows[name] = {**one, "largest_bytes": backend.limit(backend.most)}
    columns = ["resumes", "ordering", "largest_bytes", "browser", "proxies", "away", "runs"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).fillna("").rename_axis("design")


def _from_catalogue(name: str) -> dict:
    drafts = {one: content_of(paths.data("designs", f"{one}.yaml")) for one in catalogue_names()}
    return _copied(name, drafts, paths.shown(paths.data("designs")))


def _completed(name: str, design: dict, app: dict) -> dict:
    """A design with a title, what the app has for it, and an answer to how each event is brought."""
    whole = {"title": name.replace("_", " "), **design}
    for part, kind in (("api", Host), ("server", Server)):
        whole[part] = _under(whole.get(part), app.get(part), kind)
    mine, shared = whole.get("functions", {}), app.get("functions", {})
    if isinstance(mine, dict):
        wanted = {*mine, *(f for f in _functions_named(whole, app) if f in shared)}
        order = [f for f in (*mine, *shared) if f in wanted]
        whole["functions"] = {f: _under(mine.get(f), shared.get(f), Function) for f in dict.fromkeys(order)}
    return _bringing(whole, app.get("events"))


def _under(own: Any, shared: Any, kind: type[Part]) -> Any:
    """A part of a design with the app's laid under it where it lacks what must be there."""
    if own is None:
        return shared
    if not _mappings(own, shared):
        return own
    lacks = any(field.is_required() and key not in own for key, field in kind.model_fields.items())
    return laid_over(shared, own) if lacks else own


def _mappings(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def _named(parts: Any) -> Iterable[str]:
    return [part["function"] for part in parts if isinstance(part, dict) and isinstance(part.get("function"), str)]


def _functions_named(design: dict, app: dict) -> set[str]:
    """The functions that a design runs: its timers', the pull's, the heartbeats', the socket's and the actions'."""
    single = [design.get(key) for key in ("pull", "heartbeat", "second_heartbeat")]
    parts = [*_values(design.get("timers")), *_values(app.get("actions")), *single]
    socket = design.get("socket")
    roles = [socket[role] for role in ROLES if isinstance(socket.get(role), str)] if isinstance(socket, dict) else []
    return {*_named(parts), *roles}


def _values(parts: Any) -> list:
    return list(parts.values()) if isinstance(parts, dict) else []


def _bringing(design: dict, events: Any) -> dict:
    """A design that does not say what brings the events: a socket pushes them, or its first timer fetches them."""
    timers = design.get("timers", {})
    if not _mappings(timers, events) or not all(isinstance(timer, dict) for timer in timers.values()):
        return design
    listed = [timer["delivers"] for timer in timers.values() if isinstance(timer.get("delivers"), list)]
    fetched = list(itertools.chain(*listed))
    rest = [event for event in events if event not in fetched]
    if issubclass(TRANSPORTS.get(str(design.get("transport")), PollingDesign), HeldDesign):
        return design if "pushes" in design else {**design, "pushes": {event: {} for event in rest}}
    first = next((n for n, timer in timers.items() if "delivers" not in timer and not timer.get("overlay")), None)
    if first is None or not rest:
        return design
    return {**design, "timers": {**timers, first: {**timers[first], "delivers": rest}}}
