"""The page in a real browser: every number on the screen is the library's, and a keyboard alone moves it."""

import csv
import io
import itertools
import os
from contextlib import contextmanager
from pathlib import Path

import app_server
import pytest
from app_server import on_screen, outside, same_table, settled, slid, typed, unfolded

import model
from model.apps import explore
from model.apps.explore import drawing, figures
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


@pytest.fixture(autouse=True)
def afresh(page):
    yield
    page.run("document.querySelector('.pop-reset').click()")
    if page.run("document.querySelector('.pop-pin').getAttribute('aria-pressed')") == "true":
        page.run("document.querySelector('.pop-pin').click()")
    settled(page)


def same_texts(page, scenario):
    drawn = model.compare(scenario, draws=figures.DRAWS)
    header, rows = display._shown(drawn)
    wanted = {(row[0], name): row[header.index(name)] for row in rows for name in model.load(scenario).designs}
    shown = {key: text for key, (text, _) in on_screen(page).items() if key[0] != figures.PER_USER}
    assert shown == wanted


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
    for key, index in MOVES.items():
        slid(page, key, index)
        settled(page)
    settled(page, app_server.ALL)
    same_table(page, moved_state().scenario())
    same_texts(page, moved_state().scenario())
    same_charts(page, moved_state().scenario())


def test_the_answer_stands_first_in_words_beside_the_sliders_and_says_when_a_move_flips_it(page):
    settled(page, app_server.ANSWER)
    wanted = model.answer("twilly", draws=figures.DRAWS).parts["choose"]
    assert page.run("[...document.querySelectorAll('.pop-answer p:not(.pop-flip)')].map(p => p.textContent)") == list(
        wanted
    )
    slid(page, "users", 60)
    settled(page, app_server.ANSWER)
    flip = page.run("document.querySelector('.pop-flip').textContent")
    assert flip.startswith("The answer has changed: within") and flip.endswith("10,000 users to 10,000,000 users.")
    named = page.run("[...document.querySelectorAll('.pop-table thead .pop-named')].map(t => t.textContent)")
    assert named and all(f"it is now {name}, no longer " in flip for name in named)


def test_a_slider_dragged_fast_ends_at_the_last_stop(page):
    for index in range(10, 51):
        slid(page, "after.heartbeat.period_s", index)
    settled(page)
    stop = explore.start("twilly").controls["after.heartbeat.period_s"].stops[50]
    same_table(page, model.load("twilly").with_({"after.heartbeat.period_s": stop}))


def test_a_pinned_state_stands_beside_the_moved_one(page):
    settled(page, app_server.ALL)
    was = on_screen(page)
    page.run("document.querySelector('.pop-pin').click()")
    settled(page)
    for key, index in MOVES.items():
        slid(page, key, index)
    settled(page, app_server.ALL)
    shown = on_screen(page)
    assert all(shown[key][0].endswith(f"pinned {text}") for key, (text, _) in was.items())
    same_table(page, moved_state().scenario())
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
    same_table(page, model.load(folder / "from_the_page.yaml"))


def test_the_words_say_what_the_move_changed_and_why(page):
    slid(page, "after.heartbeat.period_s", 50)
    why = page.until("document.querySelector('.pop-why').textContent")
    push = model.load("twilly").after.title
    assert why.startswith(f"Why, battery with {push}: heartbeat")
    said = page.run("document.querySelector('.pop-said').textContent")
    assert said.startswith(f"Heartbeat period ({push}) from 30 s to")


@pytest.mark.parametrize(("text", "rule"), [("", "the box is empty"), ("5", "got 5"), ("many", "got 'many'")])
def test_a_bad_box_is_told_beside_it_and_the_numbers_stay(page, text, rule):
    typed(page, "users", text)
    page.until("document.querySelector('[data-key=users] .pop-error').textContent.length > 0")
    told = page.run("document.querySelector('[data-key=users] .pop-error').textContent")
    assert told == f"Users in the month must be 100 to 10,000,000 users; {rule}"
    assert page.run("document.querySelector('[data-key=users] input[type=text]').ariaInvalid") == "true"
    same_table(page, model.load("twilly"))
    typed(page, "users", "5000")
    settled(page)
    same_table(page, model.load("twilly").with_({"users": 5000}))


def test_shares_over_100_percent_are_told_as_used(page):
    typed(page, "networks.lte.share", "85")
    settled(page)
    assert "add up to 160 %" in page.run("document.querySelector('.pop-mix').textContent")
    same_table(page, explore.start("twilly", {"networks.lte.share": 85}).scenario())


def test_what_cannot_be_chosen_is_disabled_with_its_reason(page):
    settled(page, app_server.ALL)
    options = page.run("""Object.fromEntries([...document.querySelector('[data-key=region] select').options].map(o =>
        [o.value, [o.disabled, o.text]]))""")
    assert options["us-east-1"] == [False, "us-east-1"]
    assert options["ap-southeast-6"][0] and "no price for" in options["ap-southeast-6"][1]
    assert sum(disabled for disabled, _ in options.values()) == 1


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
    same_table(page, model.load("twilly"))
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


