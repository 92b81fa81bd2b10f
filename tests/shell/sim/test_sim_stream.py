"""The stream client against a real WebSocket server that nobody here wrote (`websockets`)."""

from __future__ import annotations

import asyncio
import base64
import itertools
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from tests.kit.ports import deaf_port
from tests.kit.tls import self_signed
from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response

from offhook.sim import signing
from offhook.sim.complaints import HEADER_AUDIO, QUERY_STRING, LineFault
from offhook.sim.messages import ServerClear, ServerMark, ServerMedia
from offhook.sim.stream import Behaviour, StreamClient
from offhook.sim.webhook import Webhooks
from offhook.wire.ulaw import silence

Talk = Callable[[ServerConnection, "Seen"], Awaitable[None]]
WAIT_S = 30.0


class Seen:
    """What a server saw of one stream."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.headers: dict[str, str] = {}
        self.path = ""
        self.close_code: int | None = None
        self.over = asyncio.Event()

    def of(self, event: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["event"] == event]

    @property
    def stream_sid(self) -> str:
        return str(self.of("start")[-1]["streamSid"])

    @property
    def audio(self) -> bytes:
        return b"".join(base64.b64decode(message["media"]["payload"]) for message in self.of("media"))


async def quiet(_: ServerConnection, __: Seen) -> None: ...


@asynccontextmanager
async def server(after_start: Talk = quiet, **options: Any) -> AsyncIterator[tuple[str, Seen]]:
    seen = Seen()

    async def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        seen.headers = {name.lower(): value for name, value in connection.request.headers.raw_items()}
        seen.path = connection.request.path
        try:
            async for text in connection:
                try:
                    seen.messages.append(json.loads(text))
                except ValueError:
                    seen.messages.append({"event": "?", "text": text})
                if seen.messages[-1]["event"] == "start" and len(seen.of("start")) == 1:
                    await after_start(connection, seen)
        except ConnectionClosed:
            pass
        finally:
            await connection.wait_closed()
            seen.close_code = connection.close_code
            seen.over.set()

    running: Server = await serve(answer, "127.0.0.1", 0, close_timeout=0.5, **options)
    try:
        yield f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/twilio", seen
    finally:
        running.close()
        await running.wait_closed()


def media(seen: Seen, audio: bytes) -> str:
    payload = base64.b64encode(audio).decode()
    return json.dumps({"event": "media", "streamSid": seen.stream_sid, "media": {"payload": payload}})


def mark(seen: Seen, name: str) -> str:
    return json.dumps({"event": "mark", "streamSid": seen.stream_sid, "mark": {"name": name}})


def clear(seen: Seen) -> str:
    return json.dumps({"event": "clear", "streamSid": seen.stream_sid})


async def over(seen: Seen) -> None:
    async with asyncio.timeout(WAIT_S):
        await seen.over.wait()


async def test_a_whole_stream_in_order():
    async with server() as (url, seen), await StreamClient.open(url) as twilio:
        await twilio.begin({"token": "t"})
        await twilio.send_media(b"\x01" * 160)
        await twilio.send_digit("#")
        await twilio.send_media(b"\x02" * 33)
        await twilio.hang_up()
        await over(seen)
        assert [message["event"] for message in seen.messages] == [
            "connected",
            "start",
            "media",
            "dtmf",
            "media",
            "stop",
        ]
        assert [message.get("sequenceNumber") for message in seen.messages] == [None, "1", "2", "3", "4", "5"]
        assert seen.audio == b"\x01" * 160 + b"\x02" * 33
        assert seen.of("start")[0]["start"]["customParameters"] == {"token": "t"}
        assert seen.close_code == 1000
        assert twilio.ended is not None
        assert (twilio.ended.by, twilio.ended.how) == ("caller", "closed")


async def test_the_handshake_is_twilios():
    async with server() as (url, seen), await StreamClient.open(url, auth_token="k" * 32) as twilio:
        await twilio.begin()
        await twilio.hang_up()
        await over(seen)
        assert seen.headers["user-agent"] == "Twilio.TmeWs/1.0"
        assert seen.headers["x-twilio-signature"] == signing.sign("k" * 32, url.replace("ws:", "wss:"))
        for absent in ("origin", "sec-websocket-extensions", "sec-websocket-protocol", "accept-encoding"):
            assert absent not in seen.headers


async def test_signatures_can_be_wrong_missing_or_for_another_url():
    for behaviour, expected in (
        (Behaviour(signature="none"), None),
        (Behaviour(sign_as="wss://public.example/twilio"), signing.sign("k", "wss://public.example/twilio")),
    ):
        async with server() as (url, seen), await StreamClient.open(url, auth_token="k", behaviour=behaviour) as twilio:
            await twilio.begin()
            await twilio.hang_up()
            await over(seen)
            assert seen.headers.get("x-twilio-signature") == expected
    async with server() as (url, seen):
        async with await StreamClient.open(url, auth_token="k", behaviour=Behaviour(signature="wrong")) as twilio:
            await twilio.hang_up()
        assert len(seen.headers["x-twilio-signature"]) == 28
        assert seen.headers["x-twilio-signature"] != signing.sign_stream("k", url)


@pytest.mark.parametrize("status", [302, 401, 403, 404, 503])
async def test_any_status_but_101_is_a_failed_handshake(status):
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(status, "no\n")

    async with server(process_request=refuse) as (url, _):
        with pytest.raises(LineFault) as refused:
            await StreamClient.open(url)
        assert (refused.value.code, refused.value.status) == (31920, status)


async def test_what_cannot_be_reached():
    with deaf_port() as port:
        for url, code in (
            (f"ws://127.0.0.1:{port}/x", 31902),
            ("http://h/x", 31922),
            ("ws://", 31923),
            ("ws://h:x/", 31923),
        ):
            with pytest.raises(LineFault) as refused:
                await StreamClient.open(url)
            assert refused.value.code == code


async def test_a_server_that_speaks_no_http_or_closes():
    async def rude(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(b"220 mail.example ESMTP\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async def closing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()
        await writer.wait_closed()

    for answer in (rude, closing):
        running = await asyncio.start_server(answer, "127.0.0.1", 0)
        async with running:
            with pytest.raises(LineFault) as refused:
                await StreamClient.open(f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/")
            assert refused.value.code == 31920


async def test_a_server_that_never_answers_is_given_up(monkeypatch):
    monkeypatch.setattr("offhook.sim.websocket.HANDSHAKE_S", 0.2)
    monkeypatch.setattr("offhook.sim.webhook.TOTAL_S", 0.2)
    gone = asyncio.Semaphore(0)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while await reader.read(1000):
                pass
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()
        gone.release()

    running = await asyncio.start_server(mute, "127.0.0.1", 0)
    async with running:
        host = f"127.0.0.1:{running.sockets[0].getsockname()[1]}"
        with pytest.raises(LineFault) as refused:
            await StreamClient.open(f"ws://{host}/")
        assert refused.value.code == 31920
        async with Webhooks(None) as webhooks:
            with pytest.raises(LineFault) as late:
                await webhooks.ask(f"http://{host}/voice", "POST", {}, total_s=0.2)
        assert late.value.code == 11200
        async with asyncio.timeout(WAIT_S):  # both connections were given up, not only forgotten
            await gone.acquire()
            await gone.acquire()


async def test_tls_to_a_server_without_tls():
    async with server() as (url, _):
        with pytest.raises(LineFault) as refused:
            await StreamClient.open(url.replace("ws:", "wss:"))
        assert refused.value.code == 31910


async def test_tls_with_a_certificate_that_nobody_vouches_for():
    async with server(ssl=self_signed()) as (url, _):
        with pytest.raises(LineFault, match="certificate") as refused:
            await StreamClient.open(url.replace("ws:", "wss:"))
        assert refused.value.code == 31910


async def test_a_query_string_is_stripped_and_complained_about():
    async with server() as (url, seen), await StreamClient.open(f"{url}?token=x") as twilio:
        await twilio.hang_up()
        await over(seen)
        assert seen.path == "/twilio"
        assert twilio.complaints.codes == {QUERY_STRING}
    async with server() as (url, seen):
        async with await StreamClient.open(f"{url}?token=x", behaviour=Behaviour(query="keep")) as twilio:
            await twilio.hang_up()
        await over(seen)
        assert seen.path == "/twilio?token=x"
        with pytest.raises(LineFault):
            await StreamClient.open(f"{url}?token=x", behaviour=Behaviour(query="fail"))


async def test_audio_is_heard_at_real_time_and_marks_come_back_when_it_was():
    async def talk(connection: ServerConnection, seen: Seen) -> None:
        await connection.send(mark(seen, "empty"))
        for number in range(5):
            await connection.send(media(seen, bytes((number,)) * 800))
            await connection.send(mark(seen, f"m{number}"))

    async with server(talk) as (url, seen), await StreamClient.open(url) as twilio:
        await twilio.begin()
        await twilio.wait_until(lambda: twilio.received, WAIT_S)
        began = twilio.received[0].at_ms
        await twilio.wait_until(lambda: len(twilio.heard) == 4000, WAIT_S)
        assert twilio.now_ms() - began >= 499
        assert twilio.heard == b"".join(bytes((number,)) * 800 for number in range(5))
        await twilio.hang_up()
        await over(seen)
        assert [message["mark"]["name"] for message in seen.of("mark")] == ["empty", *(f"m{n}" for n in range(5))]
        assert [type(entry.message) for entry in twilio.received] == [ServerMark, *[ServerMedia, ServerMark] * 5]
        assert not list(twilio.complaints)


async def test_clear_returns_what_is_pending_and_the_fence_after_it():
    async def talk(connection: ServerConnection, seen: Seen) -> None:
        await connection.send(media(seen, b"\x01" * 80_000))
        await connection.send(mark(seen, "a"))
        await connection.send(mark(seen, "b"))
        await connection.send(clear(seen))
        await connection.send(mark(seen, "fence"))

    async with server(talk) as (url, seen), await StreamClient.open(url) as twilio:
        await twilio.begin()
        await twilio.wait_until(lambda: len(twilio.received) == 5, WAIT_S)
        await twilio.hang_up()
        await over(seen)
        assert [message["mark"]["name"] for message in seen.of("mark")] == ["a", "b", "fence"]
        assert len(twilio.heard) < 80_000
        assert len(twilio.heard_of(ServerClear)) == 1


@pytest.mark.parametrize(("marks", "expected"), [("never", 0), ("twice", 4), ("played", 2)])
async def test_marks_as_behaviour_says(marks, expected):
    async def talk(connection: ServerConnection, seen: Seen) -> None:
        await connection.send(mark(seen, "a"))
        await connection.send(mark(seen, "b"))

    async with server(talk) as (url, seen), await StreamClient.open(url, behaviour=Behaviour(marks=marks)) as twilio:
        await twilio.begin()
        await twilio.wait_until(lambda: len(twilio.received) == 2, WAIT_S)
        await twilio.hang_up()
        await over(seen)
        assert len(seen.of("mark")) == expected


async def test_every_wrong_message_is_complained_about_and_ignored():
    async def talk(connection: ServerConnection, seen: Seen) -> None:
        await connection.send(b"binary")
        await connection.send("not json")
        await connection.send('{"event":"connected"}')
        await connection.send('{"event":"clear","streamSid":"MZother"}')
        await connection.send(media(seen, b"RIFF1234WAVE"))
        await connection.send(media(seen, b"\x07" * 80))

    async with server(talk) as (url, _), await StreamClient.open(url) as twilio:
        await twilio.begin()
        await twilio.wait_until(lambda: len(twilio.received) == 6, WAIT_S)
        assert twilio.complaints.codes == {31950, 31951, HEADER_AUDIO}
        assert [found.text for found in twilio.complaints if found.code == 31951] == [
            "not JSON",
            "unknown event `connected`",
            "`clear` has another streamSid",
        ]
        await twilio.wait_until(lambda: twilio.heard.endswith(b"\x07" * 80), WAIT_S)


async def test_a_message_before_start_is_complained_about():
    async def eager(connection: ServerConnection) -> None:
        await connection.send('{"event":"clear","streamSid":"MZ1"}')
        await connection.wait_closed()

    async with await serve(eager, "127.0.0.1", 0) as running:
        url = f"ws://127.0.0.1:{running.sockets[0].getsockname()[1]}/"
        async with await StreamClient.open(url) as twilio:
            await twilio.wait_until(lambda: twilio.received, WAIT_S)
            assert [str(found) for found in twilio.complaints] == [
                "31951 stream: invalid message: a message before `start`"
            ]


@pytest.mark.parametrize(
    ("code", "complaints"), [(1000, set()), (1001, {31921}), (1008, {31921}), (1011, {31921}), (4400, {31921})]
)
async def test_how_a_server_closes(code, complaints):
    async def talk(connection: ServerConnection, _: Seen) -> None:
        await connection.close(code)

    async with server(talk) as (url, _), await StreamClient.open(url) as twilio:
        await twilio.begin()
        ended = await twilio.wait_ended(WAIT_S)
        assert (ended.by, ended.how, ended.code) == ("server", "closed", code)
        assert twilio.complaints.codes == complaints


async def test_a_server_that_breaks_off_or_breaks_the_protocol():
    async def breaks_off(connection: ServerConnection, _: Seen) -> None:
        connection.transport.abort()

    async def breaks_rules(connection: ServerConnection, _: Seen) -> None:
        connection.transport.write(b"\x09\x00")

    for talk, code in ((breaks_off, 31903), (breaks_rules, 31924)):
        async with server(talk) as (url, _), await StreamClient.open(url) as twilio:
            await twilio.begin()
            assert (await twilio.wait_ended(WAIT_S)).by == "server"
            assert twilio.complaints.codes == {code}


async def test_the_clock_sends_every_frame_and_says_what_it_is_given():
    speech = bytes(range(1, 201)) * 8  # 1,600 bytes: ten frames
    said: list[tuple[float, bytes]] = []
    async with server() as (url, seen):
        async with await StreamClient.open(url, on_said=lambda at, audio: said.append((at, audio))) as twilio:
            await twilio.begin()
            twilio.start_clock()
            # both at once: on a busy machine silence would come between one that ended and the next
            assert await asyncio.gather(twilio.say(speech), twilio.say(b"\x05" * 100)) == [True, True]
            await twilio.hang_up()
        await over(seen)
        assert speech + b"\x05" * 100 + b"\xff" * 60 in seen.audio
        assert set(seen.audio.replace(speech + b"\x05" * 100, b"")) <= {0xFF}
        assert b"".join(audio for _, audio in said)[: len(seen.audio)] == seen.audio
        steps = [later[0] - sooner[0] for sooner, later in itertools.pairwise(said)]
        assert all(abs(step - 20) < 0.001 for step in steps)


async def test_a_bunch_arrives_whole_and_fast_callers_lose_nothing():
    behaviour = Behaviour(pace=50.0, bunch=5, jitter_ms=0)
    async with server() as (url, seen), await StreamClient.open(url, behaviour=behaviour) as twilio:
        await twilio.begin()
        twilio.start_clock()
        assert await twilio.say(b"\x03" * 16_000)
        await twilio.hang_up()
        await over(seen)
        assert seen.audio.count(b"\x03") >= 16_000 - 4 * 160
        assert len(seen.of("media")) % 5 == 0


async def test_saying_is_broken_off_by_the_end_of_the_stream():
    async def talk(connection: ServerConnection, _: Seen) -> None:
        await connection.close()

    async with server(talk) as (url, _), await StreamClient.open(url) as twilio:
        await twilio.begin()
        twilio.start_clock()
        assert await twilio.say(silence(60_000)) is False
        assert await twilio.say(b"\x01") is False


async def test_starts_as_behaviour_says():
    behaviour = Behaviour(
        send_connected=False, media_before_start=2, second_start="other", start_account_sid="AC" + "9" * 32
    )
    async with server() as (url, seen), await StreamClient.open(url, behaviour=behaviour) as twilio:
        await twilio.begin()
        await twilio.hang_up()
        await over(seen)
        assert [message["event"] for message in seen.messages] == ["media", "media", "start", "start", "stop"]
        first, second = seen.of("start")
        assert first["streamSid"] != second["streamSid"]
        assert first["start"]["accountSid"] == "AC" + "9" * 32


@pytest.mark.parametrize(("ending", "code"), [("close", 1000), ("reset", 1006)])
async def test_endings_without_a_stop(ending, code):
    behaviour = Behaviour(send_stop=False, ending=ending)
    async with server() as (url, seen), await StreamClient.open(url, behaviour=behaviour) as twilio:
        await twilio.begin()
        await twilio.hang_up()
        await over(seen)
        assert seen.of("stop") == []
        assert seen.close_code == code


async def test_one_who_vanishes_answers_nothing_and_closes_nothing():
    gone = asyncio.Event()

    async def talk(connection: ServerConnection, _: Seen) -> None:
        waiter = await connection.ping()
        try:
            async with asyncio.timeout(0.5):
                await waiter
        except TimeoutError:
            gone.set()
        await connection.close()

    behaviour = Behaviour(send_stop=False, ending="vanish")
    async with server(talk) as (url, seen), await StreamClient.open(url, behaviour=behaviour) as twilio:
        await twilio.send_start()
        await twilio.hang_up()
        async with asyncio.timeout(WAIT_S):
            await gone.wait()
        await over(seen)
        assert seen.close_code == 1006


async def test_one_who_does_not_read_makes_the_server_wait_and_reads_again_later():
    sent = asyncio.Event()

    async def talk(connection: ServerConnection, seen: Seen) -> None:
        for number in range(100):
            await connection.send(media(seen, bytes((number,)) * 60_000))
        sent.set()

    async with server(talk) as (url, _), await StreamClient.open(url) as twilio:
        twilio.stop_reading()
        await twilio.begin()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.5):
                await sent.wait()
        twilio.resume_reading()
        await twilio.wait_until(lambda: len(twilio.received) == 100, WAIT_S)
        audio = [message.audio[:1] for message in twilio.heard_of(ServerMedia) if isinstance(message, ServerMedia)]
        assert audio == [bytes((number,)) for number in range(100)]
        assert 31931 in twilio.complaints.codes  # 6,000,000 bytes are more than ten minutes


async def test_one_who_reads_slowly_gets_everything_in_the_end():
    async def talk(connection: ServerConnection, seen: Seen) -> None:
        await connection.send(media(seen, b"\x01" * 3000))

    async with server(talk) as (url, _), await StreamClient.open(url) as twilio:
        twilio.read_slowly(20_000)
        await twilio.begin()
        began = twilio.now_ms()
        await twilio.wait_until(lambda: len(twilio.received) == 1, WAIT_S)
        assert twilio.now_ms() - began >= 100  # about 4,000 bytes in portions of 2,000 every 100 ms


async def test_a_server_that_does_not_read_loses_caller_audio_with_a_warning():
    noticed = asyncio.Event()

    async def talk(connection: ServerConnection, _: Seen) -> None:
        connection.transport.pause_reading()
        await noticed.wait()

    async with server(talk, max_queue=1) as (url, _), await StreamClient.open(url) as twilio:
        await twilio.begin()
        async with asyncio.timeout(WAIT_S):
            while 31930 not in twilio.complaints.codes:
                await twilio.send_media(b"\x01" * 3000)
                await asyncio.sleep(0)
        assert twilio.frames_dropped == 1
        noticed.set()


async def test_who_was_late_itself_does_not_say_that_the_server_is():
    async with server() as (url, seen), await StreamClient.open(url) as twilio:
        await twilio.begin()
        for _ in range(2000):  # more than any system keeps, before the server in this process can read
            twilio.pass_frame(b"\x01" * 160)
        await twilio.hang_up()
        await over(seen)
        assert (twilio.frames_sent, twilio.frames_dropped) == (2000, 0)
        assert len(seen.audio) == 2000 * 160


async def test_anything_can_be_sent_by_hand():
    async with server() as (url, seen), await StreamClient.open(url) as twilio:
        await twilio.send_text("garbage")
        await twilio.send_binary(b"\x00\x01")
        await twilio.send_raw(b"\xc1\x80\x00\x00\x00\x00")  # a reserved bit
        ended = await twilio.wait_ended(WAIT_S)
        assert (ended.by, ended.code) == ("server", 1002)
        await over(seen)
        assert [message.get("text") for message in seen.messages] == ["garbage", b"\x00\x01"]
