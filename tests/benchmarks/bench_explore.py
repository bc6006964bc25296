"""The page's endurance and speed: 1,000 random states, and moves timed in a real browser.

Run as `pytest -o addopts= tests/benchmarks/bench_explore.py -s`. Times are taken in the browser from the
slider's event to the frame after the last chart is drawn; limits are those of a quiet machine of 2 cores.
"""

import random
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import app_server  # noqa: E402
import chromium  # noqa: E402

from model import checks  # noqa: E402
from model import outcome as results  # noqa: E402
from model.apps import explore  # noqa: E402

STATES, WARM = 1000, 50
SLIDERS = (
    "after.heartbeat.period_s",
    "networks.lte.share",
    "before.timers.unread_counts.period_s",
    "users",
    "active_min_per_day",
    "events_per_hour",
)


def resident_mb() -> float:
    """Memory this process holds now."""
    for line in Path("/proc/self/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def random_move(page, rng):
    controls = list(page.state.controls.values())
    picked = rng.sample(controls, rng.randint(1, 4))
    return {c.key: rng.choice(c.stops) if c.stops else rng.choice(c.options)[0] for c in picked}


def test_1000_random_states_equal_the_library_and_keep_memory(tmp_path):
    page, rng, refused, start_mb = explore.page("twilly", folder=tmp_path), random.Random(2026), 0, 0.0
    began = time.perf_counter()
    for n in range(STATES + WARM):
        if n == WARM:
            start_mb = resident_mb()
        page._heard(None, {"n": n, "do": "move", "values": random_move(page, rng)}, [])
        if rng.random() < 0.05:
            page._heard(None, {"n": n, "do": rng.choice(["pin", "reset", "why"])}, [])
        assert not any("could not be worked out" in e for e in page.drawn["errors"].values())
        refused += bool(page.drawn["errors"])
        table = results.before_after(page.state.scenario())
        for row in page.drawn["rows"]:
            for column in ("before", "after", "change"):
                assert row["value"][column] == table.loc[row["measure"], column]
    grown = resident_mb() - start_mb
    print(
        f"\n{STATES} states in {time.perf_counter() - began:.0f} s, the library's table for each included; "
        f"{refused} refused in a sentence; memory grew by {grown:.1f} MB"
    )
    assert grown < 50
    with pytest.raises(checks.InputError):
        page.state.moved("users", "-1")


def test_a_move_redraws_within_150_ms_and_the_page_is_ready_within_15_s(tmp_path):
    app_server.needs()
    began, browser = time.monotonic(), chromium.Browser()
    opened_s = time.monotonic() - began
    try:
        began = time.monotonic()
        with app_server.served(tmp_path) as address:
            page = app_server.opened(browser, address)
            ready_s = time.monotonic() - began
            for key in SLIDERS:
                last = int(page.run(f"""document.querySelector('[data-key="{key}"] input').max"""))
                for index in np.linspace(1, last, 20).astype(int):
                    app_server.slid(page, key, int(index))
                    app_server.settled(page)
                    time.sleep(0.15)
            taken = [t for t in page.run("document.querySelector('.pop-page').popTimes") if t["do"] == "move"]
    finally:
        browser.close()
    ms, model_ms = ([t[k] for t in taken] for k in ("ms", "model_ms"))
    median, p95 = np.median(ms), np.quantile(ms, 0.95)
    print(
        f"\nready {ready_s:.1f} s after the command (browser started before, in {opened_s:.1f} s); "
        f"{len(ms)} moves: median {median:.0f} ms, p95 {p95:.0f} ms; of that in Python median "
        f"{np.median(model_ms):.0f} ms, p95 {np.quantile(model_ms, 0.95):.0f} ms"
    )
    for k, key in enumerate(SLIDERS):
        part = slice(20 * k, 20 * k + 20)
        drawing_ms = np.median([t["draw_ms"] for t in taken[part]])
        print(
            f"  {key}: median {np.median(ms[part]):.0f} ms, in Python {np.median(model_ms[part]):.0f},"
            f" drawing {drawing_ms:.0f}"
        )
    assert len(ms) == 20 * len(SLIDERS)
    assert ready_s < 15 and median < 150 and p95 < 300


def family_mb(server: psutil.Process) -> tuple[float, int]:
    """Memory of a server with all it started [MB], and how many kernels are among that."""
    everyone = [p for p in (server, *server.children(recursive=True)) if p.status() != psutil.STATUS_ZOMBIE]
    kernels = sum("ipykernel" in " ".join(p.cmdline()) for p in everyone)
    return sum(p.memory_info().rss for p in everyone) / 2**20, kernels


def test_20_pages_open_and_left_give_their_memory_back_within_50_mb_and_a_minute(tmp_path):
    app_server.needs()
    from model.apps.lab import guard

    browser = chromium.Browser()
    with app_server.served(tmp_path) as address:
        server = next(p for p in psutil.Process().children() if "--no-browser" in p.cmdline())
        before, _ = family_mb(server)
        for _ in range(guard.MOST_PAGES):
            app_server.opened(browser, address)
        full, kernels = family_mb(server)
        many = browser.page()
        many.call("Page.navigate", url=address)
        many.until("document.body && document.body.innerText.includes('20 pages are open')")
        browser.close()  # as a crash does: no page can say that it is left
        began = time.monotonic()
        while family_mb(server)[1] and time.monotonic() - began < 90:
            time.sleep(0.5)
        left_s = time.monotonic() - began
        after, still = family_mb(server)
    print(
        f"\n{kernels} pages open: {full:.0f} MB; their kernels ended {left_s:.0f} s after the browser died;"
        f" the server held {before:.0f} MB before the first page and holds {after:.0f} MB after the last"
    )
    assert kernels == guard.MOST_PAGES and still == 0 and left_s < 60 and after - before < 50
