"""Cold starts of a function: how often, from rate and concurrency; how long, by runtime and package size."""

from __future__ import annotations

import functools
import math

import numpy as np

from model import checks, ledger, paths

__all__ = ["cold_start_mean_s", "cold_start_quantile_s", "cold_start_setups", "cold_start_share"]

COMPILED_FROM = 4096  # elements from which a compiled loop pays
NOBODY = 1e-13  # share of the sum at which a level counts as empty
MOST_LOAD = 100.0  # mean executions at once up to which the cold share is summed level by level


def cold_start_share(
    rate_per_s: np.ndarray | float, duration_s: np.ndarray | float, idle_timeout_s: np.ndarray | float
) -> np.ndarray:
    """Share of invocations that find no idle environment and start cold.

    Calls come at random and take the most recently used idle environment; one idle longer than the timeout
    is gone. A call that finds n at work takes the environment left when the number at work last fell to n,
    and starts cold if that is longer ago than the timeout: P(cold) = sum over n of pi_n P(D_n > timeout),
    with pi_n the Poisson share of n at work (mean rate x duration) and D_n the time from a fall to n until
    the next rise above it. D_0 is exponential; any other is short (the same burst) or, with probability
    p_n, exponential, as its first two moments say: E[D_n] = 1 / (rate x B_n) with Erlang's B_n, and a
    recursion for E[D_n^2].

    Source: lambda_init_billing (timeouts of 7-45 min), aws_docs (typically under 1 % of invocations),
    kleinrock1975.
    """
    rate = checks.non_negative("rate_per_s", rate_per_s, "1/s")
    load = np.maximum(rate * checks.non_negative("duration_s", duration_s, "s"), 1e-100)
    calls = rate * checks.non_negative("idle_timeout_s", idle_timeout_s, "s")
    summed = np.minimum(load, MOST_LOAD)
    return _cold_levels(summed, calls * (summed / load)) * np.sqrt(summed / load)


def _cold_levels(load: np.ndarray, calls: np.ndarray) -> np.ndarray:
    """The sum over n of pi_n p_n exp(-p_n B_n x calls in a timeout), B_n = `rise` / load.

    `ratio` is E[D_n^2] / E[D_n]^2, so p_n = 2 / ratio.
    """
    if load.size == calls.size == 1:
        return np.full(np.broadcast_shapes(load.shape, calls.shape), cold_level(load.item(), calls.item()))
    if load.size >= COMPILED_FROM:
        load, calls = np.broadcast_arrays(load, calls)
        out = np.empty(load.size)
        flat = (np.ascontiguousarray(a, dtype=float).reshape(-1) for a in (load, calls))
        _compiled_levels()(*flat, out)
        return out.reshape(load.shape)
    rise, ratio, share = load, np.full_like(load, 2.0), np.exp(-load)
    total = share * np.exp(-calls)
    highest = float(load.max(initial=0.0))
    for n in range(1, int(highest + 10 * math.sqrt(highest) + 26)):
        if n > highest + 4 and float(share.max(initial=0.0)) < 1e-30:
            break  # no level above holds anybody
        step = load / (n + rise)
        rise = step * rise
        ratio = (2 * rise**2 + 2 * n * rise * (1 + step)) / (load + n) + n * step * (ratio * step + 2)
        ratio = ratio / load
        share = share * load / n
        rare = np.minimum(1.0, 2 / ratio)
        total = total + share * rare * np.exp(-rare * rise / load * calls)
    return total


def cold_level(load: float, calls: float) -> float:
    """The same sum for single numbers, only as far as somebody is at a level; `_compiled_levels` compiles it."""
    rise, ratio, share = load, 2.0, math.exp(-load)
    total, each = share * math.exp(-calls), 1.0 / load
    for n in range(1, int(load + 10.0 * math.sqrt(load) + 26)):
        step = load / (n + rise)
        rise = step * rise
        ratio = (2.0 * rise * (rise + n * (1.0 + step)) / (load + n) + n * step * (ratio * step + 2.0)) * each
        share = share * load / n
        rare = min(1.0, 2.0 / ratio)
        total += share * rare * math.exp(-rare * rise * each * calls)
        if n > load and share < NOBODY * total:  # the levels above hold still less
            break
    return total


@functools.cache
def _compiled_levels():
    """The sum of `cold_level` for each element, compiled when first used."""
    from numba import njit

    level = njit(nogil=True)(cold_level)

    @njit(nogil=True)
    def levels(load, calls, out):  # pragma: no cover - compiled
        for i in range(load.size):
            out[i] = level(load[i], calls[i])

    return levels


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


def cold_start_setups() -> tuple[str, ...]:
    """Names of the runtimes whose cold starts are known."""
    return tuple(_setups())


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
    from scipy import optimize, special

    row = _setups()[setup]
    logs = np.log([float(row[c]) / float(row["mean_ms"]) for c in ("p50_ms", "p95_ms", "p99_ms")])
    deviates = special.ndtri([0.5, 0.95, 0.99])
    slopes = np.diff(logs) / np.diff(deviates)

    def mean(slope):
        part = math.exp(logs[0] + slope**2 / 2) * special.ndtr(-slope)
        for s, log, low, high in zip(slopes[[0, 1, 1]], logs, deviates, [*deviates[1:], np.inf], strict=True):
            part += math.exp(log - s * low + s**2 / 2) * (special.ndtr(high - s) - special.ndtr(low - s))
        return part - 1

    return deviates, logs, optimize.brentq(mean, 0.0, 5.0), float(slopes[1])


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
