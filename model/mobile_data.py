"""Mobile data: MB per active hour and month, by flow and by network, the metered part, a plan's reach.

MB are 10^6 bytes at IP level, both ways, TLS, TCP, ACKs and headers in. Per active hour means everything
caused, connects and the grace after leaving included, over foreground hours.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from model import checks
from model.life import exchange
from model.life.flow import Flow, Traffic

MB_BYTES = 1e6
GB_MB = 1e3


def flow_mb(flow: Flow, traffic: Traffic) -> Any:
    """MB of one flow per active hour, up and down together, over the network mix.

    Occurrences a month x IP bytes of one, over active seconds a month, x 3600 / 10^6. Source: wire_capture.
    """
    return _per_hour(flow, traffic, exchange.mean_flow_bytes(traffic, flow))


def _per_hour(flow: Flow, traffic: Traffic, pair: tuple) -> Any:
    """MB per active hour of a flow whose occurrences carry these bytes (up, down)."""
    return flow.per_month * sum(pair) / traffic.life.active_s * 3600.0 / MB_BYTES


def mb_per_hour(traffic: Traffic) -> Any:
    """Everything the design carries per active hour of a user, the sum of its flows.

    Gives an array, MB per active hour, (draws, users) where inputs vary. The background, such as video, is not in it:
    see `background_mb_per_hour`.
    Source: wire_capture.
    """
    return sum(flow_mb(flow, traffic) for flow in traffic.flows)


def active_hours_per_month(traffic: Traffic) -> Any:
    """Hours a month that one user has the app in the foreground.

    Active time of all users in the month over users; a user is whoever is active at least once in it.

    Gives an array, hours a user and month, (draws, users) where inputs vary.
    """
    return np.asarray(traffic.life.active_s) / 3600.0 / traffic.life.scenario.users


def mb_per_month(traffic: Traffic) -> Any:
    """Everything the design carries for one user in a month: `mb_per_hour` x `active_hours_per_month`.

    Gives an array, MB a user and month, (draws, users) where inputs vary.
    Source: wire_capture.
    """
    return mb_per_hour(traffic) * active_hours_per_month(traffic)


def network_mb_per_hour(name: str, traffic: Traffic) -> dict[str, Any]:
    """What the design carries in an hour of use on one network, by flow.

    Networks differ in their IP version: a packet's header is 20 B longer on IPv6. Source: wire_capture, rfc8200.
    """
    networks = traffic.life.scenario.networks
    ip = networks[checks.known("network", name, networks)].ip
    return {flow.name: _per_hour(flow, traffic, exchange.flow_bytes(traffic, flow, ip)) for flow in traffic.flows}


def metered_mb_per_hour(traffic: Traffic) -> Any:
    """The part of an average active hour's data that a cellular plan meters.

    Sum over metered networks of share x MB per hour on that network, at its own IP version.

    Gives an array, MB per active hour, (draws, users) where inputs vary; 0 where no network is metered. Plans are taken
    to meter IP bytes, both ways; link-layer headers and radio signalling are free.
    Source: wire_capture.
    """
    total = 0.0
    for name, network in traffic.life.scenario.networks.items():
        if network.metered:
            total = total + network.share * sum(network_mb_per_hour(name, traffic).values())
    return total


def metered_mb_per_month(traffic: Traffic) -> Any:
    """What the design takes out of one user's cellular plan in a month.

    Gives an array, MB a user and month, (draws, users) where inputs vary.
    Source: wire_capture.
    """
    return metered_mb_per_hour(traffic) * active_hours_per_month(traffic)


def background_mb_per_hour(scenario) -> Any:
    """What the screens' own background traffic carries per active hour, the same in both designs.

    Sum over screens of share x (bytes up + down of a segment) / its period, on IPv4 and IPv6 alike.

    Gives an array, MB per active hour, (draws, 1) where inputs vary.
    Source: assumption.
    """
    screens = [screen for screen in scenario.screens.values() if screen.background is not None]
    loads = [(screen.share, scenario.backgrounds[screen.background]) for screen in screens]
    per_s = sum((share * (one.up_bytes + one.down_bytes) / one.period_s for share, one in loads), np.asarray(0.0))
    return per_s * 3600.0 / MB_BYTES


def plan_hours(traffic: Traffic, plan_gb, background: bool = False) -> Any:
    """Active hours on metered networks that a plan bears before it is used up.

    Plan in MB over MB per active hour on the metered networks, weighted by their shares.

    `plan_gb`: the plan's data, > 0; 1 GB is 10^9 bytes; broadcasts [GB]; `background`: whether the screens' own
    traffic, such as video, comes out of the plan too. Gives an array, hours, (draws, users) where inputs vary; infinite
    where no network is metered or nothing is carried.
    Source: wire_capture.
    """
    plan_mb = checks.positive("plan_gb", plan_gb, "GB") * GB_MB
    networks = traffic.life.scenario.networks.values()
    metered_share = np.asarray(sum(network.share for network in networks if network.metered), dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        each = metered_mb_per_hour(traffic) / metered_share
        if background:
            each = each + background_mb_per_hour(traffic.life.scenario)
        return np.where((metered_share > 0) & (each > 0), plan_mb / each, np.inf)[()]
