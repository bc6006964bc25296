"""Ranges become numbers: each at its mode, or a column of draws that the designs share.

The draws are scrambled Sobol points turned into PERT quantiles; the first axis is the draw.
"""

from __future__ import annotations

import functools
import os
from collections.abc import Iterator
from typing import Any, TypeVar

import numpy as np

from model import checks, ledger
from model.parts.fields import OUTER, Part, Range
from model.parts.transports import Choices
from model.scenario.columns import column_names, columns_of, correlated, ranged_inputs
from model.scenario.points import sobol

AT_ONCE = 32_768  # draws times user counts worked out in one pass; more go in chunks, which takes less memory
CHUNK = 16_384  # of more, so many at once: each core works on a piece of its own
QUANTILE_DRAWS = 2048  # draws whose whole latency distribution is worked out
MEMORY_SHARE, BYTES_A_DRAW, BYTES_A_FIGURE = 0.5, 400, 160  # of the machine; kept for each draw and figure
LINES = 4096  # straight lines of the PERT table; fewer points than that are worked out exactly
STEEP = 96  # lines at each end where the curve is too steep for them: the lowest and highest 0.14 % of the shares

S = TypeVar("S", bound=Choices)  # a Scenario comes back as a Scenario


# PERT


def pert_quantile(share, low: float, mode: float, high: float) -> np.ndarray:
    """Quantiles of a PERT distribution: a beta on low to high whose mean is (low + 4 mode + high) / 6.

    Few are exact, many are read off a table and lie within 1e-6 of the span.

    Source: assumption.
    """
    share = np.asarray(share, dtype=float)
    if high <= low:
        return np.full(share.shape, float(mode))
    where = (mode - low) / (high - low)
    if share.size >= LINES:
        return low + (high - low) * _beta_by_table(share, where)
    return low + (high - low) * np.frombuffer(_exact_beta(share.tobytes(), where)).reshape(share.shape)


def _beta(share: np.ndarray, where: float) -> np.ndarray:
    """Quantiles of the beta distribution on 0 to 1 that PERT takes for a mode at `where`."""
    from scipy.special import betaincinv

    return betaincinv(1.0 + 4.0 * where, 5.0 - 4.0 * where, share)


@functools.lru_cache(maxsize=256)
def _exact_beta(shares: bytes, where: float) -> bytes:
    """The same for the bytes of shares: a sweep asks for the points of one seed again and again."""
    return _beta(np.frombuffer(shares), where).tobytes()


@functools.lru_cache(maxsize=512)
def _beta_table(where: float) -> tuple[np.ndarray, np.ndarray]:
    """The quantiles of the shares sin^2(a) for angles a even from 0 to a right angle, and the steps between them.

    The curve is steepest at its ends, where these shares stand closest.
    """
    nodes = _beta(np.sin(np.linspace(0.0, np.pi / 2.0, LINES + 1)) ** 2, where)
    return nodes, np.diff(nodes, append=nodes[-1])


def _beta_by_table(share: np.ndarray, where: float) -> np.ndarray:
    """Straight lines between the nodes of the table, within 9e-7 of the exact quantile; the steep ends exactly.

    The nodes are even in the angle, so that a share's line is found without the search that `np.interp` makes.
    """
    nodes, steps = _beta_table(where)
    place = np.arcsin(np.sqrt(share)) * (LINES / (np.pi / 2.0))
    line = place.astype(np.intp)
    quantile = nodes.take(line) + (place - line) * steps.take(line)
    steep = (line < STEEP) | (line >= LINES - STEEP)
    quantile[steep] = _beta(share[steep], where)
    return quantile


# draws


def _points(columns: int, draws: int, seed: int, size: int) -> Iterator[np.ndarray]:
    """Scrambled Sobol points a chunk at a time; the first points are the same however many follow."""
    counts = [min(size, _power_of_two(draws - made)) for made in range(0, draws, size)]
    rng = np.random.default_rng(int(checks.whole("seed", seed)))
    for k, batch in enumerate(sobol(columns, counts, rng)):
        yield batch[: draws - k * size]


def _power_of_two(count: int) -> int:
    """The least power of two that is not below a count: Sobol points are balanced over so many."""
    return 1 << max(count - 1, 0).bit_length()


def chunks_of(scenario: Choices, draws: int, seed: int, size: int = CHUNK) -> Iterator[dict[str, np.ndarray]]:
    """The draws of every ranged input a chunk at a time, each of shape (chunk, 1)."""
    inputs = ranged_inputs(scenario)
    for points in _points(max(len(inputs), 1), draws, seed, size):
        points = np.asfortranarray(correlated(points, tuple(inputs), scenario))
        columns = {name: _drawn(points[:, k], one)[:, None] for k, (name, one) in enumerate(inputs.items())}
        yield columns or {"": points}


