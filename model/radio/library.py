"""The published radio profiles of `data/radio/`: one file a paper or device file, every value sourced."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from model import checks, ledger, paths
from model.radio.states import ACCESS, Promotion, Radio, State

__all__ = ["Value", "profile", "profile_values", "profiles", "read_profile"]

SCALE = {"s": 1.0, "ms": 1e-3, "W": 1.0, "mW": 1e-3, "B": 1.0, "mW/Mbps": 8e-9}  # mW/Mbps -> J/B
FIELDS = {  # quantity -> the units it may carry and the field it fills
    "timer": ("s ms", "timer_s"),
    "power": ("W mW", "power_w"),
    "on_power": ("W mW", "on_w"),
    "on_time": ("s ms", "on_s"),
    "cycle": ("s ms", "cycle_s"),
    "delay": ("s ms", "delay_s"),
    "alpha_up": ("mW/Mbps", "up_j_per_byte"),
    "alpha_down": ("mW/Mbps", "down_j_per_byte"),
    "beta": ("W mW", "transfer_w"),
    "up_threshold": ("B", "up_threshold_bytes"),
    "down_threshold": ("B", "down_threshold_bytes"),
    "hold": ("B", "hold_bytes"),
    "hold_window": ("s ms", "hold_window_s"),
}
TRANSFER = "transfer"
COLUMNS = ("item", "quantity", "value", "low", "high", "unit", "kind", "source", "where", "note")
ABOUT = ("title", "access", "phone", "baseline", "good_for", "not_for", "source")


@dataclass(frozen=True)
class Value:
    """One published number of a profile as it stands in its file, with range, unit, kind and source."""

    item: str
    quantity: str
    value: float
    low: float
    high: float
    unit: str
    kind: str
    source: str
    where: str
    note: str


def _value(raw: dict[str, str], place: str) -> Value:
    name = f"{raw['item']} {raw['quantity']}"
    checks.known("quantity", raw["quantity"], FIELDS, place)
    units = FIELDS[raw["quantity"]][0].split()
    if raw["unit"] not in units:
        checks.fail(f"{name} must be in {' or '.join(units)}; got {raw['unit'] or 'no unit'}", place)
    checks.known("kind", raw["kind"], ledger.KINDS, place)
    checks.known("source", raw["source"], ledger.sources(), place)
    value = float(checks.non_negative(name, raw["value"], raw["unit"], place))
    low = float(checks.non_negative(f"{name} low", raw["low"] or value, raw["unit"], place))
    high = float(checks.non_negative(f"{name} high", raw["high"] or value, raw["unit"], place))
    if not low <= value <= high:
        checks.fail(f"{name} must lie in its range {low:g} to {high:g} {raw['unit']}; got {value:g}", place)
    if raw["kind"] == "assumed" and not (low < high and raw["note"]):
        checks.fail(f"{name} is assumed and must have a range and a note", place)
    return Value(
        raw["item"],
        raw["quantity"],
        value,
        low,
        high,
        raw["unit"],
        raw["kind"],
        raw["source"],
        raw["where"],
        raw["note"],
    )


def _values(path: Path) -> tuple[Value, ...]:
    found: list[Value] = []
    for number, raw in enumerate(ledger.read_csv(path), start=2):
        place = f"{paths.shown(path)}:{number}"
        missing = [c for c in COLUMNS if c not in raw]
        if missing:
            checks.fail(f"a radio profile must have the column {missing[0]!r}", paths.shown(path))
        value = _value(raw, place)
        if any((v.item, v.quantity) == (value.item, value.quantity) for v in found):
            checks.fail(f"{value.item} {value.quantity} must stand once; it stands twice", place)
        found.append(value)
    return tuple(found)


def _items(values: Iterable[Value]) -> dict[str, dict[str, float]]:
    """Every item's fields in SI units, items in the order of the file."""
    items: dict[str, dict[str, float]] = {}
    for v in values:
        items.setdefault(v.item, {})[FIELDS[v.quantity][1]] = v.value * SCALE[v.unit]
    return items


def _split(items: dict[str, dict[str, float]]):
    """Size thresholds by the state they belong to, taken out of the items."""
    names = ("up_threshold_bytes", "down_threshold_bytes", "hold_bytes", "hold_window_s")
    sizes = {}
    for item, fields in items.items():
        found = {name: fields.pop(name) for name in names if name in fields}
        if found:
            sizes[item] = found
    return sizes


