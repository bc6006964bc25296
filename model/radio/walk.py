"""The state machine walked packet by packet: seconds in each state, promotions, joules, and power over time."""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, NoReturn

import numpy as np

from model import checks
from model.radio.library import radio_of
from model.radio.states import IDLE, Radio, climbs_from_low, lifts_small, promotion_of, state_power_w

SHORTEST_S = 1e-9  # times are sums of floats: a step shorter than this is their rounding


class Trace(NamedTuple):
    """What a trace did to the radio.

    `seconds` by state [s] with `active` (bursts) and `promotion`; `promotions`, how many climbs were made;
    `energy` by the same names with `_j` behind them and `total_j` [J], absolute against the profile's
    baseline. The bytes' energy is in `active_j`.
    """

    seconds: dict[str, float]
    promotions: int
    energy: dict[str, float]


class Step(NamedTuple):
    """One stretch of time in which the radio's power does not change."""

    start_s: float
    end_s: float
    state: str  # active, a state of the profile, or promotion
    power_w: float  # against the profile's baseline; the bytes of a burst are spread over it


class _Machine(NamedTuple):
    """A profile as plain arrays for the compiled walk."""

    ends: np.ndarray  # time from the last packet to the end of each connected state [s]
    low_s: float  # timer of the last connected state [s]
    limits: np.ndarray  # up and down threshold (-1: none), bytes that hold no timer [B], their window [s]
    delays: np.ndarray  # of the promotions idle>top, idle>low and low>top (-1: none) [s]
    lifts: bool  # a small packet that finds the radio idle is lifted to the top
    powers: np.ndarray  # of active, the states, idle and the three promotions [W]


@functools.lru_cache(maxsize=128)
def _machine(profile: Radio) -> _Machine:
    def one(value: Any) -> float:
        if np.size(value) != 1:
            checks.fail(
                "trace walks one radio: every number of its profile must be single; got an array of"
                f" {np.size(value)} draws",
                f"profile {profile.name}",
            )
        return float(np.ravel(value)[0])

    ends = np.cumsum([one(state.timer_s) for state in profile.states[:-1]])
    top, low = profile.states[0].name, profile.states[-2].name
    climbs = [promotion_of(profile, *pair) for pair in ((IDLE, top), (IDLE, low), (low, top))]
    delays = [one(delay) for delay, _ in climbs]
    if not climbs_from_low(profile):
        delays[2] = -1.0
    sizes = (profile.up_threshold_bytes, profile.down_threshold_bytes) if profile.low_state else (-1.0, -1.0)
    powers = [profile.transfer_w, *map(state_power_w, profile.states), *(power for _, power in climbs)]
    return _Machine(
        ends,
        one(profile.states[-2].timer_s),
        np.array([one(x) for x in (*sizes, profile.hold_bytes, profile.hold_window_s)]),
        np.array(delays),
        lifts_small(profile),
        np.array([one(x) for x in powers]),
    )


def _floats(name: str, value: object) -> np.ndarray:
    """The value as floats without a pass over millions of packets: the walk itself looks at each."""
    try:
        return np.ascontiguousarray(value, dtype=float)
    except (TypeError, ValueError):
        checks.fail(f"{name} must be numbers; got {checks.shown(value)}")


def _series(name: str, value: object, packets: int) -> np.ndarray:
    array = _floats(name, value)
    if array.ndim > 1 or array.size not in (1, packets):
        checks.fail(f"{name} must be one number or one for each of the {packets} packets; got {array.size}")
    return array.reshape(-1)


def _refuse(i: int, times: np.ndarray, up: np.ndarray, down: np.ndarray, burst: np.ndarray) -> NoReturn:
    """Say what is wrong with packet i."""
    place = f"packet {i}"
    checks.non_negative("times_s", times[i], "s", place)
    for name, unit, series in (("bytes_up", "B", up), ("bytes_down", "B", down), ("burst_s", "s", burst)):
        checks.non_negative(name, series[i if series.size > 1 else 0], unit, place)
    checks.fail(f"times_s must not fall; got {checks.shown(times[i])} s after {checks.shown(times[i - 1])} s", place)


def _end_s(duration_s: float | None, last_s: float) -> float:
    if duration_s is None:
        return -1.0
    end_s = float(checks.non_negative("duration_s", duration_s, "s"))
    if end_s < last_s:
        checks.fail(f"duration_s must reach the last packet at {checks.shown(last_s)} s; got {checks.shown(end_s)}")
    return end_s


def _walked(machine: _Machine, times_s: Any, bytes_up: Any, bytes_down: Any, burst_s: Any, duration_s: Any, told: bool):
    """Seconds by power, the promotions and bytes, and if told the log: number of a power and length [s] by stretch."""
    from model.radio import _kernel

    times = np.atleast_1d(_floats("times_s", times_s))
    if not times.size:
        checks.fail("a trace must have at least one packet; got none")
    if times.ndim > 1:
        checks.fail("times_s must be one series of times; got a table")
    given = (("bytes_up", bytes_up), ("bytes_down", bytes_down), ("burst_s", burst_s))
    up, down, burst = (_series(name, value, times.size) for name, value in given)
    seconds, totals = np.zeros(machine.powers.size), np.zeros(3)
    log = np.zeros(((times.size + 1) * (machine.ends.size + 3), 2)) if told else None
    end_s = _end_s(duration_s, float(times.max()))
    bad, rows = _kernel.walk(times, up, down, burst, *machine[:5], end_s, seconds, totals, log)
    if bad >= 0:
        _refuse(bad, times, up, down, burst)
    return seconds, totals, log if log is None else log[:rows]


