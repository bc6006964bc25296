"""What is wrong inside a claims file by its own figures: a few rules that know nothing of any one app."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf, prod

from model import checks, claims, cost
from model.audit.words import (
    figure_words,
    list_price_words,
    number_words,
    price_words,
    sold_unit,
    span_words,
    term_words,
)
from model.claims.reading import Figure, Term
from model.claims.units import conversion, product, unit
from model.prices import PriceBook

__all__ = ["RULES", "Finding", "findings"]

SLIPS = (*(10.0**n for n in range(-6, 7) if n), 24.0, 60.0, 3600.0)  # a lost digit, or a wrong unit of time
SLIP_MATCH = 0.005  # how near a ratio must be to a slip to be called one
ROUNDING = 0.005  # a share is published in whole percent


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a figure: the rule that saw it, the factor, the claim it contradicts."""

    rule: str
    figure: Figure
    factor: float
    sentence: str
    against: Figure | None = None


@dataclass(frozen=True)
class Ground:
    """What a figure is held against: the file's other figures, list prices, and its users and hours."""

    known: Mapping[str, Figure]
    book: PriceBook
    premise: Mapping


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

    def times(one: float, other: float) -> float:
        if one == other:
            return 1.0
        return max(one / other, other / one) if one > 0 and other > 0 else inf

    worst = max(times(low, other_low) if low != 0 else 1.0, times(high, other_high))
    return worst if worst > 1.0 + claims.SLACK else 1.0


def multiplied(terms: Sequence[Term], target: str) -> tuple[float, float]:
    """The product of terms, low and high, in the target's unit."""
    size = product([(unit(t.unit), 1) for t in terms]).size / unit(target).size
    return prod(t.low for t in terms) * size, prod(t.high for t in terms) * size


