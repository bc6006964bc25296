"""The package works where it is installed: data and notebooks travel in the wheel."""

import ast
import csv
import functools
import re
import subprocess
import sys
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    if not (ROOT / "pyproject.toml").exists():
        pytest.skip("no checkout")
    out = tmp_path_factory.mktemp("wheel")
    done = subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(out), str(ROOT)],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.whl"))


def test_a_built_wheel_finds_its_own_data(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import model; from model import paths; print(paths.data()); print(model.before_after('twilly').shape)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / "model" / "_data"), "(11, 7)"]


def test_an_installed_wheel_says_that_the_bench_is_only_in_a_clone(wheel, tmp_path):
    zipfile.ZipFile(wheel).extractall(tmp_path)
    code = "import sys; from model.apps.cli import main; sys.argv = ['workbook', 'measure', '-o', 'here']; main()"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)},
    )
    assert done.returncode == 2 and not (tmp_path / "here").exists()
    assert done.stderr == (
        "workbook: the bench of real sockets is no part of the installed package; it is in `tools/bench` of a clone\n"
    )


def test_the_wheel_holds_every_notebook_and_data_file(wheel):
    names = set(zipfile.ZipFile(wheel).namelist())
    for folder in ("data", "notebooks"):
        for path in (ROOT / folder).rglob("*"):
            if path.is_file() and ".ipynb_checkpoints" not in path.parts and "__pycache__" not in path.parts:
                assert f"model/_{folder}/{path.relative_to(ROOT / folder).as_posix()}" in names


def test_dependencies_are_pinned_once_each_without_a_host():
    text = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text and "--index" not in text
    pinned = {line.split("==")[0].lower().replace(".", "-") for line in text.splitlines() if "==" in line}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for one in [*project["dependencies"], *sum(project["optional-dependencies"].values(), [])]:
        name = one.split(">=")[0].lower().replace("_", "-").replace(".", "-")
        assert name in pinned or name == f"{project['name']}[bench]", one


PLAIN = {  # how old packages name a licence, and its short name
    "MIT License": "MIT",
    "The MIT License (MIT)": "MIT",
    "BSD License": "BSD",
    "Apache Software License": "Apache-2.0",
    "Apache 2.0": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
FREE = "0BSD AFL-2.1 Apache-2.0 BSD BSD-2-Clause BSD-3-Clause CC0-1.0 ISC MIT MIT-0 MIT-CMU MPL-2.0 PSF-2.0 Zlib"


def licence(meta):
    """The licence that a package says it has."""
    listed = [c.split(" :: ")[-1] for c in meta.get_all("Classifier") or () if c.startswith("License ::")]
    parts = [part for part in listed if not part.endswith("Approved")] or (meta.get("License") or "").splitlines()[:1]
    return meta.get("License-Expression") or " AND ".join(PLAIN.get(part, part) for part in parts)


def test_the_licence_of_every_pinned_package_is_listed_and_free():
    with (ROOT / "data" / "licences.csv").open(encoding="utf-8") as lines:
        listed = {row["package"]: row["licence"] for row in csv.DictReader(lines)}
    pins = {re.split("[=; ]", line)[0] for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()}
    found = {package: licence(metadata.metadata(package)) for package in pins if installed(package)}
    assert {p: text for p, text in found.items() if listed.get(p) != text} == {}  # what data/licences.csv must say
    assert set(listed) == pins
    words = {
        word for text in listed.values() for word in re.split(" (?:AND|OR) ", text.replace(" WITH LLVM-exception", ""))
    }
    assert words <= set(FREE.split())


@functools.cache
def installed(package):
    """Whether a package is here."""
    try:
        return bool(metadata.version(package))
    except metadata.PackageNotFoundError:
        return False


@functools.cache
def brought_by(package, extras):
    """What a package asks for in this environment, each with the extras that it asks for."""
    asked = map(Requirement, metadata.requires(package) or () if installed(package) else ())
    wanted = [one for one in asked if not one.marker or any(one.marker.evaluate({"extra": e}) for e in ("", *extras))]
    return {(canonicalize_name(one.name), frozenset(one.extras)) for one in wanted}


def needed_by(requirements):
    """The packages that an installation of some requirements brings, by their plain names."""
    known, waiting = set(), {(canonicalize_name(one.name), frozenset()) for one in map(Requirement, requirements)}
    while waiting:
        known |= waiting
        waiting = set().union(*(brought_by(*one) for one in waiting)) - known
    return {name for name, _ in known}


OPTIONAL = {  # imported where it is asked for, with a sentence where it is not there
    "model.apps.lab.guard": "voila",
    "model.apps.batch.driver": "distributed",
    "model.show.pictures": "kaleido",
}


def test_what_the_core_installs_is_all_that_the_package_imports():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    core, wrong = needed_by(project["dependencies"]), set()
    for path in (ROOT / "model").rglob("*.py"):
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module] if isinstance(node, ast.ImportFrom) and not node.level else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for root in {name.split(".")[0] for name in names} - {"model", *sys.stdlib_module_names}:
                package = "ruamel-yaml" if root == "ruamel" else canonicalize_name(root)
                if package not in core and OPTIONAL.get(module) != root:
                    wrong.add((module, root))
    assert wrong == set()


def test_running_needs_at_most_20_libraries():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert len(project["dependencies"]) <= 20
