"""A scenario: everything a user chooses, read from one YAML file and checked as it is built.

Any float may be a number or a range `{low, mode, high}`; `resolved` turns ranges into their modes or into
columns of draws. A file may start from another one with `extends` and name only what differs.
"""

from __future__ import annotations

import functools
import math
import re
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np
from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from model import checks, ledger, paths

__all__ = ["Design", "Event", "Range", "Scenario", "files", "load", "names", "read_yaml", "schema"]


class Part(BaseModel):
    """A piece of a scenario: frozen, checked when built, refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, arbitrary_types_allowed=True)


class Range(BaseModel):
    """A number known only as low, mode and high; it may say where it comes from."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    low: float
    mode: float
    high: float
    source: str | None = None
    note: str | None = None


class RangeInput(BaseModel):
    """How a range is written: mode alone, or low, mode and high; with a source or a note where known."""

    model_config = ConfigDict(extra="forbid")
    mode: float
    low: float | None = None
    high: float | None = None
    source: str | None = None
    note: str | None = None


def _refuse(sentence: str):
    raise PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _plain_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        _refuse(f"must be a number; got {checks.shown(value)}")
    if math.isnan(value):
        _refuse("must be a number; got NaN")
    return float(value)


def _ruled(value: float, low: float, high: float, strict: bool, rule: str) -> float:
    if not (low < value if strict else low <= value) or not value <= high or math.isinf(value):
        _refuse(f"must be {rule}; got {checks.shown(value)}")
    return value


def _number_or_range(value: Any, check) -> Any:
    """The value checked: a float, a Range, or an array that a caller put in the place of a number."""
    if isinstance(value, np.ndarray) and value.ndim:
        for one in value.flat[:]:
            check(_plain_number(one))
        return value.astype(float)
    if isinstance(value, Range):
        value = value.model_dump()
    if not isinstance(value, dict):
        return check(_plain_number(value))
    unknown = [k for k in value if k not in RangeInput.model_fields]
    if unknown:
        _refuse(f"has an unknown key {unknown[0]!r}{checks.nearest(unknown[0], RangeInput.model_fields)}")
    if "mode" not in value:
        _refuse("must have a mode where it is a range; got none")
    mode = check(_plain_number(value["mode"]))
    low = check(_plain_number(mode if value.get("low") is None else value["low"]))
    high = check(_plain_number(mode if value.get("high") is None else value["high"]))
    if not low <= mode <= high:
        _refuse(f"must have low <= mode <= high; got {low:g}, {mode:g}, {high:g}")
    return Range(low=low, mode=mode, high=high, source=value.get("source"), note=value.get("note"))


def _real(rule: str, low: float = -math.inf, high: float = math.inf, strict: bool = False):
    def check(value: float) -> float:
        return _ruled(value, low, high, strict, rule)

    return Annotated[
        Any, BeforeValidator(lambda v: _number_or_range(v, check), json_schema_input_type=float | RangeInput)
    ]


def _positive(unit: str):
    return _real(f"> 0 {unit}".rstrip(), low=0.0, strict=True)


def _least_zero(unit: str):
    return _real(f">= 0 {unit}".rstrip(), low=0.0)


Positive, Zero, Share = _positive(""), _least_zero(""), _real("between 0 and 1", 0.0, 1.0)
SomeShare = _real("> 0 and at most 1", 0.0, 1.0, strict=True)  # one that something is divided by
Seconds, SecondsOrZero, Bytes = _positive("s"), _least_zero("s"), _least_zero("B")


def _count(value: Any) -> Any:
    number = _plain_number(value)
    if number < 0 or number != math.floor(number):
        _refuse(f"must be a whole number >= 0; got {checks.shown(number)}")
    return int(number)


def _some_count(value: Any) -> Any:
    number = _count(value)
    if number < 1:
        _refuse(f"must be a whole number >= 1; got {number}")
    return number


Count = Annotated[int, BeforeValidator(_count, json_schema_input_type=int)]
SomeCount = Annotated[int, BeforeValidator(_some_count, json_schema_input_type=int)]


def _users(value: Any) -> Any:
    array = np.asarray([_plain_number(v) for v in np.ravel(np.asarray(value, dtype=object))])
    for one in array:
        _ruled(float(one), 0.0, math.inf, True, "> 0 users")
    return float(array[0]) if np.ndim(value) == 0 else array


Users = Annotated[Any, BeforeValidator(_users, json_schema_input_type=float)]


