"""The outcome of a scenario: both designs' figures, and the tables that are made of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from model import checks, claims, ledger
from model.claims.published import row_verdict
from model.outcome.away import AWAY_ROWS, away_figure, away_lines
from model.outcome.draws import (
    best_of,
    better_share,
    ends,
    least_share,
    less_is_better,
    rank_quantile,
    sides_of_draws,
    step_line,
)
from model.outcome.sides import FORMULAS, MEASURES, Side, Sides
from model.scenario import Scenario, sampling

ROWS = {  # the table's rows: label -> measure, figure, unit
    "notification latency p50": ("latency", "p50", "s"),
    "notification latency p95": ("latency", "p95", "s"),
    "not told": ("told", "not told", "%"),
    "told in time 1 s": ("told", "1", "%"),
    "told in time 10 s": ("told", "10", "%"),
    "told in time 60 s": ("told", "60", "%"),
    "battery": ("battery", "total", "%/active hour"),
    "mobile data": ("data", "total", "MB/active hour"),
    "server load": ("load", "total", "requests/min per active user"),
    "code runs": ("runs", "total", "runs/min per active user"),
    "cost": ("cost", "total", "USD/month"),
}
UNITS = {measure: unit for measure, _, unit in ROWS.values()} | {"latency": "% not told within 10 s"}
PAIR, P95 = ("before", "after"), "notification latency p95"
QUANTILES = {"p50": 0.5, "p95": 0.95}


@dataclass(frozen=True)
class Outcome:
    """The result of one scenario: every design's figures over user counts and draws, by the design's name."""

    scenario: Scenario
    users: np.ndarray
    draws: int
    sides: Mapping[str, Side]
    seed: int = 0
    notes: dict[tuple[str, str], str] = field(default_factory=dict)  # why a design has no figure of a row

    def __getitem__(self, name: str) -> Side:
        return self.sides[self.scenario.design_name(name)]

    @property
    def before(self) -> Side:
        """The first design of the pair that is compared."""
        return self.sides[self.scenario.compared[0]]

    @property
    def after(self) -> Side:
        """The second design of the pair that is compared."""
        return self.sides[self.scenario.compared[1]]

    def rows(self, names: Sequence[str] | None = None) -> dict[str, tuple[str, str, str]]:
        """The rows of a table of some designs, all if left out: those when away where one of them tells people then."""
        every = self.scenario.designs
        return ROWS | AWAY_ROWS if any(every[n].when_away != "none" for n in names or every) else ROWS

    def values(self, row: str, design: str | None = None):
        """One row of the table for a design, or for both that are compared.

        Parameters
        ----------
        row : str, a row of the table, such as "battery" or "notification latency p95"
        design : str, optional, a design's name; where none is given both of the pair

        Returns: numpy.ndarray, or a tuple of two, in the row's unit, (draws, users); of a percentile of latency at
        most the first 2,048 draws; NaN where the design has no such figure, with the reason in `notes`
        Raises: InputError, an unknown row or design
        """
        measure, figure, _ = {**ROWS, **AWAY_ROWS}[checks.known("row", row, [*ROWS, *AWAY_ROWS])]
        if design is None:
            return tuple(self.values(row, name) for name in self.scenario.compared)
        name, draws = self.scenario.design_name(design), max(self.draws, 1)
        if figure != "total":
            draws = min(draws, sampling.QUANTILE_DRAWS)
        try:
            value = self[name].total(measure) if figure == "total" else self._figure(name, figure)
        except checks.InputError as wrong:  # no price, no event: the row has no figure, and the others stand
            self.notes[name, row] = str(wrong)
            value = np.nan
        return np.broadcast_to(np.asarray(value, dtype=float), (draws, len(self.users)))

    @cached_property
    def _known(self) -> dict:
        return {}

    @cached_property
    def _first(self) -> Mapping[str, Side]:
        """The sides over the draws whose whole distribution of latency is worked out."""
        if self.draws <= sampling.QUANTILE_DRAWS:
            return self.sides
        return Sides(sampling.resolved(self.scenario, self.users, self.draws, self.seed, sampling.QUANTILE_DRAWS))

    @cached_property
    def _at_modes(self) -> Mapping[str, Side]:
        """The sides with every input at its mode."""
        return Sides(sampling.resolved(self.scenario, self.users)) if self.draws else self.sides

    def _figure(self, name: str, figure: str):
        """p50 or p95 of a design's latency, a share told, or one when away, of the first 2,048 draws (draws, users)."""
        if figure.startswith("away"):
            return away_figure(self._first[name].traffic, figure)
        key, side = (name, figure in QUANTILES), self._first[name]
        if key not in self._known and figure in QUANTILES:
            self._known[key] = dict(zip(QUANTILES, side.latency_quantiles(tuple(QUANTILES.values())), strict=True))
        elif key not in self._known:
            told = {f"{limit:g}": 100.0 * share for limit, share in side.told_in_time.items()}
            self._known[key] = {**told, "not told": 100.0 - told["inf"]}
        return self._known[key][figure]

    def by_flow(self, measure: str, designs: Sequence[str] | None = None):
        """One measure split by flow; the parts of a design add up to its whole.

        Parameters
        ----------
        measure : str, latency (what is not told within 10 s), battery, data, load, runs or cost
        designs : sequence of str, optional, names of designs; the pair that is compared where none is given

        Returns: pandas.DataFrame, a row a flow, a column a design in the measure's unit: `before` and `after` for
        the pair, else the names; over draws the mean, and for several user counts the first
        Raises: InputError, an unknown measure or design
        """
        import pandas as pd

        names = dict(zip(PAIR, self.scenario.compared, strict=True)) if designs is None else {n: n for n in designs}
        parts = {column: self[name].parts(measure) for column, name in names.items()}
        flows = list(dict.fromkeys(flow for part in parts.values() for flow in part))
        means = {c: {n: np.atleast_2d(x)[:, 0].mean() for n, x in part.items()} for c, part in parts.items()}
        table = pd.DataFrame(means, index=pd.Index(flows, name="flow"), dtype=float).fillna(0.0)
        return table[(table != 0).any(axis=1)]

    def table(self):
        """The before-and-after table at the first user count.

        Returns: pandas.DataFrame, a row a measure; `before_after` tells its columns
        """
        import pandas as pd

        published, names = claims.by_measure(self.scenario.claims), dict(zip(PAIR, self.scenario.compared, strict=True))
        rows, steps = {}, self._steps(names)
        for label, (measure, _, unit) in self.rows(self.scenario.compared).items():
            before, after = (v[:, 0] for v in self.values(label))
            claim = published.get(measure, {})
            if claim.get("users") not in (None, float(self.users[0])):
                claim = {}  # a claim about another number of users says nothing here
            rows[label] = {"unit": unit, **_figures(before, after), **_claimed(claim, before, after)}
            if claim and any(row == label for row, _ in steps):
                rows[label]["verdict"] = "not judged: the figure stands on a step between draws"
            if self.draws:
                rows[label] |= ends({"before": before, "after": after})
                rows[label]["p_better"] = better_share(label, before, after)
        return self._noted(pd.DataFrame.from_dict(rows, orient="index"), names, steps)

    def _noted(self, table, names: Mapping[str, str], steps: Mapping):
        """A table of measures, its columns by design, with what must be said: steps, and why a figure is missing."""
        table.attrs["steps"] = steps
        lines = (*self._step_lines(names.values()), *self._crowd_lines(), *away_lines(self.scenario, names.values()))
        table.attrs["remarks"] = [*self.scenario.price_book().remarks, *lines]
        table.attrs["notes"] = {key: reason for key, reason in self.notes.items() if key[0] in names.values()}
        return table.rename_axis("measure")

    def _steps(self, names: Mapping[str, str]) -> dict[tuple[str, str], str]:
        """The p95 of draws on each side of a step, in words, by row and column."""
        if not self.draws:
            return {}
        values = {column: self.values(P95, name)[:, 0] for column, name in names.items()}
        said = {(P95, column): sides_of_draws(of) for column, of in values.items() if not np.isnan(of).any()}
        return {key: words for key, words in said.items() if words}

    def _step_lines(self, names) -> list[str]:
        """For each design whose p95 stands on a step at the modes the line that says which events are on each side."""
        without = {name for name, row in self.notes if row == P95}
        lines = [
            step_line(self._at_modes[name], rough=bool(self.draws))
            for name in dict.fromkeys(names)
            if name not in without
        ]
        return [line for line in lines if line]

    def _crowd_lines(self) -> list[str]:
        """The events that are sent to more people in the app at once than are in it at the peak hour."""
        plain = sampling.resolved(self.scenario)
        use, users = plain.usage, float(self.users[0])
        busy_share = np.minimum(use.sessions_per_day * use.session_mean_s / 86400.0, 1.0) * use.peak_to_mean_ratio
        there = users * use.dau_mau_share * np.minimum(busy_share, 1.0)
        told = {name: event.recipients * event.online_share for name, event in plain.events.items()}
        return [
            f"{name} reaches {count:,.3g} people in the app at once; at the peak hour {there:,.3g} are in it."
            for name, count in told.items()
            if count > there
        ]

    def explain(self, measure: str) -> dict:
        """Where a measure comes from: formula, inputs with source and kind, the three that move it most.

        Parameters
        ----------
        measure : str, latency, battery, data, load or cost

        Returns: dict, `measure`, `formula`, `unit`, `inputs` (a DataFrame: low, mode, high, source, kind and the
        change of both figures, added up, when the input alone goes from low to high) and `movers`, the three first of
        them; of the cost also `prices`, the first tier of every meter with its source
        Raises: InputError, an unknown measure
        """
        checks.known("measure", measure, MEASURES)
        inputs = _swings(self.scenario, float(self.users[0]), measure)
        found = {
            "measure": measure,
            "formula": FORMULAS[measure],
            "unit": UNITS[measure],
            "inputs": inputs,
            "movers": list(inputs.index[:3]),
        }
        return found | {"prices": self._prices()} if measure == "cost" else found

    def _prices(self):
        """The list price of all that either design is billed on, above any allowance."""
        import pandas as pd

        meters = sorted({*self.before.usage, *self.after.usage})
        tiers = {m: self.before.book.tiers(m)[0] for m in meters}
        rows = {m: (float(t.price_usd), t.unit, t.source, t.where, str(t.effective_from)) for m, t in tiers.items()}
        columns = ["price_usd", "unit", "source", "where", "read_on"]
        return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("meter")


