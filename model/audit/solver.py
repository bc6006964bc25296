"""What would have to change for a claim to hold: the nearest single assumption, within its range."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from model import claims, ledger
from model.audit.figures import figure_values, holds
from model.audit.words import number_words
from model.claims.reading import Figure
from model.outcome import Outcome, Sides, evaluate
from model.parts.fields import ANSWERING
from model.scenario import Range, Scenario, sampling
from model.scenario.columns import shared_columns

STEPS = (1 / 3, 2 / 3, 1.0)  # how far from its mode to the end of its range an input is tried
PASSES = 5  # then the border between failing and holding is narrowed this often
NEAREST = 3  # inputs of each figure that are followed to their border
WIDE = 10.0  # a range whose ends differ by more than this is walked in ratios
CHOICE_SPAN = 10.0  # a poll's period, where a document fixes it, is tried from a tenth to ten times
HEARTBEAT_LEAST_S = 10.0
SWITCHES = ("billing.connects_billed", "billing.pings_billed", "billing.response_counts", "after.socket.direct_send")


@dataclass(frozen=True)
class Change:
    """A change of one assumption that makes a claim true, in words too, and the claims that fail with it."""

    path: str
    value: object
    words: str
    share: float = 1.0  # of the way from the input's mode to the end of its range
    breaks: tuple[int, ...] = ()  # numbers of claims that hold without the change and fail with it


@dataclass(frozen=True)
class Knob:
    """An input that the search may move, with its range and how a sentence names it."""

    name: str  # the path that changes it
    column: str  # of the draws
    low: float
    mode: float
    high: float
    label: str
    unit: str = ""
    scale: float = 1.0

    def at(self, end: int, share: float) -> float:
        """The value that far from the mode to the high end (1) or the low end (-1)."""
        goal = self.high if end > 0 else self.low
        if min(goal, self.mode) > 0 and max(goal / self.mode, self.mode / goal) > WIDE:
            return self.mode * (goal / self.mode) ** share
        return self.mode + (goal - self.mode) * share

    def words(self, value: float) -> str:
        """A value of the input with its unit, as a sentence shows it."""
        unit = self.unit.replace("1/", "/") if self.unit.startswith("1/") else f" {self.unit}".rstrip()
        return f"{number_words(value * self.scale, 4)}{unit}"


Step = tuple[Knob, int, float]  # an input, the end that it goes to, and how far


@dataclass(frozen=True)
class Bracket:
    """Two shares of an input's way: at `bad` a figure is on the side on which it fails, at `good` no longer."""

    figure: Figure
    knob: Knob
    end: int
    good: float
    bad: float
    from_good: float  # how far beyond the border the figure is there, below 0 where it fails
    from_bad: float
    sign: int
    slack: float
    lasting: bool  # whether the figure still holds at the end of the input's range


def _active_hours(scenario: Scenario) -> float:
    """Active hours a user and month where usage is stated in plain numbers; 0 where it has ranges."""
    use = scenario.usage
    stated = (use.dau_mau_share, use.sessions_per_day, use.session_mean_s)
    if any(isinstance(v, Range) for v in stated):
        return 0.0
    return float(np.prod(stated)) * sampling.resolved(scenario).billing.month_days / 3600.0


def _choices(scenario: Scenario) -> dict[str, dict]:
    """Ranges for what documents fix and an operator could choose: poll periods, heartbeat, active hours."""
    ends = {}
    for which in scenario.compared:
        design = scenario.designs[which]
        for name, timer in design.timers.items():
            if isinstance(period_s := timer.period_s, float):
                ends[f"{which}.timers.{name}.period_s"] = period_s / CHOICE_SPAN, period_s, period_s * CHOICE_SPAN
        if design.heartbeat is not None and isinstance(period_s := design.heartbeat.period_s, float):
            most_s = max(ledger.quotas()["apigw_ws_idle_s"], period_s)
            ends[f"{which}.heartbeat.period_s"] = min(HEARTBEAT_LEAST_S, period_s), period_s, most_s
    if isinstance(mean_s := scenario.usage.session_mean_s, float):  # the premise states active hours: from one a month
        hours = _active_hours(scenario)
        ends["usage.session_mean_s"] = min(mean_s / hours, mean_s) if hours else mean_s, mean_s, max(mean_s, 86400.0)
    return {path: dict(zip(("low", "mode", "high"), span, strict=True)) for path, span in ends.items()}


