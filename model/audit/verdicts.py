"""The verdict on a published figure, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from model.audit.figures import holds, miss_factor
from model.audit.rules import Finding
from model.audit.solver import Change
from model.audit.words import claims_words, figure_words, number_words, times_words
from model.claims.reading import Figure

WHERE = ("under the premise", "in the scenario")


@dataclass(frozen=True)
class View:
    """What the model says to a figure under one set of assumptions, and what would make the figure true."""

    value: float
    low: float
    high: float
    change: Change | None = None

    def verdict(self, figure: Figure) -> str:
        """Whether the figure holds, holds under a change, or by how much it is off."""
        if np.isnan(self.value):
            return "no such quantity in the model"
        if bool(holds(figure, self.value)):
            return "holds"
        if self.change is not None:
            return f"holds only if {self.change.words}"
        return _off_words(miss_factor(figure, self.value))

    def words(self, figure: Figure) -> str:
        """The figure as the model has it; empty where it has none."""
        if np.isnan(self.value):
            return ""
        return f"{self.value:.1%} less" if figure.gain == "less" else f"{number_words(self.value, 3)} {figure.unit}"


def _off_words(factor: float) -> str:
    return "does not hold" if factor == inf else f"does not hold, off by {times_words(factor)}"


def verdict(figure: Figure, found: Sequence[Finding], views: Sequence[View], uses: Sequence[str]) -> str:
    """The verdict in all: the file's own arithmetic first, then the model under both sets of assumptions.

    `uses` says in one phrase for each set how much the app is used. The first words are those by which a report
    chooses a colour: holds, holds only if, does not hold, contradicts.
    """
    if any(f.rule != "echo" for f in found):  # an echo alone may be chance: a remark, no verdict
        return _own_verdict(found)
    premise, here = (v.verdict(figure) for v in views)
    changes = [v.change for v in views if v.change is not None]
    if premise == here or ("holds" not in (premise, here) and not changes):
        return premise
    if "holds" in (premise, here):
        return f"holds only if {uses[(premise, here).index('holds')]}"
    if len(changes) == 2:
        return f"{premise} {WHERE[0]}, or {changes[1].words} {WHERE[1]}"
    return f"{premise} {WHERE[0]}; {here} {WHERE[1]}"


def _own_verdict(found: Sequence[Finding]) -> str:
    """What the file's own figures say of one of them: off by a factor, and the claims it contradicts."""
    own = [f.factor for f in found if f.against is None]
    said = [_off_words(max((factor for factor in own if factor < inf), default=inf))] if own else []
    others = sorted({f.against.number for f in found if f.against is not None})
    return "; ".join([*said, f"contradicts {claims_words(others)}"] if others else said)


def why(figure: Figure, found: Sequence[Finding], views: Sequence[View]) -> str:
    """The reason in sentences: what the file's own figures give, what the model gives, what would make it true."""
    sentences = [f.sentence for f in found]
    premise, here = (v.words(figure) for v in views)
    if premise and here:
        both = premise if premise == here else f"{premise} {WHERE[0]} and {here} {WHERE[1]}"
        sentences.append(f"the model gives {both}; the claim says {figure_words(figure)}")
        sentences += _ways_out(figure, views)
    elif not found:
        sentences.append(f"the model has nothing in {figure.unit} to compare with {figure_words(figure)}")
    return " ".join(f"{s[0].upper()}{s[1:]}." for s in dict.fromkeys(sentences))


def _ways_out(figure: Figure, views: Sequence[View]) -> list[str]:
    """What one would have to assume to make a failing figure true, and what that costs."""
    if any(v.verdict(figure) == "holds" for v in views):
        return []
    ways = {
        where: f"{view.change.words}{_price_words(view.change)}"
        for where, view in zip(WHERE, views, strict=True)
        if view.change is not None
    }
    if not ways:
        return ["no single input or switch that was tried makes it true"]
    if len(ways) == 2 and len(set(ways.values())) == 1:
        ways = {"": ways[WHERE[0]]}
    (where, way), *more = ways.items()
    first = f"to make it true {where} you would have to assume that {way}".replace("  ", " ")
    return [first, *(f"{where} you would have to assume that {way}" for where, way in more)]


def _price_words(change: Change) -> str:
    """The claims that a change costs."""
    if not change.breaks:
        return ""
    return f"; but then {claims_words(change.breaks)} no longer hold{'' if len(change.breaks) > 1 else 's'}"
