"""Checks of what a person hands in: one sentence with name, rule, value and place."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import NoReturn

import numpy as np


class InputError(ValueError):
    """A mistake in what the user gave; its text is one sentence that can be shown as it is."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows: the sentence, and no traceback."""
        return [str(self)]


class LeftOut(InputError):
    """What has no meaning for a scenario, in one sentence: a notebook goes on behind that cell."""


class Unusual(UserWarning):
    """A value that is allowed and looks like a slip; its text is one sentence."""


def shown(value: object) -> str:
    """The value as an error shows it: short, numbers without needless digits."""
    if isinstance(value, bool) or value is None:
        return repr(value)
    if isinstance(value, (int, float, np.integer, np.floating)):
        return f"{float(value):.15g}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def inert(text: str) -> str:
    """The text with control characters as a person can read them, so that none does anything anywhere."""
    return "".join(c if c.isprintable() or c == "\n" else c.encode("unicode_escape").decode() for c in text)


def place_text(place: object) -> str:
    """The place in brackets, or nothing where none is known."""
    return f" ({place})" if place else ""


def fail(sentence: str, place: object = None) -> NoReturn:
    """Raise the sentence as an `InputError`, with the place behind it."""
    raise InputError(sentence + place_text(place))


def together(sentences: list[str]) -> str:
    """Several mistakes as one text, the first ten numbered; one alone as it is."""
    sentences = list(dict.fromkeys(sentences))
    if len(sentences) == 1:
        return sentences[0]
    more = f" and {len(sentences) - 10:,} more" if len(sentences) > 10 else ""
    numbered = " ".join(f"({k}) {one}" for k, one in enumerate(sentences[:10], 1))
    return f"{len(sentences):,} mistakes: {numbered}{more}"


def nearest(name: object, known: Iterable[object]) -> str:
    """ "; did you mean 'x'?" for the known name nearest to a wrong one, or the list of known names."""
    names = [str(k) for k in known]
    close = difflib.get_close_matches(str(name), names, n=1, cutoff=0.6)
    if close:
        return f"; did you mean {close[0]!r}?"
    if not names:
        return "; none is known"
    more = ", ..." if len(names) > 12 else ""
    return f"; known: {', '.join(names[:12])}{more}"


def known(kind: str, name: object, names: Iterable[object], place: object = None, where: str = ""):
    """Refuse a name that is not among the known ones, offering the nearest; gives the name back."""
    names = list(names)
    if name not in names:
        fail(f"unknown {kind} {shown(name)}{where}{nearest(name, names)}", place)
    return name


def numbers(name: str, value: object, place: object = None) -> np.ndarray:
    """The value as a float array; refuses text, nothing and NaN by name."""
    array = _floats(name, value, place)
    if np.isnan(array).any():
        fail(f"{name} must be a number; got NaN", place)
    return array


def _floats(name: str, value: object, place: object) -> np.ndarray:
    try:
        return np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        fail(f"{name} must be a number; got {shown(value)}", place)


def bounded(name: str, value: object, rule: str, ok, place: object = None) -> np.ndarray:
    """The value as a float array of which every element passes `ok`, as no NaN does; the first to fail is named."""
    array = _floats(name, value, place)
    good = ok(array)
    if not good.all():
        numbers(name, array, place)
        worst = array[~good].flat[0] if array.ndim else array
        fail(f"{name} must be {rule}; got {shown(float(worst))}", place)
    return array


def positive(name: str, value: object, unit: str = "", place: object = None) -> np.ndarray:
    """The value, refused unless every element is above 0 and finite."""
    return bounded(name, value, f"> 0 {unit}".rstrip(), lambda a: (a > 0) & np.isfinite(a), place)


def non_negative(name: str, value: object, unit: str = "", place: object = None) -> np.ndarray:
    """The value, refused unless every element is at least 0 and finite."""
    return bounded(name, value, f">= 0 {unit}".rstrip(), lambda a: (a >= 0) & np.isfinite(a), place)


def share(name: str, value: object, place: object = None) -> np.ndarray:
    """The value, refused unless every element lies between 0 and 1."""
    return bounded(name, value, "between 0 and 1", lambda a: (a >= 0) & (a <= 1), place)


def whole(name: str, value: object, unit: str = "", place: object = None) -> np.ndarray:
    """The value, refused unless every element is a whole number of at least 0."""
    return bounded(
        name,
        value,
        f"a whole number >= 0 {unit}".rstrip(),
        lambda a: (a >= 0) & (a == np.floor(a)) & np.isfinite(a),
        place,
    )
