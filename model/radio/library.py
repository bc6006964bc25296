"""The published radio profiles of `data/radio/`, one file a paper or device file; what one packet costs a radio."""

from __future__ import annotations

import functools
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from model import checks, ledger, paths
from model.radio.states import ACCESS, IDLE, Number, Promotion, Radio, State, promotion_of, state_power_w

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
SIZES = ("up_threshold_bytes", "down_threshold_bytes", "hold_bytes", "hold_window_s")
TRANSFER = "transfer"
COLUMNS = ("item", "quantity", "value", "low", "high", "unit", "kind", "source", "where", "note")
ABOUT = ("title", "access", "phone", "baseline", "good_for", "not_for", "source")


def _value(raw: dict[str, str], place: str) -> float:
    """One published number in SI units, refused where it cannot be traced or does not fit its quantity."""
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
    return value * SCALE[raw["unit"]]


def _items(path: Path) -> dict[str, dict[str, float]]:
    """Every item's fields in SI units, items in the order of the file."""
    items: dict[str, dict[str, float]] = {}
    for number, raw in enumerate(ledger.read_csv(path), start=2):
        place = f"{paths.shown(path)}:{number}"
        missing = [c for c in COLUMNS if c not in raw]
        if missing:
            checks.fail(f"a radio profile must have the column {missing[0]!r}", paths.shown(path))
        value, item = _value(raw, place), items.setdefault(raw["item"], {})
        if FIELDS[raw["quantity"]][1] in item:
            checks.fail(f"{raw['item']} {raw['quantity']} must stand once; it stands twice", place)
        item[FIELDS[raw["quantity"]][1]] = value
    return items


def _built(kind: type[State] | type[Promotion], place: str, **given: Any) -> Any:
    """A state or promotion of the fields read, refused by name where one is missing or does not belong."""
    word, known = kind.__name__.lower(), [field.name for field in fields(kind)]
    wrong = [name for name in given if name not in known]
    if wrong:
        checks.fail(f"a {word} must not have {wrong[0]}", place)
    needed = ["power_w", *(["timer_s"] if given["name"] != IDLE else [])] if kind is State else ["delay_s", "power_w"]
    for name in needed:
        if name not in given:
            checks.fail(f"a {word} must have {name}; it is missing", place)
    return kind(**given)


def read_profile(path: Path, about: dict[str, str] | None = None) -> Radio:
    """The radio profile of one file.

    Items of the file: a state's name (states stand in the order in which the radio falls through them, idle
    last), `start>end` for a promotion (`start>end/label` where several run in a row), `transfer` for the
    slopes and the power of a transfer. Size thresholds stand with the state they belong to, which is the
    profile's low state where a promotion leads to it from idle.
    """
    place = paths.shown(path)
    about = {"title": path.stem, "year": "0", "access": "lte", **(about or {})}
    items = _items(path)
    sizes = {item: {name: given.pop(name) for name in SIZES if name in given} for item, given in items.items()}
    sized = [item for item, thresholds in sizes.items() if thresholds]
    if len(sized) > 1:
        checks.fail(f"size thresholds must stand with one state; got {' and '.join(sized)}", place)
    transfer = items.pop(TRANSFER, {})
    states, promotions = [], []
    for item, given in items.items():
        start, _, rest = item.partition(">")
        where = f"{item}, {place}"
        if rest:
            end, _, label = rest.partition("/")
            promotions.append(_built(Promotion, where, start=start, end=end, label=label, **given))
        else:
            states.append(_built(State, where, name=item, **given))
    low = next((item for item in sized if any((p.start, p.end) == (IDLE, item) for p in promotions)), "")
    numbers: dict[str, Any] = {
        "transfer_w": states[0].power_w if states else 0.0,
        **transfer,
        **(sizes[sized[0]] if sized else {}),
        **{key: about.get(key, "") for key in ABOUT},
    }
    return Radio(
        name=path.stem,
        year=int(about["year"]),
        states=tuple(states),
        promotions=tuple(promotions),
        low_state=low,
        **numbers,
    )


