"""Cost: meters a month become a bill in USD, by service and by flow."""

from model.cost.billing import bill, by_meter, exact_total, total
from model.cost.parts import BACKENDS, flow_usage, month_usage, month_usd, usd_by_flow
from model.cost.tables import by_backend, by_service, cheapest, full_bill, price_change, relative_prices

__all__ = [
    "BACKENDS",
    "bill",
    "by_backend",
    "by_meter",
    "by_service",
    "cheapest",
    "exact_total",
    "flow_usage",
    "full_bill",
    "month_usage",
    "month_usd",
    "price_change",
    "relative_prices",
    "total",
    "usd_by_flow",
]