class Usage(Part):
    """How much people use the app; sessions have a lognormal length."""

    dau_mau_share: SomeShare
    sessions_per_day: Positive
    session_mean_s: Seconds
    session_sigma_ln: Zero
    peak_to_mean_ratio: _real("between 1 and 24, as many as a day has hours", low=1.0, high=24.0)


class Background(Part):
    """Traffic that both designs share on a screen, one segment a period."""

    period_s: Seconds
    up_bytes: Bytes
    down_bytes: Bytes
    burst_s: SecondsOrZero


class Screen(Part):
    """A screen with its share of active time and the background traffic it brings."""

    share: Share
    background: str | None = None


class Overlay(Part):
    """Something that goes on above any screen for a while, such as an upload being processed."""

    per_active_day: Zero
    duration_s: Seconds


WHICH_PROFILE = {
    "low": 0.0,
    "mode": 0.0,
    "high": 1.0,
    "source": "assumption",
    "note": "which radio profile of the list a draw takes: 0 the first, 1 the last",
}


class Network(Part):
    """One access network of the mix; the first radio profile is used, the others give its range.

    `profile_share` says how far down the list a draw goes: likelier the earlier a profile stands.
    """

    share: Share
    profiles: list[str] = Field(min_length=1)
    profile_share: Share = WHICH_PROFILE
    rtt_s: Seconds
    rtt_sigma_ln: Zero
    ip: Literal[4, 6] = 4
    metered: bool
    drx_s: SecondsOrZero
    paging_s: SecondsOrZero
    losses_per_hour: Zero
    unseen_share: Share
    nat_timeout_s: Seconds


class Event(Part):
    """Something users must be told: how often it is sent, to whom, and how big it is."""

    per_active_day: Zero
    recipients: Zero
    online_share: Share
    payload_bytes: Bytes
    screens: list[str] | None = None
    overlay: str | None = None


class Operation(Part):
    """One database operation of a function; a scan reads the shared connection table, a page at most."""

    kind: Literal["get", "query", "scan", "scan_table", "put", "update", "delete"]
    item_bytes: Bytes = 0.0
    times: Zero = 1.0
    consistency: Literal["eventual", "strong"] = "eventual"


class Function(Part):
    """A handler: CPU time at one full vCPU, the database operations it waits for, what it logs."""

    memory_mb: SomeCount = 128
    arch: Literal["x86", "arm"] = "x86"
    runtime: str = "nodejs18"
    package_kb: Positive
    cpu_s: SecondsOrZero
    log_bytes: Bytes
    operations: list[Operation] = []


class Action(Part):
    """What a user does that costs requests in both designs; `per_session` or `per_active_day`."""

    per_session: Zero = 0.0
    per_active_day: Zero = 0.0
    requests: Count
    request_bytes: Bytes
    response_bytes: Bytes
    function: str


class Timer(Part):
    """One polling loop: when it fires, where it runs, what it carries and which events it delivers."""

    period_s: Seconds
    timing: Literal["fixed", "sleep_then_request", "by_hand"] = "fixed"
    screens: list[str] | None = None
    overlay: str | None = None
    max_attempts: Count = 0
    requests: SomeCount = 1
    missed_share: Share = 0.0
    cache_s: SecondsOrZero = 0.0
    request_bytes: Bytes
    response_bytes: Bytes
    function: str
    delivers: list[str] = []


class Host(Part):
    """A server the phone talks to: protocol, TLS, how long it keeps an idle connection, what runs it."""

    backend: Literal["http_api", "rest_api", "server"]
    protocol: Literal["http1", "http2"] = "http1"
    tls: Literal["1.3", "1.2"] = "1.3"
    chain: str = "rsa4"
    resumed_share: Share = 0.0
    idle_timeout_s: Seconds


class Server(Part):
    """A plain server: instances of one type, sized from the load."""

    instance: str
    requests_per_s: _positive("1/s")
    connections: Positive
    utilisation_share: SomeShare
    least_instances: Count = 1


class Heartbeat(Part):
    """The ping that shows a connection is alive; `json` heartbeats are messages, `ping` frames are not."""

    period_s: Seconds
    pong_timeout_s: SecondsOrZero
    kind: Literal["ping", "json"] = "ping"
    payload_bytes: Bytes = 0.0
    function: str | None = None


