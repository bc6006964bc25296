"""Battery as tables: beside a video and alone, by network and profile, as a share of the whole drain."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np

from model import ledger, radio
from model import traffic as traffic_of
from model.battery import hourly
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Network, Scenario, sampling

if TYPE_CHECKING:
    import pandas as pd


DESIGNS = ("before", "after")


def designs_of(scenario: Scenario) -> dict[str, Traffic]:
    """Traffic of both designs with every range at its mode."""
    plain = sampling.resolved(scenario)
    return {which: traffic_of.traffic(which, plain) for which in DESIGNS}


def first_of(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def _row(modes: dict, lows: dict, highs: dict) -> dict:
    """Low, mode and high of both designs, and the change."""
    row = {}
    for which in DESIGNS:
        row |= {which: modes[which], f"{which}_low": lows[which], f"{which}_high": highs[which]}
    return {**row, "change": modes["after"] / modes["before"] - 1.0 if modes["before"] else 0.0}


def with_and_without(scenario: Scenario) -> pd.DataFrame:
    """What both designs take beside the screens' own traffic and alone, each with its range over profiles.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes

    Returns: pandas.DataFrame, index "beside own traffic" and "alone"; before and after with low and high over the
    radio profiles, % of the phone's battery per active hour; the change as a share, and the least and the greatest of
    it over the profiles that the networks can have together
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    designs, rows = designs_of(scenario), {}
    for label, background in (("beside own traffic", True), ("alone", False)):
        modes = {
            w: first_of(sum(hourly.percent_per_hour(now, background, split=False).values()))
            for w, now in designs.items()
        }
        ends = {w: hourly.range_percent_per_hour(now, background) for w, now in designs.items()}
        lows, highs = ({w: first_of(pair[k]) for w, pair in ends.items()} for k in (0, 1))
        rows[label] = {**_row(modes, lows, highs), **_changes(scenario, "" if background else "_alone")}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("radio")


def _changes(scenario: Scenario, ending: str) -> dict:
    """The least and the greatest change over all profiles that the networks can have at once."""
    table, found = by_profile(scenario), []
    shares = {name: first_of(n.share) for name, n in sampling.resolved(scenario).networks.items()}
    lists = [part.index for _, part in table.groupby("network", sort=False)]
    for names in itertools.product(*lists):
        chosen = table.loc[list(names)]
        weight = chosen["network"].map(shares)
        pair = [float((weight * chosen[f"{which}{ending}"]).sum()) for which in DESIGNS]
        found.append(pair[1] / pair[0] - 1.0)
    return {"change_least": max(found), "change_most": min(found)}


def by_network(scenario: Scenario, background: bool = True) -> pd.DataFrame:
    """What both designs take on every network and over the mix, with the range over each one's profiles.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    background : bool, whether the screens' own traffic runs beside it

    Returns: pandas.DataFrame, index network, with a row for the mix; share of users, then as `with_and_without`
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    table, rows = by_profile(scenario), {}
    before, after = ("before", "after") if background else ("before_alone", "after_alone")
    for name, network in sampling.resolved(scenario).networks.items():
        part = table[table["network"] == name]
        pair = part[[before, after]].set_axis(DESIGNS, axis=1)
        change = pair["after"] / pair["before"] - 1.0
        rows[name] = {
            "share": first_of(network.share),
            **_row(pair.iloc[0].to_dict(), pair.min().to_dict(), pair.max().to_dict()),
            "change_least": float(change.max()),
            "change_most": float(change.min()),
        }
    mix = with_and_without(scenario).loc["beside own traffic" if background else "alone"].to_dict()
    rows["mix"] = {"share": 1.0, **mix}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def by_profile(scenario: Scenario) -> pd.DataFrame:
    """What both designs take with every radio profile that the scenario lists, each with its year and tail.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes

    Returns: pandas.DataFrame, index profile; network, year, tail [s], tail [J], then before, after and change beside
    the screens' own traffic and alone, % of the phone's battery per active hour
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
            pair = [hourly.percent_by_profile(now, network, background) for now in designs.values()]
            for name in network.profiles:
                before, after = (first_of(percent[name]) for percent in pair)
                rows[name] |= {
                    f"before{ending}": before,
                    f"after{ending}": after,
                    f"change{ending}": after / before - 1.0,
                }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("profile")


