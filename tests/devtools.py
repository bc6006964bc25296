"""A HAR from the events of Chromium's debugging protocol, as its DevTools export one."""

from __future__ import annotations

import datetime
import json


def iso(at: float) -> str:
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds")


def listed(headers: dict) -> list[dict]:
    return [{"name": name, "value": value} for name, values in headers.items() for value in values.split("\n")]


def har_of(events: list[dict], path):
    """The file of everything that a page's events tell; sizes and times as DevTools put them."""
    seen: dict[str, dict] = {}
    for event in events:
        name, said = event["method"].removeprefix("Network."), event["params"]
        one = seen.setdefault(said.get("requestId", ""), {"messages": []})
        if name == "webSocketFrameSent" or name == "webSocketFrameReceived":
            frame = said["response"]
            kind = "send" if name.endswith("Sent") else "receive"
            at = one["wall_s"] + said["timestamp"] - one["start_s"]
            one["messages"].append({"type": kind, "time": at, "opcode": frame["opcode"], "data": frame["payloadData"]})
        elif name == "requestWillBeSent":
            one |= {"request": said["request"], "wall_s": said["wallTime"], "start_s": said["timestamp"]}
        elif name == "webSocketCreated":
            one["url"] = said["url"]
        elif name == "webSocketWillSendHandshakeRequest":
            one |= {"wall_s": said["wallTime"], "start_s": said["timestamp"], "sent": said["request"]["headers"]}
        elif name == "webSocketHandshakeResponseReceived":
            one["answer"] = said["response"]
        elif name == "requestWillBeSentExtraInfo":
            one["sent"] = said["headers"]
        elif name == "responseReceivedExtraInfo":
            one["raw"] = said
        elif name == "responseReceived":
            one["answer"] = said["response"]
        elif name == "loadingFinished":
            one |= {"whole_bytes": said["encodedDataLength"], "end_s": said["timestamp"]}
    entries = [entry_of(one) for one in seen.values() if "wall_s" in one and "answer" in one]
    content = {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "537.36"}, "entries": entries}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def entry_of(one: dict) -> dict:
    answer, socket = one["answer"], "url" in one
    version = "HTTP/1.1" if socket else {"h2": "h2", "http/1.1": "HTTP/1.1"}.get(answer["protocol"], answer["protocol"])
    headers = answer.get("headersText") or one.get("raw", {}).get("headersText")
    known = version == "HTTP/1.1" and headers
    size = len(headers.encode()) if known else -1
    whole = one.get("whole_bytes", 0)
    sent, timing = one.get("sent") or one["request"]["headers"], answer.get("timing") or {}
    opened = timing.get("connectStart", -1) >= 0
    url = one["url"] if socket else one["request"]["url"]
    method = "GET" if socket else one["request"]["method"]
    entry = {
        "startedDateTime": iso(one["wall_s"]),
        "time": 1000 * (one.get("end_s", one["start_s"]) - one["start_s"]),
        "request": {"method": method, "url": url, "httpVersion": version, "headers": listed(sent)},
        "response": {"status": answer["status"], "statusText": answer["statusText"], "httpVersion": version},
        "timings": {
            "connect": timing["connectEnd"] - timing["connectStart"] if opened else -1,
            "ssl": timing["sslEnd"] - timing["sslStart"] if timing.get("sslStart", -1) >= 0 else -1,
            "send": 0,
            "wait": max(timing.get("receiveHeadersEnd", 0) - timing.get("sendEnd", 0), 0),
            "receive": 0,
        },
    }
    entry["request"] |= {"headersSize": -1, "bodySize": 0}
    body = -size if socket else whole - size if known else -1
    entry["response"] |= {"headers": listed(answer["headers"]), "headersSize": size, "bodySize": body}
    entry["response"] |= {"content": {"size": max(body, 0)}, "_transferSize": whole}
    if socket:
        entry |= {"_resourceType": "websocket", "_webSocketMessages": one["messages"]}
    return entry
