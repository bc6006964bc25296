"""Battery behind a dark screen: radio and wake-ups of the processor, and what an Android battery screen would show."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from model import checks, ledger, paths, radio
from model.battery.hourly import battery_j
from model.life import exchange
from model.life.away import Stretch, often_per_s
from model.life.flow import Flow, Traffic, cold_shares
from model.scenario import Network, Scenario, sampling
from model.traffic import traffic as traffic_of

if TYPE_CHECKING:
    import pandas as pd

APART_S = 2.0  # exchanges within it are one wake-up
HOUR_S = 3600.0
NO_PHONES = ("web",)  # a browser's tab is on no phone


def wakes_per_s(timings: Sequence[dict[str, Any]]):
    """Wake-ups a second: exchanges more than 2 s after the one before them, phases independent. Source: cox1962."""
    flows = [
        Flow(str(k), "", 0.0, {"away": often_per_s(timing)}, timing.get("period_s")) for k, timing in enumerate(timings)
    ]
    first = cold_shares(flows, {"away": 1.0}, APART_S)
    return sum((flow.rates_per_s["away"] * share for flow, share in zip(flows, first, strict=True)), 0.0)


def shown_share(timings: Sequence[dict[str, Any]], bursts_s: Sequence[Any], held_s):
    """The share of the time in which Android takes the mobile radio to be active: 1 - product of what each leaves.

    A timer of period T covers min((burst + 10 s) / T, 1) of it, what comes at random 1 - exp(-rate (burst + 10 s)).
    Source: aosp_radio_power, cox1962.
    """
    quiet = 1.0
    for timing, burst_s in zip(timings, bursts_s, strict=True):
        covered_s = burst_s + held_s
        timer = "period_s" in timing
        alone = (
            1.0 - np.minimum(covered_s / timing["period_s"], 1.0)
            if timer
            else np.exp(-timing["rate_per_s"] * covered_s)
        )
        quiet = quiet * alone
    return 1.0 - quiet


def shown_mah_per_hour(periods_s: Sequence[float], current_a=None, burst_s: float = 0.5, held_s=None):
    """What an Android battery screen without power rails charges an app for beats on a mobile network.

    current x [1 - product over beats of (1 - min(1, (burst + 10 s) / T))]: the framework takes the radio to be active
    for 10 s after each packet and knows nothing of the network's tail. A reading of the display, not of energy.

    `periods_s`: the period of each beat, > 0 [s]; `current_a`: current of an active radio in the phone's power profile;
    the ledger's if left out [A]; `burst_s`: how long one beat keeps the radio transferring [s]; `held_s`: how long the
    radio is taken to be active after it; the ledger's if left out [s]. Gives a float or array, mAh an hour.
    Source: aosp_radio_power, aosp_power_profile.

    Examples
    --------
    >>> round(float(shown_mah_per_hour([45, 60])), 1)
    64.3
    """
    current = ledger.value("away_shown_a") if current_a is None else current_a
    held = ledger.value("away_shown_s") if held_s is None else held_s
    timings = [{"period_s": np.asarray(checks.positive("periods_s", period, "s"))} for period in periods_s]
    return 1000.0 * current * shown_share(timings, [burst_s] * len(timings), held)


def beats_w(profile: str, periods_s: Sequence[Any], wake_j: Any = None, bytes_up=132.0, bytes_down=76.0):
    """Power of beats behind a dark screen: the radio's, and a wake-up of the processor for each.

    `profile`: a radio profile; `periods_s`: the period of each beat, > 0 [s]; `wake_j`: energy of one wake-up; the
    ledger's if left out [J]; `bytes_up`: IP bytes of a beat to the server [B]; `bytes_down`: and back [B]. Gives a
    tuple, power of the radio and of the processor [W].
    Source: huang2012, narayanan2021, infocom2015.
    """
    each = ledger.value("wake_j") if wake_j is None else wake_j
    sources = [radio.Source(period_s=period, bytes_up=bytes_up, bytes_down=bytes_down) for period in periods_s]
    return radio.mean_power_w(profile, sources), each * wakes_per_s([{"period_s": period} for period in periods_s])


# ------------------------------------------------------------------------------------- a design when away


def _on_phones(traffic: Traffic) -> list[Stretch]:
    """The stretches of a design's phones; refused where it tells nobody when away, or nobody on a phone."""
    away = traffic.life.away
    if away is None:
        checks.fail(f"{traffic.life.design.title} tells nobody when away")
    found = [stretch for stretch in away.stretches if stretch.allowed.platform not in NO_PHONES]
    if not found:
        checks.fail(f"{traffic.life.design.title} runs on no phone when away")
    return found


