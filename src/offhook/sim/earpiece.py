"""What goes to the caller's ear, whoever sends it: a stream, an announcement, another person. Makes no sound itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from offhook.sim.circuit import Circuit
from offhook.sim.wheel import Ticket, wheel_of
from offhook.wire.ulaw import FRAME_BYTES, FRAME_MS, SILENCE

_SILENT: Final = bytes((SILENCE,)) * FRAME_BYTES

#: Takes 20 ms of what the caller is sent, at the time it is sent.
OnFrame = Callable[[bytes], None]


class Earpiece:
    """One caller's ear. ``downlink_ms`` is how much later than Twilio plays it the caller hears it."""

    def __init__(self, circuit: Circuit, downlink_ms: float) -> None:
        self._circuit = circuit
        self._downlink_ms = downlink_ms
        self._tracks: list[tuple[bytearray, OnFrame]] = []
        self._next_ms = 0.0
        self._timer: Ticket | None = None

    def hear(self, start_ms: float, audio: bytes) -> None:
        """Take a piece that Twilio plays from ``start_ms`` on."""
        self._circuit.witness.heard(start_ms + self._downlink_ms, audio)
        for waiting, _ in self._tracks:
            waiting += audio

    def attach(self, on_frame: OnFrame) -> Callable[[], None]:
        """Copy it all to ``on_frame``, 20 ms at a time, with silence where there is nothing; return what stops that."""
        track = (bytearray(), on_frame)
        self._tracks.append(track)
        if self._timer is None:
            self._next_ms = self._circuit.now_ms() + FRAME_MS
            self._arm()

        def detach() -> None:
            self._tracks = [other for other in self._tracks if other is not track]
            if not self._tracks and self._timer is not None:
                self._timer.cancel()
                self._timer = None

        return detach

    async def play(self, audio: bytes, until: Callable[[], object] = lambda: False) -> bool:
        """Play audio in real time until ``until``; say whether it was. Raises `LineOver` or `Rerouted`."""
        start_ms = self._circuit.now_ms()
        for offset in range(0, len(audio), FRAME_BYTES):
            self.hear(start_ms + offset / 8, audio[offset : offset + FRAME_BYTES])
            due_ms = start_ms + offset / 8 + FRAME_MS
            if await self._circuit.hold(until, max(0.0, due_ms - self._circuit.now_ms()) / 1000):
                return True
        return False

    def _arm(self) -> None:
        self._timer = wheel_of().after_ms(self._next_ms - self._circuit.now_ms(), self._tick)

    def _tick(self) -> None:
        while self._next_ms <= self._circuit.now_ms():
            self._next_ms += FRAME_MS
            for waiting, on_frame in self._tracks:
                frame = bytes(waiting[:FRAME_BYTES])
                del waiting[:FRAME_BYTES]
                on_frame(frame.ljust(FRAME_BYTES, _SILENT[:1]))
        self._arm()
