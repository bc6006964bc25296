"""What moves an outcome: swings of single inputs, Sobol indices, and what measuring an input is worth."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from model import checks
from model.outcome import results
from model.scenario import Scenario, sampling

__all__ = [
    "cheaper_surface",
    "index_table",
    "information_value",
    "push_saving_usd",
    "sobol_indices",
    "spans",
    "tornado",
    "worth_measuring",
]

BINS = 64  # groups of draws alike in one input, over which its information is valued
A_GROUP = 256  # draws that a group has at least: the means of fewer are noise, which looks like information
RESAMPLES = 50  # bootstrap samples behind the half-widths of Sobol indices
SHUFFLES = 16  # columns that know nothing, whose greatest value is what noise alone reaches
ROUNDING = 1e-9  # of the mean size of a saving: less is rounding
LONG_DAY_H = 8.0


def tornado(scenario: Scenario, measure: str, users: float | None = None, most: int = 12):
    """What each ranged input alone, from its low to its high, does to the saving of a measure.

    Parameters
    ----------
    scenario : Scenario, A scenario with ranges
    measure : str, latency (the mean), battery, data, load or cost
    users : float, optional, users in the month; the scenario's own where none is given
    most : int, how many inputs to show, the widest first

    Returns
    -------
    pandas.DataFrame, A row an input: low, mode, high, source, kind, the saving (before - after) at its low, at all
        modes and at its high, and the width between the two ends

    Raises
    ------
    InputError, an unknown measure

    Source: assumption.
    """
    outcome = results.evaluate(scenario, users)
    table = outcome.explain(measure)["inputs"]
    middle = [float(np.ravel(side.total(measure))[0]) for side in (outcome.before, outcome.after)]
    table = table.assign(
        saving_at_low=table["before_at_low"] - table["after_at_low"],
        saving_at_modes=middle[0] - middle[1],
        saving_at_high=table["before_at_high"] - table["after_at_high"],
    )
    table["width"] = (table["saving_at_high"] - table["saving_at_low"]).abs()
    keep = ["low", "mode", "high", "source", "kind", "saving_at_low", "saving_at_modes", "saving_at_high", "width"]
    return table.sort_values("width", ascending=False, kind="stable")[keep].head(most)


def sobol_indices(function: Callable, bounds: Mapping[str, tuple[float, float]], n: int, seed: int):
    """First-order and total Sobol indices of a function of independent uniform inputs, as SALib works them out.

    The first-order index is the share of the output's variance that an input explains alone, the total
    index the share that disappears only when the input is fixed together with all its interactions.

    Source: salib.
    """
    import pandas as pd
    from scipy.special import ndtri
    from scipy.stats import qmc

    if isinstance(n, bool) or n != int(n) or n < 2 or int(n) & (int(n) - 1):
        checks.fail(f"n must be a power of two >= 2 samples; got {checks.shown(n)}")
    low, high = np.array(list(bounds.values()), dtype=float).T
    shares = qmc.Sobol(2 * len(bounds), seed=int(seed)).random(int(n))  # `rng=` would give other points than SALib's
    values = np.asarray(function(low + (high - low) * _crossed(shares)), dtype=float).reshape(int(n), -1)
    y = (values - values.mean()) / (values.std() or 1.0)
    again = np.random.default_rng(seed).integers(int(n), size=(int(n), RESAMPLES))
    first, total = _first_and_total(y)
    errors = [ndtri(0.975) * found.std(axis=0, ddof=1) for found in _first_and_total(y[again])]
    table = pd.DataFrame(
        {"first": first, "first_error": errors[0], "total": total, "total_error": errors[1]},
        index=pd.Index(list(bounds), name="input"),
    )
    return table.sort_values("total", ascending=False, kind="stable")


def _crossed(shares: np.ndarray) -> np.ndarray:
    """Points to evaluate, (samples x (inputs + 2), inputs): sample A, A with one input of B each, then B."""
    one, other = np.split(shares, 2, axis=1)
    inputs = np.arange(one.shape[1])
    points = np.repeat(one[:, None], inputs.size + 2, axis=1)
    points[:, inputs + 1, inputs] = other
    points[:, -1] = other
    return points.reshape(-1, inputs.size)


def _first_and_total(y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Saltelli's estimator of first-order and Jansen's of total indices (Saltelli et al. 2010), over the first axis."""
    a, crossed, b = y[..., :1], y[..., 1:-1], y[..., -1:]
    variance = np.maximum(np.concatenate([a, b]).var(axis=0), np.finfo(float).tiny)  # what never varies has indices 0
    return np.mean(b * (crossed - a), axis=0) / variance, np.mean((a - crossed) ** 2, axis=0) / 2.0 / variance


