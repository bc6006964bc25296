"""The bill as tables: by service, line by line, by backend, by region, and between two price books."""

from __future__ import annotations

import contextlib
import itertools
from typing import TYPE_CHECKING, Any

import numpy as np

from model import checks, prices
from model.cost import billing, parts
from model.cost.parts import BACKENDS, OWN_SOCKETS
from model.scenario import Scenario, sampling
from model.traffic import traffic as traffic_of

if TYPE_CHECKING:
    import pandas as pd


def _first(value) -> float:
    return float(np.ravel(np.asarray(value, dtype=float))[0])


def _usages(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """What each design of a resolved scenario is billed on in the month."""
    return {which: parts.month_usage(traffic_of(which, scenario)) for which in ("before", "after")}


def by_service(scenario: Scenario) -> pd.DataFrame:
    """The bill of both designs by AWS service.

    A table: index service, with a row for all of them; columns before, after, change [USD/month].
    Source: aws_price_list.
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    book = plain.price_book()
    sides = {}
    for which, usage in _usages(plain).items():
        usd = parts.usd_by_service(usage, book, plain.free_tier)
        sides[which] = {service: _first(part) for service, part in usd.items()}
    table = pd.DataFrame(sides).fillna(0.0).rename_axis("service")
    table = table[(table > 0).any(axis=1)]
    table.loc["all"] = table.sum()
    return table.assign(change=table["after"] - table["before"])


def full_bill(scenario: Scenario) -> pd.DataFrame:
    """The bill of both designs line by line, each line with the price row it was billed at.

    A table: index design, meter, tier_from; columns amount, free, price_usd, usd, unit, effective_from, note.
    Source: aws_price_list.
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    book = plain.price_book()
    bills = {
        which: billing.bill({m: _first(a) for m, a in usage.items()}, book, plain.free_tier)
        for which, usage in _usages(plain).items()
    }
    table = pd.concat(bills, names=["design"]).reset_index(level="design")
    table["effective_from"] = table["effective_from"].astype(str)
    return table.drop(columns="service").set_index(["design", "meter", "tier_from"])


def by_backend(scenario: Scenario) -> pd.DataFrame:
    """The change of the bill for every backend that may answer before the move and after it.

    A table: index polled_on and moved_to (the HTTP side; the last kind holds the sockets too); columns before, after,
    change, transport, backend [USD/month]. A plain server is as many instances as the peak hour needs; load balancers,
    addresses and disks are in the bill where a design has them; what several socket servers need to reach each other's
    clients is not.
    Source: aws_price_list.
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    ends = (*BACKENDS, OWN_SOCKETS) if plain.after.socket is not None else BACKENDS
    columns, rows = ("before", "after", "change", "transport", "backend"), {}
    for start, end in itertools.product(BACKENDS, ends):
        split = parts.transport_and_backend(
            parts.on_backend(plain.before, start), parts.on_backend(plain.after, end), plain
        )
        rows[start, end] = {name: _first(split[name]) for name in columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["polled_on", "moved_to"])


def cheapest(scenario: Scenario, users, designs=None) -> pd.DataFrame:
    """The cheapest design in every region, for several user counts.

    `designs`: names of designs; the pair that is compared where none is given. A table: index region; for each user
    count the cheapest design and, in the next column, how much less than the next one it costs, a share; empty and NaN
    where no design has all its prices there.
    Source: aws_price_list.
    """
    import pandas as pd

    counts = np.ravel(np.asarray(users, dtype=float))
    plain = sampling.resolved(scenario, counts)
    names = [scenario.design_name(name) for name in designs or scenario.compared]
    usages = {}
    for name in names:
        with contextlib.suppress(checks.InputError):  # no plan carries its peak, or no message of it is so large
            usages[name] = parts.month_usage(traffic_of(name, plain))
    rows: dict[str, dict] = {}
    for region in sorted(prices.regions()):
        book = plain.price_book(region)
        usd = {name: _priced(usage, book, plain.free_tier, counts.size) for name, usage in usages.items()}
        rows[region] = {}
        for k, count in enumerate(counts):
            order = sorted((float(values[k]), name) for name, values in usd.items() if np.isfinite(values[k]))
            less = 1.0 - order[0][0] / order[1][0] if len(order) > 1 else np.nan
            rows[region] |= {f"{count:,.0f} users": order[0][1] if order else "", f"less, {count:,.0f}": less}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("region")


def _priced(usage: dict[str, Any], book: prices.PriceBook, free_tier, size: int) -> np.ndarray:
    """The bills of several user counts; NaN where the region lacks a price."""
    lacks = any(book.lacks(m) for m, amount in usage.items() if np.any(np.asarray(amount) > 0))
    return np.broadcast_to(np.nan if lacks else np.ravel(billing.total(usage, book, free_tier)), (size,))


def relative_prices(scenario: Scenario, meters, to: str = "us-east-1") -> pd.DataFrame:
    """What the first tier of some meters costs in each region, over what it costs in one of them.

    `meters`: names of meters; `to`: the region that is 1. A table: index region, a column a meter; NaN where the region
    has no price.
    Source: aws_price_list.
    """
    import pandas as pd

    home, rows = scenario.price_book(to), {}
    for region in sorted(prices.regions()):
        book = scenario.price_book(region)
        rows[region] = {meter: _first_price(book, meter) / _first_price(home, meter) for meter in meters}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("region")


def _first_price(book: prices.PriceBook, meter: str) -> float:
    return np.nan if book.lacks(meter) else float(book.tiers(meter)[0].price_usd)


def price_change(scenario: Scenario, then: str, now: str) -> pd.DataFrame:
    """What happened to the bill between two days: polling throughout, push throughout, and the move between.

    `then, now`: days of the two price books, like 2024-10-15. A table: index case and service, with a row for all of
    them; columns then, now, price, traffic [USD/month]. A price whose list was read later than the day stands backdated
    in both books and changes nothing.
    Source: aws_price_list.
    """
    import pandas as pd

    plain = sampling.resolved(scenario)
    books = tuple(plain.price_book(on=day) for day in (then, now))
    usage = _usages(plain)
    cases = {
        "polling stays": ("before", "before"),
        "push stays": ("after", "after"),
        "polling becomes push": ("before", "after"),
    }
    rows: dict[tuple[str, str], dict[str, float]] = {}
    for case, (start, end) in cases.items():
        changes = parts.price_and_traffic((usage[start], usage[end]), books, plain.free_tier)
        first = {service: {name: _first(usd) for name, usd in change.items()} for service, change in changes.items()}
        billed = {service: usd for service, usd in first.items() if usd["then"] or usd["now"]}
        rows |= {(case, service): usd for service, usd in billed.items()}
        columns = ("then", "now", "price", "traffic")
        rows[case, "all"] = {name: sum(usd[name] for usd in billed.values()) for name in columns}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(index=["case", "service"])