class Reconnect(Part):
    """The schedule of attempts after a loss; a client out of attempts stays on the fallback."""

    delays_s: list[float] = Field(min_length=1)
    jitter: Literal["none", "equal", "full", "decorrelated"] = "none"
    last_attempt: bool = True

    @field_validator("delays_s", mode="before")
    @classmethod
    def _delays(cls, value: Any) -> Any:
        if not isinstance(value, (list, tuple)) or not value:
            _refuse(f"must be a list of delays > 0 s; got {checks.shown(value)}")
        return [_ruled(_plain_number(v), 0.0, math.inf, True, "delays > 0 s") for v in value]


class Fallback(Part):
    """The poll that runs while the socket is down."""

    period_s: Seconds
    requests: SomeCount
    start_delay_s: SecondsOrZero


class Push(Part):
    """How a pushed event arrives: whether anybody sends it yet, and the pulls it triggers."""

    sent: bool = True
    pulls: Count = 0
    audience: Literal["recipients", "broadcast"] = "recipients"


class Pull(Part):
    """The request that a push triggers."""

    request_bytes: Bytes
    response_bytes: Bytes
    function: str


class Socket(Part):
    """The WebSocket side of a design: connection, functions behind it, table, cache and senders.

    `deflate` compresses every message on its own (permessage-deflate without context takeover).
    """

    backend: Literal["apigw_ws", "server"] = "apigw_ws"
    tls: Literal["1.3", "1.2"] = "1.3"
    chain: str = "rsa4"
    resumed_share: Share = 0.0
    upgrade_request_bytes: Bytes
    upgrade_response_bytes: Bytes
    grace_s: SecondsOrZero
    blocked_share: Share
    catch_up: bool
    connection_item_bytes: Bytes
    table_base_bytes: Bytes
    disconnect: Literal["scan", "key"]
    fan_out: Literal["sequential", "parallel"]
    connect_function: str
    disconnect_function: str
    send_function: str
    cache_scan_period_s: SecondsOrZero = 0.0
    cache_hit_share: Share = 0.0
    direct_send: bool = False
    deflate: bool = False


class Design(Part):
    """A transport with the backend that serves it."""

    title: str
    transport: Literal["polling", "websocket"]
    api: Host
    server: Server
    functions: dict[str, Function]
    timers: dict[str, Timer] = {}
    socket: Socket | None = None
    heartbeat: Heartbeat | None = None
    reconnect: Reconnect | None = None
    fallback: Fallback | None = None
    pushes: dict[str, Push] = {}
    pull: Pull | None = None


class Billing(Part):
    """Switches where AWS does not say what is billed, and how long a month is."""

    month_days: Positive = 30.0
    connects_billed: bool = False
    pings_billed: bool = False
    response_counts: bool = False
    logs_meter: Literal["lambda_logs_ingest_gb", "logs_ingest_gb"] = "lambda_logs_ingest_gb"


class Correlation(Part):
    """Two ranged inputs that rise and fall together, by the rank correlation of their draws."""

    between: tuple[str, str]
    rank: float


class Scenario(Part):
    """Everything a user chooses: users, usage, events, two designs, network mix, phone, region."""

    name: str
    title: str
    users: Users
    region: str
    prices_on: str | None = None
    free_tier: Literal[False, "always", "first_12_months"] = False
    phone: str
    claims: str | None = None
    billing: Billing = Billing()
    usage: Usage
    screens: dict[str, Screen]
    overlays: dict[str, Overlay] = {}
    backgrounds: dict[str, Background] = {}
    networks: dict[str, Network]
    events: dict[str, Event]
    actions: dict[str, Action] = {}
    before: Design
    after: Design
    ledger: dict[str, _real("a number")] = {}
    correlations: list[Correlation] = []
    place: str = Field(default="", exclude=True)

    @field_validator("name", mode="after")
    @classmethod
    def _name(cls, value: str) -> str:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}", value):
            _refuse(f"must be letters, digits, '_', '-' or '.'; got {value!r}")
        return value

    @field_validator("prices_on", mode="before")
    @classmethod
    def _date(cls, value: Any) -> Any:
        return value if value is None else str(value)

    @model_validator(mode="after")
    def _whole(self) -> Scenario:
        from model.scenario import rules

        rules.references(self)
        return self

    def with_(self, changes: dict[str, Any]) -> Scenario:
        """The same scenario with some values replaced, each named by its dotted path.

        Parameters
        ----------
        changes : dict of str to object, path such as `after.heartbeat.period_s` and the value put there; it replaces
            a range

        Returns
        -------
        Scenario, A new scenario, checked like a file

        Raises
        ------
        InputError, A path that is no part of the scenario (the nearest is offered), or a value against its rule
        """
        plain = self.model_dump()
        for path, value in changes.items():
            _put(plain, path, value, self.place)
        return _built(plain, self.place)

    def number(self, name: str):
        """A ledger number as this scenario sees it: its own value, or the ledger's."""
        return self.ledger[name] if name in self.ledger else ledger.value(name)

    @property
    def month_s(self):
        """Seconds in the month that is billed [s]."""
        return self.billing.month_days * 86400.0

    def design(self, which: str | Design) -> Design:
        """The design called `before` or `after`, or the design itself."""
        if isinstance(which, Design):
            return which
        return getattr(self, checks.known("design", which, ("before", "after"), self.place))


