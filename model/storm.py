"""Reconnect storms: every connection drops at once, clients try again by a schedule, a bucket admits.

Outside this module a storm is one array: seconds until each client is back, infinite for one that gave up.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from model import checks

__all__ = [
    "JITTERS",
    "admitted_per_s",
    "attempt_times_s",
    "attempts_per_s",
    "back_share",
    "backoff_s",
    "fallback_requests_per_s",
    "reconnect",
    "summary",
]

JITTERS = ("none", "equal", "full", "decorrelated")
BLOCK_ATTEMPTS = 2**24  # attempts laid down at a time where clients are fewer: 200 MB
CROWD = 2**18  # attempts in one window beyond which it is split before it is sorted
WINDOWS = 2**14  # of a block, at most
MOST_BINS = 10_000_000


def _one(name: str, value: object, check, *rule) -> float:
    """One number that passes a check of `checks`."""
    array = check(name, value, *rule)
    if array.ndim:
        checks.fail(f"{name} must be one number; got {checks.shown(value)}")
    return float(array)


def _schedule(delays_s: object) -> np.ndarray:
    """The delays as a float array: at least one, positive, never falling."""
    delays = np.atleast_1d(checks.positive("delays_s", delays_s, "s"))
    if delays.ndim != 1 or not len(delays):
        checks.fail(f"delays_s must be a schedule of at least one delay in s; got {checks.shown(delays_s)}")
    falls = np.flatnonzero(np.diff(delays) < 0)
    if len(falls):
        before, after = (checks.shown(delays[falls[0] + i]) for i in (0, 1))
        checks.fail(f"delays_s must be sorted, none below the one before it; got {after} s after {before} s")
    return delays


def _burst(burst: object) -> float:
    return _one("burst", burst, checks.bounded, ">= 1 connection", lambda a: (a >= 1) & np.isfinite(a))


def _most(attempts: object, delays: np.ndarray) -> float:
    """How many attempts a client makes at most; infinite where it never stops."""
    if attempts is None:
        return len(delays)
    most = _one(
        "attempts",
        attempts,
        checks.bounded,
        "a whole number >= 1, infinite or None",
        lambda a: (a >= 1) & ((a == np.floor(a)) | np.isinf(a)),
    )
    return most


def _limit(most: float) -> int:
    return 2**62 if math.isinf(most) else int(most)


def _mode(jitter: str) -> int:
    return JITTERS.index(checks.known("jitter", jitter, JITTERS))


def _key(seed: object) -> np.uint64:
    """64 well-mixed bits of a whole seed."""
    seed = int(_one("seed", seed, checks.whole))
    return np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]


def _clients(clients: object) -> int:
    count = int(_one("clients", clients, checks.whole))
    if count >= 2**31:
        checks.fail(f"clients must be below 2,147,483,648 in one storm; got {checks.shown(count)}")
    return count


def _windows(state, plan, start: float, crowd: float) -> tuple[np.ndarray, float]:
    """Attempts by window of the block that begins at `start`, and how long the block is.

    A block is one longest delay; halved where its attempts would need much memory, and cut down to one window
    where that window alone holds a crowd, which would be slow to sort.
    """
    from model import _storm_loop as loop

    delays, out = plan[0], len(state[0]) - int(np.count_nonzero(state[3]))
    span, limit = delays[-1], max(5 * len(state[0]), BLOCK_ATTEMPTS)
    while True:
        counts = np.zeros(min(WINDOWS, max(1, out)), np.int64)
        loop.counted(*state, *plan, start, start + span, counts)
        crowded = counts.max() > crowd
        if not (crowded or counts.sum() > limit) or span < 1e-9 * max(start, delays[-1]):
            return counts, span
        span *= min(0.5, max(1, np.argmax(counts > crowd)) / len(counts)) if crowded else 0.5


def _lot(seed: int, clients: int, delays: np.ndarray, mode: int, notice: float) -> np.ndarray:
    """An order of the clients drawn by lot where several may try at the very same time, else nothing."""
    capped_at_once = mode == 3 and 3 * delays[0] > delays[-1]
    if notice or not (mode == 0 or capped_at_once):
        return np.empty(0, np.int32)
    return np.random.default_rng(seed).permutation(np.arange(clients, dtype=np.int32))


def _back_s(state, plan, lot, rate: float, burst: float, outage: float, crowd: float) -> np.ndarray:
    """Work a storm off block by block until every client is back or out of attempts."""
    from model import _storm_loop as loop

    back, bucket = np.full(len(state[0]), np.inf), np.array([burst, 0.0])
    while len(back) and np.isfinite(start := state[0].min()):
        counts, span = _windows(state, plan, start, crowd)
        ends = np.cumsum(counts)
        times, who = np.empty(ends[-1]), np.empty(ends[-1], np.int32)
        loop.laid(*state, *plan, start, start + span, lot, ends - counts, times, who)
        loop.worked_off(ends, times, who, bucket, rate, burst, outage, state[3], back, start, span / len(counts))
    return back


def reconnect(
    clients: int,
    delays_s: Sequence[float],
    jitter: str,
    rate_per_s: float,
    burst: float,
    seed: int,
    outage_s: float = 0.0,
    notice_s: float = 0.0,
    attempts: float | None = None,
) -> np.ndarray:
    """Seconds from the drop of every connection until each client is back.

    All connections drop at 0; a client sees it after U(0, notice_s). It makes attempt k after the k-th delay,
    as jitter changes it, counted from the moment it saw the loss or its last attempt failed, so 2, 4, 8, 16,
    30 s are attempts at 2, 6, 14, 30 and 60 s. A token bucket, full at 0, gains `rate_per_s` tokens a second
    up to `burst`; an attempt that finds a whole token takes it and is in, one that finds none takes nothing.
    Attempts before `outage_s` fail whatever the bucket holds. Attempts are worked off in exact order of time.

    Parameters
    ----------
    clients, connections that drop; a whole number
    delays_s, delay before each attempt; positive, never falling. Its first is the base of decorrelated jitter, its
        last the cap. [s]
    jitter, "none" v, "equal" v/2 + U(0, v/2), "full" U(0, v), "decorrelated" min(cap, U(base, 3 x previous))
    rate_per_s, new connections that are admitted a second in the long run; above 0. [1/s]
    burst, connections that a rested bucket admits at once; at least 1
    seed, whole number that fixes every random number
    outage_s, attempts earlier than this fail. [s]
    notice_s, the loss is seen at a time uniform between 0 and this, such as a heartbeat's period. [s]
    attempts, attempts a client makes: None for one per delay, more (or infinite) to repeat the last delay

    Returns
    -------
    array (clients,), seconds until each client is back; infinite for one that ran out of attempts. [s]

    Raises
    ------
    InputError, for an empty, unsorted or non-positive schedule, a quota of 0 or less, a negative time, an unknown
        jitter, clients, seed or attempts that are not whole

    Notes
    -----
    An attempt takes no time, and only these clients use the bucket. Clients that try at the very same moment
    are admitted in an order drawn from the seed. A client that never stops trying always gets back, but its
    attempts cost time: a million clients at 500/s make about 70 million.

    Source: aws_backoff (jitter), aws_docs (quota of 500 new connections/s, burst 500), twilly_code (schedule).

    Examples
    --------
    >>> back_s = reconnect(10_000, [2, 4, 8, 16, 30], "none", 500, 500, seed=1)
    >>> int(np.isfinite(back_s).sum()), float(back_s.min())
    (2500, 2.0)
    """
    from model import _storm_loop as loop

    count, delays, mode = _clients(clients), _schedule(delays_s), _mode(jitter)
    rate = _one("rate_per_s", rate_per_s, checks.positive, "connections/s")
    outage = _one("outage_s", outage_s, checks.non_negative, "s")
    notice = _one("notice_s", notice_s, checks.non_negative, "s")
    burst = _burst(burst)
    plan = (delays, mode, _key(seed), _limit(_most(attempts, delays)))
    state = (np.empty(count), np.zeros(count, np.int32), np.empty(count), np.zeros(count, np.bool_))
    loop.begin(state[0], state[2], *plan[:3], notice)
    lot = _lot(int(seed), count, delays, mode, notice)
    if mode == 0 and len(lot):  # all have the same attempts: deal the results out, which is cheaper
        return _back_s(state, plan, lot[:0], rate, burst, outage - 1e-9, math.inf)[lot]
    return _back_s(state, plan, lot, rate, burst, outage - 1e-9, CROWD)


def attempt_times_s(
    clients: int, delays_s: Sequence[float], jitter: str, seed: int, notice_s: float = 0.0, attempts: int | None = None
) -> np.ndarray:
    """When each client of a storm would make each of its attempts if all the earlier ones failed.

    The very times that `reconnect` uses for the same arguments, for a check by another program or a picture.
    """
    from model import _storm_loop as loop

    count, delays, mode = _clients(clients), _schedule(delays_s), _mode(jitter)
    most = _most(attempts, delays)
    if math.isinf(most):
        checks.fail("attempts must be finite where every attempt is listed; got inf")
    return loop.attempt_table(
        count, int(most), delays, mode, _key(seed), _one("notice_s", notice_s, checks.non_negative, "s")
    )


def backoff_s(
    attempt: np.ndarray | int,
    base_s: np.ndarray | float,
    cap_s: np.ndarray | float,
    jitter: str,
    rng: np.random.Generator,
    previous_s: np.ndarray | float | None = None,
) -> np.ndarray:
    """Seconds to wait before an attempt by exponential backoff with one of AWS's four kinds of jitter.

    With v = min(cap, base x 2^attempt): none v, equal v/2 + U(0, v/2), full U(0, v); decorrelated is
    min(cap, U(base, 3 x previous)), whose previous wait is the base at first.

    Source: aws_backoff.
    """
    from model import _storm_loop as loop

    mode = _mode(jitter)
    base, cap = checks.positive("base_s", base_s, "s"), checks.positive("cap_s", cap_s, "s")
    previous = base if previous_s is None else checks.positive("previous_s", previous_s, "s")
    value = np.minimum(cap, base * np.exp2(np.minimum(checks.whole("attempt", attempt), 1000)))
    value, previous, base, cap = np.broadcast_arrays(value, previous, base, cap)
    return loop.jittered.py_func(value, previous, base, cap, mode, rng.random(value.shape))


def summary(back_s: np.ndarray) -> dict[str, float]:
    """The figures of one storm: clients back and lost, time until half, 90 % and 99 % of all are back."""
    back = _known_back(back_s)
    ranks = {
        name: max(0, math.ceil(share * len(back) - 1e-9) - 1)
        for name, share in (("back_50_s", 0.5), ("back_90_s", 0.9), ("back_99_s", 0.99))
    }
    ordered = np.partition(back, sorted(set(ranks.values())))
    inside = back[np.isfinite(back)]
    return {
        "clients": len(back),
        "back": len(inside),
        "lost": len(back) - len(inside),
        "lost_share": 1 - len(inside) / len(back),
        **{name: float(ordered[rank]) for name, rank in ranks.items()},
        "last_back_s": float(inside.max(initial=0.0)),
    }


def back_share(back_s: np.ndarray, at_s: np.ndarray) -> np.ndarray:
    """Share of all clients that are back at each of some moments."""
    back, at = _known_back(back_s), checks.numbers("at_s", at_s)
    moments, place = np.unique(at, return_inverse=True)
    counts = np.bincount(np.searchsorted(moments, back), minlength=len(moments) + 1)[:-1]
    return (np.cumsum(counts) / len(back))[place].reshape(at.shape)


def admitted_per_s(back_s: np.ndarray, step_s: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
    """Clients admitted a second over the course of a storm."""
    back, step = _known_back(back_s), _one("step_s", step_s, checks.positive, "s")
    inside = back[np.isfinite(back)]
    counts = np.bincount((inside / step).astype(np.int64), minlength=_bins(inside.max(initial=0.0), step))
    return np.arange(len(counts)) * step, counts / step


def attempts_per_s(
    back_s: np.ndarray,
    delays_s: Sequence[float],
    jitter: str,
    seed: int,
    notice_s: float = 0.0,
    attempts: float | None = None,
    step_s: float = 1.0,
) -> tuple[np.ndarray, np.ndarray]:
    """Connection attempts a second over the course of a storm, admitted and refused.

    Makes every client's attempts again, by the same numbers, until the moment it was back.
    """
    from model import _storm_loop as loop

    back, delays, mode = _known_back(back_s), _schedule(delays_s), _mode(jitter)
    step, notice = (_one("step_s", step_s, checks.positive, "s"), _one("notice_s", notice_s, checks.non_negative, "s"))
    most = _most(attempts, delays)
    if math.isinf(most) and np.isinf(back).any():
        checks.fail("back_s must be finite for every client that makes attempts for ever; got inf")
    counts = np.zeros(_bins(_latest_s(back, delays, mode, notice, most), step), np.int64)
    if not loop.attempts_by_bin(back, delays, mode, _key(seed), notice, _limit(most), step, counts):
        checks.fail("back_s must come from a storm with the same schedule, jitter, seed and notice_s")
    counts = np.trim_zeros(counts, "b")
    return np.arange(len(counts)) * step, counts / step


def fallback_requests_per_s(
    back_s: np.ndarray,
    at_s: np.ndarray,
    period_s: float,
    requests_per_tick: float,
    notice_s: float = 0.0,
    start_delay_s: float = 0.0,
) -> np.ndarray:
    """Requests a second that clients without a connection send by their fallback poll.

    Every client that has seen the loss, waited `start_delay_s` and is not back sends `requests_per_tick` each
    `period_s`, the lost ones for good: with u = t - start_delay_s,
    [clients x min(1, u / notice_s) - back by t] x requests_per_tick / period_s.
    """
    at = checks.non_negative("at_s", at_s, "s")
    each = checks.non_negative("requests_per_tick", requests_per_tick) / checks.positive("period_s", period_s, "s")
    notice = _one("notice_s", notice_s, checks.non_negative, "s")
    since = at - _one("start_delay_s", start_delay_s, checks.non_negative, "s")
    seen = np.clip(since / notice, 0.0, 1.0) if notice else (since >= 0.0).astype(float)
    return len(_known_back(back_s)) * np.maximum(0.0, seen - back_share(back_s, at)) * each


def _known_back(back_s: object) -> np.ndarray:
    back = checks.bounded("back_s", back_s, ">= 0 s", lambda a: a >= 0)
    if back.ndim != 1 or not len(back):
        checks.fail("back_s must hold the seconds of at least one client, one after the other")
    return back


def _bins(latest: float, step: float) -> int:
    bins = latest / step + 1
    if bins > MOST_BINS:
        checks.fail(
            f"step_s must leave at most {MOST_BINS:,} bins over {checks.shown(latest)} s; got {checks.shown(step)}"
        )
    return int(bins)


def _latest_s(back: np.ndarray, delays: np.ndarray, mode: int, notice: float, most: float) -> float:
    """A time after which no attempt can be."""
    if np.isfinite(back).all():
        return float(back.max())
    each = np.full(len(delays), delays[-1]) if JITTERS[mode] == "decorrelated" else delays
    return notice + float(each[: int(most)].sum() + max(0, most - len(delays)) * delays[-1])
