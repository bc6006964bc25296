"""A record of one's own: events that were sent and sessions of the app, by day, and who was in for what; wakes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model import checks, readers
from model.life.flow import Flow, Traffic, own_quiet, quiet
from model.scenario import Scenario, mode_of

if TYPE_CHECKING:
    import pandas as pd

DAY_S, MOST_DAYS = 86400.0, 1000
LASTS = "must be a time as text or in seconds since 1970"


@dataclass(frozen=True, eq=False)
class Received:
    """What was sent of one event to people in the app, one row a person told."""

    moment_s: np.ndarray
    weight: np.ndarray  # how many people a row stands for
    into_s: np.ndarray  # since the session began
    left_s: np.ndarray  # until it ended
    user: np.ndarray
    day: np.ndarray


@dataclass(frozen=True, eq=False)
class Record:
    """Whole days of events and, where they are given, sessions."""

    days: int
    users: float
    sent: dict[str, np.ndarray]  # by event, of each day
    recipients: dict[str, np.ndarray]
    told: dict[str, Received]  # by event; empty where no sessions are given
    user: np.ndarray  # of each session, in the order of user and start
    start_s: np.ndarray
    length_s: np.ndarray
    day: np.ndarray

    @property
    def active_days(self) -> np.ndarray:
        """People who were active, of each day."""
        seen = np.unique(np.stack([self.user, self.day]), axis=1)
        return self.by_day(seen[1])

    def by_day(self, day: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
        """A count, or a sum of weights, of each day."""
        return np.bincount(day, weights=weight, minlength=self.days).astype(float)

    @property
    def peak_to_mean(self) -> float:
        """Time in the app in the busiest hour of the record over that of its mean hour."""
        edges = 3600.0 * np.arange(24 * self.days + 1)
        begun, ended = _passed(self.start_s, edges), _passed(self.start_s + self.length_s, edges)
        hours = np.diff(begun - ended)
        return float(np.clip(hours.max() / hours.mean(), 1.0, 24.0))


def _passed(moments_s: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """At each edge the time since every moment before it, added up."""
    moments_s = np.sort(moments_s)
    count = np.searchsorted(moments_s, edges)
    return edges * count - np.concatenate([[0.0], np.cumsum(moments_s)])[count]


def _frame(given, what: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """The rows of a DataFrame or a CSV file, with the columns that they must have."""
    import pandas as pd

    place = ""
    if isinstance(given, (str, Path)):
        place = str(given)
        try:
            given = pd.read_csv(given, dtype={c: str for c in ("recipients", "user", "event")}, keep_default_na=False)
        except (OSError, ValueError) as wrong:  # pandas' own errors of parsing are ValueErrors
            checks.fail(f"{what} must be a CSV file with {', '.join(columns)}; {str(wrong).splitlines()[0]}", place)
    if not isinstance(given, pd.DataFrame):
        checks.fail(f"{what} must be a table or a CSV file; got {checks.shown(given)}")
    for column in columns:
        if column not in given.columns:
            found = ", ".join(map(str, given.columns)) or "none"
            checks.fail(f"{what} must have a column {column}; got {found}", place)
    if given.empty:
        checks.fail(f"{what} must have at least one row; got none", place)
    return given


def _connections(path) -> pd.DataFrame | None:
    """The sessions of an access log of WebSockets, each connection one, a caller one person; nothing of a CSV file."""
    import pandas as pd

    if not isinstance(path, (str, Path)) or str(path).endswith(".csv"):
        return None
    log = readers.read(path)
    if not isinstance(log, readers.AccessLog) or log.sessions.empty:
        checks.fail("sessions must be a CSV file, or an access log with WebSocket connections; this is neither", path)
    rows = log.sessions[log.sessions["life_s"] > 0]
    return pd.DataFrame({"user": rows["caller"], "start": rows["start_s"], "end": rows["start_s"] + rows["life_s"]})


def seconds(column, name: str) -> np.ndarray:
    """Times as seconds since 1970, from numbers or text; a time without a zone is UTC."""
    import pandas as pd

    as_numbers = pd.to_numeric(column, errors="coerce")
    if as_numbers.notna().all() and not np.issubdtype(column.dtype, np.datetime64):
        return as_numbers.to_numpy(dtype=float)
    found = pd.to_datetime(column, utc=True, errors="coerce", format="ISO8601" if column.dtype == object else None)
    wrong = found.isna()
    if wrong.any():
        row = int(np.argmax(wrong.to_numpy()))
        checks.fail(f"{name} {LASTS}; got {checks.shown(column.iloc[row])} in row {row + 1}")
    epoch = pd.Timestamp(0, tz="UTC")
    return ((found - epoch) / pd.Timedelta(seconds=1)).to_numpy(dtype=float)


def record(scenario: Scenario, events, sessions=None, users: float | None = None, seed: int = 0) -> Record:
    """Events and sessions as a record of whole days, each recipient found in the session they were in.

    `recipients` holds how many people an event was for, or their ids with spaces between. Of a number only the
    scenario's online share is in the app, in sessions that were open at that moment.
    """
    import pandas as pd

    events = _frame(events, "events", ("time", "event", "recipients"))
    when = seconds(events["time"], "time")
    for name in pd.unique(events["event"]):
        checks.known("event", name, scenario.events)
    begin, end, who = np.zeros(0), np.zeros(0), pd.Series([], dtype=str)
    if sessions is not None:
        logged = _connections(sessions)
        sessions = _frame(sessions if logged is None else logged, "sessions", ("user", "start", "end"))
        begin, end = (seconds(sessions[name], name) for name in ("start", "end"))
        who = sessions["user"].astype(str)
        if np.any(end <= begin):
            row = int(np.argmax(end <= begin))
            checks.fail(f"a session must end after it starts; it does not in row {row + 1} of sessions")
    moments = np.concatenate([when, begin])
    first = np.floor(moments.min() / DAY_S) * DAY_S
    days = int((moments.max() - first) // DAY_S) + 1
    if days > MOST_DAYS:
        checks.fail(f"a record must span at most {MOST_DAYS:,} days; this one spans {days:,}")
    when, begin, end = when - first, begin - first, end - first
    names, user = np.unique(who.to_numpy(dtype=str), return_inverse=True) if begin.size else (np.zeros(0, str), [])
    user = np.asarray(user, dtype=int)
    if users is not None and users < names.size:
        checks.fail(f"users must be at least the {names.size:,} people of the sessions; got {users:,g}")
    order = np.lexsort([begin, user])
    user, begin, length = user[order], begin[order], (end - begin)[order]
    base = Record(
        days=days,
        users=float(users or names.size or np.max(scenario.users)),
        sent={},
        recipients={},
        told={},
        user=user,
        start_s=begin,
        length_s=length,
        day=(begin // DAY_S).astype(int),
    )
    rng = np.random.default_rng(seed)
    for name, rows in events.groupby("event", sort=False).indices.items():
        at, day = when[rows], (when[rows] // DAY_S).astype(int)
        base.sent[name] = base.by_day(day)
        listed = events["recipients"].iloc[rows]
        counts = pd.to_numeric(listed, errors="coerce").to_numpy(dtype=float)
        if np.isnan(counts).any():
            ids = listed.astype(str).str.split()
            counts = ids.str.len().to_numpy(dtype=float)
            at = np.repeat(at, counts.astype(int))
            found = _of_users(base, names, at, np.concatenate([*ids, np.zeros(0, str)]).astype(str))
        else:
            checks.non_negative("recipients", counts, "people")
            found = _of_open(base, at, counts * mode_of(scenario.events[name].online_share), rng)
        base.recipients[name] = base.by_day(day, counts)
        if begin.size:
            base.told[name] = found
    return base


def _taken(base: Record, at: np.ndarray, row: np.ndarray, weight: np.ndarray) -> Received:
    """The deliveries at moments in those rows of the sessions."""
    into = at - base.start_s[row]
    left = base.length_s[row] - into
    return Received(at, weight, into, left, base.user[row], (at // DAY_S).astype(int))


def _of_users(base: Record, names: np.ndarray, at: np.ndarray, ids: np.ndarray) -> Received:
    """What came to people who were in the app at that moment: in the last of their sessions that had begun."""
    place = np.minimum(np.searchsorted(names, ids), max(names.size - 1, 0))
    known = names[place] == ids if names.size else np.zeros(ids.size, bool)
    span = DAY_S * (base.days + 1)  # longer than the record, so that users stand apart on one line
    row = np.searchsorted(base.user * span + base.start_s, place * span + at, side="right") - 1
    good = known & (row >= 0)
    row, at, place = row[good], at[good], place[good]
    there = (base.user[row] == place) & (at - base.start_s[row] < base.length_s[row])
    return _taken(base, at[there], row[there], np.ones(int(there.sum())))


def _of_open(base: Record, at: np.ndarray, weight: np.ndarray, rng) -> Received:
    """What came to so many people in the app, each put into one of the sessions that were open at that moment."""
    by_start = np.argsort(base.start_s, kind="stable")
    start, longest = base.start_s[by_start], float(base.length_s.max(initial=0.0))
    rows, kept = [], []
    for k, moment in enumerate(at):
        low, high = np.searchsorted(start, [moment - longest, moment], side="right")
        near = by_start[low:high]
        open_now = near[moment - base.start_s[near] < base.length_s[near]]
        if open_now.size:
            rows.append(int(rng.choice(open_now)))
            kept.append(k)
    return _taken(base, at[kept], np.array(rows, dtype=int), weight[kept])


APART_S = 2.0  # exchanges within it are one wake-up


def wakes_per_hour(traffic: Traffic, pushed: Mapping | None = None) -> np.ndarray:
    """Wake-ups an active hour: exchanges of a design more than 2 s after the one before them.

    Timers have phases of their own, what comes at random has no memory; of the pushes `pushed` may tell, by event, the
    share that comes after such a silence of pushes and the mean time that one covers, as a record has them.
    Source: cox1962.
    """
    flows = [f for f in traffic.flows if f.exchange != "none" and f.rates_per_s and not f.rides]
    per_s = sum((place.weight * _at(flows, name, pushed) for name, place in traffic.life.places.items()), np.zeros(1))
    return 3600.0 * np.asarray(per_s)


def _at(flows: list[Flow], place: str, pushed: Mapping | None):
    """Wake-ups a second at a place."""
    here = [f for f in flows if place in f.rates_per_s]
    told = (
        [] if pushed is None else [(f, *pushed.get(f.events[0], (1.0, APART_S))) for f in here if f.exchange == "push"]
    )
    others = [f for f in here if pushed is None or f.exchange != "push"]
    covered = sum((f.rates_per_s[place] * seconds for f, _, seconds in told), np.zeros(1))
    alone = np.broadcast_arrays(1.0 - np.minimum(covered, 1.0), *(quiet(f, place, APART_S) for f in others))
    wakes = sum((f.rates_per_s[place] * share for f, share, _ in told), np.zeros(1)) * np.prod(alone[1:], axis=0)
    for k, flow in enumerate(others, 1):
        rest = np.prod([*alone[:k], *alone[k + 1 :]], axis=0)
        wakes = wakes + flow.rates_per_s[place] * own_quiet(flow, place, APART_S) * rest
    return wakes
