"""Soon enough: which designs tell people in time, in how many draws, the cheapest, and what would mend the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model import checks, latency, traffic
from model.outcome import Outcome, rank_quantile, spanned
from model.scenario import Scenario, mode_of, sampling

LIMITS_S = tuple(limit for limit in latency.LIMITS_S if limit < np.inf)
SOME_SHARE = 0.01  # of all that is sent, from which on an event counts for a design
SURELY, HARDLY = 0.9, 0.1  # of the draws, in which a design must tell in time to pass, or may to fail
TIE = 0.1  # costs so near each other are one


@dataclass(frozen=True)
class SoonEnough:
    """The shares told of every design, event and limit in every draw, and what they cost."""

    outcome: Outcome
    designs: tuple[str, ...]
    share: float  # of those an event is sent to in the app, who must be told in time

    @cached_property
    def sent(self) -> dict[str, np.ndarray]:
        """The share of each event among all that is sent, by draw."""
        return {event: np.ravel(x) for event, x in latency.sent_shares(self._traffic(self.designs[0])).items()}

    @property
    def events(self) -> list[str]:
        """The events that a design is judged by."""
        return [event for event, share in self.sent.items() if np.median(share) > SOME_SHARE]

    def _traffic(self, design: str):
        return self.outcome[design].traffic

    @cached_property
    def costs(self) -> dict[str, np.ndarray]:
        """Dollars a month of each design by draw; NaN where it has no price."""
        return {name: self.outcome.values("cost", name)[:, 0] for name in self.designs}

    @cached_property
    def _known(self) -> dict:
        return {}

    def told(self, design: str, limit_s: float, event: str | None = None) -> np.ndarray:
        """The share told within a limit, by draw: of one event, or of all together."""
        key = (design, limit_s, event)
        if key not in self._known:
            found = latency.told_share(self._traffic(design), limit_s, event)
            self._known[key] = np.broadcast_to(found, (max(self.outcome.draws, 1), 1))[:, 0]
        return self._known[key]

    def passes(self, design: str, limit_s: float) -> np.ndarray:
        """Whether a design tells enough of every event in time, by draw."""
        return np.all([self.told(design, limit_s, event) >= self.share for event in self.events], axis=0)

    def verdict(self, passed: np.ndarray) -> str:
        """Passes, fails, or depends on the draw."""
        often = passed.mean()
        return "passes" if often >= SURELY else "fails" if often <= HARDLY else "depends"

    def table(self):
        """A row a design, event and limit: `answer` tells its columns."""
        import pandas as pd

        rows = []
        for design in self.designs:
            for event in self.events:
                own = self.outcome.scenario.events[event].within_s
                limits = LIMITS_S if own is None else (*LIMITS_S, mode_of(own))
                ever = self.told(design, np.inf, event)
                left = np.ravel(latency.untold_reasons(self._traffic(design), event)[latency.told.LEFT])
                for limit_s in limits:
                    told = self.told(design, limit_s, event)
                    rest = {"late": ever - told, "left": left, "untold": 1.0 - ever - left}
                    rows.append(
                        {"design": design, "event": event, "limit_s": limit_s, **spanned("told", told)}
                        | {name: rank_quantile(np.broadcast_to(x, told.shape), 0.5) for name, x in rest.items()}
                        | {"cost": rank_quantile(self.costs[design], 0.5), "verdict": self.verdict(told >= self.share)}
                    )
        return pd.DataFrame(rows)

    def winners(self, limit_s: float) -> np.ndarray:
        """The number of the cheapest design that passes in each draw; -1 where none does."""
        if limit_s not in self._won:
            self._won[limit_s] = self._winners(limit_s)
        return self._won[limit_s]

    @cached_property
    def _won(self) -> dict:
        return {}

    def _winners(self, limit_s: float) -> np.ndarray:
        costs = np.array([np.where(self.passes(d, limit_s), self.costs[d], np.inf) for d in self.designs])
        costs = np.where(np.isnan(costs), np.inf, costs)
        return np.where(np.isfinite(costs).any(axis=0), costs.argmin(axis=0), -1)

    def odds(self, limit_s: float) -> dict[str, float]:
        """The share of draws in which each design is the cheapest that passes, the likeliest first."""
        won = {name: float((self.winners(limit_s) == k).mean()) for k, name in enumerate(self.designs)}
        return dict(sorted(won.items(), key=lambda pair: -pair[1]))

    def regret_usd(self, design: str, limit_s: float) -> float:
        """What a month costs more with a design than with the cheapest that passes, on average where both do."""
        passed, won = self.passes(design, limit_s), self.winners(limit_s)
        best = np.array(list(self.costs.values()))[won, np.arange(won.size)]
        over = (self.costs[design] - best)[passed & (won >= 0)]
        return float(over.mean()) if over.size else float("nan")

    def frontier(self):
        """For each limit the designs that none beats in both cost and share told, at most five."""
        import pandas as pd

        rows = []
        for limit_s in LIMITS_S:
            middle = {
                d: (rank_quantile(self.costs[d], 0.5), rank_quantile(self.told(d, limit_s), 0.5)) for d in self.designs
            }
            priced = {d: pair for d, pair in middle.items() if np.isfinite(pair[0])}
            odds, kept = self.odds(limit_s), _undominated(priced)
            for design in kept[:5]:
                cost, told = self.costs[design], self.told(design, limit_s)
                spans = spanned("cost", cost) | spanned("told", told)
                verdict = self.verdict(self.passes(design, limit_s))
                rows.append({"limit_s": limit_s, "design": design, **spans, "verdict": verdict, "odds": odds[design]})
        return pd.DataFrame(rows)

    def hangs_on(self, passed: np.ndarray) -> list[str]:
        """The two inputs that tell most whether a design passes: the greatest rank correlations with it."""
        from scipy.stats import spearmanr

        drawn = sampling.draws_of(self.outcome.scenario, self.outcome.draws, self.outcome.seed)
        sure = {
            name: abs(spearmanr(column[:, 0], passed).statistic) for name, column in drawn.items() if np.ptp(column)
        }
        return sorted(sure, key=lambda name: -np.nan_to_num(sure[name]))[:2]


def _undominated(middle: Mapping[str, tuple[float, float]]) -> list[str]:
    """The designs that none beats in both cost and share told, the cheapest first."""
    kept: list[str] = []
    for design in sorted(middle, key=lambda d: (middle[d][0], -middle[d][1])):
        if not kept or middle[design][1] > middle[kept[-1]][1] + 1e-9:
            kept.append(design)
    return kept


def soon_enough(outcome: Outcome, designs: Sequence[str], share: float = 0.9) -> SoonEnough:
    """Soon enough over the designs of an outcome; refused where the share is none of the three."""
    checks.bounded("share", share, "0.9, 0.95 or 0.99", lambda x: np.isin(x, (0.9, 0.95, 0.99)))
    return SoonEnough(outcome, tuple(designs), share)


SHORTEST_S, LONGEST_S, STEPS = 0.5, 600.0, 24


def tells_enough(scenario: Scenario, design: str, limit_s: float, share: float) -> bool:
    """Whether a design tells enough of every event in time, every input at its mode."""
    now = traffic.traffic(design, sampling.resolved(scenario))
    sent = {event: float(np.ravel(x)[0]) for event, x in latency.sent_shares(now).items()}
    told = (float(np.ravel(latency.told_share(now, limit_s, event))[0]) for event, x in sent.items() if x > SOME_SHARE)
    return all(one >= share for one in told)


def changes(scenario: Scenario, design: str, limit_s: float) -> Iterator[tuple[str, dict]]:
    """Changes that may help a design, the smallest first: in words, and as paths and values."""
    one = scenario.design(design)
    unsent = [event for event, push in one.pushes.items() if not push.sent]
    sends = {f"{design}.pushes.{event}.sent": True for event in unsent}
    for event in unsent if len(unsent) > 1 else ():
        yield f"send {event}", {f"{design}.pushes.{event}.sent": True}
    if unsent:
        yield f"send {', '.join(unsent)}", sends
    polls = {name: timer for name, timer in one.timers.items() if timer.timing != "by_hand" and timer.overlay is None}
    every = {f"{design}.timers.{name}.screens": None for name, timer in polls.items() if timer.screens}
    fresh = {f"{design}.timers.{name}.cache_s": 0.0 for name, timer in polls.items() if mode_of(timer.cache_s) > 0}
    quick = {
        f"{design}.timers.{name}.period_s": 0.8 * limit_s
        for name, t in polls.items()
        if mode_of(t.period_s) > 0.8 * limit_s
    }
    if every:
        yield "poll on every screen", every
    if fresh:
        yield "keep no cached answers", fresh
    if quick:
        yield f"poll every {0.8 * limit_s:g} s", quick
    more = {**every, **fresh, **quick}
    if more and len([part for part in (every, fresh, quick) if part]) > 1:
        words = ("on every screen", every), ("without cached answers", fresh), (f"every {0.8 * limit_s:g} s", quick)
        yield f"poll {', '.join(text for text, part in words if part)}", more


def mend(scenario: Scenario, design: str, limit_s: float, share: float) -> tuple[str, dict] | None:
    """The smallest change with which a design tells enough in time at the modes; None where none of them does."""
    for words, paths in changes(scenario, design, limit_s):
        if tells_enough(scenario.with_(paths), design, limit_s, share):
            return words, paths
    return None


def only_loop(scenario: Scenario, design: str) -> str | None:
    """The name of a polling design's one timer; None where it has several, or polls nothing."""
    one = scenario.design(design)
    loops = [name for name, timer in one.timers.items() if timer.timing != "by_hand"]
    return loops[0] if len(loops) == 1 and one.transport == "polling" else None


def tuned(scenario: Scenario, design: str, limit_s: float, share: float) -> float | None:
    """The longest period with which a design of one poll tells enough in time at the modes [s].

    None where the design has several polls or none, or where no period is short enough.
    """
    loop, low, high = only_loop(scenario, design), SHORTEST_S, LONGEST_S
    if loop is None:
        return None
    path = f"{design}.timers.{loop}.period_s"
    if not tells_enough(scenario.with_({path: low}), design, limit_s, share):
        return None
    for _ in range(STEPS):
        middle = float(np.sqrt(low * high))
        enough = tells_enough(scenario.with_({path: middle}), design, limit_s, share)
        low, high = (middle, high) if enough else (low, middle)
        if high / low < 1.02:
            break
    return low
