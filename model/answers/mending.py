"""What would mend a design: the smallest change with which it tells people in time, and the period that is enough."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from model import latency, traffic
from model.answers.soon import SOME_SHARE
from model.scenario import Scenario, mode_of, sampling

SHORTEST_S, LONGEST_S, STEPS = 0.5, 600.0, 24


def tells_enough(scenario: Scenario, design: str, limit_s: float, share: float) -> bool:
    """Whether a design tells enough of every event in time, every input at its mode."""
    now = traffic.traffic(design, sampling.resolved(scenario))
    sent = {event: float(np.ravel(x)[0]) for event, x in latency.sent_shares(now).items()}
    told = (float(np.ravel(latency.told_share(now, limit_s, event))[0]) for event, x in sent.items() if x > SOME_SHARE)
    return all(one >= share for one in told)


def changes(scenario: Scenario, design: str, limit_s: float) -> Iterator[tuple[str, dict]]:
    """Changes that may help a design, the smallest first: in words, and as paths and values."""
    one = scenario.design(design)
    unsent = [event for event, push in one.pushes.items() if not push.sent]
    sends = {f"{design}.pushes.{event}.sent": True for event in unsent}
    for event in unsent if len(unsent) > 1 else ():
        yield f"send {event}", {f"{design}.pushes.{event}.sent": True}
    if unsent:
        yield f"send {', '.join(unsent)}", sends
    polls = {name: timer for name, timer in one.timers.items() if timer.timing != "by_hand" and timer.overlay is None}
    every = {f"{design}.timers.{name}.screens": None for name, timer in polls.items() if timer.screens}
    fresh = {f"{design}.timers.{name}.cache_s": 0.0 for name, timer in polls.items() if mode_of(timer.cache_s) > 0}
    quick = {
        f"{design}.timers.{name}.period_s": 0.8 * limit_s
        for name, t in polls.items()
        if mode_of(t.period_s) > 0.8 * limit_s
    }
    if every:
        yield "poll on every screen", every
    if fresh:
        yield "keep no cached answers", fresh
    if quick:
        yield f"poll every {0.8 * limit_s:g} s", quick
    more = {**every, **fresh, **quick}
    if more and len([part for part in (every, fresh, quick) if part]) > 1:
        words = ("on every screen", every), ("without cached answers", fresh), (f"every {0.8 * limit_s:g} s", quick)
        yield f"poll {', '.join(text for text, part in words if part)}", more


def mend(scenario: Scenario, design: str, limit_s: float, share: float) -> tuple[str, dict] | None:
    """The smallest change with which a design tells enough in time at the modes; None where none of them does."""
    for words, paths in changes(scenario, design, limit_s):
        if tells_enough(scenario.with_(paths), design, limit_s, share):
            return words, paths
    return None


def only_loop(scenario: Scenario, design: str) -> str | None:
    """The name of a polling design's one timer; None where it has several, or polls nothing."""
    one = scenario.design(design)
    loops = [name for name, timer in one.timers.items() if timer.timing != "by_hand"]
    return loops[0] if len(loops) == 1 and one.transport == "polling" else None


def tuned(scenario: Scenario, design: str, limit_s: float, share: float) -> float | None:
    """The longest period with which a design of one poll tells enough in time at the modes [s].

    None where the design has several polls or none, or where no period is short enough.
    """
    loop, low, high = only_loop(scenario, design), SHORTEST_S, LONGEST_S
    if loop is None:
        return None
    path = f"{design}.timers.{loop}.period_s"
    if not tells_enough(scenario.with_({path: low}), design, limit_s, share):
        return None
    for _ in range(STEPS):
        middle = float(np.sqrt(low * high))
        enough = tells_enough(scenario.with_({path: middle}), design, limit_s, share)
        low, high = (middle, high) if enough else (low, middle)
        if high / low < 1.02:
            break
    return low
