"""The outcome of a scenario: five measures for both designs, with parts by flow, and the table of them."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model import battery, checks, claims, cost, latency, ledger, mobile_data, prices, server_load
from model import traffic as traffic_of
from model.scenario import Scenario, sampling
from model.scenario import load as load_scenario

__all__ = ["MEASURES", "ROWS", "Outcome", "Side", "before_after", "evaluate", "judged_twice"]

MEASURES = claims.MEASURES
ROWS = {  # the table's rows: label -> measure, figure, unit
    "notification latency p50": ("latency", "p50", "s"),
    "notification latency p95": ("latency", "p95", "s"),
    "battery": ("battery", "total", "%/active hour"),
    "mobile data": ("data", "total", "MB/active hour"),
    "server load": ("load", "total", "requests/min per active user"),
    "cost": ("cost", "total", "USD/month"),
}
FORMULAS = {
    "latency": "mean over events of sum over parts (poll wait or sender, gateway, radio, downlink, ...)",
    "battery": "sum over networks and places of share x (power(design + background) - power(background))"
    " + last tails, over the battery's energy",
    "data": "sum over flows of occurrences x IP bytes each way, over active hours",
    "load": "sum over flows of occurrences x requests, over active minutes",
    "cost": "sum over meters of tiered price(sum over flows of occurrences x amount a time)",
}


@dataclass(frozen=True)
class Side:
    """One design's figures; every number an array over (draws, users)."""

    traffic: traffic_of.Traffic
    book: prices.PriceBook

    @cached_property
    def usage(self) -> dict:
        """What the month is billed on: {meter: amount}."""
        return cost.month_usage(self.traffic)

    def total(self, measure: str):
        """A measure in its unit: mean latency, or the whole of battery, data, load or cost."""
        scenario = self.traffic.life.scenario
        if measure == "cost":
            return cost.total(self.usage, self.book, scenario.free_tier)
        if measure == "load":
            return server_load.requests_per_minute(self.traffic)
        if measure == "battery":
            return sum(battery.percent_per_hour(self.traffic, split=False).values())
        return sum(self.parts(measure).values())

    def parts(self, measure: str) -> dict:
        """A measure by flow; the parts add up to the whole (of latency: to its mean)."""
        return self._parts[checks.known("measure", measure, MEASURES)]()

    @property
    def _parts(self) -> dict:
        now = self.traffic
        return {
            "latency": self._latency_parts,
            "battery": lambda: battery.percent_per_hour(now),
            "data": lambda: {f.name: mobile_data.flow_mb(f, now) for f in now.flows},
            "load": lambda: {f.name: server_load.flow_requests_per_minute(f, now) for f in now.flows},
            "cost": lambda: cost.usd_by_flow(now, self.book, now.life.scenario.free_tier),
        }

    def _latency_parts(self) -> dict:
        now = self.traffic
        rates = {e: latency.delivered_rate_per_s(now, e) for e in now.life.scenario.events}
        whole = sum(rates.values())
        parts: dict = {}
        for flow in now.flows:
            for event in flow.events if flow.kind in ("poll", "push") else ():
                if np.any(np.asarray(rates[event]) > 0):
                    part = rates[event] / whole * latency.mean_s(now, event)
                    parts[flow.name] = parts[flow.name] + part if flow.name in parts else part
        return parts

    def latency_quantiles(self, shares) -> np.ndarray:
        """Quantiles of latency over all delivered events, first axis the quantile [s]."""
        return latency.quantile_s(self.traffic, shares)

    @cached_property
    def undelivered_share(self):
        """The share of events to users in the app that does not arrive within the session."""
        now = self.traffic
        told = {e: traffic_of.usage.pushes_per_s(now.life.scenario, e) for e in now.life.scenario.events}
        missed = sum(told[e] * latency.undelivered_share(now, e) for e in told)
        return missed / sum(told.values())


@dataclass(frozen=True)
class Streamed:
    """A design's figures over more draws than are held at once: totals of them all, the rest of the first."""

    first: Side
    totals: dict
    scale: dict  # by measure: the mean over all draws over that of the first

    @property
    def traffic(self) -> traffic_of.Traffic:
        """Traffic of the first draws."""
        return self.first.traffic

    @property
    def book(self) -> prices.PriceBook:
        """The price book of all draws."""
        return self.first.book

    def total(self, measure: str):
        """A measure over every draw, in its unit."""
        return self.totals[checks.known("measure", measure, MEASURES)]

    def parts(self, measure: str) -> dict:
        """A measure by flow: its shares over the first draws, its sum over all of them."""
        return {flow: part * self.scale[measure] for flow, part in self.first.parts(measure).items()}

    def latency_quantiles(self, shares) -> np.ndarray:
        """Quantiles of latency over the first draws [s]."""
        return self.first.latency_quantiles(shares)

    @property
    def undelivered_share(self):
        """The share of events that does not arrive within the session, over the first draws."""
        return self.first.undelivered_share


