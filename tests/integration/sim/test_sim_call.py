"""Simulated calls against a real webhook and stream server (aiohttp): TwiML, callbacks, fallbacks, whole talks."""

from __future__ import annotations

import asyncio
import base64
import json
import wave
from collections.abc import Callable

import pytest
from aiohttp import web
from tests.integration.sim.office import ASK, LISTEN, LOUD, TOKEN, called
from tests.kit.ports import deaf_port
from tests.kit.tls import self_signed
from twilio.request_validator import RequestValidator

from offhook.scenario.target import Target
from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import HangUp, Interrupt, Pause, Press, WaitForAgent, WaitForHangUp
from offhook.sim.complaints import DEAD_AIR
from offhook.sim.events import Event
from offhook.sim.interpreter import DialOutcome
from offhook.wire.ulaw import silence


async def test_a_whole_talk_by_webhook(office, tmp_path):
    office.documents = {
        "/voice": office.stream_document(stream=' name="agent" statusCallback="/stream-status"'),
        "/stream-status": "",
        "/status": "",
    }
    told: list[Event] = []
    # long enough to be interrupted however late that comes; the answer to the interruption is short
    lengths_ms, say = iter((400, 6000, 400)), office.say
    office.say = lambda socket, sid, _: say(socket, sid, next(lengths_ms))  # type: ignore[method-assign]
    report, call = await called(
        f"{office.http}/voice",
        LISTEN,
        ASK,
        Interrupt(200, LOUD * 20, "No!", timeout_s=30),
        LISTEN,
        HangUp(),
        on_event=told.append,
        status_url=f"{office.http}/status",
    )
    assert report.ok, report.why_not
    assert [(turn.who, turn.cut) for turn in report.turns] == [
        ("agent", False),
        ("caller", False),
        ("agent", True),
        ("caller", False),
        ("agent", False),
    ]
    assert [turn.text for turn in report.turns if turn.who == "caller"] == ["When are you open?", "No!"]
    assert min(report.latencies_ms) >= 280  # it waits for 300 ms of silence
    (cut,) = report.barge_ins
    assert cut.clear_after_ms is not None
    assert abs(cut.silent_after_ms - cut.clear_after_ms) < 1000  # six seconds were there to be heard
    assert office.unsigned == []
    assert office.agents == {"TwilioProxy/1.1"}
    assert office.started[0]["customParameters"] == {"a": "b"}
    assert [form["StreamEvent"] for form in office.of("/stream-status")] == ["stream-started", "stream-stopped"]
    assert {form["StreamName"] for form in office.of("/stream-status")} == {"agent"}
    assert office.of("/status")[0]["CallStatus"] == "completed"
    assert office.of("/voice")[0]["CallStatus"] == "ringing"
    assert report.ended.by == "caller"

    call.write(tmp_path / "out")
    kept = json.loads((tmp_path / "out" / "call.json").read_text())
    assert kept["ok"] is True
    assert [event["event"] for event in kept["events"]] == [
        type(event).__name__ for event in told if type(event).__name__ != "MarkReturned"
    ]
    with wave.open(str(tmp_path / "out" / "call.wav")) as file:
        assert file.getnchannels() == 2
        assert file.getnframes() / 8 == pytest.approx(report.ended.at_ms, abs=100)


async def test_a_stream_dialled_directly(office):
    report, _ = await called(office.ws, LISTEN, ASK, LISTEN, Press("1#"), HangUp(), parameters={"x": "y"})
    assert report.ok, report.why_not
    assert office.started[0]["customParameters"] == {"x": "y"}
    assert office.digits == "1#"
    assert office.asked == []


async def test_a_server_that_hangs_up_lets_the_document_go_on(office):
    office.hangs_up_after = 1
    office.documents["/voice"] = office.stream_document(
        rest='<Say>One moment.</Say><Dial timeout="1"><Number>+15005550009</Number></Dial><Redirect>/more</Redirect>'
    )
    office.documents["/more"] = '<Response><Pause length="2"/><Play digits="ww1"/><Hangup/></Response>'
    report, _ = await called(f"{office.http}/voice", LISTEN, ASK, WaitForHangUp(5))
    assert report.ok, report.why_not
    assert report.twiml == (
        "Connect Stream",
        "Say One moment.",
        "Dial no-answer",
        "Redirect",
        "Pause",
        "Play digits",
        "Hangup",
    )
    assert (report.ended.by, report.ended.why) == ("server", "<Hangup>")


