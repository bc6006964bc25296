"""What empties the phone beside the design: screen, processor and the screen's own traffic."""

from __future__ import annotations

import numpy as np

from model import radio
from model.battery import hourly
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Network

__all__ = ["drain_percent_per_hour", "own_traffic_range"]


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
