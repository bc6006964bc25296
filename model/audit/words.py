"""How the audit says numbers: ranges, figures and prices in words."""

from __future__ import annotations

from math import inf

from model.claims.reading import Figure, Term
from model.prices import PriceBook
from model.show import display

__all__ = [
    "figure_words",
    "list_price_words",
    "number_words",
    "price_words",
    "sold_unit",
    "span_words",
    "term_words",
    "times_words",
]


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


def times_words(factor: float) -> str:
    """A factor as a sentence shows it."""
    return "more than any factor" if factor == inf else f"a factor of {display.number(factor, 2)}"


def figure_words(figure: Figure) -> str:
    """What a figure says, with its unit."""
    if figure.gain != "less":
        return f"{span_words(figure.low, figure.high)} {figure.unit}"
    low, high = f"{figure.low:.0%}", f"{figure.high:.0%}"
    return f"{low if low == high else f'{low} to {high}'} less"


def term_words(term: Term) -> str:
    """A factor or amount with its unit."""
    return f"{span_words(term.low, term.high)} {term.unit}"


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
