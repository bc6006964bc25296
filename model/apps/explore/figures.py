"""The figures of a state: the library's own outcome, over sides that are kept for as long as nothing changes them.

A move of one design's slider leaves the other designs' figures as they were, so the outcomes of the last few
states are kept; a side is the same wherever everything but the other designs is the same.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model import battery, prices
from model import traffic as traffic_of
from model.battery.processor import processor_j
from model.outcome import Outcome, Side, best_of, low_middle_high
from model.outcome.draws import sides_of_draws
from model.outcome.tables import P95
from model.scenario import Scenario, sampling
from model.scenario.columns import ranged_inputs
from model.show import display

KEPT, DRAWS = 3, 256
NAMES = {"name", "title", "users", "claims", "pair", "designs"}  # of a scenario; no figure of one design needs them
PER_USER = "cost per user"
POINTS = (("model.latency.deliveries", "_by_kind", False), ("model.latency.told", "_of", None, False))  # most memory


@dataclass(frozen=True)
class PageSide(Side):
    """One design's figures, with the battery by network, which the page draws too."""

    def total(self, measure: str):
        """A measure in its unit; the battery from the joules on each network, which its chart shows too."""
        if measure == "battery":
            return sum(battery.mixed_percent(self.traffic, self.network_joules).values())
        return super().total(measure)

    @cached_property
    def cells(self) -> dict[str, dict]:
        """What a table shows of it, once it has been asked for."""
        return {}

    @cached_property
    def network_joules(self) -> dict[str, dict]:
        """Joules per active hour on each network."""
        networks = self.traffic.life.scenario.networks.items()
        return {name: battery.joules_per_hour(self.traffic, network, split=False) for name, network in networks}

    @property
    def network_percent(self) -> dict[str, float]:
        """% of the battery per active hour on each network alone, and on the mix of them."""
        full_j, worked_j = battery.battery_j(self.traffic.life.scenario.phone), sum(processor_j(self.traffic).values())
        alone = {n: (sum(joules.values()) + worked_j) / full_j * 100.0 for n, joules in self.network_joules.items()}
        return {name: float(np.ravel(percent)[0]) for name, percent in {**alone, "mix": self.total("battery")}.items()}


class KeptSides(Mapping[str, Side]):
    """The sides of one state; one that nothing has changed is taken from an earlier state."""

    def __init__(self, memory: Memory, scenario: Scenario, users: tuple, draws: int) -> None:
        self.memory, self.scenario, self.users, self.draws = memory, scenario, users, draws
        self.built: dict[str, PageSide] = {}

    @cached_property
    def resolved(self) -> Scenario:
        """The scenario in numbers, which all its sides share."""
        return sampling.resolved(self.scenario, np.asarray(self.users), self.draws)

    @cached_property
    def book(self):
        """The one price book of all sides."""
        return self.scenario.price_book()

    @cached_property
    def keys_of(self) -> dict[str, tuple]:
        """All that each side depends on; draws are the same where the same inputs have ranges."""
        drawn = tuple(ranged_inputs(self.scenario)) if self.draws else ()
        app = self.scenario.model_dump_json(exclude=NAMES)
        return {name: (self.users, drawn, app, one.model_dump_json()) for name, one in self.scenario.designs.items()}

    def __getitem__(self, name: str) -> PageSide:
        if name not in self.built:
            key = self.keys_of[name]
            earlier = (o.sides for o in self.memory.outcomes[self.draws, len(self.users)])
            kept = (one.built[name] for one in earlier if name in one.built and one.keys_of[name] == key)
            self.built[name] = next(kept, None) or PageSide(traffic_of.traffic(name, self.resolved), self.book)
        return self.built[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.scenario.designs)

    def __len__(self) -> int:
        return len(self.scenario.designs)


class PageOutcome(Outcome):
    """The outcome of a state with a row more, and the cells of its table."""

    def rows(self, names=None) -> dict:
        """The rows of the library's tables, and the bill by user."""
        return {**super().rows(names), PER_USER: ("cost", "a user", "USD/user and month")}

    def values(self, row: str, design: str | None = None):
        """A row of the table; what a user costs is the bill over the users."""
        if row != PER_USER:
            return super().values(row, design)
        return super().values("cost", design) / self.users

    def pieces(self, name: str) -> Iterator[None]:
        """Work out a design's rows one by one, so that a move waits for one of them and not for all."""
        for row in self.rows([name]):
            self.values(row, name)
            yield

    def cells(self, name: str) -> dict[str, dict]:
        """A design's figures by row: as text, and with every digit at the modes, or over draws middle, low and high."""
        known = self[name].cells
        for row in () if known else self.rows([name]):
            values = self.values(row, name)[:, 0]
            low, middle, high = low_middle_high(values) if self.draws else (values[0],) * 3
            at = {"measure": row, "all": middle, **({"all_low": low, "all_high": high} if self.draws else {})}
            steps = {(P95, "all"): sides_of_draws(values)} if self.draws and row == P95 and middle == middle else {}
            figures = {"middle": middle, "low": low, "high": high} if self.draws else {"value": middle}
            known[row] = {
                "text": display.figure(at, "all", display.number(middle, 3), steps),
                "note": self.notes.get((name, row), ""),
                **{kind: display.rounded(float(figure), 17) for kind, figure in figures.items()},
            }
        return known

    def let_go(self) -> None:
        """Forget the points of deliveries, once the cells and the answer are made of them."""
        for side in self.sides.values():
            for key in POINTS:
                side.traffic.memo.pop(key, None)

    def table_rows(self) -> list[dict]:
        """The rows of the table, those told in time first, with the best designs of each."""
        found, kind = [], "middle" if self.draws else "value"
        for row, (_, _, unit) in sorted(self.rows().items(), key=lambda pair: not pair[0].startswith("told in time")):
            figures = {name: self.cells(name)[row][kind] for name in self.scenario.designs}
            numbers = {name: np.nan if figure is None else float(figure) for name, figure in figures.items()}
            found.append({"measure": row, "unit": unit, "best": best_of(row, numbers)})
        return found


class Memory:
    """The outcomes of the last few states, by draws and how many user counts; holds no more than it says."""

    def __init__(self) -> None:
        self.outcomes: defaultdict[tuple, list[PageOutcome]] = defaultdict(list)
        self.priced: tuple[Scenario | None, dict[str, prices.PriceBook]] = (None, {})

    def books(self, base: Scenario) -> dict[str, prices.PriceBook]:
        """The prices of every region as a page's scenario has them, which no control changes: read once."""
        if self.priced[0] is not base:
            self.priced = base, {region: base.price_book(region) for region in prices.regions()}
        return self.priced[1]

    def outcome(self, scenario: Scenario, users=None, draws: int = 0) -> PageOutcome:
        """The library's outcome of a scenario, over sides that are worked out once."""
        users = (float(scenario.users),) if users is None else tuple(users)
        kept = self.outcomes[draws, len(users)]
        for outcome in kept:
            if outcome.scenario is scenario and tuple(outcome.users) == users:
                return outcome
        sides = KeptSides(self, scenario, users, draws)
        kept.append(PageOutcome(scenario, np.asarray(users), draws, sides))
        del kept[: -(2 if draws else KEPT)]
        return kept[-1]
