"""A scenario: what the app is and the designs that could serve it, read from YAML and checked."""

from model.parts.fields import Range, mode_of
from model.parts.pieces import Network
from model.parts.serving import Function, Heartbeat, Operation, Timer
from model.parts.transports import AnyDesign, AnyHeld, Design, HeldDesign, PollingDesign, WebsocketDesign
from model.scenario.designs import capabilities, catalogue
from model.scenario.files import files, names, read_yaml
from model.scenario.whole import Scenario, load
