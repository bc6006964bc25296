"""What must hold between the parts of a scenario: names that meet, shares that add up, events that arrive."""

from __future__ import annotations

import functools
from collections.abc import Collection
from pathlib import Path

import numpy as np

from model import checks, ledger, paths, prices, radio
from model.parts import platforms
from model.parts.fields import Range, mode_of, refuse
from model.parts.transports import AnyDesign, AnyHeld, Choices, HeldDesign
from model.prices import places
from model.scenario import columns

MOST_ANSWER_BYTES = 6 * 2**20


def check_references(scenario: Choices) -> None:
    """Refuse, in one sentence, a scenario whose parts do not fit together."""
    _adds_up("screens", scenario.screens.values())
    _adds_up("networks", scenario.networks.values())
    for name, screen in scenario.screens.items():
        if screen.background is not None:
            _known("background", screen.background, scenario.backgrounds, f"screens.{name}")
    _fits_a_day(scenario)
    for name, event in scenario.events.items():
        _places(event, scenario, f"events.{name}")
        if event.every_s is not None and event.overlay:
            refuse(f"events.{name}.overlay must be left out where the event comes each every_s; got {event.overlay!r}")
        if event.audience == "members" and scenario.channels is None:
            refuse(f"channels must be given where events.{name} is told to the members of one; got nothing")
        if event.screens and len(set(event.screens)) < len(event.screens):
            refuse(f"events.{name}.screens must name each screen once; got {', '.join(event.screens)}")
    if scenario.refresh is not None:
        _places(scenario.refresh, scenario, "refresh")
        _answers(scenario.refresh, "refresh")
        for shown in scenario.refresh.shows:
            _known("event", shown, scenario.events, "refresh.shows")
    for name, action in scenario.actions.items():
        _places(action, scenario, f"actions.{name}")
        if action.every_s is not None and mode_of(action.per_session) + mode_of(action.per_active_day) > 0:
            refuse(f"actions.{name} must say every_s, or per_session and per_active_day; got both")
    for name, value in scenario.ledger.items():
        _known("ledger row", name, ledger.chosen(), "ledger")
        _sensible(name, value)
    for name in scenario.pair or ():
        _known("design", name, scenario.designs, "pair")
    for name, design in scenario.designs.items():
        _check_design(name, design, scenario)
    _check_outside(scenario)
    try:
        columns.check_correlations(scenario)
    except checks.InputError as wrong:
        refuse(str(wrong))


def _known(kind: str, name: str | None, names: Collection[str], where: str) -> None:
    if name not in names:
        refuse(f"unknown {kind} {name!r} in {where}{checks.nearest(name, names)}")


def _sensible(name: str, value) -> None:
    """Refuse a ledger number that no number of its kind can be; a share that the ledger never has at 0 is above it."""
    kind = name.rpartition("_")[2]
    least, most = {"share": (1e-6 * (ledger.chosen()[name].low > 0), 1.0), "ln": (0.0, 3.0)}.get(kind, (0.0, np.inf))
    low, high = (value.low, value.high) if isinstance(value, Range) else (np.min(value), np.max(value))
    if low < least or high > most:
        got = checks.shown(low if low < least else high)
        refuse(f"ledger.{name} must be at least {least:g}{f' and at most {most:g}' * (most < np.inf)}; got {got}")


def _adds_up(name: str, parts) -> None:
    """Refuse shares that, ranges at their modes, do not add up to 1."""
    total = np.sum([part.share.mode if isinstance(part.share, Range) else part.share for part in parts], axis=0)
    if np.any(np.abs(total - 1.0) > 1e-6):
        refuse(f"{name}: the shares must add up to 1; got {float(np.ravel(total)[0]):.6g}")


def _fits_a_day(scenario: Choices) -> None:
    """Refuse more active time than a day has."""
    use = scenario.usage
    hours = mode_of(use.sessions_per_day) * mode_of(use.session_mean_s) / 3600.0
    if hours > 24.0 * (1.0 + 1e-9):
        refuse(f"usage: sessions_per_day x session_mean_s must be at most the 24 h of a day; got {hours:g} h")


