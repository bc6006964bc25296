"""The controls of the page: what a person may move, with unit, range, default and source."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np

from model import battery, ledger, prices
from model.outcome import evaluate
from model.parts.fields import ANSWERING, row
from model.scenario import Range, Scenario, mode_of

USERS = (100.0, 10_000_000.0)
TIMES_BELOW, TIMES_ABOVE, STOPS = 5.0, 20.0, 60
BACKENDS = {name: row(name).title for name in ANSWERING}
SOCKETS = {name: row(name).title for name in ("apigw_ws", "server")}
FREE = {"none": "not counted", "always": "the ones that last", "first_12_months": "first 12 months of an account"}
NETWORKS = {"wifi": "Wi-Fi", "lte": "LTE", "nr": "5G", "umts": "3G"}
USERS_HINT = "the scenario's own number of users; the slider goes to 10 million"
PRICED = (
    "list prices on {}, data/prices; a region that lacks a price of what is billed cannot be chosen until its list"
    " is loaded"
)


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

    def in_words(self, value) -> str:
        """A value of the control as a person reads it."""
        if self.options:
            return dict(self.options)[value]
        digits = max(3, math.ceil(math.log10(abs(value))) if value and value >= 1000 else 3)
        return f"{float(f'{value:.{digits}g}'):,.10g} {self.unit}"


def controls(scenario: Scenario) -> tuple[Control, ...]:
    """Every control of a scenario's page, in the order shown."""
    return (*_use(scenario), *_timers(scenario), *_mix(scenario), *_choices(scenario))


# ---- sliders


def _tidy(value: float, digits: int = 3) -> float:
    return float(f"{value:.{digits - 1}e}")


def _stops(low: float, default: float, high: float) -> tuple[float, ...]:
    """The values a slider stops at: round numbers, with the ends and the default exactly."""
    wide = low > 0 and high / low > 10
    between = np.geomspace(low, high, STOPS + 1) if wide else np.linspace(low, high, STOPS + 1)
    inside = {_tidy(float(v)) for v in between[1:-1]}
    return tuple(sorted({v for v in inside if low < v < high} | {low, default, high}))


def _slider(key: str, label: str, group: str, unit: str, default: float, low: float, high: float, hint: str) -> Control:
    return Control(key, label, group, unit, default, low, high, _stops(low, default, high), hint=hint)


def _number(key: str, label: str, group: str, unit: str, value, times: float = 1.0, source: str = "") -> Control:
    """A slider over the range that the scenario gives, or over a fifth to twentyfold where it gives none."""
    default, hint = _tidy(mode_of(value) * times, 12), source or _source(value)
    if isinstance(value, Range) and value.low < value.high:
        low, high = _tidy(value.low * times, 12), _tidy(value.high * times, 12)
    else:
        low, high = _tidy(default / TIMES_BELOW), _tidy((default or 1.0) * TIMES_ABOVE)
        hint = source or f"{hint}; the slider goes from a fifth of it to twenty times"
    return _slider(key, label, group, unit, default, low, high, hint)


def _source(value) -> str:
    """Where a value comes from, in words."""
    if not isinstance(value, Range):
        return "set in the scenario without a range"
    known = ledger.sources()
    listed = [known.get(one.strip(), {"title": one.strip(), "url": ""}) for one in (value.source or "").split(",")]
    named = ", ".join(f"{one['title']} ({one['url']})" if one["url"] else one["title"] for one in listed)
    return "; ".join(t for t in (named, value.note) if t) or "a range of the scenario"


def free_events(scenario: Scenario) -> dict:
    """The events whose rate the page scales: all but those that an overlay such as an upload brings."""
    return {name: e for name, e in scenario.events.items() if not e.overlay and mode_of(e.per_active_day) > 0}