@dataclass(frozen=True)
class Outcome:
    """The result of one scenario: both designs' figures over user counts and draws."""

    scenario: Scenario
    users: np.ndarray
    draws: int
    before: Side | Streamed
    after: Side | Streamed
    seed: int = 0

    @cached_property
    def kept(self) -> dict:
        """Figures for those who ask for the same one many times, by what it is and the side it is of."""
        return {}

    def values(self, row: str) -> tuple[np.ndarray, np.ndarray]:
        """Before and after of one row of the table, each (draws, users)."""
        measure, figure, _ = ROWS[checks.known("row", row, ROWS)]
        draws = max(self.draws, 1)
        if figure == "total":
            pair = self.before.total(measure), self.after.total(measure)
        else:
            share = {"p50": 0.5, "p95": 0.95}[figure]
            pair, draws = tuple(side[share] for side in self.quantiles), min(draws, sampling.QUANTILE_DRAWS)
        return tuple(np.broadcast_to(np.asarray(v, dtype=float), (draws, len(self.users))) for v in pair)

    @cached_property
    def quantiles(self) -> tuple[dict, dict]:
        """Latency quantiles of both designs by share, each (draws, users); of the first 2,048 draws [s]."""
        shares, pair = (0.5, 0.95), (self.before, self.after)
        if self.draws > sampling.QUANTILE_DRAWS:
            few = sampling.resolved(self.scenario, self.users, self.draws, self.seed, sampling.QUANTILE_DRAWS)
            pair = _sides(few)
        return tuple(dict(zip(shares, side.latency_quantiles(shares), strict=True)) for side in pair)

    def by_flow(self, measure: str):
        """One measure split by flow, before and after; the parts add up to the whole.

        Parameters
        ----------
        measure : str, latency (the mean), battery, data, load or cost

        Returns
        -------
        pandas.DataFrame, A row a flow, columns before and after in the measure's unit; over draws the mean, and for
            several user counts the first

        Raises
        ------
        InputError, an unknown measure
        """
        import pandas as pd

        sides = [self.before.parts(measure), self.after.parts(measure)]
        names = list(dict.fromkeys([*sides[0], *sides[1]]))
        columns = {
            side: [float(np.atleast_2d(p.get(n, 0.0))[:, 0].mean()) for n in names]
            for side, p in zip(("before", "after"), sides, strict=True)
        }
        table = pd.DataFrame(columns, index=pd.Index(names, name="flow"))
        return table[(table != 0).any(axis=1)]

    def table(self):
        """The before-and-after table at the first user count; `before_after` tells its columns."""
        import pandas as pd

        told = claims.by_measure(self.scenario.claims)
        rows = {}
        for label, (measure, figure, unit) in ROWS.items():
            pair = [v[:, 0] for v in self.values(label)]
            claim = told.get(measure)
            if claim and claim.get("users") not in (None, float(self.users[0])):
                claim = None  # a claim about another number of users says nothing here
            rows[label] = _row(pair, unit, claim, self.draws, at_median=figure != "p95")
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")

    def explain(self, measure: str) -> dict:
        """Where a measure comes from: formula, inputs with source and kind, the three that move it most.

        Parameters
        ----------
        measure : str, latency, battery, data, load or cost

        Returns
        -------
        dict, `measure`, `formula`, `unit`, `inputs` (a DataFrame: low, mode, high, source, kind and the change of
            both figures, added up, when the input alone goes from low to high) and `movers`, the three first of them;
            of the cost also `prices`, the first tier of every meter with its source

        Raises
        ------
        InputError, an unknown measure
        """
        checks.known("measure", measure, MEASURES)
        inputs = _swings(self.scenario, float(self.users[0]), measure)
        unit = next(u for m, _, u in ROWS.values() if m == measure)
        told = {
            "measure": measure,
            "formula": FORMULAS[measure],
            "unit": unit,
            "inputs": inputs,
            "movers": list(inputs.index[:3]),
        }
        return told | {"prices": self._prices()} if measure == "cost" else told

    def _prices(self):
        """The list price of all that either design is billed on, above any allowance."""
        import pandas as pd

        meters = sorted({m for side in (self.before, self.after) for m in getattr(side, "first", side).usage})
        rows = {m: self.before.book.tiers(m)[0] for m in meters}
        return pd.DataFrame.from_dict(
            {
                m: {
                    "price_usd": float(r.price_usd),
                    "unit": r.unit,
                    "source": r.source,
                    "where": r.where,
                    "read_on": str(r.effective_from),
                }
                for m, r in rows.items()
            },
            orient="index",
        ).rename_axis("meter")


