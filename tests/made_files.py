"""Files of an app with known truth, in the forms that browsers, CloudWatch, API Gateway and the bill write."""

import datetime
import json

EPOCH_S = 1_790_812_800.0  # 2026-10-01, a Thursday, UTC


def iso(at):
    return datetime.datetime.fromtimestamp(at, datetime.UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def har(path, loops, messages=()):
    """Loops are (url, times, request sizes, answer sizes), messages a socket's (time, sent, data); sizes are whole."""
    entries = []
    for url, times, asked, answered in loops:
        for at, up, down in zip(times, asked, answered, strict=True):
            target = url.split("://", 1)[1].partition("/")[2]
            bare = len(f"GET /{target} HTTP/1.1\r\nHost: app.example\r\nX-Pad: \r\n\r\n")
            request = {"method": "GET", "url": url, "httpVersion": "HTTP/1.1", "headersSize": -1, "bodySize": 0}
            request["headers"] = [{"name": "Host", "value": "app.example"}]
            request["headers"] += [{"name": "X-Pad", "value": "x" * (int(up) - bare)}]
            response = {"status": 200, "statusText": "OK", "httpVersion": "HTTP/1.1", "headersSize": 150}
            response |= {"headers": [], "bodySize": int(down) - 150, "content": {"size": int(down) - 150}}
            times_ms = {"connect": -1, "ssl": -1, "send": 0, "wait": 5, "receive": 1}
            entries.append(
                {"startedDateTime": iso(at), "time": 6, "request": request, "response": response, "timings": times_ms}
            )
    if len(messages):
        said = [
            {"type": "send" if up else "receive", "time": at, "opcode": 1, "data": data} for at, up, data in messages
        ]
        request = {
            "method": "GET",
            "url": "wss://app.example/ws",
            "httpVersion": "HTTP/1.1",
            "headersSize": -1,
            "headers": [],
        }
        response = {"status": 101, "statusText": "", "httpVersion": "HTTP/1.1", "headersSize": 200, "headers": []}
        one = {
            "startedDateTime": iso(messages[0][0]),
            "time": 1,
            "request": request,
            "response": response,
            "timings": {},
        }
        entries.append(one | {"_resourceType": "websocket", "_webSocketMessages": said})
    content = {"log": {"version": "1.2", "creator": {"name": "WebInspector", "version": "1"}, "entries": entries}}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def cloudwatch(path, **series):
    """Sums by the hour, by the name of the metric."""
    stamps = [iso(EPOCH_S + 3600 * k) for k in range(max(map(len, series.values())))]
    rows = [
        {
            "Id": name.lower(),
            "Label": name,
            "Timestamps": stamps[: len(v)],
            "Values": [float(x) for x in v],
            "StatusCode": "Complete",
        }
        for name, v in series.items()
    ]
    path.write_text(json.dumps({"MetricDataResults": rows}), encoding="utf-8")
    return path


def bill(path, lines, days=30):
    """A Cost and Usage Report 2.0 of lines (product, usage type, operation, unit, amount, paid, listed)."""
    columns = (
        "line_item_product_code,line_item_usage_type,line_item_operation,pricing_unit,line_item_usage_amount,"
        "line_item_unblended_cost,pricing_public_on_demand_cost,line_item_line_item_type,product_region_code,"
        "line_item_usage_start_date,line_item_usage_end_date,line_item_currency_code,bill_billing_entity"
    )
    when = f"Usage,us-east-1,{iso(EPOCH_S)},{iso(EPOCH_S + 86400 * days)},USD,AWS"
    rows = [",".join(map(repr_of, line)) + f",{when}" for line in lines]
    path.write_text("\n".join([columns, *rows, ""]), encoding="utf-8")
    return path


def repr_of(value):
    return value if isinstance(value, str) else repr(float(value))


def websocket_log(path, rows):
    """API Gateway's log of a WebSocket API: rows are (time, CONNECT or DISCONNECT, connection, caller)."""
    lines = []
    for at, event, connection, caller in sorted(rows):
        when = datetime.datetime.fromtimestamp(at, datetime.UTC)
        one = {"requestId": "r", "ip": f"10.{caller // 65536}.{caller // 256 % 256}.{caller % 256}", "eventType": event}
        one |= {"requestTime": when.strftime("%d/%b/%Y:%H:%M:%S +0000"), "requestTimeEpoch": int(at * 1000)}
        one |= {"routeKey": f"${event.lower()}", "status": "200", "connectionId": f"c{connection}="}
        lines.append(json.dumps(one))
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return path
