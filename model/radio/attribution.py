"""Whose energy it is: the power that sources add, split by the source that causes it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from model.radio.fall import Fall, climbs, fall_of
from model.radio.library import radio_of
from model.radio.states import Radio
from model.radio.survival import Source, bytes_w, flows_of, last_share, survival

__all__ = ["power_by_source_w"]


def power_by_source_w(profile: Radio | str, sources, background=()) -> np.ndarray:
    """The power that `mean_power_w` finds, split by the source that causes it.

    At any moment the power above what the background alone would draw belongs to the source whose exchange
    was the last on air; where that was the background's own, nothing is added. So source i gets the
    integral of [power(a) - expected power of the background alone] x (-S_i'(a)) x product of the other
    S_j(a), and its own bytes. Promotions are in it: time reversed, the share of them that follows a
    source's packets equals the share that its packets cause. The parts sum to `mean_power_w`.

    Source: qian2011 (tail energy belongs to the packet before it).
    """
    profile, flows, behind = radio_of(profile), flows_of(sources), flows_of(background, "background")
    if not flows:
        return np.zeros(0)
    way = fall_of(profile, (*flows, *behind))
    parts, taken = _steps(way, flows, behind)
    parts = parts + _climbs(profile, way, flows, behind, taken)
    return np.stack(
        np.broadcast_arrays(*(part + bytes_w(profile, flow) for part, flow in zip(parts, flows, strict=True)))
    )


def _steps(way: Fall, flows: Sequence[Source], behind: Sequence[Source]) -> tuple:
    """Power by source over the steps of the fall, and the time before idle in which each was last on air."""
    front, rear = way.of(slice(len(flows))), way.of(slice(len(flows), None))
    drops = [-step_w * survival(behind, ages) for step_w, ages in rear.edges()]
    longest = 0.0
    for flow in flows:
        longest = np.maximum(longest, flow.burst_s)
    begins = [[-longest] * len(flows), *front.ages[:-1]]  # a step begins where the one before it ended
    lengths, axes = [longest, *front.lengths[1:]], _axes(front, flows)
    starts, moves = (_by_flow(each, axes) for each in (begins, front.moves))
    shares = last_share(flows, starts, _side_by_side(lengths, axes), moves)
    parts = taken = 0.0
    for i in range(len(lengths)):
        parts = parts + shares[:, i] * sum(drops[i:])
        taken = taken + shares[:, i] if i <= front.idle_at else taken
    return parts, taken


def _axes(way: Fall, flows: Sequence[Source]) -> int:
    """How many axes the numbers of the flows and of the steps have."""
    numbers = (x for f in flows for x in (f.period_s, f.rate_per_s, f.burst_s))
    return max(map(np.ndim, itertools.chain(numbers, *way.ages, *way.moves)), default=0)


def _by_flow(steps: Sequence[Sequence], axes: int) -> list[np.ndarray]:
    """Numbers of each step for each flow, as the steps of each flow."""
    return [_side_by_side(of_flow, axes) for of_flow in zip(*steps, strict=True)]


def _side_by_side(values: Sequence, axes: int) -> np.ndarray:
    """Numbers of the steps along a new first axis, before the axes of all other numbers."""
    found = np.stack(np.broadcast_arrays(*values))
    return found.reshape(len(found), *(1,) * (axes - found.ndim + 1), *found.shape[1:])


def _climbs(profile: Radio, way: Fall, flows: Sequence[Source], behind: Sequence[Source], taken):
    """Power by source of the climbs that no step holds."""
    count, parts = len(flows), 0.0
    together = climbs(profile, way, (*flows, *behind), by_flow=True)
    alone = climbs(profile, way.of(slice(count, None)), behind, by_flow=True)
    whole = np.sum(taken, axis=0)
    portion = np.divide(taken, whole, out=np.zeros(np.shape(taken)), where=whole > 0)
    for i, climb in enumerate(together):
        own = np.stack(np.broadcast_arrays(*climb.share[:count]))
        spared = sum(climb.share[count:], 0.0) - (sum(alone[i].share, 0.0) if behind else 0.0)
        parts = parts + (own + portion * spared) * climb.extra_w
    return parts
