"""Server load: requests, messages, connections and runs a second, beside the quotas they meet."""

from model.server_load.quotas import (
    disconnect_reads,
    limits,
    load_by_users,
    quota_table,
    quota_use,
    users_at_quota,
)
from model.server_load.rates import (
    at_peak,
    code_runs_per_minute,
    connects_by_cause,
    fan_out_by_event,
    flow_code_runs_per_minute,
    flow_rates_per_s,
    flow_requests_per_minute,
    peak_of,
    rates_per_s,
    requests_per_minute,
    with_users,
)
