"""The command `workbook`: the table in a terminal, the report, and the care of the stored notebooks."""

from __future__ import annotations

import functools
import os
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from model import checks, paths
from model.apps.cli import own_files, tables
from model.apps.cli import prices as price_commands
from model.apps.cli.new import new
from model.apps.cli.options import Format, OutDir, ScenarioName, TimeoutMin, Users, one_count, say, say_wrapped

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,
    no_args_is_help=True,
)


app.add_typer(price_commands.app, name="prices")
for command in (
    tables.answer,
    tables.table,
    tables.compare,
    tables.designs,
    tables.show,
    own_files.calibrate,
    own_files.replay,
    new,
):
    app.command()(command)
app.command("list")(tables.listed)


def _version(asked: bool) -> None:
    """Print the version and end."""
    if asked:
        from importlib.metadata import version

        say(f"push-or-poll {version('push-or-poll')}")
        raise typer.Exit


@app.callback()
def top(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="The version.")] = False,
) -> None:
    """How an app should tell its users what happened, and what each way costs.

    First: workbook answer twilly, or workbook new chat and then workbook answer chat.yaml
    """


@app.command()
def report(
    scenario: ScenarioName = "twilly",
    users: Users = None,
    out: OutDir = Path("report"),
    engine: Annotated[str, typer.Option(help="inprocess, or kernel for a kernel a notebook.")] = "inprocess",
    timeout: TimeoutMin = 30.0,
) -> None:
    """Run the notebooks and write them, an HTML page each with an index, and the tables."""
    from model.apps import report as reports

    count = one_count(users, "a report is of")
    try:
        index = reports.write_report(scenario, count, out, engine=engine, timeout_min=timeout)
    except RuntimeError as broken:
        sys.stderr.write(f"workbook: {checks.inert(str(broken))}\n")
        raise typer.Exit(1) from None
    say(f"report: {index}")


@app.command()
def accept(
    notebook: Annotated[list[str] | None, typer.Argument(help="Notebooks; all where none is named.")] = None,
    timeout: TimeoutMin = 30.0,
) -> None:
    """Run the notebooks again, show which numbers changed, and store them."""
    from model.apps import notebooks

    changes = notebooks.accept(notebook, timeout_min=timeout)
    for change in changes:
        say(str(change))
    if any(change.kind == "failed" for change in changes):
        raise typer.Exit(1)


@app.command()
def check(
    notebook: Annotated[list[str] | None, typer.Argument(help="Notebooks; all where none is named.")] = None,
    timeout: TimeoutMin = 30.0,
) -> None:
    """Run the notebooks again, in kernels as well, and fail on any number that differs from the stored one."""
    from model.apps import notebooks

    changes = notebooks.check(notebook, timeout_min=timeout)
    for line in [notebooks.summary(changes), *changes] if changes else ():
        say(str(line))
    if changes:
        raise typer.Exit(1)
    say("every stored number is what the notebooks give")


@app.command()
def schema(
    out: Annotated[Path | None, typer.Option("--out", "-o", help="File to write; else the screen.")] = None,
) -> None:
    """Write the JSON schema of a scenario file, for editors."""
    text = paths.data("scenarios", "schema.json").read_text(encoding="utf-8")
    if out is None:
        typer.echo(text, nl=False)
    else:
        try:
            out.write_text(text, encoding="utf-8")
        except OSError as wrong:
            checks.fail(f"the file cannot be written: {str(wrong.strerror).lower()}", out)
        say(f"schema: {out}")


