"""Pages of one server: each has a kernel and a state of its own, its address says the state, and it ends with it."""

import app_server
import pytest
from app_server import kernels, opened, outside, same_table, settled, slid, typed
from processes import wait_for

import model
from model.apps import explore


@pytest.fixture(scope="module")
def started(browser, address):
    """A page, and what it said before it was ready."""
    one = browser.page()
    one.call("Page.navigate", url=address)
    told = one.until("document.getElementById('starting')?.innerText", 30)
    one.until(app_server.READY, 90)
    return one, told


def test_there_is_a_message_until_the_page_is_ready(started):
    one, told = started
    assert told.startswith("Starting: ")
    one.until("document.getElementById('starting') === null")


def test_a_page_that_is_left_takes_its_kernel_with_it(started):
    one, _ = started
    count = kernels()
    one.call("Page.navigate", url="about:blank")
    wait_for(lambda: kernels() < count, 20)
    assert kernels() == count - 1


def test_two_browsers_have_a_state_each(browser, address, page):
    other = opened(browser, address)
    slid(other, "users", 40)
    settled(other)
    same_table(page, model.load("twilly"))
    users = explore.start("twilly").controls["users"].stops[40]
    same_table(other, model.load("twilly").with_({"users": users}))
    assert other.errors() == []
    other.call("Page.close")
    page.call("Page.bringToFront")


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
    same_table(page, both)
    page.run("history.back()")
    page.until("location.hash.endsWith('users=5000')")
    page.until("document.querySelector('[data-key=\"after.heartbeat.period_s\"] input[type=text]').value === '30'")
    settled(page)
    same_table(page, model.load("twilly").with_({"users": 5000}))
    other = browser.page(context=page.context)
    other.call("Page.navigate", url=link)
    other.until(app_server.READY, 90)
    same_table(other, both)
    assert other.errors() == page.errors() == outside(page, address) == []
    other.call("Page.close")
    page.call("Page.bringToFront")  # a page behind another draws nothing, and so never settles
