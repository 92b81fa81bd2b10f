"""What may go wrong or differ on a real line, chosen on purpose: signatures, callbacks, streams, networks, tempers."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from tests.integration.sim.office import ASK, LISTEN, LOUD, TOKEN, Office, called
from tests.kit.ports import deaf_port
from tests.kit.raw import until
from twilio.request_validator import RequestValidator, get_signature_algorithm

from offhook.sim.behaviour import Behaviour
from offhook.sim.caller import HangUp, LoseLine, Pause, Say
from offhook.sim.life import Life, Remark
from offhook.sim.network import PROFILES, Network
from offhook.sim.outbound import Detection, Outbound

STAY = Pause(30)


class Stream:
    """A stream server that keeps every message with its headers, and ends the stream as it is told."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self.messages: list[dict[str, Any]] = []
        self.headers: Mapping[str, str] = {}
        self.ends_with: int | None = None
        self.resets = False
        #: Sent after `start`: something to hear, so that a caller knows that the stream is there.
        self.replies: list[dict[str, Any]] = [
            {"event": "media", "media": {"payload": base64.b64encode(LOUD * 10).decode()}}
        ]
        self.close_code: int | None = None
        self.is_over = False

    async def __call__(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(compress=False)
        await socket.prepare(request)
        self.headers = request.headers
        try:
            await self._talk(request, socket)
        finally:
            self.is_over, self.close_code = True, socket.close_code
        return socket

    async def _talk(self, request: web.Request, socket: web.WebSocketResponse) -> None:
        async for message in socket:
            if message.type is not WSMsgType.TEXT:
                break
            said = json.loads(message.data)
            self.messages.append(said)
            if said["event"] == "start":
                for reply in self.replies:
                    await socket.send_json({**reply, "streamSid": said["streamSid"]})
            if said["event"] == "media" and self.resets:
                assert request.transport is not None
                request.transport.abort()
            if said["event"] == "media" and self.ends_with is not None:
                await socket.close(code=self.ends_with)

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event"] == event]


@pytest.fixture
def stream(office: Office) -> Stream:
    """A stream in place of the office's own, with a webhook that leads to it."""
    stream = Stream(office)
    office.stream_with = stream
    office.documents["/voice"] = office.stream_document(stream=' statusCallback="/told"', rest="<Hangup/>")
    office.documents["/told"] = ""
    return stream


# -- signatures --


@pytest.mark.parametrize(("signature", "signed"), [("right", "{}"), ("slash", "{}/"), ("port", "{}")])
async def test_the_forms_of_a_stream_signature(office: Office, stream: Stream, signature: Any, signed: str):
    await called(f"{office.http}/voice", LISTEN, HangUp(), behaviour=Behaviour(signature=signature))
    url = signed.format(office.ws.replace("ws:", "wss:"))
    assert RequestValidator(TOKEN).validate(url, {}, stream.headers["x-twilio-signature"])


async def test_a_region_signs_with_its_own_token(office: Office, stream: Stream):
    await called(f"{office.http}/voice", LISTEN, HangUp(), behaviour=Behaviour(region_token="ie" * 16))
    assert "/voice" in office.unsigned
    url = office.ws.replace("ws:", "wss:")
    assert RequestValidator("ie" * 16).validate(url, {}, stream.headers["x-twilio-signature"])


async def test_a_shared_key_signs_webhooks_and_says_so(office: Office):
    seen: list[tuple[str, str, Any]] = []

    def answer(asked: Any) -> web.Response:
        headers = office.headers
        seen.append((headers["X-Twilio-Webhooks-Signature-Settings"], headers["X-Twilio-Signature"], asked))
        return web.Response(text="<Response/>", content_type="text/xml")

    office.documents["/voice"] = answer
    await called(f"{office.http}/voice", STAY, behaviour=Behaviour(shared_key=("WK1", "secret")))
    ((settings, signature, form),) = seen
    assert settings == "key=WK1,algorithm=HMAC_SHA256"
    algorithm = get_signature_algorithm(settings)
    assert RequestValidator("secret").validate(f"{office.http}/voice", form, signature, algorithm)


# -- webhooks and callbacks --


@pytest.mark.parametrize("which", ["first", "last"])
async def test_a_webhook_is_asked_twice_under_one_token(office: Office, which: Any):
    tokens: list[str] = []

    def answer(_: Any) -> web.Response:
        tokens.append(office.headers["I-Twilio-Idempotency-Token"])
        return web.Response(text=f"<Response><Say>{len(tokens)}</Say></Response>", content_type="text/xml")

    office.documents["/voice"] = answer
    report, _ = await called(f"{office.http}/voice", STAY, behaviour=Behaviour(webhook_twice=which))
    assert len(tokens) == 2
    assert len(set(tokens)) == 1
    assert report.twiml == (f"Say {1 if which == 'first' else 2}",)


async def test_callbacks_come_in_any_order_with_numbers_that_tell_it(office: Office):
    office.documents = {"/voice": "<Response/>", "/status": ""}
    events = ("initiated", "ringing", "answered", "completed")
    orders = set()
    for seed in range(6):
        office.asked.clear()
        await called(
            f"{office.http}/voice",
            STAY,
            outbound=Outbound(),
            status_url=f"{office.http}/status",
            status_events=events,
            behaviour=Behaviour(callbacks="shuffled", seed=seed),
        )
        told = office.of("/status")
        assert sorted(form["SequenceNumber"] for form in told) == ["0", "1", "2", "3"]
        by_number = sorted(told, key=lambda form: form["SequenceNumber"])
        assert [form["CallStatus"] for form in by_number] == ["initiated", "ringing", "in-progress", "completed"]
        orders.add(tuple(form["SequenceNumber"] for form in told))
    assert len(orders) > 1


async def test_a_callback_may_come_twice(office: Office):
    office.documents = {"/voice": "<Response/>", "/status": ""}
    await called(
        f"{office.http}/voice", STAY, status_url=f"{office.http}/status", behaviour=Behaviour(callbacks="twice")
    )
    assert [form["SequenceNumber"] for form in office.of("/status")] == ["0", "0"]


@pytest.mark.parametrize(
    ("url", "asked"), [("/voice#rc=2&rp=5xx", 3), ("/voice#rc=0&rp=all", 1), ("/voice", 1), ("/voice#rc=9&rp=5xx", 2)]
)
async def test_a_url_says_how_often_it_is_tried(office: Office, url: str, asked: int):
    office.documents["/voice"] = lambda _: web.Response(status=503)
    report, _ = await called(f"{office.http}{url}", STAY)
    assert len(office.of("/voice")) == asked
    assert [found.code for found in report.complaints] == [11200]
    assert office.unsigned == []


async def test_a_url_says_how_long_it_is_waited_for(office: Office):
    async def late(_: Any) -> web.Response:
        await asyncio.sleep(5)
        return web.Response(text="<Response/>", content_type="text/xml")

    office.documents["/voice"] = late
    report, _ = await called(f"{office.http}/voice#tt=300", STAY)
    assert [found.code for found in report.complaints] == [11200]
    assert report.ended.at_ms < 5000


# -- how a stream ends --


@pytest.mark.parametrize(
    ("ends_with", "behaviour", "events", "code"),
    [
        (1000, Behaviour(), ["stream-stopped"], None),
        (1000, Behaviour(close_is_error=True), ["stream-error"], 31921),
        (1011, Behaviour(), ["stream-error"], 31921),
        (1011, Behaviour(error_then_stopped=True), ["stream-error", "stream-stopped"], 31921),
    ],
)
async def test_a_close_is_told_and_the_document_goes_on(
    office: Office, stream: Stream, ends_with: int, behaviour: Behaviour, events: list[str], code: int | None
):
    stream.ends_with = ends_with
    report, _ = await called(f"{office.http}/voice", STAY, behaviour=behaviour)
    told = office.of("/told")
    assert [form["StreamEvent"] for form in told] == ["stream-started", *events]
    assert [found.code for found in report.complaints] == ([code] if code else [])
    assert [form["StreamError"][:5] for form in told if "StreamError" in form] == ([str(code)] if code else [])
    assert report.twiml == ("Connect Stream", "Hangup")


async def test_a_reset_is_a_broken_pipe_and_the_document_goes_on(office: Office, stream: Stream):
    stream.resets = True
    report, _ = await called(f"{office.http}/voice", STAY)
    assert [found.code for found in report.complaints] == [31903]
    assert office.of("/told")[-1]["StreamEvent"] == "stream-error"
    assert report.twiml == ("Connect Stream", "Hangup")


async def test_a_stop_is_lost_and_a_socket_stays_half_open(office: Office, stream: Stream):
    await called(f"{office.http}/voice", LISTEN, HangUp(), behaviour=Behaviour(send_stop=False))
    await until(lambda: stream.is_over)
    assert (stream.of("stop"), stream.close_code) == ([], 1000)
    stream.is_over = False
    vanishing = Behaviour(send_stop=False, ending="vanish", half_open_s=0.5)
    report, _ = await called(f"{office.http}/voice", LISTEN, HangUp(), behaviour=vanishing)
    await until(lambda: stream.is_over)
    assert stream.close_code != 1000
    assert report.ended.by == "caller"


# -- media and marks --


async def test_the_first_media_is_late_and_its_timestamp_says_so(office: Office, stream: Stream):
    await called(f"{office.http}/voice", LISTEN, Pause(0.6), HangUp(), behaviour=Behaviour(first_media_ms=400))
    first = stream.of("media")[0]
    assert first["media"]["chunk"] == "1"
    assert int(first["media"]["timestamp"]) > 170


async def test_a_mark_comes_back_late(office: Office, stream: Stream):
    stream.replies.insert(0, {"event": "mark", "mark": {"name": "m"}})
    await called(f"{office.http}/voice", LISTEN, HangUp(), behaviour=Behaviour(mark_delay_ms=300))
    before = stream.messages.index(stream.of("mark")[0])
    assert sum(message["event"] == "media" for message in stream.messages[:before]) >= 10


async def test_bunches_have_any_size_of_the_range(office: Office, stream: Stream):
    await called(f"{office.http}/voice", LISTEN, Pause(0.6), HangUp(), behaviour=Behaviour(bunch=2, bunch_most=6))
    chunks = [int(message["media"]["chunk"]) for message in stream.of("media")]
    assert chunks == list(range(1, len(chunks) + 1))


# -- networks --


async def test_a_bad_network_loses_frames_by_seed(office: Office, stream: Stream):
    lossy = Network(loss=0.3, burst=2, gaps="missing")
    steps = [LISTEN, Pause(1.0), HangUp()]
    await called(f"{office.http}/voice", *steps, network=lossy, behaviour=Behaviour(seed=3))
    media = [message["media"] for message in stream.of("media")]
    steps_ms = [int(b["timestamp"]) - int(a["timestamp"]) for a, b in pairwise(media)]
    assert max(steps_ms) >= 38  # a gap shows in the timestamp …
    assert [int(one["chunk"]) for one in media] == list(range(1, len(media) + 1))  # … and not in the chunk


async def test_a_lost_frame_is_filled_with_silence_by_default(office: Office, stream: Stream):
    lossy = Network(loss=0.5, burst=3)
    await called(f"{office.http}/voice", Say(LOUD * 50), HangUp(), network=lossy)
    frames = [base64.b64decode(message["media"]["payload"]) for message in stream.of("media")]
    assert b"\xff" * 160 in frames
    assert LOUD in frames


async def test_distance_is_heard(office: Office):
    async def latency(network: Network) -> float:
        report, _ = await called(office.ws, LISTEN, ASK, LISTEN, HangUp(), network=network)
        assert report.ok, report.why_not
        return report.latencies_ms[0]

    near, far = await latency(PROFILES["none"]), await latency(PROFILES["landline"])
    assert far - near > 150


async def test_a_caller_who_loses_the_network_is_given_up(office: Office, stream: Stream):
    report, _ = await called(f"{office.http}/voice", LISTEN, LoseLine(), STAY, network=Network(rtp_timeout_s=0.4))
    assert [found.code for found in report.complaints] == [31953]
    assert (report.ended.by, report.status) == ("twilio", "completed")
    assert stream.of("stop")


# -- tempers --


async def test_a_bored_caller_hangs_up(office: Office):
    office.greeting_ms = 0
    report, _ = await called(office.ws, STAY, life=Life(patience_s=0.5))
    assert report.ended.by == "caller"
    assert report.problems == ("bored: nothing was heard for 0.5 s",)


async def test_a_busy_caller_leaves_in_time_and_has_no_complaint(office: Office):
    report, _ = await called(office.ws, STAY, life=Life(stays_s=1.2))
    assert report.ok, report.why_not
    assert report.ended.by == "caller"


async def test_remarks_are_made_over_the_agent_and_keys_pressed(office: Office):
    office.greeting_ms = 4000
    life = Life(
        remarks=(Remark(LOUD * 5, "Mhm."),), remark_every_s=(0.3, 0.4), keys="12", key_every_s=(0.2, 0.3), seed=7
    )
    report, _ = await called(office.ws, Pause(2.5), HangUp(), life=life)
    assert "Mhm." in [turn.text for turn in report.turns]
    assert report.barge_ins
    assert office.digits == "12"


async def test_what_is_around_the_caller_is_heard(office: Office, stream: Stream):
    await called(f"{office.http}/voice", LISTEN, HangUp(), life=Life(background=b"\x12" * 500))
    frames = [base64.b64decode(message["media"]["payload"]) for message in stream.of("media")]
    assert set(frames) == {b"\x12" * 160, (b"\x12" * 20).ljust(160, b"\xff")}


# -- detection --


async def test_the_document_waits_for_the_verdict_where_it_is_asked_to(office: Office):
    office.documents["/voice"] = "<Response><Hangup/></Response>"
    outbound = Outbound(detection=Detection(blocks=True, speech_end_threshold_ms=500))
    report, call = await called(f"{office.http}/voice", Say(LOUD * 20, "Hello?"), STAY, outbound=outbound)
    assert office.of("/voice")[0]["AnsweredBy"] == "human"
    assert report.answered_by == call.state.answered_by == "human"


# -- every failure of a stream is followed by the rest of the document --


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda: web.Response(status=503), 31920),
        (lambda: web.Response(status=302, headers={"Location": "/stream"}), 31920),
        (lambda: web.Response(text="hello"), 31920),
    ],
    ids=["503", "redirect", "200"],
)
async def test_a_handshake_that_fails_lets_the_document_go_on(office: Office, answer: Any, code: int):
    async def refuse(_: web.Request) -> Any:
        return answer()

    office.stream_with = refuse
    office.documents["/voice"] = office.stream_document(connect=' action="/after"', rest="<Say>never</Say>")
    office.documents["/after"] = "<Response><Say>Sorry.</Say></Response>"
    report, _ = await called(f"{office.http}/voice", STAY)
    assert [found.code for found in report.complaints] == [code]
    assert report.twiml == ("Connect Stream", "Say Sorry.")


@pytest.mark.parametrize(
    ("url", "codes"),
    [
        ("ws://127.0.0.1:PORT/", {31902}),
        ("https://127.0.0.1/", {31922}),
        ("", {31923}),
    ],
)
async def test_a_stream_that_cannot_be_reached_lets_the_document_go_on(office: Office, url: str, codes: set[int]):
    with deaf_port() as port:
        stream = f'<Stream url="{url.replace("PORT", str(port))}"/>'
        office.documents["/voice"] = f"<Response><Connect>{stream}</Connect><Say>Sorry.</Say></Response>"
        report, _ = await called(f"{office.http}/voice", STAY)
    assert {found.code for found in report.complaints} == codes
    assert report.twiml == ("Connect Stream", "Say Sorry.")
