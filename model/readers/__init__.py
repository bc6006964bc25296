"""Readers of files that people have: of their own app, and AWS's prices (from `prices`). They know no scenario."""

from model.prices.list_changes import difference, refresh
from model.prices.list_offers import load_price_list
from model.readers.own.bills import Bill, bill
from model.readers.own.har import Har, har
from model.readers.own.logs import AccessLog, access_log
from model.readers.own.metrics import Metrics, metrics
from model.readers.own.opening import OwnFile
from model.readers.own.phones import BatteryStats, batterystats, metrickit
from model.readers.own.recognising import read, recognise
