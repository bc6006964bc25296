"""How often the stated interval holds the truth: files with known truth, 200 truths a kind of input.

    python tests/benchmarks/bench_calibrate.py [TRUTHS] [FIRST SEED]

Each truth is drawn, a file is made from it in the form that its tool writes, read by the package and calibrated.
"""

import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

import made_files as made  # noqa: E402

import model  # noqa: E402
from model import readers  # noqa: E402
from model.calibration import estimates, finding  # noqa: E402
from model.scenario import load  # noqa: E402

FOLDER = Path(tempfile.mkdtemp(prefix="calibrate-"))


def found_in(path):
    """What a file says, by path of the input."""
    one, found, scenario = readers.read(path), finding.Findings(), load("twilly")
    if isinstance(one, readers.Har):
        finding.of_har(found, one, scenario, "before", "after", {})
    elif isinstance(one, readers.Bill):
        finding.of_bill(found, one, scenario)
    elif isinstance(one, readers.Metrics):
        finding.of_metrics(found, one, scenario)
    else:
        finding.of_log(found, one, scenario, "before", "after", {})
    return {one.path: one.value for one in found.inputs}


def timer(rng):
    """A browser's timer: one clock, each request late by its own jitter."""
    period, count = rng.uniform(1, 60), rng.integers(20, 80)
    times = made.EPOCH_S + period * np.arange(count) + rng.normal(0, 0.01 * period, count)
    return polled(times)["before.timers.content.period_s"], period


def loop(rng):
    """A loop that sleeps after each answer; some tabs are hidden for a while."""
    period, count = rng.uniform(1, 20), rng.integers(20, 80)
    gaps = period * (1 + rng.normal(0, 0.02, count))
    gaps[rng.integers(0, count, rng.integers(0, 3))] = 60.0
    return polled(made.EPOCH_S + np.cumsum(gaps))["before.timers.content.period_s"], period


def size(rng):
    """Request sizes that differ, lognormal."""
    mean, spread, count = rng.uniform(400, 3000), rng.uniform(0.05, 0.5), rng.integers(25, 100)
    sizes = np.maximum(mean * np.exp(spread * rng.standard_normal(count) - spread**2 / 2), 70)
    return polled(made.EPOCH_S + 10.0 * np.arange(count), sizes)["before.timers.content.request_bytes"], mean


def polled(times, sizes=None):
    sizes = np.full(len(times), 400) if sizes is None else np.round(sizes)
    return found_in(
        made.har(FOLDER / "x.har", [("https://app.example/content", times, sizes, np.full(len(times), 900))])
    )


def rate(rng):
    """Sessions a day of people who come on so many days."""
    per_day, days, people = rng.uniform(1, 12), int(rng.integers(3, 20)), int(rng.integers(5, 60))
    return estimates.rate(rng.poisson(per_day * people, days), float(days * people)), per_day


def peak(rng):
    """A day with one peak of a known height over a few days, days that differ by 10 %."""
    ratio, days, each = rng.uniform(1.5, 4), int(rng.integers(4, 29)), rng.uniform(50, 2000)
    shape = 1 + 0.8 * np.cos((np.arange(24) - 18) * 2 * np.pi / 24)
    low, high = 0.0, 30.0
    for _ in range(60):
        power = (low + high) / 2
        hours = shape**power / (shape**power).mean()
        low, high = (power, high) if hours.max() < ratio else (low, power)
    counts = rng.poisson(each * np.outer(np.exp(rng.normal(0, 0.1, days)), hours)).ravel()
    return found_in(made.cloudwatch(FOLDER / "x.json", ConnectCount=counts))["usage.peak_to_mean_ratio"], ratio


def discount(rng):
    """Lines of a bill whose discounts differ a little, as plans and tiers make them."""
    factor, count = rng.uniform(0.6, 0.95), int(rng.integers(30, 150))
    listed = np.exp(rng.standard_normal(count))
    paid = listed * (factor + rng.normal(0, 0.03, count))
    rows = [
        ("AWSLambda", "Request", f"Invoke{k}", "Requests", x / 2e-7, p, x)
        for k, (p, x) in enumerate(zip(paid, listed, strict=True))
    ]
    return found_in(made.bill(FOLDER / "x.csv", rows))["discounts.Lambda"], factor


def sessions(rng):
    """A WebSocket log of some hours out of the middle of a life: sessions cut at both ends."""
    mean, spread = rng.uniform(100, 1300), rng.uniform(0.7, 1.3)
    whole = rng.uniform(2, 8) * mean
    start = rng.uniform(-60 * mean, whole, rng.poisson(300 / whole * 61 * mean))
    end = start + mean * np.exp(spread * rng.standard_normal(start.size) - spread**2 / 2) + 30.0  # the grace
    rows = [(made.EPOCH_S + s, "CONNECT", k, k) for k, s in enumerate(start) if 0 <= s <= whole]
    rows += [(made.EPOCH_S + e, "DISCONNECT", k, k) for k, e in enumerate(end) if 0 <= e <= whole]
    return found_in(made.websocket_log(FOLDER / "x.log", rows)), mean, spread


def length(rng):
    found, mean, _ = sessions(rng)
    return found["usage.session_mean_s"], mean


TRUTH = {"timer": timer, "loop": loop, "size": size, "rate": rate, "peak": peak, "discount": discount, "length": length}


def main(truths=200, first=0):
    for kind, of in TRUTH.items():
        begun, held, widths = time.monotonic(), 0, []
        for k in range(truths):
            try:
                one, truth = of(np.random.default_rng(first + k))
            except model.InputError as wrong:
                print(f"{kind:9s} {wrong}")
                break
            held += one.low <= truth <= one.high
            widths.append((one.high - one.low) / one.mode)
        else:
            share, width, took = 100 * held / truths, 100 * np.median(widths), time.monotonic() - begun
            print(f"{kind:9s} {share:5.1f} % of {truths} hold the truth; width {width:.2g} %; {took:.0f} s")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
