"""Make the README's pictures of the page and of JupyterLab: `python tests/pictures/make.py`."""

import os
import secrets
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import app_server  # noqa: E402
import chromium  # noqa: E402

from model import paths  # noqa: E402

OUT = paths.notebooks("pictures")


def of_the_page(browser, folder) -> None:
    """The page after a move that flips its answer, on a wide and on a narrow window."""
    with app_server.served(folder) as address:
        page = app_server.opened(browser, address, 1280, 1000)
        app_server.settled(page, app_server.ANSWER)
        app_server.slid(page, "users", 60)
        app_server.settled(page, app_server.ALL)
        for width, height in ((1280, 1180), (390, 1400)):
            page.resize(width, height)
            time.sleep(1)
            print(page.picture(OUT / f"explore_{width}.png", whole=False))


def of_the_lab(browser) -> None:
    """A notebook in JupyterLab."""
    port, token = app_server.a_free_port(), secrets.token_hex(16)
    code = "import sys; from model.apps.cli import main; sys.argv[0] = 'workbook'; main()"
    lab = subprocess.Popen(
        [sys.executable, "-c", code, "lab", "--port", str(port), "--no-browser"],
        env={**os.environ, "JUPYTER_TOKEN": token},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        time.sleep(8)
        page = browser.page(1280, 860)
        page.call("Page.navigate", url=f"http://127.0.0.1:{port}/lab/tree/01_before_after.ipynb?token={token}&reset")
        page.until("document.querySelectorAll('.jp-Notebook table').length > 0", 60)
        time.sleep(4)
        print(page.picture(OUT / "lab_1280.png", whole=False))
    finally:
        lab.terminate()
        lab.wait(20)


def main() -> None:
    """Make them all."""
    OUT.mkdir(exist_ok=True)
    browser = chromium.Browser()
    try:
        with TemporaryDirectory() as folder:
            of_the_page(browser, folder)
        of_the_lab(browser)
    finally:
        browser.close()


if __name__ == "__main__":
    main()
