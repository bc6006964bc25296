"""What the pieces of a scenario are made of: their base, and numbers with a rule and a unit, alone or as a range.

A value that breaks its rule is refused in words that follow its path: "must be > 0 s; got -5".
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Annotated, Any, Literal, NoReturn, Self

import numpy as np
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from model import checks
from model.backends import REQUESTS, SOCKETS, Backend, names, row

OUTER = {
    "s": 1e9,
    "B": 1e13,
    "1/s": 1e9,
    "USD": 1e6,
    "users": 1e10,
    "": 1e10,
    "any": 1e15,
}  # by unit: beyond it is a slip
MOST_COUNT = 100_000  # of requests, attempts, pulls, instances
LEAST = 1e-12  # a number that is not 0 is at least so large, whatever its unit


class Part(BaseModel):
    """A piece of a scenario: frozen, checked when built, refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True, arbitrary_types_allowed=True)

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """A copy with some fields replaced; a name that is no field, such as a property, is refused."""
        for name in update or ():
            checks.known(f"field of {type(self).__name__}", name, type(self).model_fields)
        return super().model_copy(update=update, deep=deep)


class Served(Part):
    """What a backend answers or holds."""

    backend: str

    @property
    def row(self) -> Backend:
        """What the backend is, how it is billed and limited."""
        return row(self.backend)


@dataclass(frozen=True, slots=True)
class Range:
    """A number known only as low, mode and high; it may say where it comes from."""

    low: float
    mode: float
    high: float
    source: str | None = None
    note: str | None = None
    chance: float | None = None  # of a yes or no that nobody knows: drawn as 1 so often, else 0


class RangeInput(BaseModel):
    """How a range is written: mode alone, or low, mode and high; with a source or a note where known."""

    model_config = ConfigDict(extra="forbid")
    mode: float
    low: float | None = None
    high: float | None = None
    source: str | None = None
    note: str | None = None


def mode_of(value: Any) -> float:
    """A number of a scenario, a range at its mode; of several numbers the largest."""
    return float(np.max(value.mode if isinstance(value, Range) else value))


class ChanceInput(BaseModel):
    """How a yes or no that nobody knows is written: how likely it is, with a source or a note where known."""

    model_config = ConfigDict(extra="forbid")
    chance: float
    source: str | None = None
    note: str | None = None


RANGE_KEYS = RangeInput.model_fields.keys()


def refuse(sentence: str) -> NoReturn:
    """Refuse what a file says, in the words that follow the value's path."""
    raise PydanticCustomError("rule", "{sentence}", {"sentence": sentence})


def _plain_number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, np.integer, np.floating)):
        refuse(f"must be a number; got {checks.shown(value)}")
    if math.isnan(value):
        refuse("must be a number; got NaN")
    return float(value)


def _between(value: Any, low: float, high: float, strict: bool, rule: str, unit: str = "") -> float:
    """The value as a number between two, finite, and of a size that its unit has; above the lower where strict."""
    number, most = _plain_number(value), OUTER[unit]
    unit = "" if unit == "any" else unit
    if not (low < number if strict else low <= number) or not number <= high or math.isinf(number):
        refuse(f"must be {rule}; got {checks.shown(number)}")
    if abs(number) > most:
        refuse(f"must be at most {most:g} {unit}".rstrip() + f"; got {checks.shown(number)}")
    if 0.0 < abs(number) < LEAST:
        refuse(
            f"must be {'' if strict else '0 or '}at least {LEAST:g} {unit}".rstrip() + f"; got {checks.shown(number)}"
        )
    return number


def _number_or_range(value: Any, check) -> Any:
    """The value checked: a float, a Range, or an array that a caller put in the place of a number."""
    if isinstance(value, np.ndarray) and value.ndim:
        return np.array([check(one) for one in value.flat[:]], dtype=float).reshape(value.shape)
    if isinstance(value, Range):
        value = asdict(value)
    if not isinstance(value, dict):
        return check(value)
    wrong = [] if value.keys() <= RANGE_KEYS else [k for k in value if k not in RANGE_KEYS]
    if wrong and not (wrong == ["chance"] and value["chance"] is None):  # as a range is when written out
        more = f" and {len(wrong) - 1} more" if wrong[1:] else ""
        refuse(f"has an unknown key {wrong[0]!r}{more}{checks.nearest(wrong[0], RANGE_KEYS)}")
    if "mode" not in value:
        refuse("must have a mode where it is a range; got none")
    mode, low, high = check(value["mode"]), value.get("low"), value.get("high")
    low, high = mode if low is None else check(low), mode if high is None else check(high)
    if not low <= mode <= high:
        refuse(f"must have low <= mode <= high; got {low:g}, {mode:g}, {high:g}")
    source, note = value.get("source"), value.get("note")
    return Range(low, mode, high, None if source is None else str(source), None if note is None else str(note))


def _real(
    rule: str, low: float = -math.inf, high: float = math.inf, strict: bool = False, unit: str = "", optional=False
) -> Any:
    """A field that holds a number or a range under a rule, or nothing where it is optional."""

    def check(value: Any) -> float:
        if type(value) in (float, int) and low < value < high and LEAST < value < 1e6:  # as most are, and quick
            return float(value)
        return _between(value, low, high, strict, rule, unit)

    def read(value: Any) -> Any:
        return None if optional and value is None else _number_or_range(value, check)

    return Annotated[Any, BeforeValidator(read, json_schema_input_type=float | RangeInput)]


