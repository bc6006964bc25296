"""The bill: usage of one region's meters through cumulative tiers, exact for one usage and fast for many."""

from __future__ import annotations

import datetime
import itertools
from decimal import Decimal, localcontext
from typing import TYPE_CHECKING

import numpy as np

from model import checks
from model.cost.billing import EXACT, Usage, array_of, bill_lines, billed, check_account, pairs, tiered_usd
from model.prices import PriceBook, services

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["bill", "by_meter", "exact_total", "total"]


def bill(
    usage: Usage, book: PriceBook, free_tier: str | bool = False, account_opened: str | datetime.date | None = None
) -> pd.DataFrame:
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

    Returns
    -------
    DataFrame, service, meter, tier_from, amount (billed in this tier), free (taken off by an allowance, on a meter's
        first row), price_usd, usd, unit, effective_from, note (backdated, first tier only, medium confidence). A
        meter wholly covered by an allowance has one row of 0 USD; usage 0 has none. `usd` are floats next to the
        exact amounts; `exact_total` sums the decimals

    Raises
    ------
    InputError, for a meter that no region has, a used meter that this book lacks, an amount that is negative, NaN or
        no number, an unknown switch, or an account too young or too old for the 12-month allowances

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

    with localcontext(EXACT):
        lines = list(bill_lines(usage, book, free_tier, account_opened))

    def floats(values) -> np.ndarray:
        return np.array([float(value) for value in values], dtype=float)

    columns = {
        "service": [services().get(line.tier.meter, "") for line in lines],
        "meter": [line.tier.meter for line in lines],
        "tier_from": floats(line.tier.tier_from for line in lines),
        "amount": floats(line.amount for line in lines),
        "free": floats(line.free for line in lines),
        "price_usd": floats(line.tier.price_usd for line in lines),
        "usd": floats(line.usd for line in lines),
        "unit": [line.tier.unit for line in lines],
        "effective_from": [line.tier.effective_from for line in lines],
        "note": [book.note(line.tier.meter) for line in lines],
    }
    return pd.DataFrame(columns)


def exact_total(
    usage: Usage, book: PriceBook, free_tier: str | bool = False, account_opened: str | datetime.date | None = None
) -> Decimal:
    """The exact sum of the bill of one month's usage."""
    with localcontext(EXACT):
        return sum((line.usd for line in bill_lines(usage, book, free_tier, account_opened)), Decimal(0))


def by_meter(
    usage: Usage, book: PriceBook, free_tier: str | bool = False, account_opened: str | datetime.date | None = None
) -> dict[str, np.ndarray]:
    """What each meter costs, for arrays of usages."""
    check_account(free_tier, book, account_opened)
    amounts = {meter: array_of(meter, value) for meter, value in pairs(usage)}
    _same_shapes(amounts)
    unpriced = {meter for meter in amounts if book.lacks(meter) and not amounts[meter].any()}
    return {
        meter: np.zeros_like(amount) if meter in unpriced else tiered_usd(amount, book.tiers(meter))
        for meter, amount in billed(amounts, free_tier).items()
    }


def _same_shapes(amounts: dict) -> None:
    """Refuse amounts whose shapes do not broadcast, naming the first two that do not."""
    for meter, other in itertools.combinations(amounts, 2):
        pair = amounts[meter].shape, amounts[other].shape
        if any(1 not in sizes and sizes[0] != sizes[1] for sizes in zip(*(p[::-1] for p in pair), strict=False)):
            checks.fail(
                f"amounts must have shapes that go together; got {meter} {pair[0]} and {other} {pair[1]}", "usage"
            )


def total(
    usage: Usage, book: PriceBook, free_tier: str | bool = False, account_opened: str | datetime.date | None = None
) -> np.ndarray:
    """The bills of many months' usages in one call.

    Parameters
    ----------
    usage : mapping of meter to array, amounts a month of any shapes that broadcast, >= 0 [meter's unit/month]
    book : PriceBook, the prices of one region on one date [USD/meter's unit]
    free_tier : False, "always" or "first_12_months", as `bill` takes it
    account_opened : str or date, as `bill` takes it

    Returns
    -------
    array, the common shape of the amounts; a usage of nothing is 0 [USD/month]

    Raises
    ------
    InputError, as `bill` does

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
    usd = np.zeros(np.broadcast_shapes(*(part.shape for part in parts.values())))
    for part in parts.values():
        usd += part
    return usd
