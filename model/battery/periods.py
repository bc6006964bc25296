"""Battery against time and periods: a minute of power, sweeps, what a claim would need."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from model import checks, ledger, radio
from model.battery import hourly
from model.battery.tables import by_network, designs_of, first_of
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Network, Scenario, sampling
from model.traffic import traffic as traffic_of

if TYPE_CHECKING:
    import pandas as pd


def needed(scenario: Scenario, reductions: Sequence[float] = (0.7, 0.8)) -> pd.DataFrame:
    """What would make push save as much as told: a longer heartbeat, or time without the screens' traffic.

    `reductions`: savings wanted, as shares of what polling takes. A table: index network, with the mix; what push saves
    now, with the least and the most over the profiles, what it would without the screens' own traffic, and with the
    longest heartbeat; for each saving wanted the shortest heartbeat that reaches it [s] and the share of time without
    own traffic that does, each change alone. NaN where none does. Heartbeats are tried up to the gateway's idle limit.
    Longer ones notice a lost connection later.
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    for wanted in reductions:
        checks.share("reductions", wanted)
    if scenario.after.heartbeat is None:
        checks.fail("needed asks for a design with a heartbeat after the move; got none")
    periods = np.geomspace(10.0, ledger.quotas()["apigw_ws_idle_s"], 200)
    swept = sampling.resolved(scenario.with_({"after.heartbeat.period_s": periods[:, None]}))
    beats = traffic_of("after", swept)
    beside, alone = (by_network(scenario, background) for background in (True, False))
    rows = {}
    for name, pair in beside.iterrows():
        saved = 1.0 - np.ravel(_percent_on(beats, name)) / pair["before"]
        row = {
            "saved": -pair["change"],
            "saved_least": -pair["change_least"],
            "saved_most": -pair["change_most"],
            "saved_alone": -alone.loc[name, "change"],
            "saved_at_idle_limit": float(saved[-1]),
        }
        for wanted in reductions:
            row[f"heartbeat_s for {wanted:.0%}"] = _first_s(periods, saved, wanted)
            row[f"share alone for {wanted:.0%}"] = _share_alone(pair, alone.loc[name], wanted)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def _percent_on(traffic: Traffic, network: str) -> Any:
    """Battery that a design takes on a network, or over the mix, beside the screens' own traffic."""
    if network == "mix":
        return sum(hourly.percent_per_hour(traffic, split=False).values())
    return hourly.network_percent_per_hour(traffic, network)


def _first_s(periods_s: np.ndarray, saved: np.ndarray, wanted: float) -> float:
    """The shortest period that saves enough, straight lines between those tried."""
    enough = np.flatnonzero(saved >= wanted)
    if not enough.size:
        return np.nan
    k = enough[0]
    return float(np.interp(wanted, saved[k - 1 : k + 1], periods_s[k - 1 : k + 1]) if k else periods_s[0])


def _share_alone(beside: Mapping, alone: Mapping, wanted: float) -> float:
    """Share w of the time without own traffic at which after = (1 - wanted) before, both mixed by w."""
    too_much, spare = (pair["after"] - (1.0 - wanted) * pair["before"] for pair in (beside, alone))
    if too_much <= 0.0:
        return 0.0
    return too_much / (too_much - spare) if spare <= 0.0 else np.nan


def period_sweep(scenario: Scenario, network: str, periods_s: Any) -> pd.DataFrame:
    """Battery of a poll alone and of a heartbeat alone against their periods, with the range over profiles.

    `network`: a network of the scenario; `periods_s`: periods [s]. A table: index period; poll and heartbeat, each with
    low and high over the network's profiles, % of the phone's battery per hour.
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    designs = designs_of(scenario)
    plain = designs["before"].life.scenario
    checks.known("network", network, plain.networks)
    full_j = hourly.battery_j(plain.phone)
    columns: dict[str, np.ndarray] = {}
    for label, which, kind in (("poll", "before", "poll"), ("heartbeat", "after", "heartbeat")):
        source = _sample(designs[which], plain.networks[network], kind)
        swept = dataclasses.replace(source, period_s=np.asarray(periods_s, dtype=float))
        profiles = plain.networks[network].profiles
        percent = [radio.mean_power_w(name, swept) * 3600.0 / full_j * 100.0 for name in profiles]
        low, high = np.min(percent, axis=0), np.max(percent, axis=0)
        columns |= {label: percent[0], f"{label}_low": low, f"{label}_high": high}
    return pd.DataFrame(columns, index=pd.Index(np.asarray(periods_s, dtype=float), name="period_s"))


def _sample(traffic: Traffic, network: Network, kind: str) -> radio.Source:
    """The source of a design's first timer of a kind, in single numbers."""
    names = [f.name for f in traffic.flows if f.kind == kind and f.timer]
    for sources in airtime.place_sources(traffic, network).values():
        for name in names:
            if name in sources:
                fields = sources[name].__dict__.items()
                return radio.Source(**{key: first_of(value) for key, value in fields if value is not None})
    checks.fail(f"the design must have a {kind} on a timer; got none", traffic.life.scenario.name)


def minutes(scenario: Scenario, network: str, seed: int = 1, duration_s: float = 60.0) -> dict:
    """The radio's power over a minute of both designs on the commonest screen, alone and beside its traffic.

    `network`: a network of the scenario; its first profile is walked; `duration_s`: length of what is shown [s]. Gives
    a dict of str to list of radio.Step, a title to the stretches of power that follow one another; power is above the
    idle radio's baseline as the profile counts it.
    Source: huang2012, narayanan2021.
    """
    designs = designs_of(scenario)
    plain = designs["before"].life.scenario
    checks.known("network", network, plain.networks)
    own = {n: s for n, s in plain.screens.items() if s.background} or plain.screens
    screen = max(own, key=lambda n: first_of(own[n].share))
    panels = {}
    for which, word in (("before", "polling"), ("after", "push")):
        sources = airtime.side_by_side(designs[which], plain.networks[network])[screen][0][1].values()
        beside = {
            "alone": (),
            f"beside its {own[screen].background}": airtime.background_sources(designs[which])[screen],
        }
        for label, more in beside.items():
            if more or label == "alone":
                profile = plain.networks[network].profiles[0]
                panels[f"{word}, {screen} {label}"] = _minute([*sources, *more], profile, seed, duration_s)
    return panels


def _minute(sources: Sequence[radio.Source], profile: str, seed: int, duration_s: float) -> list[radio.Step]:
    """The walk of one minute: phases and events of each source drawn by a seed of its own."""
    warm_s, parts = 60.0, []  # a minute before, so that a tail may already run
    end_s = warm_s + duration_s
    for number, source in enumerate(sources):
        rng, often_per_s = np.random.default_rng([seed, number]), first_of(source.often_per_s)
        if source.period_s is not None:
            period_s = first_of(source.period_s)
            times = np.arange(rng.uniform(0.0, period_s), end_s, period_s)
        else:
            times = np.sort(rng.uniform(0.0, end_s, rng.poisson(often_per_s * end_s)))
        numbers = (source.bytes_up, source.bytes_down, source.burst_s)
        parts.append(np.stack([times, *(np.full(times.size, first_of(x)) for x in numbers)]))
    packets = np.concatenate(parts, axis=1)
    times, up, down, burst_s = packets[:, np.argsort(packets[0], kind="stable")]
    if not times.size:
        return []
    steps = [step for step in radio.power_steps(times, up, down, profile, end_s, burst_s) if step.end_s > warm_s]
    return [s._replace(start_s=max(s.start_s - warm_s, 0.0), end_s=s.end_s - warm_s) for s in steps]