def _row(pair, unit: str, claim, draws: int, at_median: bool) -> dict:
    before, after = (float(np.median(v)) for v in pair)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = float(np.median(pair[1] / pair[0] - 1.0))
    row = {
        "unit": unit,
        "before": before,
        "after": after,
        "change": change,
        "claimed_before": claims.shown_range((claim or {}).get("before")),
        "claimed_after": claims.shown_range((claim or {}).get("after")),
        "verdict": claims.verdict(before, after, claim),
    }
    if claim and not claim.get("before"):
        row["claimed_after"] = claim["text"].split(", ")[-1]
    if draws:
        for name, values in (("before", pair[0]), ("after", pair[1])):
            row[f"{name}_low"], row[f"{name}_high"] = (float(q) for q in np.quantile(values, (0.05, 0.95)))
        row["p_better"] = float((pair[1] < pair[0]).mean())
    return row


def _swings(scenario: Scenario, users: float, measure: str):
    """Each ranged input alone at its low and its high: what it does to the measure, largest first."""
    import pandas as pd

    inputs = sampling.ranged_inputs(scenario)
    count = len(inputs)
    columns = {}
    for k, (name, one) in enumerate(inputs.items()):
        column = np.full((2 * count + 1, 1), one.mode)
        column[2 * k], column[2 * k + 1] = one.low, one.high
        columns[name] = column
    outcome = _outcome(scenario, sampling.with_columns(scenario, columns, users), [users], 2 * count + 1)
    sides = [
        np.broadcast_to(np.asarray(s.total(measure), dtype=float), (2 * count + 1, 1))[:, 0]
        for s in (outcome.before, outcome.after)
    ]
    rows = []
    for k, (name, one) in enumerate(inputs.items()):
        low, high = 2 * k, 2 * k + 1
        row = ledger.rows().get(name.removeprefix("ledger."))
        rows.append(
            {
                "input": name,
                "low": one.low,
                "mode": one.mode,
                "high": one.high,
                "source": one.source or "",
                "kind": row.kind if row else "scenario",
                "before_at_low": sides[0][low],
                "before_at_high": sides[0][high],
                "after_at_low": sides[1][low],
                "after_at_high": sides[1][high],
                "swing": abs(sides[0][high] - sides[0][low]) + abs(sides[1][high] - sides[1][low]),
            }
        )
    return pd.DataFrame(rows).set_index("input").sort_values("swing", ascending=False, kind="stable")


def _sides(resolved: Scenario) -> list[Side]:
    book = prices.book(resolved.region, resolved.prices_on)
    return [Side(traffic_of.traffic(which, resolved), book) for which in ("before", "after")]


def _outcome(scenario: Scenario, resolved: Scenario, users, draws: int, seed: int = 0) -> Outcome:
    return Outcome(scenario, np.atleast_1d(np.asarray(users, dtype=float)), draws, *_sides(resolved), seed)


def _totals(sides: list[Side], shape: tuple, measures) -> list[dict]:
    return [{m: np.array(np.broadcast_to(np.asarray(s.total(m), dtype=float), shape)) for m in measures} for s in sides]


def chunk_totals(scenario: Scenario, users, chunk: dict, measures=MEASURES, change=None) -> list[dict]:
    """Measures of both designs over one chunk of draws, each (draws, users); `change` alters what is drawn."""
    shape = (len(next(iter(chunk.values()))), np.size(users))
    resolved = sampling.with_columns(scenario, chunk, users)
    return _totals(_sides(resolved if change is None else change(resolved)), shape, measures)


def _counts(scenario: Scenario, users) -> np.ndarray:
    """The user counts asked for, or the scenario's own; not yet checked one by one."""
    counts = np.atleast_1d(np.asarray(scenario.users if users is None else users, dtype=object))
    if not counts.size:
        checks.fail("users must be at least one number > 0; got none")
    return counts


