"""The page as one widget: the browser sends what was moved, Python answers with everything to draw."""

from __future__ import annotations

import functools
import gc
import gzip
import logging
import os
import time
from collections.abc import Iterator
from pathlib import Path

import anywidget
import traitlets

from model import checks
from model import scenario as scenarios
from model.answers import choices, with_tuned
from model.apps.explore import drawing
from model.apps.explore.controls import impossible
from model.apps.explore.figures import DRAWS, Memory
from model.apps.explore.state import PageState, is_scenario, saved, start
from model.checks import InputError
from model.outcome import Outcome, compared
from model.scenario import Scenario
from model.show import display, pictures

STATIC = Path(__file__).parent / "static"
ASKED = ("move", "state", "scenario", "reset", "pin", "save", "next")
KEPT = "The page shows the last values that work."
FIRST = "Move a slider: this line says what changed and why."
SLICE_S = 0.05  # of work, after which the browser is told what there is, and may ask for something else
VALUES, RANGES, ANSWER, ALL = 1, 2, 3, 4  # how far the work on a state is
NOTE = (
    "<p>Here the sliders stand; they need a running kernel: <code>workbook app</code> or <code>workbook lab</code>.</p>"
)
FOLDER = "WORKBOOK_FOLDER"  # where the commands were started from; scenarios are saved there
log = logging.getLogger(__name__)


@functools.cache
def _plotly() -> bytes:
    """plotly's own script from its Python package, packed: no address outside is asked for it."""
    return gzip.compress(pictures.plotly_js(), compresslevel=3, mtime=0)


