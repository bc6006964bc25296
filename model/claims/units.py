"""Units as claims write them, parsed to a size and exponents, so that factors can be multiplied."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

from model import checks

__all__ = ["Unit", "conversion", "product", "unit"]

TIME = {
    "s": 1.0,
    "sec": 1.0,
    "second": 1.0,
    "ms": 1e-3,
    "min": 60.0,
    "minute": 60.0,
    "h": 3600.0,
    "hour": 3600.0,
    "day": 86400.0,
    "month": 2592000.0,
}  # a month of 30 days, as the documents count it
BYTES = {"B": 1.0, "byte": 1.0, "kB": 1e3, "KB": 1e3, "MB": 1e6, "GB": 1e9}
PLAIN = {"1": 1.0, "-": 1.0, "": 1.0, "%": 0.01, "time": 1.0, "share": 1.0, "million": 1e6, "thousand": 1e3}
SAME = {"$": "USD", "usd": "USD", "req": "request", "reqs": "request", "msg": "message"}


@dataclass(frozen=True)
class Unit:
    """A unit: its size in base units and the exponent of each base unit."""

    size: float
    powers: tuple[tuple[str, int], ...]

    def __str__(self) -> str:
        over = [f"{n}^{p}" if p > 1 else n for n, p in self.powers if p > 0]
        under = [f"{n}^{-p}" if p < -1 else n for n, p in self.powers if p < 0]
        return "/".join([" ".join(over) or "1", *under])


def _word(word: str, text: str, place) -> Unit:
    word = SAME.get(word, word)
    for table, base in ((TIME, "s"), (BYTES, "B"), (PLAIN, None)):
        for name in (word, word.removesuffix("s") if len(word) > 2 else word):
            if name in table:
                return Unit(table[name], ((base, 1),) if base else ())
    if not re.fullmatch(r"[A-Za-z][A-Za-z_]{0,39}", word):
        checks.fail(
            f"a unit must be words of at most 40 letters, joined by spaces, '/' or 'per'; got {checks.shown(text)}",
            place,
        )
    return Unit(1.0, ((word.removesuffix("s") if len(word) > 2 and word != "USD" else word, 1),))


def product(units: list[tuple[Unit, int]]) -> Unit:
    """The product of units, each raised to a power."""
    size, powers = 1.0, {}
    for one, exponent in units:
        size *= one.size**exponent
        for name, power in one.powers:
            powers[name] = powers.get(name, 0) + power * exponent
    return Unit(size, tuple(sorted((n, p) for n, p in powers.items() if p)))


@functools.lru_cache(maxsize=1024)
def unit(text: str, place: str | None = None) -> Unit:
    """The unit that a text names: `USD/month`, `requests/min per active user`, `connection minute`.

    Words side by side multiply, `/` and `per` divide by what follows them. An `active hour` is an hour of one
    user, an `active user` a user. A word that is neither time, bytes nor a plain number is a unit of its own;
    its plural is the same unit.
    """
    clean = re.sub(r"\bactive (?=users?\b)", "", text.strip())
    clean = re.sub(r"\bactive (?=(?:h|hours?)\b)", "user ", clean)
    terms = re.split(r"\s*/\s*|\s+per\s+", clean)
    found = [
        (_word(word, text, place), 1 if k == 0 else -1)
        for k, term in enumerate(terms)
        for word in re.split(r"[\s*-]+(?=\S)", term.strip() or "1")
    ]
    return product(found)


def conversion(source: str, target: str) -> float | None:
    """What a number in one unit is multiplied by to be in another; None where they measure different things."""
    one, other = unit(source), unit(target)
    return one.size / other.size if one.powers == other.powers else None
