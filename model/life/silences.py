"""Connections cut by silence: a limit below the heartbeat ends them between two pings, and nobody is told until then.

Packets are the pings and the pushes, which come at random. A connection is cut when a limit passes without a packet;
the phone is deaf from then to the next ping and until that ping is given up, and its ping clock begins anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from model.life.lengths import residual_sf

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
    integral of that rest up to the ping the time.

    Source: cox1962.
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
    clock within the limit leave no silence.

    Source: cox1962.
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
