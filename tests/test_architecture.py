"""The house: rooms in one order, no circles, and budgets that keep it small."""

import ast
import functools
import graphlib
import io
import re
import subprocess
import sys
import tokenize
from collections import Counter

import pytest

from model import paths

ROOMS = [  # a room uses rooms of lines above its own in this list, never its own line
    {"checks", "paths", "compiling"},
    {"ledger", "show", "documents"},
    {"prices", "wire", "radio", "queueing", "storm", "backends"},
    {"parts", "readers"},
    {"scenario"},
    {"life"},
    {"traffic", "claims"},
    {"latency", "battery", "mobile_data", "server_load", "cost"},
    {"outcome"},
    {"audit", "ranges", "calibration"},
    {"answers"},
    {"apps"},
]
RANK = {room: line for line, rooms in enumerate(ROOMS) for room in rooms}
APPS = {"cli", "lab", "batch", "notebooks", "report", "explore"}  # others may use notebooks, cli may use all
MOST_CODE, MOST_FILES, MOST_FILE_LINES, MOST_ROOM_CODE, MOST_DOCSTRING, MOST_ARROWS = 18600, 175, 300, 1300, 4450, 149
HOMES = {  # the rooms that may import a heavy library
    "plotly": {"show", "apps.explore"},
    "papermill": {"apps.notebooks", "apps.batch"},
    "nbclient": {"apps.notebooks"},
    "nbconvert": {"apps.report"},
    "ipywidgets": {"apps.explore"},
    "anywidget": {"apps.explore"},
    "numba": {"compiling"},
    "typer": {"apps.cli"},
    "pydantic": {"parts", "scenario"},
}
FILES = sorted(paths.PACKAGE.rglob("*.py"))


def module_of(path):
    parts = ("model", *path.relative_to(paths.PACKAGE).with_suffix("").parts)
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def room_of(module):
    """The room of a module: its folder or file below `model`, one folder deeper inside apps."""
    parts = module.split(".")[1:]
    return ".".join(parts[:2]) if parts and parts[0] == "apps" else ".".join(parts[:1])


@functools.cache  # not on import: every worker of a test run collects this file, and one runs it
def trees():
    return {module_of(path): ast.parse(path.read_text(encoding="utf-8")) for path in FILES}


def imported(module):
    """Every module that a file imports, lazy and type-only imports included."""
    for node in ast.walk(trees()[module]):
        if isinstance(node, ast.ImportFrom) and node.module:
            for name in (f"{node.module}.{alias.name}" for alias in node.names):
                yield name if name in trees() else node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@functools.cache
def imports():
    return {module: {name for name in imported(module) if name in trees()} - {"model", module} for module in trees()}


@functools.cache
def arrows():
    return {
        (room_of(module), room_of(other)): module
        for module, others in imports().items()
        for other in others
        if room_of(module) != room_of(other)
    }


def docstring_lines(tree):
    kinds = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    first = [n.body[0] for n in ast.walk(tree) if isinstance(n, kinds) and n.body and ast.get_docstring(n) is not None]
    return {line for text in first for line in range(text.lineno, text.end_lineno + 1)}


def code_lines(path, said):
    """Lines with a token that is no comment and no docstring."""
    nothing = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline)
    spans = (range(t.start[0], t.end[0] + 1) for t in tokens if t.type not in nothing)
    return {line for span in spans for line in span} - said


@functools.cache
def docstrings():
    return {path: docstring_lines(trees()[module_of(path)]) for path in FILES}


@functools.cache
def code():
    return {path: len(code_lines(path, docstrings()[path])) for path in FILES}


def test_no_files_import_each_other_in_a_circle():
    graphlib.TopologicalSorter(imports()).prepare()  # CycleError names the circle


def test_a_room_uses_only_rooms_on_lines_below_its_own():
    wrong = []
    for (own, other), module in arrows().items():
        line, below = RANK[own.split(".")[0]], RANK[other.split(".")[0]]
        inside = own.startswith("apps.") and other.startswith("apps.")
        if not (own == "apps.cli" or other == "apps.notebooks" if inside else below < line):
            wrong.append(f"{module} uses {other}")
    assert wrong == []


def test_every_room_has_its_place():
    rooms = {room_of(m) for m in trees()} - {""}
    assert {r.split(".")[0] for r in rooms} == set(RANK)
    assert {r.split(".")[1] for r in rooms if "." in r} == APPS


def test_there_are_few_arrows_between_rooms():
    assert len({(own.split(".")[0], other.split(".")[0]) for own, other in arrows()}) < MOST_ARROWS


def test_the_package_keeps_to_its_budget_of_lines_and_files():
    assert sum(code().values()) <= MOST_CODE
    assert sum(map(len, docstrings().values())) <= MOST_DOCSTRING
    assert len(FILES) <= MOST_FILES


def test_no_file_is_long():
    long = {module_of(p): n for p in FILES if (n := len(p.read_text(encoding="utf-8").splitlines())) > MOST_FILE_LINES}
    assert long == {}


def test_no_room_is_large():
    rooms = Counter()
    for path, lines in code().items():
        rooms[room_of(module_of(path))] += lines
    assert {room: lines for room, lines in rooms.items() if lines > MOST_ROOM_CODE} == {}


def test_no_module_bears_the_name_of_a_function_that_model_hands_on():
    import model

    handed = set(model.__all__)
    assert [m for m in trees() if m.split(".")[-1] in handed] == []


def test_a_class_name_stands_once_in_the_package():
    names = Counter(n.name for tree in trees().values() for n in ast.walk(tree) if isinstance(n, ast.ClassDef))
    assert [name for name, count in names.items() if count > 1] == []


def test_heavy_libraries_live_in_their_rooms():
    wrong = []
    for module, tree in trees().items():
        for node in ast.walk(tree):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [a.name for a in node.names] if isinstance(node, ast.Import) else []
            for library in {n.split(".")[0] for n in names} & set(HOMES):
                if room_of(module) not in HOMES[library]:
                    wrong.append(f"{module} imports {library}")
    assert wrong == []


def test_no_cache_is_keyed_by_an_id():
    called = [
        f"{module}:{node.lineno}"
        for module, tree in trees().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "id"
    ]
    assert called == []


def test_tools_use_the_package_and_not_the_reverse():
    outside = {
        name.split(".")[0]
        for tree in trees().values()
        for node in ast.walk(tree)
        for name in (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [a.name for a in node.names]
            if isinstance(node, ast.Import)
            else []
        )
    }
    assert "tools" not in outside


@pytest.mark.parametrize("heavy", ["pandas plotly scipy numba pydantic papermill"])
def test_import_model_loads_no_heavy_library(heavy):
    code = f"import sys, model; print([m for m in '{heavy}'.split() if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_source_mentions_a_path_of_a_machine_or_the_folder_of_facts():
    pattern = re.compile(r"/work/|\.\./shared|/root/")
    assert [str(path) for path in FILES if pattern.search(path.read_text(encoding="utf-8"))] == []
