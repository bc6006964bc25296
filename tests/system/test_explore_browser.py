"""The page in a real browser: every number on the screen is the library's, and a keyboard alone moves it."""

import csv
import io
import re
import time

import app_server
import chromium
import psutil
import pytest
from app_server import opened, served, settled, slid, typed

import model
from model import outcome as results
from model.apps import explore
from model.apps.explore import drawing
from model.show import display

MOVES = {"users": 40, "after.heartbeat.period_s": 50, "before.timers.unread_counts.period_s": 12}
FOCUSED = """(() => { const e = document.activeElement; if (!e || e === document.body) return 'body';
  const row = e.closest('[data-key]'); return (row ? row.dataset.key + ' ' : '') + e.tagName + ' '
  + (e.type || '') + ' ' + (row ? '' : e.textContent || e.id.replace(/^pop[a-z0-9]+-/, '')); })()"""
CONTRAST = """(() => {
  const part = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const light = c => 0.2126 * part(c[0]) + 0.7152 * part(c[1]) + 0.0722 * part(c[2]);
  const colour = t => { const m = t.match(/[\\d.]+/g).map(Number); return m.length < 4 ? [...m, 1] : m; };
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node; (node = walk.nextNode());) {
    const e = node.parentElement, look = getComputedStyle(e);
    if (!node.textContent.trim() || !e.getClientRects().length) continue;
    const ink = colour(e instanceof SVGElement ? look.fill : look.color);
    let behind = e, ground = [255, 255, 255, 1];
    for (; behind; behind = behind.parentElement) {
      const c = colour(getComputedStyle(behind).backgroundColor);
      if (c[3] > 0) { ground = c; break; }
    }
    const [a, b] = [light(ink), light(ground)].sort((x, y) => y - x);
    found.push([(a + 0.05) / (b + 0.05), node.textContent.trim().slice(0, 40)]);
  }
  return found; })()"""


@pytest.fixture(scope="module")
def browser(folder):
    one = chromium.Browser()
    yield one
    one.close()


@pytest.fixture(scope="module")
def page(browser, address):
    """One page that the tests share in turn; each leaves it reset."""
    return opened(browser, address)


@pytest.fixture(autouse=True)
def afresh(page):
    yield
    page.run("document.querySelector('.pop-reset').click()")
    if page.run("document.querySelector('.pop-pin').getAttribute('aria-pressed')") == "true":
        page.run("document.querySelector('.pop-pin').click()")
    settled(page)


def on_screen(page, prefix=""):
    """The table as the screen shows it: (measure, column) to text and to the number behind it."""
    found = {}
    for measure, column, text, value in page.run(app_server.TABLE):
        if column.startswith("pinned_") == bool(prefix):
            found[measure, column.removeprefix(prefix)] = (text, value)
    return found


def same_table(shown, scenario):
    table = model.before_after(scenario)
    assert {m for m, _ in shown} == set(table.index)
    for (measure, column), (text, value) in shown.items():
        told = table.loc[measure, column]
        if column in ("before", "after"):
            assert text == display.number(told, 3) and float(value) == told
        elif column == "change":
            assert text == f"{told:+.0%}" and float(value) == told
        else:
            assert text == str(told)


def same_charts(page, scenario, pinned=None):
    memory = explore.Memory()
    data, kept = (explore.chart_data(memory, s) if s else None for s in (scenario, pinned))
    wanted = {
        chart: [{k: t[k] for k in ("name", "x", "y")} for t in traces]
        for chart, traces in drawing.traces(data, kept).items()
    }
    assert page.run(app_server.TRACES) == wanted


def moved_state():
    controls = explore.start("twilly").controls
    return explore.start("twilly", {key: controls[key].stops[index] for key, index in MOVES.items()})


