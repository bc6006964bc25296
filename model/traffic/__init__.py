"""Traffic: a design becomes flows, assembled once for every outcome."""

from model.life.flow import Flow, Run, Traffic
from model.life.sessions import Life
from model.traffic.assembly import flows, traffic

__all__ = ["Flow", "Life", "Run", "Traffic", "flows", "traffic"]
