"""Explore: move a control, see all five measures answer. Everything but `page` runs without a widget."""

from __future__ import annotations

from model.apps.explore.drawing import changed_words, chart_data, reason_words
from model.apps.explore.figures import Memory
from model.apps.explore.state import PageState, network_shares, saved, scenario_text, start

__all__ = ["Memory", "PageState", "changed_words", "chart_data", "network_shares", "page", "reason_words", "saved"]
__all__ += ["scenario_text", "start"]


def __getattr__(name: str):
    if name == "page":  # the widget's libraries load where a page is wanted
        from model.apps.explore.widget import page

        return page
    raise AttributeError(f"module 'model.apps.explore' has no attribute {name!r}")
