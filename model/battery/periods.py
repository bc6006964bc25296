"""Battery against time and periods: a minute of power, sweeps, what a claim would need."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from model import checks, ledger, radio
from model import traffic as traffic_of
from model.battery import hourly
from model.battery.tables import by_network, designs_of, first_of
from model.life import airtime
from model.life.flow import Traffic
from model.scenario import Scenario, sampling

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["minutes", "needed", "period_sweep"]


def needed(scenario: Scenario, reductions: Sequence[float] = (0.7, 0.8)) -> pd.DataFrame:
    """What would make push save as much as told: a longer heartbeat, or time without the screens' traffic.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    reductions : sequence of float, savings wanted, as shares of what polling takes

    Returns: pandas.DataFrame, index network, with the mix; what push saves now, with the least and the most over the
    profiles, what it would without the screens' own traffic, and with the longest heartbeat; for each saving wanted
    the shortest heartbeat that reaches it [s] and the share of time without own traffic that does, each change alone.
    NaN where none does

    Notes
    -----
    Heartbeats are tried up to the gateway's idle limit. Longer ones notice a lost connection later.
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    for wanted in reductions:
        checks.share("reductions", wanted)
    if scenario.after.heartbeat is None:
        checks.fail("needed asks for a design with a heartbeat after the move; got none")
    periods = np.geomspace(10.0, ledger.quotas()["apigw_ws_idle_s"], 200)
    swept = sampling.resolved(scenario.with_({"after.heartbeat.period_s": periods[:, None]}))
    beats = traffic_of.traffic("after", swept)
    designs, changes, rows = designs_of(scenario), by_network(scenario), {}
    for name in [*scenario.networks, "mix"]:
        beside, alone = ({w: first_of(_on(now, name, own)) for w, now in designs.items()} for own in (True, False))
        saved = 1.0 - np.ravel(_on(beats, name, True)) / beside["before"]
        freed = [1.0 - pair["after"] / pair["before"] for pair in (beside, alone)]
        row = {
            "saved": freed[0],
            "saved_least": -float(changes.loc[name, "change_least"]),
            "saved_most": -float(changes.loc[name, "change_most"]),
            "saved_alone": freed[1],
            "saved_at_idle_limit": float(saved[-1]),
        }
        for wanted in reductions:
            row[f"heartbeat_s for {wanted:.0%}"] = _first_s(periods, saved, wanted)
            row[f"share alone for {wanted:.0%}"] = _share_alone(beside, alone, wanted)
        rows[name] = row
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("network")


def _first_s(periods_s, saved, wanted: float) -> float:
    """The shortest period that saves enough, straight lines between those tried."""
    enough = np.flatnonzero(saved >= wanted)
    if not enough.size:
        return np.nan
    k = enough[0]
    return float(np.interp(wanted, saved[k - 1 : k + 1], periods_s[k - 1 : k + 1]) if k else periods_s[0])


def _on(now: Traffic, network: str, background: bool):
    if network == "mix":
        return sum(hourly.percent_per_hour(now, background, split=False).values())
    return hourly.network_percent_per_hour(now, network, background=background)


def _share_alone(beside: dict, alone: dict, wanted: float) -> float:
    """Share w of the time without own traffic at which after = (1 - wanted) before, both mixed by w."""
    gap = {k: pair["after"] - (1.0 - wanted) * pair["before"] for k, pair in (("b", beside), ("a", alone))}
    if gap["b"] <= 0.0:
        return 0.0
    return gap["b"] / (gap["b"] - gap["a"]) if gap["a"] <= 0.0 else np.nan


