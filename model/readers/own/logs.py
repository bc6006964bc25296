"""Access logs, read line by line: API Gateway (HTTP, REST and WebSocket, JSON), load balancer, combined."""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from model import checks, paths
from model.readers.own.log_lines import COLUMNS, EVENTS, FORMS, MORE, MOST_NAMES, Numbers, reader
from model.readers.own.opening import OwnFile, Progress, clean, document, head, lines, listed, opened, own_file, within
from model.readers.own.sockets import GAPS, gap_table, kinds

if TYPE_CHECKING:
    import pandas as pd

MOST_LINES = 30_000_000  # they are held as numbers, about 50 bytes a line
SORTED = 200_000  # lines whose gaps are sorted at once
AT_ONCE = 10_000  # rows that are held before they go into the arrays
MESSAGES = re.compile(r'\s*\{\s*"(events|searchedLogStreams|nextToken)"\s*:')


@dataclass(frozen=True)
class AccessLog:
    """What access logs tell; times in s (since 1970 where they end in `time_s`, `start_s`), sizes in bytes.

    - `rows`: a row a line, in the file's order: time_s, caller (a number by first appearance: no address, no name),
      route (category; method, masked path and the names of the query, or the route key), status, sent_bytes; of API
      Gateway and a load balancer also server_s (time in the server, nan where a line has none); of a load balancer
      type, target_status, received_bytes, open_s (from the request's arrival to its end: a WebSocket's life); of API
      Gateway event (CONNECT, MESSAGE, DISCONNECT, or "" for HTTP), connection (a number) and reason
    - `loops`: a row a caller (of WebSockets a connection) and route asked at least three times: caller, route,
      requests, failed, bytes, kind (timer, hand, page), period_s (the median gap of a timer, else nan), mean_gap_s,
      median_gap_s, shortest_gap_s, longest_gap_s, even (share within 5 % of the median), stretched
    - `sessions`: a row a WebSocket connection (its number is the index): caller, start_s, life_s, began (its CONNECT
      is in the log), ended (its DISCONNECT is), messages, reason (as written, "" where the log has none). Where `began`
      or `ended` is False the life is a lower bound (censored): from the first line of the log, or to its last
    - `refused`: connects that were answered by an error
    - `callers`: how many there are; by address they are not people (an address holds many, a phone has several)
    """

    files: tuple[OwnFile, ...]
    form: str
    rows: pd.DataFrame
    loops: pd.DataFrame
    sessions: pd.DataFrame
    refused: int
    callers: int


def access_log(path: str | Path | Sequence[str | Path], progress: Progress | None = None) -> AccessLog:
    """What one or several access logs of one form tell, read line by line: requests, polling loops, sessions.

    Parameters
    ----------
    path : path or list of paths, logs of one form, gz or not: API Gateway's in JSON (lines, or what
        `aws logs filter-log-events` wrote), a load balancer's, or the combined format of nginx and Apache
    progress : function, optional, is called with the share that is read, now and then

    Returns: AccessLog, see its own text
    Raises: InputError, a file that cannot be read, is no such log, or of which more than 1 % of the lines say nothing
    """
    files = [Path(path)] if isinstance(path, (str, Path)) else [Path(one) for one in path]
    forms = {form_of(one) for one in files}
    if len(forms) != 1:
        checks.fail(f"access logs that are read together must have one form; got {', '.join(sorted(forms)) or 'none'}")
    form = forms.pop()
    kinds_ = {**COLUMNS, **MORE[form]}
    arrays, names, facts = {name: array(kind) for name, kind in kinds_.items()}, Numbers(MOST_NAMES), []
    row = reader(form, names)
    for at, one in enumerate(files):
        before = len(arrays["time_s"])
        notes = fill(
            one, form, row, list(arrays.values()), progress and (lambda s, at=at: progress((at + s) / len(files)))
        )
        own = np.frombuffer(arrays["time_s"])[before:]
        count, span = len(own), (own.min(initial=np.inf), own.max(initial=-np.inf))
        del own  # an array that is looked at cannot grow
        facts.append(own_file(one, f"access log, {form}", count, span, "", notes))
    return log_tables(tuple(facts), form, {n: np.frombuffer(a, a.typecode) for n, a in arrays.items()}, list(names))


def form_of(path: Path) -> str:
    """The form of an access log by the first of its lines that has one."""
    start = head(path).decode("utf-8", "replace")
    if MESSAGES.match(start):
        return "api gateway"
    for line in start.split("\n")[:20]:
        for form, pattern in FORMS.items():
            if pattern.match(line):
                return form
    checks.fail(f"an access log must have one of the forms {', '.join(FORMS)}; got none", clean(paths.shown(path)))


def fill(path: Path, form: str, row: Callable, arrays: list[array], progress: Progress | None) -> list[str]:
    """Add a row a line to the arrays; what was left out comes back as notes."""
    place, bad, number, last, first, held = clean(paths.shown(path)), 0, 0, 0, 0, []
    with opened(path) as (stream, share):
        inside = MESSAGES.match(head(path).decode("utf-8", "replace"))
        for number, raw in enumerate(messages(path) if inside else lines(stream, share, place, progress), 1):
            try:
                values = row(raw.decode("utf-8", "replace"))
                if not (0 < values[0] < 1e11 and 0 <= values[3] < 1000 and 0 <= values[4] < 1 << 60):
                    raise ValueError
                held.append(values)
            except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
                if raw.strip() and raw[:1] != b"#":
                    bad, last, first = bad + 1, number, first or number
            if len(held) == AT_ONCE:
                keep(held, arrays)
            if number > MOST_LINES:
                checks.fail(f"an access log must have at most {MOST_LINES:,} lines; split it by day", place)
    keep(held, arrays)
    if bad > number / 100 + (last == number):
        checks.fail(f"a line must be of the form {form!r}; {bad:,} of {number:,} are not", f"{place}:{first}")
    if not len(arrays[0]):
        checks.fail("an access log must hold a line with a request; got none", place)
    return [f"{bad:,} of {number:,} lines could not be read and are left out."] if bad else []


