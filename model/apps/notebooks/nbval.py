"""nbval over notebooks: a kernel of its own for each, outputs compared as texts."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree

from model.apps.notebooks.compare import Difference
from model.apps.notebooks.normal import sanitize_file_text

__all__ = ["failures", "has_nbval"]


def has_nbval() -> bool:
    """Whether nbval, which the extra `dev` brings, is installed."""
    return importlib.util.find_spec("nbval") is not None


def failures(notebooks: Sequence[Path]) -> list[Difference]:
    """What nbval finds wrong, a cell each."""
    found = []
    with tempfile.TemporaryDirectory(prefix="workbook-") as folder:
        rules, report = Path(folder, "sanitize.cfg"), Path(folder, "report.xml")
        rules.write_text(sanitize_file_text(), encoding="utf-8")
        for notebook in notebooks:
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pytest",
                    "--nbval",
                    "--nbval-current-env",
                    "-q",
                    "-p",
                    "no:cacheprovider",
                    "-o",
                    "addopts=",
                    "--color=no",
                    f"--nbval-sanitize-with={rules}",
                    f"--junitxml={report}",
                    f"--rootdir={notebook.parent}",
                    str(notebook),
                ],
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                cwd=notebook.parent,
            )
            if done.returncode not in (0, 1, 5) or not report.exists():
                last = (done.stderr or done.stdout).strip().splitlines()[-1:]
                found.append(Difference(notebook.name, 0, "nbval", now=f"nbval did not run: {last}"))
                continue
            found += _failed_cells(report, notebook.name)
            report.unlink()
    return found


def _failed_cells(report: Path, name: str) -> list[Difference]:
    found = []
    for case in ElementTree.parse(report).iter("testcase"):
        for problem in [*case.findall("failure"), *case.findall("error")]:
            number = int(re.search(r"\d+", case.get("name", "0")).group()) + 1
            found.append(Difference(name, number, "nbval", now=_gist(problem.text or "")))
    return found


def _gist(text: str) -> str:
    """The lines of nbval's message that say what differs."""
    lines = [re.sub(r"(\x1b|#x1B)\[[0-9;]*m", "", line).strip() for line in text.splitlines()]
    telling = re.compile(r"mismatch|E |Missing|Unexpected|dissimilar|'|\w*Error|.*==")
    said = [line for line in lines if telling.match(line)]
    return "nbval: " + " | ".join((said or [line for line in lines if line][:3])[:4])[:300]