async def test_the_action_replaces_the_rest(office):
    office.hangs_up_after = 1
    office.documents["/voice"] = office.stream_document(rest="<Say>never</Say>", connect=' action="/after"')
    office.documents["/after"] = "<Response/>"
    report, _ = await called(f"{office.http}/voice", LISTEN, ASK, WaitForHangUp(5))
    assert report.twiml == ("Connect Stream",)
    assert office.of("/after")[0]["CallStatus"] == "in-progress"
    assert report.ended.why == "the document is empty"


async def test_no_verb_runs_after_the_caller_hung_up(office):
    office.documents["/voice"] = office.stream_document(rest="<Say>never</Say>", connect=' action="/after"')
    report, _ = await called(f"{office.http}/voice", LISTEN, HangUp())
    assert report.twiml == ("Connect Stream",)
    assert office.of("/after") == []


async def test_a_failed_handshake_falls_through_and_is_reported(office):
    office.documents["/voice"] = (
        f'<Response><Connect><Stream url="{office.ws}/wrong" statusCallback="/stream-status"/></Connect>'
        "<Say>Sorry.</Say></Response>"
    )
    office.documents["/stream-status"] = ""
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert report.twiml == ("Connect Stream", "Say Sorry.")
    (found,) = report.complaints
    assert (found.code, found.http_status) == (31920, 404)
    (status,) = office.of("/stream-status")
    assert status["StreamEvent"] == "stream-error"
    assert status["StreamError"].startswith("31920")
    assert status["StreamSid"].startswith("MZ")
    assert status["StreamName"] == status["StreamSid"]
    assert not report.ok


@pytest.mark.parametrize(
    ("stream", "code"),
    [
        ('url="WS" track="both_tracks"', 31941),
        ('url="https://127.0.0.1/s"', 31922),
        ('url="ws://127.0.0.1:0/s"', 31923),
        ('url="ws://[::1/s"', 31923),
    ],
)
async def test_a_stream_that_cannot_be_is_told_to_its_callback(office, stream, code):
    written = stream.replace("WS", office.ws)
    office.documents["/voice"] = (
        f'<Response><Connect><Stream {written} name="agent" statusCallback="/told"/></Connect><Hangup/></Response>'
    )
    office.documents["/told"] = ""
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert [found.code for found in report.complaints] == [code]
    assert report.twiml == ("Connect Stream", "Hangup")
    (told,) = office.of("/told")
    assert (told["StreamEvent"], told["StreamName"], told["StreamError"][:5]) == ("stream-error", "agent", str(code))
    assert told["StreamSid"].startswith("MZ")


@pytest.mark.parametrize(
    ("result", "status"), [("answered", "completed"), ("busy", "busy"), ("no-answer", "no-answer")]
)
async def test_dial_has_the_outcome_it_is_given(office, result, status):
    office.documents["/voice"] = '<Response><Dial action="/dialled" timeout="1">+15005550009</Dial></Response>'
    office.documents["/dialled"] = "<Response><Hangup/></Response>"
    await called(f"{office.http}/voice", Pause(10), dial=DialOutcome(result))
    assert office.of("/dialled")[0]["DialCallStatus"] == status


async def test_gather_takes_keys_or_falls_through(office):
    office.documents["/voice"] = (
        '<Response><Gather numDigits="2" timeout="40" action="/keys"><Say>Press.</Say></Gather>'
        '<Gather finishOnKey="#" timeout="1"/><Reject/></Response>'
    )
    office.documents["/keys"] = "<Response><Hangup/></Response>"
    await called(f"{office.http}/voice", Pause(0.1), Press("123", gap_ms=10), Pause(10))
    assert office.of("/keys")[0]["Digits"] == "12"
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert 12200 in {found.code for found in report.complaints}  # <Reject> after the call was answered


async def test_reject_ends_a_call_that_was_never_answered(office):
    office.documents["/voice"] = '<Response><Reject reason="busy"/></Response>'
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert (report.ended.why, report.complaints) == ("<Reject reason=busy>", ())


