"""Reads a claims file into figures: one published number each, with what its document says it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from model import checks, prices, wire
from model.claims.units import conversion, product, unit

UNITS = {  # what a claim may be about, in the unit that the model answers in
    "latency": "s",
    "battery": "%/active hour",
    "data": "MB/active hour",
    "load": "requests/min per active user",
    "cost": "USD/month",
    "cost_per_hour": "USD/active hour",
    "messages": "messages/active hour",
    "minutes": "connection minutes/active hour",
    "connections": "connection",
    "overhead": "B",
    "server_latency": "s",
    "direct_latency": "s",
    "cold_start": "s",
}
MEASURES = ("latency", "battery", "data", "load", "cost")
BILLS = ("cost", "cost_per_hour")
SIDES = ("before", "after", "improvement", "saved")
GAINS = ("times", "less")
TERM_KEYS = ("of", "value", "low", "high", "unit", "claim", "http", "when", "sign", "meter")
SIDE_KEYS = ("value", "low", "high", "unit", "measure", "as", "factors", "implied_by", "parts", "priced", "part_of")
CLAIM_KEYS = ("id", "measure", "statistic", "text", "where", "unit", "users", "flows", "meters", "note", *SIDES)
STATISTICS = ("p50", "p95", "p99", "mean")  # of latency; the median where a claim names none
SIZES = ("request_bytes", "response_bytes")
MOST = 1e300
LISTS = ("factors", "implied_by", "parts", "priced")


@dataclass(frozen=True)
class Term:
    """A number that a figure is made of: a factor, a part, or an amount with the meter that prices it."""

    of: str
    low: float
    high: float
    unit: str
    claim: str = ""  # the key of the figure it quotes
    when: str = ""
    sign: float = 1.0
    meters: tuple[str, ...] = ()


@dataclass(frozen=True)
class Figure:
    """One published number, low to high: a side of a claim."""

    number: int
    id: str
    side: str
    measure: str
    unit: str
    low: float
    high: float
    text: str
    place: str
    gain: str = ""  # times or less, for an improvement
    statistic: str = ""  # of latency
    users: float | None = None
    flows: tuple[str, ...] = ()
    meters: tuple[str, ...] = ()
    factors: tuple[Term, ...] = ()
    implied_by: tuple[Term, ...] = ()
    parts: tuple[Term, ...] = ()
    priced: tuple[Term, ...] = ()
    part_of: str = ""

    @property
    def claimed(self) -> dict:
        """What the model's figure is judged by: low, high, and as what where only less of it would be too little."""
        return {"low": self.low, "high": self.high, "as": self.gain or ("saved" if self.side == "saved" else "")}

    @property
    def key(self) -> str:
        """How another claim names this figure."""
        return f"{self.id}.{self.side}"

    @property
    def name(self) -> str:
        """How a sentence names this figure."""
        return f"claim {self.number} ({self.id}, {self.side})"


def plain_number(name: str, value: Any, place: str) -> float:
    """One plain number of a claims file; a list or a text is none."""
    if isinstance(value, bool) or not isinstance(value, Real):
        checks.fail(f"{name} must be a number; got {checks.shown(value)}", place)
    if not -MOST <= value <= MOST:
        checks.fail(f"{name} must be a finite number; got {str(value)[:20]}", place)
    return float(value)


def _span(name: str, entry: Mapping, place: str, signed: bool = False) -> tuple[float, float]:
    """Low and high of an entry that gives them, or one value twice."""
    if "value" in entry and ("low" in entry or "high" in entry):
        checks.fail(f"{name} must give a value, or low and high; got both", place)
    ends = ("value", "value") if "value" in entry else ("low", "high")
    for end in ends:
        if end not in entry:
            checks.fail(f"{name} must give a value, or low and high; got no {end}", place)
    low, high = (plain_number(f"{end} of {name}", entry[end], place) for end in ends)
    if low > high:
        checks.fail(f"{name} must have low <= high; got {low:g} and {high:g}", place)
    if low < 0 and not signed:
        checks.fail(f"{name} must be >= 0; got {low:g}", place)
    return low, high


def _mapping(name: str, entry: Any, keys: tuple[str, ...], place: str) -> Mapping:
    if not isinstance(entry, dict):
        checks.fail(f"{name} must be a mapping; got {checks.shown(entry)}", place)
    for key in entry:
        checks.known(f"key of {name}", key, keys, place)
    return entry


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(str(v) for v in (value if isinstance(value, list) else [value] if value else ()))