def _totals(scenario: Scenario, names: Sequence[str], shares: np.ndarray, measure: str, users: float) -> np.ndarray:
    """The saving of a measure at points of the unit cube, a column an input, PERT quantiles of the rest's modes."""
    inputs = sampling.ranged_inputs(scenario)
    found = []
    for start in range(0, len(shares), sampling.CHUNK):
        part = shares[start : start + sampling.CHUNK]
        columns = {n: np.full((len(part), 1), r.mode) for n, r in inputs.items()}
        for k, name in enumerate(names):
            r = inputs[name]
            columns[name] = sampling.pert_quantile(part[:, k], r.low, r.mode, r.high)[:, None]
        before, after = results.chunk_totals(scenario, np.array([users]), columns, (measure,))
        found.append(before[measure][:, 0] - after[measure][:, 0])
    return np.concatenate(found)


def index_table(
    scenario: Scenario, measure: str, users: float | None = None, n: int = 256, seed: int = 1, most: int = 12
):
    """Sobol indices of the saving of a measure, for the inputs with the widest swings.

    Parameters
    ----------
    scenario : Scenario, A scenario with ranges
    measure : str, latency (the mean), battery, data, load or cost
    users : float, optional, users in the month; the scenario's own where none is given
    n : int, base samples, a power of two
    seed : int, seed of the samples
    most : int, how many inputs take part; the others stay at their modes

    Returns
    -------
    pandas.DataFrame, A row an input: first, total and their errors

    Raises
    ------
    InputError, an unknown measure, or samples that are no power of two

    Source: salib.
    """
    users = float(np.ravel(scenario.users if users is None else users)[0])
    names = list(tornado(scenario, measure, users, most).index)
    return sobol_indices(lambda x: _totals(scenario, names, x, measure, users), {n: (0.0, 1.0) for n in names}, n, seed)


