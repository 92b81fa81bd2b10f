"""Starts an offline agent inside a command and points settings at it; the script where models are missing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from offhook.config.settings import Settings
    from offhook.offline.ports import Mind
    from offhook.offline.record import CallRecord, Frame
    from offhook.offline.server import OfflineAgent

#: The offline agent takes any key; the server sends none that is empty.
OFFLINE_KEY = "0123456789abcdef0123456789abcdef01234567"


def say(text: str) -> None:
    """Print a line of progress."""
    typer.echo(f"offline agent: {text}", err=True)


def pointed_at(settings: Settings, agent: OfflineAgent) -> Settings:
    """Return ``settings`` with the agent leg on this machine."""
    from pydantic import SecretStr

    from offhook.config.deepgram import DeepgramAccess

    return settings.model_copy(update={"deepgram": DeepgramAccess(api_key=SecretStr(OFFLINE_KEY), agent_url=agent.url)})


@asynccontextmanager
async def running_agent(
    mind: Mind, on_frame: Callable[[CallRecord, Frame], None] | None = None
) -> AsyncIterator[OfflineAgent]:
    """Run an agent on a free port of this machine."""
    from offhook.offline.server import OfflineAgent

    async with OfflineAgent(mind, on_frame=on_frame, keep_audio=False) as agent:
        yield agent


@asynccontextmanager
async def offline_agent(settings: Settings) -> AsyncIterator[Settings]:
    """Run the speaking agent, or the scripted one where its models are missing; yield settings that use it."""
    from offhook.errors import ConfigError
    from offhook.offline.scripted import ScriptedMind
    from offhook.offline.speech.mind import SpeakingMind

    async with AsyncExitStack() as stack:
        try:
            agent = await stack.enter_async_context(running_agent(SpeakingMind(progress=say)))
        except ConfigError as missing:
            for problem in missing.problems:
                say(problem)
            say("falling back to the scripted mind: it answers, but understands nothing")
            agent = await stack.enter_async_context(running_agent(ScriptedMind()))
        say(f"listening on {agent.url}")
        yield pointed_at(settings, agent)
