"""Explore: move a control, see all five measures answer. Everything but `page` runs without a widget."""

from __future__ import annotations

from model.apps.explore.drawing import Memory, chart_data, table_rows
from model.apps.explore.saving import saved, scenario_text
from model.apps.explore.state import State, network_shares, start
from model.apps.explore.words import changed_words, reason_words

__all__ = [
    "Memory",
    "State",
    "changed_words",
    "chart_data",
    "network_shares",
    "page",
    "reason_words",
    "saved",
    "scenario_text",
    "start",
    "table_rows",
]


def __getattr__(name: str):
    if name == "page":  # the widget's libraries load where a page is wanted
        from model.apps.explore.widget import page

        return page
    raise AttributeError(f"module 'model.explore' has no attribute {name!r}")
