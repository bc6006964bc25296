"""Who tells whom of an event: the timer, the refresh by hand or the push that shows it on each screen, or nothing."""

from __future__ import annotations

import numpy as np

from model.life import chains
from model.life.rates import screens_share, some
from model.life.sessions import Life, overlay_poll_s
from model.scenario import Function, Timer

BY_HAND, APP = "by_hand", "refresh"
UNSENT = "nobody sends it"
NO_TIMER = "no timer on that screen"
TRIED_OUT = "attempts used up"
NOTHING = "nothing polls or sends it"
ROUNDING = 1e-12  # shares of screens add up to 1 no better than that


def pushed(design, event: str) -> bool:
    """Whether somebody sends a push for this event."""
    push = design.pushes.get(event)
    return push is not None and push.sent


def sender(life: Life, event: str) -> Function:
    """The function that sends an event: a broadcast scans a page of the table, a query finds a channel's members."""
    scenario, design = life.scenario, life.held
    function = design.functions[design.socket.send_function]
    if design.pushes[event].audience != "broadcast" or design.socket.row.fan_out == "publish_once":
        return function
    if scenario.events[event].audience != "members":
        return chains.scanning(function)
    each = [(o, scenario.channels.members if o.kind == "query" else 1.0) for o in function.operations]
    read = [o.model_copy(update={"item_bytes": o.item_bytes * many}) for o, many in each]
    return function.model_copy(update={"operations": read})


def running_share(life: Life, timer: Timer, event: str):
    """The share of an event's recipients, on a screen of the timer, for whom it runs when the event comes."""
    scenario = life.scenario
    works = np.where(np.asarray(timer.missed_share) < 1.0, 1.0, 0.0)
    if timer.overlay is None:
        return works
    overlay = scenario.overlays[timer.overlay]
    polled_s = overlay_poll_s(timer, overlay, life.request_s)
    if scenario.events[event].overlay == timer.overlay:  # the event ends what the timer waits for
        return works * polled_s / overlay.duration_s
    return works * np.minimum(overlay.per_active_day * polled_s / life.active_day_s, 1.0)


def by_screen(life: Life, event: str) -> dict:
    """Each screen on which the event's recipients may be, with their share."""
    screens = life.scenario.screens
    names = life.scenario.events[event].screens or list(screens)
    whole = some(screens_share(life.scenario, names))
    return {name: screens[name].share / whole for name in names}


def refreshers(life: Life, event: str, screen: str) -> tuple[str, ...]:
    """What people on a screen do by hand that shows an event: refreshes of the design's, and the app's own."""
    timers = life.design.timers.items()
    found = [n for n, t in timers if t.timing == BY_HAND and event in t.delivers and _on(t, screen)]
    app = life.scenario.refresh
    return (*found, *([APP] if app is not None and event in app.shows and _on(app, screen) else []))


def _on(part, screen: str) -> bool:
    return part.screens is None or screen in part.screens


def refresh_per_s(life: Life, names: tuple[str, ...]):
    """How often one of these refreshes comes while people are on its screens."""
    timers = [life.design.timers[name] for name in names if name != APP]
    own = sum(((1.0 - t.missed_share) / t.period_s for t in timers), 0.0)
    return own + life.refreshes_per_s if APP in names else own


def news_bytes(life: Life, timer: Timer, event: str):
    """What an event adds to the answer of a timer that brings it; a count, which pulls follow, brings nothing of it."""
    if timer.news_bytes is not None:
        return timer.news_bytes
    return 0.0 if timer.pulls else life.scenario.events[event].payload_bytes


def loops_of(life: Life, event: str) -> tuple[dict, dict]:
    """The shares of an event's recipients that each timer tells by itself, by (timer, screen), and of the others.

    On each screen the quickest timer that runs there tells them; the others are given by (reason, screen).
    """
    told: dict = {}
    others: dict = {}
    mine = {n: t for n, t in life.design.timers.items() if event in t.delivers and t.timing != BY_HAND}
    unsent = event in life.design.pushes
    for screen, share in by_screen(life, event).items():
        here = [n for n, t in mine.items() if _on(t, screen)]
        left = share
        for name in sorted(here, key=lambda n: float(np.mean(mine[n].period_s))):
            part = left * running_share(life, mine[name], event)
            told[name, screen] = part
            left = left - part
        reason = TRIED_OUT if here else NO_TIMER if mine else UNSENT if unsent else NOTHING
        others[reason, screen] = np.where(np.asarray(left) < ROUNDING, 0.0, left)[()]
    return told, others
