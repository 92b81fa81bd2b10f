"""The server's own clock of agent speech: until when the audio it sent would be playing. Knows no client.

A burst leaves in a fraction of its length, so "has been sent" says nothing about "is being heard"; barge-in,
injections and the release of the next sentence go by this clock (Voice Agent reference, "Inject Agent").
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from offhook.wire import ulaw


class Playout:
    """Adds up what was sent. ``on_change`` is told when agent speech becomes audible and when it ends."""

    def __init__(self, on_change: Callable[[bool], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self._on_change = on_change
        self._until = 0.0
        self._timer: asyncio.TimerHandle | None = None

    @property
    def until(self) -> float:
        """Loop time at which the last sample sent has played."""
        return self._until

    @property
    def is_audible(self) -> bool:
        """Whether something sent is still playing."""
        return self._until > self._loop.time()

    def sent(self, audio: bytes) -> None:
        """Add 8 kHz µ-law that was just sent."""
        now = self._loop.time()
        self._until = max(self._until, now) + ulaw.duration_ms(audio) / 1000
        if self._timer is None:
            self._on_change(True)
            self._timer = self._loop.call_at(self._until, self._due)

    def cut(self) -> None:
        """Take everything sent as thrown away by the client, which is what `UserStartedSpeaking` tells it to do."""
        self._until = 0.0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
            self._on_change(False)

    async def wait_until_left(self, seconds: float) -> None:
        """Return when no more than ``seconds`` of sent audio are left to play."""
        if (left := self._until - seconds - self._loop.time()) > 0:
            await asyncio.sleep(left)

    async def wait_for_silence(self, seconds: float) -> None:
        """Return when nothing has been audible for ``seconds``, from now on at the earliest."""
        since = self._loop.time()
        while (left := max(self._until, since) + seconds - self._loop.time()) > 0:  # noqa: ASYNC110  # it may grow
            await asyncio.sleep(left)

    def close(self) -> None:
        """Stop telling."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _due(self) -> None:
        if self.is_audible:
            self._timer = self._loop.call_at(self._until, self._due)
        else:
            self._timer = None
            self._on_change(False)
