"""Opening the page and JupyterLab: on this machine only, and a mistake is one sentence with exit code 2."""

import asyncio
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from jupyter_core import paths as jupyter

from model import checks, paths
from model.apps import lab, notebooks

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


OWN = {"Host": "127.0.0.1:8866", "Cookie": "workbook-8866=KEY"}
MINE = {**OWN, "Sec-Fetch-Site": "same-origin", "Origin": "http://127.0.0.1:8866"}


@pytest.mark.parametrize(
    ("path", "headers", "status", "words"),
    [
        ("/", OWN, None, ""),
        ("/", {**OWN, "Host": "localhost:8866"}, None, ""),
        ("/", {**OWN, "Host": "[::1]:8866"}, None, ""),
        ("/", {**OWN, "Sec-Fetch-Site": "none"}, None, ""),
        ("/voila/api/shutdown/1", MINE, None, ""),
        ("/api/kernels/1/channels", {**MINE, "Sec-WebSocket-Protocol": "v1.kernel.websocket.jupyter.org"}, None, ""),
        ("/?token=KEY", {"Host": "127.0.0.1:8866", "Sec-Fetch-Site": "cross-site"}, 200, "refresh"),
        ("/?token=KEY", {"Host": "evil.example:8866"}, 403, "own machine only"),
        ("/?token=KE", {"Host": "127.0.0.1:8866"}, 403, "the key of this start"),
        ("/", {"Host": "127.0.0.1:8866"}, 403, "the key of this start"),
        ("/", {**OWN, "Cookie": "workbook-8866=KE"}, 403, "the key of this start"),
        ("/", {**OWN, "Cookie": "workbook-8867=KEY"}, 403, "the key of this start"),
        *(("/", {**OWN, "Host": h}, 403, "own machine only") for h in ("evil.example", "127.0.0.1.evil.example")),
        *(
            ("/", {**OWN, "Origin": o}, 403, "own machine only")
            for o in ("null", "http://127.0.0.1:9", "https://e.example")
        ),
        *(("/", {**OWN, "Sec-Fetch-Site": s}, 403, "own machine only") for s in ("cross-site", "same-site")),
        ("/", {**OWN, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}, 403, "opened from elsewhere"),
        ("/voila/templates/%2e%2e/x", OWN, 403, "own machine only"),
        ("/voila/static/start.js", {**OWN, "Sec-Fetch-Site": "cross-site"}, 403, "own machine only"),
        ("/api/kernels/1/channels", MINE, 403, "own machine only"),
    ],
)
def test_only_the_person_who_started_the_page_gets_past_the_gate(path, headers, status, words):
    pytest.importorskip("voila")
    from tornado.httputil import HTTPHeaders, HTTPServerRequest, RequestStartLine

    from model.apps.lab import guard

    server = guard.PageServer(port=8866)
    server.key, server.app = "KEY", SimpleNamespace(get_handler_delegate=lambda request, handler, given: given)
    line = RequestStartLine("GET", path, "HTTP/1.1")
    request = HTTPServerRequest(start_line=line, headers=HTTPHeaders(headers), connection=SimpleNamespace())
    given = server.answer(request) or {"status": None, "body": ""}
    assert given["status"] == status and words in given["body"]


def test_pages_are_counted_and_the_first_too_many_is_a_sentence():
    pytest.importorskip("voila")
    from model.apps.lab import guard

    told = []
    full = SimpleNamespace(xsrf_token="", set_status=told.append, finish=told.append)
    full.kernel_manager = SimpleNamespace(list_kernel_ids=lambda: range(guard.MOST_PAGES - 1))
    full.get_generator = lambda path: told.append("a page")
    guard.OnePage.starting = 1  # the last but one has no kernel yet
    try:
        asyncio.run(guard.OnePage.get(full))
    finally:
        guard.OnePage.starting = 0
    assert told[0] == 503 and "20 pages are open, which is the most; close one" in told[1] and len(told) == 2


def test_the_kernel_of_a_page_that_was_left_ends_within_a_minute():
    timed = re.findall(r"cull_(?:interval|idle_timeout)=(\d+)", " ".join(lab.app_arguments(8866, True)))
    assert len(timed) == 2 and sum(map(int, timed)) < 60


def test_the_page_runs_no_script_but_its_own():
    pytest.importorskip("voila")
    from model.apps.lab import guard

    rules = dict(rule.strip().split(" ", 1) for rule in guard.POLICY.split(";"))
    assert rules["script-src"] == "'self' blob:" and rules["default-src"] == rules["frame-ancestors"] == "'none'"
    template = (lab.SHARE / "voila" / "templates" / "workbook" / "index.html.j2").read_text(encoding="utf-8")
    assert all("src=" in tag or 'type="application/' in tag for tag in re.findall("<script[^>]*>", template))


def test_of_the_notebook_only_what_leads_to_the_page_is_run_before_it_is_shown():
    pytest.importorskip("voila")
    from model.apps.lab import guard

    whole = nbformat.read(paths.notebooks(lab.NOTEBOOK), as_version=4)
    led = guard.until_the_page(None, notebook=whole, cwd="").cells
    code = [cell for cell in led if cell.cell_type == "code"]
    assert code[-1] is led[-1] and "page" in led[-1].metadata.tags and "explore.page(" in led[-1].source
    assert "parameters" in code[0].metadata.tags and len(code) == 3
    assert any("from model.apps import explore" in cell.source for cell in code)
    shown = [cell.source for cell in led if cell.cell_type == "markdown"]
    assert shown and not any("](" in text for text in shown)  # no link: the page serves no other file


def test_the_template_is_shipped_and_names_no_address():
    template = lab.SHARE / "voila" / "templates" / "workbook"
    text = (template / "index.html.j2").read_text(encoding="utf-8")
    assert json.loads((template / "conf.json").read_text(encoding="utf-8"))["base_template"] == "base"
    assert not re.search(r"https?://|//cdn|googleapis", text) and paths.PACKAGE in template.parents


def test_jupyter_keeps_its_files_in_a_temporary_folder_where_no_home_can_be_written(monkeypatch):
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "IPYTHONDIR", "XDG_RUNTIME_DIR"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", "/dev/null/nowhere")
    notebooks.give_jupyter_a_home()
    for folder in (jupyter.jupyter_runtime_dir(), jupyter.jupyter_data_dir(), jupyter.jupyter_config_dir()):
        Path(folder).mkdir(parents=True)
        assert folder.startswith(tempfile.gettempdir())


def test_jupyter_keeps_its_files_at_home_where_it_may(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("JUPYTER_RUNTIME_DIR", "JUPYTER_DATA_DIR", "JUPYTER_CONFIG_DIR", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(name, raising=False)
    notebooks.give_jupyter_a_home()
    assert "JUPYTER_DATA_DIR" not in os.environ
