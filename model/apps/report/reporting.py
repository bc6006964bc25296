"""The report: every notebook run on one scenario, a page each with an index, and the tables beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from model import checks, claims, paths, prices
from model import outcome as results
from model import scenario as scenarios

__all__ = ["write_report"]

NAMES = {
    "latency": "Mean notification latency",
    "battery": "Battery",
    "data": "Mobile data",
    "load": "Server load",
    "cost": "Cost",
}


def _tables(case) -> dict:
    """The tables that the report writes as files and shows first, by name."""
    found = {"Before and after": results.before_after(case)}
    if case.claims:
        found["The published claims, judged twice"] = results.judged_twice(case)
    outcome = results.evaluate(case)
    for measure in claims.MEASURES:
        unit = next(u for m, _, u in results.ROWS.values() if m == measure)
        found[f"{NAMES[measure]} by flow, {unit}"] = outcome.by_flow(measure)
    return found


def _facts(case) -> dict:
    """What the figures of the report are for."""
    life = results.evaluate(case).before.traffic.life
    users = float(getattr(case.users, "mode", case.users))
    hours = float(np.ravel(life.active_s)[0]) / 3600.0 / users
    return {
        "users in the month": users,
        "active hours per user and month": hours,
        "AWS region": case.region,
        "list prices on": str(prices.book(case.region, case.prices_on).on),
    }


def write_report(
    scenario: str, users: float | None, out_dir: Path, engine: str = "inprocess", notebooks: list[Path] | None = None
) -> Path:
    """Run the notebooks on a scenario and write notebooks, HTML pages with an index, and tables."""
    from model.apps import report
    from model.apps.notebooks.many import execute_all

    case = scenarios.load(scenario)
    if users is not None:
        case = case.with_({"users": users})
    found = _tables(case)
    own = Path(scenario)
    parameters = {
        "scenario": str(own.resolve()) if own.suffix in (".yaml", ".yml") else scenario,
        "users": case.users,
        "region": case.region,
    }
    out_dir = Path(out_dir)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        checks.fail(f"the folder cannot be written: {str(wrong.strerror).lower()}", out_dir)
    notebooks = notebooks or sorted(paths.notebooks().glob("[0-9][0-9]_*.ipynb"))
    executed = execute_all(notebooks, parameters, out_dir / "notebooks", engine)
    index = report.write(
        [e.output for e in executed if not e.error],
        found,
        out_dir,
        case.title,
        facts=_facts(case),
        first=2 if case.claims else 1,
    )
    broken = [e.error for e in executed if e.error]
    if broken:
        raise RuntimeError("; ".join(broken))
    return index
