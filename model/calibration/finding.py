"""What each kind of file says of a scenario's inputs: estimates by the path of the input, and what it cannot say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

import numpy as np

from model import ledger
from model.calibration import estimates
from model.calibration.estimates import Estimate
from model.readers import AccessLog, BatteryStats, Bill, Har, Metrics, OwnFile
from model.scenario import Scenario, mode_of

PROTOCOLS = {"http/1.1": "http1", "h2": "http2"}
SUMMED = {  # CloudWatch's sums that the model has too -> the rate of `server_load.rates_per_s`
    "ConnectCount": "connects/s",
    "MessageCount": "messages/s",
    "Invocations": "runs/s",
    "Count": "requests/s",
    "RequestCount": "requests/s",
    "ConsumedReadCapacityUnits": "read units/s",
    "ConsumedWriteCapacityUnits": "write units/s",
}
SECOND_S = 1.0  # to which a log's times are rounded
ALIKE = 0.8  # of two words, from which they name the same thing


@dataclass(frozen=True)
class Found:
    """An input that a file tells, and from how many observations of what."""

    path: str
    value: Any  # an Estimate, or a word such as http1
    file: OwnFile
    of: str
    taken: bool = False  # needed by what the file tells, and not in it


@dataclass
class Findings:
    """What the files say together: inputs, sums of a month that the model has too, and remarks."""

    inputs: list[Found] = field(default_factory=list)
    sums: list[tuple[str, str, float, OwnFile]] = field(default_factory=list)  # kind, name, a month's amount, file
    remarks: list[str] = field(default_factory=list)

    def add(self, path: str, value, file: OwnFile, of: str) -> None:
        """One input more, where there is a value."""
        if value is not None and not (isinstance(value, Estimate) and not np.isfinite(value.mode)):
            self.inputs.append(Found(path, value, file, of))


def words(text: str) -> list[str]:
    """The words of a name or a path."""
    return [w for w in re.split(r"[^a-z]+", text.lower()) if len(w) > 2 and w not in ("api", "http", "https", "get")]


def likeness(one: str, other: str) -> float:
    """How many words two names have in common, nearly alike ones in part."""
    return sum(
        best
        for a in words(one)
        if (best := max((SequenceMatcher(None, a, b).ratio() for b in words(other)), default=0.0)) >= ALIKE
    )


def paired(routes: Iterable[str], names: Mapping[str, Iterable[str]], said: Mapping[str, str]) -> dict[str, str]:
    """Which of one's own routes is which timer: as it was said, else by the words in its path, else the only one."""
    routes, found = [*routes], {}
    for route in routes:
        name = next((timer for part, timer in said.items() if part in route and timer in names), None)
        if name:
            found[route] = name
    scores = [(2 * likeness(n, r) + likeness(" ".join(more), r), r, n) for r in routes for n, more in names.items()]
    scores.sort(key=lambda one: -one[0])
    for score, route, name in scores:
        if score > 0 and route not in found and name not in found.values():
            found[route] = name
    left, open_ = [r for r in routes if r not in found], [n for n in names if n not in found.values()]
    if len(routes) == 1 and len(names) == 1 and left and open_:
        found[left[0]] = open_[0]
    return found


def of_har(found: Findings, har: Har, scenario: Scenario, polls: str | None, pushes: str | None, said: Mapping) -> None:
    """Loops, sizes and protocol of the design that polls; upgrade and heartbeat of the one that holds a socket."""
    loops = har.loops[har.loops["kind"] == "timer"] if len(har.loops) else har.loops
    if polls and len(loops):
        _loops(found, har, scenario, polls, loops, said)
    opened = [s for s in har.sockets if s.status in (101, 200, 0) or len(s.messages)]
    if pushes and opened:
        _sockets(found, har, scenario, pushes, opened)
    for note in har.file.notes:
        found.remarks.append(f"{har.file.name}: {note}")


def _loops(found: Findings, har: Har, scenario: Scenario, polls: str, loops, said: Mapping) -> None:
    timers = scenario.designs[polls].timers
    keyed = {f"{row.method} /{row.url.split('//', 1)[-1].partition('/')[2]}": row for row in loops.itertuples()}
    mine = paired(keyed, {n: t.delivers for n, t in timers.items()}, said)
    used = []
    for key, row in keyed.items():
        if key not in mine:
            text = f"{har.file.name}: {key} comes every {row.period_s:.4g} s and matches no timer of {polls}"
            found.remarks.append(f"{text}; say which with --match PART={next(iter(timers))}.")
            continue
        asked = har.requests[(har.requests["method"] == row.method) & (har.requests["url"] == row.url)]
        asked = asked[asked["status"] < 400]
        used.append(asked)
        path, of = f"{polls}.timers.{mine[key]}", f"requests of {key}"
        found.add(
            f"{path}.period_s", estimates.period([asked["time_s"].to_numpy()]), har.file, of.replace("requests", "gaps")
        )
        body = asked["response_body_bytes"].to_numpy()
        usual = asked if not np.isfinite(body).any() else asked[body <= _commonest(body)]
        for name, rows in (("request", asked), ("response", usual)):
            sizes = (rows[f"{name}_header_bytes"] + rows[f"{name}_body_bytes"]).dropna()
            if len(sizes):
                found.add(f"{path}.{name}_bytes", estimates.mean(sizes), har.file, of)
    protocols = {p for rows in used for p in rows["protocol"]}
    if len(protocols) == 1 and (protocol := PROTOCOLS.get(protocols.pop())):
        found.add(f"{polls}.api.protocol", protocol, har.file, "requests")


