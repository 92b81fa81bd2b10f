"""Set-ups that Deepgram refuses: a real handshake with the offline agent, which answers as the vendor does."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.kit.patients.seed import Arrange, Arranged, Seed, keys

from offhook.offline.faults import At, Fail, Faults
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent


def vendor(faults: Faults) -> Arrange:
    """Arrange a Deepgram with these faults, and a set-up that points at it."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        async with OfflineAgent(ScriptedMind(), faults=faults) as agent:
            yield Arranged(keys(DEEPGRAM_AGENT_URL=agent.url), network=True)

    return arrange


def _refused(status: int, fix: str) -> Seed:
    cause = "busy-429" if status == 429 else f"refused-{status}"
    return Seed(f"Deepgram answers {status}", "deepgram-key", cause, fix, vendor(Faults(refuse=status)))


def _gone() -> Arrange:
    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        async with OfflineAgent(ScriptedMind()) as agent:
            url = agent.url
        yield Arranged(keys(DEEPGRAM_AGENT_URL=url), network=True)

    return arrange


_FIELD = Fail("INVALID_SETTINGS", "Invalid value at agent.speak.provider.model")

VENDORS = [
    _refused(401, "new key"),
    _refused(402, "Billing"),
    _refused(403, "Voice Agent"),
    _refused(404, "/v1/agent/converse"),
    _refused(429, "concurrency"),
    Seed("Deepgram is down", "deepgram-key", "vendor-down", "status page", vendor(Faults(refuse=503))),
    Seed("Deepgram cannot be reached", "deepgram-key", "unreachable", "connection", _gone()),
    Seed(
        "Deepgram rejects a setting",
        "deepgram-settings",
        "rejected",
        "agent.speak.model",
        vendor(Faults(at=((At("Settings"), _FIELD),), never_apply=True)),
    ),
]
