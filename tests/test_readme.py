"""What the README prints under a command is what the command prints."""

import os
import re
import subprocess
import sys

import pytest

from model import paths

ROOT = paths.PACKAGE.parent


def sessions():
    """Commands of the README's console block with the lines below each."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    block = re.search(r"^```console\n(.*?)^```$", text, re.M | re.S).group(1)
    return [(command, told.splitlines()) for command, told in re.findall(r"^\$ (.*)\n((?:[^$].*\n)*)", block, re.M)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("readme")
    (made / "notebooks").symlink_to(ROOT / "notebooks")
    grid = next(told for command, told in sessions() if command == "cat grid.yaml")
    (made / "grid.yaml").write_text("\n".join(grid) + "\n", encoding="utf-8")
    return made


@pytest.mark.parametrize(("command", "told"), sessions())
def test_the_readme_shows_what_the_command_prints(folder, command, told):
    tools = os.pathsep.join([os.path.dirname(sys.executable), os.environ["PATH"]])
    run = subprocess.run(
        command,
        shell=True,
        cwd=folder,
        env={**os.environ, "PATH": tools},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert run.returncode == 0, run.stdout
    printed = [re.sub(r"^(\d+ passed) in .*", r"\1", line) for line in run.stdout.splitlines()]
    assert [line for line in told if line not in printed] == [], run.stdout
