"""The answer in words: which design to take, what it changes for users, what it costs, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from model import checks
from model.answers.measures import away_sentences, drain_saved, drain_words, span_words
from model.answers.soon import LIMITS_S, SOME_SHARE, TIE, SoonEnough, mend, only_loop, soon_enough, tuned
from model.outcome import Outcome, evaluate, rank_quantile
from model.ranges import worth_measuring
from model.scenario import Scenario, load, mode_of
from model.show.display import number

SURE = 2 / 3  # of the draws, below which the answer says that it depends
NONE = "no design"
NEAR = 0.1  # a tuned period nearer than that to its own is no other design


@dataclass(frozen=True)
class Answer:
    """The answer to which design a scenario should take: sentences, and the tables they are made from."""

    sentences: tuple[str, ...]
    soon_enough: Any  # DataFrame, a row a design, event and limit
    frontier: Any  # DataFrame, for each limit the designs that none beats in both cost and share told
    parts: dict[str, tuple[str, ...]] = field(default_factory=dict)  # sentences: choose, mend, move, measure

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def _repr_markdown_(self) -> str:
        return "\n\n".join(self.sentences)


def answer(scenario: Scenario | str, users=None, draws: int = 1024, share: float = 0.9, seed: int = 0) -> Answer:
    """Which design to take, in sentences, with the tables behind them.

    `share`: of those an event is sent to in the app who must be told in time: 0.9, 0.95 or 0.99. Gives Answer,
    `sentences`; `soon_enough`, a row a design, event and limit: shares told, late, left and untold, cost [USD/month]
    and verdict (passes in at least 9 of 10 draws, fails in at most 1, else depends); `frontier`, for each limit at most
    five designs that none beats in both cost and share told, with the share of draws won.

    Examples
    --------
    >>> answer("twilly", draws=64).sentences[0].split(":")[0]
    'To tell people within 1, 10 and 60 s'
    """
    case = load(scenario)
    checks.positive("draws", draws)
    case = case if users is None else case.with_({"users": float(users)})
    own, case = list(case.designs), with_tuned(case, share)
    soon = soon_enough(evaluate(case, None, draws, seed), list(case.designs), share)
    parts = {"choose": tuple(_choices(soon)), "mend": tuple(_mends(soon, case, own))}
    if len(own) > 1:
        parts |= {"move": tuple(_pair(soon)), "measure": tuple(_measure(case))}
    parts["away"] = tuple(away_sentences(case, draws, seed))
    return Answer(tuple(line for lines in parts.values() for line in lines), soon.table(), soon.frontier(), parts)


def move(outcome: Outcome) -> list[str]:
    """What the move between the two compared designs changes, in sentences: for users, for the bill, for the phone."""
    return _pair(soon_enough(outcome, outcome.scenario.compared))


def choices(outcome: Outcome, share: float = 0.9) -> tuple[list[str], dict[float, str]]:
    """Which design to take within each limit, of an outcome over draws: in sentences, and what the design is called."""
    soon = soon_enough(outcome, list(outcome.scenario.designs), share)
    likeliest = {limit_s: next(iter(soon.odds(limit_s).items())) for limit_s in LIMITS_S}
    return _choices(soon), {t: _title(soon, d) if often else NONE for t, (d, often) in likeliest.items()}


def with_tuned(case: Scenario, share: float = 0.9) -> Scenario:
    """The scenario with designs of one poll also at the longest period that is enough for each limit."""
    for name in list(case.designs):
        for limit_s in LIMITS_S:
            loop = only_loop(case, name)
            period_s = tuned(case, name, limit_s, (1.0 + share) / 2.0)  # enough at the modes with something to spare
            if loop is None or period_s is None:
                continue
            period_s = float(f"{period_s:.2g}")
            if abs(period_s / mode_of(case.design(name).timers[loop].period_s) - 1.0) > NEAR:
                title = f"{case.design(name).title} (at {period_s:g} s)"
                new = case.with_({f"{name}.timers.{loop}.period_s": period_s, f"{name}.title": title}).design(name)
                case = case.with_design(f"{name}_{limit_s:g}s", new)
    return case


def money(values: np.ndarray) -> str:
    """Dollars with what nine in ten draws lie between: $17 (8.5 to 33)."""
    return f"${span_words(values)}"


def percent(values: np.ndarray) -> str:
    """A share with what nine in ten draws lie between: 93 % (70 to 98)."""
    return span_words(100.0 * values, 3, " %")


def _title(soon: SoonEnough, design: str) -> str:
    return soon.outcome[design].traffic.life.design.title


def _draws(share: float) -> str:
    return "all draws" if share > 0.995 else f"{100 * share:.0f} of 100 draws"


def _choices(soon: SoonEnough) -> list[str]:
    """For each limit the design to take; limits with the same design, as surely, are said together."""
    alike: dict[tuple, list[float]] = {}
    for limit_s in LIMITS_S:
        best, often = next(iter(soon.odds(limit_s).items()))
        alike.setdefault((best if often >= SURE else limit_s,), []).append(limit_s)
    return [
        f"To tell people within {_listed([f'{limit:g}' for limit in limits])} s: {_choice(soon, limits)}"
        for limits in alike.values()
    ]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _choice(soon: SoonEnough, limits: list[float]) -> str:
    """The design to take for one limit or several, with the odds of the least sure of them and the runner-up."""
    limit_s = min(limits, key=lambda limit: next(iter(soon.odds(limit).values())))
    odds = soon.odds(limit_s)
    (best, first), (second, next_) = [*odds.items(), ("", 0.0)][:2]
    if not first:
        return f"no design tells {soon.share:.0%} of every event in time, in any draw."
    alike = [d for d in soon.designs if d not in (best, second) and _tied(soon, best, d, limit_s)]
    named = f"{_title(soon, best)}, {money(soon.costs[best])} a month"
    often = _draws(first) if len(limits) == 1 or first > 0.995 else f"at least {_draws(first)}"
    if first < SURE:
        other = f"{_title(soon, second)} in {_draws(next_)}" if next_ else f"none is in {_draws(1 - first)}"
        on = _listed([_input(name) for name in soon.hangs_on(soon.winners(limit_s) == soon.designs.index(best))])
        regret = soon.regret_usd(best, limit_s)
        return (
            f"it depends. {named[0].upper()}{named[1:]}, is the cheapest that is soon enough in {_draws(first)},"
            f" {other}; which of them wins depends most on {on}. In the draws in which it is soon enough it costs"
            f" ${number(regret, 2)} a month more than the best, on average."
        )
    runner = f"; the runner-up, {_title(soon, second)}, in {_draws(next_)}" if next_ >= 0.01 else ""
    near = f" About as cheap: {', '.join(_title(soon, d) for d in alike)}." if alike else ""
    return f"{named}. In {often} it is the cheapest that is soon enough{runner}.{near}"


def _tied(soon: SoonEnough, best: str, other: str, limit_s: float) -> bool:
    a, b = (rank_quantile(soon.costs[d], 0.5) for d in (best, other))
    return bool(abs(b / a - 1.0) < TIE) and soon.verdict(soon.passes(other, limit_s)) == "passes"


def _input(path: str) -> str:
    """An input's path as people read it."""
    return path.removeprefix("ledger.").removeprefix("designs.").replace(".", " ").replace("_", " ")


