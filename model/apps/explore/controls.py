"""The controls of the page: what a person may move, with unit, range, default and source."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from model import battery, ledger, prices
from model.outcome import Outcome
from model.parts.fields import ANSWERING, row
from model.scenario import Range, Scenario, mode_of

USERS = (100.0, 10_000_000.0)
TIMES_BELOW, TIMES_ABOVE, STOPS = 5.0, 20.0, 60
BACKENDS = {name: row(name).title for name in ANSWERING}
SOCKETS = {name: row(name).title for name in ("apigw_ws", "server")}
FREE = {"none": "not counted", "always": "the ones that last", "first_12_months": "first 12 months of an account"}
NETWORKS = {"wifi": "Wi-Fi", "lte": "LTE", "nr": "5G", "umts": "3G"}
USERS_HINT = "the scenario's own number of users; the slider goes to 10 million"
PRICED = "list prices on {}, data/prices; a region that has not the prices of any design cannot be chosen"
PLAIN, PACKED = "false", "true"
COMPRESSED = {PLAIN: "as they are", PACKED: "compressed, each on its own"}


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
    of: str = ""  # the title of the one design that it moves

    @property
    def named(self) -> str:
        """What it is called where other designs have one too."""
        return f"{self.label} ({self.of})" if self.of else self.label

    def plain(self) -> dict:
        """The control as JSON."""
        return asdict(self)

    def moved_words(self, was, value) -> str:
        """A move of the control, with both values."""
        if self.options:
            return f"{self.named}: {self.in_words(value)} instead of {self.in_words(was)}"
        return f"{self.named} from {self.in_words(was)} to {self.in_words(value)}"

    def in_words(self, value) -> str:
        """A value of the control as a person reads it."""
        if self.options:
            return dict(self.options)[value]
        digits = max(3, math.ceil(math.log10(abs(value))) if value and value >= 1000 else 3)
        return f"{float(f'{value:.{digits}g}'):,.10g} {self.unit}"


def controls(scenario: Scenario) -> tuple[Control, ...]:
    """Every control of a scenario's page, in the order shown."""
    shown = [*scenario.compared, *(name for name in scenario.designs if name not in scenario.compared)]
    return (*_use(scenario), *_mix(scenario), *_choices(scenario), *(c for n in shown for c in _design(scenario, n)))


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


def _design(scenario: Scenario, which: str) -> list[Control]:
    """The periods and the choices of one design: only what its transport has."""
    design, controls = scenario.designs[which], []
    for name, timer in design.timers.items():
        named = name.replace("_", " ").capitalize().removesuffix(" refresh")
        label = f"{named} {'refresh' if timer.timing == 'by_hand' else 'poll'} period"
        controls.append(_number(f"{which}.timers.{name}.period_s", label, design.title, "s", timer.period_s))
    if design.heartbeat is not None:
        beat = design.heartbeat.period_s
        controls.append(_number(f"{which}.heartbeat.period_s", "Heartbeat period", design.title, "s", beat))
    http, socket = design.api.backend, design.socket
    choices = [("api.backend", "Requests are served by", http, BACKENDS, "what answers polls and pulls")]
    if design.transport == "websocket" and socket.backend in SOCKETS:
        choices.append(("socket.backend", "Sockets are held by", socket.backend, SOCKETS, "what holds the connections"))
    if design.transport == "websocket":
        packed = PACKED if socket.deflate else PLAIN
        choices.append(("socket.deflate", "Messages are sent", packed, COMPRESSED, "permessage-deflate, RFC 7692"))
    controls += [_choice(f"{which}.{path}", *rest, group=design.title) for path, *rest in choices]
    return [replace(control, of=design.title) for control in controls]


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


def _choice(key: str, label: str, default: str, options: dict, hint: str, group: str = "Phone and cloud") -> Control:
    return Control(key, label, group, "", default, options=tuple(options.items()), hint=hint)


def _choices(scenario: Scenario) -> list[Control]:
    phones = {p: f"{p} ({j / 3600:.2f} Wh)" for p, j in battery.phones().items()}
    regions, free = {region: region for region in prices.regions()}, scenario.free_tier or "none"
    accounts = "the 12-month ones are for accounts opened before 2025-07-15"
    return [
        _choice("phone", "Phone", scenario.phone, phones, "published battery energies by model, data/devices.csv"),
        _choice(
            "region", "AWS region", scenario.region, regions, PRICED.format(scenario.prices_on or "the newest date")
        ),
        _choice("free_tier", "Free allowances", free, FREE, accounts),
    ]


def impossible(outcome: Outcome, books: dict[str, prices.PriceBook]) -> dict[str, dict[str, str]]:
    """The options that cannot be chosen in the state of an outcome, by control, each with the reason."""
    scenario = outcome.scenario
    used = [outcome[name].usage for name in scenario.designs]
    lacking = {r: [next(filter(book.lacks, one), "") for one in used] for r, book in books.items()}
    found = {"region": {r: f"no price for {first[0]} in {r}" for r, first in lacking.items() if all(first)}}
    for option in {**BACKENDS, **SOCKETS}:
        kind = row(option)
        needs = filter(None, (kind.request_meter, kind.minute_meter, kind.message_meter))
        meter = next(filter(books[scenario.region].lacks, needs), "")
        for key in [f"{n}.{of}.backend" for n in scenario.designs for of in ("api", "socket") if meter]:
            found.setdefault(key, {})[option] = f"no price for {meter} in {scenario.region}"
    return found