def drain(scenario: Scenario) -> pd.DataFrame:
    """What empties the phone in an active hour, part by part, and which share of it each design is.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes

    Returns: pandas.DataFrame, index part: screen and processor, own traffic, either design; mode, low, high, % of the
    battery per active hour; share of the whole drain with that design, from the least to the most it can be

    Notes
    -----
    Screen and processor vary by the ledger's rows, the radio by its profiles; the least share is the design's
    least beside the most of all else.
    Source: huang2012, narayanan2021_artifact, macrumors_iphone14.
    """
    import pandas as pd

    designs = designs_of(scenario)
    parts = drain_percent_per_hour(designs["before"])
    phone, own = _phone_range(scenario), first_of(parts["own traffic"])
    ends = [first_of(x) for x in own_traffic_range(designs["before"])]
    rows = {
        "screen and processor": dict(zip(("mode", "low", "high"), phone, strict=True)),
        "own traffic on the radio": {"mode": own, "low": ends[0], "high": ends[1]},
    }
    for which, now in designs.items():
        low, high = (first_of(x) for x in hourly.range_percent_per_hour(now))
        mode = first_of(drain_percent_per_hour(now)["design"])
        rows[f"design {which}"] = {"mode": mode, "low": low, "high": high}
        for kind, value, others in (
            ("", mode, phone[0] + own),
            ("_low", low, phone[2] + ends[1]),
            ("_high", high, phone[1] + ends[0]),
        ):
            rows[f"design {which}"][f"share{kind}"] = value / (value + others)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("part")


def _phone_range(scenario: Scenario) -> tuple[float, float, float]:
    """Screen and processor at mode, low and high of the ledger's rows, % of the battery per active hour."""
    names, found = ("phone_on_w", "phone_video_w", "phone_camera_w"), []
    for pick in ("value", "low", "high"):
        own = {n: getattr(ledger.rows()[n], pick) for n in names if n not in scenario.ledger}
        plain = sampling.resolved(scenario.with_({f"ledger.{n}": v for n, v in own.items()}))
        now = traffic_of.traffic("before", plain)
        found.append(first_of(drain_percent_per_hour(now)["phone"]))
    return tuple(found)


def _beside_j(now: Traffic, network: Network):
    """Energy of an active hour that the radio takes for the screens' own traffic, and in idle."""
    number = np.asarray(airtime.profile_number(network))
    drawn = np.unique(number).tolist()
    return np.select([number == k for k in drawn], [_with_j(now, network.profiles[k]) for k in drawn])[()]


def _with_j(now: Traffic, name: str):
    """The same with one profile."""
    profile, total, own = radio.profile(name), 0.0, airtime.background_sources(now)
    for place, where in now.life.places.items():
        if where.screen is not None:
            power_w = radio.mean_power_w(profile, own[place])
            total = total + where.weight * (power_w + radio.idle_w(profile))
    return 3600.0 * total


def _media_w(now: Traffic):
    """Mean power of decoding video, or of camera and encoder, over the screens."""
    scenario, total = now.life.scenario, 0.0
    for screen in scenario.screens.values():
        if screen.background is not None:
            one = scenario.backgrounds[screen.background]
            films = np.greater(one.up_bytes, one.down_bytes)
            total = total + screen.share * np.where(
                films, scenario.number("phone_camera_w"), scenario.number("phone_video_w")
            )
    return total


def drain_percent_per_hour(now: Traffic, background: bool = True) -> dict:
    """What empties the phone in an active hour: screen and processor, the screen's own traffic, the design.

    Source: huang2012, narayanan2021_artifact, macrumors_iphone14.
    """
    scenario = now.life.scenario
    per_j = 100.0 / hourly.battery_j(scenario.phone)
    phone_w = scenario.number("phone_on_w") + (_media_w(now) if background else 0.0)
    own_j = sum(n.share * _beside_j(now, n) for n in scenario.networks.values()) if background else 0.0
    return {
        "phone": 3600.0 * phone_w * per_j,
        "own traffic": own_j * per_j,
        "design": sum(hourly.percent_per_hour(now, background, split=False).values()),
    }


def own_traffic_range(now: Traffic) -> tuple:
    """Least and most that the screens' own traffic takes over the radio profiles that a scenario lists.

    Source: huang2012, narayanan2021.
    """
    per_j = 100.0 / hourly.battery_j(now.life.scenario.phone)
    return hourly.over_profiles(now, lambda network: [_with_j(now, p) * per_j for p in network.profiles])
