"""Battery as tables: beside a video and alone, by network and profile, as a share of the drain; what was published."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from model import ledger, radio
from model.battery import hourly
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Network, Scenario, sampling
from model.traffic import traffic as traffic_of

if TYPE_CHECKING:
    import pandas as pd


DESIGNS = ["before", "after"]
MEDIA_BIT_PER_S = 250_000.0  # from which on a screen's own traffic is a video or a camera's, not pictures now and then


def designs_of(scenario: Scenario) -> dict[str, Traffic]:
    """Traffic of both designs with every range at its mode."""
    plain = sampling.resolved(scenario)
    return {which: traffic_of(which, plain) for which in DESIGNS}


def first_of(value: Any) -> float:
    """The first number of an array, or the number itself."""
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def with_and_without(scenario: Scenario) -> pd.DataFrame:
    """What both designs take beside the screens' own traffic and alone, each with its range over profiles.

    A table: index "beside own traffic", "alone", and where the screens bring several kinds of traffic "without video"
    and so on, for each kind left out; before and after with low and high over the radio profiles, % of the phone's
    battery per active hour; the change as a share, and its least and greatest over the profiles.
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    table, networks = by_profile(scenario), sampling.resolved(scenario).networks
    rows = {label: _mix_row(table, networks, end) for label, end in (("beside own traffic", ""), ("alone", "_alone"))}
    kinds = dict.fromkeys(screen.background for screen in scenario.screens.values() if screen.background)
    for kind in kinds if len(kinds) > 1 else ():
        quiet = {f"screens.{n}.background": None for n, screen in scenario.screens.items() if screen.background == kind}
        rows[f"without {kind}"] = _mix_row(by_profile(scenario.with_(quiet)), networks, "")
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("radio")


def by_network(scenario: Scenario, background: bool = True) -> pd.DataFrame:
    """What both designs take on every network and over the mix, with the range over each one's profiles.

    `background`: whether the screens' own traffic runs beside it. A table: index network, with a row for the mix; share
    of users, then as `with_and_without`.
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    table, networks, ending = by_profile(scenario), sampling.resolved(scenario).networks, "" if background else "_alone"
    rows = {}
    for name, network in networks.items():
        pairs = _pairs(table, name, ending)
        row = _row(pairs[airtime.profile_number(network)], pairs.min(axis=0), pairs.max(axis=0), pairs)
        rows[name] = {"share": first_of(network.share), **row}
    rows["mix"] = {"share": 1.0, **_mix_row(table, networks, ending)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def _pairs(table: pd.DataFrame, network: str, ending: str) -> np.ndarray:
    """Before and after with each profile of a network."""
    return table.loc[table["network"] == network, [f"{which}{ending}" for which in DESIGNS]].to_numpy(dtype=float)


def _mix_row(table: pd.DataFrame, networks: dict[str, Network], ending: str) -> dict[str, float]:
    """Both designs over the network mix; the change with whatever profiles the networks have together."""
    shared = {name: first_of(network.share) * _pairs(table, name, ending) for name, network in networks.items()}
    mode = sum(pairs[airtime.profile_number(networks[name])] for name, pairs in shared.items())
    low, high = (sum(of(pairs, axis=0) for pairs in shared.values()) for of in (np.min, np.max))
    return _row(mode, low, high, [sum(pairs) for pairs in itertools.product(*shared.values())])


def _row(mode: Any, low: Any, high: Any, pairs: Iterable) -> dict[str, float]:
    """Mode, low and high of both designs; the change at the mode, the least and the greatest of some pairs."""
    row: dict[str, float] = {}
    for k, which in enumerate(DESIGNS):
        row |= {which: float(mode[k]), f"{which}_low": float(low[k]), f"{which}_high": float(high[k])}
    changes = [after / before - 1.0 for before, after in pairs]
    change = float(mode[1] / mode[0] - 1.0) if mode[0] else 0.0
    return {**row, "change": change, "change_least": float(max(changes)), "change_most": float(min(changes))}


def by_profile(scenario: Scenario) -> pd.DataFrame:
    """What both designs take with every radio profile that the scenario lists, each with its year and tail.

    A table: index profile; network, year, tail [s], tail [J], then before, after and change beside the screens' own
    traffic and alone, % of the phone's battery per active hour.
    Source: huang2012, narayanan2021, yue2020, aosp_power_profile.
    """
    import pandas as pd

    designs, rows = designs_of(scenario), {}
    for label, network in designs["before"].life.scenario.networks.items():
        for name in network.profiles:
            profile = radio.profile(name)
            rows[name] = {
                "network": label,
                "year": str(profile.year),
                "tail_s": radio.tail_s(profile),
                "tail_j": float(radio.tail_energy_j(profile)),
            }
        for ending, background in (("", True), ("_alone", False)):
            percents = [hourly.percent_by_profile(traffic, network, background) for traffic in designs.values()]
            for name in network.profiles:
                before, after = (first_of(percent[name]) for percent in percents)
                rows[name] |= {f"before{ending}": before, f"after{ending}": after}
                rows[name][f"change{ending}"] = after / before - 1.0
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("profile")


def drain(scenario: Scenario) -> pd.DataFrame:
    """What empties the phone in an active hour, part by part, and which share of it each design is.

    A table: index part: screen and processor, own traffic, either design; mode, low, high, % of the battery per active
    hour; share of the whole drain with that design, from the least to the most it can be. Screen and processor vary by
    the ledger's rows, the radio by its profiles; the least share is the design's least beside the most of all else.
    Source: huang2012, narayanan2021_artifact, macrumors_iphone14.
    """
    import pandas as pd

    phone, own = _phone_range(scenario), _own_range(traffic_of("before", sampling.resolved(scenario)))
    rows = {"screen and processor": phone, "own traffic on the radio": own}
    both = _mix_row(by_profile(scenario), sampling.resolved(scenario).networks, "")
    for which in DESIGNS:
        row = {"mode": both[which], "low": both[f"{which}_low"], "high": both[f"{which}_high"]}
        for share, kind, others in (
            ("share", "mode", "mode"),
            ("share_low", "low", "high"),
            ("share_high", "high", "low"),
        ):
            row[share] = row[kind] / (row[kind] + phone[others] + own[others])
        rows[f"design {which}"] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("part")


def phone_percent(scenario: Scenario) -> float:
    """What empties the phone but for the designs, every input at its mode, % of the battery per active hour."""
    plain = sampling.resolved(scenario)
    return _phone_percent(plain) + _own_range(traffic_of("before", plain))["mode"]


def _phone_range(scenario: Scenario) -> dict[str, float]:
    """Screen and processor at mode, low and high of the ledger's rows, % of the battery per active hour."""
    names, percents = ("phone_on_w", "phone_video_w", "phone_camera_w"), {}
    for key, pick in (("mode", "value"), ("low", "low"), ("high", "high")):
        own = {n: getattr(ledger.rows()[n], pick) for n in names if n not in scenario.ledger}
        percents[key] = _phone_percent(sampling.resolved(scenario.with_({f"ledger.{n}": v for n, v in own.items()})))
    return percents


