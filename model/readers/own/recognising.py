"""Which kind of file a person handed in, told from its content."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from model import checks, paths
from model.prices.list_meters import plain
from model.readers.own.bills import Bill, bill
from model.readers.own.har import Har, har
from model.readers.own.log_lines import FORMS
from model.readers.own.logs import AccessLog, access_log
from model.readers.own.metrics import Metrics, metrics
from model.readers.own.opening import clean, document, head, within
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
HINTS = {
    b"PK\x03\x04": "a zip must be unpacked before it is read; hand in the file inside",
    b"Battery History": "a battery dump must be in the form for machines; ask for dumpsys batterystats --checkin",
}
UNKNOWN = f"a file must be one of {', '.join(READERS)}; this one is none of them"
BILL = re.compile("lineitemlineitemtype|billedcost")  # columns of a report and of FOCUS, as `plain` writes them
DUMP = re.compile(r"9,(\d+|h|hsp),")


def recognise(path: str | Path) -> str:
    """The kind of a file by its content: har, bill, metrics, access log, batterystats or metrickit.

    Parameters
    ----------
    path : path, the file, gz or not; its name does not count

    Returns: str, the kind, a key of `READERS`
    Raises: InputError, a file that cannot be read or is of no known kind
    """
    place, start = clean(paths.shown(Path(path))), head(path).removeprefix(b"\xef\xbb\xbf").lstrip()
    some = start.decode("utf-8", "replace").split("\n")[:20]
    for mark, sentence in HINTS.items():
        if start.startswith(mark):
            checks.fail(sentence, place)
    if start[:4] == b"PAR1" or BILL.search(plain(some[0])):
        return "bill"
    at = some[0].find("{")
    if start[:1] in (b"{", b"[") and not (FORMS["api gateway"].match(some[0]) and is_object(some[0][at:])):
        content = document(path)
        content = content[0] if isinstance(content, list) and content else content
        found = next((kind for key, kind in KEYS.items() if within(content, key) is not None), None)
        return found or checks.fail(UNKNOWN, place)
    for line in some:
        if DUMP.match(line):
            return "batterystats"
        if any(form.match(line) for form in FORMS.values()):
            return "access log"
    checks.fail(UNKNOWN, place)


def is_object(line: str) -> bool:
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
