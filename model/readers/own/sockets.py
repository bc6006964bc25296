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

from model.readers.own.gaps import gap_table, kinds
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
