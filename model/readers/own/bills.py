"""Bills: AWS's Cost and Usage Report (legacy and 2.0), FOCUS, and Cost Explorer's GetCostAndUsage."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from model import checks
from model.readers.own.opening import OwnFile

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Bill:
    """What a bill tells; money in USD, amounts in the unit that is billed, `file.first_s` to `last_s` its time.

    - `lines`: a row a service, usage type, operation, item type, region and unit: service, usage_type (as written),
      operation, item (usage, discount, credit, tax, fee), region, unit, rows, amount, cost_usd (what is paid), list_usd
      (at public prices; nan where the file does not say), free_amount (usage at 0 USD with a list price: a free tier),
      paid_usd and paid_list_usd (the rows of usage that cost something), meter (one of ours, "" where none)
    - `meters`: a row a meter of ours: meter, amount, cost_usd (discount lines included), list_usd, free_amount,
      discount (paid over list of what cost something; 1 = no discount, nan where no list price is told)
    - `totals`: cost_usd by item

    A file that is not split by usage type has no meters, and `file.notes` say what to ask for instead.
    """

    file: OwnFile
    lines: pd.DataFrame
    meters: pd.DataFrame
    totals: pd.Series


def bill(path: str | Path) -> Bill:
    """What a bill tells, summed by meter."""
    checks.fail("bills are not read yet", path)
