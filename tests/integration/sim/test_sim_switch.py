"""Calls of one account in both directions, as whoever plays the REST API makes, watches and changes them."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web
from tests.integration.sim.office import LISTEN, TOKEN, Office
from tests.kit.raw import until

from offhook.sim.callbacks import StatusHook
from offhook.sim.caller import HangUp, LineOver, Say, WaitForHangUp, voicemail
from offhook.sim.network import Network
from offhook.sim.outbound import Detection, Pickup
from offhook.sim.plan import Route, StreamOrder
from offhook.sim.state import CallState
from offhook.sim.switch import Order, Phone, Switch, SwitchOptions

OURS, THEIRS, OTHER = "+15005550006", "+14155550123", "+14155550124"
LOUD = b"\x10\x90" * 80
EVENTS = ("initiated", "ringing", "answered", "completed")


def switch(office: Office, phones: dict[str, Phone], **options: object) -> Switch:
    return Switch(SwitchOptions(TOKEN, verb_speed=20.0, **options), phones)  # type: ignore[arg-type]


def route(office: Office, path: str = "/voice") -> Route:
    return Route(f"{office.http}{path}", status_url=f"{office.http}/status", status_events=EVENTS)


async def test_a_call_that_is_placed_rings_is_answered_and_told(office: Office):
    office.documents = {"/voice": office.stream_document(), "/status": ""}
    told: list[CallState] = []
    phone = Phone((LISTEN, Say(LOUD * 20), LISTEN, HangUp()), Pickup(rings_s=0.2))
    async with switch(office, {THEIRS: phone}, on_state=told.append) as calls:
        call = calls.place(Order(route(office), OURS, THEIRS))
        assert call.state.status == "queued"
        report = await calls.finished(call.state.sid)
    assert report.ok, report.why_not
    assert [state.status for state in told] == ["queued", "initiated", "ringing", "in-progress", "completed"]
    assert {state.direction for state in told} == {"outbound-api"}
    forms = office.of("/status")
    assert [form["CallStatus"] for form in forms] == ["initiated", "ringing", "in-progress", "completed"]
    assert [form["SequenceNumber"] for form in forms] == ["0", "1", "2", "3"]
    assert {form["CallbackSource"] for form in forms} == {"call-progress-events"}
    assert forms[-1]["Duration"] == "1"
    assert forms[-1]["SipResponseCode"] == "200"
    (voice,) = office.of("/voice")
    assert (voice["Direction"], voice["CallStatus"], voice["To"]) == ("outbound-api", "in-progress", THEIRS)
    assert office.unsigned == []


async def test_nobody_picks_up_is_busy_or_gives_no_answer(office: Office):
    office.documents = {"/status": ""}
    for pickup, status, rings_s in (
        (Pickup("busy", 0.1), "busy", 60),
        (Pickup("failed", 0.1), "failed", 60),
        (Pickup("no-answer", 0.1), "no-answer", 60),
        (Pickup("answered", 30.0), "no-answer", 1),
        (Pickup("never"), "no-answer", 1),
    ):
        async with switch(office, {THEIRS: Phone(pickup=pickup)}) as calls:
            call = calls.place(Order(route(office), OURS, THEIRS, rings_s=rings_s))
            report = await calls.finished(call.state.sid)
        assert (call.state.status, report.status, call.state.duration_s) == (status, status, 0)
        assert office.of("/status")[-1]["CallStatus"] == status
    assert office.of("/voice") == []


async def test_a_call_is_cancelled_while_it_rings_and_completed_while_it_is_on(office: Office):
    office.documents = {"/voice": '<Response><Pause length="999"/></Response>', "/status": ""}
    async with switch(office, {THEIRS: Phone(pickup=Pickup(rings_s=30.0))}) as calls:
        call = calls.place(Order(route(office), OURS, THEIRS))
        await until(lambda: call.state.status == "ringing")
        await call.complete("canceled")
        await calls.finished(call.state.sid)
        assert call.state.status == "canceled"
        called = calls.ring(Order(route(office), OTHER, OURS))
        await until(lambda: office.of("/voice"))
        await called.complete()
        report = await calls.finished(called.state.sid)
        assert (report.ended.by, called.state.status) == ("server", "completed")
        assert called.state.direction == "inbound"


async def test_two_calls_meet_in_a_conference(office: Office):
    room = (
        '<Response><Dial action="/left"><Conference statusCallback="/room" statusCallbackEvent="start end join leave"'
        ' endConferenceOnExit="{ends}">sales</Conference></Dial></Response>'
    )
    office.documents = {
        "/first": room.format(ends="false"),
        "/second": room.format(ends="true"),
        "/left": "<Response><Hangup/></Response>",
        "/room": "",
        "/status": "",
    }
    phones = {THEIRS: Phone((LISTEN, WaitForHangUp())), OTHER: Phone((Say(LOUD * 25, "Hello?"), HangUp()))}
    async with switch(office, phones) as calls:
        first = calls.ring(Order(route(office, "/first"), THEIRS, OURS))
        await until(lambda: "join" in str(office.of("/room")))
        second = calls.place(Order(route(office, "/second"), OURS, OTHER))
        await calls.finished(second.state.sid)
        heard = await calls.finished(first.state.sid)
    assert heard.heard_ms > 200  # what was said before the second was in the room is nobody's
    # Those of two calls are requests of their own and may overtake each other: their numbers tell the order.
    told = sorted(office.of("/room"), key=lambda form: int(form["SequenceNumber"]))
    assert [form["StatusCallbackEvent"] for form in told] == [
        "participant-join",
        "conference-start",
        "participant-join",
        "participant-leave",
        "conference-end",
        "participant-leave",
    ]
    assert office.of("/left")[-1]["DialCallStatus"] == "answered"


async def test_a_queued_call_is_taken_by_another(office: Office):
    office.documents = {
        "/voice": '<Response><Enqueue action="/left" waitUrl="/wait">support</Enqueue></Response>',
        "/wait": "<Response><Say>Please hold the line for a while.</Say></Response>",
        "/agent": '<Response><Dial action="/done"><Queue>support</Queue></Dial></Response>',
        "/left": "<Response><Hangup/></Response>",
        "/done": "<Response><Hangup/></Response>",
        "/status": "",
    }
    phones = {THEIRS: Phone((LISTEN, WaitForHangUp())), OTHER: Phone((Say(LOUD * 25, "Hello?"), HangUp()))}
    async with switch(office, phones) as calls:
        waits = calls.ring(Order(route(office), THEIRS, OURS))
        await until(lambda: len(office.of("/wait")) > 1)
        takes = calls.place(Order(route(office, "/agent"), OURS, OTHER))
        await calls.finished(takes.state.sid)
        report = await calls.finished(waits.state.sid)
    assert report.heard_ms > 400
    asked = office.of("/wait")[0]
    assert (asked["QueuePosition"], asked["CurrentQueueSize"]) == ("1", "1")
    left = office.of("/left")[0]
    assert left["QueueResult"] == "bridged"
    assert left["QueueSid"].startswith("QU")


async def test_a_live_call_gets_a_stream_and_a_recording(office: Office):
    office.documents = {"/voice": '<Response><Say>x</Say><Pause length="999"/></Response>', "/status": ""}
    phones = {THEIRS: Phone((Say(LOUD * 25), WaitForHangUp()), network=Network())}
    async with switch(office, phones) as calls:
        call = calls.place(Order(route(office), OURS, THEIRS))
        await until(lambda: call.state.status == "in-progress")
        tape = call.start_recording()
        fork = await call.start_stream(
            StreamOrder(
                office.ws, "tap", {"n": "1"}, tracks=("inbound", "outbound"), status_url=f"{office.http}/status"
            )
        )
        await until(lambda: office.media.get("outbound", 0) > 5 and office.media.get("inbound", 0) > 5)
        assert office.started[0]["tracks"] == ["inbound", "outbound"]
        assert await call.stop_stream("tap")
        await until(lambda: fork.status == "stopped")
        assert not await call.stop_stream("tap")
        call.stop_recording(tape)
        assert tape.status == "completed"
        assert len(tape.audio) % 160 == 0
        await call.complete()
    assert [form["StreamEvent"] for form in office.of("/status") if "StreamEvent" in form] == [
        "stream-started",
        "stream-stopped",
    ]


async def test_a_call_may_end_while_a_stream_of_it_is_opened(office: Office):
    office.documents = {"/voice": '<Response><Say>x</Say><Pause length="999"/></Response>', "/status": ""}
    asked, go_on, stream = asyncio.Event(), asyncio.Event(), office.stream

    async def slow(request: web.Request) -> web.WebSocketResponse:
        asked.set()
        await go_on.wait()
        office.stream_with = None
        return await stream(request)

    office.stream_with = slow
    async with switch(office, {}) as calls:
        call = calls.place(Order(route(office), OURS, THEIRS))
        await until(lambda: call.state.status == "in-progress")
        opening = asyncio.create_task(call.start_stream(StreamOrder(office.ws, "tap", {}, tracks=("inbound",))))
        await asked.wait()
        await call.complete()
        await calls.finished(call.state.sid)
        go_on.set()
        with pytest.raises(LineOver):
            await opening
    assert office.started == []


async def test_a_machine_is_detected_beside_the_call(office: Office):
    office.documents = {"/voice": '<Response><Say>x</Say><Pause length="999"/></Response>', "/status": "", "/amd": ""}
    detection = Detection("DetectMessageEnd", callback_url=f"{office.http}/amd")
    phones = {THEIRS: Phone(voicemail(LOUD * 130))}
    async with switch(office, phones) as calls:
        call = calls.place(Order(route(office), OURS, THEIRS, detection=detection))
        await until(lambda: office.of("/amd"), 20)
        await call.complete()
    (told,) = office.of("/amd")
    assert told["AnsweredBy"] == "machine_end_beep"
    assert 3000 < int(told["MachineDetectionDuration"]) < 4000
    assert call.state.answered_by == "machine_end_beep"


async def test_a_call_ends_at_its_time_limit_and_that_is_no_finding(office: Office):
    office.documents = {"/voice": office.stream_document(), "/status": "", "/elsewhere": ""}
    async with switch(office, {THEIRS: Phone((WaitForHangUp(60),))}) as calls:
        call = calls.ring(Order(route(office), THEIRS, OURS, time_limit_s=1.0))
        call.tell_status_to(StatusHook(f"{office.http}/elsewhere", "GET"))
        report = await calls.finished(call.state.sid)
    assert report.ended.by == "twilio"
    assert "time limit" in report.ended.why
    assert (report.status, report.problems) == ("completed", ())
    assert [form["CallStatus"] for form in office.of("/elsewhere")] == ["completed"]
    assert office.of("/status") == []


async def test_what_is_asked_of_a_call_that_is_not_on(office: Office):
    office.documents = {"/voice": "<Response><Hangup/></Response>", "/status": ""}
    async with switch(office, {}) as calls:
        call = calls.ring(Order(route(office), THEIRS, OURS))
        await calls.finished(call.state.sid)
        with pytest.raises(LineOver):
            call.start_recording()
        with pytest.raises(LineOver):
            await call.start_stream(StreamOrder(office.ws, None, {}, tracks=("inbound",)))
        assert not await call.stop_stream("x")
        await call.complete()
        await call.redirect(twiml="<Response/>")
        assert call.state.status == "completed"
        with pytest.raises(KeyError):
            await calls.finished("CA0")


async def test_leaving_the_switch_hangs_up_what_is_on(office: Office):
    office.documents = {"/voice": office.stream_document(), "/status": ""}
    async with switch(office, {}) as calls:
        made = [calls.place(Order(route(office), OURS, f"+1415555010{number}")) for number in range(5)]
        await until(lambda: all(call.state.status == "in-progress" for call in made), 20)
    assert {call.state.status for call in made} == {"completed"}
