"""A grid file as a list of runs, all of them checked before one starts.

```yaml
notebooks: [01_before_after]            # or --notebook
grid:                                   # every combination
  users: [1000, 10000, 100000]
  after.heartbeat.period_s: [30, 240]   # a path into the scenario: goes to the parameter `changes`
points:                                 # and/or a list of points, each combined with the grid
  - {scenario: twilly, region: us-east-1}
```
"""

from __future__ import annotations

import hashlib
import itertools
import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from model import checks
from model.apps.batch.fingerprint import Fingerprints
from model.apps.notebooks.parameters import checked, find, parameters_of
from model.apps.notebooks.plain import no_secret

__all__ = ["LIMIT_RUNS", "Run", "plan", "read"]

LIMIT_RUNS = 500
CHANGES = "changes"
SCENARIO = re.compile(r"[A-Za-z0-9][\w-]*|[^<>\x00-\x1f]+\.ya?ml")


@dataclass(frozen=True)
class Run:
    """One notebook with one set of parameters; the key stands for all that its outcome depends on.

    The name stands for the point only: made anew after a change, a run takes the place of the old one.
    """

    notebook: Path
    parameters: dict
    key: str

    @property
    def name(self) -> str:
        """The name of its file: nothing of it comes from what a user typed into the grid."""
        point = json.dumps([self.notebook.name, self.parameters], sort_keys=True)
        return f"{self.notebook.stem}-{hashlib.sha256(point.encode()).hexdigest()[:16]}.ipynb"

    def told(self) -> str:
        """The run in a line for a person."""
        return ", ".join(f"{k}={checks.shown(v)}" for k, v in self.parameters.items()) or "as it stands"


def read(path: Path) -> dict:
    """The grid file as a mapping of notebooks, grid and points."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    try:
        spec = YAML(typ="safe", pure=True).load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        checks.fail(f"cannot read the grid: {error.strerror}", path)
    except RecursionError:
        checks.fail("the grid holds itself: an alias inside its own anchor", path)
    except (YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        checks.fail(f"the grid is no plain YAML: {getattr(error, 'problem', None) or error}", f"{path}{line}")
    if not isinstance(spec, dict):
        checks.fail("a grid must be a mapping with 'grid' or 'points'", path)
    for name in spec:
        checks.known("key", name, ("notebooks", "grid", "points"), path)
    grid, listed = spec.get("grid") or {}, spec.get("points") or []
    if not isinstance(grid, dict) or not isinstance(listed, list) or not all(isinstance(p, dict) for p in listed):
        checks.fail("'grid' must be a mapping of lists and 'points' a list of mappings", path)
    grid = {str(k): v if isinstance(v, list) else [v] for k, v in grid.items()}
    empty = [k for k, v in grid.items() if not v]
    if empty or not (grid or listed):
        checks.fail(f"the grid is empty{': no values for ' + empty[0] if empty else ''}", path)
    names = spec.get("notebooks") or []
    if not isinstance(names, (str, list)) or not all(isinstance(one, str) for one in names):
        checks.fail(f"notebooks must be a name or a list of names; got {checks.shown(names)}", path)
    return {"notebooks": [names] if isinstance(names, str) else names, "grid": grid, "points": listed}


def points(spec: dict) -> list[dict]:
    """Every point: each listed one combined with every combination of the grid."""
    names = list(spec["grid"])
    combinations = [dict(zip(names, v, strict=True)) for v in itertools.product(*spec["grid"].values())]
    return [{**{str(k): v for k, v in p.items()}, **c} for p in spec["points"] or [{}] for c in combinations]


def plan(
    path: Path,
    notebooks: Iterable | None = None,
    yes: bool = False,
    limit: int = LIMIT_RUNS,
    check_scenario: Callable[[dict, dict], dict | None] | None = None,
) -> list[Run]:
    """All runs of a grid, each parameter checked against its notebook and its scenario."""
    path = Path(path)
    spec = read(path)
    found = [find(n, path) for n in (notebooks or spec["notebooks"] or ["01_before_after"])]
    known = {n: parameters_of(n) for n in found}
    count = len(points(spec)) * len(found)
    if count > limit and not yes:
        checks.fail(f"the grid has {count:,} runs, more than {limit:,}; say --yes to start them", path)
    prints, runs = Fingerprints(), {}
    for notebook in found:
        for point in points(spec):
            given = checked(known[notebook], _split(point, known[notebook], notebook.name, path), notebook.name, path)
            given = {k: _found_file(v, path) for k, v in given.items()}
            if check_scenario is not None:
                given |= _settled(check_scenario, given, known[notebook], path)
            run = Run(notebook, given, prints.key(notebook, given))
            runs.setdefault(run.name, run)
    return list(runs.values())


def _settled(check_scenario: Callable, given: dict, known: dict, place: Path) -> dict:
    """What the scenario of a point adds to it; a refusal names the point and the grid."""
    try:
        return check_scenario(given, {k: p.default for k, p in known.items()}) or {}
    except checks.InputError as wrong:
        point = ", ".join(f"{k}={checks.shown(v)}" for k, v in given.items())
        checks.fail(f"{wrong}; at the point {point}", place)
    except RecursionError:
        checks.fail("a value of the grid holds itself", place)


def _split(point: dict, known: dict, notebook: str, place: Path) -> dict:
    """A point as parameters: paths into the scenario are gathered under `changes`."""
    given, changes = {}, {}
    for name, value in point.items():
        no_secret(name, value, place)
        if name not in known and "." in name:
            if CHANGES not in known:
                checks.fail(f"{notebook} has no parameter '{CHANGES}', so {name} cannot change in it", place)
            changes[name] = value
        else:
            given[name] = value
    if changes:
        own = given.get(CHANGES) or {}
        given[CHANGES] = {**own, **changes} if isinstance(own, dict) else own
    scenario = given.get("scenario")
    if isinstance(scenario, str) and not SCENARIO.fullmatch(scenario):
        checks.fail(
            "scenario must be a name of letters, digits, - and _ or the path of a .yaml file; "
            f"got {checks.shown(scenario)}",
            place,
        )
    return given


def _found_file(value: object, grid: Path) -> object:
    """The path of a file beside the grid or in the present folder, made absolute: notebooks run elsewhere."""
    if isinstance(value, str) and re.search(r"\.(ya?ml|csv|json)$", value):
        for folder in (grid.parent, Path.cwd()):
            if (folder / value).is_file():
                return str((folder / value).resolve())
    return value