def _sources(traffic: Traffic, network: Network, stretch: Stretch) -> Iterator[radio.Source]:
    """The radio sources of one phone of a stretch."""
    flows = {flow.name: flow for flow in traffic.flows}
    for name, timing in stretch.timings.items():
        up, down = exchange.flow_bytes(traffic, flows[name], network.ip)
        busy_s = exchange.burst_s(flows[name], traffic.life.design, network)
        yield radio.trusted(**timing, bytes_up=up, bytes_down=down, burst_s=busy_s)


def _picked(traffic: Traffic, network: Network, stretch: Stretch, which: Any):
    """The radio's power on one network: the mean of its profiles, or in each draw the one that is drawn."""
    sources = list(_sources(traffic, network, stretch))
    each = [radio.mean_power_w(profile, sources) for profile in network.profiles]
    if np.ndim(which) == 0:
        return sum(each) / len(each)
    number = np.minimum((_even(which) * len(each)).astype(int), len(each) - 1)
    return np.choose(number, np.broadcast_arrays(*each, number)[:-1])


def _even(share):
    """A PERT draw between 0 and 1 with its mode in the middle as a share that is as likely everywhere: its own CDF."""
    return share**3 * (10.0 - 15.0 * share + 6.0 * share**2)


def _mean(pairs: Sequence[tuple]):
    """The mean of figures by the shares of their stretches; 0 where no phone is in any."""
    total = sum(share for share, _ in pairs)
    return sum(share * figure for share, figure in pairs) / np.where(total > 0, total, 1.0)


def when_away_w(traffic: Traffic) -> dict[str, Any]:
    """Power of one phone on which a design runs when away, while it is on: of the radio and of the processor.

    Radio profiles weigh equally; exchanges within 2 s of each other are one wake-up.
    Source: huang2012, narayanan2021, infocom2015.
    """
    scenario, phones = traffic.life.scenario, _on_phones(traffic)
    which, networks = scenario.number("away_profile_share"), scenario.networks.values()
    air = [(s.share, sum(n.share * _picked(traffic, n, s, which) for n in networks)) for s in phones]
    wakes = [(s.share, scenario.number("wake_j") * wakes_per_s(list(s.timings.values()))) for s in phones]
    return {"radio": _mean(air), "processor": _mean(wakes)}


def away_percent_per_hour(traffic: Traffic):
    """Battery that a design takes an hour when away, of a phone on which it runs and that is on."""
    return sum(when_away_w(traffic).values()) * HOUR_S / battery_j(traffic.life.scenario.phone) * 100.0


def _shown_percent(traffic: Traffic):
    """What an Android screen without power rails shows an hour on a mobile network; None where no Android runs it."""
    scenario, pairs = traffic.life.scenario, []
    mobile = [network for network in scenario.networks.values() if network.metered]
    current, held_s = scenario.number("away_shown_a"), scenario.number("away_shown_s")
    for stretch in _on_phones(traffic):
        if stretch.allowed.platform == "android" and mobile:
            timings = list(stretch.timings.values())
            bursts = [s.burst_s for s in _sources(traffic, mobile[0], stretch)]
            pairs.append((stretch.share, current * shown_share(timings, bursts, held_s)))
    if not pairs:
        return None
    return _mean(pairs) * scenario.number("away_cell_v") * HOUR_S / battery_j(scenario.phone) * 100.0


