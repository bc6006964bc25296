"""A bill against the model's, meter by meter: how much of it is explained, what is odd, which input would close it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from model import checks, cost, prices
from model.outcome import Sides
from model.readers import Bill
from model.scenario import Scenario, load, sampling

if TYPE_CHECKING:
    import pandas as pd

ALIKE = 0.01  # ratios this near each other are one
TWICE = 0.05  # a ratio this near to 2 is a double count
SMALL = 0.005  # of the whole bill, beneath which nothing is worth a sentence
STEPS = 9  # values of an input that are tried


@dataclass(frozen=True)
class Reconciliation:
    """A month's bill beside the model's: a row a meter, what is odd in words, and the input that would mend most.

    `table`: service, bill_usd (after the discount is undone), model_usd, explained (share of the bill's amount that
    the model has too), gap_usd (bill less model). `explained` is the share over all meters, `discounts` the factor of
    each service's list prices, `closing` the input, its mode, the value that fits best and the largest gap before and
    after.
    """

    design: str
    table: pd.DataFrame
    explained: float
    discounts: dict[str, float]
    closing: dict[str, Any]
    findings: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.findings)


def reconcile(
    scenario: Scenario | str, bill: Bill | Mapping[str, float], design: str | None = None, users: float | None = None
) -> Reconciliation:
    """How much of a month's bill the model explains, meter by meter, and what would close the largest gap.

    A `Bill` that covers fewer or more days is scaled to the scenario's month, and its list prices tell the discount.
    Of amounts in USD alone a discount shows as one ratio of most meters; then less use looks the same.
    """
    scenario = load(scenario).model_copy(update={"discounts": {}})  # both bills at list price
    name = scenario.design_name(design) if design else scenario.compared[0]
    used, counts = scenario.users if users is None else users, scenario.billing.month_days
    side = Sides(sampling.resolved(scenario, [float(np.max(used))]))[name]
    model_usd = {m: float(np.ravel(v)[0]) for m, v in _usd(side).items() if np.ravel(v)[0] > 0}
    paid, known, month = _of_month(bill, counts)
    if not paid:
        checks.fail("a bill must have a meter that costs something; this one has none")
    discounts, billed, words = _undiscounted(paid, known, model_usd)
    table = _table(billed, model_usd)
    whole = float(table["bill_usd"].sum())
    explained = float(table[["bill_usd", "model_usd"]].min(axis=1).sum() / whole)
    closing = _closing(scenario, name, float(np.max(used)), table)
    beyond = float(np.maximum(-table["gap_usd"], 0.0).sum())
    more = f", which has {beyond:,.2f} USD beyond it" if beyond > SMALL * whole else ""
    found = [
        f"{explained:.1%} of the bill's {whole:,.2f} USD{month} is explained by {name}{more}.",
        *words,
        *_oddities(table, whole),
        *_mended(closing),
    ]
    return Reconciliation(name, table, explained, discounts, closing, tuple(found))


def _usd(side) -> dict[str, np.ndarray]:
    """What each meter of a side costs at list price."""
    return cost.by_meter(side.usage, side.book, side.traffic.life.scenario.free_tier)


def _of_month(bill: Bill | Mapping[str, float], month_days: float) -> tuple[dict, dict, str]:
    """What is paid by meter in a month, the factor of the list price where the bill tells it, and words on scaling."""
    if not isinstance(bill, Bill):
        for meter, usd in bill.items():
            checks.known("meter", meter, prices.services())
            checks.non_negative(f"the bill's {meter}", usd, "USD")
        return {m: float(usd) for m, usd in bill.items() if usd > 0}, {}, ""
    rows = bill.meters
    days = (bill.file.last_s - bill.file.first_s) / 86400.0
    scale = month_days / days if np.isfinite(days) and 0 < days < 0.97 * month_days else 1.0
    paid = {m: float(usd) * scale for m, usd in rows["cost_usd"].items() if m and usd > 0}
    known = {m: float(f) for m, f in rows["discount"].items() if m in paid and f > 0}
    return paid, known, "" if scale == 1.0 else f" a month ({days:.1f} days of it in the file)"


def _undiscounted(paid: dict, known: dict, model_usd: dict) -> tuple[dict, dict, list[str]]:
    """Discounts by service, the bill at list price, and the sentences that name them."""
    if known:
        factors, said = known, "list prices in the file tell it"
    else:
        factors, said = _common(paid, model_usd), "or there is as much less use; list prices in the bill would tell"
    by_service: dict[str, float] = {}
    for service in dict.fromkeys(prices.service_of(m) for m in factors):
        mine = [m for m in factors if prices.service_of(m) == service]
        by_service[service] = sum(paid[m] for m in mine) / sum(paid[m] / factors[m] for m in mine)
    by_service = {service: f for service, f in by_service.items() if f < 1.0 - ALIKE / 2}
    words, share = [], {f"{f:.3f}" for f in by_service.values()}
    if len(share) == 1 and len(by_service) > 1:
        words = [f"All of it is paid at {1 - float(*share):.0%} below the list price: a discount, {said}."]
    elif by_service:
        words = [f"{s} is paid at {1 - f:.1%} below the list price: a discount, {said}." for s, f in by_service.items()]
    return by_service, {m: usd / by_service.get(prices.service_of(m), 1.0) for m, usd in paid.items()}, words


def _common(paid: dict, model_usd: dict) -> dict[str, float]:
    """One factor that most of the money is at, below the model's, for all meters; nothing where there is none."""
    ratio = {m: paid[m] / model_usd[m] for m in paid if m in model_usd}
    if len(ratio) < 2:
        return {}
    near = {m: [o for o in ratio if abs(ratio[o] / ratio[m] - 1.0) <= ALIKE] for m in ratio}
    best = max(near.values(), key=lambda alike: sum(model_usd[o] for o in alike))
    factor = sum(paid[o] for o in best) / sum(model_usd[o] for o in best)
    most = sum(model_usd[o] for o in best) > sum(model_usd[o] for o in ratio) / 2 and len(best) > 1
    return dict.fromkeys(paid, factor) if most and factor < 1.0 - ALIKE else {}