def _built(kind: type, place: str, **fields):
    """A state or promotion of the fields read, refused by name where one is missing or does not belong."""
    known = kind.__dataclass_fields__
    wrong = [f for f in fields if f not in known]
    if wrong:
        checks.fail(f"a {kind.__name__.lower()} must not have {wrong[0]}", place)
    needed = ("power_w",) if kind is State else ("delay_s", "power_w")
    if kind is State and fields["name"] != "idle":
        needed += ("timer_s",)
    for name in needed:
        if name not in fields:
            checks.fail(f"a {kind.__name__.lower()} must have {name}; it is missing", place)
    return kind(**fields)


def read_profile(path: Path, about: dict[str, str] | None = None) -> Radio:
    """The radio profile of one file.

    Items of the file: a state's name (states stand in the order in which the radio falls through them, idle
    last), `start>end` for a promotion (`start>end/label` where several run in a row), `transfer` for the
    slopes and the power of a transfer. Size thresholds stand with the state they belong to, which is the
    profile's low state where a promotion leads to it from idle.
    """
    path = Path(path)
    place = paths.shown(path)
    about = {"title": path.stem, "year": "0", "access": "lte", **(about or {})}
    items = _items(_values(path))
    sizes = _split(items)
    transfer = items.pop(TRANSFER, {})
    states, promotions = [], []
    for item, fields in items.items():
        start, _, rest = item.partition(">")
        where = f"{item}, {place}"
        if rest:
            end, _, label = rest.partition("/")
            promotions.append(_built(Promotion, where, start=start, end=end, label=label, **fields))
        else:
            states.append(_built(State, where, name=item, **fields))
    if len(sizes) > 1:
        checks.fail(f"size thresholds must stand with one state; got {' and '.join(sizes)}", place)
    sized = next(iter(sizes), "")
    low = sized if any((p.start, p.end) == ("idle", sized) for p in promotions) else ""
    transfer.setdefault("transfer_w", states[0].power_w if states else 0.0)
    return Radio(
        name=path.stem,
        year=int(about["year"]),
        states=tuple(states),
        promotions=tuple(promotions),
        low_state=low,
        **{key: about.get(key, "") for key in ABOUT},
        **transfer,
        **sizes.get(sized, {}),
    )


@functools.cache
def _about() -> dict[str, dict[str, str]]:
    path = paths.data("radio", "profiles.csv")
    return {row["name"]: row for row in ledger.read_csv(path)}


@functools.cache
def _profile(name: str) -> Radio:
    about = _about()[name]
    checks.known("source", about["source"], ledger.sources(), "data/radio/profiles.csv")
    return read_profile(paths.data("radio", f"{name}.csv"), about)


def profiles(access: str | None = None) -> tuple[str, ...]:
    """Names of the published radio profiles.

    Parameters
    ----------
    access : str, only those of one access network: wifi, lte, nr_sa, nr_nsa, nr_mmwave or umts

    Returns
    -------
    tuple of str, names in the order of `data/radio/profiles.csv`

    Raises
    ------
    InputError, for an unknown access network

    Examples
    --------
    >>> profiles("nr_sa")
    ('nr_sa_tmobile_2021',)
    """
    if access is not None:
        checks.known("access network", access, ACCESS)
    return tuple(name for name, row in _about().items() if access in (None, row["access"]))


def profile(name: str) -> Radio:
    """The published radio profile of that name.

    Parameters
    ----------
    name : str, A name of `profiles()`

    Returns
    -------
    Radio, the frozen profile; `dataclasses.replace`, `with_state` and `with_promotion` change it

    Raises
    ------
    InputError, for an unknown name, with the nearest known one

    Examples
    --------
    >>> profile("lte_huang2012").title
    'LTE on a 2011 phone with DRX (Huang et al., MobiSys 2012)'
    """
    checks.known("radio profile", name, profiles())
    return _profile(name)


def radio_of(profile: Radio | str) -> Radio:
    """The radio itself where a name was given."""
    if isinstance(profile, Radio):
        return profile
    if not isinstance(profile, str):
        checks.fail(f"profile must be a radio.Radio or the name of one; got {checks.shown(profile)}")
    checks.known("radio profile", profile, profiles())
    return _profile(profile)


def profile_values(name: str) -> tuple[Value, ...]:
    """The numbers of a profile as its source gives them, each with unit, range and place."""
    checks.known("radio profile", name, profiles())
    return _values(paths.data("radio", f"{name}.csv"))
