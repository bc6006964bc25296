"""Reads a claims file into figures: one published number each, with what its document says it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from numbers import Real
from typing import Any

from model import checks
from model.claims.units import conversion, product, unit

__all__ = ["Figure", "SIDES", "Term", "UNITS", "figures_of"]

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
    http: tuple[float, float] | None = None  # sizes of an exchange whose bytes on the wire it stands for


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
    def key(self) -> str:
        """How another claim names this figure."""
        return f"{self.id}.{self.side}"

    @property
    def name(self) -> str:
        """How a sentence names this figure."""
        return f"claim {self.number} ({self.id}, {self.side})"


def _number(name: str, value: Any, place: str) -> float:
    if isinstance(value, bool) or not isinstance(value, Real):
        checks.fail(f"{name} must be a number; got {checks.shown(value)}", place)
    if not -MOST <= value <= MOST:
        checks.fail(f"{name} must be a finite number; got {str(value)[:20]}", place)
    return float(value)


def _span(name: str, entry: Mapping, place: str, signed: bool = False) -> tuple[float, float]:
    """Low and high of an entry that gives them, or one value."""
    if "value" in entry:
        if "low" in entry or "high" in entry:
            checks.fail(f"{name} must give a value, or low and high; got both", place)
        low = high = _number(f"value of {name}", entry["value"], place)
    else:
        for end in ("low", "high"):
            if end not in entry:
                checks.fail(f"{name} must give a value, or low and high; got no {end}", place)
        low, high = (_number(f"{end} of {name}", entry[end], place) for end in ("low", "high"))
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


def _entries(name: str, value: Any, place: str) -> list:
    if value is None:
        return []
    if not isinstance(value, list):
        checks.fail(f"{name} must be a list; got {checks.shown(value)}", place)
    return value


def _meters(name: str, value: Any, place: str) -> tuple[str, ...]:
    """Meters that some region's price list knows."""
    from model.prices.rows import shelf

    listed = _texts(value)
    sold = sorted({meter for book in shelf(None).values() for meter in book}) if listed else ()
    for meter in listed:
        checks.known(f"meter of {name}", meter, sold, place)
    return listed


def _term(name: str, entry: Any, place: str) -> Term:
    entry = _mapping(name, entry, TERM_KEYS, place)
    sign = _number(f"sign of {name}", entry.get("sign", 1.0), place)
    if abs(sign) != 1.0:
        checks.fail(f"sign of {name} must be 1 or -1; got {sign:g}", place)
    common = dict(
        of=str(entry.get("of", entry.get("claim", ""))),
        when=str(entry.get("when", "")),
        sign=sign,
        meters=_meters(name, entry.get("meter"), place),
        claim=str(entry.get("claim", "")),
    )
    if common["claim"]:
        return Term(low=0.0, high=0.0, unit="", **common)
    if "http" in entry:
        sizes = _mapping(f"http of {name}", entry["http"], SIZES, place)
        pair = tuple(_number(f"{k} of {name}", sizes.get(k), place) for k in SIZES)
        checks.non_negative(f"sizes of {name}", pair, "B", place)
        return Term(low=0.0, high=0.0, unit="B/request", http=pair, **common)
    if not entry.get("unit"):
        checks.fail(f"{name} must have a unit; got none", place)
    unit(str(entry["unit"]), place)
    low, high = _span(name, entry, place)
    return Term(low=low, high=high, unit=str(entry["unit"]), **common)


def _place_of(name: str, claim: Mapping, place: str) -> str:
    where = claim.get("where")
    if not isinstance(where, dict) or not where.get("place"):
        checks.fail(f"{name} must say its place, as where: {{source: ..., place: ...}}; got none", place)
    return f"{where['place']} ({where['source']})" if where.get("source") else str(where["place"])


