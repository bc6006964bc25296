"""Which file would show an input that is in none of those given."""

from __future__ import annotations

import re

HAR = "a HAR of the app"
LOG = "an access log of a WebSocket API with connects and disconnects"
METRICS = "a CloudWatch export of a day or more"
OWN = "the app's own log of events, with `workbook replay`"
NONE = "none of these files: a phone and a meter"
SHOWN_BY = (  # the first that fits counts
    (r"usage\.session_(mean_s|sigma_ln)", LOG),
    (r"usage\.sessions_per_day", f"{LOG} over several days; sums of a month with --users narrow it"),
    (r"usage\.dau_mau_share", "a bill or a CloudWatch export with --users narrows it"),
    (r"usage\.peak_to_mean_ratio", METRICS),
    (r"events\..*payload_bytes", f"{HAR} that receives the pushes"),
    (r"(events|actions|overlays|refresh|screens)\.", OWN),
    (r"networks\..*(share|losses|unseen|nat)", "an access log of connections by network, or the app's own counts"),
    (r"networks\..*(rtt|bit_per_s)", "times that phones report; a HAR has those of one line alone"),
    (r"(networks|backgrounds|ledger\.\w*(radio|cpu|screen|battery))", NONE),
    (r".*\.(timers|pull|fallback)\.", HAR),
    (r".*\.(heartbeat|upgrade_)", HAR),
    (r".*\.socket\.(table_base|connection_item)", "the table's size in DynamoDB"),
    (r".*\.functions\.", "a bill with Lambda and logs narrows it; CloudWatch's Duration shows it"),
    (r".*\.server\.", "a load test of the server"),
    (r".*\.(socket|api|reconnect|cache)", "an access log of connections"),
    (r"ledger\.", "an access log with server times, or CloudWatch's Latency and Duration"),
)


def shown_by(path: str) -> str:
    """The file that would show an input."""
    return next((file for pattern, file in SHOWN_BY if re.match(pattern, path)), NONE)
