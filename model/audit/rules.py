"""What is wrong inside a claims file by its own figures: a few rules that know nothing of any one app."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf

from model import checks, claims, cost
from model.audit.figures import Span, apart, at_list_price, corrected, multiplied, nearest_price, sums, unlike
from model.audit.words import (
    figure_words,
    finding_words,
    less_words,
    list_price_words,
    number_words,
    price_words,
    product_words,
    sold_unit,
    span_words,
    term_words,
)
from model.claims.reading import Figure
from model.claims.units import conversion
from model.prices import PriceBook

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
    made: str = ""  # what its own parts come to


@dataclass(frozen=True)
class Ground:
    """What a figure is held against: the file's other figures, list prices, and its users and hours."""

    known: Mapping[str, Figure]
    book: PriceBook
    premise: Mapping


def _unlike(rule: str, figure: Figure, span: Span, kind: str = "", **words: object) -> Iterator[Finding]:
    """A finding where a figure is not the span that it should be."""
    factor = unlike(figure.low, figure.high, *span)
    if factor > 1.0:
        made = span_words(*span)
        yield Finding(rule, figure, factor, finding_words(kind or rule, figure, made=made, **words), made=made)


def product_of_factors(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure is what its own factors multiply to."""
    if figure.factors:
        span = multiplied(figure.factors, figure.unit)
        yield from _unlike("product", figure, span, terms=product_words(figure.factors))


def sum_of_parts(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure is what its own parts add up to, at one time or another."""
    if not figure.parts:
        return
    spans = sums(figure.parts, figure.unit)
    factor = min(unlike(figure.low, figure.high, *span) for span in spans.values())
    if factor > 1.0:
        otherwise = " otherwise" if len(spans) > 1 else ""
        said = [
            f"{span_words(*span)} {figure.unit}{f' while {when}' if when else otherwise}"
            for when, span in spans.items()
        ]
        yield Finding("parts", figure, factor, finding_words("parts", figure, sums=", ".join(said)))


def rests_on_slips(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure whose parts are products is what those products really come to."""
    quoted = [ground.known[p.claim].factors if p.claim else () for p in figure.parts]
    if not any(quoted) or any(p.when for p in figure.parts):
        return
    parts = []
    for part, factors in zip(figure.parts, quoted, strict=True):
        low, high = multiplied(factors, part.unit) if factors else (part.low, part.high)
        parts.append(replace(part, low=low, high=high))
    said = " ".join(f"{'-' if p.sign < 0 else '+'} {span_words(p.low, p.high)}" for p in parts).removeprefix("+ ")
    yield from _unlike("product", figure, sums(parts, figure.unit)[""], "products added", sum=said)


def carried_through(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure made of other figures is what it comes to when the slips in those are put right."""
    terms = [t for t in (*figure.factors, *figure.parts) if t.claim]
    if not terms or any(p.when for p in figure.parts):
        return
    right = corrected(figure, ground.known, ground.book)
    plain = multiplied(figure.factors, figure.unit) if figure.factors else sums(figure.parts, figure.unit)[""]
    if unlike(*plain, *right) > 1.0:  # else its own product or sum has said so
        quoted = {one: corrected(one, ground.known, ground.book) for one in (ground.known[t.claim] for t in terms)}
        words = [
            f"claim {one.number} {one.side} at {span_words(*span)} {one.unit}"
            for one, span in quoted.items()
            if unlike(one.low, one.high, *span) > 1.0
        ]
        yield from _unlike("carried", figure, right, corrected=", ".join(words))


def list_price(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure that prices amounts is what they cost at list price."""
    if not figure.priced:
        return
    span, book = at_list_price(figure, ground.book), ground.book
    amounts = [f"{term_words(t)} at {' or '.join(list_price_words(m, book) for m in t.meters)}" for t in figure.priced]
    more, implied = " or more" if any(len(t.meters) > 1 for t in figure.priced) else "", ""
    if len(figure.priced) == 1 and sum(span) > 0:
        meter, _ = nearest_price(figure.priced[0], figure, book)
        times = (figure.low + figure.high) / sum(span)
        implied = f"; that would be {price_words(times * float(book.tiers(meter)[0].price_usd), meter, book)}"
    yield from _unlike("list price", figure, span, amounts=" + ".join(amounts), more=more, implied=implied)


def echo_of_list_price(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A total is no power of ten, and no wrong unit of time, away from the list price of one amount."""
    hours, users = ground.premise.get("active_hours_per_month"), figure.users or ground.premise.get("users")
    if figure.measure != "cost" or figure.low != figure.high or figure.gain or not (hours and users):
        return
    if figure.factors and unlike(figure.low, figure.high, *multiplied(figure.factors, figure.unit)) == 1.0:
        return  # it is what it says it is made of, so a likeness is chance
    for other in ground.known.values():
        for term in other.priced if other.side == figure.side else ():
            meter, _ = nearest_price(term, other, ground.book)
            size = conversion(term.unit, f"{sold_unit(meter, ground.book)}/active hour")
            if size is None:
                continue
            usd = float(cost.exact_total({meter: term.high * size * hours * users}, ground.book))
            alone = usd * conversion("USD/month", figure.unit)
            words = {"listed": number_words(alone), "amount": term_words(term), "users": number_words(users)}
            words |= {"hours": number_words(hours), "price": list_price_words(meter, ground.book)}
            for slip in SLIPS:
                if alone > 0 and abs(figure.low / alone / slip - 1.0) < SLIP_MATCH:
                    said = finding_words("echo", figure, slip=number_words(slip), **words)
                    yield Finding("echo", figure, max(slip, 1.0 / slip), said)


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
        low, high = other.low * size, other.high * size
        factor = apart(figure.low, figure.high, low, high)
        if factor > 1.0:
            most = max(a / b if b > 0 else inf for a, b in ((figure.high, low), (high, figure.low)))
            words = {"made": span_words(factor, most, 3), "other": figure_words(other), "name": other.name}
            yield Finding("units", figure, factor, finding_words("units", figure, **words), other)


def implied(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A figure agrees with what other claims and measured sizes multiply to."""
    if not figure.implied_by:
        return
    low, high = multiplied(figure.implied_by, figure.unit)
    factor, made = apart(figure.low, figure.high, low, high), span_words(low, high, 3)
    if factor == 1.0:
        return
    quoted, fits, other = next((t for t in figure.implied_by if t.claim), None), "", None
    if quoted is not None:
        ends = [v * quoted.low / low for v in (figure.low, figure.high)]
        other, fits = ground.known[quoted.claim], f", which would fit {span_words(*ends, 3)} {quoted.unit}"
    words = {"terms": product_words(figure.implied_by), "made": made, "fits": fits}
    yield Finding("premise", figure, factor, finding_words("premise", figure, **words), other)
    if other is not None:
        yield Finding("premise", other, factor, finding_words("quoted", figure, name=figure.name, made=made), figure)


def part_of_whole(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """A part is not more than the whole that it belongs to."""
    if not figure.part_of:
        return
    whole = ground.known[figure.part_of]
    size = conversion(figure.unit, whole.unit)
    if size is None:
        checks.fail(
            f"{figure.name} must be in a unit like that of {whole.name}, of which it is a part; "
            f"got {checks.shown(figure.unit)} and {whole.unit!r}"
        )
    if figure.high * size > whole.high * (1.0 + claims.SLACK):
        factor = figure.high * size / whole.high if whole.high > 0 else inf
        for kind, one, other in (("part of", figure, whole), ("whole of", whole, figure)):
            said = finding_words(kind, one, name=other.name, other=figure_words(other))
            yield Finding("part of", one, factor, said, other)


def like_with_like(figure: Figure, ground: Ground) -> Iterator[Finding]:
    """An improvement compares figures of one unit, and is what they give."""
    before, after = (ground.known.get(f"{figure.id}.{side}") for side in ("before", "after"))
    if not figure.gain or before is None or after is None:
        return
    size = conversion(after.unit, before.unit)
    if size is None:
        said = finding_words("unlike", figure, before=figure_words(before), after=figure_words(after))
        yield Finding("improvement", figure, inf, said)
        return
    ends = ((before.low, after.high), (before.high, after.low))
    low, high = sorted(float(claims.gain(b, a * size, figure.gain)) for b, a in ends)
    factor = apart(figure.low, figure.high, low, high) if high > 0 else inf
    points = ROUNDING if figure.gain == "less" else claims.SLACK * figure.low
    if high < figure.low - points or factor > 1.0:  # by the half point of its rounding; more than promised is fine
        if figure.gain == "less":  # by what is left of it
            left, said_left = 1.0 - high, 1.0 - figure.low
            factor = max(left / said_left, said_left / left) if min(left, said_left) > 0 else inf
        made = less_words(low, high) if figure.gain == "less" else span_words(low, high, 3)
        yield Finding("improvement", figure, factor, finding_words("improvement", figure, made=made))


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
        words = {"before": figure_words(before), "after": figure_words(after), "made": span_words(low, high)}
        yield Finding("saving", figure, factor, finding_words("saving", figure, **words))


RULES: tuple[Callable[[Figure, Ground], Iterator[Finding]], ...] = (
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
