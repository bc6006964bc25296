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

import functools
import hashlib
import itertools
import json
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path

from model import checks, paths
from model.apps.notebooks import checked, find, no_secret, parameters_of

LIMIT_RUNS = 500
CHANGES = "changes"
SCENARIO = re.compile(r"[A-Za-z0-9][\w-]*|[^<>\x00-\x1f]+\.ya?ml")


@dataclass(frozen=True)
class GridRun:
    """One notebook with one set of parameters; the key stands for all that its outcome depends on.

    The name stands for the point only: made anew after a change, a run takes the place of the old one.
    """

    notebook: Path
    parameters: dict
    key: str
    facts: dict = field(default_factory=dict)  # scenario, users, region and day of the prices

    @property
    def name(self) -> str:
        """The name of its file: nothing of it comes from what a user typed into the grid."""
        point = json.dumps([self.notebook.name, self.parameters], sort_keys=True)
        return f"{self.notebook.stem}-{hashlib.sha256(point.encode()).hexdigest()[:16]}.ipynb"

    def in_words(self) -> str:
        """The run in a line for a person."""
        return ", ".join(f"{k}={checks.shown(v)}" for k, v in self.parameters.items()) or "as it stands"


def read(path: Path) -> dict:
    """The grid file as a mapping of notebooks, grid and points."""
    from model import scenario

    spec = scenario.read_yaml(path)
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


def points(spec: dict) -> Iterator[dict]:
    """Every point: each listed one combined with every combination of the grid."""
    for listed in spec["points"] or [{}]:
        for values in itertools.product(*spec["grid"].values()):
            yield {**{str(k): v for k, v in listed.items()}, **dict(zip(spec["grid"], values, strict=True))}


def plan(
    path: Path,
    notebooks: Iterable | None = None,
    yes: bool = False,
    check_scenario: Callable[[dict, dict], dict | None] | None = None,
) -> list[GridRun]:
    """All runs of a grid, each parameter checked against its notebook and its scenario."""
    path = Path(path)
    spec = read(path)
    found = [find(n, path) for n in (notebooks or spec["notebooks"] or ["01_before_after"])]
    known = {n: parameters_of(n) for n in found}
    count = math.prod(map(len, spec["grid"].values())) * len(spec["points"] or [{}]) * len(found)
    if count > LIMIT_RUNS and not yes:
        checks.fail(f"the grid has {count:,} runs, more than {LIMIT_RUNS:,}; say --yes to start them", path)
    key_of, runs = _keys(), {}
    for notebook in found:
        for point in points(spec):
            given = checked(known[notebook], _split(point, known[notebook], notebook.name, path), notebook.name, path)
            given = {k: _found_file(v, path) for k, v in given.items()}
            facts = _settled(check_scenario, given, known[notebook], path) if check_scenario is not None else {}
            if "scenario" in given:
                given |= {k: v for k, v in facts.items() if k in known[notebook] and k not in given}
            run = GridRun(notebook, given, key_of(notebook, given), facts)
            runs.setdefault(run.name, run)
    return list(runs.values())


def _settled(check_scenario: Callable, given: dict, known: dict, place: Path) -> dict:
    """What the scenario of a point says itself; a refusal names the point and the grid."""
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


# ---- what the outcome of a run depends on, as one hash: notebook, parameters, data, package, named files


def _keys() -> Callable[[Path, Mapping], str]:
    """The hash of a run by its notebook and parameters; every file is read once for a whole plan."""
    data, package = data_hash(), package_hash()
    source_of, hash_of = functools.cache(source_hash), functools.cache(_file_hash)

    def key(notebook: Path, parameters: Mapping) -> str:
        files = {str(f): hash_of(f) for v in _texts(parameters) if _is_file(v) for f in _with_bases(v)}
        own = {"notebook": notebook.name, "source": source_of(notebook), "parameters": dict(parameters)}
        parts = {**own, "files": files, "data": data, "package": package}
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    return key


def fingerprints(runs: Iterable[GridRun]) -> dict:
    """The hashes of all that the runs depend on, for the manifest."""
    sources = {n.name: source_hash(n) for n in sorted({r.notebook for r in runs})}
    return {"data": data_hash(), "package": package_hash(), "notebooks": sources}


def source_hash(notebook: Path) -> str:
    """The hash of a notebook's cells without their outputs."""
    import nbformat

    cells = nbformat.read(notebook, as_version=4).cells
    kept = [(c.cell_type, c.source, sorted(c.metadata.get("tags", ()))) for c in cells]
    return hashlib.sha256(json.dumps(kept).encode()).hexdigest()


def data_hash() -> str:
    """The hash of all data files, but for what is written about them."""
    return _tree_hash(paths.data(), "*")


def package_hash() -> str:
    """The version of the package and the hash of its code, which an editable checkout changes unversioned."""
    try:
        version = metadata.version("push-or-poll")
    except metadata.PackageNotFoundError:
        version = "not installed"
    return f"{version} {_tree_hash(paths.PACKAGE, '*.py')}"


def _tree_hash(folder: Path, pattern: str) -> str:
    total = hashlib.sha256()
    for path in sorted(folder.rglob(pattern)):
        hidden = any(part.startswith((".", "__pycache__")) for part in path.relative_to(folder).parts)
        if path.is_file() and not hidden and path.suffix != ".md":
            total.update(f"{path.relative_to(folder).as_posix()} {_file_hash(path)}\n".encode())
    return total.hexdigest()


def _file_hash(path: str | Path) -> str:
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def _texts(value: object) -> list[str]:
    if isinstance(value, str):
        return [value]
    values = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return [t for v in values for t in _texts(v)]


def _with_bases(text: str) -> tuple:
    """A file with whatever it extends: a scenario is made of all of them."""
    from model import scenario

    try:
        return scenario.files(text) if text.endswith((".yaml", ".yml")) else (text,)
    except checks.InputError:  # some other YAML
        return (text,)


def _is_file(text: str) -> bool:
    try:
        return Path(text).is_absolute() and Path(text).is_file()
    except OSError:
        return False
