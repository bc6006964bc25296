"""Sums of a month against the model's draws: the draws that fit are kept, and what they leave of each range."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model import server_load
from model.outcome import Sides
from model.readers import OwnFile
from model.scenario import Scenario, sampling

DRAWS = 4096
FITS = (0.02, 0.04, 0.08, 0.16, 0.32)  # how near a draw's sum must be, as a share; the first that leaves enough draws
ENOUGH = 200  # draws that fit, by their weights
SHRINKS = 0.7  # of the middle 80 %, from which on a range is narrower: the ends of few draws are left to chance
PULLS = -0.25  # rank correlation from which on another input is its partner
MIDDLE = (0.1, 0.5, 0.9)


@dataclass(frozen=True)
class Narrowed:
    """An input of which the files leave a part: low, mode and high, and the input it is known as a product with."""

    path: str
    ends: tuple[float, float, float]
    partner: str
    of: str
    files: tuple[OwnFile, ...]


def narrowed(
    scenario: Scenario, design: str, sums: list, users: float, known: set[str], remarks: list[str], seed: int = 0
) -> list[Narrowed]:
    """The inputs whose ranges the sums narrow: draws weighted by how near the model's sums come to the files'."""
    inputs = sampling.ranged_inputs(scenario, [design])
    columns = sampling.draws_of(scenario, DRAWS, seed)
    side = Sides(sampling.with_columns(scenario, columns, [users]))[design]
    misses, used = _misses(side, scenario, sums)
    if not misses:
        remarks.append(f"No sum of a month in these files is one that {design} has.")
        return []
    weights, fit = _weights(np.array(misses))
    if weights is None:
        names = ", ".join(dict.fromkeys(name for name, _ in used))
        remarks.append(f"No draw of the ranges comes within {FITS[-1]:.0%} of all of these sums: {names}.")
        return []
    drawn = {name: columns[name][:, 0] for name in inputs if name in columns and name not in known}
    ranks = {name: np.argsort(np.argsort(x)) / DRAWS for name, x in drawn.items()}
    of = f"{', '.join(dict.fromkeys(name for name, _ in used))} within {fit:.0%}"
    files = tuple(dict.fromkeys(file for _, file in used))
    found = []
    for name, x in drawn.items():
        before, after = np.quantile(x, MIDDLE), _quantiles(x, weights)
        shrunk = (after[2] - after[0]) / max(before[2] - before[0], 1e-300)
        if shrunk < SHRINKS:
            one = inputs[name]
            low = max(after[0] - (before[0] - one.low) * shrunk, one.low)
            high = min(after[2] + (one.high - before[2]) * shrunk, one.high)
            found.append(
                Narrowed(
                    name, (low, float(np.clip(after[1], low, high)), high), _partner(name, ranks, weights), of, files
                )
            )
    return found


def _misses(side, scenario: Scenario, sums: list) -> tuple[list[np.ndarray], list]:
    """For each sum that the model has too ln(model / file) of every draw."""
    rates = server_load.rates_per_s(side.traffic)
    rates["messages/s"] = rates["messages up/s"] + rates["messages down/s"]
    misses, used = [], []
    for kind, name, amount, file in sums:
        own = side.usage.get(name) if kind == "meter" else np.asarray(rates[name]) * scenario.month_s
        if own is None or amount <= 0 or not np.all(np.asarray(own) > 0):
            continue
        misses.append(np.broadcast_to(np.log(np.asarray(own, float) / amount), (DRAWS, 1))[:, 0])
        used.append((name, file))
    return misses, used


def _weights(misses: np.ndarray) -> tuple[np.ndarray | None, float]:
    """The weight of each draw at the nearest fit that leaves enough of them."""
    apart = np.square(misses).sum(axis=0)
    for fit in FITS:
        weights = np.exp(-(apart - apart.min()) / (2.0 * fit**2)) * (apart < (6.0 * fit) ** 2 * len(misses))
        if weights.sum() and weights.sum() ** 2 / np.square(weights).sum() >= ENOUGH:
            return weights / weights.sum(), fit
    return None, FITS[-1]


def _quantiles(x: np.ndarray, weights: np.ndarray) -> np.ndarray:
    order = np.argsort(x)
    heap = np.cumsum(weights[order])
    return x[order][np.minimum(np.searchsorted(heap, MIDDLE), x.size - 1)]


def _partner(name: str, ranks: dict[str, np.ndarray], weights: np.ndarray) -> str:
    """The input that must fall where this one rises, in the draws that fit."""
    mine = ranks[name] - weights @ ranks[name]

    def pull(other: np.ndarray) -> float:
        theirs = other - weights @ other
        return float(weights @ (mine * theirs) / np.sqrt((weights @ mine**2) * (weights @ theirs**2) + 1e-300))

    pulls = {other: pull(rank) for other, rank in ranks.items() if other != name}
    least = min(pulls, key=lambda n: pulls[n], default="")
    return least if least and pulls[least] < PULLS else ""
