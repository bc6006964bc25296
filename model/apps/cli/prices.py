"""`workbook prices`: what AWS's meters cost in a region, prices added from files that a user has, what changed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from model import checks

app = typer.Typer(no_args_is_help=True, help="Prices by region; add those of AWS's own files.")
Folder = Annotated[Path | None, typer.Option(help="A folder of price files; the project's own if left out.")]


@app.command("list")
def regions(folder: Folder = None) -> None:
    """List the regions, each with how many meters it has and lacks and the day of its newest row."""
    from model.show import display

    display.show(books(folder), "text", title="Price books")


def books(folder: Path | None = None):
    """The regions with prices: meters that each has and lacks, and the day of its newest row."""
    import pandas as pd

    from model import prices

    rows = {}
    for region in sorted(prices.regions(folder)):
        book = prices.book(region, folder=folder)
        newest = max(row.effective_from for row in book.rows)
        rows[region] = {"meters": len(book.meters), "lacks": len(book.missing), "newest": str(newest)}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("region")


@app.command()
def show(
    region: Annotated[str, typer.Argument(help="A region such as eu-central-1.")],
    on: Annotated[str | None, typer.Option(help="A day such as 2026-09-30; the newest rows if left out.")] = None,
    folder: Folder = None,
) -> None:
    """Show the price of every meter in a region, tier by tier, and the meters that it lacks."""
    import pandas as pd

    from model import prices
    from model.show import display

    book = prices.book(region, on, folder=folder)
    rows = [
        {
            "meter": row.meter,
            "above": f"{row.tier_from:,f}",
            "USD": f"{row.price_usd:f}",
            "unit": row.unit,
            "since": str(row.effective_from),
            "source": row.source,
        }
        for meter in book.meters
        for row in book.tiers(meter)
    ]
    display.show(pd.DataFrame(rows).set_index("meter"), "text", title=f"{region} on {book.on}")
    if book.missing:
        typer.echo(f"No price here of {', '.join(book.missing)}.")


@app.command()
def add(
    files: Annotated[list[Path], typer.Argument(help="Offer files, GetProducts answers or pricing pages' JSON.")],
    folder: Folder = None,
) -> None:
    """Add the prices of AWS's own files as new dated rows, and show what changed."""
    _refreshed(files, folder, write=True)


@app.command()
def diff(
    files: Annotated[list[Path], typer.Argument(help="Offer files, GetProducts answers or pricing pages' JSON.")],
    folder: Folder = None,
) -> None:
    """Show what `add` would change, and write nothing."""
    _refreshed(files, folder, write=False)


def _refreshed(files: list[Path], folder: Path | None, write: bool) -> None:
    from model import readers
    from model.show import display

    if folder is not None and not folder.is_dir():
        checks.fail("the folder of price files must exist", folder)
    rows = [row for file in files for row in readers.load_price_list(file)]
    table = readers.refresh(rows, folder, write)
    if not len(table):
        typer.echo("no price has changed")
        return
    display.show(table.set_index("region"), "text", title="Added" if write else "Would be added")
