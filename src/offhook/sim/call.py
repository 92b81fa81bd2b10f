"""One simulated call: a caller with a telephone, Twilio in between, any server at the other end.

The target is a voice webhook (``http(s)://…``: signed request, TwiML, streams, callbacks), a TwiML document (``<…``)
or a stream (``ws(s)://…``: one Media Streams connection and nothing else)::

    steps = [WaitForAgent(), Say(question, "When are you open?"), WaitForAgent(), HangUp()]   # offhook.sim.caller
    call = SimulatedCall("http://127.0.0.1:8080/twilio/voice", steps, CallOptions(auth_token=token), print)
    report = await call.run()            # never raises for what the server does wrong: the report says it
    report.ok, report.turns, report.latencies_ms, report.barge_ins, report.complaints
    call.write(Path("out"))              # call.wav (caller left, agent right as heard) and call.json

While it runs it can be looked at and changed as by Twilio's REST API: `state`, `redirect`, `complete`, `start_stream`,
`start_recording` …; `switch` keeps many calls of one account. With `CallOptions.outbound` Twilio places the call and
the steps are those of the one who is called. It prints nothing and reads no files.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from offhook.sim.call_parts import CallParts
from offhook.sim.call_streams import Fork
from offhook.sim.callbacks import StatusHook
from offhook.sim.caller import Caller, LineOver, Step
from offhook.sim.circuit import Circuit
from offhook.sim.complaints import DEAD_AIR, LineFault
from offhook.sim.events import Dialled, OnEvent, Party, ignore
from offhook.sim.hearing import Hearing
from offhook.sim.interpreter import Interpreter
from offhook.sim.life import live
from offhook.sim.options import CallOptions
from offhook.sim.plan import Rerouted, StreamOrder
from offhook.sim.recording import write_stereo
from offhook.sim.report import CallReport
from offhook.sim.report_of import report_of, shown
from offhook.sim.ringing import Ringing
from offhook.sim.state import CallState, CallStatus
from offhook.sim.tapes import Tape
from offhook.sim.trial import CALL_S
from offhook.sim.witness import Witness

__all__ = ["CallOptions", "SimulatedCall"]

#: After a hang-up, what the line was doing may take this long to end.
ENDING_S: Final = 3.0


class SimulatedCall:
    """One call, made once by `run`."""

    def __init__(
        self, target: str, steps: Sequence[Step], options: CallOptions | None = None, on_event: OnEvent = ignore
    ) -> None:
        self._target = target
        self._options = options = options or CallOptions()
        self._caller = Caller(steps)
        self._witness = Witness(on_event)
        outbound = options.outbound is not None
        state = CallState(
            options.identity.call_sid,
            options.identity.account_sid,
            "outbound-api" if outbound else "inbound",
            options.identity.caller,
            options.identity.called,
            "queued" if outbound else "ringing",
            datetime.now(UTC),
        )
        self._circuit = Circuit(self._witness, state, self._on_state)
        self._parts: CallParts | None = None
        self._status_hook = StatusHook.of(options.plan(target).route)

    # -- what may be asked at any time ------------------------------------------------------------------------------

    @property
    def state(self) -> CallState:
        """What is known of the call now."""
        return self._circuit.state

    @property
    def agent(self) -> Hearing:
        """What the caller hears of the agent."""
        return self._witness.agent

    @property
    def legs(self) -> tuple[CallState, ...]:
        """Those a `<Dial>` of this call has called."""
        return () if self._parts is None else tuple(self._parts.desk.legs)

    @property
    def streams(self) -> tuple[Fork, ...]:
        """The streams of `<Start>`, running and stopped."""
        return () if self._parts is None else tuple(self._parts.streams.forks)

    @property
    def recordings(self) -> tuple[Tape, ...]:
        """The recordings, running and completed."""
        return () if self._parts is None else tuple(self._parts.desk.tapes)

    def report(self) -> CallReport:
        """Return what is known of the call, also while it lasts or after it was broken off."""
        streams = None if self._parts is None else self._parts.streams
        return report_of(self._target, self._circuit, streams, self._caller.problems)

    def write(self, folder: Path) -> None:
        """Write `call.wav` and `call.json` into a folder, which is made where it is missing. Raises `OSError`."""
        folder.mkdir(parents=True, exist_ok=True)
        write_stereo(folder / "call.wav", self._witness.caller_track, self._witness.agent_track)
        self.report().write(folder / "call.json")

    # -- what the REST API can do to it -----------------------------------------------------------------------------

    async def redirect(
        self,
        url: str | None = None,
        twiml: str | None = None,
        method: str = "POST",
        fallback: tuple[str, str] | None = None,
    ) -> None:
        """Abandon the current TwiML and run another, as a REST update does: an open stream gets `stop` and a close.

        ``fallback``: address and method of another fallback from now on. A call that is over stays over. Raises
        `ValueError` unless exactly one of ``url`` and ``twiml`` is given.
        """
        if (url is None) == (twiml is None):
            raise ValueError("a call is redirected either to a url or to twiml")
        self._circuit.reroute(Rerouted(url, twiml, method, fallback))
        if self._parts is not None:
            await self._parts.streams.end_connected()

    async def complete(self, status: CallStatus = "completed") -> None:
        """End the call, as a REST update to `completed` does, or to `canceled` while it rings."""
        self._circuit.end("server", "ended over the REST API", status)
        if self._parts is not None:
            await self._parts.streams.hang_up()

    def tell_status_to(self, hook: StatusHook | None) -> None:
        """Tell further changes of the status there."""
        self._status_hook = hook
        if self._parts is not None:
            self._parts.callbacks.status = hook

    async def start_stream(self, order: StreamOrder) -> Fork:
        """Start a one-way stream (the Streams resource). Raises `LineFault`, or `LineOver` when the call is not on."""
        return await self._live().streams.start(order)

    async def stop_stream(self, name_or_sid: str) -> bool:
        """Stop a one-way stream; say whether it was running."""
        return self._parts is not None and await self._parts.streams.stop(name_or_sid)

    def start_recording(self, source: str = "StartCallRecordingAPI") -> Tape:
        """Record the caller from now on. Raises `LineOver` when the call is not on."""
        parts = self._live()
        tape = Tape(source, self.state.sid)
        parts.desk.tapes.append(tape)
        parts.handset.attach(tape.take)
        return tape

    def stop_recording(self, tape: Tape) -> None:
        """Complete a recording. Safe to repeat."""
        if self._parts is not None:
            self._parts.handset.detach(tape.take)
        tape.finish()

    def _live(self) -> CallParts:
        if self._parts is None or not self._circuit.is_answered or self._circuit.over is not None:
            raise LineOver
        return self._parts

    # -- the call ---------------------------------------------------------------------------------------------------

    async def run(self) -> CallReport:
        """Make the call and return its report. What the server does wrong is in the report, never raised."""
        self._witness.tell(Dialled(self._circuit.now_ms(), shown(self._target)))
        async with CallParts.of(self._target, self._options, self._circuit) as parts:
            self._parts = parts
            parts.callbacks.status = self._status_hook
            self._circuit.announce()
            async with asyncio.TaskGroup() as parties:
                line = parties.create_task(self._run_line(parts))
                caller = parties.create_task(self._run_caller(parts))
                await self._until_over(line, caller)
                await self._leave(line, parts)
                await parts.streams.hang_up()
            parts.settle()
        self._witness.caller.cut()
        self._witness.agent.cut()
        return self.report()

    async def _until_over(self, line: asyncio.Task[None], caller: asyncio.Task[None]) -> None:
        options = self._options
        ours, twilios = options.limit_s, CALL_S if options.trial != "no" else options.time_limit_s
        await asyncio.wait({line, caller}, timeout=min(ours, twilios), return_when=asyncio.FIRST_COMPLETED)
        if line.done():
            return
        if caller.done():
            self._end("caller", "the caller hung up")
        elif twilios <= ours:
            if options.trial != "no":
                self._witness.complain(13805, "")
            self._end("twilio", f"the call reached its time limit of {twilios:g} s")
        else:
            self._end("twilio", f"cut off after {ours:g} s")
            self._caller.problems.append("the call reached its time limit")

    async def _leave(self, line: asyncio.Task[None], parts: CallParts) -> None:
        await parts.streams.hang_up()
        _, waiting = await asyncio.wait({line}, timeout=ENDING_S + self._options.behaviour.half_open_s)
        for task in waiting:
            task.cancel()

    def _end(self, by: Party, why: str) -> None:
        self._circuit.end(by, why)

    def _on_state(self, state: CallState) -> None:
        if self._parts is not None:
            self._parts.on_state(state)
        self._options.on_state(state)

    async def _run_caller(self, parts: CallParts) -> None:
        life = self._options.life
        try:
            if self._options.outbound is not None:
                await self._circuit.wait_until(lambda: self._circuit.is_answered, 1e9)
            talking = asyncio.create_task(self._caller.talk(parts.handset))
            living = asyncio.create_task(live(life, parts.handset)) if life.is_eventful else None
            await self._either(talking, living)
        except LineOver:
            return
        if self._caller.dead_air:
            self._witness.complain(DEAD_AIR, "")

    async def _either(self, talking: asyncio.Task[None], living: asyncio.Task[str] | None) -> None:
        """Wait for the script or for impatience, whichever is first. Raises `LineOver`."""
        both: set[asyncio.Task[None] | asyncio.Task[str]] = {talking} | ({living} if living is not None else set())
        try:
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            if talking.done():
                talking.result()
            elif living is not None and (bored := living.result()):
                self._caller.problems.append(bored)
        finally:
            for task in both:
                task.cancel()
            await asyncio.wait(both)
            for task in both:
                if not task.cancelled():
                    task.exception()

    async def _run_line(self, parts: CallParts) -> None:
        try:
            if self._options.outbound is not None:
                ringing = Ringing(self._options.outbound, parts)
                await ringing.until_answered()
                async with ringing.detecting():
                    await self._run_target(parts)
            else:
                await self._run_target(parts)
        except LineOver:
            return

    async def _run_target(self, parts: CallParts) -> None:
        if self._target.startswith(("ws://", "wss://")):
            self._end("server", await self._run_bare_stream(parts))
        else:
            self._end(*await Interpreter(parts.desk).run())

    async def _run_bare_stream(self, parts: CallParts) -> str:
        self._circuit.becomes("in-progress")
        try:
            await parts.streams.connect(StreamOrder(self._target, None, self._options.parameters))
        except LineFault as fault:
            self._witness.complain(fault.code, fault.text, fault.status)
            return "the stream could not be opened"
        return "the server ended the stream"
