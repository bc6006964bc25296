"""What moves the answer: the swing of each input alone, and its share of the saving's variance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from model import checks
from model.outcome import chunk_totals, evaluate
from model.scenario import Scenario, sampling

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

    The errors are half the width of 95 % intervals over resamples of the rows.

    Source: salib.
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
