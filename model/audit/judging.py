"""The audit: every published figure held against its own arithmetic and the model, with a verdict and why."""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import inf
from pathlib import Path

import numpy as np

from model import checks
from model import claims as published
from model.audit.figures import figure_values, holds
from model.audit.rules import Finding, findings
from model.audit.solver import conditions
from model.audit.verdicts import View, verdict, why
from model.audit.words import less_words, number_words, span_words
from model.claims.reading import Figure
from model.outcome import MEASURES, evaluate
from model.scenario import Scenario, load, sampling
from model.show.display import ranged

DRAWS = 256
SPAN = (0.05, 0.95)


def _views(scenario: Scenario, figures: Sequence[Figure], draws: int, seed: int) -> dict[str, View]:
    """What the model says to every figure under one scenario, at the user counts they are stated at."""
    users = list(dict.fromkeys([float(np.ravel(scenario.users)[0]), *(f.users for f in figures if f.users)]))
    most = sampling.CHUNK // len(users)
    if draws > most:
        checks.fail(f"draws of an audit must be at most {most}; got {checks.shown(draws)}")
    at_modes = evaluate(scenario, users)
    drawn = evaluate(scenario, users, draws, seed) if draws else None
    middle, ends = {}, {}
    for figure in figures:
        column = users.index(figure.users) if figure.users else 0
        middle[figure.key] = float(figure_values(figure, at_modes)[0, column])
        values = figure_values(figure, drawn)[:, column] if drawn else np.array([np.nan])
        ends[figure.key] = np.quantile(values, SPAN) if np.isfinite(values).all() else (np.nan, np.nan)
    true = [f for f in figures if bool(holds(f, middle[f.key]))]
    false = [f for f in figures if f not in true and np.isfinite(middle[f.key])]
    changes = conditions(scenario, false, users, true)
    return {k: View(middle[k], float(ends[k][0]), float(ends[k][1]), changes.get(k)) for k in middle}


def _use_words(scenario: Scenario) -> str:
    """How much a scenario's users use the app, in one phrase."""
    life = evaluate(scenario).before.traffic.life
    users = float(np.ravel(scenario.users)[0])
    hours = float(np.ravel(life.active_s)[0]) / 3600.0 / users
    return f"{number_words(users)} users are active {number_words(hours, 3)} h a month"


def _read(
    scenario: Scenario | str, claims: str | Path | None
) -> tuple[Scenario, str | Path, list[Figure], list[Finding]]:
    """The scenario, the claims that judge it, their figures, and what is wrong with those by themselves."""
    scenario = load(scenario)
    name = claims or scenario.claims
    if not name:
        checks.fail(
            "a scenario must name its claims to be judged by them; got none (`claims: FILE.yaml`)", scenario.place
        )
    figures = list(published.figures(name))
    book = scenario.price_book()
    return scenario, name, figures, findings(figures, book, published.read(name).get("premise"))


def table(scenario: Scenario | str, claims: str | Path | None = None, draws: int = DRAWS, seed: int = 0):
    """Every published figure with the model's, twice, the verdict and why.

    A figure is first held against its own file: its factors multiplied out, its parts added up, list prices,
    and the other claims. Then the model gives the same quantity under the claims' own premise and under the
    scenario, at the modes of all inputs and between the 5 and 95 % quantiles of the draws; where it does not
    hold, a search looks for the nearest change of one assumption that makes it true.

    `claims`: a claims file; the scenario's own where none is given. A table: a row a figure, index `claim` (its
    number): id, side, text, place, measure, unit, claimed_low, claimed_high, premise, premise_low, premise_high,
    premise_verdict, the same for scenario, rules (those that found it wrong by itself), factor, contradicts, verdict
    and why.
    Source: twilly_summary, first_case_report, aws_price_list.
    """
    import pandas as pd

    scenario, name, figures, wrong = _read(scenario, claims)
    if not figures:
        checks.fail("claims must be a list of at least one claim; got []", name)
    cases = published.premise(scenario, name), scenario
    views = [_views(case, figures, draws, seed) for case in cases]
    uses = [_use_words(case) for case in cases]
    rows = []
    for figure in figures:
        found = [f for f in wrong if f.figure.key == figure.key]
        rows.append(_row(figure, found, [v[figure.key] for v in views], uses))
    frame = pd.DataFrame(rows).set_index("claim")
    frame.attrs["title"] = f"{published.read(name).get('title', name)}, held against {scenario.title}"
    return frame