def _part_keys(annotation: Any) -> list[str] | None:
    """The keys a piece of a scenario may have; None where any key may stand."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return list(annotation.model_fields)
    return None


def _inner(annotation: Any, key: str) -> Any:
    """The type found under a key of a piece of a scenario."""
    if get_origin(annotation) is UnionType or str(get_origin(annotation)) == "typing.Union":
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        field = annotation.model_fields.get(key)
        return field.annotation if field else None
    if get_origin(annotation) is dict:
        return get_args(annotation)[1]
    if get_origin(annotation) is list:
        return get_args(annotation)[0]
    return None


def _type_at(parts: tuple) -> Any:
    annotation: Any = Scenario
    for part in parts:
        annotation = _inner(annotation, str(part))
        if annotation is None:
            return None
    if get_origin(annotation) is UnionType:
        annotation = next(a for a in get_args(annotation) if a is not type(None))
    return annotation


def _put(plain: dict, path: str, value: Any, place: str) -> None:
    parts = path.split(".")
    here: Any = plain
    for depth, part in enumerate(parts):
        annotation = _type_at(tuple(parts[:depth]))
        names = _part_keys(annotation)
        if names is None:
            names = list(here) if isinstance(here, dict) else []
            if path.startswith("ledger."):
                names = list(ledger.chosen())
        if not isinstance(here, dict) or part not in names:
            before = ".".join(parts[:depth])
            near = checks.nearest(part, [n for n in names if n != "place"])
            checks.fail(f"unknown parameter {path!r}: {before or 'a scenario'} has no {part!r}{near}", place)
        if depth == len(parts) - 1:
            here[part] = value
            return
        if here.get(part) is None:
            checks.fail(f"{'.'.join(parts[: depth + 1])} is not set here, so {path} cannot be", place)
        here = here[part]


def _located(parts: tuple) -> str:
    return ".".join(str(p) for p in parts)


def _sentence(error: dict) -> str:
    """One sentence for the first thing that pydantic found wrong."""
    where, kind, value = error["loc"], error["type"], error["input"]
    name = _located(where) or "the scenario"
    if kind == "rule":
        text = error["ctx"]["sentence"]
        return text[1:] if text.startswith("!") else f"{name} {text}"
    if kind == "extra_forbidden":
        names = _part_keys(_type_at(where[:-1])) or []
        return f"unknown key {name!r}{checks.nearest(where[-1], [n for n in names if n != 'place'])}"
    if kind == "missing":
        return f"{name} must be given; got nothing"
    if kind == "literal_error":
        return f"{name} must be {error['ctx']['expected']}; got {checks.shown(value)}"
    if kind in ("model_type", "dict_type", "model_attributes_type"):
        return f"{name} must be a mapping; got {checks.shown(value)}"
    wanted = {
        "bool_type": "true or false",
        "bool_parsing": "true or false",
        "string_type": "text",
        "list_type": "a list",
        "too_short": "a list with at least one entry",
    }
    return f"{name} must be {wanted.get(kind, error['msg'].lower())}; got {checks.shown(value)}"


def _built(plain: Any, place: str) -> Scenario:
    if not isinstance(plain, dict):
        checks.fail(f"a scenario must be a mapping; got {checks.shown(plain)}", place)
    try:
        return Scenario.model_validate({**plain, "place": place})
    except ValidationError as wrong:
        sentence = _sentence(wrong.errors(include_url=False)[0])
    checks.fail(sentence, place)


def read_yaml(path: Path) -> Any:
    """The plain content of a YAML 1.2 file: no tags, no duplicate keys, no aliases of YAML 1.1."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    path = Path(path)
    shown = paths.shown(path)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as wrong:
        reason = wrong.strerror if isinstance(wrong, OSError) else "it is no UTF-8 text"
        checks.fail(f"the file cannot be read: {str(reason).lower()}", shown)
    tag = re.search(r"(?m)(?:^|[\s\[{,:-])(![^\s]*)", re.sub(r"#.*|'[^'\n]*'|\"[^\"\n]*\"", "", text))
    if tag:
        line = text[: text.find(tag.group(1))].count("\n") + 1
        checks.fail(f"YAML tags must not be used; got {tag.group(1)!r}", f"{shown}:{line}")
    try:
        return YAML(typ="safe", pure=True).load(text)
    except MarkedYAMLError as wrong:
        mark = wrong.problem_mark
        line = f"{shown}:{mark.line + 1}" if mark else shown
        problem = re.sub(r"\s+", " ", str(wrong.problem or wrong)).strip()
        twice = re.search(r'found duplicate key "([^"]+)"', problem)
        checks.fail(
            f"key {twice.group(1)!r} must stand once; it stands twice"
            if twice
            else f"the file must be YAML; {problem}",
            line,
        )
    except (YAMLError, ValueError) as wrong:
        checks.fail(f"the file must be YAML; {' '.join(str(wrong).split())[:120]}", shown)


