"""Published claims: what documents promise, each judged by how far the model's figures are from it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from model import checks, paths
from model.claims.reading import MEASURES, UNITS, Figure, figures_of, plain_number
from model.claims.units import conversion
from model.scenario import Scenario, read_yaml, sampling
from model.show import display

SLACK = 0.05  # a figure within 5 % of a claimed one counts as meeting it
KEYS = ("name", "title", "premise", "claims", "changes")
PREMISE = ("active_hours_per_month", "users")


def _path_of(name: str | Path) -> Path:
    if str(name).endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            checks.fail(f"no claims file at {str(name)!r}")
        return Path(name)
    checks.known("claims file", str(name), sorted(p.stem for p in paths.data("claims").glob("*.yaml")))
    return paths.data("claims", f"{name}.yaml")


def _content(name: str | Path) -> tuple[Mapping, tuple[Figure, ...]]:
    path = _path_of(name)
    return _read(path, path.stat().st_mtime_ns)


@functools.lru_cache(maxsize=32)
def _read(path: Path, changed_ns: int) -> tuple[Mapping, tuple[Figure, ...]]:
    """A file's content, checked, and its figures; read again when the file has changed."""
    content, place = read_yaml(path), paths.shown(path)
    if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
        checks.fail("a claims file must be a mapping with a list of claims", place)
    for key in content:
        checks.known("key", key, KEYS, place)
    _check_premise(content.get("premise") or {}, place)
    _check_changes(content.get("changes") or {}, place)
    return content, figures_of(content["claims"], place)


def _check_premise(stated: Any, place: str) -> None:
    if not isinstance(stated, dict):
        checks.fail(f"premise must be a mapping of {' and '.join(PREMISE)}; got {checks.shown(stated)}", place)
    for key, value in stated.items():
        checks.known("key of the premise", key, PREMISE, place)
        checks.positive(f"premise.{key}", plain_number(f"premise.{key}", value, place), "", place)


def _check_changes(changes: Any, place: str) -> None:
    if not isinstance(changes, dict):
        checks.fail(f"changes must be a mapping of names to lists of paths; got {checks.shown(changes)}", place)
    for name, patterns in changes.items():
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            checks.fail(f"change {name!r} must be a list of paths; got {checks.shown(patterns)}", place)


def read(name: str | Path) -> Mapping:
    """The claims of a file in `data/claims`, or of a path that ends in .yaml."""
    return _content(name)[0]


def figures(name: str | Path) -> tuple[Figure, ...]:
    """Every published figure of a claims file: one for each side of each claim.

    Parameters
    ----------
    name : str or pathlib.Path, name or path of a claims file

    Returns: tuple of Figure, in the order of the file
    Raises: InputError, one sentence: no such file, or what is wrong with the claim that is wrong first

    Examples
    --------
    >>> [f.key for f in figures("twilly")][:3]
    ['latency.before', 'latency.after', 'latency.improvement']
    """
    return _content(name)[1]


def by_measure(name: str | Path | None) -> dict:
    """The first claim on each measure that promises an improvement; none where there is no claims file.

    Parameters
    ----------
    name : str, pathlib.Path or None, A claims file

    Returns: dict of str to dict, {measure: claim}, its sides in the unit of the measure
    """
    if not name:
        return {}
    chosen: dict[str, dict] = {}
    for claim in read(name)["claims"]:
        whole = not claim.get("flows") and not claim.get("meters")
        if claim.get("improvement") and whole and claim["measure"] in MEASURES:
            sides = [figure for figure in figures(name) if figure.id == str(claim["id"])]
            chosen.setdefault(claim["measure"], _table_claim(claim, sides))
    return chosen


def _table_claim(claim: Mapping, sides: list[Figure]) -> dict:
    """A claim as the table reads it: sides in the measure's unit, or as text where they measure another thing."""
    out = {key: claim[key] for key in ("id", "measure", "text", "users") if key in claim}
    for figure in sides:
        if figure.side == "improvement":
            out["improvement"] = {"low": figure.low, "high": figure.high, "as": figure.gain}
        elif figure.side in ("before", "after"):
            factor = conversion(figure.unit, UNITS[claim["measure"]])
            text = {"told": f"{display.number(figure.low, 6)} {figure.unit}"}
            out[figure.side] = {"low": figure.low * factor, "high": figure.high * factor} if factor else text
    return out


