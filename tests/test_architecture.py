"""The house stands as it was drawn: imports go one way, and each kind of library has its room."""

import ast
import re
import subprocess
import sys

import pytest

from model import paths

LAYERS = [  # a module may import from its own layer's engines and from layers above it in this list
    {"checks", "paths", "_kernels"},
    {"ledger", "display"},
    {
        "price_rows",
        "prices",
        "metering",
        "metering_rules",
        "metering_backend",
        "wire",
        "radio",
        "queueing",
        "cold_starts",
        "_cold_loop",
        "_latency_loop",
        "storm",
        "_storm_loop",
        "billing",
        "day",
        "capacity",
    },
    {"scenario", "scenario_checks", "sampling", "claims"},
    {"traffic"},
    {"exchange", "airtime"},
    {"cost", "cost_flows", "latency", "battery", "mobile_data", "server_load", "load_rates", "load_limits", "drops"},
    {"compare", "migration"},
    {"audit", "uncertainty", "break_even"},
    {"charts", "explore", "tables"},
    {
        "pictures",
        "notebook_engine",
        "engine_entry",
        "notebook_isolation",
        "notebook_shell",
        "batch",
        "stored",
        "report",
        "reporting",
        "cli",
        "lab",
    },
]
RANK = {name: k for k, layer in enumerate(LAYERS) for name in layer}
OUTCOMES = {"cost", "latency", "battery", "mobile_data", "server_load"}


def sources():
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        module = path.relative_to(paths.PACKAGE).with_suffix("").parts
        if module[-1] == "__init__" and len(module) == 1:
            continue
        yield module[0], path


def imported(path):
    """Every module of this package that a file imports, and every outside library it imports at the top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    top = {id(n) for n in tree.body}
    inside, outside = set(), set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            parts = node.module.split(".")
            if parts[0] == "model":
                inside |= {parts[1]} if len(parts) > 1 else {a.name for a in node.names}
            elif id(node) in top:
                outside.add(parts[0])
        elif isinstance(node, ast.Import):
            for alias in node.names:
                parts = alias.name.split(".")
                if parts[0] == "model" and len(parts) > 1:
                    inside.add(parts[1])
                elif id(node) in top:
                    outside.add(parts[0])
    return inside, outside


def test_the_package_never_imports_the_tools_beside_it():
    named = re.compile(r"^\s*(import|from)\s+tools\b", re.M)
    assert [path for _, path in sources() if named.search(path.read_text(encoding="utf-8"))] == []


def rank(name: str) -> int:
    for known in (name, name.split("_")[0]):
        if known in RANK:
            return RANK[known]
    raise AssertionError(f"{name} has no place in the house; give it one in this test")


@pytest.mark.parametrize(
    ("name", "path"), [pytest.param(n, p, id=str(p.relative_to(paths.PACKAGE))) for n, p in sources()]
)
def test_imports_go_one_way(name, path):
    inside, _ = imported(path)
    for other in inside - {name, "InputError"}:
        if (paths.PACKAGE / f"{other}.py").exists() or (paths.PACKAGE / other).is_dir():
            allowed = name == "scenario_checks" or rank(other) <= rank(name)
            assert allowed, f"{name} must not import {other}"


@pytest.mark.parametrize(
    ("name", "path"), [pytest.param(n, p, id=str(p.relative_to(paths.PACKAGE))) for n, p in sources() if n in OUTCOMES]
)
def test_outcome_modules_never_import_each_other(name, path):
    assert not (imported(path)[0] & OUTCOMES) - {name}


def test_plotly_is_imported_in_charts_and_pictures_only():
    for _, path in sources():
        if "plotly" in path.read_text(encoding="utf-8").split("import ", 1)[-1] and path.stem not in (
            "charts",
            "pictures",
        ):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            names = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
            names |= {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
            assert (
                "plotly" not in names
                or path.parts[-2] in ("report", "stored", "explore")
                or path.stem in ("notebook_isolation", "explore")
            ), path


def test_import_model_loads_no_heavy_library():
    heavy = "pandas plotly scipy numba pydantic papermill"
    code = f"import sys, model; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_source_mentions_a_path_of_a_machine_or_the_folder_of_facts():
    for _, path in sources():
        text = path.read_text(encoding="utf-8")
        assert "/work/" not in text and "../shared" not in text and "/root/" not in text, path


def test_no_line_is_longer_than_the_project_says():
    most = int(re.search(r"line-length = (\d+)", (paths.PACKAGE.parent / "pyproject.toml").read_text()).group(1))
    long = [
        f"{path.name}:{k}"
        for folder in ("model", "tests", "tools")
        for path in sorted((paths.PACKAGE.parent / folder).rglob("*.py"))
        for k, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if len(line) > most
    ]
    assert long == []
