"""Calibration: a scenario whose inputs come from one's own files, each input in one of four states."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model import checks, readers
from model.calibration import finding
from model.calibration.estimates import Estimate
from model.calibration.finding import Findings, Found
from model.calibration.narrowing import Narrowed, narrowed
from model.calibration.reconciling import Reconciliation, reconcile
from model.calibration.showing import shown_by
from model.readers import AccessLog, BatteryStats, Bill, Har, Metrics
from model.scenario import Range, Scenario, load, sampling

if TYPE_CHECKING:
    import pandas as pd

NEAR = 0.02  # of a plain number, within which a file agrees with it
STATES = ("measured", "narrowed", "contradicted", "not in these files")
COLUMNS = [
    "state",
    "was_low",
    "was_mode",
    "was_high",
    "low",
    "mode",
    "high",
    "n",
    "of",
    "file",
    "sha256",
    "from",
    "to",
    "also",
]


@dataclass(frozen=True)
class Calibration:
    """A scenario with what one's own files say of it, and a table of what changed.

    - `table`: a row an input: state, was_low, was_mode, was_high, low, mode, high (the file's estimate with its 95 %
      interval), n and of (how many of what), file, sha256, from, to (UTC), also (the partner of a narrowed input; of
      one that is not in these files the file that would show it)
    - `remarks`: what the files say beside, or cannot say; `bills`: each bill against the model
    - `scenario`: the scenario with all of it put in; `text(base)` is the file that says so
    """

    base: Scenario
    scenario: Scenario
    table: pd.DataFrame
    changes: dict[str, Any]
    remarks: tuple[str, ...]
    bills: tuple[Reconciliation, ...]

    def text(self, base: str, title: str | None = None) -> str:
        """The scenario file of what changed; it extends the file or name it is given."""
        whole: dict[str, Any] = {}
        for path, value in self.changes.items():
            head, *rest = path.split(".")
            *parents, last = ["designs", head, *rest] if head in self.base.designs else [head, *rest]
            here = whole
            for key in parents:
                here = here.setdefault(key, {})
            here[last] = value
        lines = [
            f"# {self.base.title}, calibrated on files of one's own: each range is a 95 % interval.",
            f"extends: {base}",
        ]
        return "\n".join([*lines, f"title: {json.dumps(title or self.base.title)}", *_yaml(whole), ""])


def _yaml(content: Mapping, depth: int = 0) -> Iterable[str]:
    """Nested mappings as YAML, ranges on one line."""
    for key, value in content.items():
        key = key if key.replace("_", "").isalnum() else json.dumps(key)
        if isinstance(value, Mapping):
            yield f"{'  ' * depth}{key}:"
            yield from _yaml(value, depth + 1)
            continue
        if isinstance(value, Range):
            kept = {n: v for n, v in asdict(value).items() if v is not None}
            value = "{" + ", ".join(f"{n}: {json.dumps(v)}" for n, v in kept.items()) + "}"
        else:
            value = json.dumps(value)
        yield f"{'  ' * depth}{key}: {value}"


def calibrate(
    scenario: Scenario | str,
    files,
    users: float | None = None,
    design: str | None = None,
    match: Mapping[str, str] | None = None,
    seed: int = 0,
) -> Calibration:
    """A scenario whose inputs come from the user's files, and a table of what changed.

    Each file is recognised by its content and read: a HAR gives timers, sizes and heartbeats, a bill amounts and
    discounts, a CloudWatch export the peak and sums of the month, an access log periods and sessions. An input that a
    file shows is *measured*, or *contradicted* where the file lies outside what the scenario had. Sums of a month show
    products of inputs alone: of those the draws that fit are kept, and an input whose range shrinks is *narrowed*.
    Everything else is *not in these files*, with the file that would show it.

    Parameters
    ----------
    scenario : Scenario or str, the scenario that the files are held against
    files : sequence of paths, HARs, bills, CloudWatch exports, access logs, battery dumps, gz or not
    users : float, optional, users in the month that the files are of; without it sums of a month narrow nothing [users]
    design : str, optional, the design that runs today; where none is given the first that polls, and for sockets the
        first that holds one
    match : mapping of str to str, optional, part of a path to the timer that asks it, where names do not tell
    seed : int, seed of the draws that narrow ranges

    Returns: Calibration, the new scenario, the table, remarks, and each bill reconciled
    Raises: InputError, a file that cannot be read (its name and why), an unknown design or timer

    Notes
    -----
    Intervals are 95 %; sessions that the log cuts are censored, not dropped. A HAR is one browser on one line.
    Source: cox1962.
    """
    scenario, files = load(scenario), [files] if isinstance(files, (str, Path)) else [*files]
    if not files:
        checks.fail("calibrate needs at least one file; got none")
    if users is not None:
        scenario = scenario.with_({"users": float(checks.positive("users", users, "users"))})
    polls, pushes = _designs(scenario, design)
    for timer in (match or {}).values():
        checks.known("timer", timer, scenario.designs[polls].timers if polls else ())
    found, bills = Findings(), []
    for path in files:
        one = readers.read(path)
        if isinstance(one, Har):
            finding.of_har(found, one, scenario, polls, pushes, match or {})
        elif isinstance(one, Bill):
            finding.of_bill(found, one, scenario)
            bills.append(one)
        elif isinstance(one, Metrics):
            finding.of_metrics(found, one, scenario)
        elif isinstance(one, AccessLog):
            finding.of_log(found, one, scenario, polls, pushes, match or {})
        elif isinstance(one, BatteryStats):
            finding.of_battery(found, one)
    return _calibrated(scenario, found, bills, polls, pushes, users, seed)


def _designs(scenario: Scenario, design: str | None) -> tuple[str | None, str | None]:
    """The design whose timers the files show, and the one whose socket."""
    names = [scenario.design_name(design)] if design else [*scenario.designs]
    polls = next((n for n in names if scenario.designs[n].timers), None)
    return polls, next((n for n in names if scenario.designs[n].socket is not None), None)


def _calibrated(scenario, found: Findings, bills, polls, pushes, users, seed) -> Calibration:
    """What was found, put into the scenario, and the states of all inputs."""
    import pandas as pd

    best = _best(found)
    changes: dict[str, Any] = {} if users is None else {"users": float(users)}
    rows: dict[str, dict] = {}
    for path, one in best.items():
        was = value_at(scenario, path)
        rows[path] = {**_was(was), **_row(one), "state": _state(was, one.value)}
        changes |= {alike: _value(one) for alike in _alike(scenario, path, was)}
    changed, changes = _applied(scenario, changes, found.remarks)
    today = _today(found, polls, pushes)
    if found.sums and users is None:
        found.remarks.append("Sums of a month narrow nothing without the number of users; give --users.")
    elif found.sums and today:
        for one in narrowed(changed, today, found.sums, float(users or 0.0), {*changes}, found.remarks, seed):
            was = value_at(changed, one.path)
            rows[one.path] = {**_was(was), **_narrow_row(one), "state": "narrowed"}
            changes |= {alike: _narrow_value(one) for alike in _alike(changed, one.path, was)}
        changed, changes = _applied(scenario, changes, found.remarks)
    for path, was in sampling.ranged_inputs(scenario).items():
        rows.setdefault(path, {**_was(was), "state": STATES[3], "also": shown_by(path)})
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("input")
    table = table.sort_values("state", key=lambda s: s.map(STATES.index), kind="stable")
    said = tuple(dict.fromkeys(found.remarks))
    return Calibration(scenario, changed, table, changes, said, tuple(reconcile(changed, b, today) for b in bills))


def _today(found: Findings, polls: str | None, pushes: str | None) -> str | None:
    """The design whose sums the files hold: the one with a socket where anything of a socket is in them."""
    names = " ".join(f"{name} {one.file.kind}" for one in found.inputs for name in [one.path])
    meters = " ".join(name for _, name, _, _ in found.sums)
    held = (
        "apigw_ws" in meters
        or "connects/s" in meters
        or "messages/s" in meters
        or (pushes and f"{pushes}.socket" in names)
    )
    return pushes if pushes and held else polls or pushes


def _best(found: Findings) -> dict[str, Found]:
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


def _alike(scenario: Scenario, path: str, was: Any) -> list[str]:
    """The path, and the same one in every design that has the same value there: they share the input."""
    head, _, rest = path.partition(".")
    if head not in scenario.designs:
        return [path]
    others = [n for n, d in scenario.designs.items() if n != head and not d.own]
    others = [n for n in others if was is not None or value_at(scenario, f"{n}.{rest}".rpartition(".")[0]) is not None]
    return [path, *(f"{n}.{rest}" for n in others if value_at(scenario, f"{n}.{rest}") == was)]


def _was(was: Any) -> dict[str, Any]:
    if isinstance(was, Range):
        return {"was_low": was.low, "was_mode": was.mode, "was_high": was.high}
    return {"was_mode": was}


def _span(file) -> dict[str, str]:
    """When a file begins and ends, as text in UTC."""
    return {name: _day(at) for name, at in (("from", file.first_s), ("to", file.last_s))}


def _day(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).strftime("%Y-%m-%d %H:%M") if math.isfinite(at) else ""


def _row(one: Found) -> dict[str, Any]:
    value, facts = one.value, {"of": one.of, "file": one.file.name, "sha256": one.file.sha256[:12], **_span(one.file)}
    if isinstance(value, Estimate):
        return {"low": value.low, "mode": value.mode, "high": value.high, "n": value.n, **facts}
    return {"mode": value, **facts}


def _narrow_row(one: Narrowed) -> dict[str, Any]:
    names = ", ".join(dict.fromkeys(f.name for f in one.files))
    hashes = ", ".join(dict.fromkeys(f.sha256[:12] for f in one.files))
    low, mode, high = one.ends
    also = f"with {one.partner}" if one.partner else ""
    facts = {"of": one.of, "file": names, "sha256": hashes, **_span(one.files[0]), "also": also}
    return {"low": low, "mode": mode, "high": high, **facts}


def _state(was: Any, value: Any) -> str:
    """Whether a file agrees with what the scenario had."""
    if not isinstance(value, Estimate):
        return STATES[0] if was in (value, None) else STATES[2]
    if isinstance(was, Range):
        return STATES[2] if value.high < was.low or value.low > was.high else STATES[0]
    near = (
        was is None or abs(value.mode - float(was)) <= NEAR * abs(float(was)) or value.low <= float(was) <= value.high
    )
    return STATES[0] if near else STATES[2]


def _value(one: Found) -> Any:
    """What is put into the scenario: a plain number where nothing is uncertain, else a range with its source."""
    value = one.value
    if not isinstance(value, Estimate):
        return value
    low, mode, high = (max(float(f"{x:.6g}"), 0.0) for x in (value.low, value.mode, value.high))
    when = " to ".join(t for t in _span(one.file).values() if t)
    note = f"95 % interval of {value.n} {one.of}, {when}"
    return Range(low, mode, high, f"{one.file.name} sha256 {one.file.sha256[:12]}", note)


def _narrow_value(one: Narrowed) -> Range:
    low, mode, high = (float(f"{x:.6g}") for x in one.ends)
    source = ", ".join(dict.fromkeys(f"{f.name} sha256 {f.sha256[:12]}" for f in one.files))
    return Range(low, mode, high, source, f"what fits {one.of}" + (f", with {one.partner}" if one.partner else ""))


def _applied(scenario: Scenario, changes: dict[str, Any], remarks: list[str]) -> tuple[Scenario, dict[str, Any]]:
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
