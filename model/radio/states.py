"""The parts of a radio: states with inactivity timers, promotions between them, and the whole profile."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np

from model import checks

Number: TypeAlias = "float | np.ndarray"


ACCESS = ("wifi", "lte", "nr_sa", "nr_nsa", "nr_mmwave", "umts")
IDLE = "idle"
TAKEN = ("active", "promotion", "total")  # names that results use for themselves


@dataclass(frozen=True, eq=False)
class State:
    """One state: its power between on-times, how long it lasts without packets, its discontinuous reception.

    `power_w` [W] holds between the on-times; `on_w` [W] holds for `on_s` [s] of every `cycle_s` [s], where
    a cycle is given. `timer_s` [s] is the inactivity timer that ends the state; idle never ends.
    Numbers may be (draws, 1) arrays.
    """

    name: str
    power_w: float
    timer_s: float = math.inf
    on_w: float = 0.0
    on_s: float = 0.0
    cycle_s: float = 0.0

    def __post_init__(self) -> None:
        place = f"state {self.name}"
        for name in ("power_w", "on_w"):
            checks.non_negative(name, getattr(self, name), "W", place)
        for name in ("on_s", "cycle_s"):
            checks.non_negative(name, getattr(self, name), "s", place)
        if self.name != IDLE:
            checks.non_negative("timer_s", self.timer_s, "s", place)
        if np.any(np.asarray(self.on_s) > np.asarray(self.cycle_s)):
            checks.fail(f"on_s must be at most cycle_s; got {checks.shown(np.max(self.on_s))} s", place)


@dataclass(frozen=True, eq=False)
class Promotion:
    """A climb to a higher state: `delay_s` [s] at `power_w` [W] before the packet that causes it.

    Two promotions between the same states run one after the other (4G, then 5G) and differ in `label`.
    """

    start: str
    end: str
    delay_s: float
    power_w: float
    label: str = ""

    def __post_init__(self) -> None:
        place = f"promotion {self.start}>{self.end}"
        checks.non_negative("delay_s", self.delay_s, "s", place)
        checks.non_negative("power_w", self.power_w, "W", place)


@dataclass(frozen=True, eq=False)
class Radio:
    """The state machine of one access network as one source published it.

    `states` stand in the order in which the radio falls through them after its last packet, idle last.
    Transfers cost `transfer_w` [W] while they last and `up_j_per_byte`, `down_j_per_byte` [J/B] besides.
    A promotion from the last connected state to the top is run whenever a packet climbs from there (FACH
    to DCH). Where that state is named as `low_state`, a packet with neither direction above its threshold
    is small: it is carried in the low state and restarts no timer of a higher one (networks measure the
    traffic there). Networks that lift every packet from idle to the top name none: all their packets count
    as big; naming one for them is a rule of `trace` alone, as is `hold_bytes` > 0: a packet in a higher
    state restarts no timer while neither direction moved more than `hold_bytes` [B] in `hold_window_s` [s].
    Numbers may be (draws, 1) arrays, except the thresholds.
    """

    name: str
    title: str
    year: int
    access: str
    phone: str
    baseline: str
    good_for: str
    not_for: str
    source: str
    states: tuple[State, ...]
    promotions: tuple[Promotion, ...]
    transfer_w: float
    up_j_per_byte: float = 0.0
    down_j_per_byte: float = 0.0
    low_state: str = ""
    up_threshold_bytes: float = 0.0
    down_threshold_bytes: float = 0.0
    hold_bytes: float = 0.0
    hold_window_s: float = 0.3

    def __post_init__(self) -> None:
        place = f"profile {self.name}"
        checks.known("access network", self.access, ACCESS, place)
        checks.non_negative("transfer_w", self.transfer_w, "W", place)
        for name in ("up_j_per_byte", "down_j_per_byte"):
            checks.non_negative(name, getattr(self, name), "J/B", place)
        for name in ("up_threshold_bytes", "down_threshold_bytes", "hold_bytes"):
            checks.non_negative(name, getattr(self, name), "B", place)
        checks.non_negative("hold_window_s", self.hold_window_s, "s", place)
        _check_states(self, place)
        _check_promotions(self, place)


def _check_states(profile: Radio, place: str) -> None:
    names = [state.name for state in profile.states]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        checks.fail(f"state {twice[0]} must stand once; it stands {names.count(twice[0])} times", place)
    taken = [name for name in names if name in TAKEN]
    if taken:
        checks.fail(f"a state must not be called {taken[0]!r}, the name of a result", place)
    if names[-1:] != [IDLE]:
        checks.fail(f"the last state must be 'idle'; got {', '.join(names) or 'no state'}", place)
    if len(names) < 2:
        checks.fail("a profile must have a connected state before idle; got idle alone", place)
    if profile.low_state and (profile.low_state != names[-2] or len(names) < 3):
        checks.known("low state", profile.low_state, names, place)
        checks.fail(f"low_state must be the state before idle and below another; got {profile.low_state!r}", place)


def _check_promotions(profile: Radio, place: str) -> None:
    names = [state.name for state in profile.states]
    for promotion in profile.promotions:
        for name in (promotion.start, promotion.end):
            if name not in names:
                checks.fail(
                    f"promotion {promotion.start}>{promotion.end} must join states of the profile;"
                    f" {name!r} is missing{checks.nearest(name, names)}",
                    place,
                )
        if names.index(promotion.end) >= names.index(promotion.start):
            checks.fail(f"promotions must climb without a loop; got {promotion.start}>{promotion.end}", place)
    if not _steps(profile, IDLE, names[0]):
        checks.fail(f"a profile must have a promotion from idle to {names[0]}; got none", place)


def _steps(profile: Radio, start: str, end: str) -> tuple[Promotion, ...]:
    """The promotions that lead from one state to another: direct ones, else by way of the low state."""
    direct = tuple(p for p in profile.promotions if (p.start, p.end) == (start, end))
    low = profile.low_state
    if direct or not low or low in (start, end):
        return direct
    first, second = _steps(profile, start, low), _steps(profile, low, end)
    return first + second if first and second else ()


def lifts_small(profile: Radio) -> bool:
    """Whether a small packet that finds the radio idle is lifted to the top, there being no other way."""
    return bool(profile.low_state) and not _steps(profile, IDLE, profile.low_state)


def climbs_from_low(profile: Radio) -> bool:
    """Whether a packet that finds the last connected state has to climb to the top."""
    return bool(_steps(profile, profile.states[-2].name, profile.states[0].name))


def promotion_of(profile: Radio, start: str, end: str):
    """Delay and mean power of the climb between two states.

    Several promotions on the way run one after the other; the power is their mean over time.
    """
    steps = _steps(profile, start, end)
    delay_s = sum(step.delay_s for step in steps)
    energy_j = sum(step.delay_s * step.power_w for step in steps)
    if np.ndim(delay_s) == 0 and np.ndim(energy_j) == 0:
        return float(delay_s), float(energy_j / delay_s) if delay_s else 0.0
    some = np.asarray(delay_s) > 0
    return delay_s, np.divide(energy_j, delay_s, out=np.zeros(np.broadcast(delay_s, energy_j).shape), where=some)


def state_power_w(state: State):
    """Mean power of a state, its discontinuous reception included.

    base + (on - base) x on-time / cycle: while it listens the radio draws the on-power instead of the base.
    Source: huang2012 (footnote 3).
    """
    if type(state.cycle_s) is float and not state.cycle_s:
        return state.power_w
    cycle_s = np.asarray(state.cycle_s, dtype=float)
    listening = np.divide(state.on_s, cycle_s, out=np.zeros(np.broadcast(state.on_s, cycle_s).shape), where=cycle_s > 0)
    return (state.power_w + (state.on_w - state.power_w) * listening)[()]


def alike(radios: Sequence[Radio]) -> list[list[int]]:
    """Numbers of the profiles that can stand in one radio of draws: as many states, no size thresholds."""
    groups: dict = {}
    for number, profile in enumerate(radios):
        simple = not profile.low_state and not climbs_from_low(profile)
        groups.setdefault(len(profile.states) if simple else profile.name, []).append(number)
    return list(groups.values())


def radio_of_draws(radios: Sequence[Radio], number: np.ndarray) -> Radio:
    """A radio whose numbers are, in every draw, those of the profile drawn.

    Discontinuous reception stands in the states' mean powers, promotions in a row in one with their sum and
    mean, so that power and energy are those of the profiles.
    """
    if len(radios) == 1:
        return radios[0]

    def taken(of):
        return np.array([of(one) for one in radios], dtype=float)[number]

    states = tuple(
        State(
            name=state.name if state.name == IDLE else f"state {k}",
            power_w=taken(lambda one, k=k: state_power_w(one.states[k])),
            timer_s=taken(lambda one, k=k: one.states[k].timer_s),
        )
        for k, state in enumerate(radios[0].states)
    )
    delay_s, power_w = (taken(lambda one, k=k: promotion_of(one, IDLE, one.states[0].name)[k]) for k in (0, 1))
    return replace(
        radios[0],
        name="drawn",
        states=states,
        promotions=(Promotion(IDLE, states[0].name, delay_s, power_w),),
        transfer_w=taken(lambda one: one.transfer_w),
        up_j_per_byte=taken(lambda one: one.up_j_per_byte),
        down_j_per_byte=taken(lambda one: one.down_j_per_byte),
    )
