"""The sending half of one stream: frames to messages to the socket, and what is dropped on the way. Has no clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from typing import Final, Literal

from offhook.sim.behaviour import Behaviour
from offhook.sim.frames import BINARY, TEXT
from offhook.sim.outgoing import Outgoing
from offhook.sim.tap import Tap
from offhook.sim.websocket import Socket

Track = Literal["inbound", "outbound"]

#: Caller audio unsent beyond about one second is dropped (31930): 50 messages of about 400 bytes.
UNSENT_BYTES: Final = 20_000
#: It must be so this often, each time after the loop has turned: once may mean that this process was late itself, and
#: sent all that was due before a server in it could read.
LOOKS: Final = 25


class Outbox:
    """Sends on one stream. ``socket`` is there once the stream is open."""

    def __init__(
        self,
        messages: Outgoing,
        behaviour: Behaviour,
        chance: random.Random,
        tap: Tap | None,
        complain: Callable[[int, str], None],
    ) -> None:
        self.messages = messages
        self.socket: Socket | None = None
        self.frames_sent = 0
        self.frames_dropped = 0
        self._behaviour = behaviour
        self._chance = chance
        self._tap = tap
        self._complain = complain
        self._held: list[tuple[bytes, Track]] = []
        self._bunch = behaviour.bunch_size(chance)
        self._behind = 0
        self._has_looked = False

    @property
    def line(self) -> Socket:
        """The open socket."""
        assert self.socket is not None, "use StreamClient.open"
        return self.socket

    def frame(self, audio: bytes, track: Track = "inbound") -> None:
        """Send a frame of the clock, alone or with those it is gathered with."""
        if self._bunch == 1:
            self.media(audio, track)
            return
        self._held.append((audio, track))
        if len(self._held) >= self._bunch:
            held, self._held = self._held, []
            for waiting, its_track in held:
                self.media(waiting, its_track)
            self._bunch = self._behaviour.bunch_size(self._chance)

    def media(self, audio: bytes, track: Track = "inbound") -> None:
        """Send one `media` now, unless the server is a second behind: then it is dropped (31930)."""
        if self._is_behind():
            self.frames_dropped += 1
            self.messages.skip(track)
            self._complain(31930, "more than a second of caller audio is unsent")
            return
        self.text(self.messages.media(audio, track))
        self.frames_sent += 1

    def _is_behind(self) -> bool:
        """Say whether the server leaves a second of audio unread, and has done so for a while."""
        if self.line.unsent_bytes <= UNSENT_BYTES:
            self._behind = 0
        elif not self._has_looked:
            self._has_looked = True
            self._behind += 1
            asyncio.get_running_loop().call_soon(self._look_again)
        return self._behind > LOOKS

    def _look_again(self) -> None:
        self._has_looked = False

    def text(self, text: bytes) -> None:
        """Send a text frame now."""
        if self._tap is not None:
            self._tap.passed("text", "twilio", text=text)
        self.line.send(TEXT, text)

    def binary(self, payload: bytes) -> None:
        """Send a binary frame now, which Twilio never does."""
        if self._tap is not None:
            self._tap.passed("binary", "twilio", audio=payload)
        self.line.send(BINARY, payload)

    async def room(self) -> Socket:
        """Wait while the server does not read, at most five seconds; return the socket. Raises `TimeoutError`."""
        await self.line.room()
        return self.line
