"""The compiled loops of `storm`: clients' attempts against one token bucket, in exact order of time.

When a client tries does not depend on the bucket: only whether it still has to. So a block of time is worked
off in three passes: count the attempts of all clients still out by narrow window, lay them down window by
window, and go through the windows in order. A window in which no token can arrive is passed over, a crowded
one in which few can is searched for the attempts that take them, any other is sorted. Random numbers are a
hash of (seed, attempt, client), so an attempt can be made again at any time and needs no memory.
"""

from __future__ import annotations

import numpy as np
from numba import njit

ALMOST_ONE = 1.0 - 1e-9  # a token short by a rounding error is a token
FEW = 8.0  # tokens up to which searching a crowded window is cheaper than sorting it
MANY = 64  # attempts beyond which a window is crowded; up to it, it is sorted by insertion
GOLDEN = np.uint64(0x9E3779B97F4A7C15)  # SplitMix64 (Steele, Lea and Flood, OOPSLA 2014)


SILVER = np.uint64(0xD1B54A32D192ED03)  # another odd number, for the second direction


@njit(cache=True)
def jittered(value, previous, base, cap, mode, u):
    """The delay that jitter makes of a scheduled one, from u uniform in [0, 1); numbers or arrays."""
    if mode == 0:
        return value + 0.0 * u
    if mode == 1:
        return value / 2 + u * (value / 2)
    if mode == 2:
        return u * value
    return np.minimum(cap, base + u * (3.0 * previous - base))


@njit(cache=True)
def mixed(z):
    """The output function of SplitMix64."""
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@njit(cache=True)
def uniform(key, stream, client):
    """A number uniform in [0, 1) that belongs to one client and one stream (0 notice, k + 1 attempt k)."""
    place = key + np.uint64(stream) * SILVER + np.uint64(client) * GOLDEN
    return (mixed(place) >> np.uint64(11)) * 2.0**-53


@njit(cache=True)
def next_delay(k, previous, client, delays, mode, key):
    """The delay before attempt k of a client whose last delay was `previous`."""
    value = delays[min(k, len(delays) - 1)]
    return jittered(value, previous, delays[0], delays[-1], mode, uniform(key, k + 1, client))


@njit(cache=True)
def begin(at, delay, delays, mode, key, notice):
    """Set the time of each client's first attempt and the delay that led to it."""
    for i in range(len(at)):
        delay[i] = next_delay(0, delays[0], i, delays, mode, key)
        at[i] = notice * uniform(key, 0, i) + delay[i]


@njit(cache=True)
def counted(at, tries, delay, done, delays, mode, key, most, start, end, counts):
    """Count the attempts due before `end`, by window."""
    scale = len(counts) / (end - start)
    last = len(counts) - 1
    for i in range(len(at)):
        t, k, d = at[i], tries[i], delay[i]
        if done[i]:
            continue
        while t < end and k < most:
            counts[min(last, int((t - start) * scale))] += 1
            k += 1
            d = next_delay(k, d, i, delays, mode, key)
            t += d


@njit(cache=True)
def laid(at, tries, delay, done, delays, mode, key, most, start, end, order, fill, times, who):
    """Lay the counted attempts down window by window and take every client to its first one after `end`.

    Clients come in a given order, which decides between attempts at the very same time.
    """
    scale = len(fill) / (end - start)
    last = len(fill) - 1
    for j in range(len(at)):
        i = order[j] if len(order) else j
        t, k, d = at[i], tries[i], delay[i]
        if done[i]:
            at[i] = np.inf
            continue
        while t < end and k < most:
            window = min(last, int((t - start) * scale))
            times[fill[window]] = t
            who[fill[window]] = i
            fill[window] += 1
            k += 1
            d = next_delay(k, d, i, delays, mode, key)
            t += d
        at[i] = t if k < most else np.inf
        tries[i], delay[i] = k, d


@njit(cache=True)
def open_in_order(a, b, times, who, outage, done):
    """Bring the attempts of a window that may still count to its front, in order of time; gives their end."""
    end = a
    few = b - a <= MANY
    for j in range(a, b):
        t, i = times[j], who[j]
        if done[i] or t < outage:
            continue
        k = end
        while few and k > a and times[k - 1] > t:  # insertion
            times[k], who[k] = times[k - 1], who[k - 1]
            k -= 1
        times[k], who[k] = t, i
        end += 1
    for j in range(a + 1, end):
        if times[j] < times[j - 1]:
            order = np.argsort(times[a:end])
            times[a:end], who[a:end] = times[a:end][order], who[a:end][order]
            break
    return end


@njit(cache=True)
def earliest_admitted(a, b, times, who, tokens, since, rate, outage, done):
    """The earliest attempt of a window that meets a token, by search; -1 where none does."""
    best, found = np.inf, -1
    for j in range(a, b):
        t = times[j]
        if since <= t < best and t >= outage and tokens + rate * (t - since) >= ALMOST_ONE and not done[who[j]]:
            best, found = t, j
    return found


@njit(cache=True)
def worked_off(ends, times, who, bucket, rate, burst, outage, done, back, start, width):
    """Go through the windows of a block in order; the bucket is its tokens and when they were counted."""
    tokens, since = bucket[0], bucket[1]
    b = 0
    for window in range(len(ends)):
        a, b = b, ends[window]
        arriving = tokens + rate * (start + (window + 1) * width - since) * (1.0 + 1e-9) + 1e-6
        if a == b or arriving < 1.0:
            continue
        if b - a > MANY and arriving <= FEW:
            j = earliest_admitted(a, b, times, who, tokens, since, rate, outage, done)
            while j >= 0:
                tokens, since = min(burst, tokens + rate * (times[j] - since)) - 1.0, times[j]
                done[who[j]], back[who[j]] = True, times[j]
                j = earliest_admitted(a, b, times, who, tokens, since, rate, outage, done)
            continue
        for j in range(a, open_in_order(a, b, times, who, outage, done)):
            now = min(burst, tokens + rate * (times[j] - since))
            if now >= ALMOST_ONE and not done[who[j]]:
                tokens, since = now - 1.0, times[j]
                done[who[j]], back[who[j]] = True, times[j]
    bucket[0], bucket[1] = tokens, since


@njit(cache=True)
def attempt_table(clients, attempts, delays, mode, key, notice):
    """When each client would make each attempt if all the earlier ones failed."""
    table = np.empty((clients, attempts))
    for i in range(clients):
        t, d = notice * uniform(key, 0, i), delays[0]
        for k in range(attempts):
            d = next_delay(k, d, i, delays, mode, key)
            t += d
            table[i, k] = t
    return table


@njit(cache=True)
def attempts_by_bin(back, delays, mode, key, notice, most, step, counts):
    """Count the attempts made until each client was back; says whether each was back at an attempt."""
    whole = True
    for i in range(len(back)):
        t, k, d = notice * uniform(key, 0, i), 0, delays[0]
        while k < most and t < back[i]:
            d = next_delay(k, d, i, delays, mode, key)
            t += d
            k += 1
            counts[min(len(counts) - 1, int(t / step))] += 1
        whole &= t == back[i] or back[i] == np.inf
    return whole
