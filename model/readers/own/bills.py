"""Bills: AWS's Cost and Usage Report (legacy and 2.0), FOCUS, and Cost Explorer's GetCostAndUsage."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model import checks, paths
from model.prices.list_meters import meter_of, plain
from model.readers.own.opening import OwnFile, clean, document, lines, listed, number, opened, own_file, seconds, within

if TYPE_CHECKING:
    import pandas as pd

CUR = {  # names as `plain` writes them, so that lineItem/UsageType and line_item_usage_type are one
    "service": ("lineitemproductcode",),
    "usage_type": ("lineitemusagetype",),
    "operation": ("lineitemoperation",),
    "item_type": ("lineitemlineitemtype",),
    "region": ("productregioncode", "productregion"),
    "unit": ("pricingunit",),
    "family": ("productproductfamily",),
    "rate_code": ("pricingratecode",),
    "words": ("lineitemlineitemdescription",),
    "amount": ("lineitemusageamount",),
    "cost": ("lineitemunblendedcost",),
    "list": ("pricingpublicondemandcost",),
    "blended": ("lineitemblendedcost",),
    "plan": ("savingsplansavingsplaneffectivecost",),
    "reserved": ("reservationeffectivecost",),
    "start": ("lineitemusagestartdate",),
    "end": ("lineitemusageenddate",),
    "currency": ("lineitemcurrencycode",),
    "resource": ("lineitemresourceid",),
}
FOCUS = {
    "service": ("servicename",),
    "usage_type": ("xusagetype",),
    "operation": ("xoperation",),
    "item_type": ("chargecategory",),
    "region": ("regionid",),
    "unit": ("consumedunit",),
    "rate_code": ("skupriceid",),
    "words": ("chargedescription",),
    "amount": ("consumedquantity",),
    "cost": ("billedcost",),
    "list": ("listcost",),
    "start": ("chargeperiodstart",),
    "end": ("chargeperiodend",),
    "currency": ("billingcurrency",),
    "resource": ("resourceid",),
}
KEY = ("service", "usage_type", "operation", "item_type", "region", "unit", "family", "rate_code", "words")
SUMS = "rows empty amount cost_usd list_usd blended_usd free_amount paid_usd paid_list_usd".split()
USAGE = ("Usage", "DiscountedUsage", "SavingsPlanCoveredUsage")
ITEMS = {"Tax": "tax", "Credit": "credit", "Refund": "credit", "Adjustment": "credit", **dict.fromkeys(USAGE, "usage")}
TOTALS_ONLY = "Not split by usage type, so it has no amounts by meter; ask for GetCostAndUsage grouped by USAGE_TYPE."
AT_ONCE = 65536  # rows of a Parquet file that are in memory


@dataclass(frozen=True)
class Bill:
    """What a bill tells; money in USD, amounts in the unit that is billed, `file.first_s` to `last_s` its time.

    - `lines`: a row a service, usage type, operation, item type, region, unit and rate code: these; item (usage,
      discount, credit, tax, fee); meter (one of ours, "" where none); rows, empty (rows without an amount), amount,
      cost_usd (usage under a savings plan or reservation at its effective cost), list_usd (public prices; nan where no
      row says), blended_usd, free_amount (usage at 0 USD with a list price: free, or paid by a plan), paid_usd and
      paid_list_usd (cost and list price of usage that cost something)
    - `meters`: a row a meter of ours, by name: amount, cost_usd (discount lines included), list_usd, free_amount, and
      discount, a factor: paid over list price of what cost something (1 = none, nan where no list price is told)
    - `totals`: cost_usd by item

    A file that is not split by usage type has no meters, and `file.notes` say what to ask for instead.
    """

    file: OwnFile
    lines: pd.DataFrame
    meters: pd.DataFrame
    totals: pd.Series


def item(kind: str) -> str:
    """What a line is: usage, discount, credit, tax, or a fee (also what a plan takes off again)."""
    return ITEMS.get(kind, "discount" if "Discount" in kind else "fee")


def columns(header: list[str], place: str) -> dict[str, str]:
    """By our name the name of a bill's column, whichever form it has; what must be there is checked."""
    known = {plain(name): name for name in header}
    form = FOCUS if "billedcost" in known else CUR
    found = {ours: known[name] for ours, names in form.items() for name in reversed(names) if name in known}
    for ours in ("service", "item_type", "amount", "cost"):
        if ours not in found:
            checks.fail(f"a bill must have a column for {ours} ({form[ours][0]}); got none", place)
    return found


