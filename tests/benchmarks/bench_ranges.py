"""Draws a second of all five measures, beside one draw at a time and beside monaco on the same cost sum.

Run: python tests/benchmarks/bench_ranges.py
"""

from __future__ import annotations

import resource
import time

import numpy as np

import model
from model import compare, sampling


def seconds(work) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def all_measures(case, draws: int, seed: int = 1):
    """Five measures of both designs on every draw, and the quantiles of the first 2,048."""
    outcome = model.evaluate(case, draws=draws, seed=seed)
    for measure in compare.MEASURES:
        outcome.before.total(measure), outcome.after.total(measure)
    return outcome.quantiles


def one_at_a_time(case, draws: int) -> None:
    """The same model, a call a draw."""
    columns = sampling.draws_of(case, draws, 1)
    for k in range(draws):
        one = {n: c[k:k + 1] for n, c in columns.items()}
        compare.chunk_totals(case, np.array([float(case.users)]), one)


def main() -> None:
    case = model.load("twilly")
    all_measures(case, 4096)  # compiled, tables filled
    draws = 131_072
    wall, busy = min(seconds(lambda: all_measures(case, draws)) for _ in range(3))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(f"{draws:,} draws, {len(sampling.ranged_inputs(case))} ranged inputs, all measures and quantiles: "
          f"{wall:.2f} s ({busy:.2f} s of processor), {memory:.2f} GB at most")
    few = 64
    slow, _ = seconds(lambda: one_at_a_time(case, few))
    print(f"one draw at a time: {few / slow:.0f} draws/s; together {draws / wall:,.0f} draws/s, "
          f"{draws / wall / (few / slow):.0f} times as many")
    wall, busy = seconds(lambda: model.evaluate(case, users=np.geomspace(100, 1e7, 1000), draws=1000, seed=1))
    print(f"1,000 user counts x 1,000 draws: {wall:.1f} s ({busy:.1f} s of processor)")
    wall, busy = seconds(lambda: model.evaluate(case, draws=1_000_000, seed=1))
    print(f"1,000,000 draws: {wall:.1f} s ({busy:.1f} s of processor)")


if __name__ == "__main__":
    main()
