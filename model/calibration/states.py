"""The state of an input: what the scenario had, what a file says, whether they agree, and what is put in."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from typing import Any

from model import checks
from model.calibration.estimates import Estimate
from model.calibration.finding import Findings, Found
from model.calibration.narrowing import Narrowed
from model.scenario import Range, Scenario

NEAR = 0.02  # of a plain number, within which a file agrees with it
STATES = ("measured", "narrowed", "contradicted", "not in these files")


def best_of(found: Findings) -> dict[str, Found]:
    """For each input the file with most observations; a remark where two files do not agree."""
    best: dict[str, Found] = {}
    for one in found.inputs:
        other = best.setdefault(one.path, one)
        if other is one or not isinstance(one.value, Estimate):
            continue
        if one.value.low > other.value.high or other.value.low > one.value.high:
            pair = " and ".join(f"{x.value.mode:.4g} ({x.file.name})" for x in (other, one))
            found.remarks.append(f"{one.path}: two files do not agree, {pair}; the one with more observations counts.")
        if one.value.n > other.value.n:
            best[one.path] = one
    return best


def value_at(scenario: Scenario, path: str) -> Any:
    """What stands at a dotted path of a scenario; nothing where it is not set."""
    here: Any = scenario
    head = path.split(".")[0]
    for key in (["designs"] if head in scenario.designs else []) + path.split("."):
        here = (
            here.get(key)
            if isinstance(here, Mapping)
            else here[int(key)]
            if isinstance(here, list)
            else getattr(here, key, None)
        )
    return here


def alike(scenario: Scenario, path: str, was: Any) -> list[str]:
    """The path, and the same one in every design that has the same value there: they share the input."""
    head, _, rest = path.partition(".")
    if head not in scenario.designs:
        return [path]
    others = [n for n, d in scenario.designs.items() if n != head and not d.own]
    others = [n for n in others if was is not None or value_at(scenario, f"{n}.{rest}".rpartition(".")[0]) is not None]
    return [path, *(f"{n}.{rest}" for n in others if value_at(scenario, f"{n}.{rest}") == was)]


def was_of(was: Any) -> dict[str, Any]:
    if isinstance(was, Range):
        return {"was_low": was.low, "was_mode": was.mode, "was_high": was.high}
    return {"was_mode": was}


def span(file) -> dict[str, str]:
    """When a file begins and ends, as text in UTC."""
    return {name: _day(at) for name, at in (("from", file.first_s), ("to", file.last_s))}


def _day(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M") if math.isfinite(at) else ""


def row_of(one: Found) -> dict[str, Any]:
    value, facts = one.value, {"of": one.of, "file": one.file.name, "sha256": one.file.sha256[:12], **span(one.file)}
    if isinstance(value, Estimate):
        return {"low": value.low, "mode": value.mode, "high": value.high, "n": value.n, **facts}
    return {"mode": value, **facts}


def narrow_row(one: Narrowed) -> dict[str, Any]:
    names = ", ".join(dict.fromkeys(f.name for f in one.files))
    hashes = ", ".join(dict.fromkeys(f.sha256[:12] for f in one.files))
    low, mode, high = one.ends
    also = f"with {one.partner}" if one.partner else ""
    facts = {"of": one.of, "file": names, "sha256": hashes, **span(one.files[0]), "also": also}
    return {"low": low, "mode": mode, "high": high, **facts}


def state_of(was: Any, value: Any) -> str:
    """Whether a file agrees with what the scenario had."""
    if not isinstance(value, Estimate):
        return STATES[0] if was in (value, None) else STATES[2]
    if isinstance(was, Range):
        return STATES[2] if value.high < was.low or value.low > was.high else STATES[0]
    near = (
        was is None or abs(value.mode - float(was)) <= NEAR * abs(float(was)) or value.low <= float(was) <= value.high
    )
    return STATES[0] if near else STATES[2]


def value_of(one: Found) -> Any:
    """What is put into the scenario: a plain number where nothing is uncertain, else a range with its source."""
    value = one.value
    if not isinstance(value, Estimate):
        return value
    low, mode, high = (max(float(f"{x:.6g}"), 0.0) for x in (value.low, value.mode, value.high))
    when = " to ".join(t for t in span(one.file).values() if t)
    note = f"95 % interval of {value.n} {one.of}, {when}"
    return Range(low, mode, high, f"{one.file.name} sha256 {one.file.sha256[:12]}", note)


def narrow_value(one: Narrowed) -> Range:
    low, mode, high = (float(f"{x:.6g}") for x in one.ends)
    source = ", ".join(dict.fromkeys(f"{f.name} sha256 {f.sha256[:12]}" for f in one.files))
    return Range(low, mode, high, source, f"what fits {one.of}" + (f", with {one.partner}" if one.partner else ""))


def applied(scenario: Scenario, changes: dict[str, Any], remarks: list[str]) -> tuple[Scenario, dict[str, Any]]:
    """The scenario with the changes that its rules allow; a sentence for each that they do not."""
    discounts = {
        p.partition(".")[2]: c.mode if isinstance(c, Range) else c
        for p, c in changes.items()
        if p.startswith("discounts.")
    }
    plain = {p: c for p, c in changes.items() if not p.startswith("discounts.")}
    whole = {"discounts": {**scenario.discounts, **{s: round(f, 6) for s, f in discounts.items()}}} if discounts else {}
    try:
        return scenario.with_({**plain, **whole}), {
            **plain,
            **{f"discounts.{s}": round(f, 6) for s, f in discounts.items()},
        }
    except checks.InputError:
        kept: dict[str, Any] = {}
        for path, value in {**plain, **whole}.items():
            try:
                scenario.with_({**kept, path: value})
                kept[path] = value
            except checks.InputError as wrong:
                remarks.append(f"{path} was left as it is: {wrong}")
        return scenario.with_(kept), kept
