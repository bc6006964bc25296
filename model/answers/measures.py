"""One sentence or two about each measure of the compared pair: what changes, and who would notice; and those away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from model import battery, checks, mobile_data, server_load
from model.life.flow import AWAY
from model.outcome import Outcome, evaluate, low_middle_high
from model.scenario import Scenario
from model.show.display import number, ranged

NOTICED = 0.02  # of what a phone uses, or of a plan of 1 GB, below which nobody notices a difference
SEEN_S, SEEN_SHARE = 1.0, 0.01  # a difference of the median, and of the share told within 10 s, that people see
PLAN_MB = 1000.0
ALIKE = 0.005  # a smaller difference is none
SAID = {  # what a design does in a row of the table, with what unit
    "battery": ("takes", " %", " of a full battery in an active hour"),
    "mobile data": ("carries", " MB", " in an active hour"),
    "server load": ("sends its servers", " requests", " a minute for each active user"),
    "told in time 10 s": ("tells", " %", " within 10 s"),
    "cost": ("costs", " USD", " a month"),
}


def about(outcome: Outcome, measure: str) -> str:
    """What the move between the two compared designs changes in one measure, in words.

    `measure`: latency, battery, data, load or cost. Gives a str, two or three sentences with numbers, units, and
    whether anyone would notice.
    """
    said = ABOUT[checks.known("measure", measure, ABOUT)](outcome, *outcome.scenario.compared)
    return said if outcome.draws else f"{said} (Every input is at its likeliest value.)"


def span_words(values: np.ndarray, digits: int = 2, unit: str = "") -> str:
    """The middle of draws, and what nine in ten of them lie between: 17 (8.5 to 33)."""
    low, middle, high = (number(x, digits) for x in low_middle_high(values))
    return ranged(f"{middle}{unit}", low, high)


def title(outcome: Outcome, design: str) -> str:
    """What a design is called in a sentence."""
    return outcome[design].traffic.life.design.title


def drain_saved(outcome: Outcome) -> np.ndarray:
    """The share of the phone's drain in an active hour that the move takes away, by draw."""
    drains = [outcome[d].total("battery") for d in outcome.scenario.compared]
    return np.ravel((drains[0] - drains[1]) / (battery.phone_percent(outcome.scenario) + drains[0]))


def drain_words(share: np.ndarray) -> str:
    """The share of the phone's drain that a move takes away, and whether anyone would notice."""
    noticed = "nobody would notice" if abs(np.median(share)) < NOTICED else "heavy users may notice"
    way = "less" if np.median(share) >= 0 else "more"
    return f"The phone uses {number(100 * abs(np.median(share)), 2)} % {way} energy in an active hour: {noticed}."


def _figures(outcome: Outcome, row: str) -> list[float]:
    """A row of the table for both designs, over draws the median."""
    return [float(np.median(v[:, 0])) for v in outcome.values(row)]


def _moved(outcome: Outcome, row: str) -> str:
    """What a design does now and what the other did: `A carries 0.24 MB in an active hour, B 1.4 MB: 82 % less`."""
    (was, now), (does, unit, per) = _figures(outcome, row), SAID[row]
    before, after = (title(outcome, d) for d in outcome.scenario.compared)
    if not np.isfinite([was, now]).all():
        reasons = [reason for (_, what), reason in outcome.notes.items() if what == row]
        return f"The {row} of the two cannot be compared: {'; '.join(reasons) or 'one of them has no end'}"
    ends = f"{after} {does} {number(now, 3)}{unit}{per}, {before} {number(was, 3)}{unit}"
    return f"{ends[0].upper()}{ends[1:]}: {_less(was, now)}"


def _less(was: float, now: float) -> str:
    """A change as people say it."""
    if was == now or abs(now - was) < ALIKE * abs(was):
        return "no difference"
    if not was or abs(now / was) >= 10.0:
        return "which is more" if not was else f"{number(now / was, 2)} times as much"
    share = 100.0 * abs(now / was - 1.0)
    return f"{number(share, 2 if share < 95.0 else 3)} % {'less' if now < was else 'more'}"