def shown_range(span: Mapping | None) -> str:
    """A claimed range in words: one number, "up to" a number, or from-to; empty where nothing is claimed."""
    if not span:
        return ""
    if "told" in span:
        return str(span["told"])
    low, high = (display.number(span[end], 6) for end in ("low", "high"))
    if span["low"] == span["high"]:
        return low
    return f"up to {high}" if span["low"] == 0 else f"{low} to {high}"


def holds(values, claimed: Mapping) -> np.ndarray:
    """Whether figures of the model bear a claimed one out, within its slack; an improvement may be larger."""
    values = np.asarray(values, dtype=float)
    if claimed.get("as") == "less":
        return values >= claimed["low"] - SLACK / 10.0
    enough = values >= claimed["low"] - SLACK * abs(claimed["low"])
    return enough if claimed.get("as") else enough & (values <= claimed["high"] + SLACK * abs(claimed["high"]))


def miss(value: float, claimed: Mapping) -> float:
    """How many times the model's figure and a claimed one are apart; 1 where it holds."""
    if bool(holds(value, claimed)):
        return 1.0
    if claimed.get("as") == "less":  # by what is left: 98 % less leaves twice as much as 99 %
        return (1.0 - value) / (1.0 - claimed["low"]) if claimed["low"] < 1.0 else np.inf
    above = not claimed.get("as") and value > claimed["high"]
    good, bad = (value, claimed["high"]) if above else (claimed["low"], value)
    return good / bad if bad > 0 else np.inf


def gain(before, after, kind: str) -> np.ndarray:
    """The improvement from before to after in a claim's own terms: so many times, or a share less."""
    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(before / after if kind == "times" else 1.0 - after / before)


def verdict(value: float, claimed: Mapping) -> str:
    """The one verdict on a claimed figure: holds, does not hold and how the two figures compare, or not judged."""
    if np.isnan(value):
        return "not judged: the model has no figure"
    if bool(holds(value, claimed)):
        return "holds"
    kind, low = claimed.get("as"), claimed["low"]
    if kind == "less":
        off = f"{abs(value):.0%} {'less' if value >= 0 else 'more'}, where {low:.0%} less is claimed"
    elif kind == "times":
        off = f"{display.number(value, 3)} times, where {display.number(low, 3)} times is claimed"
    elif (times := miss(value, claimed)) == np.inf:
        off = f"the model's figure is {display.number(value, 3)}"
    else:
        names = ("the model's figure", "the claim") if value > claimed["high"] else ("the claim", "the model's figure")
        off = f"{names[0]} is {display.number(times, 2)} times {names[1]}"
    return f"does not hold: {off}"


def row_verdict(before: float, after: float, claim: Mapping | None) -> str:
    """The verdicts on the sides of a claim in a line, the improvement first; one word where all of them hold."""
    if claim is None:
        return ""
    values = {"improvement": float(gain(before, after, claim["improvement"]["as"])), "before": before, "after": after}
    said = {side: verdict(value, claim[side]) for side, value in values.items() if "low" in (claim.get(side) or ())}
    if len({*said.values()}) == 1:  # that all hold, that there is nothing to judge, or a claim of one side
        return next(iter(said.values()))
    return "; ".join(f"{side} {words}" for side, words in said.items())


def premise(scenario: Scenario, name: str | Path | None = None) -> Scenario:
    """The scenario under a claims file's own premise: its users, active all the hours it counts with."""
    name = name or scenario.claims
    if not name:
        checks.fail(
            "a scenario must name its claims to be judged by them; got none (`claims: FILE.yaml`)", scenario.place
        )
    stated = read(name).get("premise") or {}
    changes = {"users": stated["users"]} if "users" in stated else {}
    if "active_hours_per_month" in stated:
        hours, days = stated["active_hours_per_month"], sampling.resolved(scenario).billing.month_days
        most = days * 24.0
        if hours > most * (1.0 + 1e-9):
            rule = f"must be at most the hours of the month, {checks.shown(most)}; got {checks.shown(hours)}"
            checks.fail(f"premise.active_hours_per_month {rule}", paths.shown(_path_of(name)))
        changes |= {
            "usage.dau_mau_share": 1.0,
            "usage.sessions_per_day": 1.0,
            "usage.session_mean_s": min(hours * 3600.0 / days, 86400.0),
            "usage.session_sigma_ln": 0.0,
        }
    return scenario.with_(changes) if changes else scenario
