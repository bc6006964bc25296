"""What the page shows of a state: table, three charts and words, all from the library's own outcome.

A move of one design's slider leaves the other design's figures as they were, so the sides of the last few
states are kept; a side is the same wherever everything but the other design is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from model import battery
from model import traffic as traffic_of
from model.apps.explore.controls import NETWORKS
from model.apps.explore.state import PageState
from model.battery.processor import processor_j
from model.outcome import ROWS, Outcome, Side
from model.scenario import Scenario, sampling
from model.show import charts, display
from model.show.look import COLOURS

COUNTS = tuple(float(f"{n:.3g}") for n in np.geomspace(100, 10_000_000, 16))
SHARES = tuple(round(float(s), 4) for s in (*np.linspace(0.02, 0.95, 32), 0.96, 0.97, 0.98))
KEPT = 12
DESIGNS = {"before": "with polling", "after": "with push"}
NAMES = ("name", "title", "users", "claims", "pair")  # of a scenario; no figure of one design depends on them
SEEN = ("before", "after", "change", "claimed_before", "claimed_after", "verdict")
LEAST = 0.001  # a share of a figure below which nothing is said of it
CALLED = {
    "notification latency p50": "the median latency",
    "notification latency p95": "the latency of the slowest 5 %",
    "battery": "battery",
    "mobile data": "mobile data",
    "server load": "server load",
    "cost": "the bill",
}


def _number(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


@dataclass(frozen=True)
class PageSide(Side):
    """One design's figures, each worked out once for as long as the page keeps the side."""

    def __post_init__(self) -> None:
        for name in ("total", "parts", "latency_quantiles"):
            self.__dict__[name] = cache(getattr(self, name))

    def total(self, measure: str):
        """A measure in its unit; the battery from the joules on each network, which its chart shows too."""
        if measure == "battery":
            return sum(battery.mixed_percent(self.traffic, self.network_joules).values())
        return super().total(measure)

    @cached_property
    def network_joules(self) -> dict[str, dict]:
        """Joules per active hour on each network."""
        networks = self.traffic.life.scenario.networks.items()
        return {name: battery.joules_per_hour(self.traffic, network, split=False) for name, network in networks}

    @property
    def network_percent(self) -> dict[str, float]:
        """% of the battery per active hour on each network alone, and on the mix of them."""
        full_j, worked_j = battery.battery_j(self.traffic.life.scenario.phone), sum(processor_j(self.traffic).values())
        alone = {n: (sum(joules.values()) + worked_j) / full_j * 100.0 for n, joules in self.network_joules.items()}
        return {name: _number(percent) for name, percent in {**alone, "mix": self.total("battery")}.items()}


class PageOutcome(Outcome):
    """The outcome of a state with the rows of its table."""

    @cached_property
    def table_rows(self) -> list[dict]:
        """The rows of the before-and-after table as texts, with the full numbers beside them."""
        table = self.table()
        return [
            {
                "measure": measure,
                "unit": row["unit"],
                "text": {c: _shown(c, row[c]) for c in SEEN},
                "value": {c: display.rounded(float(row[c]), 17) for c in ("before", "after", "change")},
            }
            for measure, row in zip(table.index, table.to_dict("records"), strict=True)
        ]


def _shown(column: str, value) -> str:
    if column == "change":
        return f"{value:+z.0%}" if np.isfinite(value) else "n/a"
    if column in DESIGNS:
        return display.number(value, 3) if np.isfinite(value) or np.isnan(value) else "not in this session"
    return str(value)


class Memory:
    """The sides and outcomes of the last few states; holds no more than it says."""

    def __init__(self) -> None:
        self.sides: OrderedDict = OrderedDict()
        self.outcomes: list[PageOutcome] = []

    def side(self, which: str, scenario: Scenario, users: tuple) -> PageSide:
        """One design's figures at some user counts; all they depend on, but for the users, is the key as text."""
        others = {name: True for name in scenario.designs if name != which}
        key = (which, users, scenario.model_dump_json(exclude={**dict.fromkeys(NAMES, True), "designs": others}))
        if key not in self.sides:
            resolved = sampling.resolved(scenario, np.asarray(users, dtype=float))
            book = resolved.price_book()
            self.sides[key] = PageSide(traffic_of.traffic(which, resolved), book)
        self.sides.move_to_end(key)
        while len(self.sides) > KEPT:
            self.sides.popitem(last=False)
        return self.sides[key]

    def outcome(self, scenario: Scenario, users=None) -> PageOutcome:
        """The library's outcome of a scenario, over sides that are worked out once."""
        users = (float(scenario.users),) if users is None else tuple(users)
        for outcome in self.outcomes:
            if outcome.scenario is scenario and tuple(outcome.users) == users:
                return outcome
        sides = {name: self.side(name, scenario, users) for name in scenario.compared}
        outcome = PageOutcome(scenario, np.asarray(users, dtype=float), 0, sides)
        self.outcomes = [*self.outcomes[1 - KEPT :], outcome]
        return outcome


