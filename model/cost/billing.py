"""The bill: usage of one region's meters, less the free allowances, through the tiers of the price list.

One usage is billed in decimals, line by line; arrays of usages in floats, within 1e-12 of the decimals.
"""

from __future__ import annotations

import datetime
import itertools
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING, Any

import numpy as np

from model import checks
from model.prices import PriceBook, allowances, service_of
from model.prices.rows import Allowance, PriceRow, as_date

if TYPE_CHECKING:
    import pandas as pd

DIGITS = 200  # of a decimal: enough for any float times any listed price without rounding
FREE_TIERS = ("always", "first_12_months")
LAST_OPENED = datetime.date(2025, 7, 14)  # accounts opened later have no 12-month allowances
NUMBERS = ("tier_from", "amount", "free", "price_usd", "usd")  # columns of a bill
COLUMNS = ("service", "meter", *NUMBERS, "unit", "effective_from", "note")

Usage = Mapping[str, Any]
FreeTier = str | bool
Day = str | datetime.date | None


@dataclass(frozen=True)
class Line:
    """One meter's usage within one tier; `free` is what an allowance took off before the tiers."""

    tier: PriceRow
    amount: Decimal
    free: Decimal
    usd: Decimal


def bill(usage: Usage, book: PriceBook, free_tier: FreeTier = False, account_opened: Day = None) -> pd.DataFrame:
    """The bill of one month's usage, a row a meter and tier, computed in exact decimals.

    Usage fills the tiers from the first up: within each, amount x price. An allowance is taken off the
    usage before the tiers.

    Parameters
    ----------
    usage : mapping of meter to amount, how much of each meter a month uses, >= 0 [meter's unit/month]
    book : PriceBook, the prices of one region on one date [USD/meter's unit]
    free_tier : False, "always" or "first_12_months", which allowances count; the 12-month ones include those that
        always hold
    account_opened : str or date, when the account was opened, checked for "first_12_months" where given

    Returns: DataFrame, service, meter, tier_from, amount (billed in this tier), free (taken off by an allowance, on a
    meter's first row), price_usd, usd, unit, effective_from, note (backdated, first tier only, medium confidence). A
    meter wholly covered by an allowance has one row of 0 USD; usage 0 has none. `usd` are floats next to the exact
    amounts; `exact_total` sums the decimals
    Raises: InputError, for a meter that no region has, a used meter that this book lacks, an amount that is negative,
    NaN or no number, an unknown switch, or an account too young or too old for the 12-month allowances

    Notes
    -----
    AWS does not say which of several meters a shared allowance is taken off first: here the dearer x86
    GB-seconds before arm, log ingestion before Lambda's logs, scans and storage. The 12-month allowances
    hold only for accounts opened before 2025-07-15; without `account_opened` that is the caller's word.
    Internet out is free for 100 GB over all regions of an account; one bill is one region.
    Source: aws_price_list, aws_pricing_pages.

    Examples
    --------
    AWS's own chat example, 1,000 users: 18 M messages and 21.6 M connection minutes.

    >>> from model import prices
    >>> chat = bill({"apigw_ws_message": 18e6, "apigw_ws_minute": 21.6e6}, prices.book("us-east-1"))
    >>> chat[["meter", "usd"]].values.tolist()
    [['apigw_ws_message', 18.0], ['apigw_ws_minute', 5.4]]
    """
    import pandas as pd

    rows = []
    for line in _lines(usage, book, free_tier, account_opened):
        tier, service = line.tier, service_of(line.tier.meter)
        numbers = (tier.tier_from, line.amount, line.free, tier.price_usd, line.usd)
        rows.append((service, tier.meter, *numbers, tier.unit, tier.effective_from, book.note(tier.meter)))
    return pd.DataFrame(rows, columns=list(COLUMNS)).astype(dict.fromkeys(NUMBERS, float))


def exact_total(usage: Usage, book: PriceBook, free_tier: FreeTier = False, account_opened: Day = None) -> Decimal:
    """The exact sum of the bill of one month's usage."""
    with localcontext(prec=DIGITS):
        return sum((line.usd for line in _lines(usage, book, free_tier, account_opened)), Decimal(0))


