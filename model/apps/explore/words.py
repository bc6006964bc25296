"""What the last move changed, and why, in words: differences of the table and of its parts by flow."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model import outcome as results
from model.apps.explore.controls import text_of
from model.apps.explore.state import State
from model.show import display

__all__ = ["changed_words", "reason_words"]

LEAST = 0.001  # a share of a figure below which nothing is said of it
CALLED = {
    "notification latency p50": "the median latency",
    "notification latency p95": "the latency of the slowest 5 %",
    "battery": "battery",
    "mobile data": "mobile data",
    "server load": "server load",
    "cost": "the bill",
}
SIDES = {"before": "with polling", "after": "with push"}


def _relative(old: float, new: float) -> float:
    if old == new or not (np.isfinite(old) and np.isfinite(new)):
        return 0.0
    return (new - old) / abs(old) if old else np.inf


def moves(old: results.Outcome, new: results.Outcome) -> list[tuple[str, str, float, float]]:
    """Row, side, old and new figure of everything that changed, the largest relative change first."""
    found = []
    for row in results.ROWS:
        pairs = zip(("before", "after"), old.values(row), new.values(row), strict=True)
        found += [(row, side, float(a[0, 0]), float(b[0, 0])) for side, a, b in pairs]
    found = [m for m in found if abs(_relative(m[2], m[3])) > LEAST]
    return sorted(found, key=lambda m: -abs(_relative(m[2], m[3])))


def _percent(old: float, new: float) -> str:
    change = _relative(old, new)
    if not np.isfinite(change):
        return "from nothing"
    if change > 3.0:
        return f"{1.0 + change:,.3g} times"
    return f"by {abs(change):.1%}" if abs(change) < 0.1 else f"by {abs(change):.0%}"


def _told(row: str, side: str, old: float, new: float) -> str:
    unit = results.ROWS[row][2]
    way = "rises" if new > old else "falls"
    return (
        f"{CALLED[row]} {SIDES[side]} {way} {_percent(old, new)}, from {display.number(old, 3)}"
        f" to {display.number(new, 3)} {unit}"
    )


def _settings(old: State, new: State) -> str:
    """The controls that differ, with both values."""
    if old.name != new.name:
        return f"Scenario {Path(new.name).stem} in the place of {Path(old.name).stem}"
    moved = [k for k in new.values if new.values[k] != old.values[k]]
    told = [
        f"{new.controls[k].label} from {text_of(new.controls[k], old.values[k])}"
        f" to {text_of(new.controls[k], new.values[k])}"
        for k in moved
    ]
    if len(told) > 3:
        return f"{len(told)} controls changed"
    return " and ".join(told) or "Nothing was moved"


def changed_words(old: State, new: State, before: results.Outcome, after: results.Outcome) -> str:
    """What a move did to the figures, the largest changes first.

    Parameters
    ----------
    old, new : State, the controls before and after the move
    before, after : compare.Outcome, the outcomes of both states

    Returns
    -------
    str, one or two sentences
    """
    found = moves(before, after)
    if not found:
        return f"{_settings(old, new)}: no figure moves by more than 0.1 %."
    first, rest = found[0], found[1:3]
    text = f"{_settings(old, new)}: {_told(*first)}"
    if rest:
        text += "; " + "; ".join(_told(*one) for one in rest)
    others = len(found) - 1 - len(rest)
    more = f" {others} more {'figure moves' if others == 1 else 'figures move'}." if others else ""
    return f"{text}.{more}"


def prepared(before: results.Outcome, after: results.Outcome, step: int) -> None:
    """Work out one of the two sets of parts that the reason needs, so that it comes in short steps."""
    found = moves(before, after)
    if found:
        row, side, *_ = found[0]
        getattr((before, after)[step], side).parts(results.ROWS[row][0])


def reason_words(before: results.Outcome, after: results.Outcome) -> str:
    """Why the figure that a move changed most changed: its parts by flow, its formula, what moves it most.

    Parameters
    ----------
    before, after : compare.Outcome, the outcomes before and after the move

    Returns
    -------
    str, two sentences; empty where nothing moved
    """
    found = moves(before, after)
    if not found:
        return ""
    row, side, old, new = found[0]
    measure, _, unit = results.ROWS[row]
    parts = [getattr(o, side).parts(measure) for o in (before, after)]
    told = _parts(parts, unit)
    explained = after.explain(measure)
    movers = ", ".join(_called(m) for m in explained["movers"])
    called = "mean latency" if measure == "latency" else CALLED[row].removeprefix("the ")
    return (
        f"Why, {called} {SIDES[side]}: {told}. Worked out as {explained['formula']}; the inputs whose"
        f" ranges move the saving most: {movers}."
    )


def _called(name: str) -> str:
    """An input's path as words."""
    last = [part for part in name.split(".") if part not in ("ledger", "both")]
    return " ".join(last).replace("_", " ")


def _parts(parts: list[dict], unit: str) -> str:
    """The flows whose part changed most, with the change of each."""
    names = dict.fromkeys([*parts[0], *parts[1]])
    change = {n: _scalar(parts[1].get(n, 0.0)) - _scalar(parts[0].get(n, 0.0)) for n in names}
    largest = sorted((n for n in change if change[n]), key=lambda n: -abs(change[n]))[:3]
    if not largest:
        return "no part of the mean changes, only how it is spread"
    return ", ".join(f"{n} {change[n]:+.3g}" for n in largest) + f" {unit}"


def _scalar(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])