def answer(status: int = 200, text: str = "<Response/>", kind: str = "text/xml") -> Callable[..., web.Response]:
    return lambda _: web.Response(status=status, text=text, content_type=kind)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (answer(403), 11200),
        (answer(500), 11200),
        (answer(kind="text/html"), 12300),
        (answer(text="<html>"), 12100),
        (answer(text="<html/>"), 12102),
        (answer(text=""), 11770),
        (answer(text="<Response>" + " " * 70_000), 11750),
        (lambda _: web.Response(status=302, headers={"Location": "/voice"}), 11215),
    ],
)
async def test_a_bad_answer_is_told_to_the_fallback(office, document, code):
    office.documents["/voice"] = document
    office.documents["/fallback"] = "<Response><Say>Sorry.</Say></Response>"
    report, _ = await called(f"{office.http}/voice?a=1", Pause(10), fallback_url=f"{office.http}/fallback")
    assert report.twiml == ("Say Sorry.",)
    told = office.of("/fallback")[0]
    assert (told["ErrorCode"], told["ErrorUrl"]) == (str(code), f"{office.http}/voice?a=1")
    assert [found.code for found in report.complaints] == [code]
    without, _ = await called(f"{office.http}/voice", Pause(10))
    assert "application error" in without.ended.why
    assert without.ended.by == "twilio"


async def test_redirects_of_http_are_followed_and_signed_again(office):
    office.documents["/voice"] = lambda _: web.Response(status=307, headers={"Location": "/moved?x=%2B1"})
    office.documents["/moved"] = "<Response><Hangup/></Response>"
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert report.complaints == ()
    assert office.of("/moved")[0]["CallStatus"] == "ringing"
    assert office.unsigned == []


async def test_a_method_that_is_none_counts_as_not_given(office):
    office.documents["/voice"] = '<Response><Redirect method="PUT">/next?a=b c</Redirect></Response>'
    office.documents["/next"] = '<Response><Redirect method="get">/last</Redirect></Response>'
    office.documents["/last"] = "<Response><Hangup/></Response>"
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert [found.code for found in report.complaints] == [13710]
    assert [path for path, _ in office.asked] == ["/voice", "/next", "/last"]
    assert office.of("/next")[0]["a"] == "b c"
    assert office.unsigned == []


async def test_who_is_asked_for_a_password_is_told_it_in_a_second_request(office):
    seen: list[str | None] = []

    def guarded(_: object) -> web.Response:
        seen.append(office.headers.get("Authorization"))
        if seen[-1] is None:
            return web.Response(status=401, headers={"WWW-Authenticate": 'Basic realm="office"'})
        return web.Response(text="<Response/>", content_type="text/xml")

    office.documents["/voice"] = guarded
    with_password = office.http.replace("//", "//ada:p%40ss@")
    report, _ = await called(f"{with_password}/voice", Pause(10))
    assert report.complaints == ()
    assert seen == [None, "Basic " + base64.b64encode(b"ada:p@ss").decode()]
    assert office.unsigned == []  # user and password are not part of what is signed
    report, _ = await called(f"{office.http}/voice", Pause(10))
    assert [found.http_status for found in report.complaints] == [401]


