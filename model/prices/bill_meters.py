"""Which of our meters a line of a bill is: by usage type, else by rate code, else by the words of the charge."""

from __future__ import annotations

import functools
import re

from model import ledger, paths
from model.prices.list_meters import Meter, meters, plain, prefixes
from model.prices.rows import shelf

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
