"""What the tests of a batch share: a grid to run, and what it leaves in its folder."""

import json
from pathlib import Path

import pandas as pd
import small_notebooks


def given_to_run(folder, grid, body="", name="small.ipynb", **more):
    """A grid and a notebook written into a folder, and what `batch.run` takes to run them."""
    text = grid if isinstance(grid, str) else json.dumps(grid)
    (folder / "grid.yaml").write_text(text, encoding="utf-8")
    notebook = small_notebooks.small(folder / name, body) if body is not None else None
    return {
        "grid_path": folder / "grid.yaml",
        "out_dir": folder / "out",
        "jobs": 2,
        "notebooks": [notebook] if notebook else None,
        **more,
    }


def results(folder):
    return pd.read_csv(Path(folder) / "results.csv")


def manifest(folder):
    return json.loads((Path(folder) / "manifest.json").read_text())


def finished(folder):
    """The runs that are done."""
    return list(Path(folder, "runs").glob("small-*.ipynb"))
