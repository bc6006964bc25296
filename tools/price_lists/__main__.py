"""`python -m tools.price_lists FILE ...` or `--live REGION`: add the prices of AWS's lists, show what changed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from model import checks
from tools import price_lists


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 read, 2 a mistake told in one sentence."""
    parser = argparse.ArgumentParser(prog="python -m tools.price_lists", description=price_lists.__doc__)
    parser.add_argument("files", nargs="*", help="index.json or index.csv of a service, as downloaded from AWS")
    parser.add_argument("--live", metavar="REGION", help="ask AWS's price service instead (needs the extra aws)")
    parser.add_argument("--folder", help="the folder of price files; data/prices where none is given")
    parser.add_argument("--look", action="store_true", help="show what would change, write nothing")
    chosen = parser.parse_args(arguments)
    try:
        if bool(chosen.files) == bool(chosen.live):
            checks.fail("give price list files, or --live with a region")
        rows = (
            price_lists.live(chosen.live)
            if chosen.live
            else [row for file in chosen.files for row in price_lists.load_price_list(Path(file))]
        )
        table = price_lists.refresh(rows, chosen.folder, write=not chosen.look)
    except checks.InputError as error:
        print(f"price_lists: {error}", file=sys.stderr)
        return 2
    print(table.to_string(index=False) if len(table) else "no price has changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
