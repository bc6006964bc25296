"""Notification latency: from the stored event to its content on the screen of a user in the foreground.

An event reaches its user on one of a few ways (network; warm or cold function; socket alive, lost or down).
Each way is a sum of independent components; its deliveries are a few weighted points of that sum, from which the share
told within a time is read, and the quantiles, its inverse. `sample` draws the same components.
"""

from model.latency.branches import branches
from model.latency.chain import delivered_rate_per_s, undelivered_reasons, undelivered_share
from model.latency.deliveries import PART_NAMES, sample
from model.latency.parts import poll_wait
from model.latency.tables import by_event, curve, summary, sweep, told_without, waterfall
from model.latency.told import LIMITS_S, mean_s, quantile_s, sent_shares, told_in_time, told_share, untold_reasons