def _in_order(work: Callable, items: Iterable) -> Iterator:
    """What `work` makes of the items, in their order; as many at once as this process may use processors."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if cores < 2:
        yield from map(work, items)
        return
    waiting: deque = deque()
    with ThreadPoolExecutor(cores) as pool:  # numpy lets other threads run while it works on an array
        for item in items:
            waiting.append(pool.submit(work, item))
            if len(waiting) > cores:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _streamed(scenario: Scenario, users: np.ndarray, draws: int, seed: int, progress) -> Outcome:
    """An outcome over many draws, a chunk at a time, so that memory stays small and the cache is used."""
    size = max(1 << int(np.log2(max(sampling.CHUNK // users.size, 1))), 16)
    chunks, done, first = [], 0, None

    def work(chunk: dict) -> tuple:
        many = len(next(iter(chunk.values())))
        sides = _sides(sampling.with_columns(scenario, chunk, users))
        return many, sides, _totals(sides, (many, users.size), MEASURES)

    for many, sides, totals in _in_order(work, sampling.chunks_of(scenario, draws, seed, size)):
        chunks.append(totals)
        first, done = first or sides, done + many
        if progress is not None:
            progress(done, draws)
    whole = [{m: np.concatenate([c[k][m] for c in chunks]) for m in MEASURES} for k in (0, 1)]
    sides = [
        Streamed(first[k], totals, {m: _over(totals[m], chunks[0][k][m]) for m in MEASURES})
        for k, totals in enumerate(whole)
    ]
    return Outcome(scenario, users, draws, *sides, seed)


def _over(whole: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The mean over all draws over that of the first, by user count; 1 where nothing is there."""
    part = first.mean(axis=0)
    return np.divide(whole.mean(axis=0), part, out=np.ones(part.shape), where=part != 0)


def evaluate(scenario: Scenario | str, users=None, draws: int = 0, seed: int = 0, progress=None) -> Outcome:
    """Both designs of a scenario, all five measures.

    Parameters
    ----------
    scenario : Scenario or str, A scenario, its name or its file
    users : array_like, optional, user counts; the scenario's own where none is given
    draws : int, 0 puts every input at its mode; otherwise that many draws of every range
    seed : int, seed of the draws
    progress : callable, optional, told the draws done and the draws in all, after each chunk of a long run

    Returns
    -------
    Outcome, figures over (draws, users)

    Raises
    ------
    InputError, what is wrong with scenario, users or draws, in one sentence

    Examples
    --------
    >>> outcome = evaluate("twilly", users=[1e3, 1e4])
    >>> outcome.values("cost")[0].shape
    (1, 2)
    """
    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    users = np.asarray(checks.positive("users", _counts(scenario, users), "users"), dtype=float)
    sampling.check_draws(draws, users.size)
    if draws * users.size > sampling.AT_ONCE and draws > 1:
        return _streamed(scenario, users, draws, seed, progress)
    return _outcome(scenario, sampling.resolved(scenario, users, draws, seed), users, draws, seed)


def before_after(scenario: Scenario | str, users=None, draws: int = 0, seed: int = 0):
    """The before-and-after table: one row a measure, the model's figures beside the claims.

    Parameters
    ----------
    scenario : Scenario or str, A scenario, its name or its file
    users : float or array_like, optional, user count; with several, the table has a row for each and measure
    draws : int, 0 puts every input at its mode; otherwise tables show the middle and the 5-95 % span
    seed : int, seed of the draws

    Returns
    -------
    pandas.DataFrame, index measure; columns unit, before, after, change (a share of before), claimed_before,
        claimed_after, verdict; with draws before_low, before_high, after_low, after_high, p_better

    Raises
    ------
    InputError, what is wrong with scenario, users or draws, in one sentence

    Examples
    --------
    >>> list(before_after("twilly").index)[2:]
    ['battery', 'mobile data', 'server load', 'cost']
    """
    import pandas as pd

    scenario = scenario if isinstance(scenario, Scenario) else load_scenario(scenario)
    counts = _counts(scenario, users)
    tables = [evaluate(scenario, [one], draws, seed).table() for one in counts]
    return tables[0] if len(counts) == 1 else pd.concat(dict(zip(counts, tables, strict=True)), names=["users"])


def judged_twice(scenario: Scenario, here=None):
    """Every claim beside the model under the claims' own premise and under the scenario.

    Parameters
    ----------
    scenario : Scenario, A scenario; where it names no claims there is no verdict, and no premise but its own
    here : pandas.DataFrame, optional, its before-and-after table, where that is at hand already

    Returns
    -------
    pandas.DataFrame, A row a measure: claimed, then before, after and verdict under the premise and under the
        scenario
    """
    import pandas as pd

    here = before_after(scenario) if here is None else here
    own = before_after(claims.premise(scenario)) if scenario.claims else here
    keep = ["before", "after", "verdict"]
    return pd.concat(
        [
            here[["unit", "claimed_before", "claimed_after"]],
            own[keep].add_suffix(" (premise)"),
            here[keep].add_suffix(" (scenario)"),
        ],
        axis=1,
    )
