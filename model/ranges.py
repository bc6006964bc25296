"""Ranges: how sure a saving is, which inputs move the answer, and what it is worth to measure one of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from model import checks
from model.outcome import ROWS, better_share, chunk_totals, evaluate, low_middle_high
from model.scenario import Scenario, sampling

BINS = 64  # groups of draws alike in one input, over which its information is valued
A_GROUP = 256  # draws that a group has at least: the mean of fewer is noise, which looks like information
SHUFFLES = 16  # shuffled columns: the best of them is what noise alone seems to be worth
ROUNDING = 1e-9  # of the mean size of a saving: less is rounding
LONG_DAY_H = 8.0


def _check_some(draws: int) -> int:
    """The number of draws, refused unless it is a whole number above 0 that fits in memory."""
    if sampling.check_draws(draws) < 1:
        checks.fail(f"draws must be a whole number > 0; got {checks.shown(draws)}")
    return draws


def spans(scenario: Scenario, users: float | None = None, draws: int = 4096, seed: int = 1):
    """The middle and the 5-95 % span of before, after and change, and the chance that push is better.

    A table: a row a measure of the table: low, middle and high of before, after and change; p_better.
    Source: assumption.
    """
    import pandas as pd

    outcome = evaluate(scenario, users, _check_some(draws), seed)
    rows = {}
    for label, (_, _, unit) in ROWS.items():
        before, after = (v[:, 0] for v in outcome.values(label))
        row = {"unit": unit}
        with np.errstate(divide="ignore", invalid="ignore"):
            change = after / before - 1.0
        change = change if np.isfinite(before).all() and np.isfinite(after).all() else np.full(1, np.nan)
        for name, values in (("before", before), ("after", after), ("change", change)):
            low, middle, high = low_middle_high(values)
            row |= {f"{name}_low": low, f"{name}_middle": middle, f"{name}_high": high}
        rows[label] = {**row, "p_better": better_share(label, before, after)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")


def cheaper_surface(scenario: Scenario, users, active_hours, draws: int = 512, seed: int = 1):
    """The chance that push is cheaper, by user count and active hours per user and month.

    `active_hours`: active hours per user and month, the rows; reached by more sessions a day, from 8 h a day on by more
    active days, and by longer days where every day is one. A table: chances from 0 to 1.
    Source: assumption.
    """
    import pandas as pd

    users = np.asarray(checks.positive("users", users, "users"), dtype=float)
    hours = np.asarray(checks.positive("active_hours", active_hours, "h"), dtype=float)
    most = 24.0 * sampling.resolved(scenario).billing.month_days
    checks.bounded("active_hours", hours, f"at most the {most:g} h of the month", lambda a: a <= most)
    _check_some(draws)
    rows = []
    for one in hours:
        cheaper = np.zeros(users.size)
        for chunk in sampling.chunks_of(scenario, draws, seed):
            before, after = chunk_totals(scenario, users, chunk, ("cost",), functools.partial(with_active_hours, one))
            cheaper += (after["cost"] < before["cost"]).sum(axis=0)
        rows.append(cheaper / draws)
    return pd.DataFrame(rows, index=pd.Index(hours, name="active hours"), columns=users)


def with_active_hours(hours: float, resolved: Scenario) -> Scenario:
    """The scenario with so many active hours per user and month, by sessions a day, then days, then longer days."""
    use, days = resolved.usage, resolved.billing.month_days
    share = np.minimum(np.maximum(use.dau_mau_share, hours / (days * LONG_DAY_H)), 1.0)
    sessions = hours * 3600.0 / (share * days * use.session_mean_s)
    usage = use.model_copy(update={"dau_mau_share": share, "sessions_per_day": sessions})
    return resolved.model_copy(update={"usage": usage})


def information_value(saving_usd, columns: Mapping[str, np.ndarray], bins: int = BINS):
    """What it is worth to know one input before choosing between two designs.

    Without more knowledge one takes push where its mean saving is above 0: worth max(mean, 0). Knowing
    input x first, one takes it where the mean given x is above 0: worth E[max(E[saving | x], 0)]. The
    difference is the value of that information; draws alike in x are grouped to find the mean given x.
    Groups differ by noise alone, so an input counts only where it is worth more than shuffled columns.
    Source: raiffa1961.
    """
    import pandas as pd

    saving = np.ravel(checks.numbers("saving_usd", saving_usd))
    if saving.size == 0:
        checks.fail("draws must be a whole number > 0; got 0")
    columns = {name: np.ravel(column) for name, column in columns.items()}
    for name, column in columns.items():
        if column.size != saving.size:
            checks.fail(f"draws of {name} must be as many as of the saving, {saving.size}; got {column.size}")
    today_usd = max(saving.mean(), 0.0)
    wrong_today = (saving < 0).mean() if saving.mean() > 0 else (saving > 0).mean()
    rows = {"everything": (np.maximum(saving, 0.0).mean() - today_usd, 0.0), "nothing": (0.0, wrong_today)}
    least, bins = ROUNDING * np.abs(saving).mean(), min(bins, max(saving.size // A_GROUP, 2))
    if saving.size >= 2 * A_GROUP:
        rng = np.random.default_rng(saving.size)
        least = max(
            least, *(_known(saving, rng.permutation(saving.size), bins)[0] - today_usd for _ in range(SHUFFLES))
        )
    for name, column in columns.items():
        usd, wrong = _known(saving, column, bins)
        rows[name] = (usd - today_usd, wrong) if usd - today_usd > least else rows["nothing"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value_usd", "chance_of_wrong"])
    return table.rename_axis("input").sort_values("value_usd", ascending=False, kind="stable")


def _known(saving: np.ndarray, column: np.ndarray, bins: int) -> tuple[float, float]:
    """What one saves who knows an input before choosing, and how often the choice is wrong all the same."""
    values, group = np.unique(column, return_inverse=True)
    if len(values) > bins:
        rank = np.argsort(np.argsort(column, kind="stable"), kind="stable")
        group = rank * bins // len(column)
    count = np.bincount(group)
    mean = np.bincount(group, saving) / count
    wrong = np.where(mean > 0, np.bincount(group, saving < 0), np.bincount(group, saving > 0))
    return float((count * np.maximum(mean, 0.0)).sum() / count.sum()), float(wrong.sum() / count.sum())


def worth_measuring(scenario: Scenario, users: float | None = None, draws: int = 16384, seed: int = 1, most: int = 12):
    """The inputs whose measurement would most lower the chance of choosing wrong, in dollars a month.

    Only inputs that the bill depends on are asked; any other would be worth what noise makes of it.

    A table: a row an input that is worth anything: value_usd a month, chance_of_wrong, and the input's range and
    source; the first row is perfect knowledge, the last today's.
    Source: raiffa1961.
    """
    import pandas as pd

    counts = np.array([float(np.ravel(scenario.users if users is None else users)[0])])
    saving, columns = [], []
    for chunk in sampling.chunks_of(scenario, _check_some(draws), seed):
        before, after = chunk_totals(scenario, counts, chunk, ("cost",))
        saving.append(before["cost"][:, 0] - after["cost"][:, 0])
        columns.append(chunk)
    moving = tornado(scenario, "cost", counts[0], most=len(columns[0])).query("width > 0").index
    table = information_value(
        np.concatenate(saving), {n: np.concatenate([c[n][:, 0] for c in columns]) for n in columns[0] if n in moving}
    )
    some = table.drop(["everything", "nothing"]).query("value_usd > 0").head(most)
    table = pd.concat([table.loc[["everything"]], some, table.loc[["nothing"]]])
    inputs = sampling.ranged_inputs(scenario)
    for name in ("low", "mode", "high", "source"):
        table[name] = [getattr(inputs[i], name) if i in inputs else "" for i in table.index]
    return table


RESAMPLES = 50  # of the samples, from which the errors of the indices are taken
Z_95 = 1.959963984540054  # standard errors to either side that hold 95 %


def tornado(scenario: Scenario, measure: str, users: float | None = None, most: int = 12):
    """What each ranged input alone, from its low to its high, does to the saving of a measure.

    `measure`: latency (what is not told within 10 s), battery, data, load or cost. A table: a row an input: low, mode,
    high, source, kind, the saving (before - after) at its low, at all modes and at its high, and the width between the
    two ends.
    Source: assumption.
    """
    outcome = evaluate(scenario, users)
    table = outcome.explain(measure)["inputs"]
    before, after = (float(np.ravel(side.total(measure))[0]) for side in (outcome.before, outcome.after))
    table = table.assign(
        saving_at_low=table["before_at_low"] - table["after_at_low"],
        saving_at_modes=before - after,
        saving_at_high=table["before_at_high"] - table["after_at_high"],
    )
    table["width"] = (table["saving_at_high"] - table["saving_at_low"]).abs()
    keep = ["low", "mode", "high", "source", "kind", "saving_at_low", "saving_at_modes", "saving_at_high", "width"]
    return table.sort_values("width", ascending=False, kind="stable")[keep].head(most)


def sobol_indices(function: Callable, bounds: Mapping[str, tuple[float, float]], n: int, seed: int):
    """First-order and total Sobol indices of a function of independent uniform inputs.

    The first-order index is the share of the output's variance that an input explains alone, the total index
    the share that disappears only when the input is fixed together with all its interactions. Samples A and B
    of a scrambled Sobol sequence, and A with one column of B at a time (A_k), give

        first = mean(f(B) (f(A_k) - f(A))) / variance,   total = mean((f(A) - f(A_k))^2) / (2 variance).

    The errors are half the width of 95 % intervals over resamples of the rows. Source: salib.
    """
    import pandas as pd
    from scipy.stats import qmc

    if isinstance(n, bool) or n != int(n) or n < 2 or int(n) & (int(n) - 1):
        checks.fail(f"n must be a power of two >= 2 samples; got {checks.shown(n)}")
    n, count = int(n), len(bounds)
    shares = qmc.Sobol(2 * count, scramble=True, seed=seed).random(n)
    samples = np.repeat(shares[:, None, :count], count + 2, axis=1)  # a row: A, then A_k for each input, then B
    for k in range(count):
        samples[:, k + 1, k] = shares[:, count + k]
    samples[:, -1] = shares[:, count:]
    low, high = np.array(list(bounds.values()), dtype=float).T
    values = np.asarray(function(samples.reshape(-1, count) * (high - low) + low), dtype=float).reshape(n, count + 2)
    if np.ptp(values) > 0.0:
        values = (values - values.mean()) / values.std()
    again = values[np.random.default_rng(seed).integers(n, size=(n, RESAMPLES))]
    (first, total), (firsts, totals) = _first_and_total(values), _first_and_total(again)
    columns = {"first": first, "first_error": Z_95 * firsts.std(axis=0, ddof=1)}
    columns |= {"total": total, "total_error": Z_95 * totals.std(axis=0, ddof=1)}
    table = pd.DataFrame(columns, index=pd.Index(list(bounds), name="input"))
    return table.sort_values("total", ascending=False, kind="stable")


def _first_and_total(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Both indices of every input, from values with the samples on the first axis and A, A_k, B on the last."""
    a, mixed, b = values[..., :1], values[..., 1:-1], values[..., -1:]
    variance = np.concatenate([a, b]).var(axis=0)
    parts = (b * (mixed - a)).mean(axis=0), 0.5 * ((a - mixed) ** 2).mean(axis=0)
    first, total = (np.divide(p, variance, out=np.zeros_like(p), where=variance > np.finfo(float).eps) for p in parts)
    return first, total