def _use(scenario: Scenario) -> list[Control]:
    users, use, per_day = mode_of(scenario.users), scenario.usage, mode_of(scenario.usage.sessions_per_day)
    ends = min(USERS[0], users), max(USERS[1], users)
    longer = f"{_source(use.session_mean_s)}; sessions a day stay, each grows longer or shorter"
    sliders = [
        _slider("users", "Users in the month", "Use", "users", users, *ends, hint=USERS_HINT),
        _number("active_min_per_day", "Active time per day", "Use", "min", use.session_mean_s, per_day / 60.0, longer),
        _number("usage.sessions_per_day", "Sessions per active day", "Use", "1/day", use.sessions_per_day),
        _number("usage.dau_mau_share", "Users active on a day", "Use", "%", use.dau_mau_share, 100.0),
    ]
    parts = [e.per_active_day for e in free_events(scenario).values()]
    if parts:
        low, middle, high = (sum(getattr(p, end, mode_of(p)) for p in parts) for end in ("low", "mode", "high"))
        rate = Range(low=low, mode=middle, high=high)
        per_hour = 60.0 / (per_day * mode_of(use.session_mean_s) / 60.0)
        hint = "all events but those of an upload grow by one factor; ranges of the events added up"
        sliders.append(_number("events_per_hour", "Events sent per active hour", "Use", "1/h", rate, per_hour, hint))
    return sliders


def _timers(scenario: Scenario) -> list[Control]:
    sliders = []
    for which, group in (("before", "Polling (before)"), ("after", "Push (after)")):
        design = scenario.design(which)
        for name, timer in design.timers.items():
            named = name.replace("_", " ").capitalize().removesuffix(" refresh")
            label = f"{named} {'refresh' if timer.timing == 'by_hand' else 'poll'} period"
            sliders.append(_number(f"{which}.timers.{name}.period_s", label, group, "s", timer.period_s))
        if design.heartbeat is not None:
            beat = design.heartbeat.period_s
            sliders.append(_number(f"{which}.heartbeat.period_s", "Heartbeat period", group, "s", beat))
    return sliders


def _mix(scenario: Scenario) -> list[Control]:
    sliders = []
    for name, network in scenario.networks.items():
        share, hint = network.share, _source(network.share)
        if isinstance(share, Range):
            hint += f"; the scenario's range is {share.low * 100:g} to {share.high * 100:g} %"
        default, label = _tidy(mode_of(share) * 100.0, 12), NETWORKS.get(name, name)
        sliders.append(_slider(f"networks.{name}.share", label, "Networks", "%", default, 0.0, 100.0, hint))
    return sliders


# ---- choices


def _choices(scenario: Scenario) -> list[Control]:
    phones = {p: f"{p} ({j / 3600:.2f} Wh)" for p, j in battery.phones().items()}
    priced = PRICED.format(scenario.prices_on or "the newest date")
    http, socket, free = scenario.before.api.backend, scenario.after.socket, scenario.free_tier or "none"
    choices = [
        ("phone", "Phone", scenario.phone, phones, "published battery energies by model, data/devices.csv"),
        ("region", "AWS region", scenario.region, _regions(scenario), priced),
        ("http_backend", "Requests are served by", http, BACKENDS, "what answers polls and pulls, in both designs"),
    ]
    if socket is not None and socket.backend in SOCKETS:
        hint = "what holds the connections after the move"
        choices.append(("socket_backend", "Sockets are held by", socket.backend, SOCKETS, hint))
    hint = "the 12-month ones are for accounts opened before 2025-07-15"
    choices.append(("free_tier", "Free allowances", free, FREE, hint))
    return [
        Control(key, label, "Phone and cloud", "", default, options=tuple(options.items()), hint=hint)
        for key, label, default, options, hint in choices
    ]


def _regions(scenario: Scenario) -> dict[str, str]:
    """Regions with a price list, each that lacks a price of what the scenario is billed on marked as such."""
    outcome = evaluate(scenario)
    meters = {m for side in (outcome.before, outcome.after) for m in side.usage}
    named = {}
    for region in prices.regions():
        book = scenario.price_book(region)
        lacking = sum(book.lacks(m) for m in meters)
        named[region] = f"{region}: lacks {lacking} of {len(meters)} prices" if lacking else region
    return named