def _meters(name: str, value: Any, place: str) -> tuple[str, ...]:
    """Meters that some region's price list knows."""
    listed = _texts(value)
    if listed:
        book = prices.book(prices.regions()[0])
        for meter in listed:
            checks.known(f"meter of {name}", meter, sorted((*book.meters, *book.missing)), place)
    return listed


def _wire_bytes(name: str, sizes: Any, place: str) -> float:
    """Bytes on the wire, both ways, of an exchange whose request and response have these sizes."""
    sizes = _mapping(f"http of {name}", sizes, SIZES, place)
    pair = [plain_number(f"{size} of {name}", sizes.get(size), place) for size in SIZES]
    checks.non_negative(f"sizes of {name}", pair, "B", place)
    return float(sum(wire.http_exchange_bytes(*pair)))


def _term(name: str, entry: Any, place: str) -> Term:
    """One factor, part or amount; the numbers of a quoted figure are filled in when all figures are read."""
    entry = _mapping(name, entry, TERM_KEYS, place)
    sign = plain_number(f"sign of {name}", entry.get("sign", 1.0), place)
    if abs(sign) != 1.0:
        checks.fail(f"sign of {name} must be 1 or -1; got {sign:g}", place)
    claim, written = str(entry.get("claim", "")), str(entry.get("unit") or "")
    if claim:
        low, high, written = 0.0, 0.0, ""
    elif "http" in entry:
        low = high = _wire_bytes(name, entry["http"], place)
        written = "B/request"
    elif not written:
        checks.fail(f"{name} must have a unit; got none", place)
    else:
        unit(written, place)
        low, high = _span(name, entry, place)
    of, when, meters = str(entry.get("of", claim)), str(entry.get("when", "")), _meters(name, entry.get("meter"), place)
    return Term(of, low, high, written, claim, when, sign, meters)


def _terms(name: str, entries: Any, place: str) -> tuple[Term, ...]:
    if entries is not None and not isinstance(entries, list):
        checks.fail(f"{name} must be a list; got {checks.shown(entries)}", place)
    return tuple(_term(f"{name}, entry {k}", entry, place) for k, entry in enumerate(entries or (), 1))


def _place_of(name: str, claim: Mapping, place: str) -> str:
    where = claim.get("where")
    if not isinstance(where, dict) or not where.get("place"):
        checks.fail(f"{name} must say its place, as where: {{source: ..., place: ...}}; got none", place)
    return f"{where['place']} ({where['source']})" if where.get("source") else str(where["place"])


def _measure_and_unit(name: str, claim: Mapping, side: str, place: str) -> tuple[str, str]:
    """What a side is about and the unit it is written in; an improvement may have a unit of another thing."""
    entry = claim[side]
    written = str(entry.get("unit") or claim.get("unit") or "")
    if not written:
        checks.fail(f"{name} must have a unit; got none", place)
    measure = checks.known("measure", entry.get("measure", claim.get("measure")), UNITS, f"{place}, {name}")
    unit(written, f"{place}, {name}")
    if not (side == "improvement" and entry.get("unit")) and conversion(written, UNITS[measure]) is None:
        checks.fail(f"the unit of {name} must measure {measure}, like {UNITS[measure]}; got {written!r}", place)
    return measure, written


def _restrictions(name: str, claim: Mapping, measure: str, place: str) -> dict[str, Any]:
    """What a claim's figures are restricted to: meters, flows, a statistic of latency, a number of users."""
    flows, meters = _texts(claim.get("flows")), _meters(name, claim.get("meters"), place)
    statistic, users = claim.get("statistic") or "", claim.get("users")
    if meters and measure not in BILLS:
        checks.fail(f"meters of {name} must restrict {' or '.join(BILLS)}; got {measure}", place)
    whole = dict.fromkeys((*BILLS, *MEASURES))
    if flows and measure not in whole:
        checks.fail(f"flows of {name} must restrict one of {', '.join(whole)}; got {measure}", place)
    if statistic:
        checks.known(f"statistic of {name}", statistic, STATISTICS, place)
        if measure != "latency":
            checks.fail(f"a statistic of {name} must be one of latency; got {measure}", place)
    if users is not None:
        users = plain_number(f"users of {name}", users, place)
        checks.positive(f"users of {name}", users, "users", place)
    return {"flows": flows, "meters": meters, "statistic": statistic, "users": users}