def csv_rows(path: str | Path, place: str) -> Iterator[dict[str, Any]]:
    """The rows of a bill in CSV, by our names of the columns."""
    with opened(path) as (stream, share):
        try:
            reader = csv.reader(f"{line.decode('utf-8-sig')}\n" for line in lines(stream, share, place))
            header = next(reader)
            wanted = [(ours, header.index(name)) for ours, name in columns(header, place).items()]
            for row in reader:
                if len(row) == len(header):
                    yield {ours: row[at] for ours, at in wanted}
                elif any(row):
                    checks.fail(
                        f"a row of a bill must have {len(header)} fields; got {len(row)}", f"{place}:{reader.line_num}"
                    )
        except (UnicodeDecodeError, csv.Error) as error:
            checks.fail(f"a bill in CSV must be valid text in UTF-8; {type(error).__name__}", place)


def parquet_rows(path: str | Path, place: str) -> Iterator[dict[str, Any]]:
    """The rows of a bill in Parquet, by our names of the columns."""
    import pyarrow as pa
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(path) as file:
            wanted = columns(file.schema_arrow.names, place)
            for batch in file.iter_batches(AT_ONCE, columns=list(wanted.values())):
                table = {ours: batch.column(name).to_pylist() for ours, name in wanted.items()}
                yield from (dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True))
    except checks.InputError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError) as error:
        checks.fail(f"a Parquet file must be whole and valid; {type(error).__name__}", place)


def explorer_rows(content: Any, place: str) -> Iterator[dict[str, Any]]:
    """The groups of a Cost Explorer answer, a row each."""
    grouped = [str(within(g, "Key")) for g in listed(content, "GroupDefinitions")]
    part = count(1)
    for period in listed(content, "ResultsByTime"):
        span = {"start": within(period, "TimePeriod", "Start"), "end": within(period, "TimePeriod", "End")}
        for group in listed(period, "Groups") or [{"Keys": [], "Metrics": within(period, "Total")}]:
            keys = dict(zip(grouped, listed(group, "Keys"), strict=False))
            metrics, cost = within(group, "Metrics") or {}, None
            for name in ("UnblendedCost", "AmortizedCost", "NetUnblendedCost", "BlendedCost"):
                cost = cost or within(metrics, name)
            if not cost:
                checks.fail("a Cost Explorer answer must have a cost in every group; one has none", place)
            yield {
                **span,
                "service": keys.get("SERVICE", ""),
                "usage_type": keys.get("USAGE_TYPE", ""),
                "operation": keys.get("OPERATION", ""),
                "item_type": keys.get("RECORD_TYPE", "Usage"),
                "region": keys.get("REGION", ""),
                "words": next(part),  # other groups are tags, which may hold names: only their place is kept
                "unit": within(metrics, "UsageQuantity", "Unit"),
                "amount": within(metrics, "UsageQuantity", "Amount"),
                "cost": within(cost, "Amount"),
                "currency": within(cost, "Unit"),
                "blended": within(metrics, "BlendedCost", "Amount"),
            }


def sum_of(value: Any, name: str, place: str) -> float:
    """An amount of a bill, nan where it is empty; what is no number is refused."""
    found = number(value, -math.inf)
    if found != found and value not in (None, "", "NULL", "nan"):
        checks.fail(f"{name} in a bill must be a number; got {checks.shown(value)}", place)
    return found


