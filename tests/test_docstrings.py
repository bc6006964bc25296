"""Docstrings: the full form for the contract, and whole wherever a notebook's function has it; else plain sentences."""

import ast
import functools
import importlib
import inspect
import json
import re

from contract import CONTRACT

import model
from model import ledger, paths

BRACKET = re.compile(r"\[([^\[\]]+)\]\.?$")


def function_called(name):
    """The function behind a dotted name below `model`."""
    parts = name.split(".")
    for length in range(len(parts) - 1, -1, -1):
        try:
            home = importlib.import_module(".".join(["model", *parts[:length]]))
            return inspect.unwrap(functools.reduce(getattr, parts[length:], home))
        except (ModuleNotFoundError, AttributeError):
            continue
    raise AssertionError(f"tests/contract.py names {name}, which is not there")


def called_by_notebooks():
    """Every function of the package that a notebook calls."""
    for path in sorted(paths.notebooks().glob("*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        tree = ast.parse("\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "code"))
        homes = {"model": "model"}
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "model":
                homes |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in homes:
                name = f"{homes[node.value.id]}.{node.attr}".removeprefix("model.")
                if inspect.isfunction(thing := function_called(name)):
                    yield thing


FORM = re.compile(r"^\s*(Parameters\n\s*-{3,}|Returns: )", re.M)


def full_form():
    """The contract's functions, and those that notebooks call where they have the form."""
    kept = [one for one in called_by_notebooks() if FORM.search(inspect.getdoc(one) or "")]
    return list(dict.fromkeys([*map(function_called, CONTRACT), *kept]))


def documented(function):
    """The parameters of a docstring: name to description."""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=\n\n|\Z)", inspect.getdoc(function) or "", re.S | re.M)
    found = {}
    for entry in re.split(r"\n(?=\S)", section.group(1)) if section else ():
        names, _, text = " ".join(entry.split()).partition(" : ")
        found |= {name.strip().lstrip("*"): text for name in names.split(",")}
    return found


def package_functions():
    """Every function of the package with the file it is in."""
    for path in sorted(paths.PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                yield path.relative_to(paths.PACKAGE.parent), node


def test_the_full_form_names_every_parameter_in_the_order_of_the_signature():
    wrong = []
    for function in full_form():
        signature = [p for p in inspect.signature(function).parameters if not p.startswith("_") and p != "self"]
        if list(documented(function)) != signature:
            wrong.append((function.__module__, function.__qualname__))
    assert wrong == []


def test_the_full_form_gives_each_parameter_the_unit_that_its_name_ends_in():
    wrong = []
    for function in full_form():
        for name, text in documented(function).items():
            unit, bracket = ledger.unit_of(name), BRACKET.search(text)
            if (bracket and bracket.group(1) == "-") or (unit not in (None, bracket and bracket.group(1))):
                wrong.append((function.__qualname__, name, unit, text))
    assert wrong == []


def test_the_full_form_begins_with_a_sentence_and_says_what_comes_back():
    wrong = []
    for function in full_form():
        text = inspect.getdoc(function) or ""
        returns = inspect.signature(function).return_annotation
        if not text.split("\n\n")[0].rstrip().endswith(".") or not (
            re.search(r"^(Returns|Yields): ", text, re.M) or returns in (None, "None")
        ):
            wrong.append((function.__module__, function.__qualname__))
    assert wrong == []


def test_only_the_contract_and_what_notebooks_call_have_the_full_form():
    full = {(f.__module__, f.__name__) for f in full_form()}
    wrong = []
    for path, node in package_functions():
        module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
        if FORM.search(ast.get_docstring(node) or "") and (module, node.name) not in full:
            wrong.append(f"{path}:{node.lineno} {node.name}")
    assert wrong == []
    assert model.__doc__