def _table(billed: dict, model_usd: dict):
    """Both bills by meter, the largest first."""
    import pandas as pd

    rows = {}
    for meter in dict.fromkeys((*billed, *model_usd)):
        own, ours = billed.get(meter, 0.0), model_usd.get(meter, 0.0)
        share = min(own, ours) / own if own else np.nan
        rows[meter] = (prices.service_of(meter), own, ours, share, own - ours)
    columns = ["service", "bill_usd", "model_usd", "explained", "gap_usd"]
    table = pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("meter")
    return table.sort_values("bill_usd", ascending=False, kind="stable")


def _oddities(table, whole: float) -> list[str]:
    """Sentences on what is counted twice, what only one of both has, and the largest gap."""
    said = []
    for service, rows in table.groupby("service", sort=False):
        own, ours = rows["bill_usd"].sum(), rows["model_usd"].sum()
        if own > SMALL * whole and not ours:
            said.append(f"{service} is missing from the model: {own:,.2f} USD, {', '.join(rows.index)}.")
        elif ours > SMALL * whole and not own:
            said.append(f"{service} is missing from the bill: the model has {ours:,.2f} USD, {', '.join(rows.index)}.")
    odd = table[(table[["bill_usd", "model_usd"]].max(axis=1) > SMALL * whole) & (table["gap_usd"].abs() > 0)]
    for meter, row in odd.iterrows():
        low, high = sorted((row["bill_usd"], row["model_usd"]))
        other = table.drop(index=meter)
        alike = (
            other[["bill_usd", "model_usd"]].min(axis=1).sum()
            > 0.9 * other[["bill_usd", "model_usd"]].max(axis=1).sum()
        )
        if low and abs(high / low - 2.0) <= 2.0 * TWICE and alike:
            more, less = ("bill", "model") if row["gap_usd"] > 0 else ("model", "bill")
            said.append(f"{meter} is counted twice in the {more}: {high:,.2f} USD against {low:,.2f} in the {less}.")
    return said


def _closing(scenario: Scenario, design: str, users: float, table) -> dict[str, Any]:
    """The input that alone, within its range, brings the meter with the largest gap nearest to the bill.

    Among inputs the one that leaves least of all gaps added up; those of meters that the model lacks stay.
    """
    ours = table[table["model_usd"] > 0]
    inputs = sampling.ranged_inputs(scenario, [design])
    if ours.empty or not inputs or float(ours["gap_usd"].abs().max()) <= SMALL * float(table["bill_usd"].sum()):
        return {}
    columns = {name: np.full((len(inputs) * STEPS, 1), one.mode) for name, one in inputs.items()}
    for k, (name, one) in enumerate(inputs.items()):
        columns[name][k * STEPS : (k + 1) * STEPS, 0] = np.linspace(one.low, one.high, STEPS)
    usd = _usd(Sides(sampling.with_columns(scenario, columns, [users]))[design])
    rows = len(inputs) * STEPS
    gaps = {m: np.broadcast_to(usd[m], (rows, 1))[:, 0] - own for m, own in ours["bill_usd"].items()}
    misfit = sum(np.abs(gap) for gap in gaps.values())
    meter = str(ours["gap_usd"].abs().idxmax())
    k = int(np.argmin(misfit))
    name = list(inputs)[k // STEPS]
    before, after = float(ours["gap_usd"].abs().max()), float(abs(gaps[meter][k]))
    if after >= before:
        return {}
    input_ = {"input": name, "was": inputs[name].mode, "value": float(columns[name][k, 0])}
    return {**input_, "meter": meter, "gap_usd": before, "left_usd": after}


def _mended(closing: dict[str, Any]) -> list[str]:
    if not closing:
        return []
    input_, share = closing["input"], 1.0 - closing["left_usd"] / closing["gap_usd"]
    at = f"{input_} at {closing['value']:.4g} (now {closing['was']:.4g})"
    return [f"{at} would close {share:.0%} of the largest gap, {closing['gap_usd']:,.2f} USD of {closing['meter']}."]
