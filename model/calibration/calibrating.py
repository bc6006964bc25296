"""Calibration: a scenario whose inputs come from one's own files, each input in one of four states."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model import checks, readers
from model.calibration import finding
from model.calibration.finding import Findings
from model.calibration.reconciling import Reconciliation, reconcile
from model.calibration.states import (
    STATES,
    alike,
    applied,
    best_of,
    narrow_row,
    narrow_value,
    narrowed,
    row_of,
    state_of,
    value_at,
    value_of,
    was_of,
)
from model.readers import AccessLog, BatteryStats, Bill, Har, Metrics
from model.scenario import Range, Scenario, load, sampling

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = "state was_low was_mode was_high low mode high n of file sha256 from to also".split()


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
        return scenario_text(self.base, self.changes, base, title)


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

    best = best_of(found)
    changes: dict[str, Any] = {} if users is None else {"users": float(users)}
    rows: dict[str, dict] = {}
    for path, one in best.items():
        was = value_at(scenario, path)
        rows[path] = {**was_of(was), **row_of(one), "state": STATES[3] if one.taken else state_of(was, one.value)}
        changes |= {path_: value_of(one) for path_ in alike(scenario, path, was)}
    changed, changes = applied(scenario, changes, found.remarks)
    today = _today(found, polls, pushes)
    if found.sums and users is None:
        found.remarks.append("Sums of a month narrow nothing without the number of users; give --users.")
    elif found.sums and today:
        for left in narrowed(changed, today, found.sums, float(users or 0.0), {*changes}, found.remarks, seed):
            was = sampling.ranged_inputs(changed)[left.path]
            rows[left.path] = {**was_of(was), **narrow_row(left), "state": "narrowed"}
            changes |= {path_: narrow_value(left) for path_ in alike(changed, left.path, was)}
        changed, changes = applied(scenario, changes, found.remarks)
    for path, was in sampling.ranged_inputs(scenario).items():
        rows.setdefault(path, {**was_of(was), "state": STATES[3], "also": shown_by(path)})
    table = pd.DataFrame.from_dict(rows, orient="index", columns=COLUMNS).rename_axis("input")
    table = table.sort_values("state", key=lambda s: s.map(STATES.index), kind="stable")
    said = tuple(dict.fromkeys(found.remarks))
    return Calibration(scenario, changed, table, changes, said, tuple(reconcile(changed, b, today) for b in bills))


def _today(found: Findings, polls: str | None, pushes: str | None) -> str | None:
    """The design whose sums the files hold: the one with a socket where anything of a socket is in them."""
    held = any(name in ("connects/s", "messages/s") or name.startswith("apigw_ws") for _, name, _, _ in found.sums)
    held = held or any(one.path.startswith(f"{pushes}.socket") for one in found.inputs)
    return pushes if pushes and held else polls or pushes


def scenario_text(scenario: Scenario, changes: Mapping[str, Any], base: str, title: str | None = None) -> str:
    """The scenario file of the changes; it extends the file or name it is given."""
    whole: dict[str, Any] = {}
    for path, value in changes.items():
        head, *rest = path.split(".")
        *parents, last = ["designs", head, *rest] if head in scenario.designs else [head, *rest]
        here = whole
        for key in parents:
            here = here.setdefault(key, {})
        here[last] = value
    first = f"# {scenario.title}, calibrated on files of one's own: each range is a 95 % interval."
    return "\n".join([first, f"extends: {base}", f"title: {json.dumps(title or scenario.title)}", *_yaml(whole), ""])


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


HAR = "a HAR of the app"
LOG = "an access log of a WebSocket API with connects and disconnects"
METRICS = "a CloudWatch export of a day or more"
OWN = "the app's own log of events, with `workbook replay`"
NONE = "none of these files: a phone and a meter"
SHOWN_BY = (  # the first that fits counts
    (r"usage\.session_(mean_s|sigma_ln)", LOG),
    (r"usage\.sessions_per_day", f"{LOG} over several days; sums of a month with --users narrow it"),
    (r"usage\.dau_mau_share", "a bill or a CloudWatch export with --users narrows it"),
    (r"usage\.peak_to_mean_ratio", METRICS),
    (r"events\..*payload_bytes", f"{HAR} that receives the pushes"),
    (r"(events|actions|overlays|refresh|screens)\.", OWN),
    (r"networks\..*(share|losses|unseen|nat)", "an access log of connections by network, or the app's own counts"),
    (r"networks\..*(rtt|bit_per_s)", "times that phones report; a HAR has those of one line alone"),
    (r"(networks|backgrounds|ledger\.\w*(radio|cpu|screen|battery))", NONE),
    (r".*\.(timers|pull|fallback)\.", HAR),
    (r".*\.(heartbeat|upgrade_)", HAR),
    (r".*\.socket\.(table_base|connection_item)", "the table's size in DynamoDB"),
    (r".*\.functions\.", "a bill with Lambda and logs narrows it; CloudWatch's Duration shows it"),
    (r".*\.server\.", "a load test of the server"),
    (r".*\.(socket|api|reconnect|cache)", "an access log of connections"),
    (r"ledger\.", "an access log with server times, or CloudWatch's Latency and Duration"),
)


def shown_by(path: str) -> str:
    """The file that would show an input."""
    return next((file for pattern, file in SHOWN_BY if re.match(pattern, path)), NONE)
