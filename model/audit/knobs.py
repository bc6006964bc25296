"""What the search for a claim's truth may move: every ranged input, and what a document fixes by choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import ledger
from model.scenario import Range, Scenario, sampling

__all__ = ["Knob", "knobs", "opened"]

WIDE = 10.0  # a range whose ends differ by more than this is walked in ratios
CHOICE_SPAN = 10.0  # a poll's period, where a document fixes it, is tried from a tenth to ten times
HEARTBEAT_LEAST_S = 10.0


@dataclass(frozen=True)
class Knob:
    """An input that the search may move, with its range and how a sentence names it."""

    name: str
    low: float
    mode: float
    high: float
    label: str
    unit: str = ""
    scale: float = 1.0

    def at(self, end: int, share):
        """The value that far from the mode to the high end (1) or the low end (-1)."""
        goal = self.high if end > 0 else self.low
        if min(goal, self.mode) > 0 and max(goal / self.mode, self.mode / goal) > WIDE:
            return self.mode * (goal / self.mode) ** np.asarray(share)
        return self.mode + (goal - self.mode) * np.asarray(share)


def _choices(scenario: Scenario) -> dict[str, dict]:
    """Ranges for what documents fix and an operator could choose: poll periods, heartbeat, active hours."""
    found = {}
    for which in ("before", "after"):
        design = scenario.design(which)
        for name, timer in design.timers.items():
            if isinstance(timer.period_s, float):
                found[f"{which}.timers.{name}.period_s"] = {
                    "low": timer.period_s / CHOICE_SPAN,
                    "mode": timer.period_s,
                    "high": timer.period_s * CHOICE_SPAN,
                }
        if design.heartbeat is not None and isinstance(design.heartbeat.period_s, float):
            period_s, idle_s = design.heartbeat.period_s, ledger.quotas()["apigw_ws_idle_s"]
            found[f"{which}.heartbeat.period_s"] = {
                "low": min(HEARTBEAT_LEAST_S, period_s),
                "mode": period_s,
                "high": max(idle_s, period_s),
            }
    mean_s = scenario.usage.session_mean_s
    if isinstance(mean_s, float):  # the premise states active hours: one a month to all of them
        least_s = min(3600.0 * mean_s / (_hours(scenario) * 3600.0), mean_s) if _hours(scenario) else mean_s
        found["usage.session_mean_s"] = {"low": least_s, "mode": mean_s, "high": max(mean_s, 86400.0)}
    return found


def _hours(scenario: Scenario) -> float:
    """Active hours a user and month where usage is stated in plain numbers; 0 where it has ranges."""
    use = scenario.usage
    told = (use.dau_mau_share, use.sessions_per_day, use.session_mean_s)
    if any(isinstance(v, Range) for v in told):
        return 0.0
    return float(np.prod(told)) * scenario.billing.month_days / 3600.0


def opened(scenario: Scenario) -> Scenario:
    """The scenario with a range on everything that the search may move."""
    return scenario.with_(_choices(scenario))


def _label(name: str) -> str:
    if name.startswith("both."):
        return f"{name.removeprefix('both.')} of both designs"
    return f"{name.removeprefix('ledger.')} of the ledger" if name.startswith("ledger.") else name


def knobs(scenario: Scenario) -> tuple[Scenario, dict[str, Knob]]:
    """Everything the search may move, and the scenario in which it can."""
    wide, hours = opened(scenario), _hours(scenario)
    found = {}
    for name, one in sampling.ranged_inputs(wide).items():
        label, unit, scale = _label(name), ledger.unit_of(name.split(".")[-1]) or "", 1.0
        if name == "usage.session_mean_s" and hours:
            label, unit, scale = "active time per user and month", "h", hours / one.mode
        unit = "" if unit in ("1", "-") else unit
        found[name] = Knob(name, one.low, one.mode, one.high, label, unit, scale)
    return wide, found
