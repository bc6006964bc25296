"""What the page draws of a state: the table, three charts and their data, from the library's own outcome.

A move of one design's slider leaves the other design's figures as they were, so the sides of the last few
states are kept; a side is the same wherever everything but the other design is the same.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cached_property

import numpy as np

from model import battery, prices
from model import outcome as results
from model import traffic as traffic_of
from model.apps.explore.controls import NETWORKS
from model.scenario import Scenario, sampling
from model.show import charts, display

__all__ = ["Memory", "chart_data", "chart_layouts", "table_rows"]

COUNTS = tuple(float(f"{n:.3g}") for n in np.geomspace(100, 10_000_000, 16))
SHARES = tuple(round(float(s), 4) for s in (*np.linspace(0.02, 0.95, 32), 0.96, 0.97, 0.98))
KEPT = 12
NAMES = ("name", "title", "users", "claims")  # of a scenario; no figure of one design depends on them
SEEN = ("before", "after", "change", "claimed_before", "claimed_after", "verdict")


class KeptSide(results.Side):
    """One design's figures, each worked out once."""

    @cached_property
    def kept(self) -> dict:
        """Figures by what they are."""
        return {}

    def total(self, measure: str):
        """A measure in its unit, as the library's side gives it."""
        if measure == "battery":
            return self.battery_total
        if ("total", measure) not in self.kept:
            self.kept["total", measure] = super().total(measure)
        return self.kept["total", measure]

    def parts(self, measure: str) -> dict:
        """A measure by flow, as the library's side gives it."""
        if ("parts", measure) not in self.kept:
            self.kept["parts", measure] = super().parts(measure)
        return self.kept["parts", measure]

    def latency_quantiles(self, shares) -> np.ndarray:
        """Quantiles of latency, as the library's side gives them."""
        key = ("quantiles", *shares)
        if key not in self.kept:
            self.kept[key] = super().latency_quantiles(shares)
        return self.kept[key]

    @cached_property
    def network_joules(self) -> dict[str, dict]:
        """Joules per active hour by network."""
        now = self.traffic
        return {
            name: battery.joules_per_hour(now, network, network.profiles[0], split=False)
            for name, network in now.life.scenario.networks.items()
        }

    @cached_property
    def network_percent(self) -> dict[str, float]:
        """% of the battery per active hour on each network alone, and on the mix of them."""
        full_j = battery.battery_j(self.traffic.life.scenario.phone)
        alone = {name: _number(sum(parts.values())) / full_j * 100.0 for name, parts in self.network_joules.items()}
        return {**alone, "mix": _number(self.battery_total)}

    @cached_property
    def battery_total(self):
        """% of the battery per active hour over the mix, summed in the library's order."""
        scenario = self.traffic.life.scenario
        full_j = battery.battery_j(scenario.phone)
        total: dict = {}
        for name, network in scenario.networks.items():
            for flow, joules in self.network_joules[name].items():
                part = network.share * joules / full_j * 100.0
                total[flow] = total[flow] + part if flow in total else part
        return sum(total.values())


class KeptOutcome(results.Outcome):
    """The outcome of a state, its table worked out once."""

    @cached_property
    def _table(self):
        return super().table()

    def table(self):
        """The before-and-after table, as the library's outcome gives it."""
        return self._table


