"""What would have to change for a claim to hold: the nearest assumption, or pair, within its range."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from model import claims
from model.audit.figures import figure_values, holds, outcome_at
from model.audit.knobs import Knob, knobs
from model.audit.words import number_words
from model.claims.reading import Figure
from model.outcome import evaluate
from model.scenario import Scenario, sampling

__all__ = ["Change", "conditions"]

STEPS = (1 / 3, 2 / 3, 1.0)  # how far from its mode to the end of its range an input is tried
PASSES = 5  # then the border between failing and holding is narrowed this often
NEAREST = 3  # candidates of each figure that are followed to their border
MOVERS = 7  # inputs that are tried in pairs
BACKENDS = ("http_api", "rest_api", "server")
SWITCHES = ("billing.connects_billed", "billing.pings_billed", "billing.response_counts", "after.socket.direct_send")


@dataclass(frozen=True)
class Change:
    """A change of assumptions that makes a claim true: paths with values, how far it goes, and the words.

    `breaks` are the numbers of claims that hold without it and fail with it.
    """

    values: Mapping[str, object]
    share: float
    words: str
    breaks: tuple[int, ...] = ()


Move = tuple[tuple[tuple[Knob, int], ...], float]  # knobs with the end each goes to, and how far


@dataclass(frozen=True)
class Bracket:
    """A move between whose shares a figure leaves the side on which it fails; lasting where the end holds."""

    ends: tuple[tuple[Knob, int], ...]
    good: float
    bad: float
    from_good: float  # how far beyond the border the figure is there, below 0 where it fails
    from_bad: float
    sign: int
    slack: float
    lasting: bool


class Search:
    """Evaluates many moves of one scenario at once, for figures that it does not bear out as it stands."""

    def __init__(self, scenario: Scenario, figures: Sequence[Figure], users: Sequence[float]):
        self.plain, self.figures, self.users = scenario, figures, list(users)
        self.scenario, self.knobs = knobs(scenario)

    def values(self, moves: Sequence[Move], keys=None) -> dict[str, np.ndarray]:
        """The value of each figure, or of those named by their keys, after each move."""
        columns = {}
        for row, (ends, share) in enumerate(moves):
            for knob, end in ends:
                column = columns.setdefault(knob.name, np.full((len(moves), 1), knob.mode))
                column[row] = knob.at(end, share)
        resolved = sampling.with_columns(self.scenario, columns, self.users)
        outcome = outcome_at(self.scenario, resolved, self.users, len(moves))
        return {f.key: figure_values(f, outcome)[:, self._at(f)] for f in self.figures if keys is None or f.key in keys}

    def _at(self, figure: Figure) -> int:
        return self.users.index(figure.users) if figure.users in self.users else 0

    def singles(self) -> list[Move]:
        """Every input alone, towards each end, in steps."""
        return [
            (((knob, end),), share)
            for knob in self.knobs.values()
            for end in (-1, 1)
            if knob.at(end, 1.0) != knob.mode
            for share in STEPS
        ]

    def borders(self, found: dict[str, list[Bracket]]) -> dict[str, tuple[Move, bool]]:
        """The nearest border of each figure between moves that fail and moves that do not, where it holds."""
        flat, keys = [(key, one) for key, brackets in found.items() for one in brackets], set(found)
        if not flat:
            return {}
        figures = {f.key: f for f in self.figures}
        good, bad, from_good, from_bad = (
            np.array([getattr(b, n) for _, b in flat]) for n in ("good", "bad", "from_good", "from_bad")
        )
        for _ in range(PASSES):
            share = _between(good, bad, from_good, from_bad)
            values = self.values([(b.ends, s) for (_, b), s in zip(flat, share, strict=True)], keys)
            told = np.array(
                [beyond(figures[key], values[key][row], one.sign, one.slack) for row, (key, one) in enumerate(flat)]
            )
            passed = told >= 0
            good, bad = np.where(passed, share, good), np.where(passed, bad, share)
            from_good = np.where(passed, told, from_good / 2.0)  # Illinois: an end that stays counts for less
            from_bad = np.where(passed, from_bad / 2.0, told)
        lasting = np.array([one.lasting for _, one in flat])
        good = np.where(lasting, good, _between(good, bad, from_good, from_bad))
        values = self.values([(b.ends, s) for (_, b), s in zip(flat, good, strict=True)], keys)
        nearest: dict[str, tuple[Move, bool]] = {}
        for row, (key, one) in enumerate(flat):
            near = key not in nearest or good[row] < nearest[key][0][1]
            if near and bool(holds(figures[key], values[key][row])):
                nearest[key] = ((one.ends, float(good[row])), one.lasting)
        return nearest


def _towards(figure: Figure, values: np.ndarray) -> np.ndarray:
    """How far values are from a figure's range, in its unit; what cannot be told is infinitely far."""
    short = np.maximum(figure.low - values, 0.0)
    over = 0.0 if figure.gain or figure.side == "saved" else np.maximum(values - figure.high, 0.0)
    return np.nan_to_num(short + over, nan=np.inf)


