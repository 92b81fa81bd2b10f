"""The telephone network between a caller and Twilio: delay, loss, frames that come in bunches. Pure, by seed.

What loss does to a stream is not documented. The default fills a lost frame with silence, because captures show a
frame every 20 ms whatever the line is like; ``gaps="missing"`` leaves it out, so that the timestamp jumps.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from offhook.wire.ulaw import FRAME_BYTES, FRAME_MS, SILENCE

_SILENT: Final = bytes((SILENCE,)) * FRAME_BYTES


@dataclass(frozen=True, slots=True)
class Network:
    """One line. ``loss`` is the share of frames lost, ``burst`` how many are lost at a time (mean).

    ``stalls_per_s``: how often nothing arrives for ``stall_frames`` (at most) and then all of it at once.
    Figures of the profiles: `PROFILES`.
    """

    uplink_ms: float = 0.0
    downlink_ms: float = 0.0
    jitter_ms: float = 3.0
    loss: float = 0.0
    burst: float = 1.0
    stalls_per_s: float = 0.0
    stall_frames: int = 6
    gaps: Literal["silence", "missing"] = "silence"
    #: A caller whose audio stops is given up after this long (31953).
    rtp_timeout_s: float = 60.0

    @property
    def is_clear(self) -> bool:
        """Whether frames pass as they are said."""
        return not (self.uplink_ms or self.loss or self.stalls_per_s)


#: The fixed figures model both legs of a call as Twilio's latency guide divides them (about 230 ms together); mobile
#: and intercontinental add theirs. They are a model, not a measurement.
PROFILES: Final[dict[str, Network]] = {
    "none": Network(),
    "landline": Network(110, 120, jitter_ms=8),
    "mobile": Network(150, 160, jitter_ms=8, loss=0.01, burst=2, stalls_per_s=0.1),
    "poor-mobile": Network(190, 200, jitter_ms=8, loss=0.05, burst=4, stalls_per_s=0.5),
    "intercontinental": Network(185, 195, jitter_ms=8, loss=0.002, stalls_per_s=0.05),
}


class Uplink:
    """Carries a caller's frames to Twilio. ``None`` stands for a frame that is lost and not filled."""

    def __init__(self, network: Network, seed: int) -> None:
        self._network = network
        self._chance = random.Random(f"uplink {seed}")  # noqa: S311 - repeatable, not a secret
        self._under_way: deque[bytes | None] = deque([_SILENT] * round(network.uplink_ms / FRAME_MS))
        self._stalled: list[bytes | None] = []
        self._stall_left = 0
        self._is_losing = False
        self.lost = 0

    def carry(self, frame: bytes) -> Sequence[bytes | None]:
        """Take the next frame the caller said; return what arrives at Twilio now."""
        self._under_way.append(self._survives(frame))
        arrived = self._under_way.popleft()
        if self._stall_left:
            self._stall_left -= 1
        elif self._chance.random() < self._network.stalls_per_s * FRAME_MS / 1000:
            self._stall_left = self._chance.randint(1, max(1, self._network.stall_frames - 1))
        self._stalled.append(arrived)
        if self._stall_left:
            return ()
        together, self._stalled = self._stalled, []
        return together

    def _survives(self, frame: bytes) -> bytes | None:
        """Lose frames in bursts: a chain of two states whose shares and lengths are the network's figures."""
        loss, burst = self._network.loss, max(1.0, self._network.burst)
        if self._is_losing:
            self._is_losing = self._chance.random() >= 1 / burst
        elif loss:
            self._is_losing = self._chance.random() < loss / (burst * (1 - loss))
        if not self._is_losing:
            return frame
        self.lost += 1
        return _SILENT if self._network.gaps == "silence" else None
