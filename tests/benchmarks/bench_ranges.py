"""Draws a second of all five measures, beside one draw at a time and beside monaco on the same cost sum.

Run: python tests/benchmarks/bench_ranges.py. The rate of monaco is left out where it is not installed (`pip
install monaco`, in an environment of its own: it asks for an older psutil than IPython does). The first
figure is taken on one core, the last two on all.
"""

from __future__ import annotations

import importlib.util
import os
import resource
import time

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy: one core is one core

import numpy as np  # noqa: E402

import model  # noqa: E402
from model import outcome as results  # noqa: E402
from model.scenario import sampling  # noqa: E402


def seconds(work) -> tuple[float, float]:
    """Wall and processor seconds of one call."""
    wall, busy = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - busy


def all_measures(case, draws: int, seed: int = 1):
    """Every measure of the compared pair on every draw, and the p95 of latency on the first 2,048."""
    outcome = model.evaluate(case, draws=draws, seed=seed, designs=case.compared)
    for measure in results.MEASURES:
        outcome.before.total(measure), outcome.after.total(measure)
    return outcome.values("notification latency p95")


def twelve_designs() -> None:
    """Seconds of a table of 12 designs with 1,024 draws, and of checking the scenario that holds them."""
    case = model.load("chat_every_way")
    names = list(case.designs)[:12]
    plain = case.model_dump() | {"pair": names[:2]}
    plain["designs"] = {name: plain["designs"][name] for name in names}
    few = model.scenario.Scenario.model_validate(plain)
    check_s = min(seconds(lambda: model.scenario.Scenario.model_validate(plain))[1] for _ in range(100))
    model.compare(few, draws=1024)  # tables filled
    table_s = min(seconds(lambda: model.compare(few, draws=1024))[1] for _ in range(3))
    print(f"12 designs: checked in {check_s * 1e3:.1f} ms; their table with 1,024 draws in {table_s:.2f} s")


def one_at_a_time(case, draws: int) -> None:
    """The same model, a call a draw."""
    columns = sampling.draws_of(case, draws, 1)
    for k in range(draws):
        one = {n: c[k : k + 1] for n, c in columns.items()}
        results.chunk_totals(case, np.array([float(case.users)]), one)


# A cost sum of five numbers, each low, mode, high: users, active hours, polls an hour, bytes, USD a poll.
COST = {
    "users": (5e3, 1e4, 4e4),
    "hours": (2, 6, 30),
    "polls_per_hour": (200, 1000, 1800),
    "poll_bytes": (500, 900, 2000),
    "poll_usd": (1e-6, 1.2e-6, 3.5e-6),
}
USD_PER_BYTE = 0.09 / 2**30


def cost_sum(users, hours, polls_per_hour, poll_bytes, poll_usd):
    """USD a month: a sum of the kind that the bill is made of."""
    return users * hours * polls_per_hour * (poll_usd + poll_bytes * USD_PER_BYTE)


def drawn_cost(draws: int) -> np.ndarray:
    """The sum over draws by the project's own points and quantiles."""
    points = next(sampling._points(len(COST), draws, 1, draws))
    return cost_sum(*(sampling.pert_quantile(points[:, k], *ends) for k, ends in enumerate(COST.values())))


def monaco_cost(draws: int) -> np.ndarray:
    """The same sum, points and distributions in monaco."""
    import monaco
    from scipy.stats import beta

    sim = monaco.Sim(
        "cost",
        draws,
        {
            "preprocess": lambda one: [one.invals[name].val for name in COST],
            "run": lambda *numbers: (cost_sum(*numbers),),
            "postprocess": lambda one, usd: one.addOutVal("usd", usd),
        },
        seed=1,
        verbose=False,
    )
    for name, (low, mode, high) in COST.items():
        where = (mode - low) / (high - low)
        sim.addInVar(name, beta, {"a": 1 + 4 * where, "b": 5 - 4 * where, "loc": low, "scale": high - low})
    sim.runSim()
    return np.array(sim.outvars["usd"].vals)


def against_monaco(draws: int = 16_384) -> None:
    """Rates of both on the same sum, and whether they find the same mean."""
    if importlib.util.find_spec("monaco") is None:
        print("monaco is not installed, so its rate on the same cost sum is left out")
        return
    monaco_cost(64), drawn_cost(draws)
    theirs, _ = seconds(lambda: monaco_cost(draws))
    own, _ = seconds(lambda: drawn_cost(draws))
    means = [float(of(draws).mean()) for of in (monaco_cost, drawn_cost)]
    print(
        f"a cost sum of five inputs, {draws:,} draws: monaco {draws / theirs:,.0f} draws/s (mean "
        f"{means[0]:,.2f} USD), here {draws / own:,.0f} draws/s (mean {means[1]:,.2f} USD), "
        f"{theirs / own:.0f} times as many"
    )


def main() -> None:
    case = model.load("twilly")
    cores = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(cores)})
    twelve_designs()
    all_measures(case, 4096)  # compiled, tables filled
    draws = 131_072
    wall, busy = min(seconds(lambda: all_measures(case, draws)) for _ in range(3))
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    print(
        f"one core: {draws:,} draws, {len(sampling.ranged_inputs(case))} ranged inputs, all measures and quantiles: "
        f"{wall:.2f} s ({busy:.2f} s of processor), {memory:.2f} GB at most"
    )
    few = 64
    slow, _ = seconds(lambda: one_at_a_time(case, few))
    print(
        f"one draw at a time: {few / slow:.0f} draws/s; together {draws / wall:,.0f} draws/s, "
        f"{draws / wall / (few / slow):.0f} times as many"
    )
    against_monaco()
    os.sched_setaffinity(0, cores)
    wall, busy = seconds(lambda: model.evaluate(case, users=np.geomspace(100, 1e7, 1000), draws=1000, seed=1))
    print(f"{len(cores)} cores: 1,000 user counts x 1,000 draws: {wall:.1f} s ({busy:.1f} s of processor)")
    wall, busy = seconds(lambda: model.evaluate(case, draws=1_000_000, seed=1))
    print(f"{len(cores)} cores: 1,000,000 draws: {wall:.1f} s ({busy:.1f} s of processor)")


if __name__ == "__main__":
    main()