def when_away(scenario: Scenario) -> pd.DataFrame:
    """What each design that says `when_away` takes of the battery of a phone on which it runs then.

    A table: index design; way; radio and processor [mW]; battery an hour and a day when away [%], with the least and
    the most over the radio profiles and the range of a wake-up; on a mobile network what an Android battery screen
    without power rails would show [%/h], NaN where no Android phone runs it. Nothing can be said of what iOS shows.
    Source: huang2012, narayanan2021, infocom2015, aosp_radio_power.
    """
    import pandas as pd

    plain, rows, wake = sampling.resolved(scenario), {}, ledger.chosen()["wake_j"]
    full_j, hours = battery_j(plain.phone), plain.usage.away.hours_per_day
    for name, design in plain.designs.items():
        if design.when_away == "none":
            continue
        traffic = traffic_of(name, plain)
        power = {part: float(np.ravel(w)[0]) for part, w in when_away_w(traffic).items()}
        air = [_ends(traffic, network) for network in plain.networks.values()]
        percent = 100.0 * HOUR_S / full_j
        own_j = float(np.ravel(plain.number("wake_j"))[0])
        wakes = power["processor"] / own_j if own_j else 0.0
        ends = [sum(pair[k] for pair in air) + wakes * end_j for k, end_j in enumerate((wake.low, wake.high))]
        shown = _shown_percent(traffic)
        rows[name] = {
            "way": design.when_away,
            "radio_mw": 1000.0 * power["radio"],
            "processor_mw": 1000.0 * power["processor"],
            "percent_per_hour": percent * sum(power.values()),
            "low": percent * ends[0],
            "high": percent * ends[1],
            "percent_per_day": percent * sum(power.values()) * hours,
            "shown_percent_per_hour": np.nan if shown is None else float(np.ravel(shown)[0]),
        }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")


def _ends(traffic: Traffic, network: Network) -> tuple[float, float]:
    """The least and the most power over a network's profiles, by its share."""
    phones, each = _on_phones(traffic), []
    for profile in network.profiles:
        pairs = [(s.share, radio.mean_power_w(profile, list(_sources(traffic, network, s)))) for s in phones]
        each.append(float(np.ravel(network.share * _mean(pairs))[0]))
    return min(each), max(each)


# ------------------------------------------------------------------------------------- public reports


def away_reports() -> pd.DataFrame:
    """Public reports of batteries that a background connection emptied, beside the model's range.

    A table: index id; what was reported, low and high in its unit; the model's low, high (over the listed radio
    profiles and the range of a wake-up), and, on mobile networks, what an Android screen would show; whether the report
    lies inside the model's range; why.
    Source: ntfy_687, ntfy_113, ntfy_190, homeassistant_6208.
    """
    import pandas as pd

    wake, shown_a, rows = ledger.chosen()["wake_j"], ledger.chosen()["away_shown_a"], {}
    for one in ledger.read_csv(paths.data("published", "away_reports.csv")):
        beats, less = ([float(p) for p in one[key].split()] for key in ("beats_s", "less_beats_s"))
        ends = []
        for profile in one["profiles"].split():
            for end_j in (wake.low, wake.high):
                more, rest = (sum(beats_w(profile, b, end_j)) if b else 0.0 for b in (beats, less))
                ends.append(_in_unit(one, more - rest))
        low, high = float(one["low"]), float(one["high"])
        inside = low <= max(ends) and min(ends) <= high
        row = {"what": one["what"], "low": low, "high": high, "unit": one["unit"], "model_low": min(ends)}
        row |= {"model_high": max(ends), "inside": inside, "shown_low": np.nan, "shown_high": np.nan}
        if one["network"] == "mobile":
            drawn = [_shown_w(beats, a) - _shown_w(less, a) for a in (shown_a.low, shown_a.high)]
            row |= dict(zip(("shown_low", "shown_high"), (_in_unit(one, w) for w in drawn), strict=True))
        rows[one["id"]] = {**row, "why": one["why"], "source": one["source"]}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("id")


def _shown_w(periods_s: list[float], current_a: float) -> float:
    """The power that a battery screen would make of beats."""
    mah = float(shown_mah_per_hour(periods_s, current_a)) if periods_s else 0.0
    return mah / 1000.0 * ledger.value("away_cell_v")


def _in_unit(one: dict[str, str], power_w: Any) -> float:
    """A power in the unit of a report: mW, % of the battery an hour or a day, or % of an idle phone's drain."""
    watts = float(np.ravel(power_w)[0])
    if one["unit"] == "mW":
        return 1000.0 * watts
    if one["unit"] == "% of the drain":
        return 100.0 * watts / (watts + float(one["idle_w"]))
    return 100.0 * watts / float(one["battery_wh"]) * {"%/h": 1.0, "%/day": 24.0}[one["unit"]]
