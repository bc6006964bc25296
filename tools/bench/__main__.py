"""`python -m tools.bench FOLDER`: measure, then show the model beside it."""

from __future__ import annotations

import argparse
import sys
from contextlib import nullcontext

from model import checks
from tools import bench


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 measured, 2 a mistake told in one sentence, 130 stopped."""
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=bench.__doc__.split("\n")[0])
    parser.add_argument("folder", help="where the CSV files go")
    parser.add_argument("--what", nargs="+", default=["bytes", "timing"], help="bytes, timing or both")
    parser.add_argument("--quick", action="store_true", help="a few occurrences only, about 20 seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="first port; 0 takes free ones")
    parser.add_argument("--name", default="bench", help="what its sentences on stderr begin with")
    chosen = parser.parse_args(arguments)
    try:
        measured(chosen)
    except checks.InputError as error:
        print(f"{chosen.name}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"{chosen.name}: stopped; nothing half-written is left", file=sys.stderr)
        return 130
    return 0


def measured(chosen: argparse.Namespace) -> None:
    """Measure with a bar on the terminal, then print the comparisons and the files."""
    from rich.console import Console
    from rich.progress import Progress

    from model.show import display
    from model.wire import measured as counted
    from tools.bench import delays as timed

    with Progress(console=Console(stderr=True), transient=True) if sys.stderr.isatty() else nullcontext() as bar:
        task = bar.add_task("measuring", total=None) if bar else None
        told = bar and (lambda done, total, name: bar.update(task, completed=done, total=total, description=name))
        files = bench.measure(
            chosen.folder, what=chosen.what, quick=chosen.quick, seed=chosen.seed, port=chosen.port, progress=told
        )
    tables = {"bytes": counted.compare, "timing": timed.compare}
    for what in chosen.what:
        print(display.result(tables[what](chosen.folder), name=what, digits=4).to_text())
    print("\n".join(str(path) for path in files.values()))


if __name__ == "__main__":
    sys.exit(main())
