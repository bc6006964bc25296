"""Speed and memory of `storm.reconnect`, against its limits and against SimPy in the same run.

Run as `pytest -o addopts= tests/benchmarks/bench_storm.py -s`, or as a script for the figures alone.
"""

import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from storm_twin import attempt_times_s, simpy_back_s  # noqa: E402

from model import storm  # noqa: E402

SCHEDULE = [2, 4, 8, 16, 30]


def seconds(call, times=3):
    """The shortest of several runs, and the last result."""
    took = []
    for _ in range(times):
        begun = time.perf_counter()
        result = call()
        took.append(time.perf_counter() - begun)
    return min(took), result


def storm_seconds(clients, jitter, notice_s=0.0, times=1, **more):
    storm.reconnect(1000, SCHEDULE, jitter, 500, 500, 1, 0, notice_s, **more)  # compiled here
    return seconds(lambda: storm.reconnect(clients, SCHEDULE, jitter, 500, 500, 1, 0, notice_s, **more), times)


@pytest.mark.parametrize("notice_s", [0.0, 30.0])
@pytest.mark.parametrize("jitter", storm.JITTERS)
def test_a_million_clients_in_under_a_second(jitter, notice_s):
    took, back = storm_seconds(1_000_000, jitter, notice_s, times=3)
    print(f"1,000,000 clients, {jitter}, notice {notice_s:g} s: {took:.2f} s, {np.isfinite(back).sum():,} back")
    assert took < 1


@pytest.mark.parametrize("jitter", storm.JITTERS)
def test_ten_million_clients_in_under_10_s_and_4_gb(jitter):
    found = subprocess.run(
        [sys.executable, __file__, "ten_million", jitter], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout.split()
    took, peak_gb = float(found[0]), float(found[1])
    print(f"10,000,000 clients, {jitter}: {took:.2f} s, at most {peak_gb:.2f} GB")
    assert took < 10 and peak_gb < 4


def test_a_million_that_never_give_up():
    took, back = storm_seconds(1_000_000, "full", attempts=np.inf)
    print(f"1,000,000 clients without a last attempt, full: {took:.1f} s, all back after {back.max():,.0f} s")
    assert np.isfinite(back).all()


@pytest.mark.parametrize("jitter", storm.JITTERS)
def test_100_times_faster_than_simpy_with_the_same_survivors(jitter):
    pytest.importorskip("simpy")
    took, back = storm_seconds(10_000, jitter, times=10)
    times_s = attempt_times_s(10_000, SCHEDULE, jitter, 1)
    theirs, twin = seconds(lambda: simpy_back_s(times_s, 500, 500), times=3)
    print(
        f"10,000 clients, {jitter}: {1000 * took:.2f} ms, SimPy {1000 * theirs:.0f} ms, "
        f"{theirs / took:.0f} times; {np.isfinite(back).sum():,} back in both"
    )
    if jitter == "none":  # all try at once: which clients get in is a matter of the lot
        back, twin = np.sort(back), np.sort(twin)
    np.testing.assert_allclose(back, twin, rtol=1e-12)
    assert theirs / took >= 100


if __name__ == "__main__":
    if sys.argv[1:2] == ["ten_million"]:
        spent, _ = storm_seconds(10_000_000, sys.argv[2])
        print(spent, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
    else:
        sys.exit(pytest.main([__file__, "-o", "addopts=", "-q", "-s", "-p", "no:cacheprovider"]))
