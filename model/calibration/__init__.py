"""Calibration: files of one's own against the model: a record replayed, a bill explained, inputs from files."""

from model.calibration.calibrating import Calibration, calibrate
from model.calibration.reconciling import Reconciliation, reconcile
from model.calibration.replaying import Replay, replay

__all__ = ["Calibration", "Reconciliation", "Replay", "calibrate", "reconcile", "replay"]
