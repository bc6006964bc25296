"""Speed and steadiness of latency: samples of everything, closed-form quantiles over users and draws.

Run as `pytest -o addopts= tests/benchmarks/bench_latency.py -s`, or as a script for the figures alone.
"""

import time

import numpy as np

import model
from model import latency, traffic
from model.scenario import sampling

SAMPLES, SEEDS, COUNTS, DRAWS = 100_000, 20, 1_000, 1_000
SIDES = ("before", "after")


def seconds(call, times=3):
    """The shortest of several runs, and the last result."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        result = call()
        took.append(time.perf_counter() - begun)
    return min(took), result


def nows(**more):
    resolved = sampling.resolved(model.load("twilly"), **more)
    return [traffic.traffic(which, resolved) for which in SIDES]


def closed(sides):
    for side in sides:
        side.memo.clear()
    return [latency.quantile_s(side, [0.5, 0.95]) for side in sides]


def drawn(seed):
    """p50 and p95 of all deliveries of both designs from samples."""
    scenario, found = model.load("twilly"), latency.samples(model.load("twilly"), SAMPLES, seed)
    for which, now in zip(SIDES, nows(), strict=True):
        totals = [found[which, e][np.isfinite(found[which, e])].to_numpy() for e in scenario.events]
        rates = [float(np.ravel(latency.delivered_rate_per_s(now, e))[0]) for e in scenario.events]
        values = np.concatenate(totals)
        weights = np.concatenate(
            [np.full(t.size, rate / max(t.size, 1)) for t, rate in zip(totals, rates, strict=True)]
        )
        order = np.argsort(values)
        heap = np.cumsum(weights[order]) / weights.sum()
        yield [values[order][np.searchsorted(heap, share)] for share in (0.5, 0.95)]


def test_100_000_samples_of_all_events_and_both_designs_in_under_a_second():
    scenario = model.load("twilly")
    latency.samples(scenario, 64, 1)
    took, found = seconds(lambda: latency.samples(scenario, SAMPLES, 1))
    print(f"{found.size:,} latencies ({SAMPLES:,} of each event and design) in {took:.2f} s")
    assert took < 1


def test_p50_and_p95_are_stable_between_20_seeds_and_those_of_the_closed_form():
    found = np.array([list(drawn(seed)) for seed in range(SEEDS)])
    middle, spread = found.mean(axis=0), np.ptp(found, axis=0) / found.mean(axis=0)
    exact = np.array([q[:, 0, 0] for q in closed(nows())])
    for k, which in enumerate(SIDES):
        print(
            f"{which}: p50 {middle[k, 0]:.4f} s, p95 {middle[k, 1]:.4f} s; spread between seeds "
            f"{spread[k, 0]:.2%} and {spread[k, 1]:.2%}; closed form off by "
            f"{exact[k, 0] / middle[k, 0] - 1:+.2%} and {exact[k, 1] / middle[k, 1] - 1:+.2%}"
        )
    assert (spread < 0.005).all() and (np.abs(exact / middle - 1) < 0.005).all()


def test_quantiles_over_users_and_draws_cost_far_less_than_one_by_one():
    once, _ = seconds(lambda: closed(nows()), times=10)
    for name, count, more in (
        ("user counts", COUNTS, {"users": np.geomspace(100, 1e7, COUNTS)}),
        ("draws", DRAWS, {"draws": DRAWS}),
    ):
        sides = nows(**more)
        took, _ = seconds(lambda s=sides: closed(s))
        print(
            f"p50 and p95 of both designs: one scenario {once * 1e3:.0f} ms, {count:,} {name} "
            f"{took * 1e3:.0f} ms, {once * count / took:.0f} times faster than one by one"
        )
        assert took < once * count / 5


if __name__ == "__main__":
    test_100_000_samples_of_all_events_and_both_designs_in_under_a_second()
    test_p50_and_p95_are_stable_between_20_seeds_and_those_of_the_closed_form()
    test_quantiles_over_users_and_draws_cost_far_less_than_one_by_one()
