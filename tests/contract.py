"""The functions whose docstring has the full form: the contract.

Each is named as a notebook reaches it below `model`. Every other function has plain sentences.
"""

CONTRACT = """
load evaluate before_after compare catalogue calibrate replay scenario.capabilities
outcome.Outcome.by_flow outcome.Outcome.explain outcome.Outcome.values outcome.Outcome.table
scenario.Scenario.with_
traffic.flows traffic.traffic
wire.websocket_frame_bytes wire.http_exchange_bytes wire.websocket_message_bytes wire.heartbeat_bytes
wire.connect_bytes wire.close_bytes wire.upgrade_bytes
radio.profiles radio.profile radio.trace radio.mean_power_w
latency.sample
storm.reconnect
cost.bill cost.total
prices.book
readers.difference readers.load_price_list readers.refresh readers.recognise readers.read
readers.har readers.metrics readers.bill readers.access_log readers.batterystats readers.metrickit
audit.claims
""".split()
