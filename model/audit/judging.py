"""The audit: every published figure held against its own arithmetic and the model, with a verdict and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path

import numpy as np

from model import checks, prices
from model import claims as published
from model import outcome as results
from model.audit.arithmetic import Finding, findings
from model.audit.changes import improvements, side_by_side
from model.audit.figures import figure_values, holds, miss_factor
from model.audit.solver import Change, conditions
from model.audit.words import figure_words, number_words, span_words, times_words
from model.claims.reading import Figure
from model.scenario import Scenario, load, sampling

__all__ = ["claims", "errors", "improvements", "shown", "side_by_side", "summary", "table"]

DRAWS = 256
WHERE = ("under the premise", "in the scenario")
SPAN = (0.05, 0.95)


@dataclass(frozen=True)
class View:
    """What the model says to a figure under one set of assumptions, and what would make the figure true."""

    value: float
    low: float
    high: float
    change: Change | None = None

    def verdict(self, figure: Figure) -> str:
        """Whether the figure holds, holds under a change, or by how much it is off."""
        if np.isnan(self.value):
            return "no such quantity in the model"
        if bool(holds(figure, self.value)):
            return "holds"
        if self.change is not None:
            return f"holds only if {self.change.words}"
        factor = miss_factor(figure, self.value)
        return "does not hold" if factor == inf else f"does not hold, off by {times_words(factor)}"

    def words(self, figure: Figure) -> str:
        """The figure as the model has it; empty where it has none."""
        if np.isnan(self.value):
            return ""
        if figure.gain == "less":
            return f"{self.value:.1%} less"
        return f"{number_words(self.value, 3)} {figure.unit}"


def _views(scenario: Scenario, figures: Sequence[Figure], draws: int, seed: int) -> dict[str, View]:
    """What the model says to every figure under one scenario, at the user counts they are stated at."""
    stated = [f.users for f in figures if f.users]
    users = list(dict.fromkeys([float(np.ravel(scenario.users)[0]), *stated]))
    most = sampling.CHUNK // len(users)
    if draws > most:
        checks.fail(f"draws of an audit must be at most {most}; got {checks.shown(draws)}")
    at_modes = results.evaluate(scenario, users)
    drawn = results.evaluate(scenario, users, draws, seed) if draws else at_modes
    ends, middle = {}, {}
    for figure in figures:
        column = users.index(figure.users) if figure.users else 0
        middle[figure.key] = float(figure_values(figure, at_modes)[0, column])
        values = figure_values(figure, drawn)[:, column]
        told = draws and np.isfinite(values).all()
        ends[figure.key] = np.quantile(values, SPAN) if told else (np.nan, np.nan)
    failing = [f for f in figures if np.isfinite(middle[f.key]) and not bool(holds(f, middle[f.key]))]
    changes = conditions(scenario, failing, users, [f for f in figures if f not in failing])
    return {k: View(middle[k], float(ends[k][0]), float(ends[k][1]), changes.get(k)) for k in middle}


def _own_verdict(found: Sequence[Finding]) -> str:
    """What the file's own figures say of one of them: off by a factor, and the claims it contradicts."""
    said = []
    own = [f for f in found if f.against is None]
    if own:
        factor = max((f.factor for f in own if f.factor < inf), default=inf)
        said.append("does not hold" + ("" if factor == inf else f", off by {times_words(factor)}"))
    others = sorted({f.against.number for f in found if f.against is not None})
    if others:
        said.append(f"contradicts claim{'s' if len(others) > 1 else ''} {_listed(others)}")
    return "; ".join(said)


def _use_words(scenario: Scenario) -> str:
    """How much a scenario's users use the app, in one phrase."""
    life = results.evaluate(scenario).before.traffic.life
    users = float(np.ravel(scenario.users)[0])
    hours = float(np.ravel(life.active_s)[0]) / 3600.0 / users
    return f"{number_words(users)} users are active {number_words(hours, 3)} h a month"


def _verdict(figure: Figure, found: Sequence[Finding], views: Sequence[View], uses: Sequence[str]) -> str:
    """The verdict in all: the file's own arithmetic first, then the model under both sets of assumptions."""
    if any(f.rule != "echo" for f in found):  # an echo alone may be chance: a remark, no verdict
        return _own_verdict(found)
    said = [v.verdict(figure) for v in views]
    if said[0] == said[1]:
        return said[0]
    if "holds" in said:
        return f"holds only if {uses[said.index('holds')]}"
    if all(v.change is None for v in views):
        return said[0]
    if all(v.change is not None for v in views):
        return f"{said[0]} {WHERE[0]}, or {views[1].change.words} {WHERE[1]}"
    return "; ".join(f"{one} {where}" for one, where in zip(said, WHERE, strict=True))


