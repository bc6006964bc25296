"""Readers of files that people have: AWS's prices, and what a user has of their own app. They know no scenario."""

from model.readers.own.bills import Bill, bill
from model.readers.own.har import Har, har
from model.readers.own.logs import AccessLog, access_log
from model.readers.own.metrics import Metrics, Series, metrics
from model.readers.own.opening import OwnFile
from model.readers.own.phones import BatteryStats, MetricKit, batterystats, metrickit
from model.readers.own.recognising import read, recognise
from model.readers.own.sockets import HarSocket
from model.readers.price_changes import difference, refresh
from model.readers.price_offers import load_price_list

__all__ = [
    "AccessLog",
    "BatteryStats",
    "Bill",
    "Har",
    "HarSocket",
    "MetricKit",
    "Metrics",
    "OwnFile",
    "Series",
    "access_log",
    "batterystats",
    "bill",
    "difference",
    "har",
    "load_price_list",
    "metrickit",
    "metrics",
    "read",
    "recognise",
    "refresh",
]
