"""What phones keep: Android's `dumpsys batterystats --checkin` and the JSON of iOS's MetricKit."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model import checks, paths
from model.readers.own.opening import OwnFile, clean, document, lines, number, opened, own_file, seconds, within

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


OLDEST, NEWEST = 9, 36  # versions of the dump (`vers`) whose columns are known
TRAFFIC = "mobile_received mobile_sent wifi_received wifi_sent".split()  # bytes, then the same as packets
SIGNALS = "none poor moderate good great".split()
RADIO = (
    "Radio time is the time that the phone's framework counts, its own timer of 10 s on mobile included: no radio tail."
)


def batterystats(path: str | Path) -> BatteryStats:
    """What an Android battery dump tells: bytes, radio time and charge by app, and wakes from its history.

    Parameters
    ----------
    path : path, what `adb shell dumpsys batterystats --checkin` wrote, gz or not

    Returns: BatteryStats, see its own text
    Raises: InputError, a file that cannot be read, is no such dump, or is of a version older than 9
    """
    import pandas as pd

    place, version, rows = clean(paths.shown(Path(path))), 0, 0
    total: dict[str, float] = {}
    apps: dict[int, dict[str, Any]] = {}
    history: list[list[str]] = []
    with opened(path) as (stream, share):
        for raw in lines(stream, share, place):
            first, who, kind, *rest = [*raw.decode("utf-8", "replace").strip().split(","), "", "", ""]
            what, values = rest[0] if rest else "", [number(text) for text in rest[1:-3]]
            if first != "9" or who != "h" and not who.isdigit():
                continue
            rows += 1
            uid = int(who) % 100_000 if who.isdigit() else 0
            if who == "h":
                history.append([kind, *rest[:-3]] if rest[:-3] else [kind])
            elif what == "vers":
                version = int(values[0]) if values and values[0] == values[0] else 0
                if version < OLDEST:
                    checks.fail(f"a battery dump must be of version {OLDEST} or later; got {version}", place)
            elif what == "uid" and kind == "i" and len(rest) > 2:
                named = int(values[0]) % 100_000 if values[0] == values[0] else 0
                apps.setdefault(named, {}).setdefault("package", clean(rest[2]))
            elif kind == "l" and uid:
                add_app(apps.setdefault(uid, {}), what, rest[1], values)
            elif kind == "l":
                total |= totals(what, values, version)
    if not rows:
        checks.fail(
            "a battery dump must have lines that start with 9; got none (dumpsys batterystats --checkin)", place
        )
    if not version and (total or apps):
        checks.fail("a battery dump must say its version (vers); this one does not, so its columns are unknown", place)
    notes = [RADIO, *[f"Version {version} is newer than {NEWEST}; read as that."] * (version > NEWEST)]
    wakes, summary, levels, networks = read_history(history)
    start_s, real_s = total.pop("start_s", math.nan), total.pop("real_s", math.nan)
    facts = own_file(
        Path(path), "batterystats", rows, (start_s, start_s + real_s), f"Android, version {version}", notes
    )
    columns = ["package", *[f"{name}_bytes" for name in TRAFFIC], "radio_on_s", "radio_periods", "shown_mah"]
    table = pd.DataFrame.from_dict(
        {u: a for u, a in apps.items() if len(a.keys() - {"package"})}, "index", columns=columns
    )
    table["radio_period_s"] = table["radio_on_s"] / table["radio_periods"].replace(0.0, math.nan)
    counted = pd.Series(total, dtype=float)
    counted["radio_period_s"] = counted.get("radio_on_s", math.nan) / (counted.get("radio_periods") or math.nan)
    return BatteryStats(facts, version, counted, table, wakes, pd.Series(summary, dtype=float), levels, networks)


def at(values: list[float], place: int, unit: float = 1.0) -> float:
    """The value in a place of a line over its unit, nan where the line is shorter."""
    return values[place] / unit if place < len(values) else math.nan


def totals(what: str, values: list[float], version: int) -> dict[str, float]:
    """What a line of totals says; the columns of `m` changed with version 14."""
    if what == "bt":
        span = {"start_s": at(values, 5, 1e3), "real_s": at(values, 3, 1e3)}
        return {"on_battery_s": at(values, 1, 1e3), "screen_off_s": at(values, 6, 1e3), **span}
    if what == "gn":
        names = [f"{name}_{unit}" for unit in ("bytes", "packets") for name in TRAFFIC]
        return {name: at(values, place) for place, name in enumerate(names)}
    if what == "m":
        radio, periods = (4, at(values, 13)) if version >= 14 else (12, math.nan)
        return {"screen_on_s": at(values, 0, 1e3), "radio_on_s": at(values, radio, 1e3), "radio_periods": periods}
    if what == "gmcd":  # a measured charge stands before the five levels of sending where there are nine fields
        sent = values[4:9] if len(values) > 8 else values[3:8]
        parts = (at(values, 0, 1e3), at(values, 1, 1e3), sum(sent) / 1e3, at(values, 2))
        return dict(zip(("modem_idle_s", "modem_received_s", "modem_sent_s", "modem_mah"), parts, strict=True))
    if what == "sgt":
        return {f"signal_{name}_s": at(values, place, 1e3) for place, name in enumerate(SIGNALS)}
    return {}


def add_app(app: dict[str, Any], what: str, word: str, values: list[float]) -> None:
    """Add what a line says of an app; an app of several users of the phone has several."""
    if what == "nt":  # radio time is in microseconds here, in milliseconds elsewhere
        new = {f"{name}_bytes": at(values, place) for place, name in enumerate(TRAFFIC)}
        new |= {"radio_on_s": at(values, 8, 1e6), "radio_periods": at(values, 9)}
    elif what == "pwi" and word == "uid":
        new = {"shown_mah": at(values, 1)}
    else:
        return
    for name, value in new.items():
        app[name] = app.get(name, 0.0) + value


def read_history(history: list[list[str]]) -> tuple[pd.DataFrame, dict, tuple[int, ...], tuple[str, ...]]:
    """Wakes, sums, battery levels and kinds of connection of a history; each line starts with its time since the last.

    A wake counts where the phone was on battery with its screen off all the while, from +r to -r; a wake that began
    before the history, or was cut by a restart, does not.
    """
    import pandas as pd

    now, on, wakes, quiet_s, radio = 0.0, {}, [], 0.0, []
    levels, networks, fresh = [], [], True
    for stamp, *events in history:
        delta, *commands = stamp.split(":")
        step = number(delta) / 1e3 if number(delta) == number(delta) else 0.0
        quiet_s += step * ("BP" not in on and "S" not in on and not fresh)
        now += step
        if {"RESET", "START", "SHUTDOWN"} & set(commands):
            on, fresh = {}, True
            continue
        for event in events:
            name = event[1:].partition("=")[0]
            if event[:1] == "+":
                on[name] = math.nan if fresh else now
                if name in ("S", "BP") and "r" in on:
                    on["r"] = math.nan  # the wake is no longer one with the screen off and on battery
                elif name == "r" and ("S" in on or "BP" in on):
                    on["r"] = math.nan
            elif event[:1] == "-":
                began = on.pop(name, math.nan)
                if name == "r" and began == began:
                    wakes.append((began, now - began))
                elif name == "Pr" and began == began:
                    radio.append(now - began)
            elif event.startswith("Bl="):
                levels.append(int(number(event[3:]) if event[3:].isdigit() else 0))
            elif event.startswith("Pcn="):
                networks.append(clean(event[4:], 20))
        fresh = fresh and not events
    table, hours = pd.DataFrame(wakes, columns=["start_s", "awake_s"]), quiet_s / 3600
    summary = {
        "lines": len(history),
        "hours": hours,
        "wakes": len(wakes),
        "wakes_per_hour": len(wakes) / hours if hours and wakes else math.nan,
        "awake_s": table["awake_s"].mean() if wakes else math.nan,
        "radio_on_s": sum(radio),
        "radio_periods": len(radio),
    }
    return table, summary, tuple(levels), tuple(networks)


UNITS = {"b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9}
READ_AS_KB = "Sizes whose unit is in the phone's language count as kB, in which MetricKit writes them."


def with_unit(text: Any) -> tuple[float, str]:
    """The number of a text such as "1,842 kB" or "8,665千字节", and its unit as written."""
    found = re.match(r"\s*(\d[\d.,'\u2019\u066c\u00a0\u202f ]*)\s*(.*)", str(text), re.S)
    if not found:
        return math.nan, ""
    digits, whole = found[1].strip(), re.sub(r"\D", "", found[1])
    parts = re.split(r"\D", digits)
    grouped = len(parts) == 1 or all(len(part) == 3 for part in parts[1:])
    return float(whole if grouped else f"{''.join(parts[:-1])}.{parts[-1]}"), found[2].strip()


def metrickit(path: str | Path) -> MetricKit:
    """What a MetricKit payload tells: bytes over mobile and Wi-Fi, time in front and in the background, signal.

    Parameters
    ----------
    path : path, the JSON that `jsonRepresentation()` gives for one day, in any language of the phone, gz or not

    Returns: MetricKit, see its own text
    Raises: InputError, a file that cannot be read or is no such payload
    """
    content, place, notes = document(path), clean(paths.shown(Path(path))), set()
    sums, spent = within(content, "networkTransferMetrics"), within(content, "applicationTimeMetrics")
    if not isinstance(sums, dict) and not isinstance(spent, dict):
        checks.fail(
            "a MetricKit payload must have networkTransferMetrics or applicationTimeMetrics; got neither", place
        )

    def sized(name: str) -> float:
        value, unit = with_unit(within(sums, f"cumulative{name}"))
        if unit.lower() not in UNITS and value == value:
            notes.add(READ_AS_KB)
        return value * UNITS.get(unit.lower(), 1e3)

    sizes = [sized(f"{net}{way}") for net in ("Cellular", "Wifi") for way in ("Download", "Upload")]
    times = [with_unit(within(spent, f"cumulative{name}Time"))[0] for name in ("Foreground", "Background")]
    buckets = within(content, "cellularConditionMetrics", "cellConditionTime", "histogramValue")
    bars_ = buckets.values() if isinstance(buckets, dict) else ()
    seen = [(number(within(b, "bucketCount")), with_unit(within(b, "bucketStart"))[0]) for b in bars_]
    count = sum(many for many, _ in seen)
    bars = sum(many * bar for many, bar in seen) / count if count else math.nan
    span = [seconds(within(content, name)) for name in ("timeStampBegin", "timeStampEnd")]
    facts = own_file(Path(path), "metrickit", 1, span, "MetricKit", sorted(notes))
    return MetricKit(facts, *sizes, *times, bars)
