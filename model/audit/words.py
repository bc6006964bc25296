"""How the audit says things: numbers, figures and prices in words, and one template for each kind of finding."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import inf

from model.claims.reading import Figure, Term
from model.prices import PriceBook
from model.show import display

FINDINGS = {  # made: what the figure should be; said: what it says
    "product": "{terms} is {made} {unit}, not {said}",
    "parts": "its parts add up to {sums}, not {said}",
    "products added": "multiplied out, its parts are {sum} = {made} {unit}, not {said}",
    "carried": "with the figures it is made of corrected ({corrected}), it comes to {made} {unit}, not {said}",
    "list price": "{amounts} cost {made} {unit}{more}, not {said}{implied}",
    "echo": "{figure} is {slip} times {listed}, the list price of {amount} alone"
    " for {users} users over {hours} h, at {price}",
    "unlike": "{figure} compares {before} with {after}, which count different things",
    "improvement": "its own figures give {made}, not {figure}",
    "saving": "{before} less {after} is {made} {unit}, not {said}",
    "units": "{figure} is {made} times apart from {other} in {name}",
    "premise": "{terms} is {made} {unit}, not {said}{fits}",
    "quoted": "if it were true, {name} would be {made} {unit}, not {said}",
    "part of": "{figure} is only a part of {name}, which says {other} in all",
    "whole of": "{name} says {other} for a part of it alone; this claim says {figure} for the whole",
}


def finding_words(kind: str, figure: Figure, **parts: object) -> str:
    """The sentence of a finding about a figure."""
    said = span_words(figure.low, figure.high)
    return FINDINGS[kind].format(figure=figure_words(figure), said=said, unit=figure.unit, **parts)


def number_words(value: float, digits: int = 5) -> str:
    """A number as a sentence shows it: rounded, small ones written out."""
    if value and abs(value) < 1e-3:
        exponent = int(f"{value:e}".split("e")[1])
        return f"{value:.{digits - 1 - exponent}f}".rstrip("0")
    return display.number(value, digits)


def span_words(low: float, high: float, digits: int = 5) -> str:
    """A range as a sentence shows it: one number, "up to" a number, or from-to."""
    ends = [number_words(v, digits) for v in (low, high)]
    if ends[0] == ends[1]:
        return ends[0]
    return f"up to {ends[1]}" if low == 0 else f"{ends[0]} to {ends[1]}"


def less_words(low: float, high: float) -> str:
    """A share saved as a sentence shows it, in whole percent."""
    ends = dict.fromkeys(f"{end:.0%}" for end in (low, high))
    return f"{' to '.join(ends)} less"


def times_words(factor: float) -> str:
    """A factor as a sentence shows it."""
    return "more than any factor" if factor == inf else f"a factor of {display.number(factor, 2)}"


def figure_words(figure: Figure) -> str:
    """What a figure says, with its unit."""
    if figure.gain == "less":
        return less_words(figure.low, figure.high)
    return f"{span_words(figure.low, figure.high)} {figure.unit}"


def claims_words(numbers: Iterable[int]) -> str:
    """Claims by their numbers: "claim 3", or "claims 3, 5 and 6"."""
    *first, last = map(str, numbers)
    return f"claims {', '.join(first)} and {last}" if first else f"claim {last}"


def term_words(term: Term) -> str:
    """A factor or amount with its unit."""
    return f"{span_words(term.low, term.high)} {term.unit}"


def product_words(terms: Sequence[Term]) -> str:
    """Factors as they are multiplied."""
    return " x ".join(map(term_words, terms))


def sold_unit(meter: str, book: PriceBook) -> str:
    """What one unit of a meter is, without the remarks of the price list."""
    return book.tiers(meter)[0].unit.split("(")[0].split(",")[0].strip()


def price_words(price_usd: float, meter: str, book: PriceBook) -> str:
    """A price of one unit of a meter, small ones by the million."""
    sold = sold_unit(meter, book)
    if price_usd < 1e-3:
        return f"${number_words(price_usd * 1e6)} per million {sold}s"
    return f"${number_words(price_usd)} per {sold}"


def list_price_words(meter: str, book: PriceBook) -> str:
    """The list price of a meter, its first tier, with its name."""
    return f"{price_words(float(book.tiers(meter)[0].price_usd), meter, book)} ({meter})"
