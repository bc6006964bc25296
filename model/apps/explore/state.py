"""What the person has chosen: values by control, the scenario they make, and that scenario as a file.

No widget is needed here.
"""

from __future__ import annotations

import functools
import io
import math
import os
import re
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from pathlib import Path

from model import checks, paths
from model import scenario as scenarios
from model.apps.explore import controls as page_controls
from model.apps.explore.controls import Control, free_events
from model.apps.notebooks import write_whole
from model.parts.fields import NAME
from model.scenario import Range, Scenario, mode_of

COMPOSED = ("active_min_per_day", "usage.sessions_per_day", "events_per_hour")
PERCENT = ("usage.dau_mau_share",)
PAIR = ("before", "after")
SHARE = "networks."  # how the keys of the networks' shares begin
HEAD = "# Saved from the page; what is not named here is as in the scenario it extends."
DEVICES = r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?"
NAME_RULE = (
    "the name must begin with a plain letter or a digit and go on with at most 63 of them, '_', '-' or '.'; got {}"
)


@dataclass(frozen=True)
class PageState:
    """A scenario, its controls by key, and the values that differ from its own."""

    name: str
    base: Scenario = field(repr=False)
    controls: dict[str, Control] = field(repr=False)
    changed: dict = field(default_factory=dict)

    @property
    def values(self) -> dict:
        """The value of every control."""
        return {key: self.changed.get(key, c.default) for key, c in self.controls.items()}

    def moved(self, key: str, raw) -> PageState:
        """The state after one control was set; a value it cannot have is refused in a sentence."""
        head, _, rest = key.partition(".")
        if head in PAIR and rest:  # the compared pair goes by these names too
            key = f"{self.base.design_name(head)}.{rest}"
        control = self.controls[checks.known("control", key, self.controls)]
        value = _checked(control, raw)
        rest = {k: v for k, v in self.changed.items() if k != key}
        return replace(self, changed=rest if value == control.default else {**rest, key: value})

    def changes(self) -> dict:
        """What the state puts in the place of the scenario's values: dotted path to value."""
        changes = _composed(self.base, self.values, self.changed)
        if any(key.startswith(SHARE) for key in self.changed):
            changes |= {f"networks.{name}.share": share for name, share in network_shares(self.values).items()}
        for key, value in self.changed.items():
            if key not in COMPOSED and not key.startswith(SHARE):
                changes |= _simple(key, value)
        return changes

    @cached_property
    def _made(self) -> Scenario:
        changes = self.changes()
        return self.base.with_(changes) if changes else self.base

    def scenario(self) -> Scenario:
        """The scenario with the chosen values in it, checked like a file."""
        return self._made

    def settings(self) -> str:
        """What was changed, in words."""
        words = [f"{self.controls[k].named} {self.controls[k].in_words(v)}" for k, v in self.changed.items()]
        return ", ".join(words) or "the scenario's own values"

    def settings_since(self, old: PageState) -> str:
        """The controls that differ from another state's, with both values."""
        if old.name != self.name:
            return f"Scenario {Path(self.name).stem} instead of {Path(old.name).stem}"
        moved = [(self.controls[k], old.values[k], v) for k, v in self.values.items() if v != old.values[k]]
        if len(moved) > 3:
            return f"{len(moved)} controls changed"
        words = [control.moved_words(was, value) for control, was, value in moved]
        return " and ".join(words) or "Nothing was moved"

    def mix_sentence(self) -> str:
        """What is made of network shares that do not add up to 100 %; nothing where they do."""
        boxes = {k: v for k, v in self.values.items() if k.startswith(SHARE)}
        whole = math.fsum(boxes.values())
        if not boxes or abs(whole - 100.0) < 1e-9:
            return ""
        used = network_shares(boxes).items()
        named = ", ".join(f"{self.controls[f'networks.{n}.share'].label} {s * 100:.1f} %" for n, s in used)
        return f"The network shares add up to {whole:g} %, so they are used in proportion: {named}."


def start(name: str, values: dict | None = None) -> PageState:
    """The state of a scenario with some controls moved.

    Parameters
    ----------
    name : str, A name in data/scenarios, or a .yaml file
    values : dict, optional, values by the key of their control, in the control's unit

    Returns: PageState, the scenario's own values, but for those given
    Raises: InputError, an unknown scenario or control, or a value that a control cannot have

    Examples
    --------
    >>> start("twilly", {"after.heartbeat.period_s": 60}).changes()
    {'after.heartbeat.period_s': 60.0}
    """
    base = scenarios.load(name)
    known = {c.key: c for c in page_controls.controls(base)}
    asked = (values or {}).get("users", 0.0)
    if isinstance(asked, (int, float)) and asked > known["users"].high:  # the slider goes as far as it is told to
        wider = {c.key: c for c in page_controls.controls(base.with_({"users": asked}))}["users"]
        known["users"] = replace(wider, default=known["users"].default)
    state = PageState(str(name), base, known)
    for key, value in (values or {}).items():
        state = state.moved(key, value)
    return state


