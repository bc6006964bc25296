"""Quantiles of a mixture of ways: bracketed on a grid, then Newton's method kept within the bracket."""

from __future__ import annotations

import numpy as np

from model.latency.mixture import AT_ONCE, Mixture

__all__: list[str] = []

GRID = {"few": 12, "many": 768}  # points: few user counts refine by themselves, many share a finer grid
LOWEST_S, HIGHEST_S = 1e-4, 1e6
ROUNDS, CLOSE = 60, 1e-6  # Newton's next step is its square, so below rounding


def quantiles_s(mixture: Mixture, shares) -> np.ndarray:
    """Quantiles of the mixture for shares strictly between 0 and 1: (shares, draws, users)."""
    _, rows, columns = mixture.weights.shape
    terms = sum(len(p.rise) for p in mixture.powers)
    grid = _grid(mixture, columns)
    step = max(1, AT_ONCE // (terms * max(columns * len(shares), len(grid))))
    found = np.empty((len(shares), rows, columns))
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        found[:, part] = _of_rows(mixture, shares, part, grid)
    return found.reshape(len(shares), *mixture.shape)


def _grid(mixture: Mixture, columns: int) -> np.ndarray:
    """Times, even in the logarithm, from before the first delivery to where next to nothing is left."""
    high = 4.0 * max(float(np.max(p.place_s + 10.0 * np.exp(p.median_ln + p.sigma))) for p in mixture.powers)
    count = GRID["many" if columns > GRID["few"] else "few"]
    return np.geomspace(LOWEST_S, min(high, HIGHEST_S), count)


def _of_rows(mixture: Mixture, shares, rows: slice, grid: np.ndarray) -> np.ndarray:
    weights = mixture.weights[:, rows]
    by_way, _ = mixture.at(np.broadcast_to(grid, (weights.shape[1], len(grid))), rows)
    told = np.einsum("wru,wrg->rug", weights, by_way)
    weights = np.concatenate([weights] * len(shares), axis=2)
    wanted = np.repeat(shares, told.shape[1])  # all quantiles side by side
    low, high, guess = (np.concatenate(x, axis=1) for x in zip(
        *(_bracket(told, grid, share) for share in shares), strict=True))
    found = _newton(mixture, wanted, rows, weights, low, high, guess)
    return np.stack(np.split(found, len(shares), axis=1))


def _bracket(told: np.ndarray, grid: np.ndarray, share: float) -> tuple:
    """The grid's times around a quantile, and a first guess between them: each (rows, columns)."""
    over = np.clip((told < share).sum(axis=-1), 1, len(grid) - 1)
    below, above = (np.take_along_axis(told, (over - k)[..., None], axis=-1)[..., 0] for k in (1, 0))
    low, high = grid[over - 1], grid[over]
    part = np.clip((share - below) / np.maximum(above - below, 1e-300), 0.0, 1.0)
    high = np.where(above < share, HIGHEST_S, high)
    return low, high, low * np.power(high / low, part)


def _newton(mixture: Mixture, share: np.ndarray, rows: slice, weights, low, high, t_s) -> np.ndarray:
    for _ in range(ROUNDS):
        value, slope = ((weights * x).sum(axis=0) for x in mixture.at(t_s, rows))
        low, high = np.where(value < share, t_s, low), np.where(value < share, high, t_s)
        with np.errstate(divide="ignore", invalid="ignore"):
            nearer = t_s - (value - share) / slope
        inside = (nearer >= low) & (nearer <= high)
        nearer = np.where(inside, nearer, np.sqrt(low * high))
        moved = np.max(np.abs(nearer - t_s) / t_s)
        t_s = nearer
        if moved < CLOSE:
            break
    return t_s
