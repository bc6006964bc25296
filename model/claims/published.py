"""Published claims: what documents promise, each judged by how far the model's figures are from it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from model import checks, paths
from model.claims.reading import MEASURES, UNITS, Figure, figures_of
from model.claims.units import conversion
from model.scenario import read_yaml
from model.show import display

__all__ = ["by_measure", "figures", "gain", "miss", "names", "premise", "read", "shown_range", "verdict"]

SLACK = 0.05  # a figure within 5 % of a claimed one counts as meeting it
PREMISE = ("active_hours_per_month", "users")


def names() -> list[str]:
    """The claims files that come with the project."""
    return sorted(p.stem for p in paths.data("claims").glob("*.yaml"))


def _path_of(name: str | Path) -> Path:
    if str(name).endswith((".yaml", ".yml")):
        if not Path(name).is_file():
            checks.fail(f"no claims file at {str(name)!r}")
        return Path(name)
    checks.known("claims file", str(name), names())
    return paths.data("claims", f"{name}.yaml")


@functools.lru_cache(maxsize=32)
def _content(path: Path, changed_ns: int) -> tuple[Mapping, tuple[Figure, ...]]:
    content, place = read_yaml(path), paths.shown(path)
    if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
        checks.fail("a claims file must be a mapping with a list of claims", place)
    for key in content:
        checks.known("key", key, ("name", "title", "premise", "claims", "changes"), place)
    told = content.get("premise") or {}
    if not isinstance(told, dict):
        checks.fail(f"premise must be a mapping of {' and '.join(PREMISE)}; got {checks.shown(told)}", place)
    for key in told:
        checks.known("key of the premise", key, PREMISE, place)
        checks.positive(f"premise.{key}", told[key], "", place)
    _check_changes(content.get("changes") or {}, place)
    return content, figures_of(content["claims"], place)


def _check_changes(changes, place: str) -> None:
    if not isinstance(changes, dict):
        checks.fail(f"changes must be a mapping of names to lists of paths; got {checks.shown(changes)}", place)
    for name, patterns in changes.items():
        if not isinstance(patterns, list) or not all(isinstance(one, str) for one in patterns):
            checks.fail(f"change {name!r} must be a list of paths; got {checks.shown(patterns)}", place)


def read(name: str | Path) -> Mapping:
    """The claims of a file in `data/claims`, or of a path that ends in .yaml."""
    path = _path_of(name)
    return _content(path, path.stat().st_mtime_ns)[0]


def figures(name: str | Path) -> tuple[Figure, ...]:
    """Every published figure of a claims file: one for each side of each claim.

    Parameters
    ----------
    name : str or pathlib.Path, name or path of a claims file

    Returns
    -------
    tuple of Figure, in the order of the file

    Raises
    ------
    InputError, as `read` does

    Examples
    --------
    >>> [f.key for f in figures("twilly")][:3]
    ['latency.before', 'latency.after', 'latency.improvement']
    """
    path = _path_of(name)
    return _content(path, path.stat().st_mtime_ns)[1]


def _table_claim(claim: Mapping, told: list[Figure]) -> dict:
    """A claim as the table reads it: sides in the measure's unit, or as told where it has another."""
    out = {k: claim[k] for k in ("id", "measure", "text", "users") if k in claim}
    for one in told:
        if one.side == "improvement":
            out["improvement"] = {"low": one.low, "high": one.high, "as": one.gain}
        elif one.side in ("before", "after"):
            factor = conversion(one.unit, UNITS[claim["measure"]])
            out[one.side] = (
                {"told": f"{_number(one.low)} {one.unit}"}
                if factor is None
                else {"low": one.low * factor, "high": one.high * factor}
            )
    return out