def keep(held: list[tuple], arrays: list[array]) -> None:
    """Move rows into the arrays, a column each."""
    for column, values in zip(arrays, zip(*held, strict=True), strict=bool(held)):
        column.extend(values)
    held.clear()


def messages(path: Path) -> Iterator[bytes]:
    """The lines inside the answer of `aws logs filter-log-events`."""
    for event in listed(document(path), "events"):
        yield str(within(event, "message")).encode()


def log_tables(files: tuple[OwnFile, ...], form: str, columns: dict[str, np.ndarray], names: list[str]) -> AccessLog:
    """The tables of an `AccessLog` from its columns of numbers."""
    import pandas as pd

    for name in {"caller", "connection"} & columns.keys():
        columns[name] -= 1  # number 0 is that of no text
    loops, callers = loop_table(columns, names), int(columns["caller"].max()) + 1
    sessions = (socket_sessions if form == "api gateway" else balancer_sessions)(columns, names)
    texts = {"route": names, "type": names, "reason": names, "event": list(EVENTS)}
    for name in texts.keys() & columns.keys():
        columns[name] = pd.Categorical.from_codes(columns[name], texts[name])
    rows = pd.DataFrame(columns, copy=False)
    refused = int(((rows["event"] == "CONNECT") & (rows["status"] >= 400)).sum()) if "event" in rows else 0
    return AccessLog(files, form, rows, loops, sessions, refused, callers)


def loop_table(columns: dict[str, np.ndarray], names: list[str]) -> pd.DataFrame:
    """The callers and routes that were asked at least three times."""
    import pandas as pd

    who = columns["connection"] if "event" in columns and columns["event"].any() else columns["caller"]
    keys = who.astype(np.int64) * len(names) + columns["route"]
    pairs, many = np.unique(keys, return_counts=True)
    pairs, many = pairs[many >= 3], many[many >= 3]
    parts = []
    for part in np.split(np.arange(len(pairs)), np.flatnonzero(np.diff(np.cumsum(many) // SORTED)) + 1):
        if len(part):
            some = pairs[part]
            rows = np.flatnonzero((keys >= some[0]) & (keys <= some[-1]))
            code = np.searchsorted(some, keys[rows])
            rows, code = (which[some[code] == keys[rows]] for which in (rows, code))
            caller = np.zeros(len(part), int)
            caller[code[::-1]] = columns["caller"][rows[::-1]]
            failed = np.bincount(code, columns["status"][rows] >= 400, len(part)).astype(int)
            sizes = np.bincount(code, columns["sent_bytes"][rows], len(part))
            gaps = gap_table(columns["time_s"][rows], code, len(part))
            kind = kinds(gaps)
            period = {"kind": kind, "period_s": np.where(kind == "timer", gaps["median_gap_s"], np.nan)}
            parts.append(pd.DataFrame({"caller": caller, "failed": failed, "bytes": sizes, **period, **gaps}))
    table = (
        pd.concat(parts) if parts else pd.DataFrame(columns=["caller", "failed", "bytes", "kind", "period_s", *GAPS])
    )
    table.insert(1, "route", np.array(names, object)[pairs % len(names)])
    table.insert(2, "requests", many)
    return table.reset_index(drop=True)


def socket_sessions(columns: dict[str, np.ndarray], names: list[str]) -> pd.DataFrame:
    """The WebSocket connections of an API Gateway log; those whose connect was refused are none."""
    import pandas as pd

    some = columns["event"] > 0
    event, own, time, status, callers, reasons = (
        columns[name][some] for name in ("event", "connection", "time_s", "status", "caller", "reason")
    )
    connect, end = EVENTS.index("CONNECT"), EVENTS.index("DISCONNECT")
    count = int(own.max(initial=-1)) + 1
    first, last = np.full(count, np.inf), np.full(count, -np.inf)
    np.minimum.at(first, own, time)
    np.maximum.at(last, own, time)
    began, ended, refused = (np.zeros(count, bool) for _ in range(3))
    began[own[event == connect]] = True
    ended[own[event == end]] = True
    refused[own[(event == connect) & (status >= 400)]] = True
    caller, reason = np.zeros(count, int), np.zeros(count, int)
    caller[own[::-1]] = callers[::-1]
    reason[own[event == end]] = reasons[event == end]
    start, stop = np.where(began, first, columns["time_s"].min()), np.where(ended, last, columns["time_s"].max())
    return pd.DataFrame(
        {
            "caller": caller,
            "start_s": start,
            "life_s": stop - start,
            "began": began,
            "ended": ended,
            "messages": np.bincount(own, event == EVENTS.index("MESSAGE"), count).astype(int),
            "reason": np.array(names, object)[reason],
        }
    )[np.isfinite(first) & ~refused]


def balancer_sessions(columns: dict[str, np.ndarray], names: list[str]) -> pd.DataFrame:
    """The WebSocket connections of a load balancer's log, which writes a line when one closes."""
    import pandas as pd

    codes = [names.index(kind) for kind in ("ws", "wss") if kind in names]
    some = np.isin(columns.get("type", columns["status"]), codes) & (columns["status"] == 101)
    life = columns["open_s"][some] if some.any() else np.empty(0)
    table = {"caller": columns["caller"][some], "start_s": columns["time_s"][some] - life, "life_s": life}
    return pd.DataFrame({**table, "began": True, "ended": True, "messages": np.nan, "reason": ""})
