"""Ranges become numbers: each at its mode, or a column of draws that both designs share.

The draws are scrambled Sobol points turned into PERT quantiles through a table; the first axis is the draw.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from model import checks, ledger
from model.scenario.pieces import Part, Range, Scenario

__all__ = ["pert_quantile", "ranged_inputs", "resolved"]

AT_ONCE = 131_072  # draws times user counts up to which one pass is quickest; it takes 1.4 GB
CHUNK = 32768  # of more, so many at once: each core works on a piece of its own
QUANTILE_DRAWS = 2048  # draws whose whole latency distribution is worked out
MEMORY_SHARE, BYTES_A_DRAW, BYTES_A_FIGURE = 0.5, 400, 160  # of the machine; kept for each draw and figure
COMPILED_FROM = 4096  # points from which a compiled loop pays
NODES, END_SHARE = 8193, 0.0008  # straight lines between nodes; the ends are worked out exactly, both are tested


def _walk(value: Any, path: tuple[str, ...]):
    """Every range below a value, with its path."""
    if isinstance(value, Range):
        yield ".".join(path), value
    elif isinstance(value, Part):
        for name in type(value).model_fields:
            yield from _walk(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, one in value.items():
            yield from _walk(one, (*path, str(name)))
    elif isinstance(value, list):
        for number, one in enumerate(value):
            yield from _walk(one, (*path, str(number)))


def _columns(scenario: Scenario) -> dict[str, tuple[str, Range]]:
    """The column each ranged path is drawn from; a range that stands alike in both designs is one column."""
    ranges = {path: one for path, one in _walk(scenario, ()) if one.low < one.high}
    found = {}
    for path, one in ranges.items():
        side, _, stem = path.partition(".")
        other = ranges.get(f"{'after' if side == 'before' else 'before'}.{stem}")
        both = (
            side in ("before", "after")
            and other is not None
            and ((one.low, one.mode, one.high) == (other.low, other.mode, other.high))
        )
        found[path] = (f"both.{stem}" if both else path, one)
    return found


def ranged_inputs(scenario: Scenario) -> dict[str, Range]:
    """Every input of a scenario that has a range: its own values and the ledger's rows.

    Parameters
    ----------
    scenario : Scenario, the scenario

    Returns
    -------
    dict of str to Range, by column name; a range that stands alike in both designs is one column
    """
    found = dict(_columns(scenario).values())
    for name, row in ledger.chosen().items():
        if row.ranged and name not in scenario.ledger:
            found[f"ledger.{name}"] = Range(
                low=row.low, mode=row.value, high=row.high, source=row.source, note=row.note or None
            )
    return found


@functools.lru_cache(maxsize=512)
def _pert_table(where: float) -> np.ndarray:
    """Quantiles of PERT on 0 to 1 with its mode at `where`, at nodes even in a root that opens the ends."""
    from scipy.special import betaincinv

    root = np.linspace(0.0, 1.0, NODES)
    share = np.where(root <= 0.5, 2.0 * root**2, 1.0 - 2.0 * (1.0 - root) ** 2)
    return betaincinv(1.0 + 4.0 * where, 5.0 - 4.0 * where, share)


def _by_table(share: np.ndarray, where: float) -> np.ndarray:
    """Straight lines between the nodes of the table; the ends, where the curve is too steep, exactly."""
    from scipy.special import betaincinv

    from model.scenario import _kernels

    flat, out, ends = _kernels.as_flat(share), np.empty(share.size), np.empty(share.size, dtype=np.int64)
    ends = ends[: _kernels.pert(flat, _pert_table(where), END_SHARE, out, ends)]
    out[ends] = betaincinv(1.0 + 4.0 * where, 5.0 - 4.0 * where, flat[ends])
    return out.reshape(share.shape)


def pert_quantile(share, low, mode, high):
    """Quantiles of a PERT distribution (a beta with its weight 4 on the mode), through a table.

    Source: assumption.
    """
    if high <= low:
        return np.full(np.shape(share), float(mode))
    where, share = (mode - low) / (high - low), np.asarray(share, dtype=float)
    if share.size < COMPILED_FROM:  # a table costs more than it saves
        from scipy.special import betaincinv

        return low + (high - low) * betaincinv(1.0 + 4.0 * where, 5.0 - 4.0 * where, share)
    return low + (high - low) * _by_table(share, where)


def _points(columns: int, draws: int, seed: int, size: int):
    """Scrambled Sobol points a chunk at a time; the first points are the same however many follow."""
    from scipy.stats import qmc

    engine = qmc.Sobol(columns, scramble=True, rng=np.random.default_rng(int(checks.whole("seed", seed))))
    made = 0
    while made < draws:
        more = min(size, 1 << max(int(np.ceil(np.log2(draws - made))), 0)) if made == 0 else size
        yield engine.random(more)[: draws - made]
        made += more


def _correlated(points: np.ndarray, names: list[str], scenario: Scenario) -> np.ndarray:
    """The points with the scenario's rank correlations: a Gaussian copula, every column still uniform."""
    if not scenario.correlations:
        return points
    from scipy.special import ndtr, ndtri

    involved, factor = _correlation_factor(
        tuple((c.between, c.rank) for c in scenario.correlations), tuple(names), scenario.place
    )
    normal = ndtri(np.clip(points[:, involved], 1e-12, 1.0 - 1e-12))
    points = points.copy()
    points[:, involved] = ndtr(normal @ factor.T)
    return points


def check_correlations(scenario: Scenario) -> None:
    """Refuse correlations of unknown inputs, of one pair twice, or that together make no correlation matrix."""
    pairs = [frozenset(c.between) for c in scenario.correlations]
    twice = [pair for pair in pairs if pairs.count(pair) > 1]
    if twice:
        checks.fail(f"correlations must name each pair once; got {' and '.join(sorted(twice[0]))} twice")
    if pairs:
        _correlation_factor(
            tuple((c.between, c.rank) for c in scenario.correlations), tuple(ranged_inputs(scenario)), ""
        )