def _late(seconds: float) -> str:
    return f"{number(seconds, 2)} s" if np.isfinite(seconds) else "not in their session"


def _latency(outcome: Outcome, before: str, after: str) -> str:
    """Told within 1 and 10 s, the median, and whether people who wait for it would see the difference."""
    names = [title(outcome, d) for d in (before, after)]
    told = {t: _figures(outcome, f"told in time {t} s") for t in (1, 10)}
    middle = _figures(outcome, "notification latency p50")
    if not np.isfinite(told[10]).all():
        return f"{_moved(outcome, 'told in time 10 s')}."
    points, sooner_s = told[10][1] - told[10][0], middle[0] - middle[1] if np.isfinite(middle).all() else np.inf
    seen = abs(points) >= 100 * SEEN_SHARE or abs(sooner_s) >= SEEN_S
    way = "sooner" if points + told[1][1] > told[1][0] else "later"
    noticed = f"People who wait for it would notice: they are told {way}" if seen else "Hardly anyone would notice"
    ten, one = (f"{number(told[t][1], 3)} % instead of {number(told[t][0], 3)} %" for t in (10, 1))
    return (
        f"With {names[1]} instead of {names[0]}, {ten} of what is sent is on the screen within 10 s, and {one} within"
        f" 1 s. Half of it is there after {_late(middle[1])} instead of {_late(middle[0])}. {noticed}."
    )


def _battery(outcome: Outcome, before: str, after: str) -> str:
    """What each takes of the battery, and the share of the phone's drain."""
    return f"{_moved(outcome, 'battery')}. {drain_words(drain_saved(outcome))}"


def _data(outcome: Outcome, before: str, after: str) -> str:
    """What each carries in an active hour and takes out of a plan of 1 GB."""
    month = [float(np.median(mobile_data.metered_mb_per_month(outcome[d].traffic))) for d in (before, after)]
    noticed = "nobody would notice" if abs(month[0] - month[1]) < NOTICED * PLAN_MB else "people on small plans notice"
    return (
        f"{_moved(outcome, 'mobile data')}. Of a plan of 1 GB a month that is {number(100 * month[1] / PLAN_MB, 2)} %"
        f" instead of {number(100 * month[0] / PLAN_MB, 2)} %: {noticed}."
    )


def _load(outcome: Outcome, before: str, after: str) -> str:
    """What the servers are asked, and the first limit that each design meets as users grow."""
    first = []
    for design in (before, after):
        broken = {k: float(np.median(v)) for k, v in server_load.users_at_quota(outcome[design].traffic).items()}
        load = min(broken, key=lambda k: broken[k], default="")
        some = load and np.isfinite(broken[load])
        met = f"at {number(broken[load], 2)} users that of {load}" if some else "none that is published"
        first.append(f"{title(outcome, design)} meets {met}")
    return f"{_moved(outcome, 'server load')}. As users grow, the first quotas are these: {'; '.join(first)}."


def _cost(outcome: Outcome, before: str, after: str) -> str:
    """Both bills, the difference per user, and what most of either pays for."""
    was, now = _figures(outcome, "cost")
    if not np.isfinite([was, now]).all():
        return f"{_moved(outcome, 'cost')}."
    users = float(outcome.users[0])
    parts, said = outcome.by_flow("cost"), []
    for name, design in (("before", before), ("after", after)):
        most = parts[name].idxmax()
        share = 100 * parts[name][most] / max(parts[name].sum(), 1e-12)
        said.append(f"'{most}' with {title(outcome, design)} ({number(share, 2)} %)")
    saved = was - now
    usd = f"which is ${number(abs(saved) / users, 2)} a user"
    moved = f"${number(abs(saved), 3)} {'less' if saved > 0 else 'more'}, {usd}" if saved else "no difference"
    return (
        f"{title(outcome, after)} costs ${number(now, 3)} a month at {number(users, 6)} users, {title(outcome, before)}"
        f" ${number(was, 3)}: {moved}. The largest part of the bill is {', and '.join(said)}."
    )


ABOUT: dict[str, Callable[[Outcome, str, str], str]] = {
    "latency": _latency,
    "battery": _battery,
    "data": _data,
    "load": _load,
    "cost": _cost,
}


