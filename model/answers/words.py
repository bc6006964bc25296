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
from model.scenario.columns import in_words
from model.show.display import number

ENOUGH = 256  # draws: in fewer, inputs that have nothing to do with each other rise and fall together
ALL = 0.995  # of the draws, above which the answer says all
SURE = 2 / 3  # of the draws, below which the answer says that it depends
NONE, NONE_ENOUGH = "no design", "no design is soon enough"
NEAR = 0.1  # a tuned period nearer than that to its own is no other design


@dataclass(frozen=True)
class Answer:
    """The answer to which design a scenario should take: sentences, and the tables they are made from."""

    sentences: tuple[str, ...]
    soon_enough: Any  # DataFrame, a row a design, event and limit
    frontier: Any  # DataFrame, for each limit the designs that none beats in both cost and share told
    parts: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  # sentences: choose, flip, mend, move, measure, away

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
    parts = {"choose": tuple(_choices(soon)), "flip": tuple(_flips(soon)), "mend": tuple(mends(soon, case, own))}
    if len(own) > 1:
        parts |= {"move": tuple(_pair(soon)), "measure": tuple(_measure(case, soon))}
    parts["away"] = tuple(away_sentences(case, draws, seed))
    return Answer(tuple(line for lines in parts.values() for line in lines), soon.table(), soon.frontier(), parts)


def move(outcome: Outcome) -> list[str]:
    """What the move between the two compared designs changes, in sentences: for users, for the bill, for the phone."""
    return _pair(soon_enough(outcome, outcome.scenario.compared))


def choices(outcome: Outcome, share: float = 0.9) -> tuple[list[str], dict[float, str]]:
    """Which design to take within each limit, of an outcome over draws: in sentences, and what the design is called."""
    soon = soon_enough(outcome, list(outcome.scenario.designs), share)
    likeliest = {limit_s: soon.likeliest(limit_s) for limit_s in LIMITS_S}
    return _choices(soon), {t: soon.title(d) if often else NONE for t, (d, often) in likeliest.items()}


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
                called = f"{case.design(name).title} (at {period_s:g} s)"
                new = case.with_({f"{name}.timers.{loop}.period_s": period_s, f"{name}.title": called}).design(name)
                case = case.with_design(f"{name}_{limit_s:g}s", new)
    return case


def money(values: np.ndarray) -> str:
    """Dollars with what nine in ten draws lie between: $17 (8.5 to 33)."""
    return f"${span_words(values)}"


def percent(values: np.ndarray) -> str:
    """A share with what nine in ten draws lie between: 93 % (70 to 98)."""
    return span_words(100.0 * values, 3, " %")


def _draws(share: float) -> str:
    return "all draws" if share > ALL else f"{100 * share:.0f} of 100 draws"


def _alike(soon: SoonEnough) -> list[tuple[str, float]]:
    """The limits in words, those together that one design wins as surely or none meets, and the least sure of them."""
    alike: dict[Any, list[float]] = {}
    for limit_s in LIMITS_S:
        best, often = soon.likeliest(limit_s)
        alike.setdefault(best if often >= SURE else often and limit_s, []).append(limit_s)
    words = [f"within {_listed([f'{limit:g}' for limit in limits])} s" for limits in alike.values()]
    return list(zip(words, (min(limits, key=lambda t: soon.likeliest(t)[1]) for limits in alike.values()), strict=True))


def _choices(soon: SoonEnough) -> list[str]:
    """For each limit the design to take; limits with the same design, as surely, are said together."""
    return [f"To tell people {within}: {_choice(soon, limit_s, ' and ' in within)}" for within, limit_s in _alike(soon)]


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def _choice(soon: SoonEnough, limit_s: float, several: bool) -> str:
    """The design to take for one limit or several, with the odds of the least sure of them and the runner-up."""
    (best, first), (second, next_) = [*soon.odds(limit_s).items(), ("", 0.0)][:2]
    enough = f"tells {100 * soon.share:.0f} % of every event in time"
    if not first:
        return f"no design {enough}, in any draw."
    alike = [d for d in soon.designs if d not in (best, second) and _tied(soon, best, d, limit_s)]
    named = f"{soon.title(best)}, {money(soon.costs[best])} a month"
    often = f"at least {_draws(first)}" if several and first <= ALL else _draws(first)
    if first < SURE:
        other = f"{soon.title(second)} in {_draws(next_)}" if next_ else f"none is in {_draws(1 - first)}"
        on = " and on ".join(in_words(name)[0] for name in soon.hangs_on(soon.won(best, limit_s)))
        return (
            f"it depends. {named[0].upper()}{named[1:]}, is the cheapest that {enough} in {_draws(first)}, {other};"
            f" which of them wins depends most on {on}. In the draws in which it is soon enough it costs"
            f" ${number(soon.regret_usd(best, limit_s), 2)} a month more than the best, on average."
        )
    runner = f"; in {_draws(next_)} that is {soon.title(second)}" if next_ >= 0.01 else ""
    near = f" About as cheap: {', '.join(soon.title(d) for d in alike)}." if alike else ""
    return f"{named}. In {often} it is the cheapest that {enough}{runner}.{near}"


def _tied(soon: SoonEnough, best: str, other: str, limit_s: float) -> bool:
    a, b = (rank_quantile(soon.costs[d], 0.5) for d in (best, other))
    return bool(abs(b / a - 1.0) < TIE) and soon.verdict(soon.passes(other, limit_s)) == "passes"


