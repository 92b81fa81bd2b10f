"""One simulated call: a caller with a telephone, Twilio in between, any server at the other end.

The target is a voice webhook (``http(s)://…``: signed request, TwiML, streams, callbacks), a TwiML document (``<…``)
or a stream (``ws(s)://…``: one Media Streams connection and nothing else)::

    steps = [WaitForAgent(), Say(question, "When are you open?"), WaitForAgent(), HangUp()]   # offhook.sim.caller
    call = SimulatedCall("http://127.0.0.1:8080/twilio/voice", steps, CallOptions(auth_token=token), print)
    report = await call.run()            # never raises for what the server does wrong: the report says it
    report.ok, report.turns, report.latencies_ms, report.barge_ins, report.complaints
    call.write(Path("out"))              # call.wav (caller left, agent right as heard) and call.json

It prints nothing and reads no files. `scenario` reads steps from a file; `stream` is the level below.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit, urlunsplit

from offhook.sim.behaviour import Behaviour
from offhook.sim.callbacks import Callbacks
from offhook.sim.caller import Caller, LineOver, Step
from offhook.sim.complaints import DEAD_AIR, LineFault
from offhook.sim.events import Dialled, DigitPressed, Event, HungUp, OnEvent, Party, StreamStarted, ignore
from offhook.sim.hearing import Hearing
from offhook.sim.identity import CallIdentity
from offhook.sim.interpreter import DialOutcome, Interpreter, Plan, Rerouted, StreamOrder
from offhook.sim.reach import Reach
from offhook.sim.recording import write_stereo
from offhook.sim.report import CallReport, barge_ins_of, turns_of
from offhook.sim.stream import StreamClient
from offhook.sim.webhook import Webhooks
from offhook.sim.witness import Witness
from offhook.trace import OnEntry

#: After a hang-up, what the line was doing may take this long to end.
ENDING_S: Final = 3.0
#: How often a caller looks whether what is waited for has come.
MOMENT_S: Final = 0.01


@dataclass(frozen=True, slots=True)
class CallOptions:
    """How one call is made. ``auth_token`` signs; without it everything goes unsigned."""

    auth_token: str | None = None
    identity: CallIdentity = field(default_factory=CallIdentity)
    behaviour: Behaviour = field(default_factory=Behaviour)
    #: Custom parameters of a stream that is dialled directly; a webhook's TwiML brings its own.
    parameters: Mapping[str, str] = field(default_factory=dict)
    method: str = "POST"
    fallback_url: str | None = None
    status_url: str | None = None
    dial: DialOutcome = field(default_factory=DialOutcome)
    limit_s: float = 600.0
    verb_speed: float = 1.0
    #: Told everything that passes on the wire, for a trace.
    on_wire: OnEntry | None = None
    #: Parameters of every webhook that are not those of an ordinary incoming call.
    form: Mapping[str, str] = field(default_factory=dict)
    #: Where the server's public name is reached on this machine.
    reach: Reach | None = None


class SimulatedCall:
    """One call, made once by `run`. It is the caller's `Line` and the interpreter's `Exchange`."""

    def __init__(
        self, target: str, steps: Sequence[Step], options: CallOptions | None = None, on_event: OnEvent = ignore
    ) -> None:
        self._target = target
        self._options = options or CallOptions()
        self._caller = Caller(steps)
        self._witness = Witness(on_event)
        self._stream: StreamClient | None = None
        self._over: HungUp | None = None
        self._keys: list[str] = []
        self._gathers = False
        self._next: Rerouted | None = None
        self._frames_sent = self._frames_dropped = 0
        self._callbacks: Callbacks

    @property
    def agent(self) -> Hearing:
        """What the caller hears of the agent."""
        return self._witness.agent

    async def run(self) -> CallReport:
        """Make the call and return its report. What the server does wrong is in the report, never raised."""
        self.tell(Dialled(self.now_ms(), _shown(self._target)))
        behaviour = self._options.behaviour
        webhooks = Webhooks(
            self._options.auth_token,
            sign_as=behaviour.sign_as,
            wrong_signature=behaviour.signature == "wrong",
            on_wire=self._options.on_wire,
            call_sid=self._options.identity.call_sid,
            reach=self._options.reach,
        )
        async with webhooks, asyncio.TaskGroup() as errands:
            self._callbacks = Callbacks(self._options.identity, webhooks, errands, self.complain)
            self._callbacks.form |= self._options.form
            async with asyncio.TaskGroup() as parties:
                line = parties.create_task(self._run_line(webhooks))
                caller = parties.create_task(self._run_caller())
                both = {line, caller}
                await asyncio.wait(both, timeout=self._options.limit_s, return_when=asyncio.FIRST_COMPLETED)
                if not line.done():
                    if caller.done():
                        self._end("caller", "the caller hung up")
                    else:
                        self._end("twilio", f"cut off after {self._options.limit_s:g} s")
                        self._caller.problems.append("the call reached its time limit")
                    await self._leave(line)
            if self._options.status_url is not None:
                self._callbacks.call_completed(self._options.status_url, self.now_ms() / 1000)
        self._settle()
        return self.report()

    async def redirect(self, url: str | None = None, twiml: str | None = None, method: str = "POST") -> None:
        """Abandon the current TwiML and run another, as a REST update does: an open stream gets `stop` and a close.

        Raises `ValueError` unless exactly one of ``url`` and ``twiml`` is given; a call that is over stays over.
        """
        if (url is None) == (twiml is None):
            raise ValueError("a call is redirected either to a url or to twiml")
        self._next = Rerouted(url, twiml, method)
        if self._stream is not None:
            await self._stream.hang_up()

    async def complete(self) -> None:
        """End the call, as a REST update to `completed` does."""
        self._end("server", "ended over the REST API")
        if self._stream is not None:
            await self._stream.hang_up()

    def _end(self, by: Party, why: str) -> None:
        if self._over is None:
            self._over = HungUp(self.now_ms(), by, why)
            self.tell(self._over)

    async def _leave(self, line: asyncio.Task[None]) -> None:
        if self._stream is not None:
            await self._stream.hang_up()
        _, waiting = await asyncio.wait({line}, timeout=ENDING_S)
        for task in waiting:
            task.cancel()

    async def _run_caller(self) -> None:
        try:
            await self._caller.talk(self)
        except LineOver:
            return
        if self._caller.dead_air:
            self.complain(DEAD_AIR, "")

    async def _run_line(self, webhooks: Webhooks) -> None:
        try:
            if _is_stream(self._target):
                self._end("server", await self._run_bare_stream())
            else:
                plan = Plan(
                    self._target,
                    self._options.method,
                    self._options.fallback_url,
                    dial=self._options.dial,
                    speed=self._options.verb_speed,
                )
                self._end(*await Interpreter(plan, webhooks, self, self._callbacks.form, self.now_ms).run())
        except LineOver:
            return

    async def _run_bare_stream(self) -> str:
        try:
            await self.run_stream(StreamOrder(self._target, None, self._options.parameters, None, "POST"))
        except LineFault as fault:
            self.complain(fault.code, fault.text, fault.status)
            return "the stream could not be opened"
        return "the server ended the stream"

    # -- the exchange: what the interpreter asks for --------------------------------------------------------------

    def now_ms(self) -> float:
        """Return the time of the call."""
        return self._witness.now_ms()

    def tell(self, event: Event) -> None:
        """Note an event and pass it on."""
        self._witness.tell(event)

    def complain(self, code: int, text: str, http_status: int | None = None) -> None:
        """Note a finding."""
        self._witness.complain(code, text, http_status)

    async def run_stream(self, order: StreamOrder) -> None:
        """Open a stream and return when it is over. Raises `LineFault` when it cannot be opened, `LineOver` after."""
        if not _may_be_plain(order.url):
            self.complain(31922, "Twilio connects to wss:// only")
        try:
            stream = await StreamClient.open(
                order.url,
                auth_token=self._options.auth_token,
                identity=self._options.identity,
                behaviour=self._options.behaviour,
                on_event=self.tell,
                on_heard=self._witness.heard,
                on_said=self._witness.said,
                now_ms=self.now_ms,
                complaints=self._witness.complaints,
                on_wire=self._options.on_wire,
                reach=self._options.reach,
            )
        except LineFault as fault:
            self._callbacks.stream(order, "", "stream-error", f"{fault.code} - {fault.text}")
            raise
        try:
            async with stream:
                await self._hold(stream, order)
        finally:
            self.agent.cut()
        if self._over is not None:
            raise LineOver
        self._reroute()

    def _reroute(self) -> None:
        if self._next is not None:
            following, self._next = self._next, None
            raise following

    async def _hold(self, stream: StreamClient, order: StreamOrder) -> None:
        await stream.begin(order.parameters)
        stream.start_clock()
        self._stream = stream
        self.tell(StreamStarted(self.now_ms(), stream.stream_sid))
        self._callbacks.stream(order, stream.stream_sid, "stream-started")
        try:
            await stream.wait_ended(self._options.limit_s + ENDING_S)
        finally:
            self._stream = None
            self._frames_sent += stream.frames_sent
            self._frames_dropped += stream.frames_dropped
        self._callbacks.stream(order, stream.stream_sid, "stream-stopped")

    async def wait_s(self, seconds: float) -> None:
        """Let time pass. Raises `LineOver`, or `Rerouted`."""
        await self.wait_until(lambda: self._next, seconds)
        self._reroute()

    async def gather(self, count: int | None, finish_on: str, timeout_s: float) -> str:
        """Return the digits pressed, at most ``count``, without the key that finishes them. Raises `LineOver`."""
        digits = ""
        self._gathers = True
        try:
            while (count is None or len(digits) < count) and await self.wait_until(
                lambda: self._keys or self._next, timeout_s
            ):
                self._reroute()
                key = self._keys.pop(0)
                if key == finish_on:
                    break
                digits += key
        finally:
            self._gathers = False
        return digits

    # -- the line: what the caller does -----------------------------------------------------------------------------

    async def say(self, audio: bytes, text: str) -> None:
        """Speak into the stream; wait for one where there is none yet. Raises `LineOver`."""
        await self.wait_until(lambda: self._stream is not None, self._options.limit_s)
        self._witness.speaks(text)
        if self._stream is not None:
            await self._stream.say(audio)
            self._witness.caller.cut()
        if self._over is not None:
            raise LineOver

    async def press(self, digit: str) -> None:
        """Press a key: it goes to the stream, or else to a `<Gather>`."""
        self.tell(DigitPressed(self.now_ms()))
        if self._stream is not None:
            await self._stream.send_digit(digit)
        elif len(self._keys) < 64:
            self._keys.append(digit)

    async def wait_until(self, fact: Callable[[], object], timeout_s: float) -> bool:
        """Wait for a fact; ``False`` when the time is up. Raises `LineOver`."""
        until_ms = self.now_ms() + timeout_s * 1000
        while True:
            self._witness.settle()
            if self._over is not None:
                raise LineOver
            if fact():
                return True
            if self.now_ms() >= until_ms:
                return False
            await asyncio.sleep(MOMENT_S)

    # -- the report ------------------------------------------------------------------------------------

    def _settle(self) -> None:
        self._end("server", "the call ended")
        self._witness.caller.cut()
        self._witness.agent.cut()

    def report(self) -> CallReport:
        """Return what is known of the call, also while it lasts or after it was broken off."""
        seen = self._witness
        utterances = seen.agent.utterances
        return CallReport(
            target=_shown(self._target),
            call_sid=self._options.identity.call_sid,
            account_sid=self._options.identity.account_sid,
            stream_sids=tuple(seen.stream_sids),
            stream_started_ms=seen.stream_started_ms,
            first_heard_ms=utterances[0].start_ms if utterances else None,
            heard_ms=sum(spoken.end_ms - spoken.start_ms for spoken in utterances),
            frames_sent=self._frames_sent,
            frames_dropped=self._frames_dropped,
            turns=turns_of(seen.lines, utterances),
            barge_ins=barge_ins_of(seen.lines, utterances, seen.clears_ms),
            complaints=tuple(seen.complaints),
            problems=tuple(self._caller.problems),
            ended=self._over or HungUp(self.now_ms(), "nobody", "not over"),
            twiml=tuple(seen.twiml),
            events=tuple(seen.events),
        )

    def write(self, folder: Path) -> None:
        """Write `call.wav` and `call.json` into a folder, which is made where it is missing. Raises `OSError`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_stereo(folder / "call.wav", self._witness.caller_track, self._witness.agent_track)
        self.report().write(folder / "call.json")


def _shown(url: str) -> str:
    """Return a target as it may be printed: a URL without user info, query and fragment."""
    if url.lstrip().startswith("<"):
        return "TwiML"
    parts = urlsplit(url)
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))


def _is_stream(target: str) -> bool:
    return target.startswith(("ws://", "wss://"))


def _may_be_plain(url: str) -> bool:
    """Whether this stream URL is right: wss, or ws to this very machine, as in tests and in development."""
    parts = urlsplit(url)
    if parts.scheme == "wss":
        return True
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
