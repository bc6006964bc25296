"""The state of an input: what the scenario had, what a file says, whether they agree, what sums leave of its range."""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from model import checks, server_load
from model.calibration.estimates import Estimate
from model.calibration.finding import Findings, Found
from model.outcome import Sides
from model.readers import OwnFile
from model.scenario import Range, Scenario, sampling

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


DRAWS = 4096
FITS = (0.02, 0.04, 0.08, 0.16, 0.32)  # how near a draw's sum must be, as a share; the first that leaves enough draws
ENOUGH = 200  # draws that fit, by their weights
SHRINKS = 0.7  # of the middle 80 %, from which on a range is narrower: the ends of few draws are left to chance
PULLS = -0.25  # rank correlation from which on another input is its partner
MIDDLE = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Narrowed:
    """An input of which the files leave a part: low, mode and high, and the input it is known as a product with."""

    path: str
    ends: tuple[float, float, float]
    partner: str
    of: str
    files: tuple[OwnFile, ...]


def narrowed(
    scenario: Scenario, design: str, sums: list, users: float, known: set[str], remarks: list[str], seed: int = 0
) -> list[Narrowed]:
    """The inputs whose ranges the sums narrow: draws weighted by how near the model's sums come to the files'."""
    inputs = sampling.ranged_inputs(scenario, [design])
    columns = sampling.draws_of(scenario, DRAWS, seed)
    side = Sides(sampling.with_columns(scenario, columns, [users]))[design]
    misses, used = _misses(side, scenario, sums)
    if not misses:
        remarks.append(f"No sum of a month in these files is one that {design} has.")
        return []
    weights, fit = _weights(np.array(misses))
    if weights is None:
        names = ", ".join(dict.fromkeys(name for name, _ in used))
        remarks.append(f"No draw of the ranges comes within {FITS[-1]:.0%} of all of these sums: {names}.")
        return []
    drawn = {name: columns[name][:, 0] for name in inputs if name in columns and name not in known}
    ranks = {name: np.argsort(np.argsort(x)) / DRAWS for name, x in drawn.items()}
    of = f"{', '.join(dict.fromkeys(name for name, _ in used))} within {fit:.0%}"
    files = tuple(dict.fromkeys(file for _, file in used))
    found = []
    for name, x in drawn.items():
        before, after = np.quantile(x, MIDDLE), _quantiles(x, weights)
        shrunk = (after[2] - after[0]) / max(before[2] - before[0], 1e-300)
        if shrunk < SHRINKS:
            one = inputs[name]
            low = max(after[0] - (before[0] - one.low) * shrunk, one.low)
            high = min(after[2] + (one.high - before[2]) * shrunk, one.high)
            found.append(
                Narrowed(
                    name, (low, float(np.clip(after[1], low, high)), high), _partner(name, ranks, weights), of, files
                )
            )
    return found


def _misses(side, scenario: Scenario, sums: list) -> tuple[list[np.ndarray], list]:
    """For each sum that the model has too ln(model / file) of every draw."""
    rates = server_load.rates_per_s(side.traffic)
    rates["messages/s"] = rates["messages up/s"] + rates["messages down/s"]
    misses, used = [], []
    for kind, name, amount, file in sums:
        own = side.usage.get(name) if kind == "meter" else np.asarray(rates[name]) * scenario.month_s
        if own is None or amount <= 0 or not np.all(np.asarray(own) > 0):
            continue
        misses.append(np.broadcast_to(np.log(np.asarray(own, float) / amount), (DRAWS, 1))[:, 0])
        used.append((name, file))
    return misses, used


def _weights(misses: np.ndarray) -> tuple[np.ndarray | None, float]:
    """The weight of each draw at the nearest fit that leaves enough of them."""
    apart = np.square(misses).sum(axis=0)
    for fit in FITS:
        weights = np.exp(-(apart - apart.min()) / (2.0 * fit**2)) * (apart < (6.0 * fit) ** 2 * len(misses))
        if weights.sum() and weights.sum() ** 2 / np.square(weights).sum() >= ENOUGH:
            return weights / weights.sum(), fit
    return None, FITS[-1]


def _quantiles(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(x)
    heap = np.cumsum(weights[order])
    return x[order][np.minimum(np.searchsorted(heap, MIDDLE), x.size - 1)]


def _partner(name: str, ranks: dict[str, np.ndarray], weights: np.ndarray) -> str:
    """The input that must fall where this one rises, in the draws that fit."""
    mine = ranks[name] - weights @ ranks[name]

    def pull(other: np.ndarray) -> float:
        theirs = other - weights @ other
        return float(weights @ (mine * theirs) / np.sqrt((weights @ mine**2) * (weights @ theirs**2) + 1e-300))

    pulls = {other: pull(rank) for other, rank in ranks.items() if other != name}
    least = min(pulls, key=lambda n: pulls[n], default="")
    return least if least and pulls[least] < PULLS else ""