def _flips(soon: SoonEnough) -> list[str]:
    """What would make another design the choice: the input that does it most often, and how many users."""
    said, groups = [], _alike(soon)
    for within, limit_s in groups:
        (best, first), lead = soon.likeliest(limit_s), f" {within}" * (len(groups) > 1)
        if first > ALL:
            said.append(f"{soon.title(best)} stays the choice{lead}, whatever the inputs are within their ranges.")
        elif first and soon.outcome.draws >= ENOUGH:
            name, flip = soon.flip(best, limit_s)
            what, unit = in_words(name)
            often, where, value, other = flip or (0.0, "", 0.0, 0)
            wins = f"another design, mostly {soon.title(soon.designs[other])}, wins" if other >= 0 else NONE_ENOUGH
            beyond = (
                f"Where '{what}' is {where} {_amount(value, unit)} ({_draws(often)}), {wins}{lead} in half of them."
            )
            stays = (
                f"{soon.title(best)} stays the likeliest choice{lead} whatever '{what}' is, which it depends on most."
            )
            said.append(beyond if flip else stays)
        if first and (found := soon.cheaper_at(best, limit_s)):
            ends = "from {} users on" if found[0] > 1.0 else "up to {} users"
            now, then = soon.outcome.users[0], number(found[0] * soon.outcome.users[0], 2)
            cheaper = f"{soon.title(found[1])} is the cheaper choice{lead}"
            said.append(f"{cheaper} {ends.format(then)} (here {number(now, 6)}).")
    return [f"{one[0].upper()}{one[1:]}" for one in said]


def _amount(value: float, unit: str) -> str:
    """A value of an input as people say it."""
    times, unit = (100.0, "%") if unit == "share" else (1.0, unit.replace("1/", "a "))
    return f"{number(times * value, 2)} {unit}".strip()


def mends(soon: SoonEnough, case: Scenario, own: list[str]) -> list[str]:
    """For each limit the scenario's cheaper designs that fail, and the smallest change that would mend each."""
    middle = {d: rank_quantile(soon.costs[d], 0.5) for d in soon.designs}
    said: dict[tuple, str] = {}
    for limit_s in reversed(LIMITS_S):
        best, first = soon.likeliest(limit_s)
        least = middle[best] if first else np.inf
        untuned = [d for d in own if f"{d}_{limit_s:g}s" not in soon.designs and middle[d] < least]
        failing = [d for d in untuned if soon.verdict(soon.passes(d, limit_s)) == "fails"]
        for design in sorted(failing, key=lambda d: middle[d])[:2]:
            worst = min(soon.events, key=lambda event: np.median(soon.told(design, limit_s, event)))
            told = percent(soon.told(design, limit_s, worst))
            found = mend(case, design, limit_s, soon.share)
            cure = "None of the changes tried to its polls and pushes mends that."
            if found:
                usd = float(evaluate(case.with_(found[1]), designs=[design]).values("cost", design)[0, 0])
                cure = f"To mend it: {found[0]}; it then costs ${number(usd, 2)}."
            called, costs = soon.title(design), "is cheaper," if first else "costs"
            costs = f"{called[0].upper()}{called[1:]} {costs} {money(soon.costs[design])}"
            said.setdefault((design, cure), f"{costs}, but tells {worst} to only {told} within {limit_s:g} s. {cure}")
    return list(said.values())


def _pair(soon: SoonEnough) -> list[str]:
    """What the move between the two compared designs changes for users, for the bill, and for the phone."""
    outcome = soon.outcome
    before, after = outcome.scenario.compared
    gained = {t: float(np.median(soon.told(after, t) - soon.told(before, t))) for t in LIMITS_S}
    limit_s = max(LIMITS_S, key=lambda t: (min(gained[t], SOME_SHARE), t == 10.0, gained[t]))
    told = [percent(soon.told(d, limit_s)) for d in (before, after)]
    saved = soon.costs[before] - soon.costs[after]
    bills = [money(soon.costs[d]) for d in (before, after)]
    said = [
        f"From {soon.title(before)} to {soon.title(after)}: within {limit_s:g} s {told[1]} of all that is sent is on"
        f" the screen instead of {told[0]}; the bill is {bills[1]} a month instead of {bills[0]}."
    ]
    number_of = outcome[after].traffic.life.scenario.number
    hours = number_of("build_work_s") / 3600.0
    years = hours * number_of("work_hour_usd") / np.where(saved > 0, saved, np.nan)[:, None] / 12.0
    better = gained[limit_s] > SOME_SHARE
    users = ": do it for the users, not for the money" if better else ", and users are not told sooner either"
    if np.isfinite(years).mean() >= SURE:
        long = float(np.nanquantile(years, 0.5))
        unit, times = ("years", 1.0) if long >= 2 else ("months", 12.0) if long >= 0.2 else ("days", 365.0)
        low, middle, high = (number(times * np.nanquantile(years, q), 2) for q in (0.05, 0.5, 0.95))
        some = f"The work, assumed to be some {number(float(np.median(hours)), 2)} hours, pays for itself in"
        said.append(f"{some} {middle} ({low} to {high}) {unit}{users * (long >= 2)}.")
    else:
        said.append(f"The move does not lower the bill{users}.")
    said.append(drain_words(drain_saved(outcome)))
    return said


def _measure(case: Scenario, soon: SoonEnough) -> list[str]:
    """What to measure first for the choice by cost between the two compared designs, and what that is worth."""
    worth = worth_measuring(case, draws=2048, most=1)
    pair = " and ".join(soon.title(name) for name in case.compared)
    if len(worth) < 3:
        return [f"Which of {pair} is cheaper is settled: to measure any one input more exactly would not change it."]
    name, usd = worth.index[1], float(worth["value_usd"].iloc[1])
    first = f"To know which of {pair} is cheaper, measure this first: {in_words(name)[0]}."
    return [f"{first} To know it is worth ${number(usd, 2)} a month."]
