"""What was published on radio energy beside the model, and what follows from the profiles alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from model import ledger, radio
from model.battery.tables import designs_of, first_of
from model.scenario import Scenario

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["errors_by_source", "published", "reconnect_bounds", "said_truly"]

VIDEO = radio.Source(period_s=4.0, bytes_up=4e3, bytes_down=1.25e6, burst_s=0.5)
BEAT = radio.Source(period_s=30.0, bytes_up=150.0, bytes_down=100.0, burst_s=0.05)
LTE_2012 = "lte_huang2012"
RECONNECTS = {"NI-K060-3G-H": 60.0, "NI-K120-3G-H": 120.0}  # case: period [s]
LOW, HIGH = (150.0, 100.0), (2000.0, 5000.0)  # bytes below, and of a whole TLS reconnect above, the thresholds


def published(kinds: Sequence[str] | None = None) -> pd.DataFrame:
    """Every published measurement and example beside the model's own figure, with the error of each.

    Parameters
    ----------
    kinds : sequence of str, optional, kinds of cases; all where none are named

    Returns: pandas.DataFrame, index id; source, kind, profile, published, model, unit, error and the allowed error,
    as shares; a note
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

    Returns: pandas.DataFrame, index source with its title; number of cases, mean error, mean error without its sign
    and the worst, as shares of the published figure
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

    Returns: pandas.DataFrame, index period [s]; published, and the model with every reconnect small enough for the
    low state and with every one above it, % of the battery per hour; the share that climbed, if the model is right
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


def _recent(access: str) -> list[str]:
    return [n for n in radio.profiles(access) if radio.profile(n).year >= 2020]


def _poll(period_s: float) -> radio.Source:
    return radio.Source(period_s=period_s, bytes_up=900.0, bytes_down=1200.0, burst_s=0.1)


def _ratio_of_polls(name: str) -> float:
    """How much more a poll each 2 s draws than one each 10 s."""
    powers = [float(radio.mean_power_w(name, _poll(t))) for t in (2.0, 5.0, 10.0)]
    return max(powers) / min(powers)


def _beside_share(name: str, source: radio.Source) -> float:
    """What a source takes beside a playing video, as a share of what it takes alone."""
    return float(radio.mean_power_w(name, source, VIDEO) / radio.mean_power_w(name, source))


def _up_share(name: str, period_s: float) -> float:
    """Share of time that an instant each period keeps a radio out of idle."""
    return float(1.0 - radio.state_shares(name, radio.Source(period_s=period_s))["idle"])


def _powers(source: radio.Source, names: Sequence[str]) -> np.ndarray:
    return np.array([float(radio.mean_power_w(name, source)) for name in names])


def _statements() -> dict[str, Sequence[float] | np.ndarray]:
    """What is said, with its figure on every radio that it is about."""
    lte, every = _recent("lte"), radio.profiles("lte")
    long = [n for n in every if radio.tail_s(radio.profile(n)) >= 10.0]
    old_w = next(s.power_w for s in radio.profile(LTE_2012).states if s.name == "drx_long")
    tails_w = np.array([radio.profile(n).states[0].power_w for n in lte])
    old_j = float(radio.tail_energy_j(LTE_2012))
    fell = {"2020-21": lte, "5G SA and mmWave": ["nr_sa_tmobile_2021", "nr_mmwave_verizon_2021"]}
    return {
        "a poll each 2 s beside a video over the same alone, LTE of 2020-21": [
            _beside_share(n, _poll(2.0)) for n in lte
        ],
        "a 30 s heartbeat beside a video over the same alone, LTE of 2020-21": [_beside_share(n, BEAT) for n in lte],
        "polls each 2, 5 and 10 s, dearest over cheapest, LTE of 2012": [_ratio_of_polls(LTE_2012)],
        "polls each 2, 5 and 10 s, dearest over cheapest, LTE of 2020-21": [_ratio_of_polls(n) for n in lte],
        "share of time that a 30 s heartbeat holds LTE up, tails of 10 s and more": [_up_share(n, 30.0) for n in long],
        "a 30 s heartbeat over a poll each 30 s, LTE": _powers(BEAT, every) / _powers(_poll(30.0), every),
        "LTE tail power of 2012 over that of 2020-21": old_w / tails_w,
        **{
            f"LTE tail energy of 2012 over that of {what}": [old_j / float(radio.tail_energy_j(n)) for n in names]
            for what, names in fell.items()
        },
    }


def said_truly(scenario: Scenario) -> pd.DataFrame:
    """What is true of polls, pushes and radios whatever the app, as computed figures.

    Parameters
    ----------
    scenario : Scenario, only what happens in its background is asked of it

    Returns: pandas.DataFrame, index statement; lowest and highest figure over the radios it is about, and how many
    these are

    Notes
    -----
    The last two rows say how long a design goes on after the app is left. On iOS an app is suspended within
    seconds, or about half a minute where it asks for more, so neither design runs in the background.
    Source: huang2012, narayanan2021, yue2020, apple_background.
    """
    import pandas as pd

    rows = {said: {"low": float(min(v)), "high": float(max(v)), "radios": len(v)} for said, v in _statements().items()}
    for which, traffic in designs_of(scenario).items():
        socket = traffic.life.design.socket
        grace_s = first_of(socket.grace_s) if socket is not None else 0.0
        said = f"seconds that the design {which} goes on behind the app, in the background"
        rows[said] = {"low": grace_s, "high": grace_s, "radios": len(radio.profiles())}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("what is said")