# ---- charts


def chart_data(memory: Memory, scenario: Scenario) -> dict[str, dict[str, tuple]]:
    """The x and y of every line and bar of a state.

    Parameters
    ----------
    memory : Memory, where sides are kept
    scenario : Scenario, the scenario of the state

    Returns: dict of str to dict, by chart (cost, latency, battery) and series (before, after): x and y, plain lists
    """
    return {"cost": cost_data(memory, scenario), **shape_data(memory, scenario)}


def cost_data(memory: Memory, scenario: Scenario) -> dict[str, tuple]:
    """Cost over user counts by design: x and y."""
    pair = memory.outcome(scenario, COUNTS).values("cost")
    return {which: (list(COUNTS), charts.plain(costs[0])) for which, costs in zip(DESIGNS, pair, strict=True)}


def shape_data(memory: Memory, scenario: Scenario) -> dict[str, dict[str, tuple]]:
    """Latency's distribution and battery by network, by design: x and y."""
    outcome, latency, bars = memory.outcome(scenario), {}, {}
    names = [*(NETWORKS.get(n, n.replace("<", "&lt;")) for n in scenario.networks), "the mix"]
    for which in DESIGNS:
        side = getattr(outcome, which)
        times = charts.plain(side.latency_quantiles(SHARES))
        latency[which] = ([None if isinstance(t, str) else t for t in times], list(SHARES))
        bars[which] = (charts.plain(list(side.network_percent.values())), names)
    return {"latency": latency, "battery": bars}


def chart_layouts() -> dict[str, dict]:
    """The titles, axes and look of the three charts, which no state changes."""
    empty: dict = {which: [] for which in DESIGNS}
    arrived = "latency [s]", "share that has arrived", "x"
    drawn = {
        "cost": charts.lines([], empty, "Cost against users", "users in the month", "USD/month", log="xy"),
        "latency": charts.curves({which: ([], []) for which in DESIGNS}, "How long a notification takes", *arrived),
        "battery": charts.bars([], empty, "Battery by network", "battery [%/active hour]", ""),
    }
    return {name: _narrowed(name, figure.to_plotly_json()["layout"]) for name, figure in drawn.items()}


def _narrowed(name: str, layout: dict) -> dict:
    """The layout without what the page's own HTML gives: text is slow to draw in a chart."""
    kept = {k: v for k, v in layout.items() if k not in ("width", "height", "template", "title", "legend")}
    kept["yaxis"] = {**kept.get("yaxis", {}), "automargin": False}
    if kept.get("xaxis", {}).get("type") == "log":
        kept["xaxis"] = {**kept["xaxis"], "tickfont": {"size": 14}}  # between decades ticks are drawn smaller
    if name == "cost":
        kept["yaxis"]["tickformat"] = ",.12~g"  # dollars and their cents
    white = {"paper_bgcolor": "#ffffff", "plot_bgcolor": "#ffffff", "showlegend": False}
    return {**kept, "autosize": True, **white, "margin": {"l": 68, "r": 24, "t": 10, "b": 48}, "height": 280}


def traces(data: dict, pinned: dict | None) -> dict[str, list[dict]]:
    """The traces of every chart: both designs, and the pinned state's beside them."""
    drawn = {chart: [_trace(chart, which, "", data[chart][which]) for which in DESIGNS] for chart in data}
    for chart in data if pinned else ():
        drawn[chart] += [_trace(chart, which, "pinned ", pinned[chart][which]) for which in DESIGNS]
    return drawn


