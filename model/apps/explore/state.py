"""What the person has chosen: values by control, and the scenario they make. No widget is needed here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from functools import cached_property

from model import checks
from model import scenario as scenarios
from model.apps.explore import controls as controls_of
from model.apps.explore.controls import Control, free_events, mode
from model.scenario import Scenario

__all__ = ["State", "network_shares", "start"]

COMPOSED = ("active_min_per_day", "usage.sessions_per_day", "events_per_hour")
PERCENT = ("usage.dau_mau_share",)


@dataclass(frozen=True)
class State:
    """A scenario, its controls by key, and the values that differ from its own."""

    name: str
    base: Scenario = field(repr=False)
    controls: dict[str, Control] = field(repr=False)
    changed: dict = field(default_factory=dict)

    @property
    def values(self) -> dict:
        """The value of every control."""
        return {key: self.changed.get(key, c.default) for key, c in self.controls.items()}

    def moved(self, key: str, raw) -> State:
        """The state after one control was set; a value it cannot have is refused in a sentence."""
        control = self.controls[checks.known("control", key, self.controls)]
        value = checked(control, raw)
        rest = {k: v for k, v in self.changed.items() if k != key}
        return replace(self, changed=rest if value == control.default else {**rest, key: value})

    def changes(self) -> dict:
        """What the state puts in the place of the scenario's values: dotted path to value."""
        found = {**_composed(self.base, self.values, self.changed), **_shares(self.values, self.changed)}
        for key, value in self.changed.items():
            if key not in COMPOSED and not key.startswith("networks."):
                found.update(_simple(key, value))
        return found

    @cached_property
    def _made(self) -> Scenario:
        changes = self.changes()
        return self.base.with_(changes) if changes else self.base

    def scenario(self) -> Scenario:
        """The scenario with the chosen values in it, checked like a file."""
        return self._made


def start(name: str, values: dict | None = None) -> State:
    """The state of a scenario with some controls moved.

    Parameters
    ----------
    name : str, A name in data/scenarios, or a .yaml file
    values : dict, optional, values by the key of their control, in the control's unit

    Returns
    -------
    State, the scenario's own values, but for those given

    Raises
    ------
    InputError, an unknown scenario or control, or a value that a control cannot have

    Examples
    --------
    >>> start("twilly", {"after.heartbeat.period_s": 60}).changes()
    {'after.heartbeat.period_s': 60.0}
    """
    base = scenarios.load(name)
    state = State(str(name), base, {c.key: c for c in controls_of.controls(base)})
    for key, value in (values or {}).items():
        state = state.moved(key, value)
    return state


def checked(control: Control, raw):
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
    boxes = {k.split(".")[1]: v for k, v in values.items() if k.startswith("networks.")}
    whole = math.fsum(boxes.values())
    if whole <= 0:
        checks.fail("the shares of the networks must add up to more than 0 %; got 0")
    return {name: value / whole for name, value in boxes.items()}


def _shares(values: dict, changed: dict) -> dict:
    if not any(k.startswith("networks.") for k in changed):
        return {}
    return {f"networks.{name}.share": share for name, share in network_shares(values).items()}


def _composed(base: Scenario, values: dict, changed: dict) -> dict:
    """Time, sessions and events: the boxes hold their sum, the scenario its factors."""
    if not any(key in changed for key in COMPOSED):
        return {}
    found = {}
    sessions = values["usage.sessions_per_day"]
    if "usage.sessions_per_day" in changed:
        found["usage.sessions_per_day"] = sessions
    minutes = values["active_min_per_day"]
    if "usage.sessions_per_day" in changed or "active_min_per_day" in changed:
        found["usage.session_mean_s"] = minutes * 60.0 / sessions
    events = free_events(base)
    if events and ("events_per_hour" in changed or "active_min_per_day" in changed):
        whole = sum(mode(e.per_active_day) for e in events.values())
        factor = values["events_per_hour"] * minutes / 60.0 / whole
        found.update({f"events.{n}.per_active_day": mode(e.per_active_day) * factor for n, e in events.items()})
    return found


def _simple(key: str, value) -> dict:
    if key == "http_backend":
        return {"before.api.backend": value, "after.api.backend": value}
    if key == "socket_backend":
        return {"after.socket.backend": value}
    if key == "free_tier":
        return {"free_tier": False if value == "none" else value}
    return {key: value / 100.0 if key in PERCENT else value}


def mix_sentence(state: State) -> str:
    """What is made of network shares that do not add up to 100 %; nothing where they do."""
    boxes = {k: v for k, v in state.values.items() if k.startswith("networks.")}
    whole = math.fsum(boxes.values())
    if not boxes or abs(whole - 100.0) < 1e-9:
        return ""
    used = network_shares(boxes)
    told = ", ".join(f"{state.controls[f'networks.{n}.share'].label} {s * 100:.1f} %" for n, s in used.items())
    return f"The network shares add up to {whole:g} %, so they are used in proportion: {told}."