def position(figure: Figure, values, slack: float = 0.0) -> np.ndarray:
    """Where values are: -1 below a figure's range, 0 in it, 1 above it; 2 where that cannot be told."""
    values = np.asarray(values, dtype=float)
    over = values > figure.high + slack * abs(figure.high)
    if figure.gain or figure.side == "saved":
        over = np.zeros_like(over)
    sign = np.where(values < figure.low - slack * abs(figure.low), -1, np.where(over, 1, 0))
    return np.where(np.isnan(values), 2, sign)


def beyond(figure: Figure, values, sign: int, slack: float = 0.0):
    """How far values are beyond the end of a figure's range that they must cross from the failing side."""
    edge = figure.low - slack * abs(figure.low) if sign < 0 else figure.high + slack * abs(figure.high)
    return (np.asarray(values, dtype=float) - edge) * (1.0 if sign < 0 else -1.0)


def _between(good, bad, from_good, from_bad):
    """The share at which a straight line between two ends meets the border; the middle where none does."""
    with np.errstate(divide="ignore", invalid="ignore"):
        part = from_good / (from_good - from_bad)
    part = np.where(np.isfinite(part), np.clip(part, 0.02, 0.98), 0.5)
    return good + (bad - good) * part


def _brackets(figure: Figure, moves: Sequence[Move], values: np.ndarray, now: float) -> list[Bracket]:
    """For each input and end the first step that leaves the failing side, nearest first."""
    for slack in (0.0, claims.SLACK):
        start, found = int(position(figure, now, slack)), []
        signs = position(figure, values, slack)
        for ends, rows in itertools.groupby(range(len(moves)), key=lambda row: moves[row][0]):
            steps = [(0.0, start, now), *((moves[r][1], int(signs[r]), float(values[r])) for r in rows)]
            hit = next((k for k, (_, sign, _) in enumerate(steps) if sign != start), 0)
            if abs(start) == 1 and hit and steps[hit][1] != 2:
                (bad, _, below), (good, _, above) = steps[hit - 1], steps[hit]
                told = (float(beyond(figure, v, start, slack)) for v in (above, below))
                found.append(Bracket(ends, good, bad, *told, start, slack, steps[-1][1] == 0))
        if found:
            return sorted(found, key=lambda b: b.good)[:NEAREST]
    return []


def _pairs(figure: Figure, moves: Sequence[Move], values: np.ndarray) -> list[Move]:
    """The inputs that each bring a figure nearest, two at a time, at their ends."""
    whole = [(m, d) for m, d in zip(moves, _towards(figure, values), strict=True) if m[1] == 1.0]
    best: list = []
    for move, _ in sorted(whole, key=lambda one: one[1]):
        if move[0][0][0].name not in {b[0].name for b in best}:
            best.append(move[0][0])
    return [(pair, 1.0) for pair in itertools.combinations(best[:MOVERS], 2)]


def _outward(value: float, up: bool) -> float:
    """A value rounded to three digits, away from where the claim fails."""
    if value == 0:
        return 0.0
    unit = 10.0 ** (np.floor(np.log10(abs(value))) - 2)
    return float((np.ceil(value / unit - 1e-9) if up else np.floor(value / unit + 1e-9)) * unit)


