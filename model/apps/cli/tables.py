"""`workbook table`, `compare`, `designs`, `list` and `show`: the tables in a terminal."""

from __future__ import annotations

import itertools
from enum import StrEnum
from typing import Annotated

import typer

from model import checks
from model.apps.cli import prices as price_commands
from model.apps.cli.options import (
    Changes,
    Format,
    Region,
    ScenarioName,
    Users,
    one_count,
    say,
    say_wrapped,
    scenario_of,
    user_counts,
)

Kind = StrEnum("Kind", "scenarios designs regions phones profiles platforms claims")
LISTS = {  # kind -> file of data, columns
    "phones": ("devices.csv", ["phone", "battery_wh", "year"]),
    "profiles": ("radio/profiles.csv", ["name", "access", "phone", "good_for", "not_for"]),
    "platforms": ("platforms.csv", ["platform", "way", "runs", "says"]),
}
SHOWN_DRAWS = 1024  # of a table in a terminal
Draws = Annotated[int | None, typer.Option(help="Draws of every range; 0 takes the modes. 1024 in a terminal.")]


def table(
    scenario: Annotated[list[str] | None, typer.Argument(help="Names in data/scenarios, or .yaml files.")] = None,
    users: Users = None,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text,
    draws: Draws = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    pair: Annotated[
        tuple[str, str] | None, typer.Option(help="The two designs; the scenario's pair if left out.")
    ] = None,
    changes: Changes = None,
    region: Region = None,
    explain: Annotated[
        str | None, typer.Option(help="latency, battery, data, load or cost: where its figures come from.")
    ] = None,
) -> None:
    """Print what the move between two designs changes, in words and as a table, and below it all designs.

    Several scenarios stand side by side, the two designs of each.

    Example: workbook table twilly --users 1e3 1e5 --set after.heartbeat.period_s=240 --region eu-west-1
    """
    from model.outcome import before_after, evaluate
    from model.outcome.evaluation import paired
    from model.show import display

    case, *others = (paired(scenario_of(name, changes, region), pair) for name in scenario or ["twilly"])
    counts, draws = user_counts(users), _drawn(draws, format)
    if others:
        title = f"{'; '.join(one.title for one in (case, *others))}; {_draws_words(draws)}"
        return display.show(_beside([case, *others], counts, draws, seed), str(format), title=title)
    title = f"{case.title}: {_pair_words(case)}; {_draws_words(draws)}"
    if format is not Format.text or len(counts or ()) > 1:
        return display.show(before_after(case, counts, draws, seed), str(format), title=title)
    every = list(case.designs) if pair is None else case.compared
    outcome = evaluate(case, counts, draws, seed, designs=every)
    if explain is not None:
        return _explained(outcome.explain(explain))
    if draws:
        from model.answers import move

        for sentence in move(outcome):
            say_wrapped(f"- {sentence}")
    display.show(outcome.table(), "text", title=title)
    if len(every) > 2:
        display.show(_each_design(outcome), "text", title="\nEvery design (all rows: workbook compare)")


def _each_design(outcome):
    """A row a design: what is told in time, and what that costs the phone and the bill."""
    import pandas as pd

    from model.outcome.draws import spanned
    from model.outcome.tables import ROWS

    rows: dict[str, dict] = {}
    for name, row in itertools.product(outcome.scenario.designs, ("told in time 10 s", "battery", "cost")):
        one = spanned(f"{row} [{ROWS[row][2]}]", outcome.values(row, name)[:, 0])
        rows.setdefault(name, {}).update(one if outcome.draws else {k: v for k, v in one.items() if "]_" not in k})
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("design")
    return table.rename(index=lambda name: name.replace("_", " "))


def _beside(cases: list, counts, draws: int, seed: int):
    """The two designs of several scenarios side by side, each column with its scenario before it."""
    import pandas as pd

    from model.outcome import compare as compared

    tables = [compared(case, case.compared, counts, draws, seed) for case in cases]
    steps, parts, remarks = {}, [tables[0][["unit"]]], []
    for number, (case, one) in enumerate(zip(cases, tables, strict=True), 1):
        twice = [other.name for other in cases].count(case.name) > 1
        name = f"{case.name} {number}" if twice else case.name
        parts.append(one.drop(columns=["unit", "best", "p_best"], errors="ignore").add_prefix(f"{name} "))
        steps |= {(row, f"{name} {column}"): words for (row, column), words in one.attrs.get("steps", {}).items()}
        notes = [f"{row} of {d} is n/a: {why}." for (d, row), why in one.attrs.get("notes", {}).items()]
        remarks += [f"{name}: {line}" for line in (*one.attrs.get("remarks", ()), *notes)]
    table = pd.concat(parts, axis=1)
    table.attrs.update(steps=steps, remarks=remarks, notes={})
    return table


def _explained(found: dict) -> None:
    """Print where a measure comes from: its formula, and the inputs that move it most."""
    from model.show import display

    say_wrapped(f"{found['measure']} [{found['unit']}] = {found['formula']}", indent="")
    inputs = found["inputs"][["low", "mode", "high", "swing", "source"]].head(10)
    display.show(inputs, "text", title=f"The inputs that move it most, from low to high ({found['unit']})")


def _drawn(draws: int | None, form: Format) -> int:
    """The draws of a table: a person is shown ranges, a program the modes, where nothing is asked for."""
    return (SHOWN_DRAWS if form == Format.text else 0) if draws is None else draws


