"""Flows as the radio meets them: sources of packets at each place, over the screen's background."""

from __future__ import annotations

import numpy as np

from model import exchange, radio
from model.radio.survival import survival
from model.scenario import Network
from model.traffic import Flow, Traffic

__all__ = ["background_sources", "place_sources", "radio_shares"]

NEVER_S = 1e9


def _period_s(flow: Flow, rate_per_s):
    """A timer's period while it runs; so long that it never fires where a draw never starts it."""
    duty, rate = np.broadcast_arrays(np.asarray(flow.duty, dtype=float), np.asarray(rate_per_s, dtype=float))
    return np.divide(duty, rate, out=np.full(rate.shape, NEVER_S), where=rate > 0)


def _source(now: Traffic, network: Network, flow: Flow, rate_per_s, riders: list[Flow]):
    """One radio source for a flow and whatever shares its wake-up."""
    design = now.life.design
    pairs = [exchange.flow_bytes(now, f, network.ip) for f in (flow, *riders)]
    busy_s = sum(exchange.burst_s(f, design, network) for f in (flow, *riders))
    timing = {"period_s": _period_s(flow, rate_per_s)} if flow.timer else {"rate_per_s": rate_per_s}
    return radio.Source(**timing, bytes_up=sum(up for up, _ in pairs), bytes_down=sum(d for _, d in pairs),
                        burst_s=busy_s)


def place_sources(now: Traffic, network: Network, place: str) -> dict:
    """The radio sources of a design at one place, by flow.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    network : Network
        The access network [-].
    place : str
        A place of the design's life [-].

    Returns
    -------
    dict of str to radio.Source
        A flow that rides on another's wake-up is part of that one's source.

    Sources
    -------
    huang2012
    """
    key = ("place", id(network), place)
    if key in now.memo:
        return now.memo[key]
    found = now.memo[key] = {}
    for flow in now.flows:
        rate = flow.rates_per_s.get(place)
        if rate is None or flow.rides or not np.any(np.asarray(rate) > 0):
            continue
        riders = [f for f in now.flows if f.rides == flow.name and place in f.rates_per_s]
        same = ("source", id(network), flow.name, id(rate), len(riders))
        if same not in now.memo:  # the same source serves every screen on which the flow runs alike
            now.memo[same] = _source(now, network, flow, rate, riders)
        found[flow.name] = now.memo[same]
    return found


def background_sources(now: Traffic, place: str) -> tuple:
    """What the screen's own traffic is to the radio: a video segment each few seconds, or a steady upload.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    place : str
        A place of the design's life [-].

    Returns
    -------
    tuple of radio.Source
        Empty where the screen has no background.

    Sources
    -------
    assumption
    """
    name = now.life.places[place].background
    if name is None:
        return ()
    one = now.life.scenario.backgrounds[name]
    return (radio.Source(period_s=one.period_s, bytes_up=one.up_bytes, bytes_down=one.down_bytes,
                         burst_s=one.burst_s),)


def radio_shares(now: Traffic, network: Network) -> tuple:
    """How a push finds the radio of a user in the app: active, in a DRX tail, idle.

    Parameters
    ----------
    now : Traffic
        The design's traffic [-].
    network : Network
        The access network; its first profile counts [-].

    Returns
    -------
    tuple of array
        Shares of foreground time that add up to 1.

    Sources
    -------
    huang2012, cox1962
    """
    key = ("radio shares", id(network))
    if key not in now.memo:
        now.memo[key] = _radio_shares(now, network)
    return now.memo[key]


def _radio_shares(now: Traffic, network: Network) -> tuple:
    profile = radio.profile(network.profiles[0])
    total = [0.0, 0.0, 0.0]
    foreground = {n: p for n, p in now.life.places.items() if p.screen is not None}
    for name, place in foreground.items():
        sources = (*place_sources(now, network, name).values(), *background_sources(now, name))
        for k, share in enumerate(wake_shares(profile, sources)):
            total[k] = total[k] + place.weight * share
    whole = sum(total)
    return tuple(t / whole for t in total)


def wake_shares(profile, sources: tuple) -> tuple:
    """Shares of time that a radio is transferring, in its tail, idle or being promoted."""
    flows = tuple(sources)
    idle = survival(flows, radio.tail_s(profile))
    quiet = survival(flows, 0.0)
    return 1.0 - quiet, quiet - idle, idle


def promotion_s(network: Network):
    """Time a network's first profile takes to lift an idle radio to its top state."""
    profile = radio.profile(network.profiles[0])
    delay_s, _ = radio.promotion_of(profile, profile.states[-1].name, profile.states[0].name)
    return delay_s
