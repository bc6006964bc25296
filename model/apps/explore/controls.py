"""The controls of the page: what a person may move, with unit, range, default and source."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from model import battery, ledger, prices
from model import outcome as results
from model.scenario import Range, Scenario

__all__ = ["Control", "controls", "stops_between"]

USERS = (100.0, 10_000_000.0)
TIMES_BELOW, TIMES_ABOVE, STOPS = 5.0, 20.0, 60
BACKENDS = {"http_api": "API Gateway HTTP API", "rest_api": "API Gateway REST API", "server": "a plain server"}
SOCKETS = {"apigw_ws": "API Gateway WebSocket API", "server": "a plain server"}
FREE = {"none": "not counted", "always": "the ones that last", "first_12_months": "first 12 months of an account"}
NETWORKS = {"wifi": "Wi-Fi", "lte": "LTE", "nr": "5G", "umts": "3G"}


@dataclass(frozen=True)
class Control:
    """One slider with its box, or one choice; numbers in the unit that the page shows."""

    key: str
    label: str
    group: str
    unit: str
    default: float | str
    low: float = 0.0
    high: float = 0.0
    stops: tuple[float, ...] = ()
    options: tuple[tuple[str, str], ...] = ()
    hint: str = ""

    def plain(self) -> dict:
        """The control as JSON."""
        return asdict(self)


def mode(value) -> float:
    """The mode of a range, or the number itself."""
    return float(getattr(value, "mode", value))


def _tidy(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits - 1}e}")


def stops_between(low: float, default: float, high: float) -> tuple[float, ...]:
    """The values a slider stops at: round numbers, with the ends and the default exactly."""
    wide = low > 0 and high / low > 10
    between = np.geomspace(low, high, STOPS + 1) if wide else np.linspace(low, high, STOPS + 1)
    inside = {_tidy(float(v)) for v in between[1:-1]}
    return tuple(sorted({v for v in inside if low < v < high} | {low, default, high}))


def _source(value) -> str:
    """Where a value comes from, in words."""
    if not isinstance(value, Range):
        return "set in the scenario without a range"
    known = ledger.sources()
    listed = [known.get(one.strip(), {"title": one.strip(), "url": ""}) for one in (value.source or "").split(",")]
    named = ", ".join(f"{one['title']} ({one['url']})" if one["url"] else one["title"] for one in listed)
    return "; ".join(t for t in (named, value.note) if t) or "a range of the scenario"


def _number(key: str, label: str, group: str, unit: str, value, times: float = 1.0, source: str = "") -> Control:
    """A slider over the range that the scenario gives, or over a fifth to twentyfold where it gives none."""
    default = _tidy(mode(value) * times, 12)
    if isinstance(value, Range) and value.low < value.high:
        low, high = _tidy(value.low * times, 12), _tidy(value.high * times, 12)
        told = source or _source(value)
    else:
        low, high = _tidy(default / TIMES_BELOW), _tidy((default or 1.0) * TIMES_ABOVE)
        told = source or _source(value) + "; the slider goes from a fifth of it to twenty times"
    return Control(key, label, group, unit, default, low, high, stops_between(low, default, high), hint=told)


def _choice(key: str, label: str, group: str, default: str, options: dict[str, str], hint: str) -> Control:
    return Control(key, label, group, "", default, options=tuple(options.items()), hint=hint)


def active_min(scenario: Scenario) -> float:
    """Minutes that an active user spends in the app on an active day."""
    return mode(scenario.usage.sessions_per_day) * mode(scenario.usage.session_mean_s) / 60.0


def free_events(scenario: Scenario) -> dict:
    """The events whose rate the page scales: all but those that an overlay such as an upload brings."""
    return {name: e for name, e in scenario.events.items() if not e.overlay and mode(e.per_active_day) > 0}


def events_per_hour(scenario: Scenario) -> float:
    """Events sent per user and active hour, over the events whose rate the page scales."""
    return sum(mode(e.per_active_day) for e in free_events(scenario).values()) * 60.0 / active_min(scenario)


def _active_time(scenario: Scenario) -> Control:
    length, sessions = scenario.usage.session_mean_s, mode(scenario.usage.sessions_per_day)
    hint = f"{_source(length)}; sessions a day stay, each grows longer or shorter"
    return _number("active_min_per_day", "Active time per day", "Use", "min", length, sessions / 60.0, hint)


def _events(scenario: Scenario) -> Control:
    parts = [e.per_active_day for e in free_events(scenario).values()]
    ends = [sum(getattr(p, end, mode(p)) for p in parts) for end in ("low", "high")]
    value = Range(low=ends[0], mode=sum(mode(p) for p in parts), high=ends[1])
    hint = "all events but those of an upload grow by one factor; ranges of the events added up"
    return _number(
        "events_per_hour", "Events sent per active hour", "Use", "1/h", value, 60.0 / active_min(scenario), hint
    )


def _use(scenario: Scenario) -> list[Control]:
    users, use = mode(scenario.users), scenario.usage
    low, high = min(USERS[0], users), max(USERS[1], users)
    found = [
        Control(
            "users",
            "Users in the month",
            "Use",
            "users",
            users,
            low,
            high,
            stops_between(low, users, high),
            hint="the scenario's own number of users; the slider goes to 10 million",
        ),
        _active_time(scenario),
        _number("usage.sessions_per_day", "Sessions per active day", "Use", "1/day", use.sessions_per_day),
        _number("usage.dau_mau_share", "Users active on a day", "Use", "%", use.dau_mau_share, 100.0),
    ]
    return found + ([_events(scenario)] if free_events(scenario) else [])


def _timers(scenario: Scenario) -> list[Control]:
    found = []
    for which, group in (("before", "Polling (before)"), ("after", "Push (after)")):
        design = scenario.design(which)
        for name, timer in design.timers.items():
            told = name.replace("_", " ").capitalize().removesuffix(" refresh")
            label = f"{told} {'refresh' if timer.timing == 'by_hand' else 'poll'} period"
            found.append(_number(f"{which}.timers.{name}.period_s", label, group, "s", timer.period_s))
        if design.heartbeat is not None:
            found.append(
                _number(f"{which}.heartbeat.period_s", "Heartbeat period", group, "s", design.heartbeat.period_s)
            )
    return found


def _mix(scenario: Scenario) -> list[Control]:
    found = []
    for name, network in scenario.networks.items():
        span = (
            f"; the scenario's range is {network.share.low * 100:g} to {network.share.high * 100:g} %"
            if isinstance(network.share, Range)
            else ""
        )
        default = _tidy(mode(network.share) * 100.0, 12)
        found.append(
            Control(
                f"networks.{name}.share",
                NETWORKS.get(name, name),
                "Networks",
                "%",
                default,
                0.0,
                100.0,
                stops_between(0.0, default, 100.0),
                hint=_source(network.share) + span,
            )
        )
    return found


def _choices(scenario: Scenario) -> list[Control]:
    phones = {p: f"{p} ({j / 3600:.2f} Wh)" for p, j in battery.phones().items()}
    found = [
        _choice(
            "phone",
            "Phone",
            "Phone and cloud",
            scenario.phone,
            phones,
            "published battery energies by model, data/devices.csv",
        ),
        _choice(
            "region",
            "AWS region",
            "Phone and cloud",
            scenario.region,
            _regions(scenario),
            f"list prices on {scenario.prices_on or 'the newest date'}, data/prices; a region that lacks a "
            "price of what is billed cannot be chosen until its list is loaded",
        ),
        _choice(
            "http_backend",
            "Requests are served by",
            "Phone and cloud",
            scenario.before.api.backend,
            BACKENDS,
            "what answers polls and pulls, in both designs",
        ),
    ]
    if scenario.after.socket is not None:
        held = scenario.after.socket.backend
        found.append(
            _choice(
                "socket_backend",
                "Sockets are held by",
                "Phone and cloud",
                held,
                SOCKETS,
                "what holds the connections after the move",
            )
        )
    return [
        *found,
        _choice(
            "free_tier",
            "Free allowances",
            "Phone and cloud",
            scenario.free_tier or "none",
            FREE,
            "the 12-month ones are for accounts opened before 2025-07-15",
        ),
    ]


def _regions(scenario: Scenario) -> dict[str, str]:
    """Regions with a price list, each that lacks a price of what the scenario is billed on marked as such."""
    outcome = results.evaluate(scenario)
    meters = {m for side in (outcome.before, outcome.after) for m in side.usage}
    found = {}
    for region in prices.regions():
        book = prices.book(region, scenario.prices_on)
        lacking = sum(book.lacks(m) for m in meters)
        found[region] = f"{region}: lacks {lacking} of {len(meters)} prices" if lacking else region
    return found


def controls(scenario: Scenario) -> tuple[Control, ...]:
    """Every control of a scenario's page, in the order shown."""
    return (*_use(scenario), *_timers(scenario), *_mix(scenario), *_choices(scenario))


def text_of(control: Control, value) -> str:
    """A value of a control as a person reads it."""
    if control.options:
        return dict(control.options)[value]
    digits = max(3, math.ceil(math.log10(abs(value))) if value and value >= 1000 else 3)
    return f"{float(f'{value:.{digits}g}'):,.10g} {control.unit}"
