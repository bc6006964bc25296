"""The whole scenario: read from one YAML file, changed by dotted paths, checked as it is built.

A file may start from another one with `extends` and name only what differs.
"""

from __future__ import annotations

import functools
import re
import warnings
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError, model_validator

from model import checks, ledger, paths, prices
from model.parts.fields import Part, Range
from model.parts.transports import TRANSPORTS, AnyDesign, Choices, Design, Pair
from model.prices import books
from model.scenario import designs, origins
from model.scenario.files import OWN, content_of, files, sentences
from model.scenario.rules import check_references, check_users

FIBRE_KM_PER_S = 299_792.458 / 1.468  # of light in glass of that refractive index


class Scenario(Choices):
    """Everything a user chooses: what the app is, and the designs that could serve it, by name."""

    @model_validator(mode="after")
    def _fits_together(self) -> Scenario:
        check_references(self)
        return self

    def with_(self, changes: dict[str, Any]) -> Scenario:
        """The same scenario with some values replaced, each named by its dotted path.

        Parameters
        ----------
        changes : dict of str to object, path such as `after.heartbeat.period_s` and the value put there; it replaces
            a range. A path starts at a key of the app, a design's name, `designs.NAME`, or `both` for every design
            that has it; `before` and `after` are the pair that tables compare where no design bears the name

        Returns: Scenario, a new scenario, checked like a file; only the design named changes
        Raises: InputError, a path that is no part of the scenario (the nearest is offered), or a value against its
        rule
        """
        plain = {**_opened(self), "designs": dict(self.designs)}
        wrong = []
        for path, value in changes.items():
            for place in self._places(path, plain):
                try:
                    _put(plain, path, place, value)
                except checks.InputError as unknown:
                    wrong.append(str(unknown))
        if wrong:
            checks.fail(checks.together(wrong), self.place)
        if isinstance(plain["designs"], dict):
            for name, design in self.designs.items():
                _keep_known(plain["designs"].get(name), design.transport)
        return _built(plain, self.place)

    def _places(self, path: str, plain: dict) -> list[str]:
        """Where a path leads in the plain content: one place, or one in each of several designs."""
        head, _, rest = path.partition(".")
        every = plain["designs"]
        if head in every:
            return [f"designs.{path}"]
        if head in designs.PAIR:
            return [f"designs.{self.design_name(head)}{path.removeprefix(head)}"]
        if head == "both" and rest:
            found = [name for name, design in every.items() if _at(design, rest) is not MISSING]
            return [f"designs.{name}.{rest}" for name in found] or [f"designs.{self.compared[0]}.{rest}"]
        if head in origins.SHARED and rest:
            mine = _at(plain, path)
            alike = [name for name, design in every.items() if mine is not MISSING and _at(design, path) == mine]
            return [path, *(f"designs.{name}.{path}" for name in alike)]
        return [path]

    def with_design(self, name: str, design: AnyDesign) -> Self:
        """The same scenario with a design put in the place of the one of that name, or beside the others."""
        return self.model_copy(update={"designs": {**self.designs, name: design}})

    def number(self, name: str):
        """A ledger number as this scenario sees it: its own value, or the ledger's."""
        return self.ledger[name] if name in self.ledger else ledger.value(name)

    @property
    def path_s(self):
        """One way between the users' access network and the region, with the way from the place they are near [s]."""
        near = self.number("region_path_s")
        if self.users_near is None:
            return near
        return near + books.distance_km(self.users_near.place, self.region) * self.users_near.detour / FIBRE_KM_PER_S

    def price_book(self, region: str | None = None, on: str | None = None) -> prices.PriceBook:
        """The list prices of the scenario's region and day, with the user's own prices and discounts."""
        own: Any = self.prices or self.prices_folder
        if self.prices and self.prices_folder:
            checks.fail("prices and prices_folder must not stand together; put all prices in the folder", self.place)
        return prices.book(region or self.region, on or self.prices_on, extra=own, discounts=self.discounts)

    @property
    def month_s(self):
        """Seconds in the month that is billed [s]."""
        return self.billing.month_days * 86400.0

    @property
    def compared(self) -> Pair:
        """The two designs that tables of before and after compare: `pair`, else those two, else the first two."""
        if self.pair is not None:
            return self.pair
        if all(name in self.designs for name in designs.PAIR):
            return designs.PAIR
        names = tuple(self.designs)
        if len(names) < 2:
            checks.fail(f"a table of before and after needs two designs; got only {names[0]!r}", self.place)
        return names[0], names[1]

    def needs(self, what: str, **transports: str) -> None:
        """Leave out, in one sentence, what makes sense only with these transports; `held` is any connection."""
        for which, transport in transports.items():
            design = self.design(which)
            tells = design.pushes or any(t.delivers and t.timing == "fixed" for t in design.timers.values())
            kinds = {design.transport, "polling" if design.socket is None else "held"}
            if transport not in kinds or not tells:
                got = f"{design.title} ({design.transport}{'' if tells else ', which tells nothing'})"
                sentence = f"left out, as {which} must be {transport} for {what}; got {got}"
                raise checks.LeftOut(sentence + checks.place_text(self.place))

    @property
    def before(self) -> AnyDesign:
        """The first design of the pair that is compared."""
        return self.designs[self.compared[0]]

    @property
    def after(self) -> AnyDesign:
        """The second design of the pair that is compared."""
        return self.designs[self.compared[1]]

    def design_name(self, which: str) -> str:
        """A design's name; `before` and `after` stand for the pair where no design bears the name."""
        if which in designs.PAIR and which not in self.designs:
            return self.compared[designs.PAIR.index(which)]
        return checks.known("design", which, self.designs, self.place)

    def design(self, which: str | AnyDesign) -> AnyDesign:
        """The design of that name, or the design itself."""
        return which if isinstance(which, Design) else self.designs[self.design_name(which)]


