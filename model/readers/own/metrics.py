"""CloudWatch: answers of GetMetricData and GetMetricStatistics, as `aws cloudwatch` writes them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from model import checks, paths
from model.readers.own.opening import OwnFile, clean, document, number, own_file, seconds, within

OURS = {  # metrics that say something of an app that is told what happened, and how their values add up
    **dict.fromkeys(
        "ConnectCount MessageCount IntegrationError ClientError ExecutionError Count 4xx 5xx".split(), "Sum"
    ),
    **dict.fromkeys("4XXError 5XXError DataProcessed Invocations Errors Throttles RequestCount".split(), "Sum"),
    **dict.fromkeys("NewConnectionCount ProcessedBytes ConsumedLCUs HTTPCode_Target_5XX_Count".split(), "Sum"),
    **dict.fromkeys("ConsumedReadCapacityUnits ConsumedWriteCapacityUnits ThrottledRequests".split(), "Sum"),
    **dict.fromkeys(
        "Connect.Success PublishIn.Success PublishOut.Success Ping.Success Subscribe.Success".split(), "Sum"
    ),
    **dict.fromkeys("ConnectSuccess PublishEvents BroadcastEvents IncomingBytes".split(), "Sum"),
    **dict.fromkeys("Latency IntegrationLatency Duration TargetResponseTime".split(), "Average"),
    **dict.fromkeys("ConcurrentExecutions ActiveConnectionCount ActiveConnections".split(), "Maximum"),
}


@dataclass(frozen=True)
class Series:
    """One metric over time, oldest first: times [s since 1970] and values; a period that is missing is no traffic.

    `metric` is CloudWatch's name of one of ours, "" where it is none; `statistic` is Sum, Average, Maximum, Minimum,
    SampleCount or a percentile, and where the file does not say it the one that fits the metric.
    """

    name: str
    label: str
    metric: str
    statistic: str
    unit: str
    order: str
    times_s: np.ndarray
    values: np.ndarray

    @property
    def period_s(self) -> float:
        """The commonest gap, which is the metric's period; nan for fewer than two values."""
        gaps, many = np.unique(np.diff(self.times_s), return_counts=True)
        return float(gaps[many.argmax()]) if len(gaps) else math.nan

    @property
    def missing(self) -> int:
        """How many gaps are longer than the period."""
        return int((np.diff(self.times_s) > self.period_s).sum())

    @property
    def peak_to_mean(self) -> float:
        """The largest value over the mean of those that are there, at the metric's own period."""
        return float(self.values.max() / self.values.mean()) if len(self.values) and self.values.any() else math.nan

    @property
    def by_hour(self) -> np.ndarray:
        """The share of the sum in each hour of the day, UTC (24 shares; nan where there is nothing)."""
        hours = (self.times_s // 3600 % 24).astype(int)
        with np.errstate(invalid="ignore"):
            return np.bincount(hours, self.values, 24) / self.values.sum()


@dataclass(frozen=True)
class Metrics:
    """What a CloudWatch export tells: its series as in the file; `file.notes` name those that are none of ours."""

    file: OwnFile
    series: tuple[Series, ...]


def one_series(name: str, label: str, points: list, statistic: str, unit: str) -> Series:
    """A series from its points in any order, the order noted."""
    times = np.array([seconds(time) for time, _ in points], float)
    values = np.array([number(value, -math.inf) for _, value in points], float)
    good = ~(np.isnan(times) | np.isnan(values))
    times, values = times[good], values[good]
    gaps, order = np.diff(times), np.argsort(times, kind="stable")
    written = "oldest first" if (gaps > 0).all() else "newest first" if (gaps < 0).all() else "none"
    words = label.replace("/", " ").split()
    metric = next((known for known in OURS if label == known or known in words), "")
    fits = statistic or OURS.get(metric, "")
    return Series(clean(name), clean(label), metric, fits, clean(unit), written, times[order], values[order])


def metrics(path: str | Path) -> Metrics:
    """What a CloudWatch export tells: every series with its period, peak and hours.

    Parameters
    ----------
    path : path, the JSON that `aws cloudwatch get-metric-data` or `get-metric-statistics` wrote, gz or not

    Returns: Metrics, see its own text
    Raises: InputError, a file that cannot be read, or none of the two answers
    """
    return read_metrics(document(path), path)


def read_metrics(content: Any, path: str | Path) -> Metrics:
    """The `Metrics` of a file's content."""
    place, found = clean(paths.shown(Path(path))), []
    results, points = within(content, "MetricDataResults"), within(content, "Datapoints")
    notes = []
    if isinstance(results, list):
        for one in (r for r in results if isinstance(r, dict)):
            label, stamps, values = str(one.get("Label") or ""), one.get("Timestamps"), one.get("Values")
            if not isinstance(stamps, list) or not isinstance(values, list) or len(stamps) != len(values):
                checks.fail("a metric must have as many Timestamps as Values; one has not", f"{place}, {clean(label)}")
            found.append(one_series(str(one.get("Id") or ""), label, [*zip(stamps, values, strict=True)], "", ""))
            if one.get("StatusCode") not in (None, "Complete"):
                notes.append(f"{found[-1].label} is not complete in this file; ask for the rest of it (NextToken).")
    elif isinstance(points, list):
        label, rows = str(within(content, "Label") or ""), [p for p in points if isinstance(p, dict)]
        names = list(dict.fromkeys(key for p in rows for key in p if key not in ("Timestamp", "Unit")))
        for name in names or [""]:
            some = [(p.get("Timestamp"), p[name]) for p in rows if name in p]
            found.append(one_series(label, label, some, clean(name), str(rows[0].get("Unit") or "") if rows else ""))
    else:
        checks.fail("a CloudWatch export must have MetricDataResults or Datapoints; got neither", place)
    strange = [one.label for one in found if not one.metric]
    notes += [f"{label or 'a metric without a label'} is none of the metrics that are used here." for label in strange]
    notes += [f"{one.label} has no value in this file." for one in found if not len(one.values)]
    times = np.concatenate([np.empty(0), *[one.times_s for one in found]])
    return Metrics(
        own_file(Path(path), "metrics", sum(len(one.values) for one in found), times, "", notes), tuple(found)
    )