def by_measure(name: str | Path | None) -> dict:
    """The first claim on each measure that promises an improvement; none where there is no claims file.

    Parameters
    ----------
    name : str, pathlib.Path or None, A claims file

    Returns
    -------
    dict of str to dict, {measure: claim}, its sides in the unit of the measure
    """
    found: dict = {}
    for claim in read(name)["claims"] if name else ():
        told = [f for f in figures(name) if f.id == str(claim["id"])]
        whole = not claim.get("flows") and not claim.get("meters")
        if claim.get("improvement") and whole and claim["measure"] in MEASURES:
            found.setdefault(claim["measure"], _table_claim(claim, told))
    return found


def _number(value: float) -> str:
    return display.number(value, 6)


def shown_range(span: Mapping | None) -> str:
    """A claimed range in words: one number, "up to" a number, or from-to; empty where nothing is claimed."""
    if not span:
        return ""
    if "told" in span:
        return str(span["told"])
    low, high = span["low"], span["high"]
    if low == high:
        return _number(low)
    return f"up to {_number(high)}" if low == 0 else f"{_number(low)} to {_number(high)}"


def miss(value: float, low: float, high: float) -> float:
    """How many times a value lies outside a range; 1 inside it, and within 5 % of its ends."""
    if value > high + SLACK * abs(high):
        return value / high if high > 0 else float("inf")
    if value < low - SLACK * abs(low):
        return low / value if value > 0 else float("inf")
    return 1.0


def gain(before, after, kind: str):
    """The improvement from before to after in a claim's own terms."""
    import numpy as np

    before, after = np.asarray(before, dtype=float), np.asarray(after, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(before / after if kind == "times" else 1.0 - after / before)


def _gain_words(before: float, after: float, claim: Mapping) -> str | None:
    """What is short of the claimed improvement; None where it is reached."""
    wanted = claim["improvement"]
    found = float(gain(before, after, wanted["as"]))
    if wanted["as"] == "times":
        if found >= wanted["low"] * (1.0 - SLACK):
            return None
        return f"{display.number(found, 3)} times, not {display.number(wanted['low'], 3)}"
    if found >= wanted["low"] - SLACK / 10.0:
        return None
    return f"{found:.0%} less, not {wanted['low']:.0%}" if found >= 0 else f"{-found:.0%} more, not less"


def verdict(before: float, after: float, claim: Mapping | None) -> str:
    """Whether a claim holds for a pair of figures, in words that name what is off and by how much."""
    if claim is None:
        return ""
    off = []
    for side, value in (("before", before), ("after", after)):
        span = claim.get(side)
        if span and "told" not in span:
            times = miss(value, span["low"], span["high"])
            if times > 1.0:
                way = "higher" if value > span["high"] else "lower"
                off.append(
                    f"{side} is {display.number(times, 2)} times {way}"
                    if times < float("inf")
                    else f"{side} is {display.number(value, 3)}"
                )
    short = _gain_words(before, after, claim)
    if short:
        off.append(short)
    return "does not hold: " + ", ".join(off) if off else "holds"


def premise(scenario, name: str | Path | None = None):
    """The scenario under a claims file's own premise: its users, active all the hours it counts with."""
    name = name or scenario.claims
    if not name:
        checks.fail("a scenario must name its claims to be judged by them; got none", scenario.place)
    told = read(name).get("premise") or {}
    changes = {"users": told["users"]} if "users" in told else {}
    if "active_hours_per_month" in told:
        day_s = told["active_hours_per_month"] * 3600.0 / scenario.billing.month_days
        if day_s > 86400.0 * (1.0 + 1e-9):
            checks.fail(
                "premise.active_hours_per_month must be at most the hours of the month, "
                f"{checks.shown(scenario.billing.month_days * 24.0)}; got "
                f"{checks.shown(told['active_hours_per_month'])}",
                paths.shown(_path_of(name)),
            )
        changes |= {
            "usage.dau_mau_share": 1.0,
            "usage.sessions_per_day": 1.0,
            "usage.session_mean_s": min(day_s, 86400.0),
            "usage.session_sigma_ln": 0.0,
        }
    return scenario.with_(changes) if changes else scenario
