"""What counts and times of a file say of an input: an estimate with its 95 % interval and how many it rests on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from model import checks
from model.life.lengths import residual_sf, survival

SURE = 0.95
Z_95 = 1.959963984540054
PAUSE = 0.5  # gaps further from the median than this share of it are pauses, or two timers at once
EVEN_CLOCK = -0.25  # autocorrelation of gaps below which they come from one clock: a short one is followed by a long
CHANCE = -2.5  # and standard errors of it: few gaps may look so by chance
MOST_SIGMA, LEAST_SIGMA = 4.0, 1e-3


@dataclass(frozen=True)
class Estimate:
    """A number with its interval, and how many observations it rests on."""

    low: float
    mode: float
    high: float
    n: int


def _around(middle: float, error: float, n: int, freedom: float) -> Estimate:
    """A mean with Student's interval."""
    from scipy.special import stdtrit

    half = float(stdtrit(max(freedom, 1.0), 0.5 + SURE / 2.0)) * error if error > 0 else 0.0
    return Estimate(middle - half, middle, middle + half, n)


def mean(values: Iterable[float]) -> Estimate:
    """The mean of sizes or times, with Student's interval; alike ones have none."""
    x = np.asarray([*values], dtype=float)
    x = x[np.isfinite(x)]
    if not x.size:
        checks.fail("a mean needs at least one number; got none")
    return _around(float(x.mean()), float(x.std(ddof=1) / np.sqrt(x.size)) if x.size > 1 else 0.0, x.size, x.size - 1)


def period(times: Iterable[np.ndarray]) -> Estimate | None:
    """The period of a timer from the moments of its requests, a series a caller; None where nothing comes evenly.

    Pauses are left out: a hidden tab stretches gaps. Where gaps make up for each other they come from one clock, whose
    jitter counts at the ends of a series alone; where they do not each request waits for the one before.
    Source: cox1962.
    """
    every = [np.diff(np.sort(np.asarray(t, dtype=float))) for t in times]
    gaps = np.concatenate([np.zeros(0), *every])
    if gaps.size < 2:
        return None
    middle = float(np.median(gaps))
    kept = [np.abs(g - middle) <= PAUSE * middle for g in every]
    good = np.concatenate(kept)
    if good.sum() < 2 or middle <= 0:
        return None
    centre, n = float(gaps[good].mean()), int(good.sum())
    pairs = [(g[:-1] - centre) * (g[1:] - centre) for g in every]
    both = [k[:-1] & k[1:] for k in kept]
    spread = float(np.mean(np.square(gaps[good] - centre))) * n / (n - 1)
    follow = np.concatenate([p[b] for p, b in zip(pairs, both, strict=True)])
    runs = n - int(sum(b.sum() for b in both))  # stretches without a pause
    limit = min(EVEN_CLOCK, CHANCE / np.sqrt(max(follow.size, 1)))
    even = follow.size > 2 and spread > 0 and float(follow.mean()) / spread < limit
    error = np.sqrt(runs * spread) / n if even else np.sqrt(spread / n)
    return _around(centre, float(error), n, n - 1)


def rate(counts: Iterable[float], exposure: float) -> Estimate:
    """Events a unit of exposure from counts of parts of it (days, people): Poisson, wider where the parts differ more.

    Wilson's interval for a Poisson count.
    """
    k = np.asarray([*counts], dtype=float)
    total = float(k.sum())
    if exposure <= 0:
        checks.fail(f"a rate needs an exposure > 0; got {exposure:g}")
    wide = 1.0
    if k.size > 4 and total > 0:
        over = float(np.square(k - k.mean()).sum() / k.mean() / (k.size - 1))
        wide = over if over > 1.0 + 3.0 * np.sqrt(2.0 / (k.size - 1)) else 1.0
    z2 = Z_95**2 * wide
    half = np.sqrt(z2 * (total + z2 / 4.0))
    low, high = total + z2 / 2.0 - half, total + z2 / 2.0 + half
    return Estimate(low / exposure, total / exposure, high / exposure, int(total))


