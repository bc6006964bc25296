"""The model's delays under the conditions of a bench of real sockets: one period, one path, known work."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np

from model import checks
from model.latency import parts
from model.latency.deliveries import points, whole
from model.wire.measured import measured_table

__all__ = ["compare", "timed_delays_s"]

CONDITIONS = ("timed_period_s", "server_s", "own_s", "path_median_s", "path_sigma_ln")
FIGURES = {"mean": np.mean, "p50": np.median, "p95": functools.partial(np.quantile, q=0.95)}
DELAY_LIMIT_RATIO, KS_LIMIT_RATIO = 0.05, 0.05


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
    at = points(whole("n", n, 1), whole("seed", seed, 0))
    mean_s = about["path_median_s"] * np.exp(about["path_sigma_ln"] ** 2 / 2.0)
    have = {
        "server": parts.fixed(about["server_s"]),
        "database": _tabled(conditions["own_s"]),
        "downlink": parts.network(mean_s, about["path_sigma_ln"]),
    }
    if design == "polling":
        timer = SimpleNamespace(period_s=about["timed_period_s"], timing="fixed", missed_share=0.0)
        have["poll wait"] = parts.poll_wait(timer)
    return sum((np.ravel(p.quantile_s(at["network" if p.network else c])) for c, p in have.items()), np.zeros(n))


def _tabled(percentiles_s) -> parts.DelayPart:
    """A component known by its percentiles, or by one number."""
    table = np.sort(np.atleast_1d(np.asarray(percentiles_s, dtype=float)))
    shares = np.arange(1, table.size + 1) / (table.size + 1.0)
    return parts.DelayPart(float(table.mean()), lambda u: np.interp(u, shares, table))


def compare(
    folder: str | Path | None = None, delay_model: Callable = timed_delays_s, samples: int = 200_000, seed: int = 1
):
    """The delays of the model beside those of a stored measurement, and whether they are near enough."""
    import pandas as pd
    from scipy.stats import ks_2samp

    checks.positive("samples", samples)
    table, sample = measured_table("timing.csv", folder), measured_table("timing_sample.csv", folder)
    rows = []
    for design in ("polling", "push"):
        mine, found = table[table.design == design], sample[f"{design}_s"].to_numpy()
        conditions = mine.iloc[0].to_dict() | {"own_s": mine.own_s.to_numpy()}
        drawn = np.asarray(delay_model(design, conditions, int(samples), seed))
        for figure, of in FIGURES.items():
            rows.append(
                {
                    "design": design,
                    "figure": figure,
                    "measured_s": of(found),
                    "model_s": of(drawn),
                    "error_ratio": of(drawn) / of(found) - 1,
                    "limit_ratio": DELAY_LIMIT_RATIO,
                }
            )
        distance = float(ks_2samp(found, drawn, method="asymp").statistic)
        rows.append({"design": design, "figure": "ks", "error_ratio": distance, "limit_ratio": KS_LIMIT_RATIO})
        for row in rows[-4:]:
            row |= {"within": bool(abs(row["error_ratio"]) <= row["limit_ratio"]), "n": len(found)}
    return pd.DataFrame(rows)
