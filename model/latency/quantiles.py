"""Quantiles of a mixture of ways: bracketed on a grid, then Newton's method kept within the bracket."""

from __future__ import annotations

import numpy as np

from model.latency.mixture import AT_ONCE, Mixture

__all__: list[str] = []

GRID = {"few": 8, "many": 768}  # points: few user counts refine by themselves, many share a finer grid
LOWEST_S, HIGHEST_S = 1e-4, 1e6
ROUNDS, CLOSE = 60, 1e-6  # Newton's next step is its square, so below rounding


def quantiles_s(mixture: Mixture, shares) -> np.ndarray:
    """Quantiles of the mixture for shares strictly between 0 and 1: (shares, draws, users)."""
    _, columns, rows = mixture.weights.shape
    terms = sum(len(p.rise) for p in mixture.powers)
    grid = _grid(mixture, columns)
    step = max(1, AT_ONCE // (terms * max(columns * len(shares), len(grid))))
    found = np.empty((len(shares), columns, rows))
    for start in range(0, rows, step):
        part = slice(start, min(start + step, rows))
        found[..., part] = _of_rows(mixture, shares, part, grid)
    return np.moveaxis(found, 1, 2).reshape(len(shares), *mixture.shape)


def _grid(mixture: Mixture, columns: int) -> np.ndarray:
    """Times, even in the logarithm, from before the first delivery to where next to nothing is left."""
    low = 0.9 * min(float(np.min(p.place_s)) for p in mixture.powers)
    high = 4.0 * max(float(np.max(p.place_s + 10.0 * np.exp(p.median_ln + p.sigma))) for p in mixture.powers)
    count = GRID["many" if columns > GRID["few"] else "few"]
    return np.geomspace(max(low, LOWEST_S), min(high, HIGHEST_S), count)


def _of_rows(mixture: Mixture, shares, rows: slice, grid: np.ndarray) -> np.ndarray:
    weights = mixture.weights[..., rows]
    by_way, _ = mixture.at(np.broadcast_to(grid[:, None], (len(grid), weights.shape[2])), rows)
    told = np.einsum("wur,wgr->gur", weights, by_way)
    low, high, guess = (
        np.concatenate(x) for x in zip(*(_bracket(told, grid, share) for share in shares), strict=True)
    )  # all quantiles side by side
    wanted = np.repeat(shares, told.shape[1])[:, None]
    found = _newton(mixture, wanted, rows, np.concatenate([weights] * len(shares), axis=1), low, high, guess)
    return found.reshape(len(shares), *told.shape[1:])


def _bracket(told: np.ndarray, grid: np.ndarray, share: float) -> tuple:
    """The grid's times around a quantile, and a first guess between them: each (columns, rows)."""
    over = np.clip((told < share).sum(axis=0), 1, len(grid) - 1)
    below, above = (np.take_along_axis(told, (over - k)[None], axis=0)[0] for k in (1, 0))
    low, high = grid[over - 1], grid[over]
    part = np.clip((share - below) / np.maximum(above - below, 1e-300), 0.0, 1.0)
    high = np.where(above < share, HIGHEST_S, high)
    return low, high, low * np.power(high / low, part)


def _newton(mixture: Mixture, share: np.ndarray, rows: slice, weights, low, high, t_s) -> np.ndarray:
    """Newton's method within the brackets; a row that no longer moves is left alone."""
    found, left = np.array(t_s), np.arange(*rows.indices(mixture.weights.shape[2]))
    for _ in range(ROUNDS):
        value, slope = ((weights * x).sum(axis=0) for x in mixture.at(t_s, left))
        low, high = np.where(value < share, t_s, low), np.where(value < share, high, t_s)
        with np.errstate(divide="ignore", invalid="ignore"):
            nearer = t_s - (value - share) / slope
        inside = (nearer >= low) & (nearer <= high)
        nearer = np.where(inside, nearer, np.sqrt(low * high))
        moves = (np.abs(nearer - t_s) > CLOSE * t_s).any(axis=0)
        found[:, left - rows.start], t_s = nearer, nearer[:, moves]
        if not t_s.size:
            break
        left, low, high, weights = left[moves], low[:, moves], high[:, moves], weights[..., moves]
    return found