def check_users(scenario: Choices) -> None:
    """Refuse a file with an event for more recipients than the app has users; a sweep of users is let be."""
    for name, event in scenario.events.items():
        users, recipients = float(np.min(scenario.users)), mode_of(event.recipients)
        if recipients > users:
            words = f"must be at most the {users:,.0f} users of the app; got {recipients:,.0f}"
            checks.fail(f"events.{name}.recipients {words}", scenario.place)


def _places(part, scenario: Choices, where: str) -> None:
    """Refuse screens and an overlay, of an event, a timer or an action, that the scenario does not have."""
    for screen in part.screens or ():
        _known("screen", screen, scenario.screens, where)
    if getattr(part, "overlay", None):
        _known("overlay", part.overlay, scenario.overlays, where)


def _check_design(which: str, design: AnyDesign, scenario: Choices) -> None:
    for name, timer in design.timers.items():
        where = f"{which}.timers.{name}"
        _known("function", timer.function, design.functions, where)
        _places(timer, scenario, where)
        _answers(timer, where)
        for event in timer.delivers:
            _known("event", event, scenario.events, f"{where}.delivers")
    if scenario.refresh is not None:
        _known("function", scenario.refresh.function, design.functions, f"refresh ({which})")
    for name, action in scenario.actions.items():
        _known("function", action.function, design.functions, f"actions.{name} ({which})")
    for event in design.pushes:
        _known("event", event, scenario.events, f"{which}.pushes")
    if design.pull is not None:
        _known("function", design.pull.function, design.functions, f"{which}.pull")
    elif any(count for count in [t.pulls for t in design.timers.values()] + [p.pulls for p in design.pushes.values()]):
        refuse(f"{which}.pull must be given where a push or a poll triggers pulls; got nothing")
    if isinstance(design, HeldDesign):
        _check_held(which, design)
    platforms.check_away(which, design, scenario)
    delivered = {event for timer in design.timers.values() for event in timer.delivers} | set(design.pushes)
    for event in scenario.events:
        if event not in delivered and event not in (scenario.refresh.shows if scenario.refresh else ()):
            refuse(f"event {event!r} is delivered by no timer, push or refresh of {which}, so it never arrives")


def _answers(part, where: str) -> None:
    """Refuse an answer that a function cannot give."""
    if mode_of(part.response_bytes) > MOST_ANSWER_BYTES:
        got = f"{mode_of(part.response_bytes):,.0f} B"
        refuse(f"{where}.response_bytes must be at most 6 MB, the most that a function answers; got {got}")


def _check_held(which: str, design: AnyHeld) -> None:
    for role in ("connect_function", "disconnect_function", "send_function"):
        _known("function", getattr(design.socket, role), design.functions, f"{which}.socket.{role}")
    for key, beat in design.beats.items():
        if beat.messages[0]:
            _known("function", beat.function, design.functions, f"{which}.{key}.function")
    if design.pull is None and not design.timers:
        without = "without timers, for the fallback poll asks as it does"
        refuse(f"{which}.pull must be given in a {design.transport} design {without}; got nothing")


@functools.cache
def _phones() -> tuple[str, ...]:
    return tuple(row["phone"] for row in ledger.read_csv(paths.data("devices.csv")))


@functools.lru_cache
def _priced(region: str) -> None:
    """Refuse a region without a price file; one that has been found is not looked for again."""
    _known("region", region, prices.regions(), "region")


def _check_outside(scenario: Choices) -> None:
    """Refuse names that other data files do not have: radio profiles, phones, regions."""
    profiles = radio.profiles()
    for name, network in scenario.networks.items():
        for profile in network.profiles:
            if not profile.endswith(".csv"):
                _known("radio profile", profile, profiles, f"networks.{name}.profiles")
            elif not Path(profile).is_file():
                refuse(f"networks.{name}.profiles: no radio profile at {profile!r}")
    if scenario.users_near is not None:
        _known("place", scenario.users_near.place, places.places(), "users_near")
    if isinstance(scenario.phone, str):
        _known("phone", scenario.phone, _phones(), "phone")
    elif not scenario.phone > 0:
        refuse(f"phone must be a name, or the energy of a full battery > 0 Wh; got {scenario.phone:g}")
    _priced(scenario.region)
