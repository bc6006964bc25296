"""The page as one widget: the browser sends what was moved, Python answers with everything to draw."""

from __future__ import annotations

import functools
import gzip
import logging
import os
import time
from pathlib import Path

import anywidget
import traitlets

from model import checks
from model import scenario as scenarios
from model.apps.explore import drawing
from model.apps.explore.state import PageState, others_sentence, saved, start
from model.checks import InputError
from model.outcome import before_after
from model.show import display, pictures

STATIC = Path(__file__).parent / "static"
ASKED = ("move", "state", "scenario", "reset", "pin", "save")
KEPT = "The page shows the last values that work."
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
    """Controls, table, charts and words of one state, and of a pinned one beside it."""

    _esm = (STATIC / "page.js").read_text(encoding="utf-8")
    _css = (STATIC / "page.css").read_text(encoding="utf-8")
    drawn = traitlets.Dict().tag(sync=True)
    curve = traitlets.Dict().tag(sync=True)
    listed = traitlets.Dict().tag(sync=True)
    layouts = traitlets.Dict().tag(sync=True)
    plotly = traitlets.Bytes().tag(sync=True)

    def __init__(self, scenario: str = "twilly", values: dict | None = None, folder: str | Path | None = None) -> None:
        self.folder = Path(folder or os.environ.get(FOLDER) or Path.cwd())
        self.memory = drawing.Memory()
        self.state = start(scenario, values)
        self.first = self.state.name  # what the page shows where its address says nothing
        self.pinned: PageState | None = None
        self.last: tuple[PageState, PageState] = (self.state, self.state)
        self.errors: dict[str, str] = {}
        self.refused: tuple[str, ...] = ()  # controls whose last move no scenario can have
        super().__init__(layouts=drawing.chart_layouts(), plotly=_plotly())
        self.said: dict = {"words": "Move a slider: this line says what changed and why.", "why": "", "saved": ""}
        self.redraw({"n": 0, "controls": True})
        self.on_msg(self._heard)

    def outcome(self, state: PageState) -> drawing.PageOutcome:
        """The outcome of a state."""
        return self.memory.outcome(state.scenario())

    def _heard(self, _widget, message: dict, _buffers) -> None:
        """One message of the browser; whatever it asks, it gets an answer."""
        began = time.perf_counter()
        asked = {"controls": False, "n": message.get("n", 0)}
        do = message.get("do", "")
        if do != "why":  # what was said of an earlier message is over
            self.said["saved"] = ""
            for old in (*ASKED, *self.refused):
                self.errors.pop(old, None)
            self.refused = ()
        try:
            getattr(self, f"do_{do}")(message, asked)
        except InputError as wrong:
            self.errors[do] = f"{wrong}. {KEPT}" if do == "scenario" else f"{wrong}."
        except Exception as wrong:  # the page must go on, whatever a value did to the model
            log.exception("a move could not be worked out")
            self.errors[do] = f"This could not be worked out ({type(wrong).__name__}). {KEPT}"
        self.redraw(asked, began)

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
        """Show another state; where it cannot be worked out, the present one stays and the error is raised."""
        old = self.state
        if new.base is old.base and new.changed == old.changed:
            return
        outcome = self.outcome(new)
        _ = outcome.table_rows  # worked out before anything is changed
        if outcome.notes:
            raise InputError(next(iter(outcome.notes.values())))
        self.last = (old, new)
        self.said.update(words=drawing.changed_words(old, new, self.outcome(old), outcome), why="")
        self.state = new

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
        self.pinned = None if self.pinned else self.state

    def do_why(self, message: dict, asked: dict) -> None:
        """Work out the reason for the last move while nothing moves, in steps, so that a move can come between."""
        pair = [self.outcome(state) for state in self.last]
        step = int(message.get("step", 2))
        if step < 2:
            drawing.prepare_reason(*pair, step)
        else:
            self.said["why"] = drawing.reason_words(*pair)
        asked.update(same=True, step=step)

    def do_save(self, message: dict, asked: dict) -> None:
        """Write the state as a scenario file."""
        wrong = [c.label for key, c in self.state.controls.items() if key in self.errors]
        if wrong:
            checks.fail(f"what is marked red must be put right before it is saved: {', '.join(wrong)}")
        path = saved(self.state, str(message.get("name", "")), self.folder)
        self.said["saved"] = f"Saved. Read it back with: workbook table {path}"
        asked.update(controls=True, yaml=path.read_text(encoding="utf-8"), file=path.name)

    def choices(self) -> list[str]:
        """The scenarios that can be chosen: the project's, this page's, and those saved in its folder."""
        own = [str(p) for p in sorted(self.folder.glob("*.yaml"))[:50] if _is_scenario(p)]
        return list(dict.fromkeys([*scenarios.names(), self.state.name, *own]))

    def redraw(self, asked: dict, began: float | None = None) -> None:
        """Send all that is shown of the state, or the words alone where nothing else changed.

        The curve of cost follows by itself: the browser draws the rest while it is worked out.
        """
        state = self.state
        named = {"mix": state.mix_sentence(), "name": state.name, "title": state.base.title}
        shown = {**asked, **self.said, "errors": dict(self.errors), "values": state.values, **named}
        same = asked.get("same") and self.drawn
        figures = {k: self.drawn[k] for k in ("rows", "traces", "pinned", "users")} if same else self._figures()
        if asked["controls"]:  # before the values, so that the browser never shows one without the other
            listed = {"controls": [c.plain() for c in state.controls.values()], "choices": self.choices()}
            self.listed = {**listed, "first": self.first, "others": others_sentence(state.base)}
        self.drawn = {**shown, **figures}
        curve = {"traces": self.curve["traces"], "error": ""} if asked.get("same") else self._curve()
        took_ms = round(1e3 * (time.perf_counter() - began), 1) if began else 0.0
        self.curve = {**curve, "n": asked["n"], "took_ms": took_ms}

    def _curve(self) -> dict:
        """Cost against users of the state and of the pinned one; a sentence where it cannot be worked out."""
        try:
            data, pinned = (
                s and {"cost": drawing.cost_data(self.memory, s.scenario())} for s in (self.state, self.pinned)
            )
        except InputError as wrong:
            return {"traces": [], "error": str(wrong)}
        return {"traces": drawing.traces(data, pinned)["cost"], "error": ""}

    def _figures(self) -> dict:
        """Table and charts of the state, and of the pinned one."""
        scenario, pinned = self.state.scenario(), self.pinned
        rows, data = self.outcome(self.state).table_rows, drawing.shape_data(self.memory, scenario)
        kept = beside = None
        if pinned:
            beside = drawing.shape_data(self.memory, pinned.scenario())
            kept = {"rows": self.outcome(pinned).table_rows, "name": pinned.name, "settings": pinned.settings()}
        return {"rows": rows, "traces": drawing.traces(data, beside), "pinned": kept, "users": float(scenario.users)}

    def _text(self, form: str, title: str = "") -> str:
        """The before-and-after table of the state that is shown."""
        return display.as_text(before_after(self.state.scenario()), form, title)

    def __repr__(self) -> str:
        return self._text("md").rstrip()

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and for a viewer that runs no kernel the table it would show."""
        bundle = super()._repr_mimebundle_(**kwargs)
        data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
        table = self._text("html", self.state.base.title)
        return {**(data or {}), "text/plain": repr(self), "text/html": NOTE + table}, metadata


def _is_scenario(path: Path) -> bool:
    """Whether a file looks like a scenario; a folder, a lock or what cannot be read does not."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(4096)
    except OSError:
        return False
    return "extends:" in head or "before:" in head


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
