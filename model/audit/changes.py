"""What changes between two scenarios do, alone and together, and designs side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from fnmatch import fnmatchcase

from model import checks, claims
from model.outcome import ROWS, best_of, evaluate
from model.scenario import Scenario, load

NAMES = ("name", "title", "claims", "pair", "title")
MISSING = object()
UNITS = {label: unit for label, (_, _, unit) in ROWS.items()}


def _bare(value):
    """A value without the remarks of where it comes from."""
    if isinstance(value, dict):
        return {k: _bare(v) for k, v in value.items() if k not in ("source", "note")}
    return [_bare(v) for v in value] if isinstance(value, list) else value


def _differences(old, new, path: str = "") -> Iterator[tuple[str, object]]:
    """Dotted path and new value of all that differs, `MISSING` where it is gone; remarks do not count."""
    if all(isinstance(v, dict) and "mode" not in v for v in (old, new)):
        for name in dict.fromkeys([*new, *old]):
            below = f"{path}.{name}".removeprefix(".")
            yield from _differences(old.get(name, MISSING), new.get(name, MISSING), below)
    elif _bare(old) != _bare(new) and path not in NAMES and not path.endswith(".title"):
        yield path.removeprefix("designs."), new


def _matches(path: str, pattern: str) -> bool:
    """Whether a path is what a pattern names, or below it; * stands for any one name."""
    parts, wanted = path.split("."), pattern.split(".")
    return len(parts) >= len(wanted) and all(map(fnmatchcase, parts, wanted))


def change_groups(
    base: Scenario, improved: Scenario, names: Mapping[str, Sequence[str]] | None = None
) -> dict[str, dict]:
    """The differences of two scenarios, gathered under the names of the changes that they belong to."""
    if names is None:
        names = claims.read(base.claims).get("changes", {}) if base.claims else {}
    found: dict[str, dict] = {}
    for path, value in _differences(base.model_dump(), improved.model_dump()):
        name = next((n for n, patterns in names.items() if any(_matches(path, p) for p in patterns)), path)
        found.setdefault(name, {})[path] = value
    return found


def _with(base: Scenario, changes: Mapping[str, object]) -> Scenario:
    """The base with the changes made, checked like a file."""
    plain = base.model_dump()
    for path, value in changes.items():
        design = path.partition(".")[0] in (*base.designs, "before", "after")
        *parents, last = f"designs.{path}".split(".") if design else path.split(".")
        part = plain
        for name in parents:
            if part.get(name) is None:
                part[name] = {}
            part = part[name]
        part[last] = value
        if value is MISSING:
            del part[last]
    tops = (path.partition(".")[0] for path in changes)
    return base.with_({top: plain[top] for top in dict.fromkeys(top if top in plain else "designs" for top in tops)})


def _figures(scenario: Scenario, side: str, users) -> dict[str, float]:
    """The rows of the table for one side."""
    outcome = evaluate(scenario, users)
    return {label: float(outcome.values(label, side)[0, 0]) for label in ROWS}


def improvements(
    base: Scenario | str,
    improved: Scenario | str,
    side: str | None = None,
    users=None,
    names: Mapping[str, Sequence[str]] | None = None,
):
    """What every change between two scenarios does to all measures, alone and together.

    Each named change is made alone to the base; all of them together give the improved design. What the joint
    effect has beyond the sum of the single ones is the interaction, so that the rows add up exactly.

    `side`: the design whose figures count; of the pair the second where it differs, else the first; `names`: names of
    changes with patterns of dotted paths; those of the base's claims file where none is given. A table: index change:
    the base's figures, each change's difference, their sum, the interaction, the joint difference and the improved
    figures; a column a measure in its unit, and the share of events that do not arrive. Every input is at its mode. A
    change made alone may do nothing without another; the interaction shows it.
    Source: first_case_code.
    """
    import pandas as pd

    base, improved = load(base), load(improved)
    groups = change_groups(base, improved, names)
    if not groups:
        checks.fail("the two scenarios must differ; got the same twice", base.place)
    changed = {path.split(".")[0] for group in groups.values() for path in group}
    first, second = base.compared
    side = base.design_name(side or (first if first in changed and second not in changed else second))
    start = pd.Series(_figures(base, side, users))
    single = {}
    for name, changes in groups.items():
        try:
            single[name] = pd.Series(_figures(_with(base, changes), side, users)) - start
        except checks.InputError as wrong:
            checks.fail(f"the change {name!r} must stand alone to be judged alone; {wrong}")
    every = {path: value for changes in groups.values() for path, value in changes.items()}
    end = pd.Series(_figures(_with(base, every), side, users))
    total = sum(single.values())
    rows = {
        base.name: start,
        **single,
        "sum of single changes": total,
        "interaction": end - start - total,
        "together": end - start,
        improved.name: end,
    }
    frame = pd.DataFrame.from_dict(rows, orient="index").rename_axis("change")
    return frame.rename(columns={k: f"{k} [{u}]" for k, u in UNITS.items()})


def side_by_side(designs: Mapping[str, tuple[Scenario | str, str]], users=None, published: str | None = None):
    """Designs of several scenarios in the columns of one table.

    `designs`: a column's name to a scenario and the name of its design; `published`: a claims file whose figures stand
    beside them. A table: index measure; unit, published (what the claims say of after), a column a design, and the
    best, all of them where several are alike.
    """
    import pandas as pd

    frame = pd.DataFrame({n: _figures(load(one), side, users) for n, (one, side) in designs.items()})
    best = [" and ".join(best_of(label, row)) for label, row in frame.iterrows()]
    if published:
        claimed = claims.by_measure(published)
        frame.insert(0, "published", [_claimed_words(claimed, label) for label in frame.index])
    frame.insert(0, "unit", pd.Series(UNITS))
    frame["best"] = best
    return frame.rename_axis("measure")


def _claimed_words(claimed: Mapping, label: str) -> str:
    """What the claims say of the new design on one row of the table."""
    claim = claimed.get(ROWS[label][0]) if label in ROWS else None
    if claim is None:
        return ""
    return claims.shown_range(claim.get("after")) or claim["text"].split(", ")[-1]