def names() -> list[str]:
    """The scenarios that come with the project."""
    return sorted(p.stem for p in paths.data("scenarios").glob("*.yaml"))


def _path_of(name: str | Path, place: str = "") -> Path:
    text = str(name)
    if text.endswith((".yaml", ".yml")) or "/" in text:
        path = Path(text)
        if not path.is_file():
            checks.fail(f"no scenario file at {text!r}", place)
        return path
    checks.known("scenario", text, names(), place)
    return paths.data("scenarios", f"{text}.yaml")


def _merged(base: dict, changes: dict) -> dict:
    """The base with the changes laid over it, mapping by mapping; null takes a key away."""
    out = dict(base)
    for key, value in changes.items():
        if value is None:
            out.pop(key, None)
            continue
        mine = out.get(key)
        ranged = isinstance(value, dict) and "mode" in value
        both = isinstance(value, dict) and isinstance(mine, dict) and not ranged
        out[key] = _merged(mine, value) if both else value
    return out


@functools.lru_cache(maxsize=64)
def _content(path: Path, changed_ns: int) -> dict:
    content = read_yaml(path)
    if not isinstance(content, dict):
        checks.fail(f"a scenario must be a mapping; got {checks.shown(content)}", paths.shown(path))
    return content


def _read(path: Path) -> dict:
    return _content(path, path.stat().st_mtime_ns)


def files(name: str | Path) -> tuple[Path, ...]:
    """The files that a scenario is made of: its own, then what it extends, to the last."""
    chain = [_path_of(name)]
    while (base := _read(chain[-1]).get("extends")) is not None:
        path = chain[-1]
        if path.resolve() in [one.resolve() for one in chain[:-1]]:
            checks.fail(f"extends must not lead back to itself; got {base!r}", paths.shown(path))
        near = path.parent / (str(base) if str(base).endswith((".yaml", ".yml")) else f"{base}.yaml")
        here = near.is_file() and near.resolve() != path.resolve()
        chain.append(near if here else _path_of(base, f"extends in {paths.shown(path)}"))
    return tuple(chain)


@functools.lru_cache(maxsize=64)
def _loaded(stamped: tuple[tuple[Path, int], ...]) -> Scenario:
    first, *others = ({k: v for k, v in _content(*one).items() if k != "extends"} for one in reversed(stamped))
    return _built(functools.reduce(_merged, others, first), paths.shown(stamped[0][0]))


def load(name: str | Path) -> Scenario:
    """The scenario of that name in `data/scenarios`, or of a YAML file.

    Parameters
    ----------
    name : str or pathlib.Path, A name such as `twilly`, or a path that ends in .yaml

    Returns
    -------
    Scenario, frozen and checked

    Raises
    ------
    InputError, one sentence: unknown name or key (the nearest is offered), a value against its rule, broken YAML

    Examples
    --------
    >>> load("twilly").after.heartbeat.period_s
    30.0
    """
    return _loaded(tuple((path, path.stat().st_mtime_ns) for path in files(name)))


def schema() -> dict:
    """The JSON schema of a scenario file, so that an editor completes and checks it."""
    found = Scenario.model_json_schema(mode="validation")
    found["title"] = "push-or-poll scenario"
    found["properties"].pop("place", None)
    found["properties"]["extends"] = {"type": "string", "description": "the scenario this one starts from"}
    found.pop("required", None)  # a file that extends another may leave everything out
    return found
