"""One call of the REST twin, from its place in the queue to its end: rings, talks, tells. The talk is `sim.call`'s."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from email.utils import format_datetime
from typing import Final

from offhook.sim.behaviour import Behaviour
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.callbacks import voice_form
from offhook.sim.caller import Step
from offhook.sim.events import Complained, Event, OnEvent
from offhook.sim.identity import CallIdentity, fresh_sid
from offhook.sim.reach import Reach
from offhook.sim.report import CallReport
from offhook.sim.rest import alerts
from offhook.sim.rest.callee import Callee, Callees
from offhook.sim.rest.entries import Call, CallStatus, Recording
from offhook.sim.rest.orders import Detection, Order, Taping, Update
from offhook.sim.rest.tape import Pause, Tape
from offhook.sim.rest.telling import Told
from offhook.sim.rest.world import Account, now
from offhook.trace import OnEntry

#: How long detection takes to know a person, or that a machine has begun, in seconds (Twilio's FAQ: about four).
DETECTS_S: Final = 4.0
#: What the network answers with in the end, as status callbacks tell it.
_SIP: Final = {"completed": "200", "busy": "486", "no-answer": "487", "failed": "404", "canceled": "487"}


@dataclass(frozen=True, slots=True)
class Telephony:
    """How calls are made. ``speed`` makes ringing and waiting so many times faster; streams keep their time."""

    callees: Callees = field(default_factory=Callees)
    behaviour: Behaviour = field(default_factory=Behaviour)
    speed: float = 1.0
    reach: Reach | None = None
    #: Told everything that happens, with the call it happens to.
    on_event: Callable[[str, Event], None] | None = None
    on_wire: OnEntry | None = None


class Line:
    """One live call. ``call`` is what the API shows of it."""

    def __init__(self, account: Account, call: Call, telephony: Telephony, told: Told) -> None:
        self.call = call
        self._account = account
        self._telephony = telephony
        self._told = told
        self._sequence = 0
        self._cut = asyncio.Event()
        self._talk: SimulatedCall | None = None
        self._order: Order | None = None
        self._tapes: list[Tape] = []
        self._talk_began_s = 0.0
        self.report: CallReport | None = None

    # -- calls that REST places -----------------------------------------------------------------------------------

    async def place(self, order: Order, waits_s: float) -> None:
        """Wait in the queue, ring, talk if somebody picks up, and tell all of it."""
        self._order = order
        if await self._pause(waits_s):
            return await self._over("canceled")
        await self._tell("initiated", "initiated")
        if self._is_one_too_many():
            self._note(10004, "the account has as many calls at once as it may have")
            return await self._over("failed")
        self._becomes("ringing")
        await self._tell("ringing", "ringing")
        callee = self._telephony.callees.of(order.to)
        rings_s = min(callee.rings_s, order.rings_s) if callee.result != "no-answer" else order.rings_s
        if await self._pause(rings_s):
            return await self._over("canceled")
        if callee.result != "answered" or callee.rings_s > order.rings_s:
            return await self._over("no-answer" if callee.result == "answered" else callee.result)
        await self._answered(order, callee)
        return None

    async def _answered(self, order: Order, callee: Callee) -> None:
        self._becomes("in-progress")
        await self._tell("answered", "in-progress")
        form = {"Direction": self.call.direction, "CallStatus": "in-progress"}
        if order.detection is not None and not order.detection.is_async:
            await self._pause(self._detected(order.detection, callee))
            form["AnsweredBy"] = self.call.answered_by or "unknown"
        elif order.detection is not None:
            self._told.errand(self._detect(order.detection, callee))
        options = replace(
            self._options(order.sender, order.to, form),
            method=order.method,
            fallback_url=order.fallback_url,
            limit_s=min(order.lasts_s or math.inf, self._account.longest_s),
        )
        await self._talks(order.target, callee.steps, options)
        await self._over("completed")

    async def _detect(self, detection: Detection, callee: Callee) -> None:
        """Find out beside the call who has answered, and tell it if the call still lasts."""
        if await self._pause(self._detected(detection, callee)) or detection.callback is None or self.call.is_over:
            return
        form = {
            "AccountSid": self._account.sid,
            "AnsweredBy": self.call.answered_by or "unknown",
            "CallSid": self.call.sid,
            "MachineDetectionDuration": str(round(1000 * self._detected(detection, callee))),
        }
        await self._told.tell(self._account, detection.callback.url, detection.callback.method, form, self.call.sid)

    def _detected(self, detection: Detection, callee: Callee) -> float:
        """Note who is detected; return how many seconds that takes."""
        if not callee.is_machine:
            self.call.answered_by = "human"
            return DETECTS_S
        if detection.mode == "Enable":
            self.call.answered_by = "machine_start"
            return DETECTS_S
        self.call.answered_by = "machine_end_beep"
        return max(DETECTS_S, callee.greeting_s)

    # -- calls to a number of the account -------------------------------------------------------------------------

    async def answer(
        self, target: str, steps: Sequence[Step], options: Callable[[CallOptions], CallOptions]
    ) -> CallReport:
        """Let a caller reach what answers the number; return the report of the call."""
        self._becomes("ringing")
        self._becomes("in-progress")
        made = self._options(self.call.caller, self.call.to, {})
        report = await self._talks(target, steps, options(made))
        self.call.ended = now()
        self._becomes("completed")
        return report

    # -- changes from outside -------------------------------------------------------------------------------------

    async def change(self, update: Update) -> None:
        """Send the call elsewhere, or end it."""
        if update.status is not None:
            await self.end()
        elif update.target is not None and self._talk is not None:
            is_twiml = update.target.lstrip().startswith("<")
            await self._talk.redirect(
                None if is_twiml else update.target, update.target if is_twiml else None, update.method
            )

    async def end(self) -> None:
        """End the call, whatever it is doing."""
        self._cut.set()
        if self._talk is not None:
            await self._talk.complete()

    # -- what both kinds do ---------------------------------------------------------------------------------------

    def _options(self, caller: str, called: str, form: dict[str, str]) -> CallOptions:
        telephony = self._telephony
        return CallOptions(
            auth_token=self._account.auth_token,
            identity=CallIdentity(self._account.sid, self.call.sid, caller, called),
            behaviour=telephony.behaviour,
            limit_s=self._account.longest_s,
            verb_speed=telephony.speed,
            form=form,
            reach=telephony.reach,
            on_wire=telephony.on_wire,
        )

    async def _talks(self, target: str, steps: Sequence[Step], options: CallOptions) -> CallReport:
        self._talk = SimulatedCall(target, steps, options, self._listener(target))
        self._talk_began_s = time.monotonic()
        if self._order is not None and self._order.taping is not None:
            self.record(self._order.taping, "OutboundAPI")
        if self._cut.is_set():
            await self._talk.complete()
        self.report = await self._talk.run()
        for tape in self._tapes:
            self._stop(tape)
        return self.report

    # -- recordings -----------------------------------------------------------------------------------------------

    def record(self, taping: Taping, source: str = "StartCallRecordingAPI") -> Recording | None:
        """Begin a recording; None where nobody talks."""
        if self._talk is None or self.call.status != "in-progress":
            return None
        recording = Recording(
            fresh_sid("RE"), self.call.sid, taping.channels, taping.track, source, now(), callback=taping.callback
        )
        self._account.recordings[recording.sid] = recording
        tape = Tape(recording, lambda: 1000 * (time.monotonic() - self._talk_began_s), self._talk.write)
        self._tapes.append(tape)
        tape.begin()
        self._tell_recording(recording, "in-progress")
        return recording

    def retape(self, recording: Recording, status: str, how: Pause) -> None:
        """Pause a recording, go on with it, or end it."""
        for tape in self._tapes:
            if tape.recording is not recording:
                continue
            match status:
                case "paused":
                    tape.pause(how)
                case "in-progress":
                    tape.begin()
                case _:
                    self._stop(tape)

    def _stop(self, tape: Tape) -> None:
        if tape.recording.wav is None:
            tape.stop()
            self._tell_recording(tape.recording, "completed")

    def _tell_recording(self, recording: Recording, event: str) -> None:
        callback = recording.callback
        if callback is None or event not in callback.events:
            return
        form = {
            "AccountSid": self._account.sid,
            "CallSid": self.call.sid,
            "RecordingChannels": str(recording.channels),
            "RecordingSid": recording.sid,
            "RecordingSource": recording.source,
            "RecordingStartTime": format_datetime(recording.started),
            "RecordingStatus": recording.status,
            "RecordingTrack": recording.track,
            "RecordingUrl": f"{self._told.base_url}/2010-04-01/Accounts/{self._account.sid}/Recordings/{recording.sid}",
        }
        if recording.duration_s is not None:
            form["RecordingDuration"] = str(recording.duration_s)
        self._told.errand(self._told.tell(self._account, callback.url, callback.method, form, self.call.sid))

    def _listener(self, target: str) -> OnEvent:
        on_event, sid = self._telephony.on_event, self.call.sid

        def heard(event: Event) -> None:
            if isinstance(event, Complained):
                alerts.note(self._account, event.complaint, sid, target)
            if on_event is not None:
                on_event(sid, event)

        return heard

    def _note(self, code: int, text: str) -> None:
        alerts.write(self._account, code, "error", text, self.call.sid)

    def _is_one_too_many(self) -> bool:
        most = self._account.most_calls
        live = sum(1 for call in self._account.calls.values() if call.status in ("ringing", "in-progress"))
        return most is not None and live >= most

    async def _pause(self, seconds: float) -> bool:
        """Let time pass; True as soon as the call is ended from outside."""
        try:
            async with asyncio.timeout(seconds / self._telephony.speed):
                await self._cut.wait()
        except TimeoutError:
            return False
        return True

    def _becomes(self, status: CallStatus) -> None:
        self.call.status = status
        self.call.updated = now()
        if status == "in-progress":
            self.call.started = self.call.updated

    async def _over(self, status: CallStatus) -> None:
        self._cut.set()
        self.call.ended = now()
        self._becomes(status)
        await self._tell("completed", status)

    async def _tell(self, event: str, status: str) -> None:
        """Tell the status callback, if it has asked for this event; the next event waits for its answer."""
        callback = self._order.callback if self._order is not None else None
        if callback is None or event not in callback.events:
            return
        call = self.call
        who = CallIdentity(self._account.sid, call.sid, call.caller, call.to)
        form = {
            **voice_form(who),
            "CallStatus": status,
            "CallbackSource": "call-progress-events",
            "Direction": call.direction,
            "SequenceNumber": str(self._sequence),
            "Timestamp": format_datetime(now()),
        }
        self._sequence += 1
        if event == "completed":
            form |= {
                "CallDuration": str(call.duration_s),
                "Duration": str(math.ceil(call.duration_s / 60)),
                "SipResponseCode": _SIP[status],
            }
            form |= {"AnsweredBy": call.answered_by} if call.answered_by else {}
        await self._told.tell(self._account, callback.url, callback.method, form, call.sid)
