"""The page and JupyterLab take a free port of this machine, and say so where it is taken."""

import importlib.util
import socket
import subprocess

import pytest
from processes import WORKBOOK

from model.apps import lab


@pytest.fixture
def taken():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        one.listen()
        yield one.getsockname()[1]


@pytest.mark.parametrize("command", ["app", "lab"])
def test_a_port_in_use_is_one_sentence_with_exit_code_2(command, taken):
    if command == "app" and importlib.util.find_spec("voila") is None:
        pytest.skip("Voila is not installed (the extra `app`)")
    done = subprocess.run([*WORKBOOK, command, "--port", str(taken), "--no-browser"], capture_output=True, text=True)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr == f"workbook: port {taken} is in use; choose another one with --port\n"


def test_a_free_port_is_given_back(taken):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port = one.getsockname()[1]
    assert lab.free_port(port) == port
