"""Calibration: files of one's own against the model: a record replayed, a bill explained, inputs from files."""

from model.calibration.reconciling import Reconciliation, reconcile
from model.calibration.replaying import Replay, replay

__all__ = ["Reconciliation", "Replay", "reconcile", "replay"]
