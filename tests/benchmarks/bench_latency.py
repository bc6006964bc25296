"""Speed and steadiness of latency: samples of every event, quantiles of weighted deliveries over users and draws.

Run as `pytest -o addopts= tests/benchmarks/bench_latency.py -s`, or as a script for the figures alone.
"""

import time

import numpy as np

import model
from model import latency, traffic
from model.scenario import sampling

SAMPLES, SEEDS, COUNTS, DRAWS = 100_000, 20, 200, 1_000
SIDES = ("before", "after")


def seconds(call, times=3):
    """The fewest seconds of processor of several runs, and the last result."""
    took = []
    for _ in range(times):
        begun = time.process_time()
        result = call()
        took.append(time.process_time() - begun)
    return min(took), result


def quantiles(**more):
    """p50 and p95 of all events of both designs, worked out anew."""
    resolved = sampling.resolved(model.load("twilly"), **more)
    return [latency.quantile_s(traffic.traffic(which, resolved), [0.5, 0.95]) for which in SIDES]


def drawn(seed, events):
    """The latencies of events in both designs from samples: (design, event, sample)."""
    scenario = model.load("twilly")
    totals = [[latency.sample(scenario, which, e, SAMPLES, seed)["total"] for e in events] for which in SIDES]
    return np.array(totals)


def test_100_000_samples_of_all_events_and_both_designs_in_under_5_s():
    events = list(model.load("twilly").events)
    drawn(0, events[:1])
    took, found = seconds(lambda: drawn(1, events))
    print(f"{found.size:,} latencies ({SAMPLES:,} of each event and design) in {took:.2f} s")
    assert took < 5


def test_p50_and_p90_of_samples_are_stable_between_20_seeds():
    found = np.array([drawn(seed, ["new_comment"])[:, 0] for seed in range(SEEDS)])  # seed, design, sample
    found = np.quantile(np.where(np.isfinite(found), found, 1e9), [0.5, 0.9], axis=2)
    spread = np.ptp(found, axis=1) / found.mean(axis=1)
    for k, which in enumerate(SIDES):
        middle, apart = found.mean(axis=1)[:, k], spread[:, k]
        print(f"{which}: p50 {middle[0]:.4f} s, p90 {middle[1]:.4f} s; between seeds {apart[0]:.2%} and {apart[1]:.2%}")
    assert (spread < 0.005).all()


def test_quantiles_over_users_and_draws_cost_less_than_half_of_one_by_one():
    once, _ = seconds(quantiles, times=5)
    for name, count, more in (
        ("user counts", COUNTS, {"users": np.geomspace(100, 1e7, COUNTS)}),
        ("draws", DRAWS, {"draws": DRAWS}),
    ):
        took, _ = seconds(lambda given=more: quantiles(**given), times=1)
        print(
            f"p50 and p95 of both designs: one scenario {once * 1e3:.0f} ms, {count:,} {name} "
            f"{took * 1e3:.0f} ms, {once * count / took:.0f} times faster than one by one"
        )
        assert took < once * count / 2


if __name__ == "__main__":
    test_100_000_samples_of_all_events_and_both_designs_in_under_5_s()
    test_p50_and_p90_of_samples_are_stable_between_20_seeds()
    test_quantiles_over_users_and_draws_cost_less_than_half_of_one_by_one()
