"""The same numbers to the last digit from eight threads and two processes, and a million draws in under 2 GB.

Run as `pytest -o addopts= tests/benchmarks/bench_same_numbers.py -s`.
"""

import hashlib
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import model

ROOT = Path(__file__).resolve().parents[2]
HASH = "import sys; sys.path[:0] = ['tests/benchmarks']; import bench_same_numbers as b; print(b.hash_of())"
MILLION = """
import resource, time, model
begun = time.perf_counter()
cost = model.evaluate("twilly", draws=1_000_000).values("cost")[0]
print(cost.size, time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9)"""


def hash_of(_=None):
    """Every figure of a table with draws, to the last digit."""
    table = model.before_after("twilly", draws=64).select_dtypes("number")
    return hashlib.sha256(table.to_numpy().tobytes()).hexdigest()


def said_by(code):
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True).stdout


def test_eight_threads_and_two_processes_give_the_same_numbers():
    with ThreadPoolExecutor(8) as pool:
        threads = set(pool.map(hash_of, range(8)))
    processes = {said_by(HASH).strip() for _ in range(2)}
    print(f"{len(threads)} result from 8 threads, {len(processes)} from 2 processes")
    assert threads == processes == {hash_of()}


def test_a_million_draws_take_under_2_gb():
    draws, took, memory_gb = (float(word) for word in said_by(MILLION).split())
    print(f"{draws:,.0f} draws in {took:.0f} s with {memory_gb:.2f} GB")
    assert draws == 1e6 and memory_gb < 2
