"""The two ends of each call of a load run: a caller as Twilio's stream, an agent as Deepgram's socket. One clock.

The agent is Deepgram-compatible as far as a bridge needs it: Welcome, Settings, SettingsApplied, stamped speech in
real time, barge-ins. It understands nothing; for an agent that does see `offhook agent`.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import deque
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from picows import WSCloseCode, WSFrame, WSListener, WSMsgType, WSTransport, ws_connect

from offhook.sim import messages, signing, twiml
from offhook.sim.callbacks import voice_form
from offhook.sim.complaints import LineFault
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.load_state import LoadRun, now_us
from offhook.sim.outgoing import Outgoing
from offhook.sim.stamp import FROM_AGENT, FROM_CALLER, Stamp, StampReader, stamped
from offhook.sim.webhook import Webhooks
from offhook.wire.ulaw import BYTES_PER_MS, FRAME_MS

CONNECT_S: Final = 10.0
#: Agent audio ahead of the clock, as a real agent's is; so a barge-in always finds something to clear.
LEAD_FRAMES: Final = 10
PAUSE_S: Final = 0.2
MARKS_MOST: Final = 256
#: Bytes unsent on one stream; a server that is further behind is given up.
UNSENT_BYTES: Final = 256 * 1024
#: A bridge may drop caller audio from before the agent was ready, with this much grace.
READY_GRACE_US: Final = 250_000
_FRAME_S: Final = FRAME_MS / 1000


class AgentCall(WSListener):
    """One agent socket: speaks stamped audio in real time, is barged in on, checks what it hears."""

    def __init__(self, run: LoadRun, number: int) -> None:
        self.run, self.number = run, number
        self.heard = StampReader(FROM_CALLER)
        self.caller: Caller | None = None
        self.transport: WSTransport | None = None
        self.turn = self.sent = self.ready_us = self.barged_us = 0
        self._timer: asyncio.Handle | None = None
        self._next_s = self._turn_ends_s = 0.0

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self._say(type="Welcome", request_id="00000000-0000-4000-8000-000000000001")

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self._hear(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.TEXT and not self.ready_us:
            self._settings(json.loads(frame.get_payload_as_bytes()))
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
        self.run.changed.set()

    def drop(self) -> None:
        """Close at once."""
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def _say(self, **message: object) -> None:
        if self.transport is not None:
            self.transport.send(WSMsgType.TEXT, json.dumps(message).encode())

    def _settings(self, message: Mapping[str, object]) -> None:
        if message.get("type") == "Settings":
            self._say(type="SettingsApplied")
            self.ready_us = now_us()
            self._begin_turn()

    def _begin_turn(self) -> None:
        if self.run.quiet:
            return
        self._say(type="ConversationText", role="assistant", content="We open at nine.")
        self._next_s = self.run.loop.time()
        self._turn_ends_s = self._next_s + self.run.plan.barge_in_s
        for _ in range(LEAD_FRAMES):
            self._send_frame()
        self._tick_at(self._next_s + _FRAME_S)

    def _send_frame(self) -> None:
        if self.transport is not None:
            stamp = Stamp(self.turn & 0xFFFF, self.number, self.sent, now_us())
            self.transport.send(WSMsgType.BINARY, stamped(FROM_AGENT, stamp))
            self.sent += 1

    def _tick_at(self, due_s: float) -> None:
        self._next_s = due_s
        self._timer = self.run.loop.call_at(due_s, self._tick)

    def _tick(self) -> None:
        self.run.tally.late.append(int((self.run.loop.time() - self._next_s) * 1e6))
        if self.run.quiet:
            self._say(type="AgentAudioDone")
        elif self.caller is not None and self._next_s > self._turn_ends_s:
            self._barge_in(self.caller)
        else:
            self._send_frame()
            self._tick_at(self._next_s + _FRAME_S)

    def _barge_in(self, caller: Caller) -> None:
        caller.expects_clear()
        self.turn, self.barged_us = self.turn + 1, now_us()
        self._say(type="UserStartedSpeaking")
        self._say(type="AgentAudioDone")
        self._timer = self.run.loop.call_later(PAUSE_S, self._begin_turn)

    def _hear(self, audio: bytes) -> None:
        for stamp in self.heard.feed(audio):
            if self.caller is None:
                self._bind(stamp)
            if self.run.tally.steady and stamp.sent_us >= self.ready_us:
                self.run.tally.up.append(now_us() - stamp.sent_us)

    def _bind(self, stamp: Stamp) -> None:
        self.caller = caller = self.run.callers[stamp.sender % len(self.run.callers)]
        if caller.agent is not None:
            self.run.tally.crossed += 1
        caller.agent = self
        early = max(0, self.ready_us + READY_GRACE_US - caller.started_us) // (FRAME_MS * 1000) + 1
        self.heard.lost -= min(self.heard.lost, early)


class Caller(WSListener):
    """One call as Twilio makes it: webhook, stream, a frame every 20 ms, marks returned when they were heard."""

    def __init__(self, run: LoadRun, number: int) -> None:
        self.run, self.number = run, number
        self.identity = CallIdentity(account_sid=run.plan.account_sid)
        self.out = Outgoing(fresh_sid("MZ"), self.identity, random.Random(number))  # noqa: S311 - repeatable jitter
        self.heard = StampReader(FROM_AGENT)
        self.agent: AgentCall | None = None
        self.transport: WSTransport | None = None
        self.started_us = self.first_us = self.sent = 0
        self.hung_up = self.audible = False
        self._marks: deque[tuple[int, str]] = deque()
        self._plays_until_us = 0
        self._awaits_clear = False
        self._timer: asyncio.Handle | None = None
        self._next_s = 0.0

    async def start(self, webhooks: Webhooks) -> None:
        """Ring, connect and begin. Raises `LineFault`, or what a socket raises."""
        plan, parameters, url = self.run.plan, {}, self.run.plan.url
        if urlsplit(url).scheme.startswith("http"):
            answer = await webhooks.ask(url, "POST", voice_form(self.identity))
            stream = _stream_of(twiml.parse(answer.body, answer.content_type))
            parameters = {p.attributes["name"]: p.attributes["value"] for p in stream.children if p.name == "Parameter"}
            url = stream.attributes["url"]
        signed = urlsplit(url)
        headers = {"User-Agent": "Twilio.TmeWs/1.0", "Host": signed.netloc}
        if plan.auth_token is not None:
            headers["X-Twilio-Signature"] = signing.sign_stream(plan.auth_token, url)
        local = f"ws://{urlsplit(plan.url).netloc}{signed.path}"
        await ws_connect(lambda: self, local, extra_headers=headers, websocket_handshake_timeout=CONNECT_S, proxy=None)
        self._send(self.out.connected())
        self.started_us = now_us()
        self._send(self.out.start(parameters))
        self._next_s = self.run.loop.time() + _FRAME_S * (1 + random.random())  # noqa: S311 - spreads the phases
        self._timer = self.run.loop.call_at(self._next_s, self._tick)

    def hang_up(self) -> None:
        """Say `stop` and close."""
        self.run.tally.clears_missed += self._awaits_clear
        self.hung_up = True
        if self._timer is not None:
            self._timer.cancel()
        if self.transport is not None:
            self._send(self.out.stop())
            self.transport.send_close(WSCloseCode.OK)
            self.transport.disconnect()

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport

    def on_ws_disconnected(self, transport: WSTransport) -> None:  # noqa: ARG002 - picows' signature
        self.transport = None
        if self._timer is not None:
            self._timer.cancel()
        if not self.hung_up:
            self.run.tally.failed("the server ended the stream")
        self.run.changed.set()

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.TEXT:
            try:
                self._take(messages.read_server_message(frame.get_payload_as_utf8_text(), self.out.stream_sid))
            except (messages.InvalidMessage, UnicodeDecodeError):
                self.run.tally.bad_messages += 1
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def drop(self) -> None:
        """Close at once."""
        self.hung_up = True
        if self.transport is not None:
            self.transport.disconnect(graceful=False)

    def expects_clear(self) -> None:
        """Be told that the agent was just interrupted."""
        self.run.tally.clears_missed += self._awaits_clear
        self.run.tally.clears_due += 1
        self._awaits_clear = True

    def _send(self, text: str) -> None:
        self._write(text.encode())

    def _write(self, text: bytes) -> None:
        if self.transport is not None:
            self.transport.send(WSMsgType.TEXT, text)

    def _tick(self) -> None:
        self.run.tally.late.append(int((self.run.loop.time() - self._next_s) * 1e6))
        self._write(self.out.media(stamped(FROM_CALLER, Stamp(0, self.number, self.sent, now_us()))))
        self.sent += 1
        if self.transport is not None and self.transport.underlying_transport.get_write_buffer_size() > UNSENT_BYTES:
            self.run.tally.failed("the server does not read")
            self.drop()
            return
        self._return_marks(now_us())
        self._next_s += _FRAME_S
        self._timer = self.run.loop.call_at(self._next_s, self._tick)

    def _take(self, message: messages.ServerMessage) -> None:
        now = now_us()
        match message:
            case messages.ServerMedia(audio):
                self.audible = True
                self._plays_until_us = max(now, self._plays_until_us) + len(audio) * 1000 // BYTES_PER_MS
                self._hear(audio, now)
            case messages.ServerMark(name):
                if len(self._marks) < MARKS_MOST:
                    self._marks.append((self._plays_until_us, name))
            case messages.ServerClear():
                if self._awaits_clear and self.agent is not None:
                    self.run.tally.clear.append(now - self.agent.barged_us)
                self._awaits_clear, self._plays_until_us = False, now
                self._marks = deque((now, name) for _, name in self._marks)
        self._return_marks(now)

    def _hear(self, audio: bytes, now: int) -> None:
        if not self.first_us:
            self.first_us = now
            self.run.tally.first_audio.append(now - self.started_us)
        for stamp in self.heard.feed(audio):
            if self._awaits_clear and self.agent is not None and stamp.turn == self.agent.turn & 0xFFFF:
                self.run.tally.clears_missed += 1  # the next turn is audible and the old one was not cleared
                self._awaits_clear = False
            if self.run.tally.steady and stamp.sent_us >= self.started_us:
                self.run.tally.down.append(now - stamp.sent_us)

    def _return_marks(self, now: int) -> None:
        while self._marks and self._marks[0][0] <= now:
            self._send(self.out.mark(self._marks.popleft()[1]))


def _stream_of(document: twiml.Document) -> twiml.Element:
    for verb in document.verbs:
        stream = verb.child("Stream") if verb.name == "Connect" else None
        if stream is not None:
            return stream
    raise LineFault(12200, "the TwiML has no <Connect><Stream>")