def information_value(saving_usd, columns: Mapping[str, np.ndarray], bins: int = BINS):
    """What it is worth to know one input before choosing between two designs.

    Without more knowledge one takes push where its mean saving is above 0: worth max(mean, 0). Knowing
    input x first, one takes it where the mean given x is above 0: worth E[max(E[saving | x], 0)]. The
    difference is the value of that information; draws alike in x are grouped to find the mean given x.

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
    now = max(saving.mean(), 0.0)
    today = (saving < 0).mean() if saving.mean() > 0 else (saving > 0).mean()
    rows = {"everything": (np.maximum(saving, 0.0).mean() - now, 0.0), "nothing": (0.0, today)}
    least, bins = ROUNDING * np.abs(saving).mean(), min(bins, max(saving.size // A_GROUP, 2))
    if saving.size >= 2 * A_GROUP:
        rng = np.random.default_rng(saving.size)
        least = max(least, *(_known(saving, rng.permutation(saving.size), bins, now)[0] for _ in range(SHUFFLES)))
    for name, column in columns.items():
        worth, wrong = _known(saving, column, bins, now)
        rows[name] = (worth, wrong) if worth > least else (0.0, today)
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value_usd", "chance_of_wrong"])
    return table.rename_axis("input").sort_values("value_usd", ascending=False, kind="stable")


def _known(saving: np.ndarray, column: np.ndarray, bins: int, now: float) -> tuple[float, float]:
    values, group = np.unique(column, return_inverse=True)
    if len(values) > bins:
        rank = np.argsort(np.argsort(column, kind="stable"), kind="stable")
        group = rank * bins // len(column)
    count = np.bincount(group)
    mean = np.bincount(group, saving) / count
    wrong = np.where(mean > 0, np.bincount(group, saving < 0), np.bincount(group, saving > 0))
    worth = float((count * np.maximum(mean, 0.0)).sum() / count.sum()) - now
    return max(worth, 0.0), float(wrong.sum() / count.sum())


def push_saving_usd(scenario: Scenario, users: float | None, draws: int, seed: int) -> tuple[np.ndarray, dict]:
    """The saving of push in every draw, with the draws of the inputs it comes from.

    Source: assumption.
    """
    users = np.array([float(np.ravel(scenario.users if users is None else users)[0])])
    some_draws(draws)
    saving, columns = [], []
    for chunk in sampling.chunks_of(scenario, draws, seed):
        before, after = results.chunk_totals(scenario, users, chunk, ("cost",))
        saving.append(before["cost"][:, 0] - after["cost"][:, 0])
        columns.append(chunk)
    return np.concatenate(saving), {n: np.concatenate([c[n][:, 0] for c in columns]) for n in columns[0]}


def worth_measuring(scenario: Scenario, users: float | None = None, draws: int = 16384, seed: int = 1, most: int = 12):
    """The inputs whose measurement would most lower the chance of choosing wrong, in dollars a month.

    Parameters
    ----------
    scenario : Scenario, A scenario with ranges
    users : float, optional, users in the month; the scenario's own where none is given
    draws : int, how many draws
    seed : int, seed of the draws
    most : int, how many inputs to show

    Returns
    -------
    pandas.DataFrame, A row an input that is worth anything: value_usd a month, chance_of_wrong, and the input's range
        and source; the first row is perfect knowledge, the last today's

    Raises
    ------
    InputError, no draws, or more than memory holds

    Source: raiffa1961.
    """
    import pandas as pd

    saving, columns = push_saving_usd(scenario, users, draws, seed)
    table = information_value(saving, columns)
    ends = ["everything", "nothing"]
    some = table.drop(ends).query("value_usd > 0").head(most)
    table = pd.concat([table.loc[ends[:1]], some, table.loc[ends[1:]]])
    inputs = sampling.ranged_inputs(scenario)
    for name in ("low", "mode", "high", "source"):
        table[name] = [getattr(inputs[i], name) if i in inputs else "" for i in table.index]
    return table


def spans(scenario: Scenario, users: float | None = None, draws: int = 4096, seed: int = 1):
    """The middle and the 5-95 % span of before, after and change, and the chance that push is better.

    Parameters
    ----------
    scenario : Scenario, A scenario with ranges
    users : float, optional, users in the month; the scenario's own where none is given
    draws : int, how many draws
    seed : int, seed of the draws

    Returns
    -------
    pandas.DataFrame, A row a measure of the table: low, middle and high of before, after and change; p_better

    Raises
    ------
    InputError, no draws, or more than memory holds

    Source: assumption.
    """
    import pandas as pd

    outcome = results.evaluate(scenario, users, some_draws(draws), seed)
    rows = {}
    for label, (_, _, unit) in results.ROWS.items():
        before, after = (v[:, 0] for v in outcome.values(label))
        row = {"unit": unit}
        for name, values in (("before", before), ("after", after), ("change", after / before - 1.0)):
            low, middle, high = np.quantile(values, (0.05, 0.5, 0.95))
            row |= {f"{name}_low": low, f"{name}_middle": middle, f"{name}_high": high}
        rows[label] = {**row, "p_better": float((after < before).mean())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("measure")


def cheaper_surface(scenario: Scenario, users, active_hours, draws: int = 512, seed: int = 1):
    """The chance that push is cheaper, by user count and active hours per user and month.

    Parameters
    ----------
    scenario : Scenario, A scenario with ranges
    users : array_like, user counts, the columns
    active_hours : array_like, active hours per user and month, the rows; reached by more sessions a day, from 8 h a
        day on by more active days, and by longer days where every day is one
    draws : int, how many draws at each point
    seed : int, seed of the draws

    Returns
    -------
    pandas.DataFrame, chances from 0 to 1

    Raises
    ------
    InputError, no draws, or active hours that are not above 0 or more than the month has

    Source: assumption.
    """
    import pandas as pd

    users = np.asarray(checks.positive("users", users, "users"), dtype=float)
    hours = np.asarray(checks.positive("active_hours", active_hours, "h"), dtype=float)
    most = 24.0 * scenario.billing.month_days
    checks.bounded("active_hours", hours, f"at most the {most:g} h of the month", lambda a: a <= most)
    some_draws(draws)
    rows = []
    for one in hours:
        chance, done = np.zeros(users.size), 0
        for chunk in sampling.chunks_of(scenario, draws, seed):
            before, after = results.chunk_totals(scenario, users, chunk, ("cost",), functools.partial(_active_for, one))
            chance += (after["cost"] < before["cost"]).sum(axis=0)
            done += len(before["cost"])
        rows.append(chance / done)
    return pd.DataFrame(rows, index=pd.Index(hours, name="active hours"), columns=users)


def _active_for(hours: float, resolved: Scenario) -> Scenario:
    """The scenario with so many active hours per user and month, by sessions a day, then days, then longer days."""
    use, days = resolved.usage, resolved.billing.month_days
    share = np.minimum(np.maximum(use.dau_mau_share, hours / (days * LONG_DAY_H)), 1.0)
    sessions = hours * 3600.0 / (share * days * use.session_mean_s)
    usage = use.model_copy(update={"dau_mau_share": share, "sessions_per_day": sessions})
    return resolved.model_copy(update={"usage": usage})


def some_draws(draws: int) -> int:
    """The number of draws, refused unless it is a whole number above 0 that fits in memory."""
    if sampling.check_draws(draws) < 1:
        checks.fail(f"draws must be a whole number > 0; got {checks.shown(draws)}")
    return draws
