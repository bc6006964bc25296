"""Published claims: what documents promise, each judged by how far the model's figures are from it."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path

from model import checks, paths
from model.scenario import read_yaml

__all__ = ["by_measure", "names", "premise", "read", "verdict"]

MEASURES = ("latency", "battery", "data", "load", "cost")
SLACK = 0.05  # a figure within 5 % of a claimed one counts as meeting it


def names() -> list[str]:
    """The claims files that come with the project.

    Returns
    -------
    list of str
        Names in `data/claims`, sorted.
    """
    return sorted(p.stem for p in paths.data("claims").glob("*.yaml"))


@functools.cache
def read(name: str) -> Mapping:
    """The claims of a file in `data/claims`, or of a path that ends in .yaml.

    Parameters
    ----------
    name : str
        Name or path [-].

    Returns
    -------
    mapping
        `premise` and a list of `claims` as written.

    Raises
    ------
    InputError
        An unknown name, or a file without claims.
    """
    own = str(name).endswith((".yaml", ".yml"))
    if not own:
        checks.known("claims file", name, names())
    path = Path(name) if own else paths.data("claims", f"{name}.yaml")
    content = read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("claims"), list):
        checks.fail("a claims file must be a mapping with a list of claims", paths.shown(path))
    for number, claim in enumerate(content["claims"]):
        checks.known("measure", claim.get("measure"), MEASURES, f"{paths.shown(path)}, claim {number + 1}")
    return content


def by_measure(name: str | None) -> dict:
    """The first claim on each measure, none where there is no claims file.

    Parameters
    ----------
    name : str or None
        A claims file [-].

    Returns
    -------
    dict of str to dict
        {measure: claim}.
    """
    found: dict = {}
    for claim in read(name)["claims"] if name else ():
        if claim.get("improvement"):
            found.setdefault(claim["measure"], claim)
    return found


def shown_range(span: Mapping | None) -> str:
    """A claimed range in words: one number, "up to" a number, or from-to; empty where nothing is claimed."""
    if not span:
        return ""
    low, high = span["low"], span["high"]
    if low == high:
        return f"{low:,g}"
    return f"up to {high:,g}" if low == 0 else f"{low:,g} to {high:,g}"


def _miss(value: float, low: float, high: float) -> float:
    """How many times a value lies outside a range; 1 inside it."""
    if value > high * (1.0 + SLACK):
        return value / high if high > 0 else float("inf")
    if value < low * (1.0 - SLACK):
        return low / value if value > 0 else float("inf")
    return 1.0


def _gain(before: float, after: float, kind: str) -> float:
    """The improvement in the claim's own terms: times smaller, or the share saved."""
    if kind == "times":
        return before / after if after > 0 else float("inf")
    return 1.0 - after / before if before > 0 else 0.0


def _gain_words(before: float, after: float, claim: Mapping) -> str | None:
    """What is short of the claimed improvement; None where it is reached."""
    wanted = claim["improvement"]
    gain = _gain(before, after, wanted["as"])
    if wanted["as"] == "times":
        if gain >= wanted["low"] * (1.0 - SLACK):
            return None
        return f"{gain:.3g} times, not {wanted['low']:g}"
    if gain >= wanted["low"] - SLACK / 10.0:
        return None
    return f"{gain:.0%} less, not {wanted['low']:.0%}" if gain >= 0 else f"{-gain:.0%} more, not less"


def verdict(before: float, after: float, claim: Mapping | None) -> str:
    """Whether a claim holds for a pair of figures, in words that name what is off and by how much.

    Parameters
    ----------
    before, after : float
        The model's figures in the claim's unit [-].
    claim : mapping or None
        A claim with `improvement` and, where published, `before` and `after` [-].

    Returns
    -------
    str
        "holds", "does not hold: ..." or an empty text where nothing is claimed.

    Examples
    --------
    >>> verdict(468.0, 108.0, {"improvement": {"low": 0.77, "high": 0.77, "as": "less"},
    ...                        "before": {"low": 4680, "high": 4680}})
    'does not hold: before is 10 times lower'
    """
    if claim is None:
        return ""
    off = []
    for side, value in (("before", before), ("after", after)):
        span = claim.get(side)
        if span:
            times = _miss(value, span["low"], span["high"])
            if times > 1.0:
                high = value > span["high"]
                off.append(f"{side} is {times:.2g} times {'higher' if high else 'lower'}")
    short = _gain_words(before, after, claim)
    if short:
        off.append(short)
    return "does not hold: " + ", ".join(off) if off else "holds"


def premise(scenario, name: str | None = None):
    """The scenario under a claims file's own premise: its users, active all the hours it counts with.

    Parameters
    ----------
    scenario : Scenario
        The scenario whose claims are judged [-].
    name : str, optional
        A claims file; the scenario's own where none is given [-].

    Returns
    -------
    Scenario
        The same designs and screens with every user active for the claimed hours of the month.

    Raises
    ------
    InputError
        Where the scenario names no claims file.
    """
    name = name or scenario.claims
    if not name:
        checks.fail("a scenario must name its claims to be judged by them; got none", scenario.place)
    told = read(name)["premise"]
    day_s = told["active_hours_per_month"] * 3600.0 / scenario.billing.month_days
    return scenario.with_({
        "users": told["users"], "usage.dau_mau_share": 1.0, "usage.sessions_per_day": 1.0,
        "usage.session_mean_s": min(day_s, 86400.0), "usage.session_sigma_ln": 0.0})
