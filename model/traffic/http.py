"""Flows of HTTP exchanges: timers, actions, pulls, refreshes by hand and the fallback poll."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.life import tellers
from model.life.flow import Flow
from model.life.rates import action_per_s, feed_s, pushes_per_s, screens_share, some
from model.life.sessions import Life, poll_period_s


def everywhere(life: Life, rate_per_s, screens=None, overlay=None, grace=False) -> dict:
    """The rate at every place of the named screens (all where none is named)."""
    return {
        name: rate_per_s
        for name, place in life.places.items()
        if (grace if place.screen is None else (screens is None or place.screen in screens))
        and (overlay is None or place.overlay == overlay)
    }


def monthly(life: Life, rates_per_s: dict):
    """Occurrences in a month over all users, from the rates at the places."""
    return life.active_s * sum((life.places[p].weight * r for p, r in rates_per_s.items()), 0.0)


def http_flow(life: Life, name: str, kind: str, rates_per_s: dict, part, **more) -> Flow:
    """A flow of HTTP exchanges as a timer, action or pull describes them."""
    count = more.pop("requests", None) or part.requests
    return Flow(
        name,
        kind,
        monthly(life, rates_per_s),
        rates_per_s,
        exchange="http",
        request_bytes=part.request_bytes,
        response_bytes=part.response_bytes,
        function=part.function,
        requests=count,
        executions=float(count),
        gateway_calls=float(count),
        **more,
    )


def timer_flows(life: Life, name: str, timer) -> list[Flow]:
    """A polling loop and what its news triggers; one refreshed by hand fires at random with the same mean period."""
    period_s = poll_period_s(timer, life.request_s)
    rates = everywhere(life, 1.0 / period_s, timer.screens, timer.overlay)
    poll = http_flow(
        life,
        f"poll {name}",
        "poll",
        rates,
        timer,
        events=tuple(timer.delivers),
        period_s=None if timer.timing == "by_hand" else period_s,
    )
    nothing, news_bytes = _news(life, name, timer, rates)
    some_news, answer_bytes = 1.0 - nothing, poll.response_bytes
    if timer.empty_bytes is not None:
        answer_bytes = timer.empty_bytes + some_news * (answer_bytes - timer.empty_bytes)
    poll = replace(poll, response_bytes=answer_bytes + news_bytes / timer.requests)
    if not timer.pulls:
        return [poll]
    found = {place: some_news * rate for place, rate in rates.items()}
    more = http_flow(
        life, f"pull after poll {name}", "pull", found, life.design.pull, requests=timer.pulls, rides=poll.name
    )
    return [poll, more]


def _news(life: Life, name: str, timer, rates: dict) -> tuple:
    """The chance that an answer of a timer brings no event, and the bytes it brings; a count brings none of them."""
    polls_per_s = sum((life.places[p].weight * rate for p, rate in rates.items()), 0.0)
    nothing, size = 1.0, 0.0
    for event in timer.delivers if timer.timing != tellers.BY_HAND else ():
        told, _ = tellers.loops_of(life, event)
        mine = sum((share for (loop, _), share in told.items() if loop == name), 0.0)
        brought = pushes_per_s(life.scenario, event) * mine / some(polls_per_s)
        regular = feed_s(life.scenario, event) is not None
        nothing = nothing * (np.maximum(1.0 - brought, 0.0) if regular else np.exp(-brought))
        size = size + brought * tellers.news_bytes(life, timer, event)
    return nothing, size


def action_flow(life: Life, name: str, action) -> Flow:
    """What a user does that costs requests in all designs; a session's start opens its connection."""
    start = action.every_s is None and not np.any(np.asarray(action.per_active_day) > 0)
    rate = action_per_s(life.scenario, action)
    if action.screens:
        rate = rate / some(screens_share(life.scenario, action.screens))
    rates = everywhere(life, rate, action.screens)
    return http_flow(
        life,
        name.replace("_", " "),
        "start" if start else "action",
        rates,
        action,
        period_s=action.every_s,
        cold_share=1.0 if start else 0.0,
        transport=False,
    )


def pull_flows(life: Life) -> list[Flow]:
    """The requests that pushes trigger, on the screens where the push is seen."""
    design, found = life.design, []
    for event, push in design.pushes.items():
        if push.sent and push.pulls:
            rates = push_rates(life, event, grace=False)
            found.append(
                http_flow(
                    life, f"pull after {event}", "pull", rates, design.pull, requests=push.pulls, rides=f"push {event}"
                )
            )
    return found


def there_rates(life: Life, event: str, grace=True, share=1.0) -> dict:
    """How often one user's socket is there when an event is sent, or a share of that, by place."""
    one = life.scenario.events[event]
    rate = pushes_per_s(life.scenario, event) * (1.0 - life.down_share) * share
    if one.screens:
        rate = rate / some(screens_share(life.scenario, one.screens))
    return everywhere(life, rate, one.screens, grace=grace and one.screens is None)


def push_rates(life: Life, event: str, grace=True) -> dict:
    """Pushes of an event that are posted to one user's socket before the sender's time is up, by place."""
    return there_rates(life, event, grace, life.fan_outs[event].share)


def fallback_flow(life: Life) -> Flow:
    """The poll that runs while the socket is down."""
    design = life.held
    fallback = design.fallback
    rates = everywhere(life, life.fallback_share / fallback.period_s)
    return http_flow(
        life,
        "fallback poll",
        "fallback",
        rates,
        design.pull or _default_pull(design),
        requests=fallback.requests,
        period_s=fallback.period_s,
        duty=life.fallback_share,
        events=tuple(design.pushes),
    )


def _default_pull(design):
    return next(iter(design.timers.values()))


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
