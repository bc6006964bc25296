"""Charts as PNG pictures, for viewers that run no plotly; needs kaleido and a Chromium, and does without."""

from __future__ import annotations

import base64
import functools
import importlib.util
import logging
import shutil
from collections.abc import Sequence
from pathlib import Path

from model import checks

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
WIDTH, HEIGHT = 900, 500
log = logging.getLogger(__name__)


@functools.cache
def available() -> bool:
    """Whether this machine can make pictures of charts."""
    return _installed() and _browser() is not None


def check_installed() -> None:
    """Refuse in one sentence where kaleido, which draws the pictures, is not installed."""
    if not _installed():
        checks.fail("pictures of charts need kaleido, which is not installed; in a clone: pip install -e '.[dev]'")


def _installed() -> bool:
    return importlib.util.find_spec("kaleido") is not None


def pngs(figures: Sequence[dict]) -> list[str | None]:
    """The pictures of charts, made by one browser."""
    if not figures or not available():
        return [None] * len(figures)
    import asyncio
    from concurrent.futures import ThreadPoolExecutor

    try:
        with ThreadPoolExecutor(1) as other:  # the caller's thread may have an event loop of its own
            return other.submit(lambda: asyncio.run(_drawn(figures))).result()
    except Exception as error:  # a browser that does not start must not stop a report
        log.warning("no pictures of charts: %s", error)
        return [None] * len(figures)


async def _drawn(figures: Sequence[dict]) -> list[str | None]:
    import kaleido

    made = []
    async with kaleido.Kaleido(n=1, timeout=30, mathjax=False, path=_browser()) as drawer:
        for figure in figures:
            size = {"format": "png", "scale": 1, "width": WIDTH, "height": HEIGHT}
            size.update({k: v for k, v in figure.get("layout", {}).items() if k in ("width", "height") and v})
            plain = {"data": list(figure.get("data", ())), "layout": dict(figure.get("layout", {}))}
            made.append(base64.b64encode(await drawer.calc_fig(plain, opts=size)).decode())
    return made


@functools.cache
def _browser() -> str | None:
    for name in BROWSERS:
        found = shutil.which(name)
        if found:
            return found
    return None


def plotly_js() -> bytes:
    """plotly.js, which draws charts in a browser, as the installed plotly brings it; found without importing plotly."""
    package = Path(importlib.util.find_spec("plotly").origin).parent
    return (package / "package_data" / "plotly.min.js").read_bytes()