def peak_to_mean(values: np.ndarray, hours: np.ndarray) -> Estimate | None:
    """The busiest hour of the day over the mean hour; None for less than a day.

    Chosen and measured on the same days the busiest hour is too high; chosen on every second day and measured on the
    others, and the reverse, it is too low where another hour is nearly as busy. Halfway between counts.
    """
    values, hours = np.asarray(values, dtype=float), np.asarray(hours, dtype=int)
    if not hours.size:
        return None
    first = hours.min()  # a row of the table is 24 hours from there on
    table = np.zeros(((hours.max() - first) // 24 + 1, 24))
    np.add.at(table, ((hours - first) // 24, hours % 24), values)
    whole = table[:-1] if (hours.max() - first + 1) % 24 and len(table) > 1 else table
    if hours.max() - first < 23 or not whole.sum():
        return None
    days, total = len(whole), float(whole.sum())
    if days == 1:  # what hours differ by beside a smooth day, from their second differences
        rough = float(np.sqrt(np.mean(np.square(np.diff(whole[0], 2))) / 6.0))
        ratio, error = float(24.0 * whole.max() / total), 24.0 * max(rough, np.sqrt(whole.max())) / total
        return Estimate(max(ratio - Z_95 * error, 1.0), ratio, min(ratio + Z_95 * error, 24.0), int(total))
    halves = [whole[0::2].sum(axis=0), whole[1::2].sum(axis=0)]
    chosen = [int(np.argmax(halves[1])), int(np.argmax(halves[0]))]
    at = np.empty(days)
    at[0::2], at[1::2] = whole[0::2, chosen[0]], whole[1::2, chosen[1]]
    by_day = whole.sum(axis=1)
    ratio = float(12.0 * (at.sum() + whole.sum(axis=0).max()) / total)
    left = at - ratio / 24.0 * by_day  # of each day, by the ratio of all
    between = float(24.0 / total * np.sqrt(np.square(left).sum() * days / (days - 1)))
    within = float(24.0 * np.sqrt(ratio / 24.0 * (1.0 - ratio / 24.0) / total))
    found = _around(ratio, max(between, within), int(total), days - 1 if between > within else 1e6)
    return Estimate(max(found.low, 1.0), max(ratio, 1.0), min(found.high, 24.0), found.n)


def factor(paid: np.ndarray, listed: np.ndarray) -> Estimate:
    """What is paid over the list price, lines of a bill weighted by it, with the interval of a ratio."""
    paid, listed = np.asarray(paid, dtype=float), np.asarray(listed, dtype=float)
    n, ratio = paid.size, float(paid.sum() / listed.sum())
    left = paid - ratio * listed
    even = float(np.abs(left).max(initial=0.0)) <= 1e-6 * float(listed.max(initial=0.0))
    error = 0.0 if even or n < 2 else float(np.sqrt(np.square(left).sum() * n / (n - 1)) / listed.sum())
    return _around(ratio, error, n, n - 1)


def sessions(lives_s, began, ended, whole_s: float) -> tuple[Estimate, Estimate] | None:
    """Mean length and spread of ln(length) of lognormal sessions, those that the log cuts censored and not dropped.

    A session that began in the log counts by its density, or by its survival where it had not ended. One that was
    there at the start is met by its length: what is left of it has the density S(t) / mean, and beyond the log's end
    the integral of that. Where none is seen that lasts all through, those that do are invisible, and the others count
    given that they end within the log's `whole_s`. Intervals from the curvature of the likelihood. Source: cox1962.
    """
    from scipy.optimize import minimize

    life, began, ended = np.asarray(lives_s, float), np.asarray(began, bool), np.asarray(ended, bool)
    good = np.isfinite(life) & (life > 0)
    life, began, ended = life[good], began[good], ended[good]
    if (began & ended).sum() < 5:
        return None

    def lost(at: np.ndarray) -> float:
        mean_s, sigma = np.exp(at[0]), np.exp(at[1])
        if not LEAST_SIGMA < sigma < MOST_SIGMA:
            return 1e12
        place = np.log(mean_s) - sigma**2 / 2.0
        whole, cut = life[began & ended], life[began & ~ended]
        rest, all_through = life[~began & ended], life[~began & ~ended]
        found = -np.square((np.log(whole) - place) / sigma).sum() / 2.0 - whole.size * np.log(sigma)
        seen = 1.0 if all_through.size else 1.0 - float(residual_sf(whole_s, mean_s, sigma))
        logs = [survival(cut, mean_s, sigma), survival(rest, mean_s, sigma) / (mean_s * max(seen, 1e-9))]
        logs += [residual_sf(all_through, mean_s, sigma)] if all_through.size else []
        return -float(found + sum(np.log(np.maximum(x, 1e-300)).sum() for x in logs))

    ln = np.log(life[began & ended])
    start = np.array([ln.mean() + ln.var() / 2.0, np.log(max(ln.std(), 0.05))])
    at = minimize(lost, start, method="Nelder-Mead", options={"xatol": 1e-7, "fatol": 1e-9, "maxiter": 2000}).x
    error = np.sqrt(np.maximum(np.diag(np.linalg.inv(_curvature(lost, at))), 0.0))
    low, high = np.exp(at - Z_95 * error), np.exp(at + Z_95 * error)
    mean_s, spread = (Estimate(float(low[k]), float(np.exp(at[k])), float(high[k]), life.size) for k in (0, 1))
    return mean_s, spread


def _curvature(of, at: np.ndarray) -> np.ndarray:
    """The second derivatives of a function of two numbers."""
    a, b = np.eye(2) * (step := 1e-3)
    found = np.empty((2, 2))
    for i, one in enumerate((a, b)):
        for j, other in enumerate((a, b)):
            found[i, j] = of(at + one + other) - of(at + one - other) - of(at - one + other) + of(at - one - other)
    return found / (4.0 * step**2)
