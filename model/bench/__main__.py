"""`python -m model.bench FOLDER`: measure, then show the model beside it."""

from __future__ import annotations

import argparse
import sys

from model import bench, checks


def main(arguments: list[str] | None = None) -> int:
    """Exit code: 0 measured, 2 a mistake told in one sentence, 130 stopped."""
    parser = argparse.ArgumentParser(prog="python -m model.bench", description=bench.__doc__.split("\n")[0])
    parser.add_argument("folder", help="where the CSV files go")
    parser.add_argument("--what", nargs="+", default=["bytes", "timing"], help="bytes, timing or both")
    parser.add_argument("--quick", action="store_true", help="a few occurrences only, about 20 seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--port", type=int, default=0, help="first port; 0 takes free ones")
    chosen = parser.parse_args(arguments)
    try:
        files = bench.measure(
            chosen.folder,
            what=chosen.what,
            quick=chosen.quick,
            seed=chosen.seed,
            port=chosen.port,
            progress=told if sys.stderr.isatty() else None,
        )
        for what in chosen.what:
            print(bench.compare(chosen.folder, what=what).to_string())
    except checks.InputError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("stopped; nothing half-written is left", file=sys.stderr)
        return 130
    print("\n".join(str(path) for path in files.values()))
    return 0


def told(done: int, total: int, name: str) -> None:
    """Progress on one line."""
    print(f"\r{done}/{total} {name:<40}", end="", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
