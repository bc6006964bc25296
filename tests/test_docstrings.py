"""Every public function tells its parameters and their units, and tells them right."""

import importlib
import inspect
import pkgutil
import re

import pytest

import model
from model import ledger

BRACKET = re.compile(r"\[([^\[\]]+)\]\.?$")


def modules():
    for info in pkgutil.walk_packages(model.__path__, "model."):
        if not info.name.split(".")[-1].startswith("_"):
            yield importlib.import_module(info.name)


def public_functions():
    for module in modules():
        for name in getattr(module, "__all__", ()):
            thing = getattr(module, name)
            if inspect.isfunction(inspect.unwrap(thing)) and thing.__module__ == module.__name__:
                yield pytest.param(thing, id=f"{module.__name__}.{name}")


FUNCTIONS = list(public_functions())


def documented(function):
    """The parameters of a docstring: name to description."""
    text = inspect.getdoc(function) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-{3,}|\Z)", text, re.S | re.M)
    found = {}
    for block in re.split(r"\n(?=\S)", section.group(1).strip("\n")) if section else ():
        head, _, body = block.partition("\n")
        for name in head.split(":")[0].split(","):
            found[name.strip().lstrip("*")] = " ".join(body.split())
    return found


@pytest.mark.parametrize("function", FUNCTIONS)
def test_documented_names_equal_the_signature(function):
    parameters = [p for p in inspect.signature(function).parameters if not p.startswith("_")]
    assert list(documented(function)) == parameters


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_parameter_ends_with_a_unit_that_agrees_with_its_suffix(function):
    for name, description in documented(function).items():
        bracket = BRACKET.search(description)
        assert bracket, f"{name} of {function.__name__} must end in a [unit]; got {description!r}"
        unit = ledger.unit_of(name)
        if unit is not None:
            assert bracket.group(1) == unit, f"{name} of {function.__name__} is in {unit}"


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_public_function_says_what_it_returns(function):
    text = inspect.getdoc(function) or ""
    assert text.split("\n")[0].rstrip().endswith("."), "the first line is one sentence"
    returns = inspect.signature(function).return_annotation
    assert "Returns\n" in text or returns in (None, "None") or "Yields\n" in text
