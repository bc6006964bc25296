"""How long sessions last: lognormal lengths, what is left of them at a random moment, minutes and cuts of them.

A connection is cut by silence where a limit is below the heartbeat: it ends between two pings, and nobody is told until
then. Packets are the pings and the pushes, which come at random. A connection is cut when a limit passes without a
packet; the phone is deaf from then to the next ping and until that ping is given up, and its ping clock begins anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

POLL_TERMS = 40  # periods of a poll that are summed one by one
SURE = 5.0  # standard deviations of ln(length) beyond which there are no sessions
MINUTE_TERMS = 30  # exact terms of the sum over minutes; an Euler-Maclaurin tail takes the rest


def survival(x_s, mean_s, sigma_ln):
    """P(length > x) of a lognormal with that mean; 1 where x <= 0; a step where sigma is 0."""
    from scipy.special import ndtr

    steep = -1.0 / np.maximum(np.asarray(sigma_ln, dtype=float), 1e-9)
    x = np.asarray(x_s, dtype=float)
    late = ndtr(np.log(np.maximum(x, 1e-300)) * steep + (0.5 / steep - steep * np.log(mean_s)))
    return np.where(x <= 0, 1.0, late) if np.any(x <= 0) else late


def summed_survival(first, last, step_s, less_s, mean_s, sigma_ln):
    """The sum of P(length > k x step - less) over k from the first to before the last."""
    step_s = np.asarray(step_s, dtype=float)
    shape = np.broadcast_shapes(np.shape(step_s), np.shape(less_s), np.shape(mean_s), np.shape(sigma_ln))
    k = np.arange(first, last, dtype=float).reshape(-1, *(1,) * len(shape))
    return survival(k * step_s - less_s, mean_s, sigma_ln).sum(axis=0)


def residual_sf(delay_s, mean_s, sigma_ln):
    """P(the session goes on for longer than a delay) from a random moment of active time.

    A session is met by length times density and the moment lies evenly in it:
    Phi((ln(m/t) + s^2/2)/s) - (t/m) Phi((ln(m/t) - s^2/2)/s) for a lognormal session of mean m and spread s.
    Source: cox1962.
    """
    part = np.maximum(np.asarray(delay_s, dtype=float), 1e-12) / mean_s
    sigma = np.maximum(sigma_ln, 1e-9)
    near = part > np.exp(-SURE * sigma - np.square(sigma) / 2.0)
    part, sigma, near = np.broadcast_arrays(part, sigma, near)
    left = np.array(1.0 - part)  # as long as no session is so short
    left[near] = excess_s(part[near], 1.0, sigma[near])
    return np.clip(left, 0.0, 1.0)[()]


def cut_share(period_s, mean_s, sigma_ln):
    """Share of active time behind the last poll of a session whose timer starts with it: E[L mod T] / E[L].

    E[L mod T] = E[L] - T x sum over k >= 1 of P(L > k T); the terms beyond the first are an integral with its first
    two Euler-Maclaurin corrections. Source: cox1962.
    """
    period_s = np.asarray(period_s, dtype=float)
    whole = summed_survival(1, POLL_TERMS, period_s, 0.0, mean_s, sigma_ln)
    last_s = POLL_TERMS * period_s
    at_last = survival(last_s, mean_s, sigma_ln)
    step = period_s * 1e-3
    slope = (survival(last_s + step, mean_s, sigma_ln) - survival(last_s - step, mean_s, sigma_ln)) / 2e-3
    rest = excess_s(last_s, mean_s, sigma_ln) / period_s + at_last / 2.0 - slope / 12.0
    return np.clip(1.0 - (whole + rest) * period_s / mean_s, 0.0, 1.0)


def excess_s(x_s, mean_s, sigma_ln):
    """E[(length - x)+] of a lognormal with that mean, for x > 0."""
    from scipy.special import ndtr

    sigma = np.maximum(np.asarray(sigma_ln, dtype=float), 1e-9)
    z = (np.log(x_s) - np.log(mean_s)) / sigma
    return mean_s * ndtr(sigma / 2.0 - z) - x_s * ndtr(-z - sigma / 2.0)


def mean_billed_minutes(mean_s, sigma_ln, grace_s):
    """Mean of a session's connected minutes, each session rounded up to the minute.

    E[ceil(X / 60)] = sum over k >= 0 of P(X > 60 k), X the lognormal session plus the grace. The first terms
    are summed, the rest is the integral with its first two Euler-Maclaurin corrections. Source: aws_pricing_pages.
    """
    whole = np.floor(np.asarray(grace_s) / 60.0)  # a minute of the grace is a minute of every session
    rest_s = np.asarray(grace_s) - 60.0 * whole
    terms = summed_survival(0, MINUTE_TERMS, 60.0, rest_s, mean_s, sigma_ln)
    edge = 60.0 * MINUTE_TERMS - rest_s
    tail = excess_s(edge, mean_s, sigma_ln) / 60.0 + survival(edge, mean_s, sigma_ln) / 2.0
    alike = np.ceil((np.asarray(mean_s) + grace_s) / 60.0 - 1e-12)  # sessions of one length
    return np.where(np.greater(sigma_ln, 1e-6), whole + terms + tail, alike)


def mean_cuts(mean_s, sigma_ln, grace_s, limit_s):
    """Mean number of times that a limit on a connection's life cuts a session.

    E[floor(X / limit)] = sum over k >= 1 of P(X > k limit). Source: aws_docs.
    """
    return summed_survival(1, 13, limit_s, grace_s, mean_s, sigma_ln)


def mean_least_s(mean_s, limit_s):
    """Mean of the smaller of an exponential duration and a limit: mean x (1 - exp(-limit / mean)). Source: cox1962."""
    return np.asarray(mean_s) * -np.expm1(-np.asarray(limit_s) / np.asarray(mean_s))


MOST_LIMITS = 64  # silences in a row that are told apart in one heartbeat; 64 in one are certain to have cut it


@dataclass(frozen=True)
class Silence:
    """What a limit on silence does to connections, per second of connected time."""

    cuts_per_s: Any  # connections that it ends
    deaf_share: Any  # of the time, from the cut until the ping is given up
    deaf_s: Any  # mean length of that


def cut_shares(limit_s, heartbeat_s, packets_per_s) -> tuple:
    """P(cut before a fixed ping) and the mean time from the cut to that ping, cut or not [s].

    From a packet on, P(no silence of n before t) of packets at random is the alternating sum over j of
    e^(-j r n) [ (r (t - j n))^j / j! + (r (t - j n))^(j-1) / (j-1)! ] while t > j n; its rest is the chance, and the
    integral of that rest up to the ping the time. Source: cox1962.
    """
    limit, beat, rate = (np.asarray(x, dtype=float) for x in (limit_s, heartbeat_s, packets_per_s))
    cut = late_s = np.zeros(np.broadcast_shapes(limit.shape, beat.shape, rate.shape))
    for j in range(1, min(int(np.max(beat / limit)), MOST_LIMITS) + 1):
        left = np.maximum(beat - j * limit, 0.0)
        sign, most = (-1.0) ** (j + 1) * np.exp(-j * rate * limit), rate * left
        within = left > 0.0
        chance = most**j / math.factorial(j) + most ** (j - 1) / math.factorial(j - 1)
        time = left * (most**j / math.factorial(j + 1) + most ** (j - 1) / math.factorial(j))
        cut, late_s = cut + np.where(within, sign * chance, 0.0), late_s + np.where(within, sign * time, 0.0)
    return np.clip(cut, 0.0, 1.0), np.maximum(late_s, 0.0)


def silence(limit_s, heartbeat, packets_per_s, notice_s, back_s, by_clock_s=np.inf) -> Silence:
    """What a limit on silence costs under a heartbeat; a dead connection is given up `notice_s` after the ping.

    `clock: fixed` pings each period; `after_silence` starts the period anew at every packet, so that a connection whose
    last packet is a limit ago is always cut. Each cut is followed by the time to be back. Messages that come by the
    clock within the limit leave no silence. Source: cox1962.
    """
    limit, beat, rate = np.asarray(limit_s, dtype=float), heartbeat.period_s, np.maximum(packets_per_s, 1e-12)
    beat = np.where(np.less_equal(by_clock_s, limit), np.minimum(beat, by_clock_s), beat)
    cut, late_s = cut_shares(limit, beat, rate)
    alive_s = beat - late_s
    if heartbeat.clock == "after_silence":
        cut = np.where(np.greater(beat, limit), np.exp(-rate * limit), 0.0)
        late_s = cut * np.maximum(beat - limit, 0.0)
        alive_s = -np.expm1(-rate * np.minimum(limit, beat)) / rate
    deaf_s = late_s + cut * notice_s
    cycle_s = alive_s + deaf_s + cut * back_s
    each_s = np.divide(deaf_s, cut, out=np.zeros(np.shape(deaf_s * cut)), where=cut > 0)
    return Silence(cut / cycle_s, deaf_s / cycle_s, each_s)


def quiet_cuts_per_s(limit_s, packets_per_s, session_mean_s, session_sigma_ln):
    """Cuts a second by a limit that no ping resets: silences of pushes alone that the session outlasts.

    Source: cox1962.
    """
    rate, limit = np.maximum(packets_per_s, 1e-12), np.asarray(limit_s, dtype=float)
    return (
        rate * np.exp(-rate * limit) / -np.expm1(-rate * limit) * residual_sf(limit, session_mean_s, session_sigma_ln)
    )