def _condition(figure: Figure, views: Sequence[View], verdict: str) -> str:
    """What would make a failing figure true, or that nothing tried does; empty where the verdict says it."""
    said = [v.verdict(figure) for v in views]
    if "holds" in said or np.isnan(views[0].value):
        return ""
    told = [(v.change, where) for v, where in zip(views, WHERE, strict=True) if v.change is not None]
    if not told:
        return "no input, switch or pair of inputs that was tried makes it true"
    parts = []
    if "holds only if" not in verdict:
        parts.append("it would hold " + " and ".join(f"{where} if {one.words}" for one, where in told))
    broken = {where: one.breaks for one, where in told if one.breaks}
    if len(broken) == 2 and len(set(broken.values())) == 1:
        broken = {"": next(iter(broken.values()))}
    parts += [
        f"that change{f' {where}' if where else ''} makes claim{'s' if len(numbers) > 1 else ''} "
        f"{_listed(numbers)} fail, which held"
        for where, numbers in broken.items()
    ]
    return "; ".join(parts)


def _listed(numbers: Sequence[int]) -> str:
    *first, last = map(str, numbers)
    return f"{', '.join(first)} and {last}" if first else last


def _why(figure: Figure, found: Sequence[Finding], views: Sequence[View], verdict: str) -> str:
    """One sentence made of the numbers: what the file's own figures give, then what the model gives."""
    parts = list(dict.fromkeys(f.sentence for f in found))
    premise, here = (v.words(figure) for v in views)
    if premise and here:
        both = f"{premise} under the premise and {here} in the scenario"
        parts.append(f"the model gives {premise if premise == here else both}, the claim says {figure_words(figure)}")
    elif not parts:
        parts.append(f"the model has no {figure.unit} to hold {figure_words(figure)} against")
    parts.append(_condition(figure, views, verdict))
    return "; ".join(p for p in parts if p) + "."


def table(scenario: Scenario | str, claims: str | Path | None = None, draws: int = DRAWS, seed: int = 0):
    """Every published figure with the model's, twice, the verdict and why.

    A figure is first held against its own file: its factors multiplied out, its parts added up, list prices,
    and the other claims. Then the model gives the same quantity under the claims' own premise and under the
    scenario, at the modes of all inputs and between the 5 and 95 % quantiles of the draws; where it does not
    hold, a search looks for the nearest change of assumptions that makes it true.

    Parameters
    ----------
    scenario : Scenario or str, A scenario, its name or its file
    claims : str or pathlib.Path, optional, A claims file; the scenario's own where none is given
    draws : int, draws of every range behind low and high; 0 takes the modes only
    seed : int, seed of the draws

    Returns
    -------
    pandas.DataFrame, A row a figure, index `claim` (its number): id, side, text, place, measure, unit, claimed_low,
        claimed_high, premise, premise_low, premise_high, premise_verdict, the same for scenario, rules (those that
        found it wrong by itself), factor, contradicts, verdict and why

    Raises
    ------
    InputError, what is wrong with scenario or claims, in one sentence

    Source: twilly_summary, twilly_report, aws_price_list.
    """
    import pandas as pd

    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    name = claims or scenario.claims
    own = published.premise(scenario, name)
    figures = published.figures(name)
    if not figures:
        checks.fail("claims must be a list of at least one claim; got []", name)
    book = prices.book(scenario.region, scenario.prices_on)
    wrong = findings(figures, book, published.read(name).get("premise"))
    views = [_views(one, figures, draws, seed) for one in (own, scenario)]
    uses = [_use_words(one) for one in (own, scenario)]
    rows = []
    for figure in figures:
        found = [f for f in wrong if f.figure.key == figure.key]
        rows.append(_row(figure, found, [v[figure.key] for v in views], uses))
    frame = pd.DataFrame(rows).set_index("claim")
    frame.attrs["title"] = f"{published.read(name).get('title', name)}, audited by {scenario.title}"
    return frame


