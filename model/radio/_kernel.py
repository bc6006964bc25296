"""The compiled walk over the packets; imported at the first trace only, because it loads the compiler."""

from __future__ import annotations

import functools

import numpy as np

from model.compiling import compiled

GAP_EPS_S = 1e-9  # a packet this little after a timer still finds the state: times are sums of floats


@functools.partial(compiled, inline="always")
def spend(start, end, high_from, low_until, ends, seconds, log, row):
    """Seconds by state between two times without packets; gives the time past the last state, and the log's row.

    The high states run from `high_from` by their `ends`; the last connected state follows to `low_until`.
    """
    at = start
    for j in range(ends.size):
        until = min(low_until if j == ends.size - 1 else high_from + ends[j], end)
        if until > at:
            seconds[1 + j] += until - at
            if log is not None:
                log[row, 0], log[row, 1] = 1 + j, until - at
                row += 1
            at = until
    if log is not None:
        log[row, 0], log[row, 1] = 1 + ends.size, end - at
        row += 1
    return end - at, row


@compiled
def walk(times, up, down, burst, ends, low_s, limits, delays, lifts, end_s, seconds, totals, log):
    """Walk the packets to `end_s` (below 0: to the end of the last tail); fills seconds, totals and the log.

    `seconds` holds active, the states, idle, then the promotions idle>top, idle>low and low>top;
    `totals` the promotions and the bytes up and down; `limits` the up and down threshold, the bytes that
    hold no timer and their window. A series of one number stands for all packets. `log`, if there is one, tells
    the walk stretch by stretch, number in `seconds` and length, each gap with its burst first. Gives -1, or the
    number of the first packet that cannot be, and the rows of the log.
    """
    low, idle, tail_s = ends.size, 1 + ends.size, ends[-1]
    high_s, holds, sized = tail_s - low_s, limits[2] > 0.0, limits[0] >= 0.0
    du, dd, db = int(up.size > 1), int(down.size > 1), int(burst.size > 1)
    last, busy_until, high_from, low_until = 0.0, 0.0, -np.inf, 0.0
    owed, owed_at, oldest, near_up, near_down, row = 0.0, idle + 1, 0, 0.0, 0.0, 0
    for i in range(times.size):
        time, sent, got, air = times[i], up[i * du], down[i * dd], burst[i * db]
        if not (last <= time < np.inf and 0.0 <= sent < np.inf and 0.0 <= got < np.inf and 0.0 <= air < np.inf):
            return i, row
        big = not sized or sent > limits[0] or got > limits[1]
        free = min(max(busy_until, last), time)
        seconds[0] += free - last
        if log is not None:
            log[row, 0], log[row, 1] = 0, free - last
            row += 1
        low_before = seconds[low]
        past, row = spend(free, time, high_from, low_until, ends, seconds, log, row)
        awake = i > 0 and time <= max(low_until, busy_until) + GAP_EPS_S
        high = awake and time <= high_from + high_s + GAP_EPS_S
        climb, kind = 0.0, -1
        if not awake:
            kind = 0 if big or lifts else 1
            climb = min(delays[kind], past)
            seconds[idle] += past - climb
            seconds[idle + 1 + kind] += climb
            totals[0] += 1.0
            big = kind == 0
            if i == 0:
                owed, owed_at = delays[kind] - climb, idle + 1 + kind
        elif big and not high and delays[2] >= 0.0:
            kind = 2
            climb = min(delays[2], seconds[low] - low_before)
            seconds[low] -= climb
            seconds[idle + 3] += climb
            totals[0] += 1.0
        if log is not None and kind >= 0:
            log[row - 1 - (kind == 2), 1] -= climb  # behind low stands the idle time, none of it left
            log[row, 0], log[row, 1] = idle + 1 + kind, climb
            row += 1
        if holds:
            near_up, near_down = near_up + sent, near_down + got
            while times[oldest] < time - limits[3]:
                near_up, near_down = near_up - up[oldest * du], near_down - down[oldest * dd]
                oldest += 1
            if high and near_up <= limits[2] and near_down <= limits[2]:
                big = False
        if big:
            high_from = max(high_from, time + air)
        low_until = max(low_until, high_from + tail_s, time + air + low_s)
        busy_until = max(busy_until, time + air)
        last = time
        totals[1] += sent
        totals[2] += got
    if end_s < 0.0:
        end_s = max(low_until, busy_until)
    free = min(max(busy_until, last), end_s)
    seconds[0] += free - last
    if log is not None:
        log[row, 0], log[row, 1] = 0, free - last
        row += 1
    past, row = spend(free, end_s, high_from, low_until, ends, seconds, log, row)
    seconds[idle] += past
    seconds[owed_at] += owed
    seconds[idle] -= min(owed, seconds[idle])
    return -1, row
