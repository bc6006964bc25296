"""Which ranges are drawn from one column, what the columns are called, and which of them are correlated."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from model import checks, ledger, paths
from model.parts.fields import Part, Range
from model.parts.transports import TRANSPORTS, Choices
from model.scenario.files import part_at

AWAY = "when away"
KINDS = {"s": "time", "w": "power", "j": "energy", "bytes": "size", "usd": "price", "share": "share"}  # by ending
NAMED = re.compile(r"\b(function|timer|network|event|screen|overlay|background|action|platform)s\.")
NAMELESS = re.compile(r"^(usage|refresh|billing)\b|\.operations\.\d+")  # say nothing in a sentence
ONLY_ON = {"lambda_node20_init_s": "nodejs20", "wake_j": AWAY}  # rows that are drawn only where something uses them


def _walk(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, Range]]:
    """Every range below a value, with its path."""
    if isinstance(value, Range):
        yield ".".join(path), value
        return
    if isinstance(value, Part):
        value = {name: getattr(value, name) for name in type(value).model_fields}
    elif isinstance(value, list):
        value = dict(enumerate(value))
    for name, inner in value.items() if isinstance(value, dict) else ():
        yield from _walk(inner, (*path, str(name)))


def columns_of(scenario: Choices) -> dict[str, tuple[str, Range]]:
    """The column each ranged path is drawn from: one for all designs that have a range alike at the same path.

    It has the path of the first of them. A design that is `own` shares none. What the app has for its designs is
    drawn where they have it.
    """
    columns: dict[str, tuple[str, Range]] = {}
    first: dict[tuple, str] = {}
    for path, one in _walk(scenario, ()):
        head, _, inside = path.partition(".")
        unused = path.startswith("usage.away.") and not scenario.tells_away
        if head in ("api", "server", "functions") or unused or not one.low < one.high:
            continue
        column = path
        if head == "designs":
            name, _, rest = inside.partition(".")
            own = name if scenario.designs[name].own else ""
            column = first.setdefault((own, rest, one.low, one.mode, one.high), inside)
        columns[path] = (column, one)
    return columns


def shared_columns(scenario: Choices) -> set[str]:
    """The names of the columns that several designs draw from."""
    names = Counter(name for name, _ in columns_of(scenario).values())
    return {name for name, count in names.items() if count > 1}


def ranged_inputs(scenario: Choices, designs: Sequence[str] | None = None) -> dict[str, Range]:
    """Every input of a scenario that has a range: its own values and the ledger's rows.

    `designs`: names of designs; ranges that only others have are left out. Gives a dict of str to Range, by column
    name; a range that stands alike in several designs is one column.
    """
    inputs = {
        name: one
        for path, (name, one) in columns_of(scenario).items()
        if designs is None or not path.startswith("designs.") or path.split(".")[1] in designs
    }
    used = {f.runtime.removesuffix(".x") for d in scenario.designs.values() for f in d.functions.values()}
    used |= {AWAY} if scenario.tells_away else set()
    for name, row in ledger.chosen().items():
        needs = AWAY if name.startswith("away_") else ONLY_ON.get(name)
        if row.ranged and name not in scenario.ledger and needs in (None, *used):
            inputs[f"ledger.{name}"] = Range(
                low=row.low, mode=row.value, high=row.high, source=row.source, note=row.note or None
            )
    return inputs


def column_names(scenario: Choices) -> dict[str, str]:
    """The column of each ranged path as a user writes it; `both.PATH` is the first design's that has the path."""
    columns = {path.removeprefix("designs."): name for path, (name, _) in columns_of(scenario).items()}
    for name in reversed(scenario.designs):
        columns |= {f"both{p.removeprefix(name)}": c for p, c in columns.items() if p.startswith(f"{name}.")}
    return columns


@functools.cache
def _meanings() -> dict[tuple[str, str], dict[str, str]]:
    return {(row["part"], row["key"]): row for row in ledger.read_csv(paths.data("scenarios", "keys.csv"))}


def meaning(part: str, key: str) -> dict[str, str]:
    """The `meaning` and `unit` of a part's key, or of any design's, in `data/scenarios/keys.csv`; empty where none."""
    return _meanings().get((part, key)) or _meanings().get(("Design", key), {"meaning": "", "unit": ""})


