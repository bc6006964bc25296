"""What a published figure comes to: its factors multiplied, its parts added, its amounts at list price."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import inf, prod

from model import checks, claims
from model.audit.words import sold_unit
from model.claims.reading import Figure, Term
from model.claims.units import conversion, product, unit
from model.prices import PriceBook

Span = tuple[float, float]  # low and high


def apart(low: float, high: float, other_low: float, other_high: float) -> float:
    """How many times two ranges are apart; 1 where they meet, give or take the slack."""
    slack = 1.0 + claims.SLACK
    if low > other_high * slack:
        return low / other_high if other_high > 0 else inf
    if other_low > high * slack:
        return other_low / high if high > 0 else inf
    return 1.0


def unlike(low: float, high: float, other_low: float, other_high: float) -> float:
    """How many times the ends of two ranges that should be one differ; 1 where they agree, about.

    A range from 0 says "up to": its low end is nothing that was published.
    """
    ends = ((high, other_high),) if low == 0 else ((low, other_low), (high, other_high))
    worst = max(
        max(one / other, other / one) if min(one, other) > 0 else 1.0 if one == other else inf for one, other in ends
    )
    return worst if worst > 1.0 + claims.SLACK else 1.0


def multiplied(terms: Sequence[Term], target: str) -> Span:
    """The product of terms, in a unit that their own units must come to.

    `terms`: the factors, each with its unit; `target`: the unit of the product, such as USD/month. Gives a tuple of
    float, low and high in the target's unit.
    """
    size = product([(unit(t.unit), 1) for t in terms]).size / unit(target).size
    return prod(t.low for t in terms) * size, prod(t.high for t in terms) * size


def sums(parts: Sequence[Term], target: str) -> dict[str, Span]:
    """What parts add up to, by the times at which some of them count; "" stands for all other times."""
    found = {}
    for when in (*dict.fromkeys(p.when for p in parts if p.when), ""):
        sized = [(p.sign * conversion(p.unit, target), p) for p in parts if p.when in ("", when)]
        low = sum(size * (p.low if size > 0 else p.high) for size, p in sized)
        found[when] = low, sum(size * (p.high if size > 0 else p.low) for size, p in sized)
    return found


def listed(meter: str, term: Term, figure: Figure, book: PriceBook) -> float:
    """The list price of one unit of a term, in the figure's unit."""
    sold = sold_unit(meter, book)
    whole = product([(unit("USD"), 1), (unit(term.unit), 1), (unit(sold), -1)])
    if whole.powers != unit(figure.unit).powers:
        checks.fail(
            f"an amount that {figure.name} prices by {meter} ({sold}) must give its unit "
            f"{figure.unit}; got {term.unit!r}"
        )
    return float(book.tiers(meter)[0].price_usd) * whole.size / unit(figure.unit).size


def nearest_price(term: Term, figure: Figure, book: PriceBook) -> tuple[str, float]:
    """The meter, of those that may price a term, whose list price comes nearest to the figure."""
    if not term.meters:
        checks.fail(f"an amount that {figure.name} prices must name its meter; got none")
    priced = {m: listed(m, term, figure, book) for m in term.meters}
    middle = (figure.low + figure.high) / 2.0
    return min(priced.items(), key=lambda p: abs(p[1] * term.high - middle))


def at_list_price(figure: Figure, book: PriceBook) -> Span:
    """What the amounts that a figure prices cost at list price."""
    priced = [(t, nearest_price(t, figure, book)[1]) for t in figure.priced]
    return sum(t.low * usd for t, usd in priced), sum(t.high * usd for t, usd in priced)


def corrected(figure: Figure, known: Mapping[str, Figure], book: PriceBook) -> Span:
    """What a figure comes to when all that it is made of is multiplied, added and priced anew."""

    def right(term: Term) -> Term:
        low, high = corrected(known[term.claim], known, book) if term.claim else (term.low, term.high)
        return replace(term, low=low, high=high)

    if figure.factors:
        return multiplied([right(t) for t in figure.factors], figure.unit)
    if figure.parts and not any(p.when for p in figure.parts):
        return sums([right(p) for p in figure.parts], figure.unit)[""]
    return at_list_price(figure, book) if figure.priced else (figure.low, figure.high)
