"""Radio wake-ups: exchanges that come after a silence, a few near each other counted once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.life.flow import Flow, Traffic, own_quiet, quiet

APART_S = 2.0  # exchanges within it are one wake-up


def wakes_per_hour(traffic: Traffic, pushed: Mapping | None = None) -> np.ndarray:
    """Wake-ups an active hour: exchanges of a design more than 2 s after the one before them.

    Timers have phases of their own, what comes at random has no memory; of the pushes `pushed` may tell, by event, the
    share that comes after such a silence of pushes and the mean time that one covers, as a record has them.

    Source: cox1962.
    """
    flows = [f for f in traffic.flows if f.exchange != "none" and f.rates_per_s and not f.rides]
    per_s = sum((place.weight * _at(flows, name, pushed) for name, place in traffic.life.places.items()), np.zeros(1))
    return 3600.0 * np.asarray(per_s)


def _at(flows: list[Flow], place: str, pushed: Mapping | None):
    """Wake-ups a second at a place."""
    here = [f for f in flows if place in f.rates_per_s]
    told = (
        [] if pushed is None else [(f, *pushed.get(f.events[0], (1.0, APART_S))) for f in here if f.exchange == "push"]
    )
    others = [f for f in here if pushed is None or f.exchange != "push"]
    covered = sum((f.rates_per_s[place] * seconds for f, _, seconds in told), np.zeros(1))
    alone = np.broadcast_arrays(1.0 - np.minimum(covered, 1.0), *(quiet(f, place, APART_S) for f in others))
    wakes = sum((f.rates_per_s[place] * share for f, share, _ in told), np.zeros(1)) * np.prod(alone[1:], axis=0)
    for k, flow in enumerate(others, 1):
        rest = np.prod([*alone[:k], *alone[k + 1 :]], axis=0)
        wakes = wakes + flow.rates_per_s[place] * own_quiet(flow, place, APART_S) * rest
    return wakes
