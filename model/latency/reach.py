"""Who is told of an event within the session, by which timer or push, and why the others are not."""

from __future__ import annotations

import numpy as np

from model import checks
from model.latency import chain
from model.life.flow import Traffic
from model.life.sessions import overlay_poll_s, pushes_per_s
from model.scenario import Timer

__all__ = ["delivered_rate_per_s", "undelivered_reasons", "undelivered_share"]

UNSENT = "nobody sends it"
BY_HAND = "only a refresh shows it"
NO_TIMER = "no timer on that screen"
TRIED_OUT = "attempts used up"
LOST = "lost with the connection"
CUT_OFF = "the sender's run timed out"
ROUNDING = 1e-12  # shares of screens add up to 1 no better than that


def pushed(traffic: Traffic, event: str) -> bool:
    """Whether somebody sends a push for this event."""
    push = traffic.life.design.pushes.get(event)
    return push is not None and push.sent


def _running_share(traffic: Traffic, timer: Timer, event: str):
    """The share of an event's recipients, on a screen of the timer, for whom it runs when the event comes."""
    scenario = traffic.life.scenario
    works = np.where(np.asarray(timer.missed_share) < 1.0, 1.0, 0.0)
    if timer.overlay is None:
        return works
    overlay = scenario.overlays[timer.overlay]
    polled_s = overlay_poll_s(timer, overlay, chain.request_s(traffic, timer))
    if scenario.events[event].overlay == timer.overlay:  # the event ends what the timer waits for
        return works * polled_s / overlay.duration_s
    return works * np.minimum(overlay.per_active_day * polled_s / traffic.life.active_day_s, 1.0)


def _by_screen(traffic: Traffic, event: str):
    """Each screen on which the event's recipients may be, with their share."""
    screens, one = traffic.life.scenario.screens, traffic.life.scenario.events[event]
    names = one.screens or list(screens)
    whole = sum(screens[s].share for s in names)
    return [(name, screens[name].share / whole) for name in names]


def timers_of(traffic: Traffic, event: str) -> tuple[dict, dict]:
    """The shares of an event's recipients that each timer tells, and of the others by reason.

    On each screen the quickest timer that runs there tells them; a refresh by hand counts as none.
    """
    return chain.once(traffic, ("timers", event), lambda: _timers_of(traffic, event))


def _timers_of(traffic: Traffic, event: str) -> tuple[dict, dict]:
    told: dict[str, object] = {}
    others: dict[str, object] = {}
    mine = {n: t for n, t in traffic.life.design.timers.items() if event in t.delivers}
    for screen, share in _by_screen(traffic, event):
        here = {n: t for n, t in mine.items() if t.screens is None or screen in t.screens}
        loops = sorted(
            (n for n, t in here.items() if t.timing != "by_hand"), key=lambda n: float(np.mean(here[n].period_s))
        )
        left = share
        for name in loops:
            part = left * _running_share(traffic, here[name], event)
            told[name] = told.get(name, 0.0) + part
            left = left - part
        reason = TRIED_OUT if loops else BY_HAND if here else NO_TIMER
        others[reason] = others.get(reason, 0.0) + left
    return told, others


def undelivered_reasons(traffic: Traffic, event: str) -> dict:
    """Why recipients in the app are not told of an event within the session, with the share of each reason.

    Source: first_case_code, cox1962.
    """
    checks.known("event", event, traffic.life.scenario.events)
    design = traffic.life.design
    if pushed(traffic, event):
        cut = 1.0 - traffic.life.fan_outs[event].share
        lost = chain.lost_share(traffic)
        found = {LOST: lost, CUT_OFF: cut * chain.alive_share(traffic)}
    else:
        told, found = timers_of(traffic, event)
        if event in design.pushes and not told:
            found = {UNSENT: 1.0}
    return {reason: share for reason, share in found.items() if np.any(np.asarray(share) > 0)}


def reached_share(traffic: Traffic, event: str):
    """The share of an event's recipients in the app whose timer or push tells them within the session."""
    checks.known("event", event, traffic.life.scenario.events)
    if pushed(traffic, event):
        cut = 1.0 - traffic.life.fan_outs[event].share
        return 1.0 - chain.lost_share(traffic) - cut * chain.alive_share(traffic)
    return sum(timers_of(traffic, event)[0].values(), 0.0)


def undelivered_share(traffic: Traffic, event: str):
    """The share of an event's recipients in the app who are not told within the session.

    Source: first_case_code.
    """
    left = 1.0 - reached_share(traffic, event)
    return np.where(left < ROUNDING, 0.0, left)[()]


def delivered_rate_per_s(traffic: Traffic, event: str):
    """How often one user in the app is told of an event: the weight of that event in every percentile.

    Source: assumption.
    """
    return pushes_per_s(traffic.life.scenario, event) * reached_share(traffic, event)
