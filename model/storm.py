"""Reconnect storms: every connection drops at once, clients try again by a schedule, a token bucket admits.

When a client tries does not depend on the bucket, only whether it still has to. So the attempts of a stretch of time
are listed by narrow window, and the bucket goes through the windows in order and sorts those in which a token can
arrive. Random numbers are a hash of (seed, attempt, client), so attempts can be listed again and need no memory.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from model import checks

JITTERS = ("none", "equal", "full", "decorrelated", "plus_minus")
WINDOWS = 2**16  # of a stretch of time
LISTED = 2**23  # attempts listed at once, or two a client where that is more: 12 bytes each
ENDLESS = 2**62  # attempts of a client that never stops
ALMOST_ONE = 1.0 - 1e-9  # a token short by a rounding error is a token
GOLDEN, SILVER = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD1B54A32D192ED03)  # steps of the hash in two directions
CLIENT = np.dtype([("at_s", float), ("delay_s", float), ("attempt", np.int32), ("id", np.int32)])  # its next attempt
Plan = tuple[np.ndarray, int, np.uint64, int, float, float]  # delays, jitter, key, attempts at most, spread, cap


def _uniform(key, stream, client):
    """A number uniform in [0, 1) that belongs to one client and one stream: 0 notice, k + 1 attempt k.

    The output function of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014).
    """
    z = key + np.uint64(stream) * SILVER + np.uint64(client) * GOLDEN
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def _delay_s(attempt, last_s, client, plan):
    """The delay before an attempt of a client whose last delay was `last_s`, as jitter makes it."""
    delays, mode, key, _, spread, cap = plan
    value = delays[min(attempt, len(delays) - 1)]
    if mode == 0:
        return value
    u = _uniform(key, attempt + 1, client)
    if mode == 1:
        return value / 2 + u * (value / 2)
    if mode == 2:
        return u * value
    if mode == 4:
        return min(cap, value * (1.0 - spread + 2.0 * spread * u))
    return min(delays[-1], delays[0] + u * (3.0 * last_s - delays[0]))


def _begin(clients, plan, notice):
    """Give each client its first attempt."""
    for j in range(len(clients)):
        delay_s = _delay_s(0, plan[0][0], clients[j].id, plan)
        clients[j].delay_s = delay_s
        clients[j].at_s = notice * _uniform(plan[2], 0, clients[j].id) + delay_s


def _list(clients, plan, start, span, fill, times, who):
    """List the attempts of a stretch of time by window, and move each client to its first attempt after it.

    `fill` holds the index at which each window's next attempt goes. Where `times` is empty, nothing is listed
    and no client moves: `fill` then counts the attempts of each window.
    """
    last, per_s, counting = len(fill) - 1, len(fill) / span, len(times) == 0
    for j in range(len(clients)):
        t, k, d = clients[j].at_s, clients[j].attempt, clients[j].delay_s
        while t < start + span and k < plan[3]:
            window = min(last, int((t - start) * per_s))
            if not counting:
                times[fill[window]], who[fill[window]] = t, j
            fill[window] += 1
            k += 1
            d = _delay_s(k, d, clients[j].id, plan)
            t += d
        if not counting:
            clients[j].at_s, clients[j].attempt, clients[j].delay_s = t if k < plan[3] else np.inf, k, d


def _admit(ends, times, who, start, span, bucket, door, clients, back):
    """Take the listed attempts to the bucket in order of time; it is its tokens and when they were counted."""
    (rate, burst, outage), (tokens, since), b = door, bucket, 0
    for window in range(len(ends)):
        a, b = b, ends[window]
        end = (start + (window + 1) * span / len(ends)) * (1.0 + 1e-9)  # rounding may have put an attempt behind it
        if a == b or end < outage or tokens + rate * (end - since) + 1e-6 < 1.0:
            continue
        for j in np.argsort(times[a:b], kind="mergesort"):
            t, i = times[a + j], who[a + j]
            held = min(burst, tokens + rate * (t - since))
            if held >= ALMOST_ONE and t >= outage and back[i] == np.inf:
                tokens, since = held - 1.0, t
                back[i], clients[i].at_s = t, np.inf
    bucket[0], bucket[1] = tokens, since


@functools.cache
def _compile() -> None:
    """Compile the loops when first needed: numba is heavy, and its cache on disk takes a module's functions only."""
    from model.compiling import compiled

    for loop in (_uniform, _delay_s, _begin, _list, _admit):
        globals()[loop.__name__] = compiled(loop, nogil=True)


