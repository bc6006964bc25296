"""The WebSocket connections of a HAR: messages each way, and which of them are heartbeats.

Messages are put into groups by their form (the keys of a JSON object and the value of its type, or the letters of a
text). The form is worked out here and not handed on: a group is a number.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model.readers.own.opening import listed, number, seconds, within

if TYPE_CHECKING:
    import pandas as pd

TYPES = ("type", "event", "t", "op", "action", "kind", "method", "cmd", "command", "eventName", "target")


@dataclass(frozen=True)
class HarSocket:
    """One WebSocket connection; sizes in bytes, times in s since 1970, nan where the file does not know.

    - `messages`: a row a message: time_s, sent (by the browser), bytes (payload), opcode, group
    - `groups`: a row a form of message: group, sent, messages, bytes (sum), median_bytes, mean_gap_s, median_gap_s,
      even, kind: heartbeat (small, of one size, by a timer; its period is the mean gap), answer (one for each
      heartbeat), message
    - `declared_request_header_bytes` is what the file says; it is wrong in most writers
    """

    url: str
    start_s: float
    status: int
    request_header_bytes: float
    response_header_bytes: float
    declared_request_header_bytes: float
    declared_response_header_bytes: float
    messages: pd.DataFrame
    groups: pd.DataFrame

    @property
    def open_s(self) -> float:
        """Seconds from the first to the last message; 0 for fewer than two."""
        return float(np.ptp(self.messages["time_s"])) if len(self.messages) else 0.0


def form(data: str) -> Any:
    """What messages of one kind have in common."""
    if data[:1] == "{" and len(data) < 65536:
        try:
            content = json.loads(data)
            kind = next((content[k] for k in TYPES if isinstance(content.get(k), (str, int))), None)
            return tuple(sorted(content)), str(kind)[:40]
        except (ValueError, RecursionError):
            pass
    return re.sub(r"\d+", "0", data[:24])


def payload_bytes(message: Mapping) -> int:
    """The size of a message's content; binary ones are written in base64."""
    data = str(message.get("data") or "")
    if message.get("opcode") == 2:
        return len(data) * 3 // 4 - data[-2:].count("=")
    return len(data.encode("utf-8", "replace"))


def group_table(table: pd.DataFrame) -> pd.DataFrame:
    """The forms of message, each with its count, sizes, gaps and kind."""
    import pandas as pd

    count = int(table["group"].max()) + 1 if len(table) else 0
    gaps = gap_table(table["time_s"].to_numpy(), table["group"].to_numpy(), count)
    timed = kinds(gaps) == "timer"
    rows = []
    for group, part in table.groupby("group"):
        size = part["bytes"]
        beat = timed[group] and gaps["median_gap_s"][group] >= 1 and size.max() <= 256 and np.ptp(size) <= 16
        rows.append(
            {
                "group": group,
                "sent": bool(part["sent"].iloc[0]),
                "messages": len(part),
                "bytes": int(size.sum()),
                "median_bytes": float(size.median()),
                **{name: gaps[name][group] for name in ("mean_gap_s", "median_gap_s", "even")},
                "kind": "heartbeat" if beat else "message",
            }
        )
    found = pd.DataFrame(
        rows, columns=[*"group sent messages bytes median_bytes mean_gap_s median_gap_s even kind".split()]
    )
    for at, own in found[found["kind"] == "heartbeat"].iterrows():
        asked = table.loc[table["group"] == own["group"], "time_s"].to_numpy()
        for other, row in found.iterrows():
            if (
                row["sent"] == own["sent"]
                or abs(row["messages"] - own["messages"]) > 1
                or found.at[at, "kind"] == "answer"
            ):
                continue
            came = table.loc[table["group"] == row["group"], "time_s"].to_numpy()
            late = came - asked[np.maximum(np.searchsorted(asked, came, "right") - 1, 0)]
            if (np.abs(late) < 0.25 * own["median_gap_s"]).mean() > 0.8 and late.min() >= 0:
                found.at[other, "kind"] = "answer"
    return found


def socket(entry: Mapping, url: str, header_bytes: tuple[float, float, bool]) -> HarSocket:
    """The connection that an entry describes."""
    import pandas as pd

    said = [m for m in listed(entry, "_webSocketMessages") if isinstance(m, dict)]
    forms: dict[Any, int] = {}
    rows = [
        (
            seconds(m.get("time")),
            m.get("type") == "send",
            payload_bytes(m),
            int(np.nan_to_num(number(m.get("opcode")))),
            forms.setdefault((m.get("type") == "send", form(str(m.get("data") or ""))), len(forms)),
        )
        for m in said
    ]
    table = pd.DataFrame(rows, columns=["time_s", "sent", "bytes", "opcode", "group"])
    declared = (number(within(entry, side, "headersSize"), 1) for side in ("request", "response"))
    status = int(np.nan_to_num(number(within(entry, "response", "status"))))
    start = seconds(within(entry, "startedDateTime"))
    return HarSocket(url, start, status, *header_bytes[:2], *declared, table, group_table(table))


GAPS = "gaps mean_gap_s median_gap_s shortest_gap_s longest_gap_s even stretched spread".split()
EVEN = 0.05  # a gap within this share of the median is even


def gap_table(times: np.ndarray, groups: np.ndarray, count: int) -> dict[str, np.ndarray]:
    """By group the gaps between its times: how many, mean, median, shortest, longest, share within 5 % of the median,
    how many are stretched beyond 1.5 medians, and the middle half's width over the median."""
    order = np.lexsort((times, groups))
    groups, gaps = groups[order], np.diff(times[order])
    inside = groups[1:] == groups[:-1]
    gaps, groups = gaps[inside], groups[1:][inside]
    order = np.lexsort((gaps, groups))
    gaps, groups = gaps[order], groups[order]
    many = np.bincount(groups, minlength=count)
    start, some = np.cumsum(many) - many, many > 0

    def quantile(share: float) -> np.ndarray:
        at = start[some] + share * (many[some] - 1)
        low = np.floor(at).astype(int)
        high = np.minimum(low + 1, start[some] + many[some] - 1)
        return gaps[low] + (at - low) * (gaps[high] - gaps[low])

    def spread(values: np.ndarray) -> np.ndarray:
        found = np.full(count, np.nan)
        found[some] = values
        return found

    middle = spread(quantile(0.5))
    share = np.bincount(groups, np.abs(gaps - middle[groups]) <= EVEN * middle[groups], count)
    with np.errstate(divide="ignore", invalid="ignore"):
        return {
            "gaps": many,
            "mean_gap_s": np.bincount(groups, gaps, count) / many,
            "median_gap_s": middle,
            "shortest_gap_s": spread(gaps[start[some]]),
            "longest_gap_s": spread(gaps[start[some] + many[some] - 1]),
            "even": share / many,
            "stretched": np.bincount(groups, gaps > 1.5 * middle[groups], count).astype(int),
            "spread": spread(quantile(0.75) - quantile(0.25)) / middle,
        }


def kinds(table: dict[str, np.ndarray]) -> np.ndarray:
    """By group what made its requests: a timer, a hand (gaps as uneven as chance), a page (all at once), or unknown."""
    timer = (table["spread"] < 0.25) & (table["gaps"] >= 2) | (table["even"] >= 0.5) & (table["gaps"] >= 5)
    kind = np.where(timer, "timer", "hand")
    kind[table["gaps"] < 2] = "unknown"
    kind[(table["gaps"] >= 2) & (table["median_gap_s"] < 0.5)] = "page"
    return kind
