"""HAR 1.2, what browsers and proxies export: polling loops, bytes, connections, WebSocket messages.

The writers differ. Header sizes as declared cannot be trusted, so for HTTP/1.1 the request line and the header list are
added up; the list of HTTP/2 and 3 is not what crosses the wire, so there only a declared size counts and else none is
known. Ping and pong frames and compressed headers are not in a HAR.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import numpy as np

from model import checks, paths
from model.readers.own import sockets
from model.readers.own.opening import OwnFile, clean, document, listed, masked, number, own_file, seconds, within
from model.readers.own.sockets import GAPS, gap_table, kinds

if TYPE_CHECKING:
    import pandas as pd

NOTES = (
    "Ping and pong frames are not in a HAR.",
    "A HAR is one browser on one line: it tells nothing of users, sessions, losses or a phone's radio.",
)
COMPRESSED = "The bytes of compressed headers (HTTP/2 and 3) are not in a HAR."
UNPACKED = ("Firefox", "mitmproxy")  # writers that declare the size of headers of HTTP/2 and 3 as if not compressed
CUT_COOKIES = "Cookies were left out of the file; request headers count as the size that it declares."


@dataclass(frozen=True)
class Har:
    """What a HAR tells; sizes in bytes, times in s, nan where the file does not know.

    - `requests`: a row a request that is no socket: time_s (since 1970), method, url (no query, ids masked), kind
      (http, event stream), protocol (http/1.1, h2, h3, unknown), status, seconds, rtt_s (TCP connect; nan where it
      was reused), wait_s (the server's time and one round trip), reused, request_header_bytes, request_body_bytes,
      response_header_bytes, response_body_bytes (as they crossed the wire), declared_request_header_bytes,
      declared_response_header_bytes, transfer_bytes (`_transferSize`), content_bytes (unpacked), events (of an event
      stream whose text is in the file)
    - `loops`: a row a method and url asked at least three times, the sums and medians of its rows, the gaps
      (mean_gap_s, median_gap_s, shortest_gap_s, longest_gap_s, even = share within 5 % of the median, stretched = gaps
      beyond 1.5 medians, as hidden tabs make them), kind (timer, hand, long poll, event stream, page) and period_s (the
      median gap of a timer, else nan), seconds (median of one), wait_s, rtt_s (medians), reused (share), protocol,
      statuses ("200=3 304=8"), failed, fuller (answers larger than the commonest one)
    - `sockets`: the WebSocket connections, in the file's order
    """

    file: OwnFile
    requests: pd.DataFrame
    loops: pd.DataFrame
    sockets: tuple[sockets.HarSocket, ...]


def protocol(text: Any) -> str:
    """The protocol by one name: http/1.1, h2, h3, else unknown."""
    name = str(text).lower()
    found = {"http/1.1": "http/1.1", "h2": "h2", "http/2": "h2", "h3": "h3", "http/3": "h3"}
    return next((known for start, known in found.items() if name.startswith(start)), "unknown")


def header_list_bytes(message: Any, first_line: str) -> float:
    """The first line and the headers as HTTP/1.1 writes them, nan where the list is empty or a request has no host."""
    found = [(h.get("name", ""), h.get("value", "")) for h in listed(message, "headers") if isinstance(h, Mapping)]
    if not found or "method" in message and "host" not in {str(name).lower() for name, _ in found}:
        return np.nan
    pairs = (f"{name}: {value}\r\n" for name, value in found)
    return float(len((first_line + "\r\n" + "".join(pairs) + "\r\n").encode("utf-8", "replace")))


def body_bytes(response: Any) -> float:
    """Bytes of an answer's body as they crossed the wire, from the first place that tells them; nan where none does."""
    headers = {
        str(h.get("name")).lower(): h.get("value") for h in listed(response, "headers") if isinstance(h, Mapping)
    }
    known = (
        number(within(response, "headersSize"), 1) > 0
    )  # `_transferSize` counts the headers too where they are known
    alone = None if known else within(response, "_transferSize")
    size, saved = (number(within(response, "content", key)) for key in ("size", "compression"))
    told = (number(v) for v in (within(response, "bodySize"), alone, headers.get("content-length"), size - saved))
    return next((size for size in told if size == size), np.nan)


def header_bytes(entry: Mapping, writer: str) -> tuple[float, float, bool]:
    """Bytes of the request's and the response's headers, nan where unknown, and whether cookies were cut out."""
    request, response, parts = within(entry, "request"), within(entry, "response"), url_parts(entry)
    declared, answered = (number(within(side, "headersSize"), 1) for side in (request, response))
    version = protocol(within(request, "httpVersion"))
    if version != "http/1.1":
        return (np.nan, np.nan, False) if writer in UNPACKED else (declared, answered, False)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    added = header_list_bytes(request, f"{within(request, 'method')} {target} HTTP/1.1")
    line = f"HTTP/1.1 {within(response, 'status')} {within(response, 'statusText') or ''}"
    replied = header_list_bytes(response, line)
    whole = declared - len(f"{parts.scheme}://{parts.netloc}") if is_socket(entry) else declared + 2
    cut = writer == "WebInspector" and whole > added + 40  # DevTools exports without cookies unless told otherwise
    exact = writer == "WebInspector" and answered == answered
    return (
        whole if cut else added if added == added else declared,
        answered if exact or replied != replied else replied,
        cut,
    )


def url_parts(entry: Any) -> Any:
    """The parts of a request's URL; a URL that cannot be taken apart has none."""
    try:
        parts = urlsplit(str(within(entry, "request", "url") or ""))
        parts.port  # noqa: B018 - a port that is no number is found out here
        return parts
    except ValueError:
        return urlsplit("")


def shown_url(entry: Any) -> str:
    """Scheme, host, port and masked path: no user, no query, no id."""
    parts = url_parts(entry)
    port = f":{parts.port}" if parts.port else ""
    return clean(f"{parts.scheme}://{parts.hostname or ''}{port}{masked(parts.path)}", 300)


def is_socket(entry: Any) -> bool:
    """Whether an entry is a WebSocket; DevTools says so, others show it by scheme or messages."""
    said = within(entry, "_resourceType") == "websocket" or "_webSocketMessages" in entry
    return said or url_parts(entry).scheme in ("ws", "wss")


def request_row(entry: Mapping, writer: str) -> dict[str, Any]:
    """One request as a row."""
    request, response, timings = (within(entry, key) for key in ("request", "response", "timings"))
    connect, tls = (number(within(timings, key)) / 1000 for key in ("connect", "ssl"))
    joined = writer != "mitmproxy" and tls == tls  # the specification counts TLS in connect, mitmproxy beside it
    sent, got, cut = header_bytes(entry, writer)
    upload, typed = number(within(request, "bodySize")), len(str(within(request, "postData", "text") or ""))
    stream = str(within(response, "content", "mimeType") or "").startswith("text/event-stream")
    text = str(within(response, "content", "text") or "") if stream else ""
    return {
        "time_s": seconds(within(entry, "startedDateTime")),
        "method": clean(within(request, "method") or "", 12),
        "url": shown_url(entry),
        "kind": "event stream" if stream else "http",
        "protocol": protocol(within(request, "httpVersion")),
        "status": int(np.nan_to_num(number(within(response, "status")))),
        "seconds": number(within(entry, "time")) / 1000,
        "rtt_s": (connect - tls if joined else connect) if connect > 0 else np.nan,
        "wait_s": number(within(timings, "wait")) / 1000,
        "reused": not connect > 0,
        "request_header_bytes": sent,
        "request_body_bytes": upload if upload == upload else float(typed),
        "response_header_bytes": got,
        "response_body_bytes": body_bytes(response),
        "declared_request_header_bytes": number(within(request, "headersSize"), 1),
        "declared_response_header_bytes": number(within(response, "headersSize"), 1),
        "transfer_bytes": number(within(response, "_transferSize")),
        "content_bytes": number(within(response, "content", "size")),
        "events": len(re.findall(r"^data:", text, re.M)) if text else np.nan,
        "cookies_cut": cut,
    }


SUMS = [
    f"{name}_bytes"
    for name in (
        "request_header request_body response_header response_body declared_request_header declared_response_header "
        "transfer content"
    ).split()
]


LOOP = ["method", "url", "kind", "requests", "period_s", *GAPS, *SUMS, "seconds", "wait_s", "rtt_s", "reused"]
LOOP += ["protocol", "statuses", "failed", "fuller"]


def loop_table(requests: pd.DataFrame) -> pd.DataFrame:
    """The methods and urls that were asked at least three times, with their gaps, sizes and statuses."""
    import pandas as pd

    rows = []
    for (method, url), group in requests.groupby(["method", "url"], sort=False):
        if len(group) < 3:
            continue
        group = group.sort_values("time_s")
        times = (group["time_s"] - group["time_s"].min()).round(6).to_numpy()  # writers tell microseconds at most
        gaps = gap_table(times, np.zeros(len(group), int), 1)
        kind = str(kinds(gaps)[0])
        quiet = times[1:] - (times + group["seconds"].to_numpy())[:-1]
        if group["seconds"].median() > 1 and np.nanmedian(quiet) < 0.2 * gaps["median_gap_s"][0]:
            kind = "long poll"
        if (group["kind"] == "event stream").any():
            kind = "event stream"
        sizes, many = np.unique(group["response_body_bytes"].dropna(), return_counts=True)
        rows.append(
            {
                "method": method,
                "url": url,
                "kind": kind,
                "requests": len(group),
                "period_s": gaps["median_gap_s"][0] if kind == "timer" else np.nan,
                **{name: values[0] for name, values in gaps.items()},
                **{name: group[name].sum(skipna=False) for name in SUMS},
                **{name: group[name].median() for name in ("seconds", "wait_s", "rtt_s")},
                "reused": group["reused"].mean(),
                "protocol": group["protocol"].mode()[0],
                "statuses": " ".join(f"{code}={n}" for code, n in sorted(Counter(group["status"]).items())),
                "failed": int((group["status"] >= 400).sum() + (group["status"] == 0).sum()),
                "fuller": int(many[sizes > sizes[many.argmax()]].sum()) if len(sizes) else 0,
            }
        )
    return pd.DataFrame(rows, columns=LOOP)


def har(path: str | Path) -> Har:
    """What a HAR file tells: every request, the polling loops among them, and the WebSocket connections.

    Parameters
    ----------
    path : path, a HAR 1.2 file as a browser or proxy wrote it, gz or not

    Returns: Har, see its own text for the columns
    Raises: InputError, a file that cannot be read, is no HAR, or holds no entry
    """
    return read_har(document(path), path)


def read_har(content: Any, path: str | Path) -> Har:
    """The `Har` of a file's content."""
    import pandas as pd

    place, entries = clean(paths.shown(Path(path))), within(content, "log", "entries")
    if not isinstance(entries, list):
        checks.fail("a HAR must have a list log.entries; got none", place)
    good = [e for e in entries if isinstance(e, dict) and within(e, "request", "url") and within(e, "startedDateTime")]
    if not good:
        checks.fail("a HAR must hold an entry with a request and a start; got none", place)
    creator = str(within(content, "log", "creator", "name") or "")
    opened = tuple(sockets.socket(e, shown_url(e), header_bytes(e, creator)) for e in good if is_socket(e))
    columns = list(request_row(good[0], creator))
    table = pd.DataFrame([request_row(e, creator) for e in good if not is_socket(e)], columns=columns)
    cut = bool(table.pop("cookies_cut").any())
    compressed = bool(table["protocol"].isin(["h2", "h3"]).any())
    notes = [*NOTES, *[COMPRESSED] * compressed, *[CUT_COOKIES] * cut]
    if len(good) < len(entries):
        notes.append(f"{len(entries) - len(good)} of {len(entries)} entries have no request or start and are left out.")
    times = [t for s in opened for t in (s.start_s, *s.messages["time_s"])]
    facts = own_file(Path(path), "har", len(entries), np.append(table["time_s"], times), creator, notes)
    return Har(facts, table, loop_table(table), opened)
