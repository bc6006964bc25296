"""Mobile data: MB per active hour and month, by flow and by network, with the metered part beside."""

from __future__ import annotations

import numpy as np

from model import exchange
from model.traffic import Flow, Traffic

__all__ = ["background_mb_per_hour", "flow_mb", "mb_per_hour", "metered_mb_per_hour"]

MB_BYTES = 1e6


def flow_mb(flow: Flow, traffic: Traffic):
    """What one flow carries per active hour, up and down together, over the network mix.

    Parameters
    ----------
    flow : Flow
        A flow of that traffic [-].
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    array
        MB per active hour (10^6 bytes at IP level), (draws, users).

    Sources
    -------
    wire_capture
    """
    life = traffic.life
    up, down = exchange.mean_flow_bytes(traffic, flow)
    return flow.per_month * (up + down) / life.active_s * 3600.0 / MB_BYTES


def mb_per_hour(traffic: Traffic):
    """Everything the design carries per active hour of a user.

    Parameters
    ----------
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    array
        MB per active hour, (draws, users).

    Sources
    -------
    wire_capture
    """
    return sum(flow_mb(flow, traffic) for flow in traffic.flows)


def metered_mb_per_hour(traffic: Traffic):
    """The part of the data that a cellular plan meters, per active hour.

    Parameters
    ----------
    traffic : Traffic
        The design's traffic [-].

    Returns
    -------
    array
        MB per active hour on metered networks, weighted by their share of use.

    Sources
    -------
    wire_capture
    """
    life = traffic.life
    total = 0.0
    for network in life.scenario.networks.values():
        if network.metered:
            for flow in traffic.flows:
                up, down = exchange.flow_bytes(traffic, flow, network.ip)
                total = total + network.share * flow.per_month * (up + down)
    return total / life.active_s * 3600.0 / MB_BYTES


def background_mb_per_hour(scenario):
    """What the screens' own background traffic carries per active hour, the same in both designs.

    Parameters
    ----------
    scenario : Scenario
        A resolved scenario [-].

    Returns
    -------
    array
        MB per active hour.

    Sources
    -------
    assumption
    """
    total = np.asarray(0.0)
    for screen in scenario.screens.values():
        if screen.background is not None:
            one = scenario.backgrounds[screen.background]
            total = total + screen.share * (one.up_bytes + one.down_bytes) / one.period_s
    return total * 3600.0 / MB_BYTES