def trace(
    times_s: Any,
    bytes_up: Any,
    bytes_down: Any,
    profile: Radio | str,
    duration_s: float | None = None,
    burst_s: Any = 0.0,
) -> Trace:
    """What a series of packets does to the radio: seconds by state, promotions and joules.

    Each packet puts the radio back to the start of its tail; the gap to the next walks down the states by
    their timers. A packet inside the tail raises the radio again without a promotion; one that finds it
    idle is preceded by the promotion, which takes the last `delay_s` of the gap (all of what is left where
    the gap is shorter). Energy = sum of power x seconds + alpha x bytes.

    Where a network carries small packets in a low state they lift the radio from idle only so far, keep
    that state alive and leave the timer of a higher one alone; a packet that climbs from the low state does
    so in the last seconds before it.

    Parameters
    ----------
    times_s : array, times of the packets from the start of the trace, not falling. [s]
    bytes_up : float or array, bytes sent in each packet or exchange. [B]
    bytes_down : float or array, bytes received in each packet or exchange. [B]
    profile : Radio or str, the radio or its name; every number a single one
    duration_s : float, when the trace ends; cuts the last tail. Without it the last tail is paid in full. [s]
    burst_s : float or array, time each packet or exchange keeps the air busy at the power of a transfer; its tail
        starts behind it. Packets are instants unless told so. [s]

    Returns: Trace, `seconds` [s], `promotions` [-], `energy` [J]
    Raises: InputError, for an empty trace, times out of order or negative, negative bytes, a duration before the last
    packet, or a profile of draws

    Notes
    -----
    The radio is idle before the first packet. A first packet earlier than its promotion takes is charged
    the whole promotion; what had no room before it is taken from the idle time, as if the trace were one
    period of a pattern, so the seconds sum to the duration wherever there is that much idle time.
    A packet up to a nanosecond after a timer still finds the state. Ties are walked in their order.
    Source: huang2012, qian2011 (a promotion is charged before the packet that causes it).

    Examples
    --------
    >>> from model import radio
    >>> one = trace([10.0], 100, 100, radio.profile("lte_huang2012"), duration_s=60)
    >>> one.promotions, round(one.seconds["drx_long"], 3), round(sum(one.seconds.values()), 9)
    (1, 11.456, 60.0)
    >>> round(one.energy["total_j"] - one.energy["idle_j"] - one.energy["active_j"], 2)
    12.79
    """
    profile = radio_of(profile)
    machine = _machine(profile)
    seconds, totals, _ = _walked(machine, times_s, bytes_up, bytes_down, burst_s, duration_s, False)
    energy_j = seconds * machine.powers
    energy_j[0] += totals[1] * profile.up_j_per_byte + totals[2] * profile.down_j_per_byte
    names = ("active", *(state.name for state in profile.states))
    split = len(names)
    by_state = dict(zip(names, seconds[:split].tolist(), strict=True))
    joules = {f"{name}_j": value for name, value in zip(names, energy_j[:split].tolist(), strict=True)}
    return Trace(
        {**by_state, "promotion": float(seconds[split:].sum())},
        int(totals[0]),
        {"total_j": float(energy_j.sum()), **joules, "promotion_j": float(energy_j[split:].sum())},
    )


def power_steps(
    times_s: Any, bytes_up: Any, bytes_down: Any, profile: Radio | str, duration_s: float, burst_s: Any = 0.0
) -> list[Step]:
    """What `trace` sums, told over time: each stretch with its state and its power. Source: huang2012."""
    profile = radio_of(profile)
    machine = _machine(profile)
    _, _, log = _walked(machine, times_s, bytes_up, bytes_down, burst_s, duration_s, True)
    number, end_s = log[:, 0].astype(int), np.cumsum(log[:, 1])
    power_w, on_air = machine.powers[number], np.flatnonzero(number == 0)[1:]  # behind each packet its burst
    bytes_j = np.multiply(bytes_up, profile.up_j_per_byte) + np.multiply(bytes_down, profile.down_j_per_byte)
    bytes_j, air_s = (np.broadcast_to(x, on_air.size) for x in (bytes_j, np.asarray(burst_s, dtype=float)))
    power_w[on_air] += np.divide(bytes_j, air_s, out=np.zeros(on_air.size), where=air_s > 0.0)
    names = ("active", *(state.name for state in profile.states), *("promotion",) * 3)
    starts = zip([0.0, *end_s.tolist()], end_s.tolist(), number, power_w.tolist(), strict=False)
    return [Step(start, end, names[k], power) for start, end, k, power in starts if end - start > SHORTEST_S]
