"""Published measurements and examples beside what the engine says: `data/published/radio_cases.csv`."""

from __future__ import annotations

import functools
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from model import checks, ledger, paths
from model.radio.library import idle_w, packet_energy_j, profile, tail_energy_j, tail_s
from model.radio.power import mean_power_w, state_shares
from model.radio.quiet import Source
from model.radio.states import State, state_power_w
from model.radio.walk import trace

FILE = ("published", "radio_cases.csv")


@dataclass(frozen=True)
class Case:
    """One published figure, what the engine says of it, and how far apart they may be."""

    id: str
    kind: str
    profile: str
    published: float
    model: float
    unit: str
    tol_rel: float
    source: str
    where: str
    note: str

    @property
    def error_rel(self) -> float:
        """The engine's figure over the published one, less 1; 0 where both are 0."""
        if self.model == self.published:
            return 0.0
        return self.model / self.published - 1.0 if self.published else float("inf")


def _number(row: dict[str, str], name: str) -> float:
    return float(row[name] or 0.0)


def _source(row: dict[str, str]) -> Source:
    return Source(
        period_s=_number(row, "period_s"), bytes_up=_number(row, "bytes_up"), bytes_down=_number(row, "bytes_down")
    )


def _state(row: dict[str, str], name: str, which: str = "profile") -> State:
    return next(s for s in profile(row[which]).states if s.name == row[name])


def _state_energy_j(row: dict[str, str]) -> float:
    if row["profile"]:
        return state_power_w(_state(row, "item")) * _number(row, "seconds")
    numbers = {name: _number(row, name) for name in ("power_w", "on_w", "on_s", "cycle_s")}
    return state_power_w(State("published", timer_s=0.0, **numbers)) * _number(row, "seconds")


def _still_connected(row: dict[str, str]) -> float:
    return float(trace([0.0, _number(row, "seconds")], 100, 100, row["profile"]).promotions == 1)


def _trace_energy_j(row: dict[str, str]) -> float:
    times_s = _number(row, "period_s") * np.arange(int(row["packets"]))
    up, down, end_s = (_number(row, name) for name in ("bytes_up", "bytes_down", "seconds"))
    return trace(times_s, up, down, row["profile"], end_s).energy["total_j"]


def _promotion_s(row: dict[str, str]) -> float:
    return sum(p.delay_s for p in profile(row["profile"]).promotions if p.label == row["item"])


def _slope(row: dict[str, str]) -> float:
    radio = profile(row["profile"])
    return (radio.up_j_per_byte if row["item"] == "up" else radio.down_j_per_byte) / 8e-9


def _added_w(row: dict[str, str]) -> float:
    return float(mean_power_w(row["profile"], _source(row)))


MODEL = {  # what the engine says of each kind of case, in the unit of the file
    "packet_energy": lambda row: packet_energy_j(row["profile"]),
    "idle_power": lambda row: 1e3 * idle_w(row["profile"]),
    "base_below": lambda row: (
        100.0 * (1.0 - _state(row, "item").power_w / _state(row, "against_item", "against").power_w)
    ),
    "tail_time": lambda row: tail_s(row["profile"]),
    "tail_energy": lambda row: tail_energy_j(row["profile"]),
    "slope_ratio": lambda row: _slope({**row, "item": "up"}) / _slope({**row, "item": "down"}),
    "slope": _slope,
    "awake_share": lambda row: 1.0 - state_shares(row["profile"], _source(row))["idle"],
    "poll_energy_per_min": lambda row: 60.0 * _added_w(row),
    "drain": lambda row: 100.0 * _added_w(row) / _number(row, "battery_wh"),
    "trace_energy": _trace_energy_j,
    "still_connected": _still_connected,
    "promotion_time": _promotion_s,
    "state_energy": _state_energy_j,
}


@functools.cache
def published_cases() -> tuple[Case, ...]:
    """Every published case with the engine's own figure beside it.

    Source: huang2012, qian2011, nicholas2012, narayanan2021, narayanan2021_artifact, video_optimizer.
    """
    cases = []
    for number, row in enumerate(ledger.read_csv(paths.data(*FILE)), start=2):
        place = f"data/{'/'.join(FILE)}:{number}"
        checks.known("kind", row["kind"], MODEL, place)
        checks.known("source", row["source"], ledger.sources(), place)
        numbers = {"model": MODEL[row["kind"]](row), "published": row["published"], "tol_rel": row["tol_rel"]}
        given: dict[str, Any] = {field.name: row[field.name] for field in fields(Case) if field.name not in numbers}
        given |= {name: float(number) for name, number in numbers.items()}
        cases.append(Case(**given))
    return tuple(cases)
