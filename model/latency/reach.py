"""Who is told of an event at all, and why the others are not."""

from __future__ import annotations

import numpy as np

from model import checks
from model.latency import chain
from model.life import tellers
from model.life.flow import Traffic
from model.life.rates import pushes_per_s

__all__ = ["delivered_rate_per_s", "undelivered_reasons", "undelivered_share"]

LOST = "lost with the connection"
CUT_OFF = "the sender's run timed out"


def pushed(traffic: Traffic, event: str) -> bool:
    """Whether somebody sends a push for this event."""
    return tellers.pushed(traffic.life.design, event)


def left_over(traffic: Traffic, event: str) -> dict:
    """The shares of an event's recipients whom no timer and no push of the design tells, by (reason, screen)."""
    if not pushed(traffic, event):
        return timers_of(traffic, event)[1]
    cut = 1.0 - traffic.life.fan_outs[event].share
    lost = {LOST: chain.lost_share(traffic), CUT_OFF: cut * traffic.life.alive_share}
    on = tellers.by_screen(traffic.life, event)
    return {(reason, screen): share * part for reason, share in lost.items() for screen, part in on.items()}


def timers_of(traffic: Traffic, event: str) -> tuple[dict, dict]:
    """The shares of an event's recipients that each timer tells, and of the others by reason, on each screen."""
    return traffic.once(("timers", event), lambda: tellers.loops_of(traffic.life, event))


def refreshed(traffic: Traffic, event: str, shares: dict) -> tuple[dict, dict]:
    """Shares by (name, screen) as {(name, what refreshes there): share} where people look for themselves, and the rest.

    A refresh that nobody makes in a draw shows nothing there.
    """
    looked: dict = {}
    alone: dict = {}
    for (name, screen), share in shares.items():
        by = tellers.refreshers(traffic.life, event, screen)
        looks = np.greater(tellers.refresh_per_s(traffic.life, by), 0.0)
        for found, part in ((looked, np.where(looks, share, 0.0)), (alone, np.where(looks, 0.0, share))):
            if np.any(part > 0):
                key = (name, by) if found is looked else (name, ())
                found[key] = found.get(key, 0.0) + part
    return looked, alone


def undelivered_reasons(traffic: Traffic, event: str) -> dict:
    """Why nothing tells some recipients in the app of an event, with the share of each reason.

    Source: first_case_code, cox1962.
    """
    checks.known("event", event, traffic.life.scenario.events)
    _, alone = refreshed(traffic, event, left_over(traffic, event))
    return {reason: share for (reason, _), share in alone.items()}


def undelivered_share(traffic: Traffic, event: str):
    """The share of an event's recipients in the app whom nothing tells, however long they stay.

    Source: first_case_code.
    """
    return sum(undelivered_reasons(traffic, event).values(), 0.0)


def delivered_rate_per_s(traffic: Traffic, event: str):
    """How often one user in the app is told of an event that they stay for: its weight among all deliveries.

    Source: assumption.
    """
    return pushes_per_s(traffic.life.scenario, event) * (1.0 - undelivered_share(traffic, event))