def _checked(control: Control, raw):
    """The value as the control may have it: a known choice, or a number within its range."""
    label = control.label
    if control.options:
        return checks.known(label.lower(), raw, [o for o, _ in control.options])
    text = str(raw).strip().replace(",", "").replace("_", "")
    rule = f"{label} must be {control.low:,.10g} to {control.high:,.10g} {control.unit}"
    if text in ("", "None"):
        checks.fail(f"{rule}; the box is empty")
    try:
        value = float(text)
    except ValueError:
        checks.fail(f"{rule}; got {checks.shown(raw)}")
    if not math.isfinite(value) or not control.low <= value <= control.high:
        checks.fail(f"{rule}; got {checks.shown(value)}")
    return value


def network_shares(values: dict) -> dict[str, float]:
    """The shares that are used, by network: those of the boxes over their sum."""
    boxes = {k.split(".")[1]: v for k, v in values.items() if k.startswith(SHARE)}
    whole = math.fsum(boxes.values())
    if whole <= 0:
        checks.fail("the shares of the networks must add up to more than 0 %; got 0")
    return {name: value / whole for name, value in boxes.items()}


def _composed(base: Scenario, values: dict, changed: dict) -> dict:
    """Time, sessions and events: the boxes hold their sum, the scenario its factors."""
    time, sessions, rate = (key in changed for key in COMPOSED)
    minutes, per_day = values["active_min_per_day"], values["usage.sessions_per_day"]
    changes = {"usage.sessions_per_day": per_day} if sessions else {}
    if time or sessions:
        changes["usage.session_mean_s"] = minutes * 60.0 / per_day
    events = free_events(base)
    if events and (time or rate):
        whole = sum(mode_of(e.per_active_day) for e in events.values())
        factor = values["events_per_hour"] * minutes / 60.0 / whole
        changes |= {f"events.{n}.per_active_day": mode_of(e.per_active_day) * factor for n, e in events.items()}
    return changes


def _simple(key: str, value) -> dict:
    if key == "free_tier":
        return {"free_tier": False if value == "none" else value}
    if key.endswith(".deflate"):
        return {key: value == page_controls.PACKED}
    return {key: value / 100.0 if key in PERCENT else value}


# ---- a state as a file


def scenario_text(state: PageState, name: str) -> str:
    """The YAML of a scenario that extends the state's own with what was changed.

    Parameters
    ----------
    state : PageState, the values chosen
    name : str, the new scenario's name: letters, digits, '_', '-' or '.'

    Returns: str, YAML that `load` reads back to the same numbers
    Raises: InputError, A name that a scenario cannot have, or values that no scenario can have

    Examples
    --------
    >>> print(scenario_text(start("twilly", {"users": 500}), "small"), end="")
    # Saved from the page; what is not named here is as in the scenario it extends.
    extends: twilly
    name: small
    title: "Twilly Broadcaster: HTTP polling to WebSocket push, as documented (small)"
    claims: twilly
    users: 500.0
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if not re.fullmatch(NAME, name):
        checks.fail(NAME_RULE.format(checks.shown(name)))
    if re.fullmatch(DEVICES, name):
        checks.fail(f"{name!r} is the name of a device on Windows; choose another name")
    title = DoubleQuotedScalarString(f"{state.scenario().title} ({name})")
    origin = state.name if state.name in scenarios.names() else str(Path(state.name).resolve())
    plain: dict = {"extends": origin, "name": name, "title": title}
    if state.scenario().claims:
        plain["claims"] = state.scenario().claims
    for path, value in {**_kept(state), **state.changes()}.items():
        head = path.partition(".")[0]
        if head in state.base.designs and head not in PAIR:
            path = f"designs.{path}"
        here = plain
        *parents, last = path.split(".")
        for part in parents:
            here = here.setdefault(part, {})
        here[last] = value
    out = io.StringIO()
    yaml = YAML()
    yaml.width = 4096
    yaml.dump(plain, out)
    return f"{HEAD}\n{out.getvalue()}"


def _kept(state: PageState) -> dict:
    """What designs that may be `like` a changed one must say of themselves, so that they stay as they are: by path."""
    kept, designs = {}, state.base.designs
    for key in state.changed:
        head, _, rest = key.partition(".")
        for other in designs if head in designs else ():
            path = f"{other}.{rest}"
            if path in state.controls and path not in state.changed:
                own = functools.reduce(_inside, rest.split("."), designs[other])
                kept[path] = {k: v for k, v in asdict(own).items() if v is not None} if isinstance(own, Range) else own
    return kept


def _inside(part, name: str):
    """A field of a piece, or an entry of a mapping."""
    return part[name] if isinstance(part, dict) else getattr(part, name)


def saved(state: PageState, name: str, folder: str | Path) -> Path:
    """The state as a file in a folder, whole or not at all; a file that is there is left alone."""
    name = name.strip().removesuffix(".yaml")
    text = scenario_text(state, name)
    path = Path(folder) / f"{name}.yaml"
    if name in scenarios.names():
        checks.fail(f"{name!r} is a scenario of the project; choose another name")
    if os.path.lexists(path):
        checks.fail(f"a scenario called {name!r} is there already; choose another name", paths.shown(path))
    try:
        return write_whole(path, text)
    except OSError as wrong:
        checks.fail(f"the scenario cannot be written: {str(wrong.strerror).lower()}", paths.shown(path))


def is_scenario(path: Path) -> bool:
    """Whether a file looks like a scenario; a folder, a lock or what cannot be read does not."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            head = file.read(4096)
    except OSError:
        return False
    return "extends:" in head or "before:" in head