def knobs(scenario: Scenario) -> tuple[Scenario, dict[str, Knob]]:
    """The scenario with a range on everything that the search may move, and all that it may move."""
    wide, hours = scenario.with_(_choices(scenario)), _active_hours(scenario)
    found, shared = {}, shared_columns(wide)
    for column, one in sampling.ranged_inputs(wide).items():
        name = column
        unit = ledger.unit_of(name.split(".")[-1]) or ""
        label, scale = f"{name.removeprefix('ledger.')} of the ledger" if name.startswith("ledger.") else name, 1.0
        if name in shared:
            name = f"both.{name.partition('.')[2]}"
            label = f"{name.removeprefix('both.')} of both designs"
        if name == "usage.session_mean_s" and hours:
            label, unit, scale = "active time per user and month", "h", hours / one.mode
        found[column] = Knob(
            name, column, one.low, one.mode, one.high, label, "" if unit in ("1", "-") else unit, scale
        )
    return wide, found


class Search:
    """Evaluates many changes of one scenario at once, one input each."""

    def __init__(self, scenario: Scenario, users: Sequence[float], holding: Sequence[Figure] = ()):
        self.plain, self.users, self.holding = scenario, [float(n) for n in users], holding
        self.wide, self.knobs = knobs(scenario)
        self.column_of = {knob.name: column for column, knob in self.knobs.items()}

    def outcome(self, settings: Sequence[tuple[str, float]]) -> Outcome:
        """The outcome with one input set in each row, all others at their modes."""
        columns = {name: np.full((len(settings), 1), self.knobs[name].mode) for name, _ in settings}
        for row, (name, value) in enumerate(settings):
            columns[name][row] = value
        sides = Sides(sampling.with_columns(self.wide, columns, self.users))
        return Outcome(self.wide, np.array(self.users), len(settings), sides)

    def values(self, figure: Figure, outcome: Outcome) -> np.ndarray:
        """What a figure is in each row of an outcome, at the users that it is stated for."""
        return figure_values(figure, outcome)[:, self.users.index(figure.users) if figure.users in self.users else 0]

    def broken(self, outcome: Outcome) -> list[tuple[int, ...]]:
        """For each row of an outcome, the numbers of the claims that hold without a change and fail in it."""
        fails = [(f.number, ~holds(f, self.values(f, outcome))) for f in self.holding]
        return [tuple(dict.fromkeys(n for n, failed in fails if failed[k])) for k in range(max(outcome.draws, 1))]

    def nearest(self, figures: Sequence[Figure]) -> dict[str, Change]:
        """The input that makes a figure true with the smallest share of its range; none where no input does."""
        inputs = [(k, end) for k in self.knobs.values() for end in (-1, 1) if k.at(end, 1.0) != k.mode]
        steps = [(knob, end, share) for knob, end in inputs for share in STEPS]
        outcome = self.outcome(
            [(k.column, k.mode) for k, _ in inputs[:1]] + [(k.column, k.at(e, s)) for k, e, s in steps]
        )
        brackets = [b for f in figures for b in _brackets(f, steps, self.values(f, outcome))]
        found: dict[str, Change] = {}
        shares = self.borders(brackets) if brackets else ()
        for bracket, share, value in zip(brackets, shares, self.at(brackets, shares), strict=True):
            key = bracket.figure.key
            if bool(holds(bracket.figure, value)) and (key not in found or share < found[key].share):
                found[key] = _change(bracket, float(share))
        broken = self.broken(self.outcome([(self.column_of[c.path], c.value) for c in found.values()])) if found else ()
        return {key: replace(c, breaks=numbers) for (key, c), numbers in zip(found.items(), broken, strict=True)}

    def at(self, brackets: Sequence[Bracket], shares: Sequence[float]) -> np.ndarray:
        """The figure of each bracket where its input has gone that far."""
        if not brackets:
            return np.array([])
        outcome = self.outcome([(b.knob.column, b.knob.at(b.end, s)) for b, s in zip(brackets, shares, strict=True)])
        values = {f.key: self.values(f, outcome) for f in {b.figure for b in brackets}}
        return np.array([values[b.figure.key][row] for row, b in enumerate(brackets)])

    def borders(self, brackets: Sequence[Bracket]) -> np.ndarray:
        """How far each input goes until its figure holds, narrowed by regula falsi with the Illinois rule."""
        good, bad, from_good, from_bad = np.array([(b.good, b.bad, b.from_good, b.from_bad) for b in brackets]).T
        for _ in range(PASSES):
            share = _between(good, bad, from_good, from_bad)
            values = self.at(brackets, share)
            past = np.array([beyond(b.figure, v, b.sign, b.slack) for b, v in zip(brackets, values, strict=True)])
            good, bad = np.where(past >= 0, share, good), np.where(past >= 0, bad, share)
            from_good = np.where(past >= 0, past, from_good / 2.0)  # an end that stays counts for less
            from_bad = np.where(past >= 0, from_bad / 2.0, past)
        return np.where([b.lasting for b in brackets], good, _between(good, bad, from_good, from_bad))

    def switched(self, figures: Sequence[Figure]) -> dict[str, Change]:
        """Another backend, or another reading of the bill, that makes a figure true."""
        paths = {f"{which}.api.backend": ANSWERING for which in self.plain.compared}
        found: dict[str, Change] = {}
        for path, values in (paths | dict.fromkeys(SWITCHES, (True, False))).items():
            here = _value_at(self.plain, path)
            for value in values:
                left = [f for f in figures if f.key not in found]
                if here is None or value == here or not left:
                    continue
                outcome = evaluate(self.plain.with_({path: value}), self.users)
                now = bool(here) if isinstance(value, bool) else here
                said = f"{path} is {str(value).lower()} (here {str(now).lower()})"
                for figure in left:
                    if bool(holds(figure, self.values(figure, outcome)[0])):
                        found[figure.key] = Change(path, value, said, breaks=self.broken(outcome)[0])
        return found


