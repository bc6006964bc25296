"""Opening the page and JupyterLab: on this machine only, and a mistake is one sentence with exit code 2."""

import json
import re
import subprocess
import sys

import pytest

from model import checks, paths
from model.apps import lab

WITHOUT_VOILA = """
import importlib.util as u, sys
real = u.find_spec
u.find_spec = lambda name, *a: None if name == "voila" else real(name, *a)
from model.apps.cli import main
sys.argv = ["workbook", "app"]
main()
"""


@pytest.mark.parametrize("port", [0, -1, 65536])
def test_a_port_that_is_none_is_refused(port):
    with pytest.raises(checks.InputError, match=f"--port must be 1 to 65535; got {port}"):
        lab.free_port(port)


def test_without_voila_one_sentence_says_how_to_install_it():
    done = subprocess.run([sys.executable, "-c", WITHOUT_VOILA], capture_output=True, text=True, timeout=120)
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr == (
        "workbook: the page needs Voila, which is not installed; in a clone: pip install -e '.[app]'\n"
    )


def test_both_listen_on_this_machine_only():
    assert "--Voila.ip=127.0.0.1" in lab.app_arguments(8866, True)
    assert "--ServerApp.ip=127.0.0.1" in lab.lab_arguments(8888, True)


def test_no_browser_is_opened_where_none_is_wanted():
    for arguments in (lab.app_arguments, lab.lab_arguments):
        assert "--no-browser" in arguments(8000, False) and "--no-browser" not in arguments(8000, True)


def test_the_template_is_shipped_and_names_no_address():
    template = lab.SHARE / "voila" / "templates" / "workbook"
    text = (template / "index.html.j2").read_text(encoding="utf-8")
    assert json.loads((template / "conf.json").read_text(encoding="utf-8"))["base_template"] == "base"
    assert not re.search(r"https?://|//cdn|googleapis", text) and paths.PACKAGE in template.parents
