"""What a bill is made of: checked amounts, allowances taken off, and the way through the tiers."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Context, Decimal

import numpy as np

from model import checks
from model.prices import PriceBook
from model.prices.rows import Allowance, PriceRow, allowances, as_date

EXACT = Context(prec=200)  # digits enough for any float times any listed price without rounding
FREE_TIERS = ("always", "first_12_months")
LAST_OPENED = datetime.date(2025, 7, 14)  # accounts opened later have no 12-month allowances

Usage = Mapping[str, object]


@dataclass(frozen=True)
class Line:
    """One meter's usage within one tier; `free` is what an allowance took off before the tiers."""

    tier: PriceRow
    amount: Decimal
    free: Decimal
    usd: Decimal


def check_account(kind: object, book: PriceBook, account_opened: object) -> None:
    """Refuse an unknown switch, and an account without the 12-month allowances on the book's date."""
    if kind is not False and kind not in FREE_TIERS:
        checks.fail(f"free_tier must be False, 'always' or 'first_12_months'; got {checks.shown(kind)}")
    if kind != "first_12_months" or account_opened is None:
        return
    opened = as_date(account_opened, "account_opened")
    if opened > LAST_OPENED:
        checks.fail(f"account_opened must be before 2025-07-15 for free_tier 'first_12_months'; got {opened}")
    leap = (opened.month, opened.day) == (2, 29)
    if not opened <= book.on < opened.replace(year=opened.year + 1, day=28 if leap else opened.day):
        checks.fail(
            "account_opened must be at most 12 months before the price book's date for free_tier "
            f"'first_12_months'; got {opened} and {book.on}"
        )


def free_of(kind: str | bool) -> tuple[Allowance, ...]:
    """The allowances of a switch; the 12-month one includes those that always hold."""
    kinds = {False: (), "always": FREE_TIERS[:1], "first_12_months": FREE_TIERS}[kind]
    return tuple(allowance for allowance in allowances() if allowance.kind in kinds)


def pairs(usage: Usage):
    """The meters and amounts of a usage."""
    if not hasattr(usage, "items"):
        checks.fail(f"usage must be a mapping of meter to amount a month; got {checks.shown(usage)}")
    return usage.items()


def _amount(meter: str, value: object) -> Decimal:
    """An amount at its exact value: a float is taken as the binary number it is."""
    if isinstance(value, np.generic) or (isinstance(value, np.ndarray) and value.ndim == 0):
        value = value.item()
    if isinstance(value, np.ndarray):
        checks.fail(f"{meter} must be one amount (cost.total takes arrays); got shape {value.shape}", "usage")
    if isinstance(value, str) or not isinstance(value, (int, float, Decimal)):
        checks.fail(f"{meter} must be a number; got {checks.shown(value)}", "usage")
    amount = Decimal(value)
    if amount.is_nan():
        checks.fail(f"{meter} must be a number; got NaN", "usage")
    if not amount.is_finite() or amount < 0:
        checks.fail(f"{meter} must be >= 0 and finite a month; got {checks.shown(float(amount))}", "usage")
    return amount


def _freed(amounts: Mapping[str, Decimal], kind: str | bool) -> dict[str, Decimal]:
    """How much of each meter its allowance takes off, in the order the allowance lists its meters."""
    freed: dict[str, Decimal] = {}
    for allowance in free_of(kind):
        left = allowance.amount
        for meter in allowance.meters:
            freed[meter] = min(left, amounts.get(meter, Decimal(0)))
            left -= freed[meter]
    return freed


def bill_lines(usage: Usage, book: PriceBook, free_tier: str | bool, account_opened: object) -> Iterator[Line]:
    """The lines of one exact bill, a line a meter and tier that is reached."""
    check_account(free_tier, book, account_opened)
    amounts = {meter: _amount(meter, value) for meter, value in pairs(usage)}
    freed = _freed(amounts, free_tier)
    for meter, amount in amounts.items():
        if book.lacks(meter) and amount == 0:
            continue
        tiers = book.tiers(meter)
        free = freed.get(meter, Decimal(0))
        left = amount - free
        if amount and not left:
            yield Line(tiers[0], Decimal(0), free, Decimal(0))
        for tier, above in zip(tiers, [*(t.tier_from for t in tiers[1:]), left], strict=True):
            within = min(left, above) - tier.tier_from
            if within > 0:
                yield Line(tier, within, Decimal(0) if tier.tier_from else free, within * tier.price_usd)


def array_of(meter: str, value: object) -> np.ndarray:
    """The amounts of one meter as a checked float array."""
    if isinstance(value, str) or np.asarray(value).dtype.kind in "US":
        checks.fail(f"{meter} must be a number; got {checks.shown(value)}", "usage")
    array = checks.numbers(meter, value, "usage")
    if array.size and not (array.min() >= 0 and array.max() < np.inf):
        checks.bounded(meter, array, ">= 0 and finite a month", lambda a: (a >= 0) & np.isfinite(a), "usage")
    return array


def _less(left: object, rest: object, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """An exact left + rest less what is used, again as a sum of two floats (Knuth's two-sum)."""
    gap = left - used
    back = gap - left
    return gap, (left - (gap - back)) - (used + back) + rest


def billed(amounts: Mapping[str, np.ndarray], kind: str | bool) -> dict[str, np.ndarray]:
    """The amounts less their allowances, with a shared allowance kept exact from one meter to the next."""
    left_over = dict(amounts)
    for allowance in free_of(kind):
        left, rest = float(allowance.amount), 0.0
        for meter in allowance.meters:
            if meter in left_over:
                gap, lost = _less(left, rest, left_over[meter])
                spare = gap + lost > 0
                left_over[meter] = np.maximum(-(gap + lost), 0)
                left, rest = np.where(spare, gap, 0), np.where(spare, lost, 0)
    return left_over


def tiered_usd(amount: np.ndarray, tiers: tuple[PriceRow, ...]) -> np.ndarray:
    """What an amount costs: within each tier amount x price, a sum in which nothing cancels."""
    starts = [float(tier.tier_from) for tier in tiers]
    usd = np.minimum(amount, starts[1]) if len(tiers) > 1 else amount
    usd = usd * float(tiers[0].price_usd)
    for number, tier in enumerate(tiers[1:], start=1):
        above = amount if number + 1 == len(tiers) else np.minimum(amount, starts[number + 1])
        usd += np.maximum(above - starts[number], 0) * float(tier.price_usd)
    return usd