def _value_at(scenario: Scenario, path: str):
    """What stands at a path of a scenario; None where there is no such thing."""
    head, _, rest = path.partition(".")
    start = scenario.design(head) if head in ("before", "after", *scenario.designs) else getattr(scenario, head)
    return functools.reduce(lambda part, name: getattr(part, name, None), rest.split("."), start)


def position(figure: Figure, values, slack: float = 0.0) -> np.ndarray:
    """Where values are: -1 below a figure's range, 0 in it, 1 above it; 2 where that cannot be told."""
    values = np.asarray(values, dtype=float)
    over = values > figure.high + slack * abs(figure.high)
    if figure.gain or figure.side == "saved":
        over = np.zeros_like(over)
    sign = np.where(values < figure.low - slack * abs(figure.low), -1, np.where(over, 1, 0))
    return np.where(np.isnan(values), 2, sign)


def beyond(figure: Figure, value: float, sign: int, slack: float = 0.0) -> float:
    """How far a value is beyond the end of a figure's range that it must cross from the failing side."""
    edge = figure.low - slack * abs(figure.low) if sign < 0 else figure.high + slack * abs(figure.high)
    return (value - edge) * (1.0 if sign < 0 else -1.0)


def _between(good, bad, from_good, from_bad):
    """The share at which a straight line between two ends meets the border; the middle where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part = from_good / (from_good - from_bad)
    part = np.where(np.isfinite(part), np.clip(part, 0.02, 0.98), 0.5)
    return good + (bad - good) * part


def _brackets(figure: Figure, steps: Sequence[Step], values: np.ndarray) -> list[Bracket]:
    """For each input and end the first step that leaves the failing side, nearest first; values begin at the modes."""
    for slack in (0.0, claims.SLACK):
        signs = position(figure, values, slack)
        start, found = int(signs[0]), []
        for (knob, end), group in itertools.groupby(range(len(steps)), key=lambda row: steps[row][:2]):
            way = [(0.0, 0), *((steps[row][2], row + 1) for row in group)]  # shares with their rows in `values`
            hit = next((k for k, (_, row) in enumerate(way) if signs[row] != start), 0)
            if abs(start) == 1 and hit and signs[way[hit][1]] != 2:
                (bad, bad_row), (good, good_row) = way[hit - 1], way[hit]
                past = (beyond(figure, float(values[row]), start, slack) for row in (good_row, bad_row))
                found.append(Bracket(figure, knob, end, good, bad, *past, start, slack, signs[way[-1][1]] == 0))
        if found:
            return sorted(found, key=lambda b: b.good)[:NEAREST]
    return []


def _outward(value: float, up: bool) -> float:
    """A value rounded to three digits, away from where the claim fails."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 2)
    return float((np.ceil(value / unit - 1e-9) if up else np.floor(value / unit + 1e-9)) * unit)


def _change(bracket: Bracket, share: float) -> Change:
    """An input gone so far, its value rounded away from the border but kept within its range."""
    knob, end = bracket.knob, bracket.end
    exact = float(knob.at(end, share))
    value = _outward(exact * knob.scale, end > 0) / knob.scale
    if not knob.low <= value <= knob.high:
        value = exact
    way = ("at least" if end > 0 else "at most") if bracket.lasting else "about"
    words = f"{knob.label} is {way} {knob.words(value)} (here {knob.words(knob.mode)})"
    return Change(knob.name, value, words, share)


def conditions(
    scenario: Scenario, figures: Sequence[Figure], users: Sequence[float] | None = None, holding: Sequence[Figure] = ()
) -> dict[str, Change | None]:
    """The nearest change of one assumption that makes each published figure true; None where nothing tried does.

    Each ranged input is moved alone from its mode to either end and the border at which the figure begins to
    hold is narrowed down; the nearest is the one that uses the smallest share of its range. Where no input will
    do, another backend or reading of the bill is tried. `holding` are figures that hold as things stand.
    Source: assumption.
    """
    if not figures:
        return {}
    search = Search(scenario, [scenario.users] if users is None else users, holding)
    found: dict[str, Change | None] = dict.fromkeys(f.key for f in figures)
    found |= search.nearest(figures)
    found |= search.switched([f for f in figures if found[f.key] is None])
    return found