def _one(name: str, value: object, check: Callable[..., np.ndarray], *rule: Any) -> float:
    """One number that passes a check of `checks`."""
    array = check(name, value, *rule)
    if array.ndim:
        checks.fail(f"{name} must be one number; got {checks.shown(value)}")
    return float(array)


def _schedule(delays_s: object) -> np.ndarray:
    """The delays as a float array: at least one, positive but for the first, never falling."""
    delays = np.atleast_1d(checks.non_negative("delays_s", delays_s, "s"))
    checks.positive("delays_s after the first", delays[1:], "s")
    if delays.ndim != 1 or not len(delays):
        checks.fail(f"delays_s must be a schedule of at least one delay in s; got {checks.shown(delays_s)}")
    falls = np.flatnonzero(np.diff(delays) < 0)
    if len(falls):
        before, after = (checks.shown(delays[falls[0] + i]) for i in (0, 1))
        checks.fail(f"delays_s must be sorted, none below the one before it; got {after} s after {before} s")
    return delays


def _begun(
    clients, delays_s, jitter, seed, notice_s, attempts, jitter_share=0.5, cap_s=math.inf
) -> tuple[np.ndarray, Plan]:
    """Clients before their first attempts, and the plan of all their attempts."""
    count = int(_one("clients", clients, checks.whole))
    if count >= 2**31:
        checks.fail(f"clients must be below 2,147,483,648 in one storm; got {checks.shown(count)}")
    delays, mode = _schedule(delays_s), JITTERS.index(checks.known("jitter", jitter, JITTERS))
    notice, seed = _one("notice_s", notice_s, checks.non_negative, "s"), int(_one("seed", seed, checks.whole))
    rule = "a whole number >= 1, infinite or None"
    asked = len(delays) if attempts is None else attempts
    most = _one("attempts", asked, checks.bounded, rule, lambda a: (a >= 1) & ((a == np.floor(a)) | np.isinf(a)))
    key = np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]
    spread = _one("jitter_share", jitter_share, checks.bounded, "between 0 and 1", lambda a: (a >= 0) & (a <= 1))
    cap = _one("cap_s", cap_s, checks.bounded, "> 0 s", lambda a: a > 0)
    plan = (delays, mode, key, int(min(most, ENDLESS)), spread, cap)
    state = np.zeros(count, CLIENT)
    state["id"] = _order(count, plan, seed, notice)
    _compile()
    _begin(state, plan, notice)
    return state, plan


def _order(count: int, plan: Plan, seed: int, notice: float) -> np.ndarray:
    """The clients in the order in which they come where attempts tie: by lot where several may."""
    (delays, mode, _, _, spread, cap), order = plan, np.arange(count, dtype=np.int32)
    at_cap = mode == 3 and 3 * delays[0] > delays[-1] or mode == 4 and (1.0 + spread) * delays[0] > cap
    if not notice and (mode == 0 or at_cap):  # all alike, or several at the cap
        lot = np.random.default_rng(seed).permutation(order)
        if at_cap:
            return lot
        order[lot] = order.copy()
    return order