@app.command()
def audit(
    scenario: ScenarioName = "twilly",
    claims: Annotated[str | None, typer.Option(help="A name in data/claims, or a .yaml file.")] = None,
    format: Annotated[Format, typer.Option(help="How to write the table.")] = Format.text,
    draws: Annotated[int, typer.Option(help="Draws of every range; 0 takes the modes.")] = 256,
    seed: Annotated[int, typer.Option(help="Seed of the draws.")] = 0,
    full: Annotated[bool, typer.Option("--full", help="Every figure, and why.")] = False,
) -> None:
    """Judge the published claims by their own arithmetic and by the model: a line for each headline.

    Example: workbook audit twilly --full
    """
    from model import audit as auditing
    from model.show import display

    judged = auditing.table(scenario, claims, draws, seed)
    title = judged.attrs["title"]
    shown = judged if format in (Format.csv, Format.json) else auditing.shown(judged)
    if format is not Format.text:
        return display.show(shown, str(format), title=title)
    say(title)
    for sentence in auditing.headlines(judged):
        say_wrapped(f"- {sentence}")
    if not full:
        return say(f"{len(judged)} figures are judged in all: workbook audit --full")
    display.show(shown.drop(columns="why"), "text")
    say("\nWhy:")  # below the table: a column as narrow as a terminal leaves is hard to read
    for figure, why in shown["why"].items():
        say_wrapped(f"{figure}: {why}")


@app.command()
def measure(
    out: OutDir = Path("measured"),
    what: Annotated[list[str] | None, typer.Option(help="bytes or timing; both where none is given.")] = None,
    quick: Annotated[bool, typer.Option(help="A few occurrences only, about 20 seconds.")] = False,
    port: Annotated[int, typer.Option(help="First port to listen on; 0 takes free ones.")] = 0,
    seed: Annotated[int, typer.Option(help="Seed of the order and the moments.")] = 1,
) -> None:
    """Measure polls and pushes on real sockets of this machine, and show the model beside them."""
    clone = paths.PACKAGE.parent
    if not (clone / "tools" / "bench").is_dir():
        checks.fail("the bench of real sockets is no part of the installed package; it is in `tools/bench` of a clone")
    options = ["--seed", str(seed), "--port", str(port), "--name", "workbook", *(["--quick"] if quick else [])]
    command = ["-P", "-m", "tools.bench", "--what", *(what or ("bytes", "timing")), *options, "--", str(out)]
    found = os.pathsep.join(filter(None, [str(clone), os.environ.get("PYTHONPATH")]))
    # the bench takes this process's place: Ctrl-C, a kill and the exit code are its own
    os.execve(sys.executable, [sys.executable, *command], {**os.environ, "PYTHONPATH": found})


@app.command()
def batch(
    grid: Annotated[Path, typer.Argument(help="A grid file.")],
    out: Annotated[str, typer.Option("--out", "-o", help="Folder or address to write to.")] = "batch",
    jobs: Annotated[int | None, typer.Option(help="Worker processes; as many as processors.")] = None,
    notebook: Annotated[list[str] | None, typer.Option(help="Notebooks to run, before the grid's own.")] = None,
    engine: Annotated[str, typer.Option(help="inprocess, or kernel for a kernel a run.")] = "inprocess",
    json: Annotated[bool, typer.Option("--json", help="A line of JSON an event on standard output.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Start a very large grid.")] = False,
    cluster: Annotated[str | None, typer.Option(help="Address of a Dask scheduler.")] = None,
    timeout: TimeoutMin = 30.0,
) -> None:
    """Run notebooks over a grid of scenarios, users, regions and any path of a scenario."""
    from model.apps import batch as batches

    if jobs is not None and jobs < 1:
        checks.fail(f"--jobs must be a whole number >= 1; got {jobs}")
    more = {"check_scenario": settling(), "timeout_min": timeout}
    raise typer.Exit(batches.run(grid, out, jobs, notebook, engine, json, yes, cluster, **more))