def _commonest(values: np.ndarray) -> float:
    """The commonest of some sizes: of a loop, an answer without news."""
    sizes, many = np.unique(values[np.isfinite(values)], return_counts=True)
    return float(sizes[many.argmax()])


def _sockets(found: Findings, har: Har, scenario: Scenario, pushes: str, opened: list) -> None:
    for name, sizes in (
        ("request", [s.request_header_bytes for s in opened]),
        ("response", [s.response_header_bytes for s in opened]),
    ):
        if np.isfinite(sizes).any():
            found.add(f"{pushes}.socket.upgrade_{name}_bytes", estimates.mean(sizes), har.file, "upgrades")
    moments, sizes, pushed = [], [], []
    for socket in opened:
        kinds = dict(zip(socket.groups["group"], socket.groups["kind"], strict=True))
        kind = socket.messages["group"].map(kinds)
        beats = socket.messages[kind == "heartbeat"]
        moments += [rows["time_s"].to_numpy() for _, rows in beats.groupby("group")]
        sizes += [*beats["bytes"]]
        pushed += [*socket.messages[(kind == "message") & ~socket.messages["sent"]]["bytes"]]
    if moments:
        found.add(f"{pushes}.heartbeat.period_s", estimates.period(moments), har.file, "gaps of heartbeats")
        design = scenario.designs[pushes]
        assert design.socket is not None and design.heartbeat is not None
        if design.heartbeat.function is None:
            path, sender = f"{pushes}.heartbeat.function", design.socket.send_function
            found.inputs.append(Found(path, sender, har.file, "taken for want of another", taken=True))
            found.remarks.append(
                f"{har.file.name}: which function answers heartbeats it does not say; taken is the sender."
            )
        found.add(f"{pushes}.heartbeat.kind", "json", har.file, "heartbeats in messages")
        found.add(f"{pushes}.heartbeat.payload_bytes", estimates.mean(sizes), har.file, "heartbeats")
    if pushed and len(scenario.events) == 1:
        found.add(f"events.{next(iter(scenario.events))}.payload_bytes", estimates.mean(pushed), har.file, "messages")
    elif pushed:
        found.remarks.append(
            f"{har.file.name}: {len(pushed)} pushed messages have {np.mean(pushed):.0f} B on average; a HAR does not"
            " say of which event each is."
        )


def of_bill(found: Findings, bill: Bill, scenario: Scenario) -> None:
    """The discount of each service, and the month's amounts of every meter."""
    from model import prices

    days = (bill.file.last_s - bill.file.first_s) / 86400.0
    scale = scenario.billing.month_days / days if np.isfinite(days) and days > 0 else 1.0
    lines = bill.lines[(bill.lines["meter"] != "") & (bill.lines["paid_list_usd"] > 0)]
    for service, rows in lines.groupby(lines["meter"].map(prices.service_of)):
        value = estimates.factor(rows["paid_usd"].to_numpy(), rows["paid_list_usd"].to_numpy())
        if service and value.mode < 1.0 - 1e-6:
            found.add(f"discounts.{service}", value, bill.file, "lines with a list price")
    for meter, amount in bill.meters["amount"].items():
        found.sums.append(("meter", str(meter), float(amount) * scale, bill.file))


