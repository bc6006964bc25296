"""Battery: energy that a design adds above the screen's own traffic, as a share of a phone's battery."""

from model.battery.away import away_percent_per_hour, away_reports, beats_w, shown_mah_per_hour, when_away, when_away_w
from model.battery.hourly import (
    FIRST,
    LAST,
    battery_j,
    joules_per_hour,
    mixed_percent,
    network_percent_per_hour,
    percent_by_profile,
    percent_per_hour,
    phones,
)
from model.battery.periods import minutes, needed, period_sweep
from model.battery.published_cases import errors_by_source, published, reconnect_bounds
from model.battery.tables import by_network, by_profile, drain, phone_percent, with_and_without

__all__ = [
    "FIRST",
    "LAST",
    "away_percent_per_hour",
    "away_reports",
    "battery_j",
    "beats_w",
    "by_network",
    "by_profile",
    "drain",
    "errors_by_source",
    "joules_per_hour",
    "minutes",
    "mixed_percent",
    "needed",
    "network_percent_per_hour",
    "percent_by_profile",
    "percent_per_hour",
    "period_sweep",
    "phone_percent",
    "phones",
    "published",
    "reconnect_bounds",
    "shown_mah_per_hour",
    "when_away",
    "when_away_w",
    "with_and_without",
]
