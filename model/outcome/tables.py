"""The outcome of a scenario: both designs' figures, and the tables that are made of them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model import checks, claims, ledger
from model.outcome.sides import MEASURES, Side, both_sides
from model.scenario import Scenario, sampling

ROWS = {  # the table's rows: label -> measure, figure, unit
    "notification latency p50": ("latency", "p50", "s"),
    "notification latency p95": ("latency", "p95", "s"),
    "battery": ("battery", "total", "%/active hour"),
    "mobile data": ("data", "total", "MB/active hour"),
    "server load": ("load", "total", "requests/min per active user"),
    "cost": ("cost", "total", "USD/month"),
}
QUANTILES = {"p50": 0.5, "p95": 0.95}
SPAN = (0.05, 0.95)  # what lies between low and high: nine draws of ten
FORMULAS = {
    "latency": "mean over events of sum over parts (poll wait or sender, gateway, radio, downlink, ...)",
    "battery": "sum over networks and places of share x (power(design + background) - power(background))"
    " + last tails, over the battery's energy",
    "data": "sum over flows of occurrences x IP bytes each way, over active hours",
    "load": "sum over flows of occurrences x requests, over active minutes",
    "cost": "sum over meters of tiered price(sum over flows of occurrences x amount a time)",
}


@dataclass(frozen=True)
class Outcome:
    """The result of one scenario: both designs' figures over user counts and draws."""

    scenario: Scenario
    users: np.ndarray
    draws: int
    before: Side
    after: Side
    seed: int = 0

    def values(self, row: str) -> tuple[np.ndarray, np.ndarray]:
        """Before and after of one row of the table.

        Parameters
        ----------
        row : str, a row of the table, such as "battery" or "notification latency p95"

        Returns: tuple of numpy.ndarray, before and after in the row's unit, each (draws, users); of a percentile of
        latency at most the first 2,048 draws
        Raises: InputError, an unknown row
        """
        measure, figure, _ = ROWS[checks.known("row", row, ROWS)]
        draws = max(self.draws, 1)
        if figure == "total":
            pair = (self.before.total(measure), self.after.total(measure))
        else:
            pair, draws = self.quantiles[figure], min(draws, sampling.QUANTILE_DRAWS)
        before, after = (np.broadcast_to(np.asarray(v, dtype=float), (draws, len(self.users))) for v in pair)
        return before, after

    @cached_property
    def quantiles(self) -> dict[str, tuple]:
        """Before and after of p50 and p95 of latency, each (draws, users); of the first 2,048 draws [s]."""
        sides = (self.before, self.after)
        if self.draws > sampling.QUANTILE_DRAWS:
            few = sampling.resolved(self.scenario, self.users, self.draws, self.seed, sampling.QUANTILE_DRAWS)
            sides = both_sides(few)
        values = (side.latency_quantiles(tuple(QUANTILES.values())) for side in sides)
        return dict(zip(QUANTILES, zip(*values, strict=True), strict=True))

    def by_flow(self, measure: str):
        """One measure split by flow, before and after; the parts add up to the whole.

        Parameters
        ----------
        measure : str, latency (the mean), battery, data, load or cost

        Returns: pandas.DataFrame, A row a flow, columns before and after in the measure's unit; over draws the mean,
        and for several user counts the first
        Raises: InputError, an unknown measure
        """
        import pandas as pd

        parts = {"before": self.before.parts(measure), "after": self.after.parts(measure)}
        names = list(dict.fromkeys([*parts["before"], *parts["after"]]))
        columns = {
            which: [float(np.atleast_2d(part.get(n, 0.0))[:, 0].mean()) for n in names] for which, part in parts.items()
        }
        table = pd.DataFrame(columns, index=pd.Index(names, name="flow"))
        return table[(table != 0).any(axis=1)]

    def table(self):
        """The before-and-after table at the first user count.

        Returns: pandas.DataFrame, a row a measure; `before_after` tells its columns
        """
        import pandas as pd

        published = claims.by_measure(self.scenario.claims)
        rows = {}
        for label, (measure, _, unit) in ROWS.items():
            before, after = (v[:, 0] for v in self.values(label))
            claim = published.get(measure, {})
            if claim.get("users") not in (None, float(self.users[0])):
                claim = {}  # a claim about another number of users says nothing here
            rows[label] = {"unit": unit, **_figures(before, after), **_claimed(claim, before, after)}
            rows[label] |= _spans(before, after) if self.draws else {}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")

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
            "unit": next(unit for of, _, unit in ROWS.values() if of == measure),
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


def _figures(before: np.ndarray, after: np.ndarray) -> dict:
    """The middle of both designs' draws, and of the change as a share of before."""
    with np.errstate(divide="ignore", invalid="ignore"):
        change = after / before - 1.0
    return {name: float(np.median(v)) for name, v in (("before", before), ("after", after), ("change", change))}


def _claimed(claim: dict, before: np.ndarray, after: np.ndarray) -> dict:
    """What is claimed of both designs, in words, and the verdict on it."""
    after_words = claims.shown_range(claim.get("after"))
    if claim and not claim.get("before"):
        after_words = claim["text"].split(", ")[-1]
    return {
        "claimed_before": claims.shown_range(claim.get("before")),
        "claimed_after": after_words,
        "verdict": claims.verdict(float(np.median(before)), float(np.median(after)), claim or None),
    }


def _spans(before: np.ndarray, after: np.ndarray) -> dict:
    """The 5 and 95 % quantiles of both designs' draws, and the share of draws in which after is less."""
    row = {}
    for name, values in (("before", before), ("after", after)):
        row[f"{name}_low"], row[f"{name}_high"] = (float(q) for q in np.quantile(values, SPAN))
    return row | {"p_better": float((after < before).mean())}


def _swings(scenario: Scenario, users: float, measure: str):
    """Each ranged input alone at its low and its high: what it does to the measure, largest first."""
    import pandas as pd

    inputs, rows = sampling.ranged_inputs(scenario), ledger.rows()
    count = len(inputs)
    columns = {name: np.full((2 * count, 1), one.mode) for name, one in inputs.items()}
    for k, (name, one) in enumerate(inputs.items()):
        columns[name][2 * k : 2 * k + 2, 0] = one.low, one.high
    sides = both_sides(sampling.with_columns(scenario, columns, users))
    table = pd.DataFrame({end: {n: getattr(r, end) for n, r in inputs.items()} for end in ("low", "mode", "high")})
    kept = [rows.get(name.removeprefix("ledger.")) for name in inputs]
    table["source"] = [one.source or "" for one in inputs.values()]
    table["kind"] = [row.kind if row else "scenario" for row in kept]
    swing = np.zeros(count)
    for which, side in zip(("before", "after"), sides, strict=True):
        ends = np.broadcast_to(np.asarray(side.total(measure), dtype=float), (2 * count, 1)).reshape(count, 2)
        table[f"{which}_at_low"], table[f"{which}_at_high"] = ends.T
        swing += np.abs(ends[:, 1] - ends[:, 0])
    return table.assign(swing=swing).rename_axis("input").sort_values("swing", ascending=False, kind="stable")
