"""Recordings of one live call that REST started: begun, paused, stopped, cut out of the call's sound. Tells nobody."""

from __future__ import annotations

import array
import io
import sys
import tempfile
import wave
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from offhook.sim.rest.entries import Recording
from offhook.sim.rest.world import now
from offhook.wire.ulaw import RATE_HZ, to_pcm16

Pause = Literal["silence", "skip"]
_WIDTH: Final = 2


@dataclass(slots=True)
class Span:
    """A stretch of a call, in ms since it was answered; ``is_silent``: its sound is replaced by silence."""

    begin_ms: float
    end_ms: float | None = None
    is_silent: bool = False


@dataclass(slots=True)
class Tape:
    """One recording. ``write`` puts the call's sound so far into a folder (`SimulatedCall.write`)."""

    recording: Recording
    now_ms: Callable[[], float]
    write: Callable[[Path], None]
    spans: list[Span] = field(default_factory=list)

    def begin(self) -> None:
        """Record from now on."""
        self._close()
        self.spans.append(Span(self.now_ms()))
        self._becomes("in-progress")

    def pause(self, how: Pause) -> None:
        """Record no more until `begin`: silence instead, or nothing."""
        self._close()
        if how == "silence":
            self.spans.append(Span(self.now_ms(), is_silent=True))
        self._becomes("paused")

    def stop(self) -> None:
        """End the recording and keep its sound. Safe to repeat."""
        if self.recording.wav is not None:
            return
        self._close()
        with tempfile.TemporaryDirectory() as folder:
            self.write(Path(folder))
            call = (Path(folder) / "call.wav").read_bytes()
        self.recording.wav = cut(call, self.spans, self.recording.channels, self.recording.track)
        self.recording.duration_s = round(sum((span.end_ms or 0) - span.begin_ms for span in self.spans) / 1000)
        self._becomes("completed")

    def _close(self) -> None:
        if self.spans and self.spans[-1].end_ms is None:
            self.spans[-1].end_ms = self.now_ms()

    def _becomes(self, status: Literal["in-progress", "paused", "completed"]) -> None:
        self.recording.status = status
        self.recording.updated = now()


def cut(call: bytes, spans: list[Span], channels: int, track: str) -> bytes:
    """Cut spans out of a stereo WAV (the person left, the server right) and return them as a WAV.

    ``track`` is the person's (inbound), the server's (outbound) or both, which one channel has mixed.
    """
    with wave.open(io.BytesIO(call)) as file:
        rate = file.getframerate()
        samples = array.array("h", file.readframes(file.getnframes()))
    if sys.byteorder == "big":
        samples.byteswap()
    left, right = array.array("h"), array.array("h")
    for span in spans:
        first, last = (round((at or 0) * rate / 1000) for at in (span.begin_ms, span.end_ms))
        for side, into in ((0, left), (1, right)):
            wanted = last - first
            found = array.array("h") if span.is_silent else samples[side::2][first:last]
            into.extend(found)
            into.frombytes(bytes(_WIDTH * (wanted - len(found))))
    return _wav(_chosen(left, right, track), channels, rate)


def wav_of(ulaw: bytes) -> bytes:
    """Return µ-law audio as a WAV of one channel."""
    samples = array.array("h", to_pcm16(ulaw))
    if sys.byteorder == "big":
        samples.byteswap()
    return _wav([samples, array.array("h", bytes(_WIDTH * len(samples)))], 1, RATE_HZ)


def _chosen(left: array.array[int], right: array.array[int], track: str) -> list[array.array[int]]:
    silence = array.array("h", bytes(_WIDTH * len(left)))
    return [silence if track == "outbound" else left, silence if track == "inbound" else right]


def _wav(sides: list[array.array[int]], channels: int, rate: int) -> bytes:
    left, right = sides
    if channels == 1:
        mixed = (max(-32768, min(32767, one + other)) for one, other in zip(left, right, strict=True))
        samples = array.array("h", mixed)
    else:
        samples = array.array("h", bytes(2 * _WIDTH * len(left)))
        samples[0::2], samples[1::2] = left, right
    if sys.byteorder == "big":
        samples.byteswap()
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(_WIDTH)
        file.setframerate(rate)
        file.writeframes(samples.tobytes())
    return out.getvalue()