def total(usage: Usage, book: PriceBook, free_tier: FreeTier = False, account_opened: Day = None) -> np.ndarray:
    """The bills of many months' usages in one call.

    Parameters
    ----------
    usage : mapping of meter to array, amounts a month of any shapes that broadcast, >= 0 [meter's unit/month]
    book : PriceBook, the prices of one region on one date [USD/meter's unit]
    free_tier : False, "always" or "first_12_months", as `bill` takes it
    account_opened : str or date, as `bill` takes it

    Returns: array, the common shape of the amounts; a usage of nothing is 0 [USD/month]
    Raises: InputError, as `bill` does

    Notes
    -----
    float64, within 1e-12 relative of the decimal bill: amounts and prices enter rounded to 53 bits, every
    part is added and none is subtracted.
    Source: aws_price_list, aws_pricing_pages.

    Examples
    --------
    >>> from model import prices
    >>> total({"lambda_request": [0, 30e6]}, prices.book("us-east-1"), free_tier="always").tolist()
    [0.0, 5.8]
    """
    parts = by_meter(usage, book, free_tier, account_opened)
    return np.asarray(sum(parts.values(), np.zeros(())))


def by_meter(
    usage: Usage, book: PriceBook, free_tier: FreeTier = False, account_opened: Day = None
) -> dict[str, np.ndarray]:
    """What each meter costs, for arrays of usages; `total` is their sum."""
    _check_account(free_tier, book, account_opened)
    amounts = {meter: _array(meter, value) for meter, value in _items(usage)}
    _check_shapes(amounts)
    lacking = {meter: amount.any() for meter, amount in amounts.items() if book.lacks(meter)}
    if sum(lacking.values()) > 1:
        named = " and ".join(sorted(meter for meter, used in lacking.items() if used))
        checks.fail(f"no price for {named} in {book.region} on {book.on}")
    unpriced = {meter for meter, used in lacking.items() if not used}
    return {
        meter: np.zeros_like(amount) if meter in unpriced else _tiered_usd(amount, book.tiers(meter))
        for meter, amount in _after_allowances(amounts, free_tier).items()
    }


# checks


def _check_account(free_tier: object, book: PriceBook, account_opened: Day) -> None:
    """Refuse an unknown switch, and an account without the 12-month allowances on the book's date."""
    if free_tier is not False and free_tier not in FREE_TIERS:
        checks.fail(f"free_tier must be False, 'always' or 'first_12_months'; got {checks.shown(free_tier)}")
    if free_tier != "first_12_months" or account_opened is None:
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


def _check_shapes(amounts: Mapping[str, np.ndarray]) -> None:
    """Refuse amounts whose shapes do not broadcast, naming the first two that do not."""
    for (meter, one), (other, two) in itertools.combinations(amounts.items(), 2):
        sizes = zip(one.shape[::-1], two.shape[::-1], strict=False)
        if any(a != b and 1 not in (a, b) for a, b in sizes):
            got = f"{meter} {one.shape} and {other} {two.shape}"
            checks.fail(f"amounts must have shapes that go together; got {got}", "usage")


def _items(usage: Usage):
    """The meters and amounts of a usage."""
    if not hasattr(usage, "items"):
        checks.fail(f"usage must be a mapping of meter to amount a month; got {checks.shown(usage)}")
    return usage.items()


def _decimal(meter: str, value: Any) -> Decimal:
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


def _array(meter: str, value: Any) -> np.ndarray:
    """The amounts of one meter as floats, none negative."""
    if np.asarray(value).dtype.kind in "US":
        checks.fail(f"{meter} must be a number; got {checks.shown(value)}", "usage")
    return checks.bounded(meter, value, ">= 0 and finite a month", lambda a: (a >= 0) & (a < np.inf), "usage")


# the sums