def test_the_table_can_be_downloaded_with_every_digit(page):
    typed(page, "users", "5000")
    settled(page, app_server.RANGES)
    link = "document.querySelector('.pop-csv')"
    assert page.run(f"{link}.download") == "twilly.csv"
    text = page.run(f"decodeURIComponent({link}.href.split(',').slice(1).join(','))")
    made = model.load("twilly").with_({"users": 5000})
    table, drawn = model.compare(made), model.compare(made, draws=figures.DRAWS)
    rows = {row["measure"]: row for row in csv.DictReader(io.StringIO(text))}
    assert {*rows} - {figures.PER_USER} == {*table.index}
    for measure, name in itertools.product(table.index, made.designs):
        row = rows[measure]
        assert float(row[name]) == table.loc[measure, name] and float(row[f"{name}_middle"]) == drawn.loc[measure, name]
        assert all(float(row[f"{name}_{end}"]) == drawn.loc[measure, f"{name}_{end}"] for end in ("low", "high"))


def test_a_keyboard_alone_reaches_every_control(page):
    unfolded(page)
    page.run("document.activeElement.blur(); window.scrollTo(0, 0)")
    seen = []
    for _ in range(150):
        page.press("Tab", 9)
        seen.append(page.run(FOCUSED))
    for key, control in explore.start("twilly").controls.items():
        mine = " ".join(s for s in seen if s.startswith(f"{key} "))
        assert ("range" in mine and "text" in mine) if control.stops else "select" in mine, key
    for name in ("Reset", "Compare with this state", "Save as scenario"):
        assert any(name in s for s in seen), name


KEYS = [
    c.key
    for c in explore.start("twilly").controls.values()
    if c.stops and c.of in ("", model.load("twilly").after.title)
]


@pytest.mark.parametrize("key", KEYS)
def test_an_arrow_key_moves_each_slider_by_a_stop(page, key):
    unfolded(page)
    page.run(f"""document.querySelector('[data-key="{key}"] input[type=range]').focus()""")
    page.press("ArrowLeft", 37)
    settled(page)
    control = explore.start("twilly").controls[key]
    value = control.stops[control.stops.index(control.default) - 1]
    same_table(page, explore.start("twilly", {key: value}).scenario())


LOOKS = [(scheme, width) for scheme in ("light", "dark") for width in (1280, 390)]


@contextmanager
def looked_at(page, scheme, width):
    """The page as a screen of that width shows it, light or dark; afterwards as before."""
    page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    page.resize(width, 844)
    page.run("new Promise(r => setTimeout(r, 400))")
    try:
        yield
    finally:
        page.call("Emulation.setEmulatedMedia", features=[])
        page.resize(1280, 900)


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_it_is_readable_at_both_widths_light_and_dark(page, scheme, width):
    settled(page, app_server.ALL)
    with looked_at(page, scheme, width):
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
        found = page.run(CONTRAST)
        assert len(found) > 100 and [f for f in found if f[0] < 4.5] == []
        ground = page.run("getComputedStyle(document.querySelector('.pop-page')).backgroundColor")
        assert (ground == "rgb(255, 255, 255)") == (scheme == "light")


def test_on_a_phone_the_sliders_begin_within_one_screen_of_the_answer(page):
    with looked_at(page, "light", 390):
        tops = (
            "['.pop-answer', '.pop-controls', '.pop-table'].map(q => document.querySelector(q).getBoundingClientRect())"
        )
        page.run("window.scrollTo(0, 0)")
        answer, controls, table = page.run(f"{tops}.map(r => [r.top, r.bottom])")
        assert answer[1] <= controls[0] < answer[1] + 844 < table[1] and controls[0] < 844


@pytest.mark.parametrize(("scheme", "width"), LOOKS)
def test_axe_finds_nothing(page, scheme, width):
    axe = Path(os.environ.get("AXE_CORE", "nowhere"))
    if not axe.is_file():
        pytest.skip("no axe-core: `npm pack axe-core`, unpack it, and set AXE_CORE=.../axe.min.js")
    settled(page, app_server.ALL)
    with looked_at(page, scheme, width):
        page.run(f"{axe.read_text('utf-8')};1")
        found = page.run("axe.run().then(r => r.violations.map(v => [v.id, v.nodes.map(n => n.html.slice(0, 200))]))")
    assert found == []


def test_what_is_told_in_red_has_a_contrast_of_4_5_to_1_beside_a_pinned_state(page):
    page.run("document.querySelector('.pop-pin').click()")
    typed(page, "users", "5")
    settled(page)
    found = page.run(CONTRAST)
    typed(page, "users", "10000")
    assert len(found) > 100
    assert [f for f in found if f[0] < 4.5] == []


def test_no_error_in_the_console_and_no_address_outside_the_machine(page, address):
    """Last, over all that the shared page did."""
    assert page.errors() == []
    assert outside(page, address) == []
    assert not any("jupyterlab-plotly" in asked for asked in page.asked())  # the page brings plotly, which is large


def test_no_code_is_shown(page):
    text = page.run("document.body.innerText")
    assert "import model" not in text and "explore.page(" not in text