def test_three_sliders_show_the_numbers_and_charts_of_the_library(page):
    same_table(on_screen(page), model.load("twilly"))
    same_charts(page, model.load("twilly"))
    for key, index in MOVES.items():
        slid(page, key, index)
        settled(page)
    same_table(on_screen(page), moved_state().scenario())
    same_charts(page, moved_state().scenario())


def test_a_slider_dragged_fast_ends_at_the_last_stop(page):
    for index in range(10, 51):
        slid(page, "after.heartbeat.period_s", index)
    settled(page)
    stop = explore.start("twilly").controls["after.heartbeat.period_s"].stops[50]
    same_table(on_screen(page), model.load("twilly").with_({"after.heartbeat.period_s": stop}))


def test_a_pinned_state_stands_beside_the_moved_one(page):
    page.run("document.querySelector('.pop-pin').click()")
    settled(page)
    for key, index in MOVES.items():
        slid(page, key, index)
    settled(page)
    shown = on_screen(page, "pinned_")
    table = model.before_after("twilly")
    assert shown and all(float(v) == table.loc[m, c] for (m, c), (_, v) in shown.items())
    same_table(on_screen(page), moved_state().scenario())
    same_charts(page, moved_state().scenario(), model.load("twilly"))


def test_a_saved_scenario_reads_back_to_the_numbers_on_the_screen(page, folder):
    for key, index in MOVES.items():
        slid(page, key, index)
    settled(page)
    page.run(
        "document.querySelector('.pop-top input[type=text]').value = 'from_the_page';"
        "document.querySelector('.pop-dosave').click()"
    )
    page.until("document.querySelector('.pop-save').textContent.includes('workbook table')")
    same_table(on_screen(page), model.load(folder / "from_the_page.yaml"))


def test_the_words_say_what_the_move_changed_and_why(page):
    slid(page, "after.heartbeat.period_s", 50)
    why = page.until("document.querySelector('.pop-why').textContent")
    assert why.startswith("Why, battery with push: heartbeat")
    said = page.run("document.querySelector('.pop-said').textContent")
    assert said.startswith("Heartbeat period from 30 s to")


@pytest.mark.parametrize(("text", "rule"), [("", "the box is empty"), ("5", "got 5"), ("many", "got 'many'")])
def test_a_bad_box_is_told_beside_it_and_the_numbers_stay(page, text, rule):
    typed(page, "users", text)
    page.until("document.querySelector('[data-key=users] .pop-error').textContent.length > 0")
    told = page.run("document.querySelector('[data-key=users] .pop-error').textContent")
    assert told == f"Users in the month must be 100 to 10,000,000 users; {rule}"
    assert page.run("document.querySelector('[data-key=users] input[type=text]').ariaInvalid") == "true"
    same_table(on_screen(page), model.load("twilly"))
    typed(page, "users", "5000")
    settled(page)
    same_table(on_screen(page), model.load("twilly").with_({"users": 5000}))


def test_shares_over_100_percent_are_told_as_used(page):
    typed(page, "networks.lte.share", "85")
    settled(page)
    assert "add up to 160 %" in page.run("document.querySelector('.pop-mix').textContent")
    same_table(on_screen(page), explore.start("twilly", {"networks.lte.share": 85}).scenario())


def test_a_region_without_prices_is_a_sentence_and_not_a_traceback(page):
    page.run("""(() => { const s = document.querySelector('[data-key=region] select'); s.value = 'ap-southeast-6';
        s.dispatchEvent(new Event('change', {bubbles: true})); })()""")
    page.until("document.querySelector('[data-key=region] .pop-error').textContent.includes('no price for')")
    same_table(on_screen(page), model.load("twilly"))
    assert "Traceback" not in page.run("document.body.textContent")


