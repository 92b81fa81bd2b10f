"""The simulated caller's voice on the command line: the offline voice, loaded only when there is text to say."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

import typer

if TYPE_CHECKING:
    from offhook.offline.speech.crew import Crew

_FIX = 'pip install "offhook[offline]", or say a recording with --audio'


class CallerVoice:
    """Says lines as µ-law. Use as an async context manager; its process ends with it."""

    def __init__(self) -> None:
        self._crew: Crew | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._crew is not None:
            await self._crew.close()

    async def say(self, text: str) -> bytes:
        """Return one line. Raises `ConfigError` where no voice is installed."""
        from offhook.errors import ConfigError, OffhookError

        try:
            return await self._synthesised(text)
        except ConfigError:
            raise
        except ImportError as missing:
            raise ConfigError([f"to say text, the offline voice needs {missing.name}: {_FIX}"]) from None
        except OffhookError as failed:
            raise ConfigError([f"the offline voice could not say a line ({failed}): {_FIX}"]) from None

    async def _synthesised(self, text: str) -> bytes:
        from offhook.offline.speech.crew import Crew
        from offhook.offline.speech.voice import SpokenVoice

        if self._crew is None:
            self._crew = Crew("voice", 1, lambda line: typer.echo(f"voice: {line}", err=True))
            typer.echo("preparing the caller's lines", err=True)
            await self._crew.start()
        voice = SpokenVoice(self._crew, caller=True, pause_ms=0)
        return b"".join([piece async for piece in voice.say(text)])