def _number(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


class Memory:
    """The sides of the last few states; holds no more than it says."""

    def __init__(self) -> None:
        self.sides: OrderedDict = OrderedDict()
        self.outcomes: list[tuple] = []
        self.told: tuple = (None, {})

    def side(self, which: str, scenario: Scenario, users) -> KeptSide:
        """One design's figures at some user counts."""
        key = (which, users, self._told(scenario)[which])
        if key not in self.sides:
            resolved = sampling.resolved(scenario, np.asarray(users, dtype=float))
            book = prices.book(resolved.region, resolved.prices_on)
            self.sides[key] = KeptSide(traffic_of.traffic(which, resolved), book)
        self.sides.move_to_end(key)
        while len(self.sides) > KEPT:
            self.sides.popitem(last=False)
        return self.sides[key]

    def _told(self, scenario: Scenario) -> dict[str, str]:
        """All that a design's figures depend on, but for the users, as text by design."""
        if self.told[0] is not scenario:
            apart = {"before": "after", "after": "before"}
            self.told = (
                scenario,
                {which: scenario.model_dump_json(exclude={other, *NAMES}) for which, other in apart.items()},
            )
        return self.told[1]

    def outcome(self, scenario: Scenario, users=None) -> results.Outcome:
        """The library's outcome of a scenario, over sides that are worked out once."""
        users = (float(scenario.users),) if users is None else tuple(users)
        for kept, counts, outcome in self.outcomes:
            if kept is scenario and counts == users:
                return outcome
        sides = [self.side(which, scenario, users) for which in ("before", "after")]
        outcome = KeptOutcome(scenario, np.asarray(users, dtype=float), 0, *sides)
        self.outcomes = [*self.outcomes[1 - KEPT :], (scenario, users, outcome)]
        return outcome


def _shown(column: str, value) -> str:
    if column == "change":
        return f"{value:+.0%}" if np.isfinite(value) else "n/a"
    return display.number(value, 3) if column in ("before", "after") else str(value)


def table_rows(outcome: results.Outcome) -> list[dict]:
    """The rows of the before-and-after table as texts, with the full numbers beside them."""
    table = outcome.table()
    rows = []
    for measure, row in zip(table.index, table.to_dict("records"), strict=True):
        rows.append(
            {
                "measure": measure,
                "unit": row["unit"],
                "text": {c: _shown(c, row[c]) for c in SEEN},
                "value": {c: display.rounded(float(row[c]), 17) for c in ("before", "after", "change")},
            }
        )
    return rows


def chart_data(memory: Memory, scenario: Scenario) -> dict[str, dict[str, tuple]]:
    """The x and y of every line and bar of a state.

    Parameters
    ----------
    memory : Memory, where sides are kept
    scenario : Scenario, the scenario of the state

    Returns
    -------
    dict of str to dict, by chart (cost, latency, battery) and series (before, after): x and y, plain lists
    """
    return {"cost": cost_data(memory, scenario), **shape_data(memory, scenario)}


def cost_data(memory: Memory, scenario: Scenario) -> dict[str, tuple]:
    """Cost over user counts by design: x and y."""
    pair = memory.outcome(scenario, COUNTS).values("cost")
    return {
        which: (list(COUNTS), charts.plain(costs[0])) for which, costs in zip(("before", "after"), pair, strict=True)
    }


def shape_data(memory: Memory, scenario: Scenario) -> dict[str, dict[str, tuple]]:
    """Latency's distribution and battery by network, by design: x and y."""
    here = memory.outcome(scenario)
    sides = {"before": here.before, "after": here.after}
    names = [*(NETWORKS.get(n, n) for n in scenario.networks), "the mix"]
    return {
        "latency": {
            which: (_finite(charts.plain(side.latency_quantiles(SHARES))), list(SHARES))
            for which, side in sides.items()
        },
        "battery": {which: (charts.plain(list(side.network_percent.values())), names) for which, side in sides.items()},
    }


def _finite(values: list) -> list:
    return [None if isinstance(v, str) else v for v in values]


def chart_layouts() -> dict[str, dict]:
    """The titles, axes and look of the three charts, which no state changes."""
    empty = {"before": [], "after": []}
    drawn = {
        "cost": charts.lines([], empty, "Cost against users", "users in the month", "USD/month", log="xy"),
        "latency": charts.curves(
            {k: ([], []) for k in empty},
            "How long a notification takes",
            "latency [s]",
            "share that has arrived",
            log="x",
        ),
        "battery": charts.bars([], empty, "Battery by network", "battery [%/active hour]", ""),
    }
    return {name: _narrowed(name, figure.to_plotly_json()["layout"]) for name, figure in drawn.items()}


def _narrowed(name: str, layout: dict) -> dict:
    """The layout without what the page's own HTML gives: text is slow to draw in a chart."""
    left_out = ("width", "height", "template", "title", "legend")
    kept = {k: v for k, v in layout.items() if k not in left_out}
    kept["yaxis"] = {**kept.get("yaxis", {}), "automargin": False}
    if kept.get("xaxis", {}).get("type") == "log":
        kept["xaxis"] = {**kept["xaxis"], "tickfont": {"size": 14}}  # between decades ticks are drawn smaller
    if name == "cost":
        kept["yaxis"]["tickformat"] = ",.12~g"  # dollars and their cents
    return {
        **kept,
        "autosize": True,
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "showlegend": False,
        "margin": {"l": 68, "r": 24, "t": 10, "b": 48},
        "height": 280,
    }


def traces(data: dict, pinned: dict | None) -> dict[str, list[dict]]:
    """The traces of every chart: both designs, and the pinned state's beside them."""
    found = {name: [_trace(name, which, which, data[name][which]) for which in ("before", "after")] for name in data}
    for name in data if pinned else ():
        found[name] += [_trace(name, which, f"pinned {which}", pinned[name][which]) for which in ("before", "after")]
    return found


def _trace(chart: str, which: str, name: str, xy: tuple) -> dict:
    x, y = xy
    pinned, colour = name.startswith("pinned"), charts.COLOURS[which]
    if chart == "battery":
        look = {"color": colour, "opacity": 0.45 if pinned else 1.0}
        return {"type": "bar", "orientation": "h", "x": x, "y": y, "name": name, "marker": look}
    line = {"color": colour, "width": 1.5 if pinned else 2.5, "dash": "dot" if pinned else "solid"}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "name": name, "line": line}
