"""What a design asks of the radio on one network: mixes of sources side by side, and sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from model.life import airtime
from model.life.flow import Traffic
from model.radio import trusted
from model.scenario import Network

if TYPE_CHECKING:
    from model import radio

__all__: list[str] = []

CHUNK = 16384  # draws worked on at once: what the sources of a network have in common stays in the cache
FIELDS = ("period_s", "rate_per_s", "burst_s", "bytes_up", "bytes_down")


@dataclass(frozen=True)
class Mix:
    """What runs side by side at a place for some of an active hour, by numbers of sources."""

    seconds: object  # of an active hour
    sessions: object  # that begin and end here, an active hour
    front: tuple[int, ...]  # sources of the design
    behind: tuple[int, ...]  # sources of the screen
    staying: tuple[int, ...] = ()  # sources that go on in the background
    grace_s: object = None  # for how long, until the socket is closed; None where there is none


@dataclass(frozen=True)
class Plan:
    """Everything about a design on one access network that the radio is asked for."""

    sources: tuple[radio.Source, ...]
    names: tuple[str, ...]
    mixes: tuple[Mix, ...]
    up_bytes: object  # of all flows in an active hour
    down_bytes: object

    @property
    def shape(self) -> tuple[int, ...]:
        """The common shape of every number of the plan."""
        numbers = [getattr(flow, name) for flow in self.sources for name in FIELDS]
        numbers += [x for mix in self.mixes for x in (mix.seconds, mix.sessions, mix.grace_s)]
        numbers += [self.up_bytes, self.down_bytes]
        return np.broadcast_shapes(*{x.shape for x in numbers if isinstance(x, np.ndarray)})

    def of(self, rows: Callable, split: bool) -> Plan:
        """The plan for some of its draws; all flows in one sum need no bytes of each."""
        fields = FIELDS if split else FIELDS[:3]
        sources = tuple(trusted(**{name: rows(getattr(flow, name)) for name in fields}) for flow in self.sources)
        mixes = tuple(
            Mix(rows(m.seconds), rows(m.sessions), m.front, m.behind, m.staying, rows(m.grace_s)) for m in self.mixes
        )
        return Plan(sources, self.names, mixes, rows(self.up_bytes), rows(self.down_bytes))


def _drafts(now: Traffic, together: dict, background: bool) -> list[tuple]:
    """Seconds of an active hour, sessions in it, sources of design and screen, whether a socket is up."""
    drafts, own = [], airtime.background_sources(now)
    for name, place in now.life.places.items():
        behind = {f"background {place.background}": source for source in own[name]} if background else {}
        for share, named, up in together[name]:
            seconds, ended = _hour(now, name, share)
            if np.any(seconds):
                drafts.append((seconds, ended, named, behind, up))
    return drafts


def _hour(now: Traffic, place: str, share) -> tuple:
    """Seconds of an active hour that a mix runs at a place, and sessions that end there meanwhile.

    Sessions end on screens by their share of the time; nobody leaves while an overlay runs.
    """
    life = now.life
    ends = {n: p.weight for n, p in life.places.items() if p.screen is not None and p.overlay is None}
    if place not in ends:
        return 3600.0 * life.places[place].weight * share, 0.0
    sessions = life.scenario.usage.sessions_per_day / life.active_day_s * 3600.0
    weight = ends[place] * share
    return 3600.0 * weight, sessions * weight / sum(ends.values())


def plan_of(now: Traffic, network: Network, background: bool) -> Plan:
    """The design's plan on a network, with the screens' own traffic or without.

    Sources are numbered by how many mixes they are in: what mixes have in common comes first.
    """
    together, life = airtime.side_by_side(now, network), now.life
    drafts, grace_s, staying = _drafts(now, together, background), None, {}
    if "grace" in life.places:
        grace_s, staying = life.design.socket.grace_s, together["grace"][0][1]
    found = [pair for _, _, front, behind, _ in drafts for pair in (*front.items(), *behind.items())]
    often = Counter(source for _, source in found)
    names = {source: name for name, source in sorted([*found, *staying.items()], key=lambda pair: -often[pair[1]])}
    number = {source: k for k, source in enumerate(names)}
    mixes = []
    for seconds, ended, *parts, up in drafts:
        numbers = (tuple(number[s] for s in part.values()) for part in (*parts, staying if up else {}))
        mixes.append(Mix(seconds, ended, *numbers, grace_s if up else None))
    return Plan(tuple(names), tuple(names.values()), tuple(mixes), *airtime.hourly_bytes(now, network.ip))


def rows_of(part, draws: int) -> Callable:
    """Takes some draws out of a number, if it has any."""

    def taken(value):
        if not isinstance(value, np.ndarray) or value.ndim < 2 or value.shape[0] != draws:
            return value
        return value[part] if isinstance(part, slice) else value.take(part, axis=0)

    return taken


def slim(value):
    """A number as Python's own float, whatever the shape of the array it stands in."""
    return value if value is None or type(value) is float else float(np.reshape(value, ()))


def chunks(draws: int, meant=None):
    """Draws in pieces that fit the cache: slices of all, or the numbers of those that are meant."""
    if meant is None:
        return [slice(k, k + CHUNK) for k in range(0, draws, CHUNK)]
    wanted = np.flatnonzero(meant)
    return [wanted[k : k + CHUNK] for k in range(0, wanted.size, CHUNK)]
