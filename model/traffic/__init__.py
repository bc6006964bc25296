"""Traffic: a design becomes flows, assembled once for every outcome."""

from model.life.flow import Flow, FunctionRuns, Traffic
from model.life.sessions import Life
from model.traffic.assembly import flows, traffic

__all__ = ["Flow", "Life", "FunctionRuns", "Traffic", "flows", "traffic"]