def _figure(name: str, number: int, claim: Mapping, side: str, place: str) -> Figure:
    entry = _mapping(f"{side} of {name}", claim[side], SIDE_KEYS, place)
    gain = ""
    if side == "improvement":
        gain = checks.known(f"kind of improvement of {name}", entry.get("as"), GAINS, place)
    written = str(entry.get("unit") or claim.get("unit") or "")
    if not written:
        checks.fail(f"{name} must have a unit; got none", place)
    measure = checks.known("measure", entry.get("measure", claim.get("measure")), UNITS, f"{place}, {name}")
    own = side != "improvement"
    if (own or not entry.get("unit")) and conversion(written, UNITS[measure]) is None:
        checks.fail(f"the unit of {name} must measure {measure}, like {UNITS[measure]}; got {written!r}", place)
    low, high = _span(f"{side} of {name}", entry, place, signed=not own or side == "saved")
    if gain == "less" and high > 1.0:
        checks.fail(f"{side} of {name} must be a share of at most 1, as less; got {high:g}", place)
    flows, meters = _texts(claim.get("flows")), _meters(name, claim.get("meters"), place)
    if meters and measure not in BILLS:
        checks.fail(f"meters of {name} must restrict {' or '.join(BILLS)}; got {measure}", place)
    if flows and measure not in (*BILLS, *MEASURES):
        checks.fail(f"flows of {name} must restrict one of {', '.join((*BILLS, *MEASURES))}; got {measure}", place)
    statistic = claim.get("statistic") or ""
    if statistic:
        checks.known(f"statistic of {name}", statistic, STATISTICS, place)
        if measure != "latency":
            checks.fail(f"a statistic of {name} must be one of latency; got {measure}", place)
    users = claim.get("users")
    if users is not None:
        users = _number(f"users of {name}", users, place)
        checks.positive(f"users of {name}", users, "users", place)
    lists = {
        k: tuple(
            _term(f"{k} of {name}, {side}, entry {n + 1}", e, place)
            for n, e in enumerate(_entries(f"{k} of {name}, {side}", entry.get(k), place))
        )
        for k in LISTS
    }
    return Figure(
        number,
        str(claim["id"]),
        side,
        measure,
        written if own else gain,
        low,
        high,
        str(claim.get("text", "")),
        _place_of(name, claim, place),
        gain,
        statistic,
        users,
        flows,
        meters,
        part_of=str(entry.get("part_of", "")),
        **lists,
    )


def _filled(figure: Figure, known: Mapping[str, Figure], place: str) -> Figure:
    """The figure with the numbers of the figures it quotes and of the exchanges it measures."""

    def fill(term: Term) -> Term:
        if term.claim:
            checks.known(f"figure quoted by {figure.name}", term.claim, known, place)
            if term.claim == figure.key:
                checks.fail(f"{figure.name} must not quote itself", place)
            told = known[term.claim]
            return replace(term, low=told.low, high=told.high, unit=told.unit)
        if term.http:
            from model import wire

            whole = float(sum(wire.http_exchange_bytes(*term.http)))
            return replace(term, low=whole, high=whole)
        return term

    if figure.part_of:
        checks.known(f"figure that {figure.name} is part of", figure.part_of, known, place)
        if figure.part_of == figure.key:
            checks.fail(f"{figure.name} must not be a part of itself", place)
    return replace(figure, **{k: tuple(fill(t) for t in getattr(figure, k)) for k in LISTS})


def _units_meet(figure: Figure, place: str) -> None:
    """Refuse factors that multiply to another unit than the figure's, and parts in another unit."""
    for kind in ("factors", "implied_by"):
        terms = getattr(figure, kind)
        if terms:
            got = product([(unit(t.unit), 1) for t in terms])
            if got.powers != unit(figure.unit).powers:
                checks.fail(
                    f"{kind} of {figure.name} must multiply to its unit {figure.unit}; "
                    f"got {' x '.join(t.unit for t in terms)} = {got}",
                    place,
                )
    for term in figure.parts:
        if conversion(term.unit, figure.unit) is None:
            checks.fail(f"parts of {figure.name} must be in a unit like its {figure.unit}; got {term.unit!r}", place)


def figures_of(claims: list, place: str) -> tuple[Figure, ...]:
    """Every published figure of a list of claims, checked, with what it quotes filled in."""
    found: dict[str, Figure] = {}
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
        if any(f.id == str(claim["id"]) for f in found.values()):
            checks.fail(f"the id of {name} must be its own; it stands twice", place)
        for side in sides:
            one = _figure(name, number, claim, side, place)
            found[one.key] = one
    whole = tuple(_filled(f, found, place) for f in found.values())
    for figure in whole:
        _units_meet(figure, place)
    return whole