MISSING = object()


def _opened(value: Any) -> Any:
    """A part as a mapping of its fields, a mapping as a copy; anything else as it is."""
    if isinstance(value, Range):
        kept = {name: x for name, x in asdict(value).items() if name != "chance" or x is not None}
        return {n: x for n, x in kept.items() if n not in ("low", "mode", "high")} if "chance" in kept else kept
    if isinstance(value, Part):
        return {name: getattr(value, name) for name in type(value).model_fields}
    return dict(value) if isinstance(value, dict) else value


def _at(plain: Any, path: str) -> Any:
    """What stands at a dotted path of a content, or MISSING."""
    for key in path.split("."):
        plain = _opened(plain)
        if not isinstance(plain, dict) or key not in plain:
            return MISSING
        plain = plain[key]
    return plain


def _keep_known(design: Any, transport: str) -> None:
    """Take from a plain design whose transport has changed what its new transport does not know."""
    now = design.get("transport") if isinstance(design, dict) else None
    if now in (*TRANSPORTS,) and now != transport:
        for key in {*TRANSPORTS[transport].model_fields} - {*TRANSPORTS[now].model_fields}:
            design.pop(key, None)


def _put(plain: dict, path: str, full: str, value: Any) -> None:
    """Put a value where a path leads in a content that is opened on the way; only a ledger row may be new there."""
    here: Any = plain
    *parents, last = full.split(".")
    shift = len(parents) + 1 - len(path.split("."))  # how many words the path does not say
    for depth, key in enumerate((*parents, last)):
        known = list(ledger.chosen() if parents[:depth] == ["ledger"] else here) if isinstance(here, dict) else []
        above = ".".join(parents[shift:depth] if shift > 0 else parents[:depth])
        if key not in known:
            offered = [*known, *plain["designs"]] if not depth else known
            who = above or "a scenario"
            checks.fail(f"unknown parameter {path!r}: {who} has no {key!r}{checks.nearest(key, offered)}")
        if depth < len(parents):
            if here.get(key) is None:
                checks.fail(f"{'.'.join(path.split('.')[: depth + 1 - shift])} is not set here, so {path} cannot be")
            here[key] = _opened(here[key])
            here = here[key]
    here[last] = value


def _built(plain: Any, place: str) -> Scenario:
    """The scenario of a plain content; all that is wrong with it is refused at once."""
    if not isinstance(plain, dict):
        checks.fail(f"a scenario must be a mapping; got {checks.shown(plain)}", place)
    try:
        return Scenario.model_validate({**plain, "place": place})
    except ValidationError as wrong:
        found = sentences(wrong)
    checks.fail(checks.together(found), place)


@functools.lru_cache(maxsize=64)
def _loaded(stamped: tuple[tuple[Path, int], ...]) -> Scenario:
    own, place = stamped[0][0], paths.shown(stamped[0][0])
    whole: dict = {}
    for depth, (path, _) in enumerate(reversed(stamped)):
        content = {key: value for key, value in content_of(path).items() if path == own or key not in OWN}
        content.pop("extends", None)
        whole = designs.merged(whole, designs.apart(content, paths.shown(path)), place, first=depth == 1)
    stem = re.sub("[^A-Za-z0-9_.-]+", "_", own.stem)
    named = {"name": stem, "title": stem.replace("_", " "), **whole}
    built = _built(designs.in_full(named, place), place)
    check_users(built)
    for sentence in origins.unusual(built, [path for path, _ in stamped]):
        warnings.warn(sentence, checks.Unusual, stacklevel=3)
    return built


def load(name: str | Path | Scenario) -> Scenario:
    """The scenario of that name in `data/scenarios`, or of a YAML file; a scenario is given back as it is.

    Parameters
    ----------
    name : str, pathlib.Path or Scenario, A name such as `twilly`, or a path that ends in .yaml

    Returns: Scenario, frozen and checked
    Raises: InputError, one sentence: unknown name or key (the nearest is offered), a value against its rule, broken
    YAML

    Examples
    --------
    >>> load("twilly").after.heartbeat.period_s
    30.0
    """
    if isinstance(name, Scenario):
        return name
    return _loaded(tuple((path, path.stat().st_mtime_ns) for path in files(name)))