def _change(move: Move, lasting: bool) -> Change:
    """A move in words, its values rounded away from the border but kept within their ranges."""
    values, said = {}, []
    for knob, end in move[0]:
        raw = float(knob.at(end, move[1]))
        told = _outward(raw * knob.scale, end > 0)
        if not knob.low <= told / knob.scale <= knob.high:
            told = raw * knob.scale
        values[knob.name] = told / knob.scale
        unit = knob.unit.replace("1/", "/") if knob.unit.startswith("1/") else f" {knob.unit}".rstrip()
        way = ("at least" if end > 0 else "at most") if lasting else "about"
        said.append(
            f"{knob.label} is {way} {number_words(told, 4)}{unit}, not {number_words(knob.mode * knob.scale, 4)}{unit}"
        )
    return Change(values, move[1], " and ".join(said))


def _switched(search: Search, figures: Sequence[Figure]) -> dict[str, Change]:
    """Figures that another backend, or another reading of the bill, makes true."""
    plain, found = search.plain, {}
    options = [
        (f"{w}.api.backend", b) for w in ("before", "after") for b in BACKENDS if b != plain.design(w).api.backend
    ]
    options += [(path, not _value_at(plain, path)) for path in SWITCHES if _value_at(plain, path) is not None]
    for path, value in options:
        outcome = evaluate(plain.with_({path: value}), search.users)
        for figure in figures:
            told = figure_values(figure, outcome)[0, search._at(figure)]
            if figure.key not in found and bool(holds(figure, told)):
                said = str(value).lower() if isinstance(value, bool) else value
                found[figure.key] = Change({path: value}, 1.0, f"{path} is {said}")
    return found


def _value_at(scenario: Scenario, path: str):
    here: object = scenario
    for part in path.split("."):
        here = getattr(here, part, None)
    return here


def _with_what_breaks(
    search: Search, found: Mapping[str, Change | None], holding: Sequence[Figure]
) -> dict[str, Change | None]:
    """The changes with the claims that they take down: each change made, each figure that held asked again."""
    moved = {k: one for k, one in found.items() if one is not None and set(one.values) <= set(search.knobs)}
    if not moved or not holding:
        return dict(found)
    columns: dict[str, np.ndarray] = {}
    for row, one in enumerate(moved.values()):
        for name, value in one.values.items():
            columns.setdefault(name, np.full((len(moved), 1), search.knobs[name].mode))[row] = value
    resolved = sampling.with_columns(search.scenario, columns, search.users)
    outcome = outcome_at(search.scenario, resolved, search.users, len(moved))
    fails = {f: ~holds(f, figure_values(f, outcome)[:, search._at(f)]) for f in holding}
    return {
        **found,
        **{
            key: replace(one, breaks=tuple(dict.fromkeys(f.number for f in holding if fails[f][row])))
            for row, (key, one) in enumerate(moved.items())
        },
    }


def conditions(
    scenario: Scenario, figures: Sequence[Figure], users: Sequence[float] | None = None, holding: Sequence[Figure] = ()
) -> dict[str, Change | None]:
    """The nearest change of assumptions that makes each published figure true.

    Each ranged input is moved alone from its mode to either end and the border at which the figure begins to
    hold is narrowed down; the nearest is the one that uses the smallest share of its range. Where none will
    do, another backend or reading of the bill is tried, then the inputs that help most two at a time, both by
    the same share of their ranges.

    Source: assumption.
    """
    if not figures:
        return {}
    search = Search(scenario, figures, [scenario.users] if users is None else users)
    moves = search.singles()
    values = search.values(moves)
    now = {key: float(v[0]) for key, v in search.values([((), 0.0)]).items()}
    found: dict[str, Change | None] = {f.key: None for f in figures}
    single = {f.key: _brackets(f, moves, values[f.key], now[f.key]) for f in figures}
    found |= {k: _change(*m) for k, m in search.borders({k: b for k, b in single.items() if b}).items()}
    found |= _switched(search, [f for f in figures if found[f.key] is None])
    left = [f for f in figures if found[f.key] is None and np.isfinite(now[f.key])]
    pairs = {f.key: _pairs(f, moves, values[f.key]) for f in left}
    tried = list(dict.fromkeys(m for ms in pairs.values() for m in ms))
    if tried:
        values = search.values(tried)
        crossed = {
            f.key: [b for b in _brackets(f, tried, values[f.key], now[f.key]) if (b.ends, 1.0) in pairs[f.key]]
            for f in left
        }
        found |= {k: _change(*m) for k, m in search.borders({k: b for k, b in crossed.items() if b}).items()}
    return _with_what_breaks(search, found, [f for f in holding if np.isfinite(f.low)])