@functools.cache
def _about() -> dict[str, dict[str, str]]:
    path = paths.data("radio", "profiles.csv")
    return {row["name"]: row for row in ledger.read_csv(path)}


@functools.cache
def _profile(name: str) -> Radio:
    if name.endswith(".csv"):
        return read_profile(Path(name), {"access": "wifi"} if "wifi" in Path(name).stem else None)
    about = _about()[name]
    checks.known("source", about["source"], ledger.sources(), "data/radio/profiles.csv")
    return read_profile(paths.data("radio", f"{name}.csv"), about)


def waiting(radio: Radio) -> Radio:
    """The radio as it meets exchanges that mostly wait for an answer: Wi-Fi listens then, it does not receive.

    Source: aosp_power_profile.
    """
    return replace(radio, transfer_w=radio.states[0].power_w) if radio.access == "wifi" else radio


def profiles(access: str | None = None) -> tuple[str, ...]:
    """Names of the published radio profiles.

    Parameters
    ----------
    access : str, only those of one access network: wifi, lte, nr_sa, nr_nsa, nr_mmwave or umts

    Returns: tuple of str, names in the order of `data/radio/profiles.csv`
    Raises: InputError, for an unknown access network

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
    name : str, a name of `profiles()`, or a .csv file in the form of data/radio; of Wi-Fi where its own name says so

    Returns: Radio, the frozen profile; `dataclasses.replace` gives one with other numbers
    Raises: InputError, for an unknown name, with the nearest known one

    Examples
    --------
    >>> profile("lte_huang2012").title
    'LTE on a 2011 phone with DRX (Huang et al., MobiSys 2012)'
    """
    return radio_of(name)


def radio_of(profile: Radio | str) -> Radio:
    """The radio itself where a name was given."""
    if isinstance(profile, Radio):
        return profile
    if not isinstance(profile, str):
        checks.fail(f"profile must be a radio.Radio or the name of one; got {checks.shown(profile)}")
    if not profile.endswith(".csv"):
        checks.known("radio profile", profile, _about())
    return _profile(profile)


def idle_w(profile: Radio | str) -> Number:
    """Mean power of the idle radio, paging or beacons included."""
    return state_power_w(radio_of(profile).states[-1])


def tail_s(profile: Radio | str) -> Number:
    """Time from the last packet to idle after a packet that reached the top state.

    `profile`: the radio or its name. Gives a float or array, the sum of the inactivity timers [s].

    Examples
    --------
    >>> from model import radio
    >>> round(tail_s(radio.profile("lte_huang2012")), 3)
    11.576
    """
    return sum(state.timer_s for state in radio_of(profile).states[:-1])


def tail_energy_j(profile: Radio | str) -> Number:
    """Energy of one full tail above idle: what the last packet of a session still costs.

    `profile`: the radio or its name. Gives a float or array, energy above the idle radio over the same time [J].

    Examples
    --------
    >>> from model import radio
    >>> round(float(tail_energy_j(radio.profile("lte_verizon_2021"))), 4)
    1.8156
    """
    base_w = idle_w(profile)
    return sum((state_power_w(s) - base_w) * s.timer_s for s in radio_of(profile).states[:-1])


def packet_energy_j(profile: Radio | str) -> Number:
    """Energy of one packet that finds the radio idle: its promotion and the full tail behind it.

    Absolute against the profile's baseline (nothing is subtracted), as Huang et al. give it; the packet's
    own bytes are not counted. Source: huang2012 (sec 5.1: 12.76, 7.38 and 0.04 J for LTE, 3G and Wi-Fi).
    """
    profile = radio_of(profile)
    delay_s, power_w = promotion_of(profile, IDLE, profile.states[0].name)
    return delay_s * power_w + sum(state_power_w(s) * s.timer_s for s in profile.states[:-1])