@functools.lru_cache(maxsize=32)
def _correlation_factor(pairs: tuple, names: tuple, place: str):
    """Which columns are correlated, and the Cholesky factor of their normal correlations."""
    involved = []
    for between, rank in pairs:
        for name in between:
            checks.known("ranged input", name, names, place)
            if names.index(name) not in involved:
                involved.append(names.index(name))
        if between[0] == between[1] or not -1.0 < rank < 1.0:
            checks.fail(
                "correlations must name two different inputs and a rank between -1 and 1; got "
                f"{rank:g} between {between[0]} and {between[1]}",
                place,
            )
    matrix = np.eye(len(involved))
    for between, rank in pairs:
        i, j = (involved.index(names.index(n)) for n in between)
        matrix[i, j] = matrix[j, i] = 2.0 * np.sin(np.pi * rank / 6.0)  # normal from rank correlation
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-12:
        weight = np.abs(np.outer(vectors[:, 0], vectors[:, 0]) * matrix) * (1.0 - np.eye(len(involved)))
        i, j = np.unravel_index(int(weight.argmax()), weight.shape)
        checks.fail(
            "correlations must make a correlation matrix, and together they do not; the pair most at odds"
            f" is {names[involved[i]]} and {names[involved[j]]}",
            place,
        )
    return involved, np.linalg.cholesky(matrix)


def check_draws(draws: object, users: int = 1) -> int:
    """The number of draws, refused where it is no whole number or more than memory holds."""
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 0:
        checks.fail(f"draws must be a whole number >= 0; got {checks.shown(draws)}")
    most = int(_memory_bytes() * MEMORY_SHARE / (BYTES_A_DRAW + users * BYTES_A_FIGURE))
    if draws > most:
        checks.fail(f"draws must be at most {most:,} to fit in memory with {users:,} user counts; got {draws:,}")
    return int(draws)


def _memory_bytes() -> int:
    import os

    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def chunks_of(scenario: Scenario, draws: int, seed: int, size: int = CHUNK):
    """The draws of every ranged input a chunk at a time, each of shape (chunk, 1)."""
    inputs = ranged_inputs(scenario)
    names = list(inputs)
    for points in _points(max(len(names), 1), draws, seed, size):
        points = np.asfortranarray(_correlated(points, names, scenario))
        found = {
            n: pert_quantile(points[:, k], r.low, r.mode, r.high)[:, None] for k, (n, r) in enumerate(inputs.items())
        }
        yield found or {"": points}


def draws_of(scenario: Scenario, draws: int, seed: int) -> dict[str, np.ndarray]:
    """The draws of every ranged input, each of shape (draws, 1)."""
    if check_draws(draws) < 1:
        checks.fail(f"draws must be a whole number > 0; got {checks.shown(draws)}")
    return next(chunks_of(scenario, draws, seed, 1 << max(int(np.ceil(np.log2(draws))), 0)))


def _filled(value: Any, path: tuple[str, ...], columns: dict[str, np.ndarray], names: dict) -> Any:
    if isinstance(value, Range):
        name, _ = names.get(".".join(path), (None, value))
        return columns.get(name, value.mode)
    if isinstance(value, Part):
        fields = {n: _filled(getattr(value, n), (*path, n), columns, names) for n in type(value).model_fields}
        return type(value).model_construct(**fields)
    if isinstance(value, dict):
        return {n: _filled(v, (*path, str(n)), columns, names) for n, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, (*path, str(n)), columns, names) for n, v in enumerate(value)]
    return value


def _normalised(parts: dict[str, Part]) -> dict[str, Part]:
    """The same parts with their shares scaled to add up to 1 in every draw."""
    total = sum(p.share for p in parts.values())
    return {n: p.model_copy(update={"share": p.share / total}) for n, p in parts.items()}


def resolved(scenario: Scenario, users=None, draws: int = 0, seed: int = 0, keep: int | None = None) -> Scenario:
    """The scenario with plain numbers: every range at its mode, or as a column of draws.

    Parameters
    ----------
    scenario : Scenario, the scenario with its ranges
    users : array_like, optional, user counts, on the last axis; the scenario's own where none is given
    draws : int, how many draws; 0 puts every range at its mode
    seed : int, seed of the scrambled Sobol points
    keep : int, optional, only this many of the first draws

    Returns
    -------
    Scenario, numbers are floats or arrays of shape (draws, 1); users is a float or an array on the last axis;
        `ledger` holds every ledger number; shares that must add to 1 are normalised
    """
    enough = min(draws, max(keep, COMPILED_FROM)) if keep else draws  # drawn as the whole is, by the table
    columns = draws_of(scenario, enough, seed) if check_draws(draws) else {}
    if keep:
        columns = {name: column[:keep] for name, column in columns.items()}
    return with_columns(scenario, columns, users)


def with_columns(scenario: Scenario, columns: dict[str, np.ndarray], users=None) -> Scenario:
    """The scenario with plain numbers, the named columns in the place of their inputs' modes."""
    filled = _filled(scenario, (), columns, _columns(scenario) if columns else {})
    numbers = {name: columns.get(f"ledger.{name}", row.value) for name, row in ledger.chosen().items()}
    own = {
        "ledger": {**numbers, **filled.ledger},
        "screens": _normalised(filled.screens),
        "networks": _normalised(filled.networks),
    }
    if users is not None:
        own["users"] = np.asarray(checks.positive("users", users, "users"), dtype=float)
    return filled.model_copy(update=own)
