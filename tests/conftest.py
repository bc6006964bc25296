"""What all tests share."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("house", deadline=None)  # a busy machine is no failure
settings.load_profile("house")

LONGEST = ("test_own_app", "test_readme", "test_notebook_engine", "test_batch", "test_report", "test_latency")
LONGEST += ("test_explore", "test_uncertainty", "test_audit", "test_ranges_everywhere", "08_claims", "07_ranges")
LONGEST += ("04_cost", "09_designs", "README", "test_explore_browser", "test_explore_pages")

SHARED = Path(__file__).resolve().parents[2] / "shared"


def pytest_configure(config):
    """Files in the order of their collection: xdist's own order, by the number of tests, has the longest last."""
    config.option.loadscopereorder = False


def pytest_collection_modifyitems(items):
    """The longest files first, so that no worker waits for another in the end."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_collection_finish():
    """Thousands of collected tests stay to the end: to look for garbage among them takes a sixth of the time."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of researched facts beside a checkout; tests that need it skip where it is absent."""
    if not SHARED.is_dir():
        pytest.skip("the folder of researched facts is not beside this checkout")
    return SHARED
