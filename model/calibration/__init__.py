"""Calibration: files of one's own against the model: a record replayed, a bill explained, inputs from files."""

from model.calibration.replaying import Replay, replay

__all__ = ["Replay", "replay"]
