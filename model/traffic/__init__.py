"""Traffic: a design becomes flows, assembled once for every outcome."""

from model.life.flow import Flow, Traffic
from model.traffic.assembly import flows, traffic
