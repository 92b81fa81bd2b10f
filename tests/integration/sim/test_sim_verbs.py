"""Every verb of TwiML against a real webhook: what it asks, what it tells, how long the call goes on."""

from __future__ import annotations

import asyncio
import io
import wave

import pytest
from aiohttp import web
from tests.integration.sim.office import ASK, LISTEN, LOUD, TOKEN, Office, called
from tests.kit.raw import until

from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, Pause, Press, Say, WaitForHangUp
from offhook.sim.plan import DialOutcome, QueueOutcome

BYE = "<Response><Hangup/></Response>"
STAY = Pause(30)
ANSWERED = DialOutcome("answered", rings_s=1.0, talks_s=4.0)


# -- Say, Play, Pause --


async def test_a_pause_before_anything_else_leaves_the_call_ringing(office: Office):
    office.documents = {"/voice": '<Response><Pause length="2"/><Redirect>/then</Redirect></Response>', "/then": BYE}
    report, call = await called(f"{office.http}/voice", STAY)
    assert office.of("/then")[0]["CallStatus"] == "in-progress"
    assert "Answered" in [type(event).__name__ for event in report.events]
    assert call.state.status == "completed"


async def test_a_file_on_this_machine_is_fetched_and_heard(office: Office):
    content = io.BytesIO()
    with wave.open(content, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x20\x00\xe0" * 2000)
    office.documents = {
        "/voice": "<Response><Play>/hello.wav</Play><Hangup/></Response>",
        "/hello.wav": lambda _: web.Response(body=content.getvalue(), content_type="audio/wav"),
    }
    report, _ = await called(f"{office.http}/voice", STAY, verb_speed=1.0)
    assert report.heard_ms == pytest.approx(500, abs=30)
    assert report.complaints == ()


async def test_what_is_no_sound_is_complained_about(office: Office):
    office.documents = {
        "/voice": '<Response><Play>/page</Play><Play>https://else.example/x.mp3</Play><Play digits="1wW2"/></Response>',
        "/page": "<html/>",
    }
    report, _ = await called(f"{office.http}/voice", STAY)
    assert [found.code for found in report.complaints] == [13420]
    assert [path for path, _ in office.asked] == ["/voice", "/page"]


async def test_a_text_is_heard_where_the_call_has_a_voice(office: Office):
    async def speak(text: str) -> bytes:
        return LOUD * len(text)

    report, _ = await called("<Response><Say>Hi <break/> you</Say></Response>", STAY, speak=speak, verb_speed=1.0)
    assert report.heard_ms == pytest.approx(20 * len("Hi  you"), abs=30)


# -- Gather --


async def test_a_key_cuts_short_what_gather_says(office: Office):
    office.documents = {
        "/voice": f'<Response><Gather action="/keys" numDigits="1"><Say loop="0">{"x" * 500}</Say></Gather></Response>',
        "/keys": BYE,
    }
    await called(f"{office.http}/voice", Pause(1), Press("7"), STAY, verb_speed=1.0)
    assert office.of("/keys")[0]["Digits"] == "7"


async def test_any_key_may_finish_and_nothing_falls_through(office: Office):
    office.documents = {
        "/voice": '<Response><Gather finishOnKey="*9" timeout="99" action="/keys"/></Response>',
        "/keys": '<Response><Gather timeout="1"/>'
        '<Gather timeout="1" actionOnEmptyResult="true" action="/none"/></Response>',
        "/none": BYE,
    }
    await called(f"{office.http}/voice", Pause(1), Press("12#9", gap_ms=20), STAY)
    assert office.of("/keys")[0]["Digits"] == "12#"
    assert office.of("/none")[0]["Digits"] == ""


# -- Dial --


async def test_a_number_is_called_and_its_callbacks_tell_it(office: Office):
    office.documents = {
        "/voice": '<Response><Dial action="/done" answerOnBridge="true"><Number statusCallback="/leg"'
        ' statusCallbackEvent="initiated ringing answered completed">+1 415 555-0100</Number></Dial></Response>',
        "/done": BYE,
        "/leg": "",
        "/status": "",
    }
    report, call = await called(f"{office.http}/voice", STAY, dials={"+14155550100": ANSWERED})
    assert report.twiml[0] == "Dial answered"
    done = office.of("/done")[0]
    assert (done["DialCallStatus"], done["DialBridged"], done["CallStatus"]) == ("completed", "true", "in-progress")
    assert int(done["DialCallDuration"]) >= 3
    legs = office.of("/leg")
    assert [form["CallStatus"] for form in legs] == ["initiated", "ringing", "in-progress", "completed"]
    assert {(form["CallSid"], form["ParentCallSid"]) for form in legs} == {(done["DialCallSid"], report.call_sid)}
    assert {form["Direction"] for form in legs} == {"outbound-dial"}
    assert [leg.status for leg in call.legs] == ["completed"]
    answered = next(event for event in report.events if type(event).__name__ == "Answered")
    assert answered.at_ms > 40  # not before the other side did


@pytest.mark.parametrize(
    ("dial", "code", "status"),
    [
        ('<Dial callerId="+15005550999"{}>+14155550100</Dial>', 13214, "failed"),
        ("<Dial{}>+1415555CALL</Dial>", 13223, "failed"),
        ("<Dial{}><Sip>bob@example.com</Sip></Dial>", 13243, "failed"),
        ("<Dial{}/>", None, "failed"),
        ('<Dial timeout="soon"{}>+14155550100</Dial>', 13212, "busy"),
        ("<Dial{}>+14155550100<Nummer/></Dial>", 13215, "busy"),
    ],
)
async def test_a_dial_that_twilio_would_complain_about(office: Office, dial: str, code: int | None, status: str):
    document = dial.format(' action="/done"')
    office.documents = {"/voice": f"<Response>{document}</Response>", "/done": BYE}
    report, _ = await called(f"{office.http}/voice", STAY, dial=DialOutcome("busy", 0.5))
    assert {found.code for found in report.complaints} == ({code} if code else set())
    assert office.of("/done")[0]["DialCallStatus"] == status


async def test_one_of_several_answers_and_one_after_the_other(office: Office):
    numbers = "<Number>+14155550100</Number><Number>+14155550101</Number>"
    office.documents = {
        "/voice": f'<Response><Dial action="/then">{numbers}</Dial></Response>',
        "/then": f'<Response><Dial sequential="true" action="/done">{numbers}</Dial></Response>',
        "/done": BYE,
    }
    dials = {"+14155550100": DialOutcome("busy", 1.0), "+14155550101": ANSWERED}
    _, call = await called(f"{office.http}/voice", STAY, dials=dials)
    assert [leg.status for leg in call.legs] == ["canceled", "completed", "busy", "completed"]
    assert office.of("/done")[0]["DialCallStatus"] == "completed"


async def test_who_is_screened_may_refuse(office: Office):
    office.documents = {
        "/voice": '<Response><Dial action="/done"><Number url="/whisper">+14155550100</Number></Dial></Response>',
        "/whisper": '<Response><Gather action="/pressed"><Say>Press 1.</Say></Gather><Hangup/></Response>',
        "/pressed": "<Response/>",
        "/done": BYE,
    }
    await called(f"{office.http}/voice", STAY, dial=ANSWERED)
    assert office.of("/done")[0]["DialBridged"] == "false"
    await called(f"{office.http}/voice", STAY, dial=DialOutcome("answered", 1.0, 1.0, presses="1"))
    assert office.of("/done")[1]["DialBridged"] == "true"
    assert office.of("/pressed")[0]["Digits"] == "1"
    assert office.of("/whisper")[0]["Direction"] == "outbound-dial"


async def test_the_star_key_ends_a_dial_that_says_so(office: Office):
    office.documents = {
        "/voice": '<Response><Dial hangupOnStar="true" action="/done">+14155550100</Dial></Response>',
        "/done": BYE,
    }
    await called(f"{office.http}/voice", Pause(1), Press("*"), STAY, dial=DialOutcome("answered", 1.0, 600.0))
    assert office.of("/done")[0]["DialCallStatus"] == "completed"


async def test_a_conference_with_somebody_in_it_and_one_with_nobody(office: Office):
    office.documents = {
        "/voice": '<Response><Dial action="/done"><Conference waitUrl="/hold">x</Conference></Dial></Response>',
        "/hold": "<Response><Say>Please wait.</Say></Response>",
        "/done": BYE,
    }
    await called(f"{office.http}/voice", STAY, dial=ANSWERED)
    assert office.of("/done")[0]["DialCallStatus"] == "answered"
    assert office.of("/hold")
    report, _ = await called(f"{office.http}/voice", Pause(0.5), HangUp())
    assert report.ended.by == "caller"
    assert len(office.of("/done")) == 1


# -- Enqueue, Record --


async def test_a_queue_is_left_by_leave_by_an_agent_or_not_entered(office: Office):
    office.documents = {
        "/leave": '<Response><Enqueue waitUrl="/wait" action="/left">q</Enqueue></Response>',
        "/wait": "<Response><Say>Goodbye.</Say><Leave/></Response>",
        "/agent": '<Response><Enqueue action="/left">q</Enqueue></Response>',
        "/full": '<Response><Enqueue action="/left" maxQueueSize="0">q2</Enqueue></Response>',
        "/left": BYE,
    }
    for path in ("/leave", "/agent", "/full"):
        await called(f"{office.http}{path}", STAY, queue=QueueOutcome(waits_s=2.0 if path == "/agent" else None))
    assert [form["QueueResult"] for form in office.of("/left")] == ["leave", "bridged", "queue-full"]


async def test_who_hangs_up_in_a_queue_or_while_it_rings_is_told(office: Office):
    office.documents = {
        "/queue": '<Response><Enqueue action="/left">q</Enqueue></Response>',
        "/left": BYE,
        "/dial": '<Response><Dial><Number statusCallback="/leg">+14155550100</Number></Dial></Response>',
        "/leg": "",
    }
    await called(f"{office.http}/queue", Pause(1), HangUp())
    (left,) = office.of("/left")
    assert (left["QueueResult"], left["CallStatus"]) == ("hangup", "completed")
    _, call = await called(
        f"{office.http}/dial", Pause(1), HangUp(), dial=DialOutcome("answered", 500.0), verb_speed=1.0
    )
    assert [leg.status for leg in call.legs] == ["canceled"]
    assert [form["CallStatus"] for form in office.of("/leg")] == ["canceled"]


async def test_a_queued_call_that_is_sent_elsewhere_is_told(office: Office):
    office.documents = {"/queue": '<Response><Enqueue action="/left">q</Enqueue></Response>', "/left": BYE}
    call = SimulatedCall(f"{office.http}/queue", [WaitForHangUp()], CallOptions(auth_token=TOKEN))
    task = asyncio.create_task(call.run())
    await until(lambda: call.report().twiml)
    await call.redirect(twiml=BYE)
    assert (await task).twiml == ("Enqueue", "Hangup")
    assert [form["QueueResult"] for form in office.of("/left")] == ["redirected"]


async def test_a_recording_keeps_what_was_said(office: Office):
    office.documents = {
        "/voice": '<Response><Record playBeep="false" timeout="99" action="/kept" recordingStatusCallback="/told"/>'
        "</Response>",
        "/kept": BYE,
        "/told": "",
    }
    report, call = await called(f"{office.http}/voice", Say(LOUD * 50, "Call me."), Press("#"), STAY)
    (kept,), (told,), (tape,) = office.of("/kept"), office.of("/told"), call.recordings
    assert (kept["Digits"], kept["RecordingSid"]) == ("#", tape.sid)
    assert kept["RecordingUrl"].endswith(tape.sid)
    assert told["RecordingStatus"] == "completed"
    assert told["RecordingDuration"] == kept["RecordingDuration"]
    assert int(kept["RecordingDuration"]) >= 1
    assert LOUD * 50 in bytes(tape.audio)
    assert report.complaints == ()


async def test_a_recording_of_nothing_falls_through_and_one_of_a_hang_up_is_told(office: Office):
    office.documents = {
        "/voice": '<Response><Record playBeep="false" timeout="4" action="/kept"/>'
        "<Redirect>/empty</Redirect></Response>",
        "/kept": BYE,
        "/empty": BYE,
    }
    await called(f"{office.http}/voice", STAY)
    assert office.of("/empty")
    assert office.of("/kept") == []
    await called(f"{office.http}/voice", Say(LOUD * 25), HangUp())
    (kept,) = office.of("/kept")
    assert (kept["Digits"], kept["CallStatus"]) == ("hangup", "completed")


# -- Start and Stop --


async def test_streams_beside_the_call_start_and_stop(office: Office):
    office.documents = {
        "/voice": f'<Response><Start><Stream name="tap" track="both_tracks" url="{office.ws}" statusCallback="/told"/>'
        "</Start>"
        f'<Dial>+14155550100</Dial><Stop><Stream name="tap"/></Stop><Stop><Stream name="no"/></Stop></Response>',
        "/told": "",
    }
    report, call = await called(
        f"{office.http}/voice",
        Say(LOUD * 10),
        STAY,
        dial=DialOutcome("answered", 0.1, 0.6, says=LOUD * 20),
        verb_speed=1.0,
    )
    assert office.started[0]["tracks"] == ["inbound", "outbound"]
    assert {track for track, count in office.media.items() if count > 20} == {"inbound", "outbound"}
    assert LOUD in office.audio["outbound"]
    assert LOUD in office.audio["inbound"]
    assert [fork.status for fork in call.streams] == ["stopped"]
    assert [form["StreamEvent"] for form in office.of("/told")] == ["stream-started", "stream-stopped"]
    assert [found.code for found in report.complaints] == [12200]  # the second <Stop> names nothing


async def test_a_stream_beside_the_call_ends_with_it_and_takes_no_messages(office: Office):
    office.talks_anyway = True
    start = f'<Start><Stream url="{office.ws}"/></Start>'
    office.documents = {"/voice": f'<Response>{start * 5}<Pause length="60"/></Response>'}
    report, call = await called(f"{office.http}/voice", Pause(0.5), HangUp())
    assert {found.code for found in report.complaints} == {31924, 31900}
    assert [fork.status for fork in call.streams] == ["stopped"] * 4
    assert report.ended.by == "caller"


async def test_a_call_goes_on_while_a_stream_of_start_is_refused(office: Office):
    office.documents = {"/voice": f'<Response><Start><Stream url="{office.ws}/no"/></Start><Hangup/></Response>'}
    report, _ = await called(f"{office.http}/voice", STAY)
    assert [found.code for found in report.complaints] == [31920]
    assert report.ended.why == "<Hangup>"


# -- trial accounts --


async def test_a_current_trial_says_a_notice_instead_of_a_stream(office: Office):
    office.documents["/voice"] = office.stream_document(rest="<Dial>+14155550100</Dial><Hangup/>")
    report, _ = await called(f"{office.http}/voice", STAY, trial="current")
    assert report.twiml == ("Say This feature is not available on a trial account.",) * 2 + ("Hangup",)
    assert {found.code for found in report.complaints} == {10002}
    assert office.started == []


async def test_a_current_trial_has_ten_documents(office: Office):
    office.documents["/voice"] = "<Response><Redirect>/voice</Redirect></Response>"
    report, _ = await called(f"{office.http}/voice", STAY, trial="current")
    assert report.ended.why == "more than 10 documents"


async def test_a_legacy_trial_asks_for_a_key_first(office: Office):
    office.documents["/voice"] = office.stream_document()
    report, _ = await called(f"{office.http}/voice", Pause(0.3), Press("1"), LISTEN, ASK, HangUp(), trial="legacy")
    assert report.ok, report.why_not
    assert report.stream_started_ms is not None
    assert report.stream_started_ms > 200


async def test_a_call_is_redirected_while_it_waits_in_a_queue() -> None:
    call = SimulatedCall("<Response><Enqueue>q</Enqueue></Response>", [WaitForHangUp()], CallOptions())
    task = asyncio.create_task(call.run())
    await until(lambda: call.report().twiml)
    await call.redirect(twiml=BYE)
    assert (await task).twiml == ("Enqueue", "Hangup")
