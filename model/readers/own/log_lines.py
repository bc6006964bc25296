"""The forms of access logs and what one line of each says. A caller leaves here as a number by first appearance."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from model.prices.list_meters import plain
from model.readers.own.opening import SECRET, clean, masked, number, seconds

COLUMNS = {"time_s": "d", "caller": "i", "route": "H", "status": "h", "sent_bytes": "q"}
MORE = {  # what only one form has
    "api gateway": {"server_s": "d", "event": "b", "connection": "i", "reason": "H"},
    "load balancer": {"server_s": "d", "type": "H", "target_status": "h", "received_bytes": "q", "open_s": "d"},
    "combined": {},
}
EVENTS = ("", "CONNECT", "MESSAGE", "DISCONNECT")
FORMS = {
    "api gateway": re.compile(r'.{0,200}?\{.*"(requestTime|requestTimeEpoch|routeKey|httpMethod|connectionId)"'),
    "load balancer": re.compile(r"(https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT\S+ \S+ \S+:\d+ "),
    "combined": re.compile(
        r"(?:\S+:\d+ )?(\S+) \S+ \S[^\[]* \[(\d\d/\w{3}/\d{4}:\d\d:\d\d):(\d\d) ([+-]\d{4})\] ?"
        r'"([^"\\]*(?:\\.[^"\\]*)*)" (\d{3}) (\d+|-)'
    ),
}
CHOICES = "action|cmd|feed|flav|format|method|mode|op|type|view"  # they choose an answer, so their values count
QUERY = re.compile(rf"(?:^|&)((?:{CHOICES})=[a-z0-9_-]{{1,16}}(?=&|$)|[^&=]+(?==))")  # others may be anything
FIELD = re.compile(r'"[^"]*"|\S+')
MONTHS = {name: at for at, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
NAMES = {  # the format of API Gateway's log is the user's own: where each thing may stand, as `plain` writes it
    "time": "requesttime requesttimeepoch time timestamp",
    "user": "principalid authorizerprincipalid identitycognitoidentityid user caller",
    "ip": "ip sourceip identitysourceip clientip",
    "method": "httpmethod method",
    "route": "routekey",
    "path": "resourcepath path",
    "status": "status statuscode",
    "length": "responselength bytes",
    "latency": "responselatency latency integrationlatency",
    "event": "eventtype",
    "connection": "connectionid",
    "reason": "disconnectreason disconnectstatuscode",
}
MOST_NAMES = 50_000  # routes and reasons told apart, numbers of two bytes; what comes after them is "other"
MOST_CALLERS = 4_000_000  # callers, and connections, that are told apart
NOTHING = (None, "", "-", "$default")


@lru_cache(4096)
def minute(text: str, zone: str) -> float:
    """The start of a minute such as 12/Oct/2026:08:00 in s since 1970."""
    day, month, year, hour, minutes = re.split("[/:]", text)
    return seconds(f"{year}-{MONTHS[month]:02}-{day}T{hour}:{minutes}{zone or '+0000'}")


@lru_cache(4096)
def iso_minute(text: str) -> float:
    """The start of a minute such as 2026-10-12T08:00 in s since 1970, UTC."""
    return seconds(f"{text}Z")


def moment(value: Any) -> float:
    """A line's time in s since 1970: as servers write it, in ISO, or in s or ms."""
    text = str(value)
    if text[2:3] == "/":
        return minute(text[:17], text[21:]) + int(text[18:20])
    return seconds(text) if "-" in text else seconds(number(text))


class Numbers(dict):
    """Texts by number, in the order in which they come; those beyond `most` share one number."""

    def __init__(self, most: int):
        super().__init__({"": 0})
        self.most = most

    def __missing__(self, text: str) -> int:
        if len(self) > self.most and text != "other":
            return self["other"]
        return self.setdefault(text, len(self))


def reader(form: str, names: Numbers) -> Callable[[str], tuple]:
    """The function from a line of a form to its row; what is no such line raises ValueError or a lookup error."""
    callers, connections = Numbers(MOST_CALLERS), Numbers(MOST_CALLERS)

    @lru_cache(65536)
    def named(method: str, path: str, asked: str = "") -> int:
        kept = [name for name in asked.split("&") if name and len(name) < 64 and not SECRET.fullmatch(name)]
        return names[clean(f"{method[:12]} {masked(path)}{'?' * bool(kept)}{'&'.join(kept)}".strip())]

    def route(method: str, target: str) -> int:
        path, asks, query = target.partition("?")
        return named(method, path, "&".join(QUERY.findall(query))) if asks else named(method, path)

    def combined(line: str) -> tuple:
        caller, start, second, zone, request, status, sent = FORMS["combined"].match(line).groups()  # type: ignore
        method, _, rest = request.partition(" ")
        time_s = minute(start, zone) + int(second)
        return (
            time_s,
            callers[caller],
            route(method, rest.partition(" ")[0]),
            int(status),
            int(sent) if sent != "-" else 0,
        )

    def balancer(line: str) -> tuple:
        part = FIELD.findall(line)
        time_s = iso_minute(part[1][:16]) + float(part[1][17:-1])
        method, url = part[12][1:].split(" ", 2)[:2]
        a, b, c = float(part[5]), float(part[6]), float(part[7])
        begun = part[21]
        return (
            time_s,
            callers[part[3].rpartition(":")[0]],
            route(method, "/" + url.split("/", 3)[-1] if url.count("/") > 2 else "/"),
            int(part[8]),
            int(part[11]),
            a + b + c if a >= 0 and b >= 0 and c >= 0 else math.nan,
            names[clean(part[0], 8)],
            0 if part[9] == "-" else int(part[9]),
            int(part[10]),
            round(time_s - iso_minute(begun[:16]) - float(begun[17:-1]), 6),
        )

    wanted: list[tuple[int, str]] = []
    decode = json.JSONDecoder().raw_decode

    @lru_cache(65536)
    def gateway_route(method: str, path: str, key: str) -> tuple[int, str]:
        event = {"$connect": "CONNECT", "$disconnect": "DISCONNECT"}.get(key, "")
        if method and path:
            return route(method, path), event
        return (route(*key.split(" ", 1)) if " " in key else named("", key)), event

    def gateway(line: str) -> tuple:
        row, end = decode(line, line.index("{"))
        if line[end:].strip():
            raise ValueError
        if not wanted:
            known = {plain(key): key for key in row}
            own = [[known[name] for name in names.split() if name in known] for names in NAMES.values()]
            wanted.extend((at, key) for at, keys in enumerate(own) for key in reversed(keys))  # the best comes last

        said = [""] * len(NAMES)
        for at, key in wanted:
            if (value := row.get(key)) not in NOTHING:
                said[at] = value if type(value) is str else str(value)
        when, user, ip, method, key, path, status, length, latency, event, connection, reason = said
        way, implied = gateway_route(method, path, key)
        return (
            moment(when),
            callers[user or ip or connection],
            way,
            int(status or 0),
            int(length or 0),
            number(latency) / 1000 if latency else math.nan,
            EVENTS.index(event or implied),
            connections[connection],
            names[clean(reason, 60)] if reason else 0,
        )

    return {"combined": combined, "load balancer": balancer, "api gateway": gateway}[form]