def product_of_factors(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure is what its own factors multiply to."""
    if figure.factors:
        low, high = multiplied(figure.factors, figure.unit)
        factor = unlike(figure.low, figure.high, low, high)
        if factor > 1.0:
            yield Finding(
                "product",
                figure,
                factor,
                f"{' x '.join(term_words(t) for t in figure.factors)} is {span_words(low, high)} "
                f"{figure.unit}, not {span_words(figure.low, figure.high)}",
            )


def _sums(figure: Figure) -> dict[str, tuple[float, float]]:
    """What the parts of a figure add up to, by the times at which some of them count."""
    whens = list(dict.fromkeys(p.when for p in figure.parts if p.when))
    sums = {}
    for when in (*whens, ""):
        sized = [(p.sign * conversion(p.unit, figure.unit), p) for p in figure.parts if p.when in ("", when)]
        sums[when] = (
            sum(k * (p.low if k > 0 else p.high) for k, p in sized),
            sum(k * (p.high if k > 0 else p.low) for k, p in sized),
        )
    return sums


def sum_of_parts(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure is what its own parts add up to, at one time or another."""
    if figure.parts:
        sums = _sums(figure)
        factor = min(unlike(figure.low, figure.high, *ends) for ends in sums.values())
        if factor > 1.0:
            otherwise = " otherwise" if len(sums) > 1 else ""
            said = ", ".join(
                f"{span_words(*ends)} {figure.unit}{f' while {when}' if when else otherwise}"
                for when, ends in sums.items()
            )
            yield Finding(
                "parts", figure, factor, f"its parts add up to {said}, not {span_words(figure.low, figure.high)}"
            )


def rests_on_slips(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure whose parts are products is what those products really come to."""
    quoted = [ground.known[p.claim].factors if p.claim else () for p in figure.parts]
    if not any(quoted) or any(p.when for p in figure.parts):
        return
    pairs = zip(figure.parts, quoted, strict=True)
    ends = [multiplied(factors, part.unit) if factors else (part.low, part.high) for part, factors in pairs]
    parts = tuple(replace(p, low=e[0], high=e[1]) for p, e in zip(figure.parts, ends, strict=True))
    ((low, high),) = _sums(replace(figure, parts=parts)).values()
    factor = unlike(figure.low, figure.high, low, high)
    if factor > 1.0:
        said = " ".join(f"{'-' if p.sign < 0 else '+'} {span_words(p.low, p.high)}" for p in parts)
        yield Finding(
            "product",
            figure,
            factor,
            f"multiplied out, its parts are {said.removeprefix('+ ')} = {span_words(low, high)} "
            f"{figure.unit}, not {span_words(figure.low, figure.high)}",
        )


def _really(figure: Figure, ground: Ground) -> tuple[float, float]:
    """What a figure comes to when all that it is made of is multiplied out, added up and listed anew."""

    def told(term: Term) -> Term:
        if not term.claim:
            return term
        low, high = _really(ground.known[term.claim], ground)
        return replace(term, low=low, high=high)

    if figure.factors:
        return multiplied([told(t) for t in figure.factors], figure.unit)
    if figure.parts and not any(p.when for p in figure.parts):
        ((low, high),) = _sums(replace(figure, parts=tuple(told(p) for p in figure.parts))).values()
        return low, high
    return _listed_span(figure, ground.book) if figure.priced else (figure.low, figure.high)


def carried_through(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure made of other figures is what it comes to when the slips in those are put right."""
    terms = [t for t in (*figure.factors, *figure.parts) if t.claim]
    if not terms or any(p.when for p in figure.parts):
        return
    low, high = _really(figure, ground)
    straight = multiplied(figure.factors, figure.unit) if figure.factors else next(iter(_sums(figure).values()))
    factor = unlike(figure.low, figure.high, low, high)
    if factor > 1.0 and unlike(*straight, low, high) > 1.0:  # else its own product or sum has said so
        yield Finding(
            "carried",
            figure,
            factor,
            (
                f"with the figures that it is made of put right ({', '.join(_put_right(terms, ground))}) it comes to "
                f"{span_words(low, high)} {figure.unit}, not {span_words(figure.low, figure.high)}"
            ),
        )


def _put_right(terms: Sequence[Term], ground: Ground) -> Iterator[str]:
    for quoted in (ground.known[t.claim] for t in terms):
        low, high = _really(quoted, ground)
        if unlike(quoted.low, quoted.high, low, high) > 1.0:
            yield f"claim {quoted.number} {quoted.side} at {span_words(low, high)} {quoted.unit}"


def _listed(meter: str, term: Term, figure: Figure, book: PriceBook) -> float:
    """The list price of one unit of a term, in the figure's unit."""
    sold = sold_unit(meter, book)
    whole = product([(unit("USD"), 1), (unit(term.unit), 1), (unit(sold), -1)])
    if whole.powers != unit(figure.unit).powers:
        checks.fail(
            f"an amount that {figure.name} prices by {meter} ({sold}) must give its unit "
            f"{figure.unit}; got {term.unit!r}"
        )
    return float(book.tiers(meter)[0].price_usd) * whole.size / unit(figure.unit).size


def _nearest_price(term: Term, figure: Figure, book: PriceBook) -> tuple[str, float]:
    """The meter, of those that may price a term, whose list price comes nearest to the figure."""
    if not term.meters:
        checks.fail(f"an amount that {figure.name} prices must name its meter; got none")
    priced = {m: _listed(m, term, figure, book) for m in term.meters}
    middle = (figure.low + figure.high) / 2.0
    return min(priced.items(), key=lambda p: abs(p[1] * term.high - middle))


def _listed_span(figure: Figure, book: PriceBook) -> tuple[float, float]:
    """What the amounts that a figure prices cost at list price, low and high."""
    chosen = [(t, _nearest_price(t, figure, book)[1]) for t in figure.priced]
    return sum(t.low * p for t, p in chosen), sum(t.high * p for t, p in chosen)


def list_price(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure that prices amounts is what they cost at list price."""
    chosen = [(t, *_nearest_price(t, figure, ground.book)) for t in figure.priced]
    low, high = _listed_span(figure, ground.book)
    factor = unlike(figure.low, figure.high, low, high) if chosen else 1.0
    if factor > 1.0:
        amounts = " + ".join(
            f"{term_words(t)} at {' or '.join(list_price_words(m, ground.book) for m in t.meters)}"
            for t, _, _ in chosen
        )
        sentence = f"{amounts} cost {span_words(low, high)} {figure.unit}" + (
            " or more" if any(len(t.meters) > 1 for t, _, _ in chosen) else ""
        )
        sentence += f", not {span_words(figure.low, figure.high)}"
        if len(chosen) == 1:
            sentence += f", which would be {_implied_words(figure, *chosen[0], ground.book)}"
        yield Finding("list price", figure, factor, sentence)


def _implied_words(figure: Figure, term: Term, meter: str, price: float, book: PriceBook) -> str:
    """The price that a figure comes to for one unit of what its meter sells."""
    listed_usd = float(book.tiers(meter)[0].price_usd)
    return price_words((figure.low + figure.high) / (term.low + term.high) / price * listed_usd, meter, book)


def echo_of_list_price(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A total is no power of ten, and no wrong unit of time, away from the list price of one amount."""
    hours, users = ground.premise.get("active_hours_per_month"), figure.users or ground.premise.get("users")
    if figure.measure != "cost" or figure.low != figure.high or figure.gain or not (hours and users):
        return
    if figure.factors and unlike(figure.low, figure.high, *multiplied(figure.factors, figure.unit)) == 1.0:
        return  # it is what it says it is made of, so a likeness is chance
    for other in ground.known.values():
        for term in other.priced if other.side == figure.side else ():
            meter, _ = _nearest_price(term, other, ground.book)
            size = conversion(term.unit, f"{sold_unit(meter, ground.book)}/active hour")
            if size is None:
                continue
            usd = float(cost.exact_total({meter: term.high * size * hours * users}, ground.book))
            listed = usd * conversion("USD/month", figure.unit)
            for slip in SLIPS:
                if listed > 0 and abs(figure.low / listed / slip - 1.0) < SLIP_MATCH:
                    yield Finding(
                        "echo",
                        figure,
                        max(slip, 1.0 / slip),
                        (
                            f"{figure_words(figure)} is {number_words(slip)} times what {term_words(term)} of "
                            f"{number_words(users)} users over {number_words(hours)} h cost alone at "
                            f"{list_price_words(meter, ground.book)}, {number_words(listed)}"
                        ),
                    )


def _same_thing(one: Figure, other: Figure) -> bool:
    def about(f: Figure):
        return f.side, f.measure, f.gain, f.statistic, f.flows, f.meters

    users = {one.users, other.users} - {None}
    return one.number != other.number and not one.gain and about(one) == about(other) and len(users) < 2


def same_quantity(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """Two claims on the same quantity agree once they are in the same unit."""
    for other in ground.known.values():
        size = conversion(other.unit, figure.unit)
        if size is None or not _same_thing(figure, other):
            continue
        ends = other.low * size, other.high * size
        factor = apart(figure.low, figure.high, *ends)
        if factor > 1.0:
            most = max(a / b if b > 0 else inf for a, b in ((figure.high, ends[0]), (ends[1], figure.low)))
            yield Finding(
                "units",
                figure,
                factor,
                (
                    f"{figure_words(figure)} is {span_words(factor, most, 3)} times apart from "
                    f"{figure_words(other)} in {other.name}"
                ),
                other,
            )


def implied(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure agrees with what other claims and measured sizes multiply to."""
    if not figure.implied_by:
        return
    low, high = multiplied(figure.implied_by, figure.unit)
    factor = apart(figure.low, figure.high, low, high)
    if factor > 1.0:
        sentence = (
            f"{' x '.join(term_words(t) for t in figure.implied_by)} is {span_words(low, high, 3)} "
            f"{figure.unit}, not {span_words(figure.low, figure.high)}"
        )
        quoted = next((t for t in figure.implied_by if t.claim), None)
        if quoted is not None:
            fits = [v * quoted.low / low for v in (figure.low, figure.high)]
            sentence += f", which fits {span_words(*fits, 3)} {quoted.unit}"
        other = ground.known[quoted.claim] if quoted is not None else None
        yield Finding("premise", figure, factor, sentence, other)
        if other is not None:
            yield Finding(
                "premise",
                other,
                factor,
                f"with it {figure.name} would be {span_words(low, high, 3)} "
                f"{figure.unit}, not {span_words(figure.low, figure.high)}",
                figure,
            )


def part_of_whole(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A part is not more than the whole that it belongs to."""
    if not figure.part_of:
        return
    whole = ground.known[figure.part_of]
    size = conversion(figure.unit, whole.unit)
    if size is None:
        checks.fail(
            f"{figure.name} must be in a unit like that of {whole.name}, of which it is a part; "
            f"got {figure.unit!r} and {whole.unit!r}"
        )
    if figure.high * size > whole.high * (1.0 + claims.SLACK):
        factor = figure.high * size / whole.high if whole.high > 0 else inf
        yield Finding(
            "part of",
            figure,
            factor,
            f"{figure_words(figure)} is only a part of what {whole.name} puts at {figure_words(whole)}",
            whole,
        )
        yield Finding(
            "part of",
            whole,
            factor,
            f"{figure.name} puts a part of it at {figure_words(figure)}, more than {figure_words(whole)}",
            figure,
        )


def like_with_like(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """An improvement compares figures of one unit, and is what they give."""
    before, after = (ground.known.get(f"{figure.id}.{side}") for side in ("before", "after"))
    if not figure.gain or before is None or after is None:
        return
    size = conversion(after.unit, before.unit)
    if size is None:
        yield Finding(
            "improvement",
            figure,
            inf,
            f"{figure_words(figure)} compares {figure_words(before)} "
            f"with {figure_words(after)}, which count different things",
        )
        return
    ends = sorted(
        float(claims.gain(b, a * size, figure.gain)) for b, a in ((before.low, after.high), (before.high, after.low))
    )
    points = ROUNDING if figure.gain == "less" else claims.SLACK * figure.low
    short = ends[1] < figure.low - points  # by the half point of its rounding; more than promised may be rounded
    factor = apart(figure.low, figure.high, *ends) if ends[1] > 0 else inf
    if short or factor > 1.0:
        yield Finding(
            "improvement",
            figure,
            _left(figure, ends) if figure.gain == "less" else factor,
            f"its own figures give {_gain_span(figure, ends)}, not {figure_words(figure)}",
        )


def _left(figure: Figure, ends: Sequence[float]) -> float:
    """How many times more, or less, is left than a saving says."""
    left, told = 1.0 - ends[1], 1.0 - figure.low
    return max(left / told, told / left) if left > 0 and told > 0 else inf


def _gain_span(figure: Figure, ends: Sequence[float]) -> str:
    if figure.gain == "less":
        return figure_words(replace(figure, low=ends[0], high=ends[1]))
    return span_words(*ends, 3)


def saving(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """What a claim says is saved is its own figure before less its own figure after."""
    before, after = (ground.known.get(f"{figure.id}.{side}") for side in ("before", "after"))
    if figure.side != "saved" or before is None or after is None or figure.parts:
        return
    sizes = [conversion(one.unit, figure.unit) for one in (before, after)]
    if None in sizes:
        return
    low, high = before.low * sizes[0] - after.high * sizes[1], before.high * sizes[0] - after.low * sizes[1]
    factor = apart(figure.low, figure.high, low, high)
    if factor > 1.0:
        yield Finding(
            "saving",
            figure,
            factor,
            f"{figure_words(before)} less {figure_words(after)} is "
            f"{span_words(low, high)} {figure.unit}, not {span_words(figure.low, figure.high)}",
        )


RULES = (
    product_of_factors,
    sum_of_parts,
    rests_on_slips,
    carried_through,
    list_price,
    echo_of_list_price,
    like_with_like,
    saving,
    same_quantity,
    implied,
    part_of_whole,
)


def findings(figures: Sequence[Figure], book: PriceBook, premise: Mapping | None = None) -> list[Finding]:
    """Everything that the figures of a claims file say against each other, their factors and the list prices.

    Source: aws_price_list.
    """
    ground = Ground({f.key: f for f in figures}, book, premise or {})
    return [one for figure in figures for rule in RULES for one in rule(figure, ground)]