def _mends(soon: SoonEnough, case: Scenario, own: list[str], limit_s: float = 10.0) -> list[str]:
    """The scenario's cheaper designs that fail within 10 s, and the smallest change that would mend each."""
    best = next(iter(soon.odds(limit_s)))
    middle = {d: rank_quantile(soon.costs[d], 0.5) for d in soon.designs}
    failing = [d for d in own if soon.verdict(soon.passes(d, limit_s)) == "fails" and middle[d] < middle[best]]
    said = []
    for design in sorted(failing, key=lambda d: middle[d])[:2]:
        worst = min(soon.events, key=lambda event: np.median(soon.told(design, limit_s, event)))
        told = percent(soon.told(design, limit_s, worst))
        found = mend(case, design, limit_s, soon.share)
        cure = f"To mend it: {found[0]}." if found else "No one change of its polls or pushes mends that."
        title = _title(soon, design)
        cheaper = f"{title[0].upper()}{title[1:]} is cheaper, {money(soon.costs[design])}"
        said.append(f"{cheaper}, but tells {worst} to {told} within {limit_s:g} s. {cure}")
    return said


def _pair(soon: SoonEnough) -> list[str]:
    """What the move between the two compared designs changes for users, for the bill, and for the phone."""
    outcome = soon.outcome
    before, after = outcome.scenario.compared
    told = [percent(soon.told(d, 10.0)) for d in (before, after)]
    saved = soon.costs[before] - soon.costs[after]
    bills = [money(soon.costs[d]) for d in (before, after)]
    said = [
        f"From {_title(soon, before)} to {_title(soon, after)}: within 10 s {told[1]} of all that is sent is on the"
        f" screen instead of {told[0]}; the bill is {bills[1]} a month instead of {bills[0]}."
    ]
    number_of = outcome[after].traffic.life.scenario.number
    hours = number_of("build_work_s") / 3600.0
    months = hours * number_of("work_hour_usd") / np.where(saved > 0, saved, np.nan)[:, None]
    if np.isfinite(months).mean() >= SURE:
        low, middle, high = (number(np.nanquantile(months / 12.0, q), 2) for q in (0.05, 0.5, 0.95))
        why = "" if float(middle.replace(",", "")) < 2.0 else _for_users(soon, before, after)
        some = number(float(np.median(hours)), 2)
        said.append(f"The work, some {some} hours, pays for itself in {middle} ({low} to {high}) years{why}.")
    else:
        said.append(f"The move does not lower the bill{_for_users(soon, before, after)}.")
    said.append(drain_words(drain_saved(outcome)))
    return said


def _for_users(soon: SoonEnough, before: str, after: str) -> str:
    """What remains as a reason where the bill is none: what the move does for users, if it does anything."""
    better = any(np.median(soon.told(after, t) - soon.told(before, t)) > SOME_SHARE for t in LIMITS_S)
    return ": do it for the users, not for the money" if better else ", and users are not told sooner either"


def _measure(case: Scenario) -> list[str]:
    """What to measure first for the choice by cost between the two compared designs, and what that is worth."""
    worth = worth_measuring(case, draws=2048, most=1)
    if len(worth) < 3:
        return ["Nothing that could be measured would change which of the two is cheaper."]
    name, usd = worth.index[1], float(worth["value_usd"].iloc[1])
    return [f"Measure {_input(name)} first: for the choice by cost it is worth ${number(usd, 2)} a month."]