async def test_a_webhook_without_http_or_without_trust():
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"220 mail ready\r\n\r\n")
        writer.close()

    async def silent(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    plain = await asyncio.start_server(babble, "127.0.0.1", 0)
    secure = await asyncio.start_server(silent, "127.0.0.1", 0, ssl=self_signed())
    async with plain, secure:
        (_, plain_port), (_, secure_port) = (one.sockets[0].getsockname()[:2] for one in (plain, secure))
        for url, code in (
            (f"http://127.0.0.1:{plain_port}/", 11206),
            (f"https://127.0.0.1:{plain_port}/", 11220),
            (f"https://127.0.0.1:{secure_port}/", 11237),
        ):
            report, _ = await called(url, Pause(10))
            assert [found.code for found in report.complaints] == [code]


async def test_a_public_name_is_signed_and_asked_for_and_reached_where_it_is_dialled(office):
    public = "https://voice.example.com"
    office.documents["/voice"] = (
        f'<Response><Connect action="{public}/after"><Stream url="wss://voice.example.com/stream"/></Connect></Response>'
    )
    office.documents["/after"] = "<Response><Hangup/></Response>"
    office.hangs_up_after = 1
    hosts: list[str] = []
    stream = office.stream

    async def noting(request: web.Request) -> web.WebSocketResponse:
        hosts.append(request.headers["Host"])
        office.stream_with = None
        return await stream(request)

    office.stream_with = noting
    target = Target.public(f"{office.http}/voice", public, TOKEN, None)
    report, _ = await called(target.url, LISTEN, ASK, WaitForHangUp(), reach=target.reach)
    assert report.complaints == ()
    assert (hosts, office.headers["Host"]) == (["voice.example.com"], "voice.example.com")
    (asked,) = office.of("/after")
    validator = RequestValidator(TOKEN)
    assert validator.validate(f"{public}/after", asked, office.headers["X-Twilio-Signature"])


@pytest.mark.parametrize(
    ("url", "public", "asked", "reached"),
    [
        ("http://127.0.0.1:8080/v?a=b", "https://x.example", "https://x.example/v?a=b", "http://127.0.0.1:8080/v?a=b"),
        ("ws://127.0.0.1:8080/s", "https://x.example", "wss://x.example/s", "ws://127.0.0.1:8080/s"),
        ("ws://127.0.0.1:8080/s", "wss://x.example/other", "wss://x.example/s", "ws://127.0.0.1:8080/s"),
        ("wss://deployed.example/s", "http://x.example", "ws://x.example/s", "wss://deployed.example/s"),
    ],
)
def test_a_public_name_and_where_it_is_reached(url, public, asked, reached):
    target = Target.public(url, public, None, None)
    assert target.url == asked
    assert target.reach is not None
    assert target.reach.local_url(asked) == reached
    assert target.reach.local_url("https://else.example/v") == "https://else.example/v"
    assert target.reach.local_url("http://[::1") == "http://[::1"


async def test_get_carries_the_form_in_the_signed_query(office):
    office.documents["/voice"] = "<Response><Hangup/></Response>"
    await called(f"{office.http}/voice?tenant=a%20b", Pause(10), method="GET")
    assert office.unsigned == []
    assert office.of("/voice")[0]["tenant"] == "a b"


async def test_wrong_and_missing_signatures(office):
    office.documents["/voice"] = "<Response><Hangup/></Response>"
    await called(f"{office.http}/voice", Pause(10), behaviour=Behaviour(signature="wrong"))
    await called(f"{office.http}/voice", Pause(10), auth_token=None)
    assert office.unsigned == ["/voice", "/voice"]


async def test_documents_that_go_round_in_circles_end(office):
    office.documents["/voice"] = "<Response><Redirect>/voice</Redirect></Response>"
    report, _ = await called(f"{office.http}/voice", Pause(60))
    assert report.ended.why == "more than 50 documents"


async def test_dead_air_is_a_complaint(office):
    office.greeting_ms = 0
    report, _ = await called(office.ws, WaitForAgent(timeout_s=0.5), ASK)
    assert [found.code for found in report.complaints] == [DEAD_AIR]
    assert not report.ok
    assert report.stream_started_ms is not None


async def test_silence_is_not_an_answer(office):
    office.greeting_ms = 0

    async def say(socket: web.WebSocketResponse, sid: str, ms: int) -> None:
        payload = base64.b64encode(silence(500)).decode()
        await socket.send_json({"event": "media", "streamSid": sid, "media": {"payload": payload}})

    office.say = say  # type: ignore[method-assign]
    report, _ = await called(office.ws, Pause(0.6), HangUp())
    assert report.heard_ms == 0
    assert report.why_not == ("nothing audible was heard",)


async def test_the_limit_ends_a_call_and_says_so(office):
    report, _ = await called(office.ws, Pause(60), limit_s=0.5)
    assert report.ended.by == "twilio"
    assert "the call reached its time limit" in report.why_not


async def test_nothing_there_is_said_and_not_raised(office):
    with deaf_port() as port:
        for target, code in (
            (f"http://127.0.0.1:{port}/voice", 11205),
            (f"ws://127.0.0.1:{port}/", 31902),
            ("ftp://127.0.0.1/", 11100),
            ("not a url", 11100),
        ):
            report, _ = await called(target, LISTEN)
            assert [found.code for found in report.complaints] == [code]
            assert not report.ok


async def test_a_stream_over_plain_ws_to_another_machine_is_complained_about(office):
    with deaf_port() as port:
        office.documents["/voice"] = f'<Response><Connect><Stream url="ws://0.0.0.0:{port}/"/></Connect></Response>'
        report, _ = await called(f"{office.http}/voice", Pause(10))
    assert {found.code for found in report.complaints} == {31922, 31902}


async def test_a_call_can_be_cancelled_at_once(office):
    heard: list[Event] = []
    began = asyncio.Event()

    def on_event(event: Event) -> None:
        heard.append(event)
        if type(event).__name__ == "AgentHeard":
            began.set()

    task = asyncio.create_task(called(office.ws, LISTEN, Pause(60), on_event=on_event))
    async with asyncio.timeout(30):
        await began.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert type(heard[-1]).__name__ in ("StreamEnded", "AgentQuiet")
