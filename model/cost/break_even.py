"""Break-even: where push becomes dearer than polling, over users, active hours and heartbeat period.

Every search is one evaluation of a whole grid, then a few more of ever finer grids around each crossing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model import checks
from model.cost.parts import month_usd
from model.life import sessions
from model.scenario import Scenario, sampling
from model.traffic import traffic as traffic_of

if TYPE_CHECKING:
    import pandas as pd

GRID = 193  # points of the first grid: steps of 5 % over four decades
FINER = 33  # points of each finer grid
NEAR = 1e-10  # relative width at which a search ends


@dataclass(frozen=True)
class Question:
    """One thing that is varied: the scenario's path, the span searched, and how it enters the bill."""

    path: str
    low: float
    high: float
    unit: str
    inverse: bool = False  # the bill is straight over 1 / x: a period, whose inverse is how often it happens


HOURS = "hours/user and month"
HEARTBEAT = "heartbeat period"
QUESTIONS = {
    "users": Question("users", 10.0, 1e8, "users"),
    "active hours, by more sessions": Question("usage.sessions_per_day", 1.0, 50.0, HOURS),
    "active hours, by longer sessions": Question("usage.session_mean_s", 1.0, 14400.0, HOURS),
    HEARTBEAT: Question("after.heartbeat.period_s", 1.0, 540.0, "s", inverse=True),
}


def active_hours(scenario: Scenario):
    """Hours that a user is active in a month: share active on a day x days x sessions x mean length."""
    plain = sampling.resolved(scenario)
    active_s: Any = sessions.life(plain.before, plain).active_s
    return active_s / 3600.0 / plain.users


def json_heartbeat(scenario: Scenario) -> Scenario:
    """The scenario with heartbeats that are JSON messages: billed in each direction, running code."""
    socket = scenario.after.socket
    if socket is None:
        checks.fail("after.socket must be given where heartbeats are messages; got nothing", scenario.place)
    code = socket.connect_function
    return scenario.with_({"after.heartbeat.kind": "json", "after.heartbeat.function": code})


def gap_usd(scenario: Scenario, path: str, values) -> np.ndarray:
    """How much more push costs than polling in the month, for every value of one input."""
    values = np.atleast_1d(np.asarray(values, dtype=float))
    plain = sampling.resolved(scenario.with_({path: values}))
    book = plain.price_book()
    before, after = (month_usd(traffic_of(which, plain), book, plain.free_tier) for which in ("before", "after"))
    return np.broadcast_to(after - before, values.shape)


def _narrowed(scenario: Scenario, path: str, low: float, high: float, sign: float) -> float:
    """The value between two at which the gap, whose sign at the lower is given, first has another sign."""
    while high - low > NEAR * high:
        values = np.linspace(low, high, FINER)
        changed = np.sign(gap_usd(scenario, path, values[1:])) != sign
        first = int(np.argmax(changed)) if changed.any() else FINER - 2
        low, high = values[first], values[first + 1]
    return high


def crossings(scenario: Scenario, path: str, low: float, high: float) -> list[tuple[float, str]]:
    """Every value of one input between two at which the cheaper design changes, and which is dearer above it."""
    checks.positive("low", low)
    if not high > low:
        checks.fail(f"high must be > low; got {checks.shown(low)} and {checks.shown(high)}")
    values = np.geomspace(low, high, GRID)
    sign = np.sign(gap_usd(scenario, path, values))
    return [
        (_narrowed(scenario, path, values[k], values[k + 1], sign[k]), "push" if sign[k + 1] > 0 else "polling")
        for k in np.flatnonzero(sign[1:] * sign[:-1] < 0)
    ]


def closed_form(scenario: Scenario, path: str, at: float, inverse: bool = False) -> float:
    """The crossing where both bills are straight lines through this value and twice it.

    With gap d(x) = a + b x (or a + b / x for a period) the crossing is x = -a / b (or -b / a). Exact where
    neither a tier, nor another server, nor a cold share that falls with the rate bends the bills.
    """
    ends = np.array([at, 2.0 * at])
    gap = gap_usd(scenario, path, ends)
    place = 1.0 / ends if inverse else ends
    slope = (gap[1] - gap[0]) / (place[1] - place[0])
    if slope == 0:
        return float("nan")
    meets = place[0] - gap[0] / slope
    if not meets > 0:
        return float("nan")
    return float(1.0 / meets if inverse else meets)


def _own(scenario: Scenario, path: str) -> float:
    """The scenario's own value of an input."""
    value: Any = sampling.resolved(scenario)
    for part in path.split("."):
        value = value[part] if isinstance(value, dict) else getattr(value, part)
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def _row(scenario: Scenario, question: Question) -> dict[str, Any]:
    """One question's line of the table; active time is shown in hours a month, other inputs in their own unit."""
    own = _own(scenario, question.path)
    each = float(active_hours(scenario)) / own if question.unit == HOURS else 1.0
    use = sampling.resolved(scenario).usage
    most = own * 86400.0 / (use.sessions_per_day * use.session_mean_s) if question.unit == HOURS else np.inf
    gap = float(gap_usd(scenario, question.path, own)[0])
    line = closed_form(scenario, question.path, min(own, most / 2.0), question.inverse)  # a day has no more hours
    crossed = crossings(scenario, question.path, question.low, min(question.high, most))
    (first, above), (last, beyond) = (crossed[0], crossed[-1]) if crossed else ((np.nan, ""), (np.nan, ""))
    return {
        "unit": question.unit,
        "here": own * each,
        "dearer_here": "push" if gap > 0 else "polling" if gap < 0 else "neither",
        "break_even": first * each,
        "dearer_above": above,
        "crossings": len(crossed),
        "last": last * each,
        "dearer_beyond": beyond,
        "straight_line": line * each if question.low <= line <= question.high else np.nan,
    }


def table(scenario: Scenario) -> pd.DataFrame:
    """Where push becomes dearer than polling, or cheaper, by users, active hours and heartbeat period.

    A table: index question (that of the heartbeat once for each thing it may be billed as); columns unit, here (the
    scenario's own value), dearer_here, break_even (the first crossing, NaN where there is none), dearer_above,
    crossings (how many), last and dearer_beyond, straight_line (`closed_form` from the scenario's own value, where it
    lies in the span searched).
    Source: aws_price_list.
    """
    import pandas as pd

    rows = {name: _row(scenario, question) for name, question in QUESTIONS.items() if name != HEARTBEAT}
    if scenario.after.heartbeat is not None:
        rows |= {f"{HEARTBEAT}, {kind}": row for kind, row in heartbeats(scenario).iterrows()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("question")


def heartbeats(scenario: Scenario) -> pd.DataFrame:
    """The heartbeat period at which push becomes dearer, for each thing that a heartbeat may be billed as.

    AWS does not say whether a ping frame counts as a message. Source: aws_pricing_pages.
    """
    import pandas as pd

    pings = {"after.heartbeat.kind": "ping"}
    cases = {
        "JSON messages": json_heartbeat(scenario),
        "ping frames, free": scenario.with_({**pings, "billing.pings_billed": False}),
        "ping frames, billed": scenario.with_({**pings, "billing.pings_billed": True}),
    }
    rows = {name: _row(case, QUESTIONS[HEARTBEAT]) for name, case in cases.items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("heartbeat")
