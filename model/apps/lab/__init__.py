"""Opening the notebooks in JupyterLab, and the page of sliders as an app; both on this machine only."""

from __future__ import annotations

import importlib.util
import os
import socket
from pathlib import Path

from model import checks, paths
from model.apps.notebooks import give_jupyter_a_home

HOST = "127.0.0.1"
NOTEBOOK = "00_explore.ipynb"
SHARE = paths.PACKAGE / "apps" / "explore" / "share"  # the page's template, and JupyterLab without its news
NO_VOILA = "the page needs Voila, which is not installed; in a clone: pip install -e '.[app]'"


def free_port(port: int) -> int:
    """The port, refused where it is none or something listens on it already."""
    if not 1 <= port <= 65535:
        checks.fail(f"--port must be 1 to 65535; got {port}")
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError:
            checks.fail(f"port {port} is in use; choose another one with --port")
    return port


def app_arguments(port: int, browser: bool) -> list[str]:
    """What Voila is started with: the notebook, the page's own template, this machine only."""
    voila = f"--port={port} --Voila.ip={HOST} --Voila.port_retries=0 --template=workbook --Voila.log_level=WARN"
    quiet = "--VoilaConfiguration.http_keep_alive_timeout=600"  # its sign of life is a script that the page forbids
    left = "--MappingKernelManager.cull_interval=10 --MappingKernelManager.cull_idle_timeout=40"  # only without a page
    more = f"{voila} {quiet} {left} --MappingKernelManager.cull_busy=True".split()
    return [str(paths.notebooks(NOTEBOOK)), *more, *([] if browser else ["--no-browser"])]


def lab_arguments(port: int, browser: bool) -> list[str]:
    """What JupyterLab is started with: the notebooks, this machine only, no news asked for outside."""
    server = f"--ServerApp.ip={HOST} --ServerApp.port={port} --ServerApp.port_retries=0"
    quiet = "--LabApp.news_url= --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate"
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # as in a container; Jupyter turns root away
    return [
        f"--ServerApp.root_dir={paths.notebooks()}",
        *server.split(),
        f"--LabApp.default_url=/lab/tree/{NOTEBOOK}",
        *quiet.split(),
        "--LabApp.extension_manager=readonly",
        *([] if browser else ["--no-browser"]),
        *(["--allow-root"] if root else []),
    ]


def _settle() -> None:
    """Tell the kernels where the command was started from, and Jupyter where the page's template is."""
    give_jupyter_a_home()
    os.environ["WORKBOOK_FOLDER"] = str(Path.cwd())
    for name in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH"):
        known = os.environ.get(name)
        os.environ[name] = os.pathsep.join([str(SHARE), *([known] if known else [])])
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")


def open_app(port: int = 8866, browser: bool = True) -> None:
    """Serve the page of sliders until it is stopped."""
    if importlib.util.find_spec("voila") is None:
        checks.fail(NO_VOILA)
    free_port(port)
    _settle()
    from model.apps.lab.guard import PageServer

    PageServer.launch_instance(app_arguments(port, browser))


def open_lab(port: int = 8888, browser: bool = True) -> None:
    """Open JupyterLab at the notebooks until it is stopped."""
    free_port(port)
    _settle()
    from jupyterlab.labapp import main

    main(lab_arguments(port, browser))
