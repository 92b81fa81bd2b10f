"""Stamped audio: frames that prove order, completeness and content on arrival. Pure; not a recording and not speech.

A frame is 160 bytes of µ-law: who sent it, which turn, which number, when, and a pattern seeded by all of that. Every
byte value occurs, so any transcoding, gain or resampling shows as corruption.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from hashlib import shake_128
from typing import Final, NamedTuple

from offhook.wire.ulaw import FRAME_BYTES

_HEAD: Final = struct.Struct("<4s c x H I I Q")
_MAGIC: Final = b"\x9dOH\xe3"
FROM_CALLER: Final = b"c"
FROM_AGENT: Final = b"a"


class Stamp(NamedTuple):
    """What one frame says: ``sent_us`` is a monotonic clock of this machine."""

    turn: int
    sender: int
    number: int
    sent_us: int


def stamped(direction: bytes, stamp: Stamp) -> bytes:
    """Return the frame that carries ``stamp``."""
    head = _HEAD.pack(_MAGIC, direction, *stamp)
    return head + shake_128(head).digest(FRAME_BYTES - _HEAD.size)


def read_stamp(frame: bytes, direction: bytes) -> Stamp | None:
    """Return the stamp of a frame that arrived as it was sent, else ``None``."""
    magic, way, *rest = _HEAD.unpack_from(frame)
    if magic != _MAGIC or way != direction:
        return None
    if shake_128(frame[: _HEAD.size]).digest(FRAME_BYTES - _HEAD.size) != frame[_HEAD.size :]:
        return None
    return Stamp(*rest)


@dataclass(slots=True)
class StampReader:
    """One direction of one call as received: cut into frames again, whatever the segmentation.

    ``corrupt`` counts stretches without a valid stamp, ``foreign`` frames of another sender.
    """

    direction: bytes
    sender: int | None = None
    expected: int = 0
    frames: int = 0
    lost: int = 0
    repeated: int = 0
    corrupt: int = 0
    foreign: int = 0
    _rest: bytes = b""
    _astray: bool = False

    def feed(self, audio: bytes) -> list[Stamp]:
        """Take audio; return the stamps of the frames that are new and in order."""
        audio = self._rest + audio
        at, good = 0, []
        while len(audio) - at >= FRAME_BYTES:
            stamp = read_stamp(audio[at : at + FRAME_BYTES], self.direction)
            if stamp is not None:
                at += FRAME_BYTES
                self._astray = False
                if self._is_next(stamp):
                    good.append(stamp)
                continue
            self.corrupt += not self._astray
            self._astray = True
            following = audio.find(_MAGIC, at + 1)
            at = following if following >= 0 else len(audio) - len(_MAGIC) + 1
        self._rest = audio[at:]
        return good

    def _is_next(self, stamp: Stamp) -> bool:
        if self.sender is None:
            self.sender = stamp.sender
        if stamp.sender != self.sender:
            self.foreign += 1
            return False
        if stamp.number < self.expected:
            self.repeated += 1
            return False
        self.lost += stamp.number - self.expected
        self.expected = stamp.number + 1
        self.frames += 1
        return True
