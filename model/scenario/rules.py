"""What must hold between the parts of a scenario: names that meet, shares that add up, events that arrive."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic_core import PydanticCustomError

from model import checks, ledger, paths

if TYPE_CHECKING:
    from model.scenario.pieces import Design, Scenario


def mode(value):
    """The mode of a range, or the number itself."""
    return getattr(value, "mode", value)


def _refuse(sentence: str):
    raise PydanticCustomError("rule", "{sentence}", {"sentence": f"!{sentence}"})


def _known(kind: str, name: str, names, where: str) -> None:
    names = list(names)
    if name not in names:
        _refuse(f"unknown {kind} {name!r} in {where}{checks.nearest(name, names)}")


def _adds_up(name: str, shares) -> None:
    total = sum(mode(s) for s in shares)
    if (abs(total - 1.0) > 1e-6).any() if hasattr(total, "any") else abs(total - 1.0) > 1e-6:
        _refuse(f"{name} must add up to 1; got {float(getattr(total, 'flat', [total])[0]):.6g}")


def _design(which: str, design: Design, scenario: Scenario) -> None:
    functions = design.functions
    for name, timer in design.timers.items():
        where = f"{which}.timers.{name}"
        _known("function", timer.function, functions, where)
        for screen in timer.screens or ():
            _known("screen", screen, scenario.screens, where)
        if timer.overlay:
            _known("overlay", timer.overlay, scenario.overlays, where)
        for event in timer.delivers:
            _known("event", event, scenario.events, f"{where}.delivers")
    for name, action in scenario.actions.items():
        _known("function", action.function, functions, f"actions.{name} ({which})")
    for event in design.pushes:
        _known("event", event, scenario.events, f"{which}.pushes")
    if design.transport == "websocket":
        _websocket(which, design)
    elif design.pushes:
        _refuse(f"{which}.pushes must be empty in a polling design; got {', '.join(design.pushes)}")
    delivered = {e for t in design.timers.values() for e in t.delivers} | set(design.pushes)
    for event in scenario.events:
        if event not in delivered:
            _refuse(f"event {event!r} is delivered by no timer and no push of {which}, so it never arrives")


def _websocket(which: str, design: Design) -> None:
    for part in ("socket", "heartbeat", "reconnect", "fallback"):
        if getattr(design, part) is None:
            _refuse(f"{which}.{part} must be given in a websocket design; got nothing")
    for role in ("connect_function", "disconnect_function", "send_function"):
        _known("function", getattr(design.socket, role), design.functions, f"{which}.socket.{role}")
    if design.heartbeat.kind == "json":
        _known("function", design.heartbeat.function, design.functions, f"{which}.heartbeat.function")
    if design.pull is None and not design.timers:
        _refuse(
            f"{which}.pull must be given in a websocket design without timers, for the fallback poll"
            " asks as it does; got nothing"
        )
    if any(p.pulls for p in design.pushes.values()) and design.pull is None:
        _refuse(f"{which}.pull must be given where a push triggers pulls; got nothing")
    if design.pull is not None:
        _known("function", design.pull.function, design.functions, f"{which}.pull")


def references(scenario: Scenario) -> None:
    """Refuse, in one sentence, a scenario whose parts do not fit together."""
    _adds_up("screens: the shares", [s.share for s in scenario.screens.values()])
    _adds_up("networks: the shares", [n.share for n in scenario.networks.values()])
    for name, screen in scenario.screens.items():
        if screen.background is not None:
            _known("background", screen.background, scenario.backgrounds, f"screens.{name}")
    for name, event in scenario.events.items():
        for screen in event.screens or ():
            _known("screen", screen, scenario.screens, f"events.{name}")
        if len(set(event.screens or ())) < len(event.screens or ()):
            _refuse(f"events.{name}.screens must name each screen once; got {', '.join(event.screens)}")
        if event.overlay:
            _known("overlay", event.overlay, scenario.overlays, f"events.{name}")
    for name in scenario.ledger:
        _known("ledger row", name, ledger.chosen(), "ledger")
    for which in ("before", "after"):
        _design(which, getattr(scenario, which), scenario)
    _outside(scenario)
    if scenario.correlations:
        from model.scenario import sampling

        try:
            sampling.check_correlations(scenario)
        except checks.InputError as wrong:
            _refuse(str(wrong))


def _outside(scenario: Scenario) -> None:
    """Names that stand in other data files: radio profiles, phones, regions."""
    from model import prices, radio

    for name, network in scenario.networks.items():
        for profile in network.profiles:
            _known("radio profile", profile, radio.profiles(), f"networks.{name}.profiles")
    phones = [row["phone"] for row in ledger.read_csv(paths.data("devices.csv"))]
    _known("phone", scenario.phone, phones, "phone")
    _known("region", scenario.region, prices.regions(), "region")