def _row(figure: Figure, found: Sequence[Finding], views: Sequence[View], uses: Sequence[str]) -> dict:
    """One row of the table."""
    row = {"claim": figure.number, "id": figure.id, "side": figure.side, "text": figure.text, "place": figure.place}
    row |= {"measure": figure.measure, "unit": figure.unit, "claimed_low": figure.low, "claimed_high": figure.high}
    for name, view in zip(("premise", "scenario"), views, strict=True):
        row |= {name: view.value, f"{name}_low": view.low, f"{name}_high": view.high}
        row[f"{name}_verdict"] = view.verdict(figure)
    others = sorted({f.against.number for f in found if f.against is not None})
    return row | {
        "rules": ", ".join(dict.fromkeys(f.rule for f in found)),
        "factor": max((f.factor for f in found if f.factor < inf), default=np.nan),
        "contradicts": ", ".join(map(str, others)),
        "own_factors": next((f.made for f in found if f.rule == "product"), ""),
        "verdict": verdict(figure, found, views, uses),
        "why": why(figure, found, views),
    }


def claims(name: str):
    """The audit of a scenario that comes with the project, by its own claims.

    Parameters
    ----------
    name : str, A name in data/scenarios, or a scenario file

    Returns: pandas.DataFrame, as `table` gives it
    Raises: InputError, as `table` does
    """
    return table(name)


def errors(scenario: Scenario | str, claims: str | Path | None = None):
    """What is wrong inside a claims file by its own figures and the list prices, without the model.

    `claims`: a claims file; the scenario's own where none is given. A table: a row a finding, index `claim`: id, side,
    rule, factor, contradicts, why.
    """
    import pandas as pd

    rows = []
    for one in _read(scenario, claims)[-1]:
        against = str(one.against.number) if one.against else ""
        rows.append((one.figure.number, one.figure.id, one.figure.side, one.rule, one.factor, against, one.sentence))
    columns = ["claim", "id", "side", "rule", "factor", "contradicts", "why"]
    return pd.DataFrame(rows, columns=columns).set_index("claim")


def shown(found):
    """The audit as people read it: a line a figure, numbers with their ranges in words.

    A table: index figure (the claim's number, its id and side); claimed, premise, scenario, verdict, why.
    """
    import pandas as pd

    def cell(row, name: str) -> str:
        def words(value: float) -> str:
            return f"{value:.0%}" if row["unit"] == "less" else number_words(value, 3)

        return "" if np.isnan(row[name]) else ranged(*(words(row[f"{name}{end}"]) for end in ("", "_low", "_high")))

    def claimed(row) -> str:
        low, high, unit = row["claimed_low"], row["claimed_high"], row["unit"]
        return less_words(low, high) if unit == "less" else f"{span_words(low, high)} {unit}"

    rows = {}
    for number, row in found.iterrows():
        numbers = {"claimed": claimed(row), "premise": cell(row, "premise"), "scenario": cell(row, "scenario")}
        rows[f"{number} {row['id']} {row['side']}"] = numbers | {"verdict": row["verdict"], "why": row["why"]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("figure")


def headlines(found) -> list[str]:
    """A sentence for the first claim about each measure: the document, its own factors, the model, the verdicts."""
    said, cells = [], shown(found)
    for measure in MEASURES:
        numbers = found.index[found["measure"].str.startswith(measure)]
        if len(numbers):
            mine = (found.index == numbers[0]).nonzero()[0]
            rows, words = found.iloc[mine], cells.iloc[mine]
            sides, own = list(rows["side"]), [made for made in rows["own_factors"] if made]
            parts = [f"the document says {_sides(sides, words['claimed'])}"]
            parts += [f"its own factors give {' and '.join(own)}"] * bool(own)
            parts += [f"the model {_sides(sides, words['scenario'])}"]
            verdicts = [
                re.split("[:;]", v)[0] + " (contradicts another claim)" * ("contradicts" in v) for v in rows["verdict"]
            ]
            judged = [
                f"{' and '.join(s for s, v in zip(sides, verdicts, strict=True) if v == one)}: {one}"
                for one in dict.fromkeys(verdicts)
            ]
            said.append(f"{measure[0].upper()}{measure[1:]}: {'; '.join(parts)}. {'; '.join(judged).capitalize()}.")
    return said


def _sides(sides, texts) -> str:
    """The figures of before, after and the improvement in one list."""
    named = {"before": " before", "after": " after"}
    return ", ".join(f"{text}{named.get(side, '')}" for side, text in zip(sides, texts, strict=True) if text)


def summary(found, ids: Sequence[str] | None = None):
    """One row a claim: its words and the verdicts on its figures.

    `ids`: which claims; those that promise an improvement where none is given. A table: index claim; its published
    text, and the verdict on before, after and improvement.
    """
    import pandas as pd

    wanted = ids if ids is not None else found.loc[found["side"] == "improvement", "id"].tolist()
    rows = {}
    for number, part in found[found["id"].isin(wanted)].groupby(level=0, sort=True):
        said = dict(zip(part["side"], part["verdict"], strict=True))
        sides = {side: said.get(side, "") for side in ("before", "after", "improvement")}
        rows[number] = {"published": part["text"].iloc[0], **sides}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("claim")
