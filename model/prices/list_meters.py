"""Which product of AWS's Price List is which of our meters.

AWS names a meter by service, usage type and attributes; `data/price_list/usage_types.csv` says which of
them are ours, and `region_prefixes.csv` how a region writes itself in front of a usage type.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from dataclasses import dataclass

from model import checks, ledger, paths
from model.prices.rows import shelf

HOME = "US East (N. Virginia)"  # the one region whose usage types often carry no prefix


@dataclass(frozen=True)
class Meter:
    """How AWS's Price List writes one of our meters; a meter without any of it cannot be loaded."""

    name: str
    service_code: str
    usage_type: str
    condition: tuple[tuple[str, str], ...]
    unit: str

    @property
    def loadable(self) -> bool:
        return bool(self.usage_type or self.condition)


@dataclass(frozen=True)
class Offer:
    """The on-demand prices of one product: attributes by plain lower-case name, tiers as AWS wrote them."""

    service_code: str
    sku: str
    attributes: Mapping[str, str]
    effective: str
    tiers: tuple[tuple[str, str, str, str], ...]  # from, to, price, currency
    version: str


def plain(name: str) -> str:
    """JSON writes preInstalledSw where CSV writes Pre Installed S/W: both become preinstalledsw."""
    return "".join(letter for letter in name.lower() if letter.isalnum())


@functools.cache
def meters() -> tuple[Meter, ...]:
    """Our meters as AWS writes them."""
    rows = ledger.read_csv(paths.data("price_list", "usage_types.csv"))
    return tuple(
        Meter(
            row["meter"],
            row["service_code"],
            row["usage_type"],
            tuple(part.partition("=")[::2] for part in row["condition"].split(";") if part),
            row["unit"],
        )
        for row in rows
    )


@functools.cache
def endings() -> dict[str, tuple[str, ...]]:
    """How our usage types end, by service: what of a file of a million lines is worth keeping."""
    found: dict[str, tuple[str, ...]] = {}
    for meter in meters():
        if meter.loadable:
            found[meter.service_code] = (*found.get(meter.service_code, ()), meter.usage_type)
    return found


@functools.cache
def prefixes() -> dict[str, str]:
    """What each region writes in front of its usage types."""
    return {row["region"]: row["prefix"] for row in ledger.read_csv(paths.data("price_list", "region_prefixes.csv"))}


@functools.cache
def places() -> dict[str, str]:
    """What the pricing pages call each region."""
    rows = ledger.read_csv(paths.data("price_list", "region_prefixes.csv"))
    return {row["region"]: row["place"] for row in rows if row["place"]}


def region_of(attributes: Mapping[str, str]) -> str | None:
    """The region a product is sold in: said outright, else by its usage type's prefix."""
    said = attributes.get("regioncode") or attributes.get("fromregioncode")
    if said:
        return said
    usage_type = attributes.get("usagetype", "")
    place = attributes.get("location") or attributes.get("fromlocation")
    named = _region_of_place(place) if place else None
    for region, prefix in prefixes().items():
        if prefix and usage_type.startswith(prefix + "-"):
            if named not in (None, region):
                said = f"{place!r} is {named} and usage type {usage_type!r} is {region}"
                checks.fail(f"the place and the usage type of a price must name one region; {said}")
            return region
    return "us-east-1" if place == HOME else None


def _region_of_place(place: str) -> str | None:
    """The region of a place name; offer files write Europe where the pricing pages write EU."""
    name = place.replace("Europe (", "EU (")
    return next((region for region, known in places().items() if known == name), None)


def is_meter(meter: Meter, term: Offer, region: str) -> bool:
    """Whether a product is the meter: whole usage type after the region's own prefix, every condition.

    Whole names keep EventAPI-ConnectionDuration apart from ConnectionDuration, and IA-ReadRequestUnits
    from ReadRequestUnits: IA is no region's prefix.
    """
    if meter.service_code != term.service_code or not meter.loadable:
        return False
    if any(term.attributes.get(plain(key)) != value for key, value in meter.condition):
        return False
    usage_type = term.attributes.get("usagetype", "")
    names = (meter.usage_type, f"{prefixes().get(region)}-{meter.usage_type}")
    return not meter.usage_type or usage_type in names


CODES = {  # services that a bill calls by a long name; others differ from their code in blanks and a leading word only
    "elasticloadbalancing": "elb",
    "elasticcontainerservice": "ecs",
    "elasticcomputecloudcompute": "ec2",
    "elasticcomputecloud": "ec2",
    "ec2other": "ec2",
    "simplenotificationservice": "sns",
    "simplequeueservice": "queueservice",
    "virtualprivatecloud": "vpc",
    "cloudwatchevents": "events",
    "eventbridge": "events",
    "iotcore": "iot",
}
SKU = re.compile(r"(?:SKU|rate code) ([A-Z0-9]{16})\b")


def service_key(name: str) -> str:
    """A service by one short name, however a bill writes it."""
    short = re.sub(r"^(amazon|aws)", "", plain(name))
    return CODES.get(short, short)


@functools.cache
def meters_by_sku() -> dict[str, str]:
    """The meter of every product that the price books name by its SKU, which rate codes begin with."""
    rows = [row for by in shelf().values() for dated in by.values() for tiers in dated.values() for row in tiers]
    return {sku: row.meter for row in rows for sku in SKU.findall(row.where)}


@functools.cache
def wordings() -> tuple[tuple[str, str, re.Pattern], ...]:
    """The meters with service and the words by which a charge is known where a bill has no usage type."""
    services = {meter.name: service_key(meter.service_code) for meter in meters()}
    rows = ledger.read_csv(paths.data("price_list", "descriptions.csv"))
    return tuple((row["meter"], services[row["meter"]], re.compile(row["pattern"])) for row in rows)


def is_this(meter: Meter, service: str, usage_type: str, operation: str, family: str) -> bool:
    """Whether a usage type without its region is the meter; what a bill does not say is not held against it."""
    said = {"operation": operation, "productFamily": family}
    if meter.name == "internet_out_gb":
        return usage_type == meter.usage_type and service != "cloudfront"
    if service not in ("", service_key(meter.service_code)):
        return False
    if any(said.get(name) and said[name] != value for name, value in meter.condition):
        return False
    if meter.usage_type:
        linux = not meter.usage_type.startswith("BoxUsage") or operation in ("", "RunInstances")
        return usage_type == meter.usage_type and linux
    return meter.loadable and service != "" and usage_type.startswith("Requests-") and "FIFO" not in usage_type


@functools.lru_cache(100_000)
def meter_of(
    service: str, usage_type: str, operation: str, family: str = "", rate_code: str = "", words: str = ""
) -> str:
    """The meter of a line, "" where it is none of ours or could be several."""
    name = service_key(service)
    if usage_type:
        before, _, after = usage_type.partition("-")
        rest = after if before in {*prefixes().values(), "EUW1"} else usage_type
        found = {meter.name for meter in meters() if is_this(meter, name, rest, operation, family)}
        return found.pop() if len(found) == 1 else ""
    if known := meters_by_sku().get(rate_code.split(".")[0]):
        return known
    for meter, of, pattern in wordings():
        if pattern.search(words) and (name != "cloudfront" if meter == "internet_out_gb" else name == of):
            return meter
    return ""