def _draws_words(draws: int) -> str:
    return f"the middle of {draws:,} draws and what 90 % of them lie between" if draws else "every input at its mode"


def _pair_words(case) -> str:
    """Which two designs a table compares, by their titles."""
    first, second = (case.design(name).title for name in case.compared)
    return f"{first} (before), {second} (after)"


def compare(
    scenario: ScenarioName = "twilly",
    design: Annotated[list[str] | None, typer.Argument(help="Names of designs; all where none is named.")] = None,
    users: Users = None,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text,
    draws: Draws = None,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    changes: Changes = None,
    region: Region = None,
) -> None:
    """Print the designs of a scenario side by side.

    Example: workbook compare chat after websocket_own_server --region eu-west-1
    """
    from model.outcome import compare as compared
    from model.show import display

    case = scenario_of(scenario, changes, region)
    draws = _drawn(draws, format)
    table = compared(case, design, user_counts(users), draws, seed)
    display.show(table, str(format), title=f"{case.title}: {_draws_words(draws)}")


def answer(
    scenario: ScenarioName = "twilly",
    users: Users = None,
    share: Annotated[float, typer.Option(help="Of those in the app, who must be told in time: 0.9, 0.95, 0.99.")] = 0.9,
    draws: Annotated[int, typer.Option(help="Draws of every range.")] = 1024,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    changes: Changes = None,
    region: Region = None,
) -> None:
    """Say which design to take, why, how sure that is and what would change it.

    Example: workbook answer twilly --users 1e5 --share 0.95
    """
    from model.answers import answer as answered
    from model.show import display

    count, case = one_count(users, "an answer is of"), scenario_of(scenario, changes, region)
    found = answered(case, count, draws, share, seed)
    for sentence in found.sentences:
        say_wrapped(f"- {sentence}")
    titles, table = {name: one.title for name, one in case.designs.items()}, found.frontier
    table.index = [f"{limit_s:g} s: {titles.get(one, one)}" for limit_s, one in table[["limit_s", "design"]].to_numpy()]
    title = f"Designs that no other beats in both cost [USD/month] and share told within a limit; {_draws_words(draws)}"
    shown = table.drop(columns=["limit_s", "design", "verdict"]).rename_axis("limit: design")
    display.show(
        shown, "text", title=f"{title}; odds: the share of draws in which it is the cheapest that is soon enough"
    )


def designs(format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text) -> None:
    """List the designs that come with the project; a scenario takes one with `like: NAME`."""
    listed(Kind.designs, format)


def listed(
    kind: Annotated[Kind, typer.Argument(help="What to list.")],
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text,
) -> None:
    """List what a scenario may name: scenarios, designs, regions, phones, radio profiles, platforms, claims."""
    import pandas as pd

    from model import paths
    from model.scenario import catalogue, read_yaml
    from model.show import display

    if kind is Kind.regions:
        table = price_commands.books()
    elif kind is Kind.designs:
        table = catalogue()
    elif kind in LISTS:
        file, columns = LISTS[kind]
        table = pd.read_csv(paths.data(file), index_col=0, usecols=columns, dtype=str, keep_default_na=False)
    else:
        files = {path.stem: read_yaml(path) for path in sorted(paths.data(kind).glob("*.yaml"))}
        table = pd.DataFrame({"title": {name: one["title"] for name, one in files.items() if "title" in one}})
    display.show(table.rename_axis(kind), str(format), title=f"{kind} that a scenario may name".capitalize())


def show(
    scenario: ScenarioName = "twilly",
    measure: Annotated[
        str, typer.Option(help="latency, battery, data, load or cost: what inputs are to move.")
    ] = "cost",
    whole: Annotated[bool, typer.Option("--all", help="Every input with the file that says it.")] = False,
    format: Annotated[Format, typer.Option(help="How to write the table of every input.")] = Format.text,
) -> None:
    """Show which inputs a scenario says itself, which it takes from where, and which assumed ones matter most."""
    import pandas as pd

    from model.outcome import MEASURES, evaluate
    from model.scenario import files, load, origins
    from model.show import display

    case, _ = load(scenario), checks.known("measure", measure, MEASURES)
    rows = {
        path: {"value": display.spanned(value), "from": said[0][0], "source": getattr(value, "source", None) or ""}
        for path, (value, said) in origins.sayings(case, files(scenario)).items()
    }
    every = pd.DataFrame.from_dict(rows, orient="index").rename_axis("input")
    if whole or format is not Format.text:
        return display.show(every, str(format), title=f"{case.title}: every input")
    own = every[every["from"] == case.place]
    display.show(own[["value"]], "text", title=f"Yours: {len(own)} inputs that {case.place} says")
    others = every.drop(own.index).assign(inputs=1, assumed=every["source"] == "assumption")
    counts = others.groupby("from", sort=False)[["inputs", "assumed"]].sum()
    display.show(counts, "text", title="Taken from other files, and how many of them are assumed")
    try:
        answer = evaluate(case).explain(measure)
    except checks.InputError as unknown:  # a price that is missing, or one design alone
        return say(f"Which assumed inputs move {measure} is not known: {unknown}")
    moved = answer["inputs"].drop(own.index, errors="ignore")
    moved = moved[(moved["source"] == "assumption") & (moved["swing"] > 0)][["low", "mode", "high", "swing"]].head(8)
    display.show(moved, "text", title=f"Assumed, and moving {measure} most ({answer['unit']}); measure these first")
