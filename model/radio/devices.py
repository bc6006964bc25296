"""Phones and the energy of their batteries: `data/devices.csv`."""

from __future__ import annotations

import functools

from model import checks, ledger, paths

__all__ = ["battery_wh", "phones"]


@functools.cache
def _devices() -> dict[str, ledger.Row]:
    found = {}
    for number, raw in enumerate(ledger.read_csv(paths.data("devices.csv")), start=2):
        place = f"data/devices.csv:{number}"
        row = {**raw, "name": "battery_wh", "value": raw["battery_wh"], "unit": "Wh", "checked_on": ""}
        found[raw["phone"]] = ledger.checked_row(row, place, ledger.sources())
    return found


def phones() -> tuple[str, ...]:
    """Names of the phones whose battery is known."""
    return tuple(_devices())


def battery_wh(phone: str) -> float:
    """Energy of a phone's full battery.

    Source: ninetofivemac_battery, nicholas2012, aosp_power_profile.
    """
    checks.known("phone", phone, phones())
    return _devices()[phone].value
