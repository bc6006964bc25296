"""Charts in a real browser: alive on a page of the report, and as pictures beside the stored charts."""

import base64
import re
import shutil
import subprocess

import pytest
import small_notebooks

from model.apps import notebooks, report
from model.show import pictures as look

EVIL = "<script>alert('x')</script>"
QUIET = {"jobs": 1, "progress": False}


def test_charts_come_alive_from_a_file_without_a_network(tmp_path):
    browser = next(filter(None, map(shutil.which, look.BROWSERS)), None)
    if browser is None:
        pytest.skip("no browser here to open the page with")
    source = small_notebooks.write(tmp_path / "answer.ipynb", small_notebooks.CHART.replace("Cost by users", EVIL))
    notebooks.execute(source, {}, tmp_path / "01_answer.ipynb", "inprocess")
    made = report.write([tmp_path / "01_answer.ipynb"], {}, tmp_path / "out", "Title").parent
    shown = subprocess.run(
        [
            browser,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--virtual-time-budget=5000",
            "--dump-dom",
            f"file://{made}/01_answer.html",
        ],
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert shown.count('class="main-svg"') >= 1
    assert "alert('x')</script>" not in shown


def test_pictures_are_png_of_the_charts():
    if not look.available():
        pytest.skip("no Chromium here to draw with")
    (picture,) = look.pngs([{"data": [{"y": [1, 2]}], "layout": {"title": {"text": "t"}}}])
    assert base64.b64decode(picture).startswith(b"\x89PNG")


def test_charts_get_a_picture_that_is_kept_while_their_data_stay(tmp_path):
    if not look.available():
        pytest.skip("no Chromium here to draw with")
    path = small_notebooks.table_and_chart(tmp_path / "nb.ipynb")
    notebooks.accept([path], **QUIET)
    first = path.read_bytes()
    assert b'"image/png"' in first
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("users / 9", "users / 8", 1), encoding="utf-8")
    notebooks.accept([path], with_pictures=False, **QUIET)
    picture = re.compile(rb'"image/png": "[^"]+"')
    assert picture.search(path.read_bytes()).group() == picture.search(first).group()
    assert notebooks.check([path], kernel=False, **QUIET) == []
