"""Replay: a record's own events and sessions, one by one, through every design of a scenario."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np

from model import checks, ledger
from model.calibration.record import APART_S, Received, Record, record, wakes_per_hour
from model.latency import LIMITS_S, branches, undelivered_share
from model.latency.deliveries import COLUMNS, Points, components_s
from model.latency.tables import CURVE_S
from model.life.flow import AWAY
from model.life.lengths import mean_billed_minutes, mean_cuts
from model.outcome import Outcome, Side, spanned
from model.outcome.tables import compared
from model.scenario import Scenario, load, sampling
from model.traffic import Traffic
from model.traffic import traffic as traffic_of

WAKES = "radio wake-ups"


@dataclass(frozen=True, eq=False)
class ReplayedSide(Side):
    """A design's figures for a record: of each draw the days as they were drawn."""

    record: Record
    days: np.ndarray  # how often each day stands in each draw, (draws, days)
    told: Mapping[str, np.ndarray]  # by event, the delay of each delivery; infinite where it was never seen

    def _total(self, measure: str):
        return 100.0 * (1.0 - self.told_in_time[10.0]) if measure == "latency" else super()._total(measure)

    @cached_property
    def _every(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Delay, weight and day of every delivery, in the order of the delays."""
        found = [(self.told[e], d.weight, d.day) for e, d in self.record.told.items()]
        delay, weight, day = (np.concatenate([np.zeros(0), *column]) for column in zip(*found, strict=True))
        order = np.argsort(delay, kind="stable")
        return delay[order], weight[order], day[order].astype(int)

    def told_share(self, within_s: float) -> np.ndarray:
        """Share of what was sent to people in the app that they saw within a time and in their session."""
        delay, weight, day = self._every
        soon = np.isfinite(delay) & (delay <= within_s)
        told, sent = (self.days @ self.record.by_day(day, weight * part) for part in (soon, 1.0))
        return np.divide(told, sent, out=np.full(told.shape, np.nan), where=sent > 0)[:, None]

    @cached_property
    def told_in_time(self) -> dict:
        """The share told by each limit, and at all in the session."""
        return {limit: self.told_share(limit) for limit in LIMITS_S}

    def latency_quantiles(self, shares) -> np.ndarray:
        """Quantiles of latency over all that was sent to people in the app, the unseen infinitely late."""
        delay, weight, day = self._every
        found = np.full((len(tuple(shares)), len(self.days), 1), np.nan)
        for draw, days in enumerate(self.days):
            heap = np.cumsum(days[day] * weight)
            if heap.size and heap[-1] > 0:
                place = np.searchsorted(heap, np.asarray(shares) * heap[-1])
                found[:, draw, 0] = delay[np.minimum(place, delay.size - 1)]
        return found

    @cached_property
    def wakes_per_hour(self) -> np.ndarray:
        """Radio wake-ups an active hour, pushes as near each other as the record has them: (draws, users)."""
        return np.broadcast_to(wakes_per_hour(self.traffic, _apart(self.record)), (len(self.days), 1))


@dataclass(frozen=True)
class Replay(Outcome):
    """The outcome of a record; its draws are resamples of the record's days."""

    record: Record = field(kw_only=True, repr=False)

    @property
    def _at_modes(self) -> Mapping[str, Side]:
        return self.sides

    def curve(self):
        """The share told within a time, over the time: a row a time, a column a design with its low and high."""
        import pandas as pd

        names = list(self.sides)
        rows = {t: {k: v for n in names for k, v in self._span(n, self.sides[n], float(t)).items()} for t in CURVE_S}
        return pd.DataFrame.from_dict(rows, orient="index").rename_axis("within, s")

    def _span(self, name: str, side: Side, within_s: float) -> dict:
        from model.latency import told_share

        of = side.told_share(within_s) if isinstance(side, ReplayedSide) else told_share(side.traffic, within_s)
        return spanned(name, of[:, 0]) if self.draws else {name: float(of[0, 0])}

    def _crowd_lines(self) -> list[str]:
        return []  # who was in the app is in the record

    def designs(self, names: Sequence[str] | None = None):
        """Designs side by side, as `compare` has them, with radio wake-ups in a row of their own."""
        sides = {name: self[name] for name in names or self.sides}
        table = compared(self, list(sides))
        wakes = {n: np.ravel(_wakes(s)) for n, s in sides.items()}
        row = {n: float(np.median(w)) for n, w in wakes.items()}
        if self.draws:
            row = {k: v for n, w in wakes.items() for k, v in spanned(n, w).items()}
        least = min(row[n] for n in wakes)
        table.loc[WAKES, "unit"] = "1/active hour"
        for column, value in {**row, "best": " and ".join(n for n in wakes if row[n] <= least)}.items():
            table.loc[WAKES, column] = value
        return table


def _wakes(side: Side):
    return side.wakes_per_hour if isinstance(side, ReplayedSide) else wakes_per_hour(side.traffic)


def replay(
    scenario: Scenario | str, events, sessions=None, users: float | None = None, draws: int = 200, seed: int = 0
) -> Replay:
    """What a record of one's own would have looked like under every design: its events and sessions, one by one.

    Each event meets each of its recipients in the session they were in: a timer that starts with the session fires at
    multiples of its period from then, whatever else delays it is drawn, and what comes behind the session's end was
    not seen. Bill, data, battery and load take the record's own counts, connection minutes and cuts of its own
    sessions. No chance of an arrival, no mix of events, no length of sessions and no online share is assumed.

    Parameters
    ----------
    scenario : Scenario or str, the designs and everything that is not in the record; ranges count at their modes
    events : pandas.DataFrame or path of a CSV file, columns `time` (text or seconds since 1970), `event` and
        `recipients`: the ids of those who were to be told with spaces between, or how many they were
    sessions : pandas.DataFrame or path of a CSV file, optional, columns `user`, `start` and `end`; or an access log
        of WebSockets, each connection a session; without them the scenario's own sessions and online share hold, and
        each event's rate is the record's
    users : float, optional, users in the month; those in the sessions, else the scenario's, where none is given [users]
    draws : int, resamples of the record's days; 0 takes the days as they were
    seed : int, seed of the resamples and of what is drawn

    Returns: Replay, an outcome whose draws are the resampled days, at one user count; `designs()` is its table with
    radio wake-ups, `curve()` the share told over time
    Raises: InputError, an unknown event (the nearest is offered), a missing column, no times, a session that ends
    before it starts

    Notes
    -----
    A month is the record's mean day times the days that are billed. Where `recipients` is a number, nobody says who was
    in the app: the scenario's online share is, in sessions that were open at that moment. Phases of timers are drawn
    for wake-ups, and one day alone has no interval.
    Source: cox1962.
    """
    scenario = load(scenario)
    sampling.check_draws(draws)
    if draws > sampling.QUANTILE_DRAWS:
        checks.fail(f"draws must be at most {sampling.QUANTILE_DRAWS:,} resamples of the days; got {draws:,}")
    kept = record(scenario, events, sessions, users, seed)
    rng = np.random.default_rng(seed)
    days = rng.multinomial(kept.days, np.full(kept.days, 1.0 / kept.days), draws) if draws else np.ones((1, kept.days))
    drawn, base = (_as_recorded(scenario, kept, w) for w in (days.astype(float), np.ones((1, kept.days))))
    book = drawn.price_book()
    sides: dict[str, Side] = {}
    for name in scenario.designs:
        traffic = traffic_of(name, drawn)
        if not kept.start_s.size:
            sides[name] = Side(traffic, book)
            continue
        plain = traffic_of(name, base)
        told = {e: _delays_s(plain, e, d, seed) for e, d in kept.told.items()}
        sides[name] = ReplayedSide(_counted(traffic, kept, days), book, kept, days, told)
    return Replay(scenario, np.array([kept.users]), draws, sides, seed, record=kept)


def _as_recorded(scenario: Scenario, kept: Record, days: np.ndarray) -> Scenario:
    """The scenario with plain numbers, its rates and sessions those of the days as drawn: (draws, 1)."""
    plain, whole = sampling.resolved(scenario, [kept.users]), days.sum(axis=1)[:, None]

    def of(by_day):
        return (days @ by_day)[:, None]

    def over(part, all_):
        return np.divide(part, all_, out=np.zeros(np.shape(part)), where=np.asarray(all_) > 0)

    use = plain.usage
    active = kept.users * use.dau_mau_share * whole
    if kept.start_s.size:
        active, sessions, length = (
            of(kept.active_days),
            of(kept.by_day(kept.day)),
            of(kept.by_day(kept.day, kept.length_s)),
        )
        use = use.model_copy(
            update={
                "dau_mau_share": active / whole / kept.users,
                "sessions_per_day": over(sessions, active),
                "session_mean_s": np.maximum(over(length, sessions), 1e-9),
                "session_sigma_ln": max(float(np.std(np.log(kept.length_s))), 1e-3),
                "peak_to_mean_ratio": kept.peak_to_mean,
            }
        )
    events = {}
    for name, one in plain.events.items():
        zero = np.zeros(kept.days)
        sent, recipients = of(kept.sent.get(name, zero)), of(kept.recipients.get(name, zero))
        own: dict = {"every_s": None, "audience": "recipients"}  # the record says who was told, and when
        own |= {"per_active_day": over(sent, active), "recipients": over(recipients, sent)}
        if name in kept.told:
            own["online_share"] = over(of(kept.by_day(kept.told[name].day, kept.told[name].weight)), recipients)
        events[name] = one.model_copy(update=own)
    return plain.model_copy(update={"usage": use, "events": events})


def _counted(traffic: Traffic, kept: Record, days: np.ndarray) -> Traffic:
    """The traffic with connection minutes and cuts of the record's own sessions in the place of a lognormal's."""
    life, use, socket = traffic.life, traffic.life.scenario.usage, traffic.life.design.socket
    if socket is None or socket.backend != "apigw_ws":
        return traffic
    grace, limit = float(np.ravel(socket.grace_s)[0]), ledger.quotas()["apigw_ws_connection_s"]
    count = (days @ kept.by_day(kept.day))[:, None]

    def more(each: np.ndarray, mean):
        own = (days @ kept.by_day(kept.day, each))[:, None] / np.maximum(count, 1.0)
        return (own - mean) * life.sessions * (1.0 - socket.blocked_share)

    shape = use.session_mean_s, use.session_sigma_ln, grace
    open_s = kept.length_s + grace
    minutes = more(np.ceil(open_s / 60.0), mean_billed_minutes(*shape))
    cuts = more(np.floor(open_s / limit), mean_cuts(*shape, limit))
    extra = {"minutes": minutes, "connect": cuts, "disconnect": cuts}
    flows = [
        replace(f, per_month=f.per_month + extra[f.kind]) if f.kind in extra and not f.name.endswith(AWAY) else f
        for f in traffic.flows
    ]
    return replace(traffic, flows=flows)


def _apart(kept: Record) -> dict[str, tuple[float, float]]:
    """By event: the share of deliveries with none in the 2 s before, and the mean time until the next, at most 2 s."""
    every = [*kept.told.items()]
    user = np.concatenate([np.zeros(0, int), *(d.user for _, d in every)])
    moment = np.concatenate([np.zeros(0), *(d.moment_s for _, d in every)])
    which = np.repeat(np.arange(len(every)), [d.user.size for _, d in every])
    order = np.lexsort([moment, user])
    gap = np.where(np.diff(user[order]) == 0, np.diff(moment[order]), np.inf)
    before, after = np.r_[np.inf, gap], np.r_[gap, np.inf]
    found = dict.fromkeys(kept.told, (1.0, APART_S))
    for k, (name, _) in enumerate(every):
        mine = which[order] == k
        if mine.any():
            found[name] = float((before[mine] > APART_S).mean()), float(np.minimum(after[mine], APART_S).mean())
    return found


def _delays_s(traffic: Traffic, event: str, sent: Received, seed: int) -> np.ndarray:
    """The delay of each delivery under a design, infinite where nothing told them before their session ended."""
    rng, count = np.random.default_rng(seed), sent.moment_s.size
    at = {name: rng.random((count, 1, 1)) for name in COLUMNS}
    ways = branches(traffic, event) if count else []
    reached = 1.0 - float(np.ravel(undelivered_share(traffic, event))[0])
    edges = np.cumsum([0.0, *(float(np.ravel(way.share)[0]) for way in ways)]) * reached
    which, found = np.searchsorted(edges, np.ravel(at["way"]), side="right") - 1, np.full(count, np.inf)
    for k, way in enumerate(ways):
        rows = np.flatnonzero(which == k)
        here = Points({name: u[rows] for name, u in at.items()})
        if way.period_s is not None:
            here["poll wait"] = _phase(way, sent.into_s[rows])
        found[rows] = np.ravel(sum(components_s(way, here).values()) + np.zeros((rows.size, 1, 1)))
    return np.where(found < sent.left_s, found, np.inf)


def _phase(way, into_s: np.ndarray) -> np.ndarray:
    """The point of a poll's wait that ends at the next multiple of its period since the session's start."""
    period = float(np.ravel(way.period_s)[0])
    return ((-into_s % period) / period)[:, None, None]