@functools.cache
def in_words(path: str) -> tuple[str, str]:
    """What an input is called in a sentence, and its unit; what `data/scenarios/keys.csv` says a key means."""
    *place, key = path.removeprefix("designs.").split(".")
    if place == ["ledger"]:
        name, _, ending = key.replace("_", " ").rpartition(" ")
        return f"{name} {KINDS.get(ending, '')}".strip(), (ledger.unit_of(key) or "").replace("1", "share")
    ways = [place, *(["designs", *place[:1], kind, *place[1:]] for kind in TRANSPORTS)]
    part = next((found for way in ways if (found := part_at(tuple(way)))), Choices)
    row = meaning(part.__name__, key)
    names = re.sub(NAMED, r"\1 ", re.sub(NAMELESS, "", ".".join(place))).strip(".").replace("_", " ")
    of = f" ({', '.join(names.split('.'))})" if names else ""
    return (row["meaning"].partition(";")[0] or key.replace("_", " ")) + of, row["unit"]


# correlations


def correlated(points: np.ndarray, names: tuple[str, ...], scenario: Choices) -> np.ndarray:
    """The points with the scenario's rank correlations: a Gaussian copula, every column still uniform."""
    if not scenario.correlations:
        return points
    from scipy.special import ndtr, ndtri

    tied, factor = _correlation_factor(_pairs(scenario), names, scenario.place)
    normal = ndtri(np.clip(points[:, tied], 1e-12, 1.0 - 1e-12))
    points = points.copy()
    points[:, tied] = ndtr(normal @ factor.T)
    return points


def _pairs(scenario: Choices) -> tuple[tuple[tuple[str, str], float], ...]:
    """The correlated pairs by the names of their columns."""
    if not scenario.correlations:
        return ()
    names = column_names(scenario)
    between = (
        (names.get(one.between[0], one.between[0]), names.get(one.between[1], one.between[1]))
        for one in scenario.correlations
    )
    return tuple((pair, one.rank) for pair, one in zip(between, scenario.correlations, strict=True))


def check_correlations(scenario: Choices) -> None:
    """Refuse correlations of unknown inputs, of one pair twice, or that together make no correlation matrix."""
    pairs = [frozenset(between) for between, _ in _pairs(scenario)]
    for pair in pairs:
        if pairs.count(pair) > 1:
            checks.fail(f"correlations must name each pair once; got {' and '.join(sorted(pair))} twice")
    if pairs:
        _correlation_factor(_pairs(scenario), tuple(ranged_inputs(scenario)), "")


@functools.lru_cache(maxsize=32)
def _correlation_factor(pairs: tuple, names: tuple[str, ...], place: str) -> tuple[list[int], np.ndarray]:
    """Which columns are correlated, and the Cholesky factor of the correlations of their normal scores.

    Two normal variables of correlation r have the rank correlation 6/pi asin(r / 2), so r = 2 sin(pi rank / 6).
    """
    for between, rank in pairs:
        for name in between:
            checks.known("ranged input", name, names, place)
        if between[0] == between[1] or not -1.0 < rank < 1.0:
            got = f"{rank:g} between {between[0]} and {between[1]}"
            checks.fail(f"correlations must name two different inputs and a rank between -1 and 1; got {got}", place)
    tied = list(dict.fromkeys(name for between, _ in pairs for name in between))
    matrix = np.eye(len(tied))
    for (one, other), rank in pairs:
        i, j = tied.index(one), tied.index(other)
        matrix[i, j] = matrix[j, i] = 2.0 * np.sin(np.pi * rank / 6.0)
    values, vectors = np.linalg.eigh(matrix)
    if values[0] <= 1e-12:
        weight = np.abs(np.outer(vectors[:, 0], vectors[:, 0]) * matrix) * (1.0 - np.eye(len(tied)))
        i, j = divmod(int(weight.argmax()), len(tied))
        checks.fail(
            "correlations must make a correlation matrix, and together they do not; the pair most at odds"
            f" is {tied[i]} and {tied[j]}",
            place,
        )
    return [names.index(name) for name in tied], np.linalg.cholesky(matrix)
