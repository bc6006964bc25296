"""Cost: meters a month become a bill in USD, by service and by flow."""

from model.cost.billing import bill, by_meter, exact_total, total
from model.cost.parts import BACKENDS, flow_usage, month_usage, month_usd, usd_by_flow
from model.cost.tables import by_backend, by_service, cheapest, full_bill, price_change, relative_prices
