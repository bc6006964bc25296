"""A person's own file, opened with care: gz unpacked, sizes bounded, every mistake one sentence.

No text of the file goes out as it stands: `clean` leaves no control character and no formula, `masked` no name or id.
"""

from __future__ import annotations

import codecs
import gzip
import hashlib
import json
import math
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from model import checks, paths

MOST_WHOLE = 256 << 20  # bytes of a JSON file, unpacked; it is held in memory at once
MOST_STREAMED = 4 << 30  # bytes of a file that is read line by line, unpacked
MOST_PARTS = 8_000_000  # lists and objects of a JSON file
MOST_LINE = 1 << 20  # bytes of one line
BLOCK = 1 << 20
Progress = Callable[[float], None]  # is called with the share of the file that is read


@dataclass(frozen=True)
class OwnFile:
    """Where values come from: name without folder, hash, kind, writer, rows, span in s since 1970, and remarks.

    The span is nan where a file tells no times. Each note is a sentence on what the file does not say.
    """

    name: str
    sha256: str
    kind: str
    writer: str
    rows: int
    first_s: float
    last_s: float
    notes: tuple[str, ...] = ()


def own_file(path: Path, kind: str, rows: int, times=(), writer: str = "", notes=()) -> OwnFile:
    """The facts of a file that was read; `times` are those of its rows in s since 1970."""
    with open(path, "rb") as stream:
        sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
    known = np.asarray(times, float)[~np.isnan(np.asarray(times, float))]
    span = (float(known.min()), float(known.max())) if len(known) else (math.nan, math.nan)
    return OwnFile(clean(Path(path).name), sha256, kind, clean(writer), rows, *span, tuple(notes))


@contextmanager
def opened(path: str | Path) -> Iterator[tuple[BinaryIO, Callable[[], float]]]:
    """The bytes of a file (a gz unpacked, UTF-16 in UTF-8) and a function that says which share of it is read."""
    place = clean(paths.shown(Path(path)))
    try:
        size = Path(path).stat().st_size
        with open(path, "rb") as raw:
            start = raw.read(2)
            raw.seek(0)
            stream: Any = gzip.GzipFile(fileobj=raw) if start == b"\x1f\x8b" else raw
            if start in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # what PowerShell's > writes
                stream = codecs.EncodedFile(raw, "utf-8", "utf-16")
            yield stream, lambda: raw.tell() / max(size, 1)
    except UnicodeError:
        checks.fail("a text file must be valid in its encoding; this one is not", place)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        checks.fail("a gz file must be whole; this one breaks off or is damaged", place)
    except OSError as error:
        checks.fail(f"a file must be one that can be read; {error.strerror}", place)


def blocks(stream: BinaryIO, most: int, place: str) -> Iterator[bytes]:
    """The bytes of a stream a block at a time, refused beyond `most`, however small the gz that they come from."""
    total = 0
    while block := stream.read(BLOCK):
        total += len(block)
        if total > most:
            checks.fail(f"a file of this kind must be at most {most >> 20:,} MB unpacked; this one is larger", place)
        yield block


def lines(
    stream: BinaryIO, share: Callable[[], float], place: str, progress: Progress | None = None
) -> Iterator[bytes]:
    """The lines of a stream without their ends; a line longer than a million bytes is refused."""
    rest = b""
    for block in blocks(stream, MOST_STREAMED, place):
        first, *others = block.split(b"\n")
        rest += first
        if others:
            yield rest
            yield from others[:-1]
            rest = others[-1]
        if len(rest) > MOST_LINE:
            checks.fail(f"a line must be at most {MOST_LINE:,} bytes; got a longer one", place)
        if progress:
            progress(share())
    if rest:
        yield rest


def head(path: str | Path, size: int = 65536) -> bytes:
    """The first bytes of a file, unpacked."""
    with opened(path) as (stream, _):
        start = stream.read(size)
    if not start.strip():
        checks.fail("a file must hold something; this one is empty", clean(paths.shown(Path(path))))
    return start


def document(path: str | Path) -> Any:
    """The content of a JSON file."""
    place = clean(paths.shown(Path(path)))
    with opened(path) as (stream, _):
        raw = b"".join(blocks(stream, MOST_WHOLE, place))
    if not raw.strip():
        checks.fail("a file must hold something; this one is empty", place)
    if raw.count(b"{") + raw.count(b"[") > MOST_PARTS:
        checks.fail(f"a JSON file must hold at most {MOST_PARTS:,} lists and objects; this one holds more", place)
    try:
        return json.loads(raw.decode(json.detect_encoding(raw)))
    except RecursionError:
        checks.fail("a JSON file must not be nested so deep; this one goes beyond what can be read", place)
    except json.JSONDecodeError as error:
        checks.fail(f"a JSON file must be whole and valid; {error.msg} at line {error.lineno}", place)
    except ValueError as error:  # no text in UTF-8, or a number of thousands of digits
        checks.fail(f"a JSON file must be text with plain numbers; {type(error).__name__}", place)


def within(thing: Any, *keys: str) -> Any:
    """What lies under a chain of keys, None where one of them is missing or no object."""
    for key in keys:
        thing = thing.get(key) if isinstance(thing, dict) else None
    return thing


def listed(thing: Any, *keys: str) -> list:
    """The list under a chain of keys, an empty one where there is none."""
    found = within(thing, *keys)
    return found if isinstance(found, list) else []


def number(value: Any, least: float = 0.0) -> float:
    """A number as a float, nan for what is none or lies below `least`: -1 and null mean unknown, never 0."""
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return found if least <= found < math.inf and not isinstance(value, bool) else math.nan


def seconds(text: Any) -> float:
    """A date and time as s since 1970, nan for what is none; without a zone it is read as UTC."""
    if isinstance(text, (int, float)):  # some write s, some ms
        return number(text) / (1000 if number(text) > 1e11 else 1)
    try:
        when = datetime.fromisoformat(text.strip().replace(" UTC", "Z"))
        return (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, AttributeError, OverflowError):
        return math.nan


def clean(text: Any, most: int = 120) -> str:
    """A text that may be shown and stored: one short printable line that no spreadsheet takes for a formula."""
    shown = str(text)[:most]
    shown = shown if shown.isprintable() else checks.inert(shown).replace("\n", " ")
    return f"'{shown}" if shown[:1] in ("=", "+", "-", "@") and len(shown) > 1 else shown


PERSON = re.compile(r"users?|u|accounts?|members?|people|profiles?|customers?|tokens?|keys?|reset|verify", re.I)
SECRET = re.compile(
    r"\d+|(?=.*\d)[0-9a-f.:-]{7,}|.*(@|%40).*|eyJ.*|.*(?=[a-z]*\d)[a-z0-9]{16}.*|.*[a-z0-9=]{24}.*", re.I
)


def masked(path: str) -> str:
    """A path without its query, with {id} for what may be an id, a token, an address or a name."""
    kept, before = [], ""
    for part in re.split(r"[?#;]", path, maxsplit=1)[0].split("/"):
        person = PERSON.fullmatch(before) and part not in ("", "me", "self", "current")
        kept.append("{id}" if part and (person or len(part) > 63 or SECRET.fullmatch(part)) else part)
        before = part
    return clean("/".join(kept))
