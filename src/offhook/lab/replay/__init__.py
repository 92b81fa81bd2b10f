"""Replay: a recorded call again, frame for frame, from both sides of a bridge, and what the bridge did differently."""

from offhook.lab.replay.differences import Difference
from offhook.lab.replay.recording import Recording, ReplayError
from offhook.lab.replay.replay import Replayed, Stage, replay

__all__ = ["Difference", "Recording", "ReplayError", "Replayed", "Stage", "replay"]