def _free_of(free_tier: FreeTier) -> tuple[Allowance, ...]:
    """The allowances of a switch; the 12-month one includes those that always hold."""
    kinds = {False: (), "always": FREE_TIERS[:1], "first_12_months": FREE_TIERS}[free_tier]
    return tuple(allowance for allowance in allowances() if allowance.kind in kinds)


def _lines(usage: Usage, book: PriceBook, free_tier: FreeTier, account_opened: Day) -> list[Line]:
    """The lines of one exact bill, a line a meter and tier that is reached."""
    _check_account(free_tier, book, account_opened)
    amounts = {meter: _decimal(meter, value) for meter, value in _items(usage)}
    with localcontext(prec=DIGITS):
        freed = _freed(amounts, free_tier)
        billed = [meter for meter, amount in amounts.items() if amount or not book.lacks(meter)]
        return [
            line
            for meter in billed
            for line in _meter_lines(amounts[meter], freed.get(meter, Decimal(0)), book.tiers(meter))
        ]


def _freed(amounts: Mapping[str, Decimal], free_tier: FreeTier) -> dict[str, Decimal]:
    """How much of each meter its allowance takes off, in the order the allowance lists its meters."""
    freed: dict[str, Decimal] = {}
    for allowance in _free_of(free_tier):
        left = allowance.amount
        for meter in allowance.meters:
            freed[meter] = min(left, amounts.get(meter, Decimal(0)))
            left -= freed[meter]
    return freed


def _meter_lines(amount: Decimal, free: Decimal, tiers: tuple[PriceRow, ...]) -> Iterator[Line]:
    """The lines of one meter: what is left after its allowance, tier by tier."""
    left = amount - free
    if amount and not left:
        yield Line(tiers[0], Decimal(0), free, Decimal(0))
    for tier, above in zip(tiers, [*(t.tier_from for t in tiers[1:]), left], strict=True):
        within = min(left, above) - tier.tier_from
        if within > 0:
            yield Line(
                tier, within, Decimal(0) if tier.tier_from else free, _whole_steps(within, tier) * tier.price_usd
            )


def _whole_steps(amount: Decimal, tier: PriceRow) -> Decimal:
    """What a tier bills of an exact amount: whole steps where it has any."""
    return math.ceil(amount / tier.step) * tier.step if tier.step else amount


def _after_allowances(amounts: Mapping[str, np.ndarray], free_tier: FreeTier) -> dict[str, np.ndarray]:
    """The amounts less their allowances; what is left of a shared one goes on to its next meter."""
    billed = dict(amounts)
    for allowance in _free_of(free_tier):
        left, rest = np.asarray(float(allowance.amount)), np.zeros(())
        for meter in allowance.meters:
            if meter in amounts:
                left, rest = _difference(left, rest, amounts[meter])
                spare = left + rest
                billed[meter] = np.maximum(-spare, 0.0)
                left, rest = np.where(spare > 0, left, 0.0), np.where(spare > 0, rest, 0.0)
    return billed


def _difference(left: np.ndarray, rest: np.ndarray, used: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """left + rest - used, exactly, again as the sum of a float and what that float rounds away (Knuth's two-sum).

    Plain floats lose ten digits where an allowance just runs out: 400,000 - 0.1 - 399,999.95 is 0.05.
    """
    difference = left - used
    back = difference - left
    return difference, (left - (difference - back)) - (used + back) + rest


def _tiered_usd(amount: np.ndarray, tiers: tuple[PriceRow, ...]) -> np.ndarray:
    """What an amount costs: within each tier amount x price, a sum in which nothing cancels."""
    starts = [float(tier.tier_from) for tier in tiers]
    within = (np.clip(amount, low, high) - low for low, high in itertools.pairwise([*starts, np.inf]))
    return np.asarray(
        sum(_stepped(part, tier) * float(tier.price_usd) for part, tier in zip(within, tiers, strict=True))
    )


def _stepped(amount: np.ndarray, tier: PriceRow) -> np.ndarray:
    """What a tier bills of an amount: whole steps where it has any."""
    step = float(tier.step)
    return np.ceil(np.round(amount / step, 9)) * step if step else amount
