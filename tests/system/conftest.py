"""The page that browsers open: served once for the tests of a file."""

import app_server
import chromium
import pytest


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    app_server.needs()
    return tmp_path_factory.mktemp("page")


@pytest.fixture(scope="module")
def address(folder):
    with app_server.served(folder) as found:
        yield found


@pytest.fixture(scope="module")
def browser(folder):
    one = chromium.Browser()
    yield one
    one.close()


@pytest.fixture(scope="module")
def page(browser, address):
    """One page that the tests share in turn; each leaves it reset."""
    return app_server.opened(browser, address)
