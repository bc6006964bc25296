"""What was published on radio energy beside the model, and what follows from the profiles alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from model import ledger, radio

if TYPE_CHECKING:
    import pandas as pd


RECONNECTS = {"NI-K060-3G-H": 60.0, "NI-K120-3G-H": 120.0}  # case: period [s]
LOW, HIGH = (150.0, 100.0), (2000.0, 5000.0)  # bytes below, and of a whole TLS reconnect above, the thresholds


def published(kinds: Sequence[str] | None = None) -> pd.DataFrame:
    """Every published measurement and example beside the model's own figure, with the error of each.

    `kinds`: kinds of cases; all where none are named. A table: index id; source, kind, profile, published, model, unit,
    error and the allowed error, as shares; a note.
    Source: huang2012, qian2011, nicholas2012, narayanan2021, video_optimizer.

    Examples
    --------
    >>> float(published().loc["HU-01", "published"])
    12.76
    """
    import pandas as pd

    rows = {
        c.id: {
            "source": c.source,
            "kind": c.kind,
            "profile": c.profile,
            "published": c.published,
            "model": c.model,
            "unit": c.unit,
            "error": round(c.error_rel, 9) + 0.0,
            "allowed": c.tol_rel,
            "note": c.note,
        }
        for c in radio.published_cases()
        if kinds is None or c.kind in kinds
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("id")


def errors_by_source() -> pd.DataFrame:
    """The model's mean error for every source of published figures.

    A table: index source with its title; number of cases, mean error, mean error without its sign and the worst, as
    shares of the published figure.
    Source: huang2012, qian2011, nicholas2012, narayanan2021, video_optimizer.
    """
    import pandas as pd

    table, rows = published(), {}
    for source, part in table.groupby("source"):
        error = part["error"].to_numpy()
        rows[source] = {
            "title": ledger.sources()[source]["title"],
            "cases": len(part),
            "mean_error": float(error.mean()),
            "mean_abs_error": float(np.abs(error).mean()),
            "worst": float(error[np.abs(error).argmax()]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("source")


def reconnect_bounds() -> pd.DataFrame:
    """The long polls measured on 3G, where some reconnects stayed low and some climbed, between both bounds.

    A table: index period [s]; published, and the model with every reconnect small enough for the low state and with
    every one above it, % of the battery per hour; the share that climbed, if the model is right.
    Source: nicholas2012, powertutor.
    """
    import pandas as pd

    rows = {}
    for case in (c for c in radio.published_cases() if c.id in RECONNECTS):
        period_s = RECONNECTS[case.id]
        powers = [
            float(radio.mean_power_w(case.profile, radio.Source(period_s=period_s, bytes_up=up, bytes_down=down)))
            for up, down in (LOW, HIGH)
        ]
        low, high = case.model, case.model * powers[1] / powers[0]
        rows[period_s] = {
            "published": case.published,
            "every reconnect low": low,
            "every reconnect high": high,
            "share that climbed": (case.published - low) / (high - low),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("period [s]")


def _poll(period_s: float) -> radio.Source:
    return radio.Source(period_s=period_s, bytes_up=900.0, bytes_down=1200.0, burst_s=0.1)
