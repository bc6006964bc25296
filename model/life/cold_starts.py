"""Cold starts of a function: how often, from rate and concurrency; how long, by runtime and package size."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np

from model import checks, ledger, paths

__all__ = ["cold_start_mean_s", "cold_start_quantile_s", "cold_start_share"]

NOBODY = 1e-12  # share of the sum at which a level counts as empty, and all above it: the sum is right to 1e-11
CHUNK = 8192  # loads summed at a time, sorted: those of a chunk need about as many levels
MOST_LOAD = 100.0  # mean executions at once up to which the cold share is summed level by level


def cold_start_share(
    rate_per_s: np.ndarray | float, duration_s: np.ndarray | float, idle_timeout_s: np.ndarray | float
) -> np.ndarray:
    """Share of invocations that find no idle environment and start cold.

    Calls come at random and take the most recently used idle environment; one idle longer than the timeout
    is gone. A call that finds n at work takes the environment left when the number at work last fell to n,
    and starts cold if that is longer ago than the timeout: P(cold) = sum over n of pi_n P(D_n > timeout),
    with pi_n the Poisson share of n at work (mean load = rate x duration) and D_n the time from a fall to n
    until the next rise above it. Above a load of `MOST_LOAD` the share falls with the root of the load.

    Source: lambda_init_billing (timeouts of 7-45 min), aws_docs (typically under 1 % of invocations),
    kleinrock1975.
    """
    rate = checks.non_negative("rate_per_s", rate_per_s, "1/s")
    load = np.maximum(rate * checks.non_negative("duration_s", duration_s, "s"), 1e-100)
    calls = rate * checks.non_negative("idle_timeout_s", idle_timeout_s, "s")
    summed = np.minimum(load, MOST_LOAD)
    return _summed(*np.broadcast_arrays(summed, calls * (summed / load))) * np.sqrt(summed / load)


def _summed(load: np.ndarray, calls: np.ndarray) -> np.ndarray:
    """The sum over levels for each load and number of calls in a timeout, chunk by chunk of like loads."""
    if load.size == 1:
        return np.full(load.shape, _level_sum(load.item(), calls.item()))
    flat_load, flat_calls, out = load.ravel(), calls.ravel(), np.empty(load.size)
    order = np.argsort(flat_load)
    for part in (order[start : start + CHUNK] for start in range(0, load.size, CHUNK)):
        out[part] = _level_sum(flat_load[part], flat_calls[part])
    return out.reshape(load.shape)


def _level_sum(load, calls):
    """The sum over n of pi_n p_n exp(-p_n B_n x calls in a timeout), from n = 0 until nobody is at a level.

    D_0 is exponential. Any other D_n is short (the same burst) or, with probability p_n, exponential, as its
    first two moments say: E[D_n] = 1 / (rate x B_n) with Erlang's B_n = `rise` / load, and a recursion for
    `ratio` = E[D_n^2] / E[D_n]^2, of which p_n = 2 / ratio.
    """
    rise, ratio, share = load, 2.0, np.exp(-load)
    total, each = share * np.exp(-calls), calls / load
    for n in itertools.count(1):
        step = load / (n + rise)
        rise = step * rise
        ratio = (2.0 * rise * (rise + n * (1.0 + step)) / (load + n) + n * step * (ratio * step + 2.0)) / load
        share = share * load / n
        total = total + share * (2.0 / ratio) * np.exp(-2.0 / ratio * rise * each)
        if n % 2 == 0 and not np.any((n <= load) | (share > NOBODY * total)):
            return total


@functools.cache
def _setups() -> dict[str, dict[str, str]]:
    return {row["setup"]: row for row in ledger.read_csv(paths.data("published", "cold_starts.csv"))}


@functools.cache
def _sizes() -> tuple[np.ndarray, np.ndarray]:
    """Package sizes in kB and mean Init in s, of the runtime measured with every detail."""
    rows = [
        row
        for row in ledger.read_csv(paths.data("published", "cold_start_sizes.csv"))
        if row["runtime"] == "nodejs18.x"
    ]
    return (
        np.array([float(row["package_kb"]) for row in rows]),
        np.array([float(row["mean_ms"]) / 1000 for row in rows]),
    )


def _setup(runtime: str) -> dict[str, str]:
    name = str(runtime).removesuffix(".x")
    return _setups()[checks.known("runtime", name, _setups())]


def cold_start_mean_s(runtime: str, package_kb: np.ndarray | float | None = None) -> np.ndarray:
    """Mean Init time of a cold start by runtime and package size.

    Without a size, the mean over years of daily "hello world" cold starts. With one, the table of cold starts
    by package size on Node 18 is read between its rows, and the difference of the runtimes' means is added:
    the table's second runtime lies above its first by about the same time at every size.

    Source: lambda_perf, lambda_size_gist.
    """
    mean = float(_setup(runtime)["mean_ms"]) / 1000
    if package_kb is None:
        return np.asarray(mean)
    size, (sizes, means) = checks.positive("package_kb", package_kb, "kB"), _sizes()
    beyond = np.maximum(0.0, size - sizes[-1]) * (means[-1] - means[-2]) / (sizes[-1] - sizes[-2])
    return np.interp(size, sizes, means) + beyond + mean - float(_setups()["nodejs18"]["mean_ms"]) / 1000


@functools.cache
def _shape(setup: str) -> tuple[np.ndarray, np.ndarray, float, float]:
    """ln(time / mean) at the normal deviates of p50, p95 and p99, and the slopes below and above them.

    The slope below the median is the one with which the whole distribution has the published mean.
    """
    from scipy import special

    row = _setups()[setup]
    logs = np.log([float(row[c]) / float(row["mean_ms"]) for c in ("p50_ms", "p95_ms", "p99_ms")])
    deviates = special.ndtri([0.5, 0.95, 0.99])
    slopes = np.diff(logs) / np.diff(deviates)

    def mean(slope):
        part = math.exp(logs[0] + slope**2 / 2) * special.ndtr(-slope)
        for s, log, low, high in zip(slopes[[0, 1, 1]], logs, deviates, [*deviates[1:], np.inf], strict=True):
            part += math.exp(log - s * low + s**2 / 2) * (special.ndtr(high - s) - special.ndtr(low - s))
        return part

    low, high = 0.0, 5.0  # a steeper slope makes the mean smaller; halved, as scipy's roots take long to import
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if mean(middle) > 1 else (low, middle)
    return deviates, logs, low, float(slopes[1])


def cold_start_quantile_s(
    q: np.ndarray | float, runtime: str, package_kb: np.ndarray | float | None = None
) -> np.ndarray:
    """Quantile of the Init time of a cold start by runtime and package size.

    Passes through the published p50, p95 and p99 (straight lines between them in the logarithm of the time
    against the normal deviate; one lognormal would miss p99) and keeps the mean; a package scales it.

    Source: lambda_perf, lambda_size_gist.
    """
    from scipy import special

    deviates, logs, below, above = _shape(_setup(runtime)["setup"])
    z = special.ndtri(checks.share("q", q))
    log = np.interp(z, deviates, logs) + below * np.minimum(z, 0) + above * np.maximum(z - deviates[-1], 0)
    return np.exp(log) * cold_start_mean_s(runtime, package_kb)
