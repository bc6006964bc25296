"""The verdict on a published figure, and why, in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np

from model import claims
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
        """The verdict on the figure, with the change that would make it true."""
        said = claims.verdict(self.value, figure.claimed)
        return said if self.change is None else f"{said}; it would hold if {self.change.words}"

    def words(self, figure: Figure) -> str:
        """The figure as the model has it; empty where it has none."""
        if np.isnan(self.value):
            return ""
        return f"{self.value:.1%} less" if figure.gain == "less" else f"{number_words(self.value, 3)} {figure.unit}"


def verdict(figure: Figure, found: Sequence[Finding], views: Sequence[View], uses: Sequence[str]) -> str:
    """The verdict in the scenario, then what is wrong by the file's own figures, or where the figure would hold.

    `uses` says in one phrase for the premise and the scenario how much the app is used.
    """
    premise, here = (claims.verdict(v.value, figure.claimed) for v in views)
    link = "; but" if here == "holds" else ";"
    own = [f for f in found if f.rule != "echo"]  # an echo alone may be chance: a remark, no verdict
    if own:
        return f"{here}{link} {_own_words(own)}"
    if "holds" in (premise, here):
        return here if premise == here else f"{here}{link} {'not' if link == '; but' else 'it would hold'} if {uses[0]}"
    ways = [(v.change.words, where) for v, where in zip(views, WHERE, strict=True) if v.change is not None]
    if len({words for words, _ in ways}) == 1 < len(ways) + (premise == here):
        ways = [(ways[0][0], "")]
    said = ", or ".join(f"{words} {where}".rstrip() for words, where in ways)
    return f"{here}; it would hold if {said}" if said else here


def _own_words(found: Sequence[Finding]) -> str:
    """What the file's own figures say of one of them: off by a factor, and the claims it contradicts."""
    own = [f.factor for f in found if f.against is None]
    least = max((factor for factor in own if factor < inf), default=inf)
    said = [f"by the document's own figures it is off by {times_words(least)}"] if own else []
    others = sorted({f.against.number for f in found if f.against is not None})
    return "; ".join([*said, f"it contradicts {claims_words(others)}"] if others else said)


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
    if any(claims.verdict(v.value, figure.claimed) == "holds" for v in views):
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
