"""Reading prices from AWS's live price service, an optional extra that needs boto3."""

from __future__ import annotations

from collections.abc import Iterator

from model import checks
from model.prices.list_meters import Meter, meters, prefixes
from model.prices.list_offers import load_price_list
from model.prices.rows import PriceRow

__all__ = ["live"]


def _filters(meter: Meter, region: str) -> Iterator[list[dict[str, str]]]:
    """The GetProducts filters that find a meter; a usage type is asked for with the prefix and without."""
    where = "fromRegionCode" if meter.service_code == "AWSDataTransfer" else "regionCode"
    fixed = [(where, region), *meter.condition]
    names = (f"{prefixes()[region]}-{meter.usage_type}", meter.usage_type)
    for asked in ([("usagetype", name)] for name in names) if meter.usage_type else ([],):
        fields = [*fixed, *asked]
        yield [{"Type": "TERM_MATCH", "Field": field, "Value": value} for field, value in fields]


def _products(client, service_code: str, filters: list[dict[str, str]]) -> Iterator[str]:
    token: dict[str, str] = {}
    while True:
        answer = client.get_products(ServiceCode=service_code, Filters=filters, **token)
        yield from answer["PriceList"]
        if not answer.get("NextToken"):
            return
        token = {"NextToken": answer["NextToken"]}


def _pricing_client():
    try:
        import boto3
    except ImportError:
        checks.fail("reading live prices needs boto3; install it with: pip install -e '.[aws]'")
    return boto3.client("pricing", region_name="us-east-1")


def live(region: str, client: object = None) -> list[PriceRow]:
    """The prices of a region from AWS's live price service, for `refresh`.

    Needs the extra `push-or-poll[aws]` and AWS credentials with `pricing:GetProducts`.

    Parameters
    ----------
    region : str
        A region as AWS writes it, like eu-west-1 [-]
    client : boto3 pricing client
        Used instead of a new one, for tests or own sessions [-]

    Returns
    -------
    list of PriceRow
        As `load_price_list` gives them.

    Raises
    ------
    InputError
        Where boto3 is not installed, the service cannot be reached, or the region has none of our meters.

    Sources
    -------
    aws_price_list
    """
    checks.known("region", region, prefixes())
    client = _pricing_client() if client is None else client
    try:
        records = {
            record
            for meter in meters()
            if meter.loadable
            for filters in _filters(meter, region)
            for record in _products(client, meter.service_code, filters)
        }
    except Exception as error:
        if type(error).__module__.partition(".")[0] not in ("botocore", "boto3"):
            raise
        checks.fail(f"AWS's price service must answer; {type(error).__name__}: {error}")
    return load_price_list(sorted(records))
