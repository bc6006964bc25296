"""How often one user in the app is told something, or does something: at random, or by the clock."""

from __future__ import annotations

import functools

import numpy as np

from model.scenario import AnyDesign, Scenario


def screens_share(scenario: Scenario, names: list[str] | None):
    """The share of active time on the screens of these names; all of it where none is named."""
    return sum(screen.share for name, screen in scenario.screens.items() if names is None or name in names)


def some(value):
    """The value, 1 in its place where it is 0: what nothing is divided by."""
    return np.where(np.greater(value, 0.0), value, 1.0)[()]


def pushes_per_s(scenario: Scenario, event: str):
    """How often one user in the app is sent an event, on average over the screens; never where nobody is there.

    A feed comes to each who is there, once a channel; what users cause comes to so many of them, or to all.
    """
    one, use, rooms = scenario.events[event], scenario.usage, scenario.channels
    there = screens_share(scenario, one.screens or None)
    if one.every_s is not None:
        return there / one.every_s * (rooms.subscribed if one.audience == "members" else 1.0)
    if one.audience == "everyone":
        return one.per_active_day * scenario.users * use.dau_mau_share / 86400.0 * there
    day_s = np.minimum(use.sessions_per_day * use.session_mean_s, 86400.0)
    told, share = (rooms.members, 1.0) if one.audience == "members" else (one.recipients, one.online_share)
    return one.per_active_day * told * share / day_s * np.greater(there, 0.0)


def feed_s(scenario: Scenario, event: str):
    """The time from one push of an event to the next where they come by the clock; None where at random."""
    one = scenario.events[event]
    return None if one.audience == "members" else one.every_s  # several channels, each with a clock of its own


def action_per_s(scenario: Scenario, action):
    """How often one user in the app does something, on average over the screens."""
    use = scenario.usage
    if action.every_s is not None:
        return screens_share(scenario, action.screens or None) / action.every_s
    per_day = action.per_active_day + action.per_session * use.sessions_per_day
    return per_day / np.minimum(use.sessions_per_day * use.session_mean_s, 86400.0)


def feeds_s(scenario: Scenario, design: AnyDesign):
    """The shortest time from one message by the clock to the next, either way, of those on all screens."""
    sent = [feed_s(scenario, e) for e, p in design.pushes.items() if p.sent and not scenario.events[e].screens]
    own = [a.every_s for a in scenario.actions.values() if a.over == "socket" and not a.screens]
    return functools.reduce(np.minimum, [x for x in (*sent, *own) if x is not None], np.inf)
