"""The voice of one call: a sentence goes to a worker, its audio comes back in pieces. Owns no process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from offhook.errors import OurError
from offhook.offline.speech import orders
from offhook.offline.speech.crew import ORDER_S, Crew, Priority
from offhook.wire import ulaw

#: Between two sentences; the engine's own silence (0.9 s) is cut off by `synthesise`.
PAUSE_MS: Final = 280
#: A sentence longer than this is not a sentence.
MAX_TEXT: Final = 2000


class SpokenVoice:
    """Speaks for one caller; see `offhook.offline.ports.Voice`."""

    def __init__(self, crew: Crew, *, caller: bool = False, pause_ms: int = PAUSE_MS) -> None:
        self._crew = crew
        self._caller = caller
        self._pause = ulaw.silence(pause_ms)

    async def say(self, text: str) -> AsyncIterator[bytes]:
        """Yield one sentence's audio as it becomes ready, and the pause behind it."""
        pieces: asyncio.Queue[orders.Result] = asyncio.Queue()
        order = orders.Synthesise(text[:MAX_TEXT], self._caller)
        # A sentence costs milliseconds: what is confirmed need not overtake what is speculative.
        ticket = self._crew.submit(order, Priority.CONFIRMED, pieces.put_nowait)
        spoke = False
        try:
            while True:
                async with asyncio.timeout(ORDER_S):
                    result = await pieces.get()
                if not isinstance(result, orders.Spoken):
                    raise OurError(worker="voice", kind=result.kind if isinstance(result, orders.Failed) else None)
                if result.audio:
                    spoke = True
                    yield result.audio
                if result.last:
                    break
            if spoke and self._pause:
                yield self._pause
        finally:
            ticket.cancel()

    async def close(self) -> None:
        """Nothing is held between two sentences."""
