"""The model's delays under the conditions of a bench of real sockets: one period, one path, known work."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np

from model import checks
from model.latency import parts, waits
from model.latency.sampling import Points, whole

__all__ = ["timed_delays_s"]

CONDITIONS = ("timed_period_s", "server_s", "own_s", "path_median_s", "path_sigma_ln")


def timed_delays_s(design: str, conditions: dict, n: int, seed: int) -> np.ndarray:
    """Delays from stored to seen that the model gives to a timed bench: wait for the poll, server, way down.

    The same components as a scenario's: a poll of a fixed period waits evenly over it, its way up only shifts
    its phase; a push has no wait and a radio that is always on. Set-up is over before the first event.

    Source: cox1962.
    """
    checks.known("design", design, ("polling", "push"))
    for name in CONDITIONS:
        if name not in conditions:
            checks.fail(f"{name} must be given among the conditions; got nothing")
        checks.non_negative(name, conditions[name], "s" if name.endswith("_s") else "")
    about = {name: float(conditions[name]) for name in CONDITIONS if name != "own_s"}
    points = Points(whole("n", n, 1), whole("seed", seed, 0))
    mean_s = about["path_median_s"] * np.exp(about["path_sigma_ln"] ** 2 / 2.0)
    have = {
        "server": parts.fixed(about["server_s"]),
        "database": _tabled(conditions["own_s"]),
        "downlink": parts.network(mean_s, about["path_sigma_ln"]),
    }
    if design == "polling":
        timer = SimpleNamespace(period_s=about["timed_period_s"], timing="fixed", missed_share=0.0)
        have["poll wait"] = waits.poll_wait(timer)
    drawn = (points.drawn_s(name, part, slice(None)) for name, part in have.items())
    return sum(drawn, np.zeros(points.n))[points.back]


def _tabled(percentiles_s) -> parts.Part:
    """A component known by its percentiles, or by one number."""
    table = np.sort(np.atleast_1d(np.asarray(percentiles_s, dtype=float)))
    shares = np.arange(1, table.size + 1) / (table.size + 1.0)
    return parts.Part(float(table.mean()), lambda u: np.interp(u, shares, table), "service", float(table.var()))
