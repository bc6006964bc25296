"""Access logs, read line by line: API Gateway (HTTP, REST and WebSocket, JSON), load balancer, combined."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model import checks
from model.readers.own.opening import OwnFile, Progress

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class AccessLog:
    """What access logs tell; times in s (since 1970 where they end in `time_s`, `start_s`), sizes in bytes.

    - `rows`: a row a line, in the file's order: time_s, caller (a number by first appearance: no address, no name),
      route (category; method and masked path, or the route key), status, sent_bytes, server_s (time in the server, nan
      where the log has none); of a load balancer also type, target_status, received_bytes, open_s (from the request's
      arrival to its end: a WebSocket's life); of WebSockets on API Gateway also event (CONNECT, MESSAGE, DISCONNECT)
      and connection (a number)
    - `loops`: a row a caller and route asked at least three times: caller, route, requests, failed, bytes, kind (timer,
      hand, page), period_s (the median gap of a timer, else nan), mean_gap_s, median_gap_s, shortest_gap_s,
      longest_gap_s, even, stretched
    - `sessions`: a row a WebSocket connection: caller, start_s, life_s, began (its CONNECT is in the log), ended (its
      DISCONNECT is), messages, reason (as written, "" where the log has none). Where `began` or `ended` is False the
      life is a lower bound (censored): from the first line of the log, or to its last
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
    """What one or several access logs of one form tell."""
    checks.fail("access logs are not read yet", path)