def _yes_or_no(value: Any) -> Any:
    """A yes or no as 1 or 0, or the chance of it; at the modes the likelier."""
    if isinstance(value, Range):
        return value
    if isinstance(value, dict) and {"low", "mode", "high"} <= value.keys():  # as a scenario writes one out
        if value["low"] == value["high"]:
            return float(value["mode"])
        value = {name: x for name, x in value.items() if name in ChanceInput.model_fields}
    if isinstance(value, dict):
        for key in value:
            if key not in ChanceInput.model_fields:
                refuse(f"has an unknown key {key!r}{checks.nearest(key, ChanceInput.model_fields)}")
        if "chance" not in value:
            refuse("must be true, false or {chance: a number between 0 and 1}; got no chance")
        chance = _between(value["chance"], 0.0, 1.0, False, "a chance between 0 and 1")
        return Range(0.0, float(chance >= 0.5), 1.0, value.get("source"), value.get("note"), chance)
    if isinstance(value, np.ndarray):
        return value
    if value not in (0, 1):
        refuse(f"must be true, false or {{chance: a number between 0 and 1}}; got {checks.shown(value)}")
    return float(value)


def _positive(unit: str, optional: bool = False) -> Any:
    return _real(f"> 0 {unit}".rstrip(), 0.0, strict=True, unit=unit, optional=optional)


def _least_zero(unit: str, optional: bool = False) -> Any:
    return _real(f">= 0 {unit}".rstrip(), 0.0, unit=unit, optional=optional)


def _whole(value: Any) -> int:
    number = _plain_number(value)
    if not 0 <= number < math.inf or number != math.floor(number):
        refuse(f"must be a whole number >= 0; got {checks.shown(number)}")
    if number > MOST_COUNT:
        refuse(f"must be at most {MOST_COUNT:,}; got {checks.shown(number)}")
    return int(number)


def _whole_from_1(value: Any) -> int:
    number = _whole(value)
    if number < 1:
        refuse(f"must be a whole number >= 1; got {number}")
    return number


def _memory(value: Any) -> int:
    number = _whole(value)
    if not 128 <= number <= 10_240:
        refuse(f"must be between 128 and 10,240 MB, as Lambda has it; got {number}")
    return number


def _users(value: Any) -> Any:
    array = np.array(
        [_between(v, 0.0, math.inf, True, "> 0 users", "users") for v in np.ravel(np.asarray(value, dtype=object))]
    )
    return float(array[0]) if np.ndim(value) == 0 else array


def _delays(value: Any) -> list[float]:
    if not isinstance(value, (list, tuple)) or not value:
        refuse(f"must be a list of delays > 0 s, the first >= 0 s; got {checks.shown(value)}")
    return [_between(v, 0.0, math.inf, k > 0, "delays > 0 s, the first >= 0 s", "s") for k, v in enumerate(value)]


def _backend(serves: str) -> Any:
    """A field that names a backend which answers requests, or holds sockets."""

    def read(value: Any) -> str:
        known = names(serves)
        if value not in known:
            refuse(f"must be {', '.join(map(repr, known[:-1]))} or {known[-1]!r}; got {checks.shown(value)}")
        return value

    return Annotated[str, BeforeValidator(read, json_schema_input_type=Literal[names(serves)])]


NAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}"  # of a scenario, and so of its file


def _name(value: str) -> str:
    if not re.fullmatch(NAME, value):
        refuse(f"must be letters, digits, '_', '-' or '.'; got {checks.shown(value)}")
    return value


Real, Positive, Zero = _real("a number", unit="any"), _positive(""), _least_zero("")
Share = _real("between 0 and 1", 0.0, 1.0)
SomeShare = _real("> 0 and at most 1", 0.0, 1.0, strict=True)  # one that something is divided by
PeakRatio = _real("between 1 and 24, as many as a day has hours", 1.0, 24.0)
DayHours = _real("> 0 and at most 24 h", 0.0, 24.0, strict=True)
Sessions = _real("at least 1, as a day on which the app is not opened is no active day", 1.0)
Grace = _real("between 0 and 3,600 s, for a phone ends what runs behind its screen", 0.0, 3600.0)
Seconds, SecondsOrZero, Bytes, PerSecond = _positive("s"), _least_zero("s"), _least_zero("B"), _positive("1/s")
BytesOrNone = _least_zero("B", optional=True)
SecondsOrNone = _positive("s", optional=True)
Sigma = _real("between 0 and 3, for it is the spread of a logarithm", 0.0, 3.0)
Rate = _real("between 0 and 1e+06, for people do no more", 0.0, 1e6)
Detour = _real("between 1 and 10 times the distance", 1.0, 10.0)
MonthDays = _real("between 1 and 366 days", 1.0, 366.0)
Count = Annotated[int, BeforeValidator(_whole, json_schema_input_type=int)]
SomeCount = Annotated[int, BeforeValidator(_whole_from_1, json_schema_input_type=int)]
YesOrNo = Annotated[Any, BeforeValidator(_yes_or_no, json_schema_input_type=bool | ChanceInput)]
Usd = Annotated[float, BeforeValidator(lambda v: _between(v, 0.0, math.inf, False, ">= 0 USD", "USD"))]
Memory = Annotated[int, BeforeValidator(lambda v: _memory(v), json_schema_input_type=int)]
Users = Annotated[Any, BeforeValidator(_users, json_schema_input_type=float)]
Delays = Annotated[list[float], BeforeValidator(_delays), Field(min_length=1)]
ANSWERING, Requests, Sockets = names(REQUESTS), _backend(REQUESTS), _backend(SOCKETS)
Name = Annotated[str, AfterValidator(_name)]
Day = Annotated[str | None, BeforeValidator(lambda value: value if value is None else str(value))]
