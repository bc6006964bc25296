"""People who are away: on which phones a design runs behind a dark screen, how often each of its flows happens there.

One phone and month is split into stretches, by platform and by awake or asleep; what a platform lets the design do
(`data/platforms.csv`) decides in which it runs and how often.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from model.life.flow import AWAY
from model.life.lengths import silence
from model.life.rates import some
from model.life.sessions import Life
from model.parts.platforms import Allowed, allowed, least_s, number_of

DAY_S, DAY_H = 86400.0, 24.0


@dataclass(frozen=True)
class Stretch:
    """Phones of one platform, awake or asleep, on which a design runs when away."""

    allowed: Allowed
    asleep: bool
    share: Any  # of the users: they have the app, the platform lets it run, and push may notify them
    notified_share: Any  # of these, who see what they are told
    timings: dict[str, dict[str, Any]]  # of each flow by name: `period_s` or `rate_per_s` on one phone


@dataclass(frozen=True)
class AwayLife:
    """What a design does when away, over all its stretches."""

    way: str
    users: Any
    on_share: Any  # of the time away that the phone is on
    on_s: Any  # that time in a month, of one phone
    month_s: Any
    stretches: tuple[Stretch, ...]

    def rate_per_s(self, flow: str):
        """How often a flow happens to one user while the phone is on, over all stretches."""
        told = ((s.share, s.timings[flow]) for s in self.stretches if flow in s.timings)
        return sum((share * often_per_s(timing) for share, timing in told), 0.0)

    def per_month(self, flow: str):
        """How often a flow happens to all users in a month."""
        return self.users * self.on_s * self.rate_per_s(flow)

    @property
    def connections(self):
        """Connections open at once when away, on average."""
        if self.way != "socket":
            return 0.0
        return self.users * sum((s.share for s in self.stretches), 0.0) * self.on_s / self.month_s


def often_per_s(timing: dict[str, Any]):
    """How often something of that timing happens a second."""
    return timing["rate_per_s"] if "rate_per_s" in timing else 1.0 / timing["period_s"]


def recipients_per_month(life: Life, event: str):
    """How many recipients of an event are not in the app when it is sent, all users together in a month.

    They are the rest of those in the app: recipients x (1 - online share). What comes by the clock, or goes to members
    of a channel or to everyone in the app, has none.
    """
    one = life.scenario.events[event]
    if one.every_s is not None or one.audience != "recipients":
        return 0.0
    return one.per_active_day * one.recipients * (1.0 - one.online_share) * life.active_days


def brought(life: Life) -> list[str]:
    """The events that a design brings when away: a socket those that it pushes, a poll and a mobile push all."""
    design = life.design
    sent = [e for e in life.scenario.events if design.when_away != "socket" or e in design.pushes]
    sent = [e for e in sent if e not in design.pushes or design.pushes[e].sent]
    return [e for e in sent if np.any(np.greater(recipients_per_month(life, e), 0.0))]


def when_away(life: Life) -> AwayLife | None:
    """What a design does when away; None where it tells nobody then."""
    scenario, design = life.scenario, life.design
    if design.when_away == "none":
        return None
    use, about = scenario.usage, scenario.usage.away
    off_screen_h = DAY_H - use.dau_mau_share * life.active_day_s / DAY_S * DAY_H
    hours = np.minimum(about.hours_per_day, off_screen_h)
    on_s = hours * 3600.0 * scenario.billing.month_days
    total = sum(platform.share for platform in about.platforms.values())
    found = []
    for name, platform in about.platforms.items():
        one = allowed()[name, design.away_way]
        if not one.runs or not np.any(np.greater(platform.share, 0.0)):
            continue
        share = about.installed_share * platform.share / total * number_of(scenario, one.share, 1.0)
        seen = platform.may_notify_share
        if design.when_away == "mobile_push":  # who may not be notified is sent nothing
            share, seen = share * seen, 1.0
        for asleep, part in ((False, 1.0 - about.asleep_share), (True, about.asleep_share)):
            timings = _timings(life, one, asleep, off_screen_h)
            found.append(Stretch(one, asleep, share * part, seen, timings))
    return AwayLife(design.when_away, scenario.users, hours / off_screen_h, on_s, scenario.month_s, tuple(found))


def _timings(life: Life, one: Allowed, asleep: bool, off_screen_h) -> dict[str, dict[str, Any]]:
    """The timing of each flow on one phone of a stretch while it is on."""
    scenario, design = life.scenario, life.design
    least = least_s(scenario, one, asleep)
    if design.when_away == "poll":
        return {f"poll{AWAY}": {"period_s": np.maximum(design.away_poll_s, least)}}
    off_screen_s = off_screen_h * 3600.0 * scenario.billing.month_days
    each = {e: recipients_per_month(life, e) / scenario.users / off_screen_s for e in brought(life)}
    if design.when_away == "mobile_push":
        told = sum(each.values(), 0.0)
        most = number_of(scenario, one.per_hour, np.inf) / 3600.0
        let = np.minimum(most / some(told), 1.0)
        return {f"mobile push {e}": {"rate_per_s": rate * let} for e, rate in each.items()}
    beats = {
        f"{key.replace('_', ' ')}{AWAY}": {"period_s": np.maximum(b.period_s, least) if b.by_client else b.period_s}
        for key, b in life.held.beats.items()
    }
    cut = scenario.networks.values()
    losses = sum(n.share * n.losses_per_hour for n in cut) / 3600.0 + 1.0 / life.held.socket.row.limit(
        life.held.socket.row.life
    )
    pushes = {f"push {e}{AWAY}": {"rate_per_s": rate} for e, rate in each.items()}
    return {**beats, f"connect{AWAY}": {"rate_per_s": losses}, **pushes}


def deaf_share(life: Life, stretch: Stretch):
    """The share of the time that a socket on a phone of a stretch is open and hears nothing.

    Behind a NAT mapping that lapses between two beats, and after losses that nobody sees, until a beat finds them.
    Source: cox1962.
    """
    scenario, total = life.scenario, 0.0
    pushed = sum((often_per_s(t) for name, t in stretch.timings.items() if name.startswith("push ")), 0.0)
    key, beat = min(life.held.beats.items(), key=lambda pair: float(np.mean(pair[1].period_s)))
    period_s = stretch.timings[f"{key.replace('_', ' ')}{AWAY}"]["period_s"]
    beat = beat.model_copy(update={"period_s": period_s})
    for network in scenario.networks.values():
        lapsed = silence(network.nat_timeout_s, beat, pushed, beat.pong_timeout_s, life.reconnect_s).deaf_share
        unseen = network.losses_per_hour * network.unseen_share / 3600.0 * (beat.pong_timeout_s + period_s / 2.0)
        total = total + network.share * np.minimum(lapsed + unseen, 1.0)
    return total


def told_share(life: Life, limit_s: float):
    """Of all recipients who are away, the share told within a limit.

    The phone must be on, have the app, and may notify. A socket tells who hears it, within the hour all that it finds
    after a loss; a poll of period T tells min(limit / T, 1); a push tells at once, but for a share that comes late, in
    the next window of a sleeping phone.
    """
    away = life.away
    return sum((s.share * s.notified_share * _within(life, s, limit_s) for s in away.stretches), 0.0) * away.on_share


def _within(life: Life, stretch: Stretch, limit_s: float):
    """The share told within a limit of those whom a stretch could tell."""
    scenario, one = life.scenario, stretch.allowed
    if life.away.way == "poll":
        return np.minimum(limit_s / stretch.timings[f"poll{AWAY}"]["period_s"], 1.0)
    asked = sum((recipients_per_month(life, e) for e in life.scenario.events), 0.0)
    if life.away.way == "socket":
        reached = sum((recipients_per_month(life, e) for e in brought(life)), 0.0) / some(asked)
        caught_up = life.held.socket.catch_up and limit_s >= 3600.0
        return reached * (1.0 if caught_up else 1.0 - deaf_share(life, stretch))
    pushed = sum((often_per_s(timing) for timing in stretch.timings.values()), 0.0)
    wanted = asked / scenario.users / (away_s(life))
    late = 1.0 if one.held and stretch.asleep else number_of(scenario, one.late, 0.0)
    window_s = scenario.number(one.asleep) if one.asleep else np.inf
    return np.minimum(pushed / some(wanted), 1.0) * (1.0 - late + late * np.minimum(limit_s / window_s, 1.0))


def away_s(life: Life):
    """Seconds of a month that one user is off the screen, the phone on or off."""
    return life.away.on_s / life.away.on_share


def sender(life: Life) -> str:
    """The function that sends mobile push: the socket's sender, else what answers the polls."""
    design = life.design
    if design.socket is not None:
        return design.socket.send_function
    return (design.pull or next(iter(design.timers.values()))).function
