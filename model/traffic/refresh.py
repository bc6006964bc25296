"""Refresh by hand: how often people look for themselves, less where what they look for comes by itself."""

from __future__ import annotations

import numpy as np

from model.life import tellers
from model.life.flow import Flow
from model.life.rates import pushes_per_s, screens_share, some
from model.life.sessions import Life, poll_period_s
from model.traffic.http import everywhere, http_flow

SOON_S = 10.0  # what comes by itself within that is not pulled for
FLOW = "refresh by hand"


def refreshes_per_s(life: Life):
    """Opens and pulls of one user in the app a second, while on the screens of the refresh.

    Of the pulls a share is needless, so far as the design's own timers and pushes tell what they would show.

    Source: assumption.
    """
    app = life.scenario.refresh
    if app is None:
        return 0.0
    pulls = app.pulls_per_active_hour * (1.0 - app.needless_share * covered(life, app.shows))
    there = screens_share(life.scenario, app.screens or None)
    return (app.opens_per_active_hour + pulls) / 3600.0 / some(there) * np.greater(there, 0.0)


def covered(life: Life, shows: list[str]):
    """The share of what a refresh shows that the design's own timers and pushes tell within 10 s."""
    rates = {event: pushes_per_s(life.scenario, event) for event in shows}
    whole = sum(rates.values(), 0.0)
    told = sum((rate * _soon(life, event) for event, rate in rates.items()), 0.0)
    return told / some(whole)


def _soon(life: Life, event: str):
    """The share of an event's recipients whose own timer or push tells them within 10 s."""
    if tellers.pushed(life.design, event):
        out = life.fan_outs[event]
        return life.alive_share * np.minimum(out.share, SOON_S / np.maximum(out.needed_s, 1e-9))
    told, _ = tellers.loops_of(life, event)
    return sum((share * _within(life.design.timers[name], life.request_s) for (name, _), share in told.items()), 0.0)


def _within(timer, request_s):
    """P(the wait for a poll and for its cache to be renewed is at most 10 s): a sum of two even times."""
    period, cache = (np.maximum(x, 1e-6) for x in (poll_period_s(timer, request_s), timer.cache_s))
    left = [np.square(np.maximum(SOON_S - x, 0.0)) for x in (0.0, period, cache, period + cache)]
    return (1.0 - timer.missed_share) * (left[0] - left[1] - left[2] + left[3]) / (2.0 * period * cache)


def refresh_flows(life: Life) -> list[Flow]:
    """The requests of people who look for themselves."""
    app = life.scenario.refresh
    if app is None:
        return []
    rates = everywhere(life, life.refreshes_per_s, app.screens)
    return [http_flow(life, FLOW, "refresh", rates, app, requests=1, events=tuple(app.shows))]