def test_a_pin_after_quick_moves_keeps_the_last_of_them_and_a_reset_lets_them_go(page):
    stops = explore.start("twilly").controls["users"].stops
    page.run(f"""(() => {{ const s = document.querySelector('[data-key=users] input[type=range]');
        for (const k of [3, {len(stops) - 5}]) {{ s.value = k;
        s.dispatchEvent(new Event('input', {{bubbles: true}})); }}
        document.querySelector('.pop-pin').click(); }})()""")
    settled(page)
    caption = page.run("document.querySelector('.pop-table caption').textContent")
    assert f"Users in the month {stops[-5]:,.0f}" in caption
    page.run(f"""(() => {{ const s = document.querySelector('[data-key=users] input[type=range]');
        for (const k of [3, {len(stops) - 5}]) {{ s.value = k;
        s.dispatchEvent(new Event('input', {{bubbles: true}})); }}
        document.querySelector('.pop-reset').click(); }})()""")
    settled(page)
    same_table(on_screen(page), model.load("twilly"))
    page.run("document.querySelector('.pop-pin').click()")
    settled(page)


def test_an_answer_that_does_not_come_is_told(page):
    page.run("""(() => { const l = document.querySelector('.pop-page').popLine;
        l.patience = 1; l.model.kept = l.model.send; l.model.send = () => {}; })()""")
    slid(page, "users", 3)
    page.until("document.querySelector('.pop-late').textContent.startsWith('No answer has come')")
    page.run("""(() => { const l = document.querySelector('.pop-page').popLine;
        l.model.send = l.model.kept; l.patience = 10000; l.waiting = null; l.onLate(false); })()""")
    page.run("document.querySelector('.pop-reset').click()")
    settled(page)
    assert page.run("document.querySelector('.pop-late').textContent") == ""


def kernels():
    """Kernels that servers started by this test run hold."""
    return sum(
        "ipykernel" in " ".join(p.cmdline())
        for p in psutil.Process().children(recursive=True)
        if p.is_running() and p.status() != psutil.STATUS_ZOMBIE
    )


def test_a_page_that_is_left_takes_its_kernel_with_it(browser, folder):
    with served(folder) as address:
        one = opened(browser, address)
        count = kernels()
        one.call("Page.navigate", url="about:blank")
        until = time.monotonic() + 20
        while time.monotonic() < until and kernels() >= count:
            time.sleep(0.2)
        assert kernels() == count - 1


def test_the_address_says_the_state_so_a_reload_keeps_it_back_undoes_it_and_a_link_opens_it(browser, page, address):
    for key, text in (("users", "5000"), ("after.heartbeat.period_s", "60")):
        typed(page, key, text)
        settled(page)
        page.until(f"location.hash.includes({key!r})")
    link = page.run("location.href")
    assert link == address.split("?")[0] + "#scenario=twilly&users=5000&after.heartbeat.period_s=60"
    both = model.load("twilly").with_({"users": 5000, "after.heartbeat.period_s": 60})
    page.call("Page.reload")
    page.until("!document.querySelector('.pop-page[data-ready=yes]')")
    page.until(app_server.READY, 90)
    same_table(on_screen(page), both)
    page.run("history.back()")
    page.until("location.hash.endsWith('users=5000')")
    page.until("document.querySelector('[data-key=\"after.heartbeat.period_s\"] input[type=text]').value === '30'")
    settled(page)
    same_table(on_screen(page), model.load("twilly").with_({"users": 5000}))
    other = browser.page(context=page.context)
    other.call("Page.navigate", url=link)
    other.until(app_server.READY, 90)
    same_table(on_screen(other), both)
    assert other.errors() == []
    other.call("Page.close")
    page.call("Page.bringToFront")  # a page behind another draws nothing, and so never settles


def test_the_table_can_be_downloaded_with_every_digit(page):
    typed(page, "users", "5000")
    settled(page)
    link = "document.querySelector('.pop-csv')"
    assert page.run(f"{link}.download") == "twilly.csv"
    text = page.run(f"decodeURIComponent({link}.href.split(',').slice(1).join(','))")
    table = model.before_after(model.load("twilly").with_({"users": 5000}))
    rows = {row["measure"]: row for row in csv.DictReader(io.StringIO(text))}
    assert list(rows) == list(table.index)
    for measure, row in rows.items():
        assert [float(row[c]) for c in ("before", "after", "change")] == list(
            table.loc[measure, ["before", "after", "change"]]
        )