def index_table(
    scenario: Scenario, measure: str, users: float | None = None, n: int = 256, seed: int = 1, most: int = 12
):
    """Sobol indices of the saving of a measure, for the inputs with the widest swings.

    `measure`: latency (what is not told within 10 s), battery, data, load or cost. A table: a row an input: first,
    total and their errors.
    Source: salib.
    """
    users = float(np.ravel(scenario.users if users is None else users)[0])
    names = list(tornado(scenario, measure, users, most).index)
    return sobol_indices(lambda x: _savings(scenario, names, x, measure, users), dict.fromkeys(names, (0, 1)), n, seed)


def _savings(scenario: Scenario, names: Sequence[str], shares: np.ndarray, measure: str, users: float) -> np.ndarray:
    """The saving at points of the unit cube: PERT quantiles of the named inputs, the modes of all others."""
    inputs = sampling.ranged_inputs(scenario)
    found = []
    for part in np.split(shares, range(sampling.CHUNK, len(shares), sampling.CHUNK)):
        columns = {n: np.full((len(part), 1), r.mode) for n, r in inputs.items()}
        for share, name in zip(part.T, names, strict=True):
            one = inputs[name]
            columns[name] = sampling.pert_quantile(share, one.low, one.mode, one.high)[:, None]
        before, after = chunk_totals(scenario, np.array([users]), columns, (measure,))
        found.append(before[measure][:, 0] - after[measure][:, 0])
    return np.concatenate(found)