def _drawn(share: np.ndarray, one: Range) -> np.ndarray:
    """What an input is at shares of its distribution: a PERT, or a yes as often as its chance says."""
    if one.chance is not None:
        return (share > 1.0 - one.chance).astype(float)
    return pert_quantile(share, one.low, one.mode, one.high)


def draws_of(scenario: Choices, draws: int, seed: int) -> dict[str, np.ndarray]:
    """The draws of every ranged input.

    Parameters
    ----------
    scenario : Scenario, the scenario with its ranges
    draws : int, how many; above 0
    seed : int, seed of the scrambled Sobol points

    Returns: dict of str to array, by column name, each of shape (draws, 1)
    Raises: InputError, no draws, more than memory holds, or a seed below 0
    """
    draws = check_draws(draws)
    if draws < 1:
        checks.fail(f"draws must be a whole number > 0; got {checks.shown(draws)}")
    return next(chunks_of(scenario, draws, seed, _power_of_two(draws)))


def check_draws(draws: Any, users: int = 1) -> int:
    """The number of draws, refused where it is no whole number or more than memory holds."""
    if isinstance(draws, bool) or not isinstance(draws, (int, np.integer)) or draws < 0:
        checks.fail(f"draws must be a whole number >= 0; got {checks.shown(draws)}")
    memory_bytes = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    most = int(memory_bytes * MEMORY_SHARE / (BYTES_A_DRAW + users * BYTES_A_FIGURE))
    if draws > most:
        checks.fail(f"draws must be at most {most:,} to fit in memory with {users:,} user counts; got {draws:,}")
    return int(draws)


# the scenario in numbers


def checked_users(users) -> np.ndarray:
    """User counts as floats, each above 0 and no more than there can be."""
    counts = checks.positive("users", users, "users")
    return checks.bounded("users", counts, f"at most {OUTER['users']:g} users", lambda n: n <= OUTER["users"])


def resolved(scenario: S, users=None, draws: int = 0, seed: int = 0, keep: int | None = None) -> S:
    """The scenario with plain numbers: every range at its mode, or as a column of draws.

    Parameters
    ----------
    scenario : Scenario, the scenario with its ranges
    users : array_like, optional, user counts, on the last axis; the scenario's own where none is given
    draws : int, how many draws; 0 puts every range at its mode
    seed : int, seed of the scrambled Sobol points
    keep : int, optional, only this many of the first draws, the same as without it

    Returns: Scenario, numbers are floats or arrays of shape (draws, 1); users is a float or an array on the last
    axis; `ledger` holds every ledger number; shares that must add to 1 are normalised
    """
    few = min(draws, max(keep, LINES)) if keep else draws  # at least as many as are read off the table
    columns = draws_of(scenario, few, seed) if check_draws(draws) else {}
    return with_columns(scenario, {name: column[:keep] for name, column in columns.items()}, users)


def with_columns(scenario: S, columns: dict[str, np.ndarray], users=None) -> S:
    """The scenario with plain numbers, the named columns in the place of their inputs' modes."""
    paths = {path: name for path, (name, _) in columns_of(scenario).items()} if columns else {}
    if columns and not columns.keys() <= set(paths.values()):
        names = column_names(scenario)
        columns = {names.get(name, name): column for name, column in columns.items()}
    filled = _filled(scenario, (), columns, paths)
    rows = {name: columns.get(f"ledger.{name}", row.value) for name, row in ledger.chosen().items()}
    own: dict[str, Any] = {
        "ledger": {**rows, **filled.ledger},
        "screens": _normalised(filled.screens),
        "networks": _normalised(filled.networks),
    }
    if users is not None:
        own["users"] = checked_users(users)
    return filled.model_copy(update=own)


def _filled(value: Any, path: tuple[str, ...], columns: dict, paths: dict[str, str]) -> Any:
    """The value with a column, or the mode, in the place of every range."""
    if isinstance(value, Range):
        return columns.get(paths.get(".".join(path)), value.mode)
    if isinstance(value, Part):
        fields = {n: _filled(getattr(value, n), (*path, n), columns, paths) for n in type(value).model_fields}
        return type(value).model_construct(**fields)
    if isinstance(value, dict):
        return {n: _filled(v, (*path, str(n)), columns, paths) for n, v in value.items()}
    if isinstance(value, list):
        return [_filled(v, (*path, str(n)), columns, paths) for n, v in enumerate(value)]
    return value


def _normalised(parts: dict[str, Any]) -> dict[str, Any]:
    """The same parts with their shares scaled to add up to 1 in every draw."""
    total = sum(part.share for part in parts.values())
    return {name: part.model_copy(update={"share": part.share / total}) for name, part in parts.items()}