def test_a_keyboard_alone_reaches_every_control(page):
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen = []
    for _ in range(120):
        page.press("Tab", 9)
        seen.append(page.run(FOCUSED))
    for key, control in explore.start("twilly").controls.items():
        mine = " ".join(s for s in seen if s.startswith(f"{key} "))
        assert ("range" in mine and "text" in mine) if control.stops else "select" in mine, key
    for name in ("Reset", "Compare with this state", "Save as scenario"):
        assert any(name in s for s in seen), name


@pytest.mark.parametrize("key", [c.key for c in explore.start("twilly").controls.values() if c.stops])
def test_an_arrow_key_moves_each_slider_by_a_stop(page, key):
    page.run(f"""document.querySelector('[data-key="{key}"] input[type=range]').focus()""")
    page.press("ArrowLeft", 37)
    settled(page)
    control = explore.start("twilly").controls[key]
    value = control.stops[control.stops.index(control.default) - 1]
    same_table(on_screen(page), explore.start("twilly", {key: value}).scenario())


@pytest.mark.parametrize("width", [1280, 390])
def test_it_is_readable_at_both_widths(page, width):
    page.resize(width, 900)
    page.run("new Promise(r => setTimeout(r, 400))")
    try:
        assert page.run("document.documentElement.scrollWidth") <= width
        wide = page.run("""[...document.querySelectorAll('.pop-page *')].filter(e => e.getClientRects().length
            && !(e instanceof SVGElement) && !e.closest('.pop-chart, thead')
            && getComputedStyle(e).position !== 'absolute'
            && e.getBoundingClientRect().right > innerWidth + 1).map(e => e.className || e.tagName)""")
        assert wide == []
        sizes = page.run("""[...document.querySelectorAll('.pop-page *')].filter(e =>
            e.getClientRects().length && [...e.childNodes].some(n =>
            n.nodeType === 3 && n.textContent.trim()))
            .map(e => parseFloat(getComputedStyle(e).fontSize))""")
        assert min(sizes) >= 10
    finally:
        page.resize(1280, 900)


def test_every_text_has_a_contrast_of_4_5_to_1(page):
    page.run("document.querySelector('.pop-pin').click()")
    typed(page, "users", "5")
    settled(page)
    found = page.run(CONTRAST)
    typed(page, "users", "10000")
    assert len(found) > 100
    assert [f for f in found if f[0] < 4.5] == []


def test_two_browsers_have_a_state_each(browser, address, page):
    other = opened(browser, address)
    slid(other, "users", 40)
    settled(other)
    same_table(on_screen(page), model.load("twilly"))
    users = explore.start("twilly").controls["users"].stops[40]
    same_table(on_screen(other), model.load("twilly").with_({"users": users}))
    assert other.errors() == []


def test_there_is_a_message_until_the_page_is_ready(browser, address):
    one = browser.page()
    one.call("Page.navigate", url=address)
    told = one.until("document.getElementById('starting')?.innerText", 30)
    assert told.startswith("Starting: ")
    one.until(app_server.READY, 90)
    one.until("document.getElementById('starting') === null")


def test_no_error_in_the_console_and_no_address_outside_the_machine(page, address):
    """Last, over all that the shared page did."""
    assert page.errors() == []
    own = address.split("?")[0]
    outside = [u for u in page.asked() if not re.match(r"(data|blob):", u) and not u.startswith(own)]
    assert outside == []


def test_no_code_is_shown(page):
    text = page.run("document.body.innerText")
    assert "import model" not in text and "explore.page(" not in text


def test_the_rows_on_the_screen_are_all_the_rows_there_are(page):
    assert [m for m, c, *_ in page.run(app_server.TABLE) if c == "before"] == list(results.ROWS)
