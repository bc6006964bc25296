"""What phones keep: Android's `dumpsys batterystats --checkin` and the JSON of iOS's MetricKit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model import checks
from model.readers.own.opening import OwnFile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class BatteryStats:
    """What a battery dump tells; nan where it does not know. Radio time is the framework's own timer, never a tail.

    - `totals`: on_battery_s, screen_off_s, screen_on_s, mobile_received_bytes, mobile_sent_bytes, wifi_received_bytes,
      wifi_sent_bytes, the same as packets, radio_on_s, radio_periods, radio_period_s (mean), modem_idle_s,
      modem_received_s, modem_sent_s, modem_mah, signal_none_s, signal_poor_s, signal_moderate_s, signal_good_s,
      signal_great_s
    - `apps`: a row an app by uid: package, mobile_received_bytes, mobile_sent_bytes, wifi_received_bytes,
      wifi_sent_bytes, radio_on_s, radio_periods, radio_period_s (mean), shown_mah (as Android shows it)
    - `wakes`: a row a time the processor was awake on battery with the screen off (from the history): start_s (since
      the history's start), awake_s
    - `history`: lines, hours (on battery, screen off), wakes, wakes_per_hour, awake_s (mean of a wake), radio_on_s,
      radio_periods
    - `levels`: the battery levels in order; `networks`: the kinds of data connection in order
    """

    file: OwnFile
    version: int
    totals: pd.Series
    apps: pd.DataFrame
    wakes: pd.DataFrame
    history: pd.Series
    levels: tuple[int, ...]
    networks: tuple[str, ...]


@dataclass(frozen=True)
class MetricKit:
    """What MetricKit tells of one app on one iPhone in a day; sizes in bytes, times in s, nan where it does not say."""

    file: OwnFile
    mobile_received_bytes: float
    mobile_sent_bytes: float
    wifi_received_bytes: float
    wifi_sent_bytes: float
    foreground_s: float
    background_s: float
    signal_bars: float

    @property
    def mobile_share(self) -> float:
        """The share of the bytes that went over the mobile network."""
        mobile = self.mobile_received_bytes + self.mobile_sent_bytes
        return mobile / (mobile + self.wifi_received_bytes + self.wifi_sent_bytes)


def batterystats(path: str | Path) -> BatteryStats:
    """What an Android battery dump tells."""
    checks.fail("battery dumps are not read yet", path)


def metrickit(path: str | Path) -> MetricKit:
    """What a MetricKit payload tells."""
    checks.fail("MetricKit payloads are not read yet", path)