def summed(rows: Iterator[dict[str, Any]], place: str, resource: str | None) -> tuple[dict[tuple, list[float]], set]:
    """The sums by `KEY` in the order of `SUMS`, and the times at which charges start and end."""
    found: dict[tuple, list[float]] = {}
    times: set = set()
    for row in rows:
        if resource and resource.lower() not in str(row.get("resource") or "").lower():
            continue
        if row.get("currency") not in ("USD", "", "NULL", None):
            checks.fail(f"a bill must be in USD; got {checks.shown(row['currency'])}", place)
        key = tuple("" if (text := row.get(name)) in (None, "NULL") else str(text) for name in KEY)
        sums = found.setdefault(key, [0.0] * len(SUMS))
        amount, cost, public, blended = (sum_of(row.get(n), n, place) for n in ("amount", "cost", "list", "blended"))
        covered = number(row.get({"DiscountedUsage": "reserved", "SavingsPlanCoveredUsage": "plan"}.get(key[3], "")))
        cost = covered if covered == covered else 0.0 if cost != cost else cost
        usage, known = key[3] in USAGE, public > 0
        values = (1, amount != amount, amount, cost, public, blended, usage and known and not cost and amount)
        paid = usage and known and cost > 0
        for at, value in enumerate((*values, paid and cost, paid and public)):
            if value == value:
                sums[at] += value
        times.update((row.get("start"), row.get("end")))
    return found, times


def bill(path: str | Path, resource: str | None = None) -> Bill:
    """What a bill tells, summed by usage type and by meter of ours.

    Parameters
    ----------
    path : path, a Cost and Usage Report (legacy or 2.0) or FOCUS bill in CSV (gz or not) or Parquet, or the JSON that
        `aws ce get-cost-and-usage` wrote
    resource : str, optional, count only rows whose resource id contains this text: an app's share of an account

    Returns: Bill, see its own text
    Raises: InputError, a file that cannot be read, is no bill, lacks a column, or is not in USD
    """
    import pandas as pd

    place, notes = clean(paths.shown(Path(path))), []
    with opened(path) as (stream, _):
        start = stream.read(64).lstrip(b"\xef\xbb\xbf \r\n\t")
    if start[:1] == b"{":
        content = document(path)
        rows = explorer_rows(content, place)
        notes = ["This is one page of several; ask for the rest of it."] if within(content, "NextPageToken") else []
    else:
        rows = (parquet_rows if start[:4] == b"PAR1" else csv_rows)(path, place)
    found, times = summed(rows, place, resource)
    if not found:
        checks.fail("a bill must hold a row" + (f" of resource {checks.shown(resource)}" if resource else ""), place)
    table = pd.DataFrame([(*key, *sums) for key, sums in found.items()], columns=[*KEY, *SUMS])
    table["item"] = [item(kind) for kind in table["item_type"]]
    table["meter"] = [meter_of(*key[:3], *key[6:]) for key in found]
    for name in ("list_usd", "blended_usd"):
        if not table[name].any():
            table[name] = math.nan
    if not (table["usage_type"] != "").any() and not (table["rate_code"] != "").any():
        notes.append(TOTALS_ONLY)
        table["meter"] = ""
    for name in ("service", "usage_type", "operation", "item_type", "region", "unit", "rate_code"):
        table[name] = table[name].map(clean)
    facts = own_file(Path(path), "bill", int(table["rows"].sum()), [seconds(t) for t in map(str, times)], "", notes)
    lines_ = table.drop(columns=["family", "words"])
    return Bill(facts, lines_, meter_table(table), table.groupby("item")["cost_usd"].sum())


def meter_table(table: pd.DataFrame) -> pd.DataFrame:
    """The sums of a bill's lines by meter of ours."""
    ours = table[table["meter"] != ""]
    usage, cut = ours[ours["item"] == "usage"], ours[ours["item"] == "discount"].groupby("meter")["cost_usd"].sum()
    sums = usage.groupby("meter")[["amount", "cost_usd", "list_usd", "free_amount", "paid_usd", "paid_list_usd"]].sum()
    cut = cut.reindex(sums.index, fill_value=0.0)
    sums["cost_usd"] += cut
    sums["discount"] = (sums.pop("paid_usd") + cut) / sums.pop("paid_list_usd").replace(0.0, math.nan)
    return sums
