"""Calibration: files of one's own against the model: a record replayed, a bill explained, inputs from files."""

from model.calibration.calibrating import calibrate
from model.calibration.reconciling import reconcile
from model.calibration.replaying import replay
