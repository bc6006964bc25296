"""The answer about people who are away: what a design does for them, and whether a socket behind a dark screen pays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import checks
from model.answers.measures import span_words
from model.life.flow import AWAY
from model.outcome import evaluate
from model.scenario import Scenario
from model.show.display import number

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
            f"{minute} of those who are away within a minute and {hour} within an hour, by {WAYS[way]}; on a phone"
            f" where that runs it takes {battery} of the battery an hour, and it costs ${span_words(self.usd)} a month"
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
            said.append(f"When the app is away, {title} tells {own.words(way)}.")
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
        f"{thing} {worth}: it tells {told[0]} % within a minute, mobile push {told[1]} %; it tells more {often},"
        f" for {number(times, 2)} times the battery and ${usd[0]} a month where mobile push costs ${usd[1]}."
    )
    second = (
        "Mobile push needs no connection of the app's own, so it takes no heartbeats and no minutes; whom it does not"
        " reach has not let the app notify, has it no longer, or has the phone off."
    )
    return [first, second]
