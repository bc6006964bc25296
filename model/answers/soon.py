"""Soon enough: which designs tell people in time, in how many draws, the cheapest, and what would mend the others."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from model import checks, latency, traffic
from model.answers.measures import title
from model.outcome import Outcome, evaluate, rank_quantile, spanned
from model.scenario import Scenario, mode_of, sampling

LIMITS_S = tuple(limit for limit in latency.LIMITS_S if limit < np.inf)
SOME_SHARE = 0.01  # of all that is sent, from which on an event counts for a design
SURELY, HARDLY = 0.9, 0.1  # of the draws, in which a design must tell in time to pass, or may to fail
FEW = 0.05  # of the draws: less says nothing of an input
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
        if limit_s not in self._known:
            self._known[limit_s] = self._winners(limit_s)
        return self._known[limit_s]

    def _winners(self, limit_s: float) -> np.ndarray:
        costs = np.array([np.where(self.passes(d, limit_s), self.costs[d], np.inf) for d in self.designs])
        costs = np.where(np.isnan(costs), np.inf, costs)
        return np.where(np.isfinite(costs).any(axis=0), costs.argmin(axis=0), -1)

    def won(self, design: str, limit_s: float) -> np.ndarray:
        """Whether a design is the cheapest that passes, by draw."""
        return self.winners(limit_s) == self.designs.index(design)

    def odds(self, limit_s: float) -> dict[str, float]:
        """The share of draws in which each design is the cheapest that passes, the likeliest first."""
        won = {name: float(self.won(name, limit_s).mean()) for name in self.designs}
        return dict(sorted(won.items(), key=lambda pair: -pair[1]))

    def likeliest(self, limit_s: float) -> tuple[str, float]:
        """The design that wins in the most draws, and their share."""
        return next(iter(self.odds(limit_s).items()))

    def title(self, design: str) -> str:
        """What a design is called in a sentence."""
        return title(self.outcome, design)

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
            both = {d: (self.costs[d], self.told(d, limit_s)) for d in self.designs}
            middle = {d: (rank_quantile(usd, 0.5), rank_quantile(told, 0.5)) for d, (usd, told) in both.items()}
            odds = self.odds(limit_s)
            kept = _undominated({d: pair for d, pair in middle.items() if np.isfinite(pair[0])})
            for design in kept[:5]:
                cost, told = self.costs[design], self.told(design, limit_s)
                spans = spanned("cost", cost) | spanned("told", told)
                verdict = self.verdict(self.passes(design, limit_s))
                rows.append({"limit_s": limit_s, "design": design, **spans, "verdict": verdict, "odds": odds[design]})
        return pd.DataFrame(rows)

    @cached_property
    def drawn(self) -> dict[str, np.ndarray]:
        """The draws of every input that differs between them, by column name."""
        drawn = sampling.draws_of(self.outcome.scenario, self.outcome.draws, self.outcome.seed)
        return {name: column[:, 0] for name, column in drawn.items() if np.ptp(column)}

    def hangs_on(self, passed: np.ndarray) -> list[str]:
        """The two inputs that tell most whether a design passes: the greatest rank correlations with it."""
        import pandas as pd

        ranks = pd.DataFrame([*self.drawn.values(), passed], dtype=float).rank(axis=1).to_numpy()
        sure = np.abs(np.corrcoef(ranks)[-1, :-1])
        return [list(self.drawn)[k] for k in np.argsort(-sure, kind="stable")[:2]]

    def flip(self, best: str, limit_s: float) -> tuple[str, tuple[float, str, float, int] | None]:
        """The input that most decides whether a design wins, and beyond which value it wins in less than half of draws.

        Gives the input, and the share of draws beyond the value, above or below, the value, and the number of the
        design that wins there most often instead, -1 where none passes; None where no value does that.
        """
        won, winners, found = self.won(best, limit_s), self.winners(limit_s), []
        (name, *_), few = self.hangs_on(won), max(int(FEW * won.size), 4)
        column = self.drawn[name]
        for sign, where in ((-1.0, "above"), (1.0, "below")):
            order = np.argsort(sign * column, kind="stable")
            seldom = np.cumsum(won[order]) < np.arange(1, won.size + 1) / 2.0
            beyond = few + np.flatnonzero(seldom[few:-1])
            if beyond.size:
                others = winners[order[: beyond[-1] + 1]]
                other = np.bincount(others[others != self.designs.index(best)] + 1).argmax() - 1
                found.append(((beyond[-1] + 1.0) / won.size, where, float(column[order[beyond[-1]]]), int(other)))
        return name, max(found, default=None)

    def cheaper_at(self, best: str, limit_s: float) -> tuple[float, str] | None:
        """How many times today's users it takes until another design that passes costs less, at the modes; and which.

        Who is told in time is taken as it is today. None where nothing costs less at a hundredth to a hundred times.
        """
        able = [best, *(d for d in self.designs if d != best and self.verdict(self.passes(d, limit_s)) == "passes")]
        times, here = np.geomspace(0.01, 100.0, 161), 80
        bills = evaluate(self.outcome.scenario, users=times * self.outcome.users[0], designs=able)
        costs = np.array([bills.values("cost", design)[0] for design in able])
        least = np.nan_to_num(costs, nan=np.inf).argmin(axis=0)
        at = min(np.flatnonzero(least), key=lambda k: abs(k - here), default=here)
        return (float(times[at]), able[least[at]]) if at != here else None


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
    polls = {
        f"{design}.timers.{name}": timer
        for name, timer in one.timers.items()
        if timer.timing != "by_hand" and timer.overlay is None
    }
    less_s = 0.8 * limit_s
    ways: dict[str, dict] = {
        "on every screen": {f"{path}.screens": None for path, timer in polls.items() if timer.screens},
        "without cached answers": {f"{path}.cache_s": 0.0 for path, timer in polls.items() if mode_of(timer.cache_s)},
        f"every {less_s:g} s": {f"{p}.period_s": less_s for p, t in polls.items() if mode_of(t.period_s) > less_s},
    }
    ways = {words: paths for words, paths in ways.items() if paths}
    yield from ((f"poll {words}", paths) for words, paths in ways.items())
    if len(ways) > 1:
        yield f"poll {', '.join(ways)}", {path: value for paths in ways.values() for path, value in paths.items()}


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
