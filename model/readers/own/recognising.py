"""Which kind of file a person handed in, told from its content."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from model import checks, paths
from model.readers.own.bills import Bill, bill
from model.readers.own.har import Har, har
from model.readers.own.logs import AccessLog, access_log
from model.readers.own.metrics import Metrics, metrics
from model.readers.own.opening import clean, document, head
from model.readers.own.phones import BatteryStats, MetricKit, batterystats, metrickit

READERS: dict[str, Any] = {
    "har": har,
    "bill": bill,
    "metrics": metrics,
    "access log": access_log,
    "batterystats": batterystats,
    "metrickit": metrickit,
}
KEYS = {  # a key at the top of a JSON document that only one kind has
    "log": "har",
    "MetricDataResults": "metrics",
    "Datapoints": "metrics",
    "ResultsByTime": "bill",
    "networkTransferMetrics": "metrickit",
    "applicationTimeMetrics": "metrickit",
    "cellularConditionMetrics": "metrickit",
    "events": "access log",
}
LOG_KEYS = re.compile(rb'"(requestTime|requestTimeEpoch|routeKey|httpMethod|connectionId)"')
STARTS = (
    ("batterystats", re.compile(rb"9,(\d+|h|hsp),")),
    (
        "bill",
        re.compile(rb'"?(bill[_/]|identity[_/]|line_?item[_/]|availabilityzone|billedcost|billingaccountid)', re.I),
    ),
    ("access log", re.compile(rb"(https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT\S+ \S+ \S+:\d+ ")),
    ("access log", re.compile(rb'\S+ \S+ .*\[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "')),
)


def recognise(path: str | Path) -> str:
    """The kind of a file by its content: har, bill, metrics, access log, batterystats or metrickit.

    Parameters
    ----------
    path : path, the file, gz or not; its name does not count

    Returns: str, the kind, a key of `READERS`
    Raises: InputError, a file that cannot be read or is of no known kind
    """
    start = head(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    first = start.split(b"\n", 1)[0]
    if start[:4] == b"PAR1":
        return "bill"
    if (at := first.find(b"{")) >= 0 and LOG_KEYS.search(first) and is_object(first[at:]):
        return "access log"
    if start[:1] in (b"{", b"["):
        content = document(path)
        content = content[0] if isinstance(content, list) and content else content
        for key in content if isinstance(content, dict) else ():
            if key in KEYS:
                return KEYS[key]
    if b"line_item_usage_type" in first or b"lineItem/UsageType" in first or b"ChargePeriodStart" in first:
        return "bill"
    for kind, pattern in STARTS:
        if any(pattern.match(line) for line in start.split(b"\n")[:20]):
            return kind
    checks.fail(f"a file must be one of {', '.join(READERS)}; this one is none of them", clean(paths.shown(Path(path))))


def is_object(line: bytes) -> bool:
    """Whether a line is a whole JSON object."""
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False


def read(path: str | Path) -> Har | Bill | Metrics | AccessLog | BatteryStats | MetricKit:
    """What a file tells, read by the reader of its kind.

    Parameters
    ----------
    path : path, a HAR, bill, CloudWatch export, access log, battery dump or MetricKit payload, gz or not

    Returns: Har, Bill, Metrics, AccessLog, BatteryStats or MetricKit; `recognise` says which
    Raises: InputError, a file that cannot be read or is of no known kind
    """
    return READERS[recognise(path)](path)
