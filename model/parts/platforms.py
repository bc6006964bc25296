"""What a platform lets an app do that is not on screen: a socket, a poll, an alert or a silent push."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from model import ledger, paths
from model.parts.fields import mode_of, refuse
from model.parts.transports import AnyDesign, Choices, HeldDesign


@dataclass(frozen=True)
class Allowed:
    """What a platform lets one way do: a row of `data/platforms.csv`; numbers are named as rows of the ledger."""

    platform: str
    way: str
    runs: bool
    share: str  # of the phones on which it runs; all where empty
    awake: str  # least time between two beats or polls while the phone is awake
    asleep: str  # the same while it sleeps; of pushes the time between the windows in which late ones come
    late: str  # share of pushes that come late
    held: bool  # whether a sleeping phone gets a push in its next window only
    per_hour: str  # most pushes an hour
    says: str
    source: str
    where: str


@functools.cache
def allowed() -> MappingProxyType:
    """What each platform lets each way do, by platform and way.

    Source: android_power, apple_background_push, fcm_priority.
    """
    found = {}
    for row in ledger.read_csv(paths.data("platforms.csv")):
        flags: dict[str, Any] = {name: row[name] == "yes" for name in ("runs", "held")}
        found[row["platform"], row["way"]] = Allowed(**{**row, **flags})
    return MappingProxyType(found)


def _used(scenario: Choices, design: AnyDesign) -> Iterator[Allowed]:
    """What the platforms that anybody uses let a design do when away."""
    away = scenario.usage.away
    for name, platform in away.platforms.items() if away else ():
        if mode_of(platform.share) > 0:
            yield allowed()[name, design.away_way]


def check_away(which: str, design: AnyDesign, scenario: Choices) -> None:
    """Refuse what a design cannot do when away, or no platform of the scenario lets it do."""
    way, away = design.when_away, scenario.usage.away
    if way == "none":
        return
    if away is None:
        refuse(f"usage.away must be given where {which} says when_away; got nothing")
    total = sum(mode_of(platform.share) for platform in away.platforms.values())
    if abs(total - 1.0) > 1e-6:
        refuse(f"usage.away.platforms: the shares must add up to 1; got {total:.6g}")
    keeps = isinstance(design, HeldDesign) and not design.asks_again
    if way == "socket" and not keeps:
        words = f"must be none, poll or mobile_push in a {design.transport} design, which keeps no connection"
        refuse(f"{which}.when_away {words}; got 'socket'")
    if way != "socket" and design.pull is None and not design.timers:
        refuse(f"{which}.pull must be given where a design without timers says when_away: {way}; got nothing")
    used = list(_used(scenario, design))
    if not any(one.runs for one in used):
        says = " and ".join(dict.fromkeys(one.says for one in used))
        refuse(
            f"{which}.when_away must be another way where nobody is on a platform that runs it, for {says}; got {way!r}"
        )


def away_notes(which: str, design: AnyDesign, scenario: Choices) -> list[str]:
    """What platforms refuse or cap of what a design does when away, a sentence a platform."""
    if design.when_away == "none":
        return []
    asked = {"poll": [design.away_poll_s], "socket": [b.period_s for b in _own_beats(design)]}.get(design.when_away, [])
    said = []
    for one in _used(scenario, design):
        most_s = max(mode_of(number_of(scenario, row, 0.0)) for row in (one.awake, one.asleep))
        capped = any(mode_of(period) < most_s for period in asked)
        if not one.runs or one.share or one.per_hour or capped:
            what = "nobody is told there" if not one.runs else "it is told less often than asked" if capped else ""
            said.append(f"{which} when away: {one.says}" + (f"; {what}" if what else "") + ".")
    return said


def _own_beats(design: AnyDesign) -> list:
    """The heartbeats that the phone sends: a platform may let it do so less often."""
    return [beat for beat in design.beats.values() if beat.by_client] if isinstance(design, HeldDesign) else []


def away_table():
    """What each platform lets a socket, a poll, an alert and a silent push do.

    A table: index platform and way; runs, what the platform says, source.
    """
    import pandas as pd

    rows = {key: {"runs": one.runs, "says": one.says, "source": one.source} for key, one in allowed().items()}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["platform", "way"])


def least_s(scenario: Choices, one: Allowed, asleep: bool) -> Any:
    """The least time between two of a kind that a platform lets a phone in that state do."""
    return number_of(scenario, one.asleep if asleep else one.awake, 0.0)


def number_of(scenario: Choices, row: str, default: float) -> Any:
    """A number of the scenario or the ledger that a platform's row names, or what holds where it names none."""
    return scenario.ledger.get(row, ledger.value(row)) if row else default