WAYS = {"socket": "a socket that stays open", "poll": "a poll now and then", "mobile_push": "mobile push"}
MOST_DRAWS, SELDOM, RARELY, BOTH = 128, 0.1, 0.01, 0.5


@dataclass(frozen=True)
class WhenAway:
    """What one way does for people who are away, by draw."""

    minute: np.ndarray  # share told within a minute [%]
    hour: np.ndarray
    battery: np.ndarray  # [%/h] of a phone on which it runs
    usd: np.ndarray  # a month, of its flows alone

    def words(self, way: str) -> str:
        """The way in figures."""
        minute, hour, battery = (span_words(x, unit=" %") for x in (self.minute, self.hour, self.battery))
        return (
            f"{minute} of the people it is sent to within a minute and {hour} within an hour, by {WAYS[way]}; that"
            f" takes {battery} of the battery an hour on a phone where it runs, costing ${span_words(self.usd)} a month"
        )


def _done(case: Scenario, name: str, way: str, draws: int, seed: int) -> WhenAway | None:
    """What a design would do by a way; None where it cannot, or nobody is away."""
    try:
        outcome = evaluate(case.with_({f"{name}.when_away": way}), None, draws, seed, designs=[name])
        rows = [outcome.values(row, name)[:, 0] for row in outcome.rows([name]) if row.endswith(("min", "1 h", "away"))]
        parts = outcome[name].parts("cost")
    except checks.InputError:
        return None
    away = [np.ravel(usd) for flow, usd in parts.items() if flow.endswith(AWAY) or "mobile push" in flow]
    usd = sum(away, np.zeros(1))
    return None if any(np.isnan(row).any() for row in rows) else WhenAway(*rows, np.broadcast_to(usd, rows[0].shape))


def away_sentences(case: Scenario, draws: int, seed: int = 0, most: int = 2) -> list[str]:
    """What designs that say `when_away` do for people who are away, and what another way would.

    Gives a list of str, a sentence a design, then whether a socket, or a poll where the design holds no connection, is
    worth it beside mobile push, and what mobile push changes; empty where no design tells people when away.
    """
    said, draws = [], min(draws, MOST_DRAWS)
    names = [name for name, design in case.designs.items() if design.when_away != "none"][:most]
    for name in names:
        title, way = case.designs[name].title, case.designs[name].when_away
        own = _done(case, name, way, draws, seed)
        if own is not None:
            said.append(f"When the app is away, {title} reaches {own.words(way)}.")
    return said + (_choice(case, names[0], draws, seed) if said else [])


def _choice(case: Scenario, name: str, draws: int, seed: int) -> list[str]:
    """Mobile push against a socket, or else against a poll, in the design named."""
    push = _done(case, name, "mobile_push", draws, seed)
    tried = ((way, _done(case, name, way, draws, seed)) for way in ("socket", "poll"))
    other, rest = next(((way, found) for way, found in tried if found is not None), ("", None))
    if push is None or rest is None:
        return []
    times = float(np.median(rest.battery / push.battery))
    sooner = float((rest.minute > push.minute).mean())
    thing = "A socket in the background" if other == "socket" else "A poll in the background"
    worth = (
        "is hardly ever worth it"
        if sooner < SELDOM
        else "may be worth it where the app must not depend on Apple and Google"
        if sooner < BOTH
        else "is worth it here for whoever it reaches"
    )
    often = "in no draw" if sooner < RARELY else f"in {100 * sooner:.0f} of 100 draws"
    told, usd = ([number(float(np.median(getattr(one, of))), 2) for one in (rest, push)] for of in ("minute", "usd"))
    first = (
        f"{thing} {worth}: in a minute it reaches {told[0]} %, mobile push {told[1]} %, and it reaches more {often}."
        f" It takes {number(times, 2)} times the battery, and costs ${usd[0]} a month instead of ${usd[1]}."
    )
    second = (
        "Mobile push needs no connection of the app's own, so no heartbeats and no connection minutes. It does not"
        " reach people who do not let the app notify them, who have removed the app, or whose phone is off."
    )
    return [first, second]