class PageWidget(anywidget.AnyWidget):
    """Controls, answer, table, charts and words of one state, and the figures of a pinned one among them."""

    _esm = (STATIC / "page.js").read_text(encoding="utf-8")
    _css = (STATIC / "page.css").read_text(encoding="utf-8")
    drawn = traitlets.Dict().tag(sync=True)
    traces = traitlets.Dict().tag(sync=True)
    listed = traitlets.Dict().tag(sync=True)
    layouts = traitlets.Dict().tag(sync=True)
    plotly = traitlets.Bytes().tag(sync=True)

    def __init__(self, scenario: str = "twilly", values: dict | None = None, folder: str | Path | None = None) -> None:
        self.folder = Path(folder or os.environ.get(FOLDER) or Path.cwd())
        self.memory = Memory()
        self.state = start(scenario, values)
        self.first = self.state.name  # what the page shows where its address says nothing
        self.pinned: dict | None = None
        self.answered: tuple[PageState, dict] = (self.state, {})  # the state of the last answer, and what it named
        self.errors, self.refused = {}, ()  # by control or message; controls whose last move no scenario can have
        self.cells, self.blocked = {}, {}  # by design and row, and by control and option
        super().__init__(layouts=drawing.chart_layouts(), plotly=_plotly())
        self.said: dict = {"words": FIRST, "why": "", "saved": "", "answer": [], "flip": "", "named": []}
        self._begin(self.state)
        while self.stage < VALUES:
            next(self.work)
        self.redraw({"n": -1, "controls": True})
        self.on_msg(self._heard)

    def _heard(self, _widget, message: dict, _buffers) -> None:
        """One message of the browser; whatever it asks, it gets an answer."""
        began = time.perf_counter()
        asked, do = {"controls": False, "n": message.get("n", 0)}, message.get("do", "")
        if do != "next":  # what was said of an earlier message is over
            self.said["saved"] = ""
            for old in (*ASKED, *self.refused):
                self.errors.pop(old, None)
            self.refused = ()
        try:
            getattr(self, f"do_{do}")(message, asked)
            self._go_on(began + SLICE_S)
        except InputError as wrong:
            self.errors[do] = f"{wrong}. {KEPT}" if do == "scenario" else f"{wrong}."
        except Exception as wrong:  # the page must go on, whatever a value did to the model
            log.exception("a move could not be worked out")
            self.errors[do] = f"This could not be worked out ({type(wrong).__name__}). {KEPT}"
        self.redraw(asked, began)

    def _begin(self, state: PageState, old: PageState | None = None) -> None:
        """Begin to work out a state that is shown in the place of another."""
        self.state, self.last, self.stage = state, (old or state, state), 0
        self.fresh: list[str] = []
        self.work: Iterator[None] = self._pieces()

    def _go_on(self, until: float) -> None:
        """Work on the state until a time, on another scenario's at least until it has a table; a fault ends it."""
        stage = self.stage
        gc.disable()  # a walk through all objects amid a slice costs a third of it; between slices they are collected
        try:
            for _ in self.work:
                over = self.stage > stage or time.perf_counter() > until  # each stage is shown at once
                if over and (self.stage or self.last[0].base is self.state.base):
                    break
        except Exception:
            old = self.last[0]
            if old is self.state:
                self.work, self.stage = iter(()), ALL
            else:
                self._begin(old)
            raise
        finally:
            gc.enable()

    def _pieces(self) -> Iterator[None]:
        """The work on a state in short pieces: the figures at the modes, their ranges, the answer, charts and words."""
        old, new = self.last
        scenario = new.scenario()
        outcome, was = self.memory.outcome(scenario), self.memory.outcome(old.scenario())
        self.cells = {name: cells for name, cells in self.cells.items() if name in scenario.designs}
        for name in scenario.designs:
            self.cells = {**self.cells, name: outcome.cells(name)}
            self.fresh.append(name)
            yield
        if old is not new:
            self.said["words"] = drawing.changed_words(old, new, was, outcome)
        self.rows, self.stage = outcome.table_rows(), VALUES
        yield
        drawn = self.memory.outcome(scenario, draws=DRAWS)
        for name in scenario.designs:
            yield from drawn.pieces(name)
            found = drawn.cells(name)
            self.cells[name] = {row: {**cell, **found[row]} for row, cell in self.cells[name].items()}
            yield
        self.rows, self.stage = drawn.table_rows(), RANGES
        yield
        self._answer(scenario)
        drawn.let_go()
        yield
        self.blocked = impossible(outcome, self.memory.books(new.base))
        yield
        self._draw_charts()
        yield
        if old is not new:
            self.said["why"] = drawing.reason_words(was, outcome)
        self.stage = ALL

    def _answer(self, scenario: Scenario) -> None:
        """What the page opens with: which design to take, and whether a move has changed that."""
        (state, before), flip = self.answered, ""
        try:
            sentences, named = choices(self.memory.outcome(with_tuned(scenario), draws=DRAWS))
        except InputError as wrong:  # an app that tells nobody of anything has none
            sentences, named = [f"There is no answer: {wrong}."], {}
        if state.base is self.state.base:
            flip = drawing.flip_words(before, named, self.state.settings_since(state))
        self.answered, self.stage = (self.state, named), ANSWER
        self.said.update(answer=sentences, named=list(named.values()), flip=flip)

    def do_next(self, *_) -> None:
        """Nothing is asked but to go on with the work on the state that is shown."""

    def do_move(self, message: dict, asked: dict) -> None:
        """Controls were moved."""
        self._move(self.state, dict(message["values"]))

    def do_state(self, message: dict, asked: dict) -> None:
        """A state that an address names: a scenario, and what is moved in it."""
        asked["controls"] = True
        self.errors.clear()
        name = checks.known("scenario", message["name"] or self.first, self.choices())
        self._move(start(name), dict(message["values"]))

    def _move(self, tried: PageState, values: dict) -> None:
        """Set those controls that can be set, and say of each other one why not."""
        for key, raw in values.items():
            self.errors.pop(key, None)
            try:
                tried = tried.moved(key, raw)
            except InputError as wrong:
                self.errors[key] = str(wrong)
        try:
            self._become(tried)
        except InputError as wrong:  # said beside what was moved, where the eye is
            self.refused = tuple(values)
            self.errors.update(dict.fromkeys(self.refused, f"{wrong}. {KEPT}"))

    def _become(self, new: PageState) -> None:
        """Show another state; where it cannot be, the present one stays and the error is raised."""
        old = self.state
        if new.base is old.base and new.changed == old.changed:
            return
        outcome = self.memory.outcome(new.scenario())
        chosen = {key: value for key, value in new.changed.items() if new.controls[key].options}
        blocked = impossible(outcome, self.memory.books(new.base)) if chosen else {}
        for key, value in chosen.items():
            if value in blocked.get(key, {}):
                checks.fail(blocked[key][value])
        self.said.update(why="", flip="")
        self._begin(new, old)

    def do_scenario(self, message: dict, asked: dict) -> None:
        """Another scenario was chosen."""
        asked["controls"] = True
        self.errors.clear()
        self._become(start(checks.known("scenario", message["name"], self.choices())))

    def do_reset(self, message: dict, asked: dict) -> None:
        """Every control back to what the scenario says."""
        self.do_scenario({"name": self.state.name}, asked)

    def do_pin(self, message: dict, asked: dict) -> None:
        """Keep this state beside whatever comes, or let go of the one that is kept."""
        state = self.state
        data = None if self.pinned else drawing.chart_data(self.memory, state.scenario())
        self.pinned = data and {"cells": self.cells, "name": state.name, "settings": state.settings(), "data": data}
        self._draw_charts()

    def do_save(self, message: dict, asked: dict) -> None:
        """Write the state as a scenario file."""
        wrong = [c.label for key, c in self.state.controls.items() if key in self.errors]
        if wrong:
            checks.fail(f"what is marked red must be put right before it is saved: {', '.join(wrong)}")
        path = saved(self.state, str(message.get("name", "")), self.folder)
        self.said["saved"] = f"Saved. Read it back with: workbook table {path}"
        self.said.update(yaml=path.read_text(encoding="utf-8"), file=path.name)
        asked["controls"] = True

    def choices(self) -> list[str]:
        """The scenarios that can be chosen: the project's, this page's, and those saved in its folder."""
        own = [str(p) for p in sorted(self.folder.glob("*.yaml"))[:50] if is_scenario(p)]
        return list(dict.fromkeys([*scenarios.names(), self.state.name, *own]))

    def redraw(self, asked: dict, began: float | None = None) -> None:
        """Send all that is known of the state that is shown."""
        state, scenario = self.state, self.state.scenario()
        if asked["controls"]:  # before the values, so that the browser never shows one without the other
            listed = {"controls": [c.plain() for c in state.controls.values()], "choices": self.choices()}
            self.listed = {**listed, "first": self.first, "pair": scenario.compared}
        titles = {name: one.title for name, one in scenario.designs.items()}
        named = {"mix": state.mix_sentence(), "name": state.name, "title": state.base.title, "designs": titles}
        table = {"rows": self.rows, "cells": self.cells, "fresh": self.fresh, "stage": self.stage}
        lacking = ((row, name, cell["note"]) for name, cells in self.cells.items() for row, cell in cells.items())
        notes = {note: f"{row} of {titles[name]} is n/a: {note}." for row, name, note in reversed([*lacking]) if note}
        table["notes"] = [*reversed(notes.values())]  # each reason once
        shown = {**asked, **self.said, "errors": dict(self.errors), "values": state.values, **named, **table}
        took_ms = round(1e3 * (time.perf_counter() - began), 1) if began else 0.0
        more = {"blocked": self.blocked, "users": float(scenario.users), "took_ms": took_ms, "pinned": self.pinned}
        self.drawn = shown | more

    def _draw_charts(self) -> None:
        """The charts of the pair, and of the pinned state's beside them."""
        try:
            data = drawing.chart_data(self.memory, self.state.scenario())
            self.traces = {"traces": drawing.traces(data, self.pinned and self.pinned["data"]), "error": ""}
        except InputError as wrong:
            self.traces = {"traces": {}, "error": str(wrong)}

    def _text(self, form: str, title: str = "") -> str:
        """The library's table of the state that is shown."""
        kept = self.memory.outcome(self.state.scenario())
        plain = Outcome(kept.scenario, kept.users, 0, kept.sides)
        return display.as_text(compared(plain, [*kept.sides]), form, title)

    def __repr__(self) -> str:
        return self._text("md").rstrip()

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and for a viewer that runs no kernel the table it would show."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        table = self._text("html", self.state.base.title)
        return {**(data or {}), "text/plain": repr(self), "text/html": NOTE + table}, metadata


def page(
    scenario: str = "twilly", users: float | None = None, values: dict | None = None, folder: str | Path | None = None
) -> PageWidget:
    """The page of a scenario: controls, table, charts and words that follow each other.

    Parameters
    ----------
    scenario : str, A name in data/scenarios, or a .yaml file
    users : float, optional, users at the start; the scenario's own where none is given
    values : dict, optional, other controls at the start, by key, in the unit the page shows
    folder : str or pathlib.Path, optional, where scenarios are saved; where the command was started from, or the
        working folder

    Returns: PageWidget, A widget; a notebook shows it where it is a cell's last expression
    Raises: InputError, an unknown scenario, or a value that a control cannot have
    """
    own = {} if users is None else {"users": users}
    return PageWidget(scenario, {**(values or {}), **own}, folder)
