"""Cost: meters a month become a bill in USD, by service and by flow."""

from model.cost.flows import flow_usage, month_usage, month_usd, usd_by_flow, usd_by_service
from model.cost.split import BACKENDS, on_backend, transport_and_backend, two_parts
from model.cost.tables import by_backend, by_region, by_service, full_bill, price_change
from model.cost.totals import bill, by_meter, exact_total, total

__all__ = [
    "BACKENDS",
    "bill",
    "by_backend",
    "by_meter",
    "by_region",
    "by_service",
    "exact_total",
    "flow_usage",
    "full_bill",
    "month_usage",
    "month_usd",
    "on_backend",
    "price_change",
    "total",
    "transport_and_backend",
    "two_parts",
    "usd_by_flow",
    "usd_by_service",
]
