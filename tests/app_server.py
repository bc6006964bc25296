"""The page served for a test, and what a test needs to read of it."""

from __future__ import annotations

import importlib.util
import json
import re
import socket
import subprocess
import sys
import time
from contextlib import contextmanager

import chromium
import psutil
import pytest

import model
from model.apps.explore import figures

READY = "document.querySelector('.pop-page[data-ready=yes]') !== null"
IDLE = """(() => { const l = document.querySelector('.pop-page').popLine;
  return l.stage >= %d && !l.queue.some(m => m.do !== 'next') && (!l.waiting || l.waiting.do === 'next'); })()"""
VALUES, RANGES, ANSWER, ALL = 1, 2, 3, 4  # how far the work on a state is
TABLE = """[...document.querySelectorAll('.pop-table tbody td[data-design]')].map(c => [
  c.parentElement.dataset.measure, c.dataset.design, c.textContent, c.dataset.value ?? null])"""
TRACES = """Object.fromEntries([...document.querySelectorAll('.pop-chart')].map(b => [b.dataset.chart,
  b.data.map(t => ({name: t.name, x: [...t.x], y: [...t.y]}))]))"""


def needs() -> None:
    """Skip, and say so, where no page can be shown."""
    if importlib.util.find_spec("voila") is None:
        pytest.skip("Voila is not installed (the extra `app`), so the page is not tested in a browser")
    if chromium.path() is None:
        pytest.skip("no Chromium is installed, so the page is not tested in a browser")


def a_free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


@contextmanager
def served(folder):
    """The page's address with its key, from `workbook app` started in a folder; stopped at the end."""
    port = a_free_port()
    code = "import sys; from model.apps.cli import main; sys.argv[0] = 'workbook'; main()"
    running = subprocess.Popen(
        [sys.executable, "-c", code, "app", "--port", str(port), "--no-browser"],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        printed = re.search(r"http://\S+", running.stdout.readline())
        until = time.monotonic() + 60
        while time.monotonic() < until and running.poll() is None:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
                break
            except OSError:
                time.sleep(0.05)
        yield printed[0]
    finally:
        running.terminate()
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            running.kill()


def opened(browser, address, width=1280, height=900):
    """A page of its own, ready."""
    page = browser.page(width, height)
    page.call("Page.navigate", url=address)
    page.until(READY, 90)
    return page


def unfolded(page) -> None:
    """Every group of controls opened."""
    page.run("document.querySelectorAll('.pop-group').forEach(d => d.open = true)")


def settled(page, stage=VALUES) -> None:
    """Wait until every move is answered and drawn, as far as asked."""
    page.until(IDLE % stage)
    page.run("new Promise(r => requestAnimationFrame(() => setTimeout(r, 60)))")
    page.until(IDLE % stage)


def slid(page, key: str, index: int) -> None:
    """A slider moved to one of its stops, as a hand would: the browser's own input event."""
    page.run(f"""(() => {{ const s = document.querySelector('[data-key="{key}"] input[type=range]');
        s.value = {index}; s.dispatchEvent(new Event('input', {{bubbles: true}})); }})()""")


def typed(page, key: str, text: str) -> None:
    """A text put in a control's box, and the box left."""
    page.run(f"""(() => {{ const s = document.querySelector('[data-key="{key}"] input[type=text]');
        s.value = {json.dumps(text)}; s.dispatchEvent(new Event('change', {{bubbles: true}})); }})()""")


def on_screen(page):
    """The table as the screen shows it: (measure, design) to text and to the number behind it."""
    return {(measure, design): (text, value) for measure, design, text, value in page.run(TABLE)}


def same_table(page, scenario):
    """Every figure at the modes is the library's, and every text its middle and span of 256 draws."""
    shown, table = on_screen(page), model.compare(scenario)
    assert {m for m, _ in shown} - {figures.PER_USER} == set(table.index)
    assert {d for _, d in shown} == set(model.load(scenario).designs)
    for (measure, design), (_, value) in shown.items():
        if measure != figures.PER_USER:
            assert float(value) == table.loc[measure, design]


def kernels():
    """Kernels that servers started by this test run hold."""
    return sum(
        "ipykernel" in " ".join(p.cmdline())
        for p in psutil.Process().children(recursive=True)
        if p.is_running() and p.status() != psutil.STATUS_ZOMBIE
    )


def outside(page, address):
    """What a page asked for that is not its server's."""
    own = address.split("?")[0]
    return [u for u in page.asked() if not re.match(r"(data|blob):", u) and not u.startswith(own)]
