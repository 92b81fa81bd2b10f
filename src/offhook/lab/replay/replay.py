"""Replays a recording against a bridge from both sides, and compares. Composes; plays and compares nothing itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Final

from offhook.lab.replay.clock import Clock
from offhook.lab.replay.deepgram_side import DeepgramSide
from offhook.lab.replay.differences import Difference, Said, compare
from offhook.lab.replay.recording import Part, Recording
from offhook.lab.replay.twilio_side import TwilioSide
from offhook.sim.reach import Reach
from offhook.trace import Entry

#: For a bridge to close its agent sockets after the call.
SETTLE_S: Final = 3.0


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the bridge is: its voice webhook, the token Twilio signs with ("": unsigned), where its name is reached."""

    url: str
    auth_token: str = ""
    reach: Reach | None = None


@dataclass(frozen=True, slots=True)
class Replayed:
    """``differences`` in order; ``own_late_ms``: how late the replay itself was at its worst."""

    differences: Sequence[Difference]
    own_late_ms: float


Bridge = Callable[[DeepgramSide], AbstractAsyncContextManager[Stage]]


async def replay(recording: Recording, bridge: Bridge, deepgram_port: int = 0) -> Replayed:
    """Replay a call. ``bridge`` is told Deepgram's side, and yields where to call. Raises `ReplayError`, `OSError`."""
    clock = Clock()
    async with DeepgramSide(recording, clock, deepgram_port) as deepgram, bridge(deepgram) as stage:
        deepgram.arm()
        twilio = TwilioSide(recording, stage.url, stage.auth_token, stage.reach, clock)
        await twilio.play()
        until = time.monotonic() + SETTLE_S
        while deepgram.live and time.monotonic() < until:  # noqa: ASYNC110  # the bridge tells nobody
            await asyncio.sleep(0.02)
        return Replayed(_differences(recording, twilio, deepgram, clock.late_ms), clock.late_ms)


def _differences(recording: Recording, twilio: TwilioSide, deepgram: DeepgramSide, late_ms: float) -> list[Difference]:
    answered = [entry for entry in twilio.entries if entry.channel == "http"]
    found = compare("TwiML", [(0.0, one) for one in recording.documents], [(0.0, one) for one in answered])
    streamed = [entry for entry in twilio.entries if entry.channel == "stream"]
    astray = [entry for entry in streamed if _sid(entry) not in (None, recording.stream_sid)]
    if astray:
        at_ms = astray[0].at_ms - twilio.opened_ms
        sentence = f"{len(astray)} messages have another streamSid, and Twilio does not take them"
        found.append(Difference("changed", "bridge to Twilio", sentence, at_ms))
    streamed = [entry for entry in streamed if entry not in astray]
    found += compare("bridge to Twilio", _said(recording.stream), _timed(streamed, twilio.opened_ms), late_ms)
    for number in range(max(len(recording.sockets), len(deepgram.sockets))):
        way = "bridge to Deepgram" if number == 0 else f"bridge to Deepgram, socket {number + 1}"
        if number >= len(deepgram.sockets):
            found.append(Difference("missing", way, "the socket was never opened"))
        elif number >= len(recording.sockets):
            found.append(Difference("extra", way, "the socket was not opened in the recording"))
        elif recording.sockets[number].status is None:
            opened_ms, entries = deepgram.sockets[number]
            found += compare(way, _said(recording.sockets[number]), _timed(entries, opened_ms), late_ms)
    return found


def _sid(entry: Entry) -> str | None:
    """Return the stream that a message is for; None for what is no message."""
    message = entry.message()
    return str(message.get("streamSid")) if isinstance(message, dict) else None


def _said(part: Part) -> Said:
    return _timed([entry for entry in part.entries[1:] if entry.sender == "bridge"], part.opened_ms)


def _timed(entries: Sequence[Entry], opened_ms: float) -> Said:
    return [(entry.at_ms - opened_ms, entry) for entry in entries]
