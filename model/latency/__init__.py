"""Notification latency: from the stored event to its content on the screen of a user in the foreground.

An event reaches its user on one of a few ways (network; warm or cold function; socket alive, lost or down).
Each way is a sum of independent components with closed forms, so that means, variances and quantiles are
worked out; `sample` draws the same components.
"""

from model.latency.branches import DeliveryPath, branches
from model.latency.figures import event_quantile_s, mean_s, quantile_s, told_in_time, told_share, variance_s2
from model.latency.parts import DelayPart
from model.latency.reach import delivered_rate_per_s, undelivered_reasons, undelivered_share
from model.latency.sampling import PART_NAMES, sample, samples
from model.latency.tables import by_event, summary, sweep, told_without, waterfall
from model.latency.timed import timed_delays_s
from model.latency.waits import poll_wait

__all__ = [
    "PART_NAMES",
    "DeliveryPath",
    "DelayPart",
    "branches",
    "by_event",
    "delivered_rate_per_s",
    "event_quantile_s",
    "mean_s",
    "poll_wait",
    "quantile_s",
    "sample",
    "samples",
    "summary",
    "sweep",
    "timed_delays_s",
    "told_in_time",
    "told_share",
    "told_without",
    "undelivered_reasons",
    "undelivered_share",
    "variance_s2",
    "waterfall",
]