def period_sweep(scenario: Scenario, network: str, periods_s) -> pd.DataFrame:
    """Battery of a poll alone and of a heartbeat alone against their periods, with the range over profiles.

    Parameters
    ----------
    scenario : Scenario, the scenario; its first poll and its heartbeat give bytes and bursts
    network : str, A network of the scenario
    periods_s : array, periods [s]

    Returns: pandas.DataFrame, index period; poll and heartbeat, each with low and high over the network's profiles, %
    of the phone's battery per hour
    Raises: InputError, an unknown network, or a scenario without a poll before or a heartbeat after the move
    Source: huang2012, narayanan2021.
    """
    import pandas as pd

    designs = designs_of(scenario)
    plain = designs["before"].life.scenario
    checks.known("network", network, plain.networks)
    full_j, columns = hourly.battery_j(plain.phone), {}
    for label, which, kind in (("poll", "before", "poll"), ("heartbeat", "after", "heartbeat")):
        source = _sample(designs[which], plain.networks[network], kind)
        swept = dataclasses.replace(source, period_s=np.asarray(periods_s, dtype=float))
        percent = [
            radio.mean_power_w(name, swept) * 3600.0 / full_j * 100.0 for name in plain.networks[network].profiles
        ]
        columns |= {
            label: percent[0],
            f"{label}_low": np.min(percent, axis=0),
            f"{label}_high": np.max(percent, axis=0),
        }
    return pd.DataFrame(columns, index=pd.Index(np.asarray(periods_s, dtype=float), name="period_s"))


def _sample(now: Traffic, network, kind: str) -> radio.Source:
    """The source of a design's first timer of a kind, in single numbers."""
    names = [f.name for f in now.flows if f.kind == kind and f.timer]
    for sources in airtime.place_sources(now, network).values():
        for name in names:
            if name in sources:
                fields = sources[name].__dict__.items()
                return radio.Source(**{key: first_of(value) for key, value in fields if value is not None})
    checks.fail(f"the design must have a {kind} on a timer; got none", now.life.scenario.name)


def minutes(scenario: Scenario, network: str, seed: int = 1, duration_s: float = 60.0) -> dict:
    """The radio's power over a minute of both designs on the commonest screen, alone and beside its traffic.

    Parameters
    ----------
    scenario : Scenario, the scenario; ranges count at their modes
    network : str, A network of the scenario; its first profile is walked
    seed : int, seed of the phases and of what comes at random
    duration_s : float, length of what is shown [s]

    Returns: dict of str to list of radio.Step, A title to the stretches of power that follow one another; power is
    above the idle radio's baseline as the profile counts it
    Raises: InputError, an unknown network
    Source: huang2012, narayanan2021.
    """
    designs = designs_of(scenario)
    plain = designs["before"].life.scenario
    checks.known("network", network, plain.networks)
    own = {n: s for n, s in plain.screens.items() if s.background} or plain.screens
    screen = max(own, key=lambda n: first_of(own[n].share))
    found = {}
    for which, word in (("before", "polling"), ("after", "push")):
        now = designs[which]
        sources = airtime.side_by_side(now, plain.networks[network])[screen][0][1]
        behind = airtime.background_sources(now)[screen]
        for label, more in (("alone", ()), (f"beside its {plain.screens[screen].background}", behind)):
            if more or label == "alone":
                found[f"{word}, {screen} {label}"] = _minute(
                    [*sources.values(), *more], plain.networks[network].profiles[0], seed, duration_s
                )
    return found


def _minute(sources: Sequence, profile: str, seed: int, duration_s: float) -> list:
    """The walk of one minute: phases and events of each source drawn by a seed of its own."""
    warm_s, columns = 60.0, [[], [], [], []]  # a minute before, so that a tail may already run
    end_s = warm_s + duration_s
    for number, flow in enumerate(sources):
        rng = np.random.default_rng([seed, number])
        if flow.period_s is not None:
            times = np.arange(rng.uniform(0.0, first_of(flow.period_s)), end_s, first_of(flow.period_s))
        else:
            times = np.sort(rng.uniform(0.0, end_s, rng.poisson(first_of(flow.rate_per_s) * end_s)))
        for column, value in zip(columns, (times, flow.bytes_up, flow.bytes_down, flow.burst_s), strict=True):
            column.append(times if value is times else np.full(times.size, first_of(value)))
    times, *rest = (np.concatenate(column) for column in columns)
    order = np.argsort(times, kind="stable")
    if not times.size:
        return []
    steps = radio.power_steps(times[order], rest[0][order], rest[1][order], profile, end_s, rest[2][order])
    return [
        step._replace(start_s=max(step.start_s - warm_s, 0.0), end_s=step.end_s - warm_s)
        for step in steps
        if step.end_s > warm_s
    ]
