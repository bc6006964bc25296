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
from model.apps.explore import drawing, saving, words
from model.apps.explore import state as states
from model.checks import InputError
from model.outcome import results
from model.show import display

__all__ = ["Page", "page"]

STATIC = Path(__file__).parent / "static"
ASKED = ("move", "scenario", "reset", "pin", "save")
KEPT = "The page shows the last values that work."
FOLDER = "WORKBOOK_FOLDER"  # where the commands were started from; scenarios are saved there
log = logging.getLogger(__name__)


@functools.cache
def _plotly() -> bytes:
    """plotly's own script from its Python package, packed: no address outside is asked for it."""
    from plotly.offline import get_plotlyjs

    return gzip.compress(get_plotlyjs().encode(), compresslevel=3, mtime=0)


class Page(anywidget.AnyWidget):
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
        self.state = states.start(scenario, values)
        self.pinned: states.State | None = None
        self.last: tuple[states.State, states.State] = (self.state, self.state)
        self.errors: dict[str, str] = {}
        self.refused: tuple[str, ...] = ()  # controls whose last move no scenario can have
        super().__init__(layouts=drawing.chart_layouts(), plotly=_plotly())
        self.told: dict = {"words": "Move a slider: this line says what changed and why.", "why": "", "saved": ""}
        self.redraw({"n": 0, "controls": True})
        self.on_msg(self._heard)

    def table(self):
        """The before-and-after table of the state that is shown."""
        return results.before_after(self.state.scenario())

    def outcome(self, state: states.State) -> results.Outcome:
        """The outcome of a state."""
        return self.memory.outcome(state.scenario())

    def _heard(self, _widget, message: dict, _buffers) -> None:
        """One message of the browser; whatever it asks, it gets an answer."""
        began = time.perf_counter()
        asked = {"controls": False, "n": message.get("n", 0)}
        do = message.get("do", "")
        if do != "why":  # what was told of an earlier message is over
            self.told["saved"] = ""
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
        """Controls were moved: the ones that can be are, each of the others is told in a sentence."""
        tried = self.state
        for key, raw in dict(message["values"]).items():
            self.errors.pop(key, None)
            try:
                tried = tried.moved(key, raw)
            except InputError as wrong:
                self.errors[key] = str(wrong)
        try:
            self._become(tried)
        except InputError as wrong:  # told beside what was moved, where the eye is
            self.refused = tuple(message["values"])
            self.errors.update(dict.fromkeys(self.refused, f"{wrong}. {KEPT}"))

    def _become(self, new: states.State) -> None:
        """Show another state, if it can be worked out; else the one before stays."""
        if new.base is self.state.base and new.changed == self.state.changed:
            return
        outcome = self.outcome(new)
        drawing.table_rows(outcome)
        old = self.state
        self.last = (old, new)
        self.told.update(words=words.changed_words(old, new, self.outcome(old), outcome), why="")
        self.state = new

    def do_scenario(self, message: dict, asked: dict) -> None:
        """Another scenario was chosen."""
        asked["controls"] = True
        self.errors.clear()
        self._become(states.start(message["name"]))

    def do_reset(self, message: dict, asked: dict) -> None:
        """Every control back to what the scenario says."""
        asked["controls"] = True
        self.errors.clear()
        self._become(states.start(self.state.name))

    def do_pin(self, message: dict, asked: dict) -> None:
        """Keep this state beside whatever comes, or let go of the one that is kept."""
        self.pinned = None if self.pinned else self.state

    def do_why(self, message: dict, asked: dict) -> None:
        """The reason for the last move, asked for when nothing moves, in steps that let a move between."""
        pair = [self.outcome(state) for state in self.last]
        step = int(message.get("step", 2))
        if step < 2:
            words.prepared(*pair, step)
        else:
            self.told["why"] = words.reason_words(*pair)
        asked.update(same=True, step=step)

    def do_save(self, message: dict, asked: dict) -> None:
        """Write the state as a scenario file."""
        wrong = [c.label for key, c in self.state.controls.items() if key in self.errors]
        if wrong:
            checks.fail(f"what is marked red must be put right before it is saved: {', '.join(wrong)}")
        path = saving.saved(self.state, str(message.get("name", "")), self.folder)
        self.told["saved"] = f"Saved. Read it back with: workbook table {path}"
        asked.update(controls=True, yaml=path.read_text(encoding="utf-8"), file=path.name)

    def choices(self) -> list[str]:
        """The scenarios that can be chosen: the project's, this page's, and those saved in its folder."""
        found = [str(p) for p in sorted(self.folder.glob("*.yaml"))[:50] if _is_scenario(p)]
        return list(dict.fromkeys([*scenarios.names(), self.state.name, *found]))

    def redraw(self, asked: dict, began: float | None = None) -> None:
        """Send all that is shown of the state, or the words alone where nothing else changed.

        The curve of cost follows by itself: the browser draws the rest while it is worked out.
        """
        state = self.state
        shown = {
            **asked,
            **self.told,
            "errors": dict(self.errors),
            "values": state.values,
            "mix": states.mix_sentence(state),
            "name": state.name,
            "title": state.base.title,
        }
        if asked.get("same") and self.drawn:
            shown.update({k: self.drawn[k] for k in ("rows", "traces", "pinned", "users")})
        else:
            shown.update(self._figures())
        if asked["controls"]:  # before the values, so that the browser never shows one without the other
            self.listed = {"controls": [c.plain() for c in state.controls.values()], "choices": self.choices()}
        self.drawn = shown
        curve = {"traces": self.curve["traces"], "error": ""} if asked.get("same") else self._curve()
        self.curve = {
            **curve,
            "n": asked["n"],
            "took_ms": round(1e3 * (time.perf_counter() - began), 1) if began else 0.0,
        }

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
        scenario = self.state.scenario()
        rows = drawing.table_rows(self.memory.outcome(scenario))
        data, pinned, kept = drawing.shape_data(self.memory, scenario), None, None
        if self.pinned:
            there = self.pinned.scenario()
            pinned = drawing.shape_data(self.memory, there)
            kept = {
                "rows": drawing.table_rows(self.memory.outcome(there)),
                "name": self.pinned.name,
                "settings": _settings(self.pinned),
            }
        return {"rows": rows, "traces": drawing.traces(data, pinned), "pinned": kept, "users": float(scenario.users)}

    def __repr__(self) -> str:
        return display.as_text(self.table(), "md", "").rstrip()

    def _repr_mimebundle_(self, **kwargs):
        """The widget, and for a viewer that runs no kernel the table it would show."""
        found = super()._repr_mimebundle_(**kwargs)
        data, metadata = found if isinstance(found, tuple) else (found, {})
        note = (
            "<p>Here the sliders stand; they need a running kernel: <code>workbook app</code> or"
            " <code>workbook lab</code>.</p>"
        )
        table = display.as_text(self.table(), "html", self.state.base.title)
        fixed = {"text/plain": repr(self), "text/html": note + table}
        return {**(data or {}), **fixed}, metadata


