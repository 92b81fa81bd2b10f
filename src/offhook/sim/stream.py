"""A Media Streams client that behaves as Twilio does, or as badly as a test asks. Not a bridge and not its codec.

By hand, for tests of a server::

    async with await StreamClient.open("ws://127.0.0.1:8080/twilio", auth_token="…") as twilio:
        await twilio.begin({"token": "…"})            # `connected`, then `start` with these custom parameters
        await twilio.send_media(ulaw.silence(20))     # one `media`; sequence, chunk and timestamp are kept
        await twilio.send_digit("5")
        await twilio.wait_until(lambda: twilio.heard, 2.0)
        assert twilio.heard == expected               # what the caller has really heard, at 1×
        assert not list(twilio.complaints)            # what Twilio would have complained about, with its codes
        await twilio.hang_up()                        # `stop`, then close 1000

On its own clock, as a live call: ``start_clock()`` sends a frame every 20 ms (silence unless `say` gives it audio),
with seeded jitter. Playback always runs on the clock: marks come back when their audio was heard.

Everything the server sent is in ``received``; misbehaviour is chosen in `Behaviour` or done by hand with
`send_text`, `send_binary`, `send_raw`, `stop_reading`, `read_slowly`, `reset`, `vanish`.
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, Self

from offhook.sim.behaviour import Behaviour
from offhook.sim.complaints import Complaints, LineFault
from offhook.sim.dialling import Dialler, fault_of
from offhook.sim.events import Complained, OnEvent, StreamEnded, ignore
from offhook.sim.frames import Message
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.inbox import Inbox, Received
from offhook.sim.messages import ServerMessage
from offhook.sim.mouth import FrameClock, Mouth
from offhook.sim.outbox import Outbox, Track
from offhook.sim.outgoing import Outgoing
from offhook.sim.playback import Playback
from offhook.sim.reach import Reach
from offhook.sim.tap import Tap
from offhook.sim.websocket import Ended
from offhook.trace import OnEntry
from offhook.wire.ulaw import BYTES_PER_MS, FRAME_BYTES, SILENCE

__all__ = ["Behaviour", "Received", "StreamClient"]


class StreamClient:
    """One stream, seen from Twilio. Make it with `open`; use it as an async context manager."""

    def __init__(
        self,
        identity: CallIdentity,
        behaviour: Behaviour,
        *,
        on_event: OnEvent,
        on_heard: Callable[[float, bytes], None] | None,
        on_said: Callable[[float, bytes], None] | None,
        now_ms: Callable[[], float] | None,
        complaints: Complaints | None,
        tap: Tap | None,
        stream_sid: str | None,
    ) -> None:
        chance = random.Random(behaviour.seed)  # noqa: S311 - repeatable jitter, not a secret
        origin = time.monotonic()
        self.now_ms: Callable[[], float] = now_ms or (lambda: (time.monotonic() - origin) * 1000)
        self.identity = identity
        self.behaviour = behaviour
        self.complaints = Complaints() if complaints is None else complaints
        heard = on_heard if tap is None else tap.hearing(on_heard)
        self._changed = asyncio.Event()
        self._inbox = Inbox(behaviour, self.now_ms, self.complain, self._echo_mark, on_event, heard, self._changed.set)
        self.started_ms: float | None = None
        self.ended: StreamEnded | None = None
        #: How the server broke the stream off, where it did.
        self.fault: LineFault | None = None
        self._on_event = on_event
        self._on_said = on_said
        self._tap = tap
        self._out = Outgoing(stream_sid or fresh_sid("MZ"), identity, chance)
        self._outbox = Outbox(self._out, behaviour, chance, tap, self.complain)
        self._mouth = Mouth()
        self._clock = FrameClock(
            self._say_frame, self.now_ms, pace=behaviour.pace, jitter_ms=behaviour.jitter_ms, chance=chance
        )
        self._hung_up = False
        #: Whether the socket was left half open.
        self.has_vanished = False

    @classmethod
    async def open(
        cls,
        url: str,
        *,
        auth_token: str | None = None,
        identity: CallIdentity | None = None,
        behaviour: Behaviour | None = None,
        headers: Mapping[str, str] | None = None,
        tls: ssl.SSLContext | None = None,
        on_event: OnEvent = ignore,
        on_heard: Callable[[float, bytes], None] | None = None,
        on_said: Callable[[float, bytes], None] | None = None,
        now_ms: Callable[[], float] | None = None,
        complaints: Complaints | None = None,
        on_wire: OnEntry | None = None,
        reach: Reach | None = None,
        tracks: Sequence[Track] | None = None,
        stream_sid: str | None = None,
    ) -> Self:
        """Connect and upgrade, nothing more. Raises `LineFault` with Twilio's code where that fails.

        ``on_heard`` and ``on_said`` are told audio and when its first sample was heard or said; ``on_wire`` what
        passes, for a trace. Without ``auth_token`` the handshake is unsigned. ``tracks`` makes it a stream of
        `<Start>`: these go out and nothing may come back.
        """
        behaviour = behaviour or Behaviour()
        identity = identity or CallIdentity()
        tap = None if on_wire is None else Tap(on_wire, identity.call_sid, url)
        client = cls(
            identity,
            behaviour,
            on_event=on_event,
            on_heard=on_heard,
            on_said=on_said,
            now_ms=now_ms,
            complaints=complaints,
            tap=tap,
            stream_sid=stream_sid,
        )
        if tracks is not None:
            client._out.tracks = tuple(tracks)
            client._inbox.is_listening_only = True
        dialler = Dialler(auth_token, behaviour, reach, tap, client.complain)
        client._outbox.socket = await dialler.open(url, client._on_message, client._on_ended, headers or {}, tls)
        return client

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    # -- what Twilio sends ------------------------------------------------------------------------------------

    @property
    def stream_sid(self) -> str:
        """The id this stream announces in `start`."""
        return self._out.stream_sid

    async def begin(self, parameters: Mapping[str, str] | None = None) -> None:
        """Send `connected` and `start`, with the faults that `Behaviour` asks for."""
        if self.behaviour.send_connected:
            await self.send_connected()
        for _ in range(self.behaviour.media_before_start):
            await self.send_media(bytes((SILENCE,)) * FRAME_BYTES)
        await self.send_start(parameters)
        if self.behaviour.second_start == "other":
            self._out.stream_sid = fresh_sid("MZ")
        if self.behaviour.second_start != "no":
            await self.send_start(parameters)

    async def send_connected(self) -> None:
        """Send `connected`."""
        await self.send_text(self._out.connected())

    async def send_start(self, parameters: Mapping[str, str] | None = None) -> None:
        """Send `start`."""
        if self.started_ms is None:
            self.started_ms = self.now_ms()
        self._inbox.is_started = True
        self._inbox.stream_sid = self._out.stream_sid
        await self.send_text(self._out.start(parameters or {}, self.behaviour.start_account_sid))

    async def send_media(self, audio: bytes) -> None:
        """Send one `media` of any length. Waits while the server does not read, at most five seconds."""
        await self._outbox.room()
        self._outbox.media(audio)

    async def send_digit(self, digit: str) -> None:
        """Send one `dtmf`."""
        await self.send_text(self._out.dtmf(digit))

    def press(self, digit: str) -> None:
        """Send one `dtmf` now, whether or not the server reads."""
        self._outbox.text(self._out.dtmf(digit).encode())

    async def send_mark(self, name: str) -> None:
        """Send a `mark` by hand, whether or not the server ever asked for it."""
        await self.send_text(self._out.mark(name))

    async def send_stop(self) -> None:
        """Send `stop`."""
        await self.send_text(self._out.stop())

    async def send_text(self, text: str) -> None:
        """Send any text frame, well-formed or not."""
        await self._outbox.room()
        self._outbox.text(text.encode("utf-8", "surrogatepass"))

    async def send_binary(self, payload: bytes) -> None:
        """Send a binary frame, which Twilio never does."""
        await self._outbox.room()
        self._outbox.binary(payload)

    async def send_raw(self, wire_bytes: bytes) -> None:
        """Send bytes below the WebSocket protocol."""
        (await self._outbox.room()).send_raw(wire_bytes)

    def start_clock(self) -> None:
        """Send a frame every 20 ms from now on: what `say` gave, else silence."""
        if self.ended is None:
            self._clock.start()

    def stop_clock(self) -> None:
        """Send no more frames by itself."""
        self._clock.stop()

    async def say(self, audio: bytes) -> bool:
        """Speak µ-law audio after what is being said already; needs the clock.

        Return when its last frame went out, ``False`` where the stream ended first. A cancelled `say` falls silent.
        """
        return await self._mouth.say(audio)

    def _say_frame(self, start_ms: float) -> None:
        audio = self._mouth.next_frame()
        if self._on_said is not None:
            self._on_said(start_ms, audio)
        self.pass_frame(audio)

    def pass_frame(self, audio: bytes | None, track: Track = "inbound") -> None:
        """Send one frame of a call's own clock, unless this stream is not begun; ``None``: the frame was lost."""
        if self.started_ms is None or self.ended is not None:
            return
        if audio is None or self.now_ms() - self.started_ms < self.behaviour.first_media_ms:
            self._out.skip(track)
            return
        self._outbox.frame(audio, track)

    @property
    def frames_sent(self) -> int:
        """Frames sent as `media`."""
        return self._outbox.frames_sent

    @property
    def frames_dropped(self) -> int:
        """Frames dropped because the server does not read."""
        return self._outbox.frames_dropped

    # -- what the server sends --------------------------------------------------------------------------------

    @property
    def received(self) -> list[Received]:
        """Everything the server sent, up to a bound."""
        return self._inbox.received

    @property
    def playback(self) -> Playback:
        """Twilio's buffer of this stream."""
        return self._inbox.playback

    @property
    def heard(self) -> bytes:
        """What the caller has heard up to now, without the silence in between."""
        return self._inbox.heard

    def heard_of(self, kind: type[ServerMessage]) -> list[ServerMessage]:
        """Return the valid messages of one kind that were received, in order."""
        return [entry.message for entry in self.received if isinstance(entry.message, kind)]

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> None:
        """Wait for a fact that messages, playback or the end of the stream make true. Raises `TimeoutError`."""
        async with asyncio.timeout(timeout_s):
            while not fact():
                self._changed.clear()
                await self._changed.wait()

    async def wait_ended(self, timeout_s: float) -> StreamEnded:
        """Wait until the server has ended the stream. Raises `TimeoutError`."""
        await self.wait_until(lambda: self.ended is not None, timeout_s)
        assert self.ended is not None
        return self.ended

    def complain(self, code: int, text: str) -> None:
        """Note a finding about the server and tell it the first time."""
        new = self.complaints.add(code, text, self.now_ms())
        if new is not None:
            self._on_event(Complained(new.at_ms, new))

    def _on_message(self, frame: Message) -> None:
        if self._tap is not None:
            self._tap.message(frame)
        self._inbox.take(frame)

    def _echo_mark(self, name: str) -> None:
        if self.ended is None:
            self._outbox.text(self._out.mark(name).encode())

    # -- the end ----------------------------------------------------------------------------------------------

    async def hang_up(self) -> None:
        """End the stream as Twilio does when the caller hangs up: `stop`, then close (or as `Behaviour` says)."""
        if self._hung_up:
            return
        self._hung_up = True
        self.stop_clock()
        if self.ended is None and self.started_ms is not None and self.behaviour.send_stop:
            self._outbox.text(self._out.stop().encode())  # at once: whether the server reads is not waited for
        match self.behaviour.ending:
            case "close":
                await self.close()
            case "reset":
                await self.reset()
            case "vanish":
                self.vanish()

    async def close(self, code: int = 1000) -> None:
        """Close the socket, without `stop`."""
        self.stop_clock()
        if self._tap is not None and self.ended is None:
            self._tap.passed("close", "twilio", code=code)
        self._finish("caller", "closed", None)
        await self._outbox.line.close(code)

    async def reset(self) -> None:
        """Break the TCP connection with an RST."""
        if self._tap is not None and self.ended is None:
            self._tap.passed("close", "twilio")
        self._finish("caller", "reset", None)
        await self._outbox.line.abort(reset=True)

    def vanish(self) -> None:
        """Neither read nor write any more, and leave the socket open."""
        self.stop_clock()
        self._outbox.line.vanish()
        self.has_vanished = True
        self._changed.set()

    def stop_reading(self) -> None:
        """Take nothing more from the server."""
        self._outbox.line.pause_reading()

    def read_slowly(self, bytes_per_s: float) -> None:
        """Take at most this many bytes per second from the server."""
        self._outbox.line.read_slowly(bytes_per_s)

    def resume_reading(self) -> None:
        """Read at full speed again."""
        self._outbox.line.resume_reading()

    async def aclose(self) -> None:
        """Free everything, however the stream stands. Safe to repeat."""
        self._finish("nobody", "abandoned", None)
        if self._outbox.socket is not None:
            await self._outbox.socket.abort()

    def _on_ended(self, ended: Ended) -> None:
        if self.ended is not None or ended.how == "ours":
            return
        if self._tap is not None:
            self._tap.passed("close", "bridge", code=ended.code)
        self.fault = fault_of(ended, self.behaviour)
        if self.fault is not None:
            self.complain(self.fault.code, self.fault.text)
        self._finish("server", ended.how, ended.code)

    def _finish(self, by: Literal["caller", "server", "nobody"], how: str, code: int | None) -> None:
        self.stop_clock()
        if self.ended is not None:
            return
        self._inbox.player.stop()
        self.ended = StreamEnded(self.now_ms(), by, how, code, self.playback.buffered_bytes / BYTES_PER_MS)
        self._mouth.shut()
        self._changed.set()
        self._on_event(self.ended)