def settling():
    """A check for one batch: refuses parameters that make no scenario, and gives what the scenario says of itself."""
    from model import scenario as scenarios

    load, days = functools.cache(scenarios.load), {}  # a file is read, and a region's prices are, once for a whole plan

    def settled(given: dict, defaults: dict) -> dict:
        every = {**defaults, **given}
        if "scenario" not in every:
            return {}
        taken = {k: every[k] for k in ("users", "region") if k in (given if "scenario" in given else every)}
        made = load(str(every["scenario"])).with_({**taken, **(every.get("changes") or {})})
        which = (str(every["scenario"]), made.region, made.prices_on)
        if which not in days:
            days[which] = str(made.price_book().on)
        said = {"users": scenarios.mode_of(made.users), "region": made.region, "prices_on": days[which]}
        return {"scenario": every["scenario"], **said}

    return settled


@app.command()
def lab(
    port: Annotated[int, typer.Option(help="Port of this machine.")] = 8888,
    browser: Annotated[bool, typer.Option(help="Whether to open a browser.")] = True,
) -> None:
    """Open JupyterLab at the notebooks."""
    from model.apps import lab as opening

    opening.open_lab(port, browser)


@app.command("app")
def page_app(
    port: Annotated[int, typer.Option(help="Port of this machine.")] = 8866,
    browser: Annotated[bool, typer.Option(help="Whether to open a browser.")] = True,
) -> None:
    """Serve the page of sliders to a browser on this machine."""
    from model.apps import lab as opening

    opening.open_app(port, browser)


def spread(arguments: list[str]) -> list[str]:
    """`--users 1000 10000` written as an option a value, as the parser wants it."""
    out, taking = [], False
    for one in arguments:
        numeric = one.replace("_", "").replace(",", "").replace(".", "").replace("e", "").replace("+", "").isdigit()
        if taking and numeric and out[-1] not in ("--users", "-u"):
            out.append("--users")
        out.append(one)
        taking = one in ("--users", "-u") or (taking and numeric)
    return out


def _said(message, category, *place, ordinary=warnings.showwarning) -> None:
    """Say what looks like a slip in one sentence, and any other warning as Python does."""
    if not issubclass(category, checks.Unusual):
        return ordinary(message, category, *place)
    sys.stderr.write(f"workbook: {checks.inert(str(message))}\n")


def _mistyped(wrong: Any) -> str:
    """What was typed wrong, in one sentence with the nearest right name."""
    near = getattr(wrong, "possibilities", None) or ()
    if name := getattr(wrong, "option_name", ""):
        return f"unknown option {name!r}" + (f"; did you mean {' or '.join(map(repr, near))}?" if near else "")
    text = " ".join(wrong.format_message().split()).rstrip(".").replace(". Did you", "; did you")
    where = f" ({wrong.ctx.command_path} --help says what there is)" if wrong.ctx is not None else ""
    return text and text[0].lower() + text[1:] + where


def main() -> None:
    """Run the command; a user's mistake is one sentence and exit code 2, what looks like a slip a sentence."""
    warnings.showwarning = _said
    for stream in (sys.stdout, sys.stderr):  # a letter that a terminal's code page lacks is no error
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    usage: Any = typer.BadParameter.__base__  # typer has no public name for a mistake in what was typed
    try:
        code = app(args=spread(sys.argv[1:]), standalone_mode=False)
        print(end="", flush=True)
    except (checks.InputError, usage) as wrong:
        said = str(wrong) if isinstance(wrong, checks.InputError) else _mistyped(wrong)
        if said:  # nothing is said where the help is shown for want of a command
            sys.stderr.write(f"workbook: {checks.inert(said)}\n")
        raise SystemExit(2) from None
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("workbook: stopped\n")
        raise SystemExit(130) from None
    except OSError as wrong:  # a disk that is full, a folder that is gone
        sys.stdout = None  # Python would try once more to write what found no room
        said = (wrong.strerror or str(wrong)).lower() if paths.here() else "the working folder has been deleted"
        sys.stderr.write(f"workbook: {checks.inert(said + checks.place_text(wrong.filename))}\n")
        raise SystemExit(1) from None
    raise SystemExit(code if isinstance(code, int) else 0)