def of_metrics(found: Findings, metrics: Metrics, scenario: Scenario) -> None:
    """The height of the peak, and the month's sums of connects, messages, runs and database units."""
    best: tuple = (0.0, None)
    for series in metrics.series:
        if series.statistic != "Sum" or not len(series.values) or not series.period_s <= 3600.0:
            continue
        peak = estimates.peak_to_mean(series.values, series.times_s // 3600)
        if peak and series.metric in SUMMED and series.values.sum() > best[0]:
            best = (float(series.values.sum()), peak, series)
        days = (series.times_s[-1] - series.times_s[0] + series.period_s) / 86400.0
        if series.metric in SUMMED and days >= 1.0 - 1e-6:
            month = float(series.values.sum()) / days * mode_of(scenario.billing.month_days)
            found.sums.append(("rate", SUMMED[series.metric], month, metrics.file))
    if best[1] is not None:
        found.add("usage.peak_to_mean_ratio", best[1], metrics.file, f"{best[2].metric}, by the hour of the day")
        if best[2].period_s >= 3600.0:
            found.remarks.append(f"{metrics.file.name}: a period of {best[2].period_s:.0f} s hides the busiest minute.")


def of_log(
    found: Findings, log: AccessLog, scenario: Scenario, polls: str | None, pushes: str | None, said: Mapping
) -> None:
    """Periods by caller, lengths of sessions with those that are cut, sessions a day, the height of the peak."""
    file = log.files[0]
    rows = log.rows
    if polls and len(log.loops):
        _log_loops(found, log, scenario, polls, said)
    if pushes and len(log.sessions):
        _log_sessions(found, log, scenario, pushes)
    moments = log.sessions["start_s"] if len(log.sessions) else rows["time_s"]
    hours = (moments.to_numpy() // 3600).astype(int)
    if hours.size:
        every, count = np.unique(hours, return_counts=True)
        counts = np.zeros(every[-1] - every[0] + 1)
        counts[every - every[0]] = count
        peak = estimates.peak_to_mean(counts, np.arange(every[0], every[-1] + 1))
        found.add("usage.peak_to_mean_ratio", peak, file, "lines, by the hour of the day")
    for note in file.notes:
        found.remarks.append(f"{file.name}: {note}")


def _log_loops(found: Findings, log: AccessLog, scenario: Scenario, polls: str, said: Mapping) -> None:
    timers, loops = (
        scenario.designs[polls].timers,
        log.loops[(log.loops["kind"] == "timer") & (log.loops["failed"] == 0)],
    )
    counts = loops.groupby("route", sort=False)["requests"].sum()
    mine = paired(counts.index, {n: t.delivers for n, t in timers.items()}, said)
    for route, name in mine.items():
        callers = loops[loops["route"] == route]["caller"]
        rows = log.rows[(log.rows["route"] == route) & log.rows["caller"].isin(callers)]
        moments = [own["time_s"].to_numpy() for _, own in rows.groupby("caller")]
        of = f"gaps of {len(moments)} callers of {route}"
        found.add(f"{polls}.timers.{name}.period_s", estimates.period(moments), log.files[0], of)
        for column, size in (("received_bytes", "request"), ("sent_bytes", "response")):
            if "received_bytes" in rows and rows[column].notna().any():  # a load balancer counts headers too
                path, mean = f"{polls}.timers.{name}.{size}_bytes", estimates.mean(rows[column])
                found.add(path, mean, log.files[0], f"lines of {route}")
    for route in counts.index.difference([*mine]):
        text = f"{log.files[0].name}: {route} is polled {counts[route]:,} times and matches no timer of {polls}"
        found.remarks.append(f"{text}; say which with --match PART={next(iter(timers), 'TIMER')}.")


def _log_sessions(found: Findings, log: AccessLog, scenario: Scenario, pushes: str) -> None:
    socket, file = scenario.designs[pushes].socket, log.files[0]
    assert socket is not None
    grace, limit = mode_of(socket.grace_s), ledger.quotas()["apigw_ws_connection_s"]
    rows, span_s = log.sessions, max(f.last_s for f in log.files) - min(f.first_s for f in log.files)
    whole = rows["began"] & rows["ended"]
    rows = rows[whole | (rows["life_s"] > grace)]  # else it says nothing: the session was over, or may have been
    cut = rows["life_s"] >= limit - 1.0  # the gateway ended it, not the person
    lives = np.maximum(rows["life_s"].to_numpy() - grace, SECOND_S / 2.0)
    both = estimates.sessions(lives, rows["began"], rows["ended"] & ~cut, span_s - grace)
    of = f"connections, {int((~(rows['began'] & rows['ended']) | cut).sum())} of them cut by the log or the gateway"
    if both:
        found.add("usage.session_mean_s", both[0], file, of)
        found.add("usage.session_sigma_ln", both[1], file, of)
        if grace:
            found.remarks.append(f"{file.name}: {grace:g} s of grace after each session are taken off its connection.")
    begun = rows[rows["began"]]
    day = (begun["start_s"] // 86400).astype(int)
    if day.nunique() > 1:
        people = begun.groupby(day)["caller"].nunique()
        connects = begun.groupby(day).size()
        value = estimates.rate(connects, float(people.sum()))
        of = "connects of a caller and day (reconnects and shared addresses count)"
        found.add("usage.sessions_per_day", value, file, of)


def of_battery(found: Findings, dump: BatteryStats) -> None:
    """A battery dump sets no input: its radio time is the framework's own 10 s timer, its mAh an attribution."""
    history = dump.history
    if np.isfinite(history.get("wakes_per_hour", np.nan)):
        found.remarks.append(
            f"{dump.file.name}: {history['wakes_per_hour']:.4g} wakes an hour of {history['awake_s']:.3g} s with the"
            " screen off; radio time there is a timer of 10 s and sets no tail."
        )
