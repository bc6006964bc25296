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
LINES = 256  # cubics of the PERT table
STEEP = 8  # of them at each end where the curve is too steep for them: the lowest and highest 0.24 % of the shares

S = TypeVar("S", bound=Choices)  # a Scenario comes back as a Scenario


# PERT


def pert_quantile(share, low: float, mode: float, high: float) -> np.ndarray:
    """Quantiles of a PERT distribution: a beta on low to high whose mean is (low + 4 mode + high) / 6.

    They are read off a table and lie within 2e-7 of the span. Source: assumption.
    """
    share = np.asarray(share, dtype=float)
    if high <= low:
        return np.full(share.shape, float(mode))
    return low + (high - low) * _beta_by_table(share.ravel(), (mode - low) / (high - low)).reshape(share.shape)


def _beta(share: np.ndarray, where: float) -> np.ndarray:
    """Quantiles of the beta distribution on 0 to 1 that PERT takes for a mode at `where`."""
    from scipy.special import betaincinv

    return betaincinv(1.0 + 4.0 * where, 5.0 - 4.0 * where, share)


@functools.lru_cache(maxsize=512)
def _beta_table(where: float) -> np.ndarray:
    """The quantiles of the shares sin^2(a) for angles a even from 0 to a right angle, as a cubic between each two.

    The curve is steepest at its ends, where these shares stand closest; the cubics have its slope at the nodes.
    """
    from scipy.special import beta

    a, b = 1.0 + 4.0 * where, 5.0 - 4.0 * where
    angle = np.linspace(0.0, np.pi / 2.0, LINES + 1)
    nodes = _beta(np.sin(angle) ** 2, where)
    with np.errstate(all="ignore"):  # at both ends it may be upright
        dense = nodes ** (a - 1.0) * (1.0 - nodes) ** (b - 1.0) / beta(a, b)
        slope = np.nan_to_num(angle[1] * np.sin(2.0 * angle) / dense, posinf=0.0)
    rise, first, last = np.diff(nodes), slope[:-1], slope[1:]
    return np.array([nodes[:-1], first, 3.0 * rise - 2.0 * first - last, first + last - 2.0 * rise])


def _beta_by_table(share: np.ndarray, where: float) -> np.ndarray:
    """What lies on the cubics of the table, within 2e-7 of the exact quantile; the steep ends exactly."""
    place = np.arcsin(np.sqrt(share)) * (LINES / (np.pi / 2.0))
    line = np.minimum(place.astype(np.intp), LINES - 1)
    place -= line
    level, slope, bent, more = (row.take(line) for row in _beta_table(where))
    quantile = level + place * (slope + place * (bent + place * more))
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

    Gives a dict of str to array, by column name, each of shape (draws, 1).
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

    `keep`: only this many of the first draws, the same as without it. Gives Scenario, numbers are floats or arrays of
    shape (draws, 1); users is a float or an array on the last axis; `ledger` holds every ledger number; shares that
    must add to 1 are normalised.
    """
    columns = draws_of(scenario, min(draws, keep or draws), seed) if check_draws(draws) else {}
    return with_columns(scenario, columns, users)


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
