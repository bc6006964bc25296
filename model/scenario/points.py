"""Scrambled Sobol points, number for number those of `scipy.stats.qmc.Sobol`, whose import takes a second."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

BITS = 30  # of a point; so many as scipy takes
POWERS = 1 << np.arange(BITS - 1, -1, -1, dtype=np.int64)  # of a number's bits, the largest first


def sobol(columns: int, counts: Iterable[int], rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Points of (0, 1) in batches, (count, columns): Joe and Kuo's directions, scrambled by Matousek's matrices."""
    directions, rng = _directions(columns), rng.spawn(1)[0]
    shift = rng.integers(2, size=(columns, BITS), dtype=np.uint32) @ POWERS[::-1]
    lower = np.tril(rng.integers(2, size=(columns, BITS, BITS), dtype=np.uint32)).astype(np.float32)
    lower[:, range(BITS), range(BITS)] = 1
    bits = (directions[:, :, None] & POWERS > 0).astype(np.float32)  # float32: sums of up to 30 ones are exact in it
    scrambled = (bits @ lower.transpose(0, 2, 1)).astype(np.int64) % 2 @ POWERS
    state, made = shift, 0
    for count in counts:
        steps = np.arange(made, made + count)  # Gray's order: a point differs from the last by one direction
        turned = scrambled.T[np.log2(~steps & (steps + 1)).astype(int)]
        after = state ^ np.bitwise_xor.accumulate(turned, axis=0)
        yield np.vstack([state, after[:-1]]) / 2.0**BITS
        state, made = after[-1], made + count


@functools.cache
def _directions(columns: int) -> np.ndarray:
    """The direction numbers of each column, (columns, bits), from the table that comes with scipy."""
    import scipy

    table = np.load(Path(scipy.__file__).parent / "stats" / "_sobol_direction_numbers.npz")
    first, polynomials = table["vinit"][:columns].astype(np.int64), table["poly"][:columns].astype(np.int64)
    numbers = np.ones((columns, BITS), dtype=np.int64)
    degrees = np.array([int(one).bit_length() - 1 for one in polynomials])
    for degree in range(1, degrees.max() + 1):
        rows = np.flatnonzero(degrees == degree)
        rows = rows[rows > 0]
        numbers[rows, :degree] = first[rows, :degree]
        for j in range(degree, BITS):
            new = numbers[rows, j - degree]
            for k in range(degree):
                on = polynomials[rows] >> (degree - 1 - k) & 1
                new = new ^ on * (numbers[rows, j - k - 1] << (k + 1))
            numbers[rows, j] = new
    return numbers * POWERS