def _row(figure: Figure, found: Sequence[Finding], views: Sequence[View], uses: Sequence[str]) -> dict:
    finite = [f.factor for f in found if f.factor < inf]
    row = {
        "claim": figure.number,
        "id": figure.id,
        "side": figure.side,
        "text": figure.text,
        "place": figure.place,
        "measure": figure.measure,
        "unit": figure.unit,
        "claimed_low": figure.low,
        "claimed_high": figure.high,
    }
    for name, view in zip(("premise", "scenario"), views, strict=True):
        row |= {
            name: view.value,
            f"{name}_low": view.low,
            f"{name}_high": view.high,
            f"{name}_verdict": view.verdict(figure),
        }
    others = sorted({f.against.number for f in found if f.against is not None})
    verdict = _verdict(figure, found, views, uses)
    return row | {
        "rules": ", ".join(dict.fromkeys(f.rule for f in found)),
        "factor": max(finite, default=np.nan),
        "contradicts": ", ".join(map(str, others)),
        "verdict": verdict,
        "why": _why(figure, found, views, verdict),
    }


def claims(name: str):
    """The audit of a scenario that comes with the project, by its own claims.

    Parameters
    ----------
    name : str, A name in data/scenarios, or a scenario file

    Returns
    -------
    pandas.DataFrame, as `table` gives it

    Raises
    ------
    InputError, as `table` does
    """
    return table(name)


def errors(scenario: Scenario | str, claims: str | Path | None = None):
    """What is wrong inside a claims file by its own figures and the list prices, without the model.

    Parameters
    ----------
    scenario : Scenario or str, its region and date give the list prices
    claims : str or pathlib.Path, optional, A claims file; the scenario's own where none is given

    Returns
    -------
    pandas.DataFrame, A row a finding, index `claim`: id, side, rule, factor, contradicts, why

    Raises
    ------
    InputError, what is wrong with the claims file, in one sentence
    """
    import pandas as pd

    scenario = scenario if isinstance(scenario, Scenario) else load(scenario)
    name = claims or scenario.claims
    if not name:
        checks.fail("a scenario must name its claims to be judged by them; got none", scenario.place)
    book = prices.book(scenario.region, scenario.prices_on)
    found = findings(published.figures(name), book, published.read(name).get("premise"))
    columns = ["claim", "id", "side", "rule", "factor", "contradicts", "why"]
    rows = [
        (
            f.figure.number,
            f.figure.id,
            f.figure.side,
            f.rule,
            f.factor,
            str(f.against.number) if f.against else "",
            f.sentence,
        )
        for f in found
    ]
    return pd.DataFrame(rows, columns=columns).set_index("claim")


def shown(found):
    """The audit as people read it: a line a figure, numbers with their ranges in words.

    Parameters
    ----------
    found : pandas.DataFrame, what `table` gave

    Returns
    -------
    pandas.DataFrame, index figure (the claim's number, its id and side); claimed, premise, scenario, verdict, why
    """
    import pandas as pd

    def cell(row, name: str) -> str:
        if np.isnan(row[name]):
            return ""
        percent = row["unit"] == "less"
        ends = [f"{row[c]:.0%}" if percent else number_words(row[c], 3) for c in (name, f"{name}_low", f"{name}_high")]
        return ends[0] if np.isnan(row[f"{name}_low"]) else f"{ends[0]} ({ends[1]} to {ends[2]})"

    def claimed(row) -> str:
        if row["unit"] != "less":
            return f"{span_words(row['claimed_low'], row['claimed_high'])} {row['unit']}"
        ends = dict.fromkeys(f"{row[c]:.0%}" for c in ("claimed_low", "claimed_high"))
        return f"{' to '.join(ends)} less"

    rows = {
        f"{number} {row['id']} {row['side']}": {
            "claimed": claimed(row),
            "premise": cell(row, "premise"),
            "scenario": cell(row, "scenario"),
            "verdict": row["verdict"],
            "why": row["why"],
        }
        for number, row in found.iterrows()
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("figure")


def summary(found, ids: Sequence[str] | None = None):
    """One row a claim: its words and the verdicts on its figures.

    Parameters
    ----------
    found : pandas.DataFrame, what `table` gave
    ids : sequence of str, optional, which claims; those that promise an improvement where none is given

    Returns
    -------
    pandas.DataFrame, index claim; text, place, and the verdict on before, after and improvement
    """
    import pandas as pd

    wanted = ids if ids is not None else found.loc[found["side"] == "improvement", "id"].tolist()
    rows = {}
    for number, part in found[found["id"].isin(wanted)].groupby(level=0, sort=True):
        said = dict(zip(part["side"], part["verdict"], strict=True))
        rows[number] = {
            "published": part["text"].iloc[0],
            **{side: said.get(side, "") for side in ("before", "after", "improvement")},
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")