def reconnect(
    clients: float,
    delays_s: Sequence[float],
    jitter: str,
    rate_per_s: float,
    burst: float,
    seed: int,
    outage_s: float = 0.0,
    notice_s: float = 0.0,
    attempts: float | None = None,
    jitter_share: float = 0.5,
    cap_s: float = math.inf,
) -> np.ndarray:
    """Seconds from the drop of every connection until each client is back.

    All connections drop at 0; a client sees it after U(0, notice_s). It makes attempt k after the k-th delay, as
    jitter changes it, counted from the moment it saw the loss or its last attempt failed: 2, 4, 8, 16, 30 s are
    attempts at 2, 6, 14, 30 and 60 s. A token bucket, full at 0, gains `rate_per_s` tokens a second up to `burst`.
    In exact order of time, an attempt that finds a whole token takes it and is in; one that finds none, or comes
    before `outage_s`, fails and takes nothing.

    Parameters
    ----------
    clients : connections that drop; a whole number
    delays_s : delay v before each attempt; positive, never falling; the first is the base, the last the cap. [s]
    jitter : "none" v, "equal" v/2 + U(0, v/2), "full" U(0, v), "decorrelated" min(cap, U(base, 3 x previous)),
        "plus_minus" min(cap_s, v x U(1 - share, 1 + share))
    rate_per_s : new connections that are admitted a second in the long run; above 0. [1/s]
    burst : connections that a rested bucket admits at once; at least 1
    seed : whole number that fixes every random number
    outage_s : attempts earlier than this fail. [s]
    notice_s : the loss is seen at a time uniform between 0 and this, such as a heartbeat's period. [s]
    attempts : attempts a client makes: None for one per delay, more (or infinite) to repeat the last delay
    jitter_share : share of a delay by which "plus_minus" moves it at most, either way. [1]
    cap_s : the most a delay is after "plus_minus"; a cap before it is the last of `delays_s`. [s]

    Returns: array (clients,), seconds until each client is back; infinite for one that ran out of attempts. [s]
    Raises: InputError, for a bad schedule, a quota of 0 or less, a negative time, an unknown jitter, counts that are
    not whole

    Notes
    -----
    An attempt takes no time, and only these clients use the bucket. Clients that try at the very same moment come
    in an order drawn from the seed. A million clients that never stop trying make about 70 million attempts at 500/s.
    Source: aws_backoff (jitter), aws_docs (quota of 500 new connections/s, burst 500), first_case_code (schedule).
    """
    rate = _one("rate_per_s", rate_per_s, checks.positive, "connections/s")
    lent = _one("burst", burst, checks.bounded, ">= 1 connection", lambda a: (a >= 1) & np.isfinite(a))
    outage = _one("outage_s", outage_s, checks.non_negative, "s")
    state, plan = _begun(clients, delays_s, jitter, seed, notice_s, attempts, jitter_share, cap_s)
    back, bucket, door = np.full(len(state), np.inf), np.array([lent, 0.0]), (rate, lent, outage - 1e-9)
    while len(state) and np.isfinite(start := state["at_s"].min()):
        counts, span = _counts(state, plan, start)
        ends = np.cumsum(counts)
        times, who = np.empty(ends[-1]), np.empty(ends[-1], np.int32)
        _list(state, plan, start, span, ends - counts, times, who)
        _admit(ends, times, who, start, span, bucket, door, state, back)
    by_client = np.empty(len(state))
    by_client[state["id"]] = back
    return by_client


def _counts(state: np.ndarray, plan: Plan, start: float) -> tuple[np.ndarray, float]:
    """Attempts by window of a stretch of one longest delay, halved while they would need much memory; its length."""
    span, most = plan[0][-1], max(2 * len(state), LISTED)
    while True:
        counts = np.zeros(min(WINDOWS, len(state)), np.int64)
        _list(state, plan, start, span, counts, np.empty(0), np.empty(0, np.int32))
        if counts.sum() <= most or span < 1e-9 * (start + plan[0][-1]):
            return counts, span
        span /= 2


def summary(back_s: ArrayLike) -> dict[str, float]:
    """The figures of one storm: clients back and lost, time until half, 90 % and 99 % of all are back."""
    back = _known_back(back_s)
    shares = {"back_50_s": 0.5, "back_90_s": 0.9, "back_99_s": 0.99}
    ranks = {name: max(0, math.ceil(share * len(back) - 1e-9) - 1) for name, share in shares.items()}
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


def back_share(back_s: ArrayLike, at_s: ArrayLike) -> np.ndarray:
    """Share of all clients that are back at each of some moments."""
    back, at = _known_back(back_s), checks.numbers("at_s", at_s)
    moments, order = np.unique(at, return_inverse=True)
    counts = np.bincount(np.searchsorted(moments, back), minlength=len(moments) + 1)[:-1]
    return (np.cumsum(counts) / len(back))[order].reshape(at.shape)


def fallback_requests_per_s(
    back_s: ArrayLike,
    at_s: ArrayLike,
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
    """Seconds of at least one client as a flat array."""
    back = checks.bounded("back_s", back_s, ">= 0 s", lambda a: a >= 0)
    if back.ndim != 1 or not len(back):
        checks.fail("back_s must hold the seconds of at least one client, one after the other")
    return back