def _figure(name: str, number: int, claim: Mapping, side: str, place: str) -> Figure:
    """One side of a claim as a figure."""
    entry = _mapping(f"{side} of {name}", claim[side], SIDE_KEYS, place)
    improves = side == "improvement"
    gain = checks.known(f"kind of improvement of {name}", entry.get("as"), GAINS, place) if improves else ""
    measure, written = _measure_and_unit(name, claim, side, place)
    low, high = _span(f"{side} of {name}", entry, place, signed=side in ("improvement", "saved"))
    if gain == "less" and high > 1.0:
        checks.fail(f"{side} of {name} must be a share of at most 1, as less; got {high:g}", place)
    return Figure(
        number=number,
        id=str(claim["id"]),
        side=side,
        measure=measure,
        unit=gain or written,
        low=low,
        high=high,
        text=str(claim.get("text", "")),
        place=_place_of(name, claim, place),
        gain=gain,
        part_of=str(entry.get("part_of", "")),
        **_restrictions(name, claim, measure, place),
        **{kind: _terms(f"{kind} of {name}, {side}", entry.get(kind), place) for kind in LISTS},
    )


def _figures_by_key(claims: list, place: str) -> dict[str, Figure]:
    """The figures of all claims by the name under which another quotes them, quotes not yet filled in."""
    known: dict[str, Figure] = {}
    for number, claim in enumerate(claims, 1):
        name = f"claim {number}"
        claim = _mapping(name, claim, CLAIM_KEYS, place)
        if not claim.get("id"):
            checks.fail(f"{name} must have an id; got none", place)
        if not isinstance(claim["id"], (str, int)):
            checks.fail(f"the id of {name} must be a text; got {checks.shown(claim['id'])}", place)
        name = f"claim {number} ({claim['id']})"
        sides = [s for s in SIDES if s in claim]
        if not sides:
            checks.fail(f"{name} must give one of {', '.join(SIDES)}; got none", place)
        if any(figure.id == str(claim["id"]) for figure in known.values()):
            checks.fail(f"the id of {name} must be its own; it stands twice", place)
        known |= {f"{claim['id']}.{side}": _figure(name, number, claim, side, place) for side in sides}
    return known


def _quoted(figure: Figure, known: Mapping[str, Figure], place: str) -> Figure:
    """The figure with the numbers of the figures that it quotes."""

    def filled(term: Term) -> Term:
        if not term.claim:
            return term
        checks.known(f"figure quoted by {figure.name}", term.claim, known, place)
        if term.claim == figure.key:
            checks.fail(f"{figure.name} must not quote itself", place)
        quoted = known[term.claim]
        return replace(term, low=quoted.low, high=quoted.high, unit=quoted.unit)

    if figure.part_of:
        checks.known(f"figure that {figure.name} is part of", figure.part_of, known, place)
        if figure.part_of == figure.key:
            checks.fail(f"{figure.name} must not be a part of itself", place)
    return replace(figure, **{kind: tuple(filled(term) for term in getattr(figure, kind)) for kind in LISTS})


def _check_units(figure: Figure, place: str) -> None:
    """Refuse factors that multiply to another unit than the figure's, and parts in another unit."""
    for kind in ("factors", "implied_by"):
        terms = getattr(figure, kind)
        got = product([(unit(term.unit), 1) for term in terms])
        if terms and got.powers != unit(figure.unit).powers:
            units = " x ".join(term.unit for term in terms)
            checks.fail(f"{kind} of {figure.name} must multiply to its unit {figure.unit}; got {units} = {got}", place)
    for term in figure.parts:
        if conversion(term.unit, figure.unit) is None:
            checks.fail(f"parts of {figure.name} must be in a unit like its {figure.unit}; got {term.unit!r}", place)


def figures_of(claims: list, place: str) -> tuple[Figure, ...]:
    """Every published figure of a list of claims, checked, with the figures that it quotes filled in."""
    known = _figures_by_key(claims, place)
    figures = tuple(_quoted(figure, known, place) for figure in known.values())
    for figure in figures:
        _check_units(figure, place)
    return figures