def _trace(chart: str, which: str, pinned: str, xy: tuple) -> dict:
    colour, trace = COLOURS[which], {"x": xy[0], "y": xy[1], "name": f"{pinned}{which}"}
    if chart == "battery":
        marker = {"color": colour, "opacity": 0.45 if pinned else 1.0}
        return {"type": "bar", "orientation": "h", **trace, "marker": marker}
    line = {"color": colour, "width": 1.5 if pinned else 2.5, "dash": "dot" if pinned else "solid"}
    return {"type": "scatter", "mode": "lines", **trace, "line": line}


# ---- words: what the last move changed, and why


def _relative(old: float, new: float) -> float:
    if old == new or not (np.isfinite(old) and np.isfinite(new)):
        return 0.0
    return (new - old) / abs(old) if old else np.inf


def _moves(old: Outcome, new: Outcome) -> list[tuple[str, str, float, float]]:
    """Row, design, old and new figure of everything that changed, the largest relative change first."""
    moves = []
    for row in CALLED:
        pairs = zip(DESIGNS, old.values(row), new.values(row), strict=True)
        moves += [(row, which, float(a[0, 0]), float(b[0, 0])) for which, a, b in pairs]
    moves = [m for m in moves if abs(_relative(m[2], m[3])) > LEAST]
    return sorted(moves, key=lambda m: -abs(_relative(m[2], m[3])))


def _in_words(row: str, which: str, old: float, new: float) -> str:
    """One figure's change as a sentence."""
    change = _relative(old, new)
    by = f"by {abs(change):{'.1%' if abs(change) < 0.1 else '.0%'}}"
    if change > 3.0:
        by = f"{1.0 + change:,.3g} times" if np.isfinite(change) else "from nothing"
    ends = f"from {display.number(old, 3)} to {display.number(new, 3)} {ROWS[row][2]}"
    return f"{CALLED[row]} {DESIGNS[which]} {'rises' if new > old else 'falls'} {by}, {ends}"


def changed_words(old: PageState, new: PageState, before: Outcome, after: Outcome) -> str:
    """What a move did to the figures, the largest changes first.

    Parameters
    ----------
    old, new : PageState, the controls before and after the move
    before, after : Outcome, the outcomes of both states

    Returns: str, one or two sentences
    """
    moves = _moves(before, after)
    if not moves:
        return f"{new.settings_since(old)}: no figure moves by more than 0.1 %."
    others = len(moves[3:])
    more = f" {others} more {'figure moves' if others == 1 else 'figures move'}." if others else ""
    return f"{new.settings_since(old)}: {'; '.join(_in_words(*move) for move in moves[:3])}.{more}"


def prepare_reason(before: Outcome, after: Outcome, step: int) -> None:
    """Work out one of the two sets of parts that the reason needs, so that it comes in short steps."""
    for row, which, *_ in _moves(before, after)[:1]:
        getattr((before, after)[step], which).parts(ROWS[row][0])


def reason_words(before: Outcome, after: Outcome) -> str:
    """Why the figure that a move changed most changed: its parts by flow, its formula, what moves it most.

    Parameters
    ----------
    before, after : Outcome, the outcomes before and after the move

    Returns: str, two sentences; empty where nothing moved
    """
    moves = _moves(before, after)
    if not moves:
        return ""
    row, which, *_ = moves[0]
    measure, _, unit = ROWS[row]
    parts = [getattr(o, which).parts(measure) for o in (before, after)]
    explained = after.explain(measure)
    movers = ", ".join(_path_in_words(m) for m in explained["movers"])
    late = measure == "latency"
    called, unit = ("what is not told within 10 s", "%") if late else (CALLED[row].removeprefix("the "), unit)
    return (
        f"Why, {called} {DESIGNS[which]}: {_largest_parts(*parts, unit)}. Worked out as {explained['formula']}; the"
        f" inputs whose ranges move the saving most: {movers}."
    )


def _path_in_words(path: str) -> str:
    return " ".join(part for part in path.split(".") if part not in ("ledger", "both")).replace("_", " ")


def _largest_parts(old: dict, new: dict, unit: str) -> str:
    """The flows whose part changed most, with the change of each."""
    change = {n: _number(new.get(n, 0.0)) - _number(old.get(n, 0.0)) for n in dict.fromkeys([*old, *new])}
    largest = sorted((n for n in change if change[n]), key=lambda n: -abs(change[n]))[:3]
    if not largest:
        return "no part of it changes, only how it is spread"
    return ", ".join(f"{n} {change[n]:+.3g}" for n in largest) + f" {unit}"
