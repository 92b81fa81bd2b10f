"""Two who talk: a caller and whoever was reached for them. Not a verb; `<Dial>` and `<Enqueue>` come here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from offhook.sim.desk import Desk
from offhook.wire.ulaw import FRAME_BYTES, SILENCE

_SILENT: Final = bytes((SILENCE,)) * FRAME_BYTES

#: Takes a frame of the caller.
Ear = Callable[[bytes], None]


def _deaf(_: bytes) -> None: ...


async def talk(
    desk: Desk, seconds: float, says: bytes = b"", until: Callable[[], object] = lambda: False, ear: Ear = _deaf
) -> bool:
    """Let a caller talk with somebody who says ``says``, for so long or until a fact; say whether that came first.

    ``ear`` hears the caller. Raises `LineOver` or `Rerouted`.
    """

    def listen(frame: bytes | None) -> None:
        ear(_SILENT if frame is None else frame)

    desk.handset.attach(listen)
    try:
        began_ms = desk.circuit.now_ms()
        if says and desk.plan.speed == 1.0 and await desk.earpiece.play(says[: int(seconds * 8000)], until):
            return True
        left_s = seconds / desk.plan.speed - (desk.circuit.now_ms() - began_ms) / 1000
        return await desk.circuit.hold(until, max(0.0, left_s))
    finally:
        desk.handset.detach(listen)


def star(desk: Desk, allowed: bool) -> Callable[[], bool]:
    """Return a fact: the caller pressed the star key, where that ends what is going on."""
    desk.handset.keys.clear()
    return lambda: allowed and "*" in desk.handset.keys