def compared(outcome: Outcome, names: Sequence[str]):
    """Designs side by side at the first user count: `compare` tells its columns."""
    import pandas as pd

    rows = {}
    for label, (_, _, unit) in outcome.rows(names).items():
        values = {name: outcome.values(label, name)[:, 0] for name in names}
        middle = {name: rank_quantile(v, 0.5) for name, v in values.items()}
        best = best_of(label, middle)
        rows[label] = {"unit": unit, **middle, "best": " and ".join(best)}
        if outcome.draws:
            turned = {name: less_is_better(label, v) for name, v in values.items()}
            rows[label] |= {"p_best": least_share(turned, best), **ends(values)}
    columns = {name: name for name in names}
    return outcome._noted(pd.DataFrame.from_dict(rows, orient="index"), columns, outcome._steps(columns))


def _figures(before: np.ndarray, after: np.ndarray) -> dict:
    """The middle of both designs' draws, and of the change as a share of before."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = after / before - 1.0
    change = change if np.isfinite(before).all() and np.isfinite(after).all() else np.full(1, np.nan)
    return {name: rank_quantile(v, 0.5) for name, v in (("before", before), ("after", after), ("change", change))}


def _claimed(claim: dict, before: np.ndarray, after: np.ndarray) -> dict:
    """What is claimed of both designs, in words, and the verdict on it."""
    after_words = claims.shown_range(claim.get("after"))
    if claim and not claim.get("before"):
        after_words = claim["text"].split(", ")[-1]
    return {
        "claimed_before": claims.shown_range(claim.get("before")),
        "claimed_after": after_words,
        "verdict": row_verdict(float(np.median(before)), float(np.median(after)), claim or None),
    }


def _swings(scenario: Scenario, users: float, measure: str):
    """Each ranged input alone at its low and its high: what it does to the measure, largest first."""
    import pandas as pd

    inputs, rows = sampling.ranged_inputs(scenario, scenario.compared), ledger.rows()
    count = len(inputs)
    columns = {name: np.full((2 * count, 1), one.mode) for name, one in inputs.items()}
    for k, (name, one) in enumerate(inputs.items()):
        columns[name][2 * k : 2 * k + 2, 0] = one.low, one.high
    every = Sides(sampling.with_columns(scenario, columns, users))
    sides = [every[name] for name in scenario.compared]
    table = pd.DataFrame({end: {n: getattr(r, end) for n, r in inputs.items()} for end in ("low", "mode", "high")})
    kept = [rows.get(name.removeprefix("ledger.")) for name in inputs]
    table["source"] = [one.source or "" for one in inputs.values()]
    table["kind"] = [row.kind if row else "scenario" for row in kept]
    swing = np.zeros(count)
    for which, side in zip(PAIR, sides, strict=True):
        pair = np.broadcast_to(np.asarray(side.total(measure), dtype=float), (2 * count, 1)).reshape(count, 2)
        table[f"{which}_at_low"], table[f"{which}_at_high"] = pair.T
        swing += np.abs(pair[:, 1] - pair[:, 0])
    return table.assign(swing=swing).rename_axis("input").sort_values("swing", ascending=False, kind="stable")