def _phone_percent(plain: Scenario) -> float:
    """Screen and processor, % of the battery per active hour."""
    return first_of(3600.0 * _phone_w(plain) / hourly.battery_j(plain.phone) * 100.0)


def _phone_w(scenario: Scenario) -> Any:
    """Mean power of the screen that is on, of decoding video, and of camera and encoder."""
    total = scenario.number("phone_on_w")
    for screen in scenario.screens.values():
        if screen.background is not None:
            own = scenario.backgrounds[screen.background]
            films = np.greater(own.up_bytes, own.down_bytes)
            media_w = np.where(films, scenario.number("phone_camera_w"), scenario.number("phone_video_w"))
            media_w = media_w * (8.0 * (own.up_bytes + own.down_bytes) > MEDIA_BIT_PER_S * own.period_s)
            total = total + screen.share * media_w
    return total


def _own_range(traffic: Traffic) -> dict[str, float]:
    """The screens' own traffic on the radio, idle included, at the mode, least and most over the radio profiles."""
    scenario, own = traffic.life.scenario, airtime.background_sources(traffic)
    screens = {name: place for name, place in traffic.life.places.items() if place.screen is not None}
    percents = dict.fromkeys(("mode", "low", "high"), 0.0)
    for network in scenario.networks.values():
        each = [
            first_of(
                sum(
                    p.weight * (radio.mean_power_w(profile, own[n]) + radio.idle_w(profile)) for n, p in screens.items()
                )
            )
            for profile in network.profiles
        ]
        for key, power_w in (("mode", each[airtime.profile_number(network)]), ("low", min(each)), ("high", max(each))):
            percents[key] += first_of(network.share) * 3600.0 * power_w / hourly.battery_j(scenario.phone) * 100.0
    return percents


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
