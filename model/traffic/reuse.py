"""Which requests find their connection cold: the time since the last request to that host is too long."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.traffic.flow import Flow


def _quiet(flow: Flow, place: str, gap_s):
    """P(no request of this flow in the last gap), phases independent."""
    rate = flow.rates_per_s.get(place)
    if rate is None:
        return 1.0
    if flow.timer:
        duty = flow.duty
        return 1.0 - duty + duty * np.maximum(1.0 - gap_s * rate / np.where(duty > 0, duty, 1.0), 0.0)
    return np.exp(-rate * gap_s)


def _own_quiet(flow: Flow, place: str, gap_s):
    """P(the flow's own previous request is longer ago than the gap), seen from one of its requests."""
    rate = flow.rates_per_s[place]
    if flow.timer:
        return np.where(np.asarray(flow.duty / np.where(rate > 0, rate, 1.0)) > gap_s, 1.0, 0.0)
    return np.exp(-rate * gap_s)


def cold_share(flow: Flow, others: list[Flow], weights: dict, gap_s):
    """Share of a flow's requests that must open a new connection, over the places it runs at."""
    cold = total = 0.0
    for place, rate in flow.rates_per_s.items():
        quiet = _own_quiet(flow, place, gap_s)
        for other in others:
            quiet = quiet * _quiet(other, place, gap_s)
        cold = cold + weights[place] * rate * quiet
        total = total + weights[place] * rate
    return np.divide(cold, total, out=np.zeros_like(cold + total), where=np.asarray(total) > 0)


def with_cold_shares(flows: list[Flow], weights: dict, idle_timeout_s) -> list[Flow]:
    """The same flows, each HTTP flow with the share of its requests that find the connection cold."""
    http = [f for f in flows if f.exchange == "http"]
    done = []
    for flow in flows:
        if flow.exchange == "http" and flow.kind != "start":
            others = [f for f in http if f is not flow]
            flow = replace(flow, cold_share=cold_share(flow, others, weights, idle_timeout_s))
        done.append(flow)
    return done
