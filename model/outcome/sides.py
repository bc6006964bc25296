"""A side: the figures of one design, each measure in all and by flow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model import battery, checks, claims, cost, latency, mobile_data, prices, server_load
from model.life import away
from model.parts.platforms import away_notes
from model.scenario import Scenario
from model.traffic import Traffic
from model.traffic import traffic as traffic_of

MEASURES = (*claims.MEASURES, "runs")
FORMULAS = {
    "latency": "1 - sum over events of share sent x P(poll wait or sender, gateway, radio, downlink, ... within 10 s"
    " and before the session ends)",
    "battery": "sum over networks and places of share x (power(design + background) - power(background))"
    " + last tails, over the battery's energy",
    "data": "sum over flows of occurrences x IP bytes each way, over active hours",
    "load": "sum over flows of occurrences x requests, over active minutes",
    "runs": "sum over flows of occurrences x runs of a handler, over active minutes",
    "cost": "sum over meters of tiered price(sum over flows of occurrences x amount a time)",
}
LATE_S = 10.0  # the measure latency is the share that is not told within


@dataclass(frozen=True)
class Side:
    """One design's figures; every number an array over (draws, users)."""

    traffic: Traffic
    book: prices.PriceBook

    @cached_property
    def usage(self) -> dict:
        """What the month is billed on: {meter: amount}."""
        return cost.month_usage(self.traffic)

    @cached_property
    def _known(self) -> dict:
        """Totals by measure and quantiles by shares, each worked out once."""
        return {}

    def total(self, measure: str):
        """A measure in its unit: what is not told within 10 s, or the whole of battery, data, load or cost."""
        if measure not in self._known:
            value = self._total(checks.known("measure", measure, MEASURES))
            self._known[measure] = self.traffic.life.finite(measure, value)
        return self._known[measure]

    def _total(self, measure: str):
        if measure == "cost":
            return cost.total(self.usage, self.book, self.traffic.life.scenario.free_tier)
        if measure == "load":
            return server_load.requests_per_minute(self.traffic)
        if measure == "runs":
            return server_load.code_runs_per_minute(self.traffic)
        if measure == "latency":
            return 100.0 * (1.0 - latency.told_share(self.traffic, LATE_S))
        if measure == "battery":
            return sum(battery.percent_per_hour(self.traffic, split=False).values())
        return sum(self.parts(measure).values())

    def parts(self, measure: str) -> dict:
        """A measure by flow; the parts add up to the whole (of latency: to what is not told within 10 s)."""
        checks.known("measure", measure, MEASURES)
        traffic = self.traffic
        if measure == "latency":
            return self._latency_parts()
        if measure == "battery":
            return battery.percent_per_hour(traffic)
        if measure == "cost":
            return cost.usd_by_flow(traffic, self.book, traffic.life.scenario.free_tier)
        part = {
            "data": mobile_data.flow_mb,
            "load": server_load.flow_requests_per_minute,
            "runs": server_load.flow_code_runs_per_minute,
        }[measure]
        return {flow.name: part(flow, traffic) for flow in traffic.flows}

    def _latency_parts(self) -> dict:
        """What is not told within 10 s by the flow that brings the event, or should [% of all that is sent]."""
        parts: dict = {}
        for event, share in latency.sent_shares(self.traffic).items():
            late = 100.0 * share * (1.0 - latency.told_share(self.traffic, LATE_S, event))
            brings = (f.name for f in self.traffic.flows if event in f.events and f.kind != "fallback")
            name = next(brings, f"nothing brings {event}")
            parts[name] = parts[name] + late if name in parts else late
        return parts

    def latency_quantiles(self, shares) -> np.ndarray:
        """Quantiles of latency over all that is sent to people in the app, first axis the quantile [s]."""
        shares = tuple(shares)
        if shares not in self._known:
            self._known[shares] = latency.quantile_s(self.traffic, shares)
        return self._known[shares]

    @cached_property
    def told_in_time(self) -> dict:
        """Share of the events sent to people in the app that they are told by each limit, and at all in the session."""
        return latency.told_in_time(self.traffic)


@dataclass(frozen=True)
class StreamedSide(Side):
    """A design over more draws than are held at once: totals of all draws, everything else of the first chunk."""

    chunks: tuple[dict, ...]  # of each chunk {measure: (draws, users)}

    def _total(self, measure: str) -> np.ndarray:
        return np.concatenate([chunk[measure] for chunk in self.chunks])

    def parts(self, measure: str) -> dict:
        """A measure by flow: as it splits in the first chunk, scaled to the mean over all draws."""
        parts, first = super().parts(measure), self.chunks[0][measure].mean(axis=0)
        whole = self.total(measure).mean(axis=0)
        scale = np.divide(whole, first, out=np.ones(first.shape), where=first != 0)
        return {flow: part * scale for flow, part in parts.items()}


class Sides(Mapping[str, Side]):
    """The sides of all designs of a scenario without ranges, each built when it is asked for."""

    def __init__(self, resolved: Scenario) -> None:
        self.resolved = resolved
        self._built: dict[str, Side] = {}

    @cached_property
    def book(self) -> prices.PriceBook:
        """The one price book of all sides."""
        return self.resolved.price_book()

    def __getitem__(self, name: str) -> Side:
        if name not in self._built:
            self._built[name] = Side(traffic_of(name, self.resolved), self.book)
        return self._built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.resolved.designs)

    def __len__(self) -> int:
        return len(self.resolved.designs)


AWAY_ROWS = {  # as ROWS: label -> measure, figure, unit
    "told when away 1 min": ("away", "away 60", "%"),
    "told when away 1 h": ("away", "away 3600", "%"),
    "battery when away": ("away", "away battery", "%/h"),
}


def away_figure(traffic: Traffic, figure: str):
    """One figure of a design when away: the share told within a limit [s], or battery [%/h]; refused where none."""
    life = traffic.life
    if life.away is None:
        checks.fail(f"{life.design.title} tells nobody when away")
    if figure == "away battery":
        return battery.away_percent_per_hour(traffic)
    if not any(np.any(np.greater(away.recipients_per_month(life, e), 0.0)) for e in life.scenario.events):
        checks.fail("no event of the scenario is sent to anybody who is away")
    return 100.0 * away.told_share(life, float(figure.split()[1]))


def away_lines(scenario: Scenario, names) -> list[str]:
    """What platforms refuse or cap of the designs named, each sentence once."""
    said = (line for name in dict.fromkeys(names) for line in away_notes(name, scenario.designs[name], scenario))
    return list(dict.fromkeys(said))
