"""Which requests find their connection cold: the time since the last request to that host is too long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.life.flow import Flow


def _quiet(flow: Flow, place: str, gap_s):
    """P(no request of this flow in the last gap), phases independent."""
    rate = flow.rates_per_s.get(place)
    if rate is None:
        return 1.0
    if flow.timer:
        return 1.0 - flow.duty * np.minimum(gap_s / flow.period_s, 1.0)
    return np.exp(-rate * gap_s)


def _own_quiet(flow: Flow, place: str, gap_s):
    """P(the flow's own previous request is longer ago than the gap), seen from one of its requests."""
    if flow.timer:
        return np.where(np.asarray(flow.period_s) > gap_s, 1.0, 0.0)
    return np.exp(-flow.rates_per_s[place] * gap_s)


def _others_quiet(quiet: list) -> list:
    """For each of some chances the product of all the others, without dividing by any."""
    ahead, behind = [1.0], [1.0]
    for one, other in zip(quiet, reversed(quiet), strict=True):
        ahead.append(ahead[-1] * one)
        behind.append(behind[-1] * other)
    return [a * b for a, b in zip(ahead, behind[-2::-1], strict=False)]


def cold_shares(flows: list[Flow], weights: dict, gap_s) -> list:
    """The share of each flow's requests that must open a new connection, over the places it runs at."""
    cold, total = [0.0] * len(flows), [0.0] * len(flows)
    for place, weight in weights.items():
        others = _others_quiet([_quiet(f, place, gap_s) for f in flows])
        for k, flow in enumerate(flows):
            rate = flow.rates_per_s.get(place)
            if rate is not None:
                cold[k] = cold[k] + weight * rate * (_own_quiet(flow, place, gap_s) * others[k])
                total[k] = total[k] + weight * rate
    return [
        np.divide(c, t, out=np.zeros(np.broadcast_shapes(np.shape(c), np.shape(t))), where=np.asarray(t) > 0)
        for c, t in zip(cold, total, strict=True)
    ]


def with_cold_shares(flows: list[Flow], weights: dict, idle_timeout_s) -> list[Flow]:
    """The same flows, each HTTP flow with the share of its requests that find the connection cold."""
    http = [k for k, f in enumerate(flows) if f.exchange == "http"]
    shares = dict(zip(http, cold_shares([flows[k] for k in http], weights, idle_timeout_s), strict=True))
    return [replace(f, cold_share=shares[k]) if k in shares and f.kind != "start" else f for k, f in enumerate(flows)]