def _is_scenario(path: Path) -> bool:
    """Whether a file looks like a scenario; a folder, a lock or what cannot be read does not."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(4096)
    except OSError:
        return False
    return "extends:" in head or "before:" in head


def _settings(state: states.State) -> str:
    """What a state changed, in words."""
    from model.apps.explore.controls import text_of

    told = [f"{state.controls[k].label} {text_of(state.controls[k], v)}" for k, v in state.changed.items()]
    return ", ".join(told) or "the scenario's own values"


def page(
    scenario: str = "twilly", users: float | None = None, values: dict | None = None, folder: str | Path | None = None
) -> Page:
    """The page of a scenario: controls, table, charts and words that follow each other.

    Parameters
    ----------
    scenario : str, A name in data/scenarios, or a .yaml file
    users : float, optional, users at the start; the scenario's own where none is given
    values : dict, optional, other controls at the start, by key, in the unit the page shows
    folder : str or pathlib.Path, optional, where scenarios are saved; where the command was started from, or the
        working folder

    Returns
    -------
    Page, A widget; a notebook shows it where it is a cell's last expression

    Raises
    ------
    InputError, an unknown scenario, or a value that a control cannot have
    """
    start = dict(values or {})
    if users is not None:
        start["users"] = users
    return Page(scenario, start, folder)
