"""Deepgram's socket against small raw servers: refused, silent, broken, slow, cut. Nothing leaks, whatever happens."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import ipaddress
import json
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from tests.kit.raw import BINARY, CLOSE, CONTINUATION, TEXT, Line, RawServer, server_frame, switching, until

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.errors import AgentBusy, AgentError, AgentRefused, AgentUnavailable
from offhook.run.agent_leg import AgentDialler, AgentLeg

KEY = "0123456789abcdef" * 2 + "01234567"
WELCOME = json.dumps({"type": "Welcome", "request_id": "r"}).encode()
Serve = Callable[[Line], Awaitable[None]]


@dataclass(slots=True)
class Ear:
    """Takes what a leg tells its call."""

    legs: list[AgentLeg] = field(default_factory=list)
    texts: list[bytes] = field(default_factory=list)
    audio: list[bytes] = field(default_factory=list)
    over: int = 0
    pongs: int = 0
    blocked: list[bool] = field(default_factory=list)

    call_sid = "CA1"

    def agent_opened(self, leg: AgentLeg) -> None:
        """Note an open leg."""
        self.legs.append(leg)

    def agent_text(self, _: AgentLeg, payload: memoryview | bytearray) -> None:
        """Note a text."""
        self.texts.append(bytes(payload))

    def agent_binary(self, _: AgentLeg, audio: bytes) -> None:
        """Note audio."""
        self.audio.append(audio)

    def agent_ponged(self, _: AgentLeg) -> None:
        """Note a pong."""
        self.pongs += 1

    def agent_over(self, _: AgentLeg) -> None:
        """Note the end."""
        self.over += 1

    def agent_blocked(self, _: AgentLeg, blocked: bool) -> None:
        """Note a full socket."""
        self.blocked.append(blocked)


def dialler(server: RawServer | int, *, tls: ssl.SSLContext | None = None, host: str = "127.0.0.1", **timeouts: Any):
    """Return a dialler with short pauses and all the time in the world, towards a server."""
    port = server if isinstance(server, int) else server.port
    scheme = "ws" if tls is None else "wss"
    quick = {
        "dial_s": 60,
        "dial_total_s": 120,
        "dial_pause_min_s": 0.0,
        "dial_pause_max_s": 0.02,
        "close_s": 0.2,
        **timeouts,
    }
    limits = Limits(socket_buffer_bytes=4096)
    return AgentDialler(f"{scheme}://{host}:{port}/v1/agent/converse", KEY, limits, Timeouts(**quick), tls)


async def opens(line: Line, behind: bytes = b"") -> None:
    """Answer the handshake, ``behind`` in the same segment."""
    line.writer.write(switching(await line.head()) + behind)


async def refusal(server: RawServer, ear: Ear | None = None, **timeouts: Any) -> AgentError:
    """Dial in vain; check that nothing is left open; return the error."""
    with pytest.raises(AgentError) as caught:
        await dialler(server, **timeouts).dial(ear or Ear())
    await server.until(lambda: server.live == 0)
    assert AgentLeg.live == 0
    assert KEY not in f"{caught.value}{caught.value!r}{caught.value.facts}"
    return caught.value


def answers(status: int, *headers: str, body: bytes = b"") -> Serve:
    """Return a server that refuses every handshake with this status."""

    async def serve(line: Line) -> None:
        await line.head()
        lines = [f"HTTP/1.1 {status} No", f"Content-Length: {len(body)}", *headers]
        line.writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await line.to_the_end()

    return serve


@pytest.mark.parametrize(
    ("status", "setting"),
    [
        (400, "DEEPGRAM_AGENT_URL"),
        (401, "DEEPGRAM_API_KEY"),
        (402, "credit"),
        (403, "permissions"),
        (404, "DEEPGRAM_AGENT_URL"),
        (302, "DEEPGRAM_AGENT_URL"),
        (426, "DEEPGRAM_AGENT_URL"),
    ],
)
async def test_a1_a2_refused_for_good(status, setting):
    """One attempt, distinct reasons, the setting to fix; nothing of the body is kept."""
    body = b'{"err_msg":"Invalid key ' + KEY.encode() + b'"}' + b"x" * 4096
    async with RawServer(answers(status, "Location: ws://127.0.0.1:1/", body=body)) as server:
        error = await refusal(server)
        assert isinstance(error, AgentRefused)
        assert error.facts["status"] == status
        assert setting in str(error.facts["setting"])
        assert server.accepted == 1


async def test_the_key_is_sent_as_a_token_and_nothing_is_offered():
    heads: list[bytes] = []

    async def serve(line: Line) -> None:
        heads.append(await line.head())
        line.writer.write(b"HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n")

    async with RawServer(serve) as server:
        await refusal(server)
    assert b"\r\nAuthorization: Token " + KEY.encode() + b"\r\n" in heads[0]
    assert heads[0].startswith(b"GET /v1/agent/converse HTTP/1.1\r\n")
    assert b"extensions" not in heads[0].lower()


class TestA3Busy:
    async def test_three_attempts(self):
        async with RawServer(answers(429)) as server:
            error = await refusal(server)
            assert isinstance(error, AgentBusy)
            assert server.accepted == 3

    async def test_retry_after_is_honoured(self):
        """The pauses come from the vendor: with jitter of an hour the attempts would not fit."""
        async with RawServer(answers(429, "Retry-After: 0")) as server:
            error = await refusal(server, dial_pause_min_s=3600, dial_pause_max_s=3600)
            assert (error.facts["retry_after_s"], server.accepted) == (0, 3)

    async def test_a_retry_after_that_does_not_fit_ends_it(self):
        async with RawServer(answers(429, "Retry-After: 4")) as server:
            await refusal(server, dial_total_s=2)
            assert server.accepted == 1

    @pytest.mark.parametrize("asked", ["6", "86400", "Wed, 21 Oct 2026 07:28:00 GMT", "-1", "1e3", "", "²"])
    async def test_a_retry_after_beyond_reason_is_not(self, asked):
        async with RawServer(answers(429, f"Retry-After: {asked}")) as server:
            await refusal(server)
            assert server.accepted == 3


@pytest.mark.parametrize("status", [500, 502, 503, 504])
async def test_a4_once_and_then_fine(status):
    async def serve(line: Line) -> None:
        if server.accepted == 1:
            await answers(status)(line)
        else:
            await opens(line, server_frame(TEXT, WELCOME))
            await line.to_the_end()

    ear = Ear()
    async with RawServer(serve) as server:
        await dialler(server).dial(ear)
        await until(lambda: ear.texts)
        assert (ear.texts, server.accepted) == ([WELCOME], 2)
        ear.legs[0].abort()
        await until(lambda: ear.over)


async def test_a5_for_ever():
    async with RawServer(answers(503)) as server:
        error = await refusal(server)
        assert isinstance(error, AgentUnavailable)
        assert (error.facts["status"], server.accepted) == (503, 3)


async def test_a5_all_attempts_share_one_deadline():
    async def serve(line: Line) -> None:
        await line.to_the_end()

    async with RawServer(serve) as server:
        error = await refusal(server, dial_s=0.4, dial_total_s=0.6, dial_attempts=100)
        assert error.facts["why"] == "no answer in time"
        assert server.accepted <= 2


def test_jitter_stays_in_its_bounds():
    async def main() -> None:
        dial = dialler(1, dial_pause_min_s=0.25, dial_pause_max_s=1.0)
        pauses = [dial._pause(AgentUnavailable()) for _ in range(1000)]
        assert 0.25 <= min(pauses) < 0.3
        assert 0.95 < max(pauses) <= 1.0

    asyncio.run(main())


class TestA6Distinct:
    async def test_nobody_listens(self):
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            with pytest.raises(AgentUnavailable) as caught:
                await dialler(closed.getsockname()[1]).dial(Ear())
        assert caught.value.facts["why"] == "connection refused"

    async def test_no_such_name(self, monkeypatch: pytest.MonkeyPatch):
        """The resolver is the machine's; what it says about an unknown name is not ours to wait for."""
        loop = asyncio.get_running_loop()

        async def unknown(*_: Any, **__: Any) -> None:
            raise socket.gaierror(socket.EAI_NONAME, "unknown")

        monkeypatch.setattr(loop, "getaddrinfo", unknown)
        with pytest.raises(AgentUnavailable) as caught:
            await dialler(1, host="agent.invalid").dial(Ear())
        assert caught.value.facts["why"] == "name not found"

    @pytest.mark.parametrize(
        ("name", "days", "trusted", "why"),
        [
            ("127.0.0.1", 1, True, ""),
            ("127.0.0.1", 1, False, "TLS certificate not valid for this host"),
            ("192.0.2.1", 1, True, "TLS certificate not valid for this host"),
            ("127.0.0.1", -1, True, "TLS certificate not valid for this host"),
        ],
        ids=["good", "untrusted", "another name", "expired"],
    )
    async def test_certificates(self, tmp_path: Path, name, days, trusted, why):
        theirs, ours = certificate(tmp_path, name, days)

        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME))
            await line.to_the_end()

        ear = Ear()
        async with RawServer(serve, ssl=theirs) as server:
            dial = dialler(server, tls=ours if trusted else ssl.create_default_context())
            if not why:
                await dial.dial(ear)
                await until(lambda: ear.texts)
                ear.legs[0].abort()
                await until(lambda: ear.over)
                return
            with pytest.raises(AgentUnavailable) as caught:
                await dial.dial(ear)
            assert caught.value.facts["why"] == why
            assert (ear.legs, AgentLeg.live) == ([], 0)

    async def test_no_tls_at_all(self):
        async def serve(line: Line) -> None:
            await line.reader.read(16)
            line.writer.write(b"HTTP/1.1 400 No\r\n\r\n")

        async with RawServer(serve) as server:
            with pytest.raises(AgentUnavailable) as caught:
                await dialler(server, tls=ssl.create_default_context()).dial(Ear())
            assert caught.value.facts["why"] == "TLS failed"


def certificate(folder: Path, name: str, days: int) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Return a server's context with a fresh certificate for ``name``, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    today = dt.datetime.now(dt.UTC)
    until_day = today + dt.timedelta(days=days)
    names = [x509.IPAddress(ipaddress.ip_address(name))]
    made = (
        x509.CertificateBuilder()
        .subject_name(who)
        .issuer_name(who)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(today, until_day) - dt.timedelta(days=1))
        .not_valid_after(until_day)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "both.pem"
    pem.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    theirs = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    theirs.load_cert_chain(pem)
    return theirs, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())


async def test_a7_never_an_answer():
    async def serve(line: Line) -> None:
        await line.to_the_end(60)

    async with RawServer(serve) as server:
        error = await refusal(server, dial_s=0.2)
        await server.until(lambda: server.accepted == 3)
        assert error.facts["why"] == "no answer in time"


CUT = {
    "at once": b"",
    "in the status": b"HTTP/1.1 10",
    "in the head": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n",
}
GARBAGE = {
    "garbage": b"\x00\xff\xfe garbage\r\n\r\n",
    "a mail server": b"220 mail ready\r\n\r\n",
    "101 without accept": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n",
    "wrong accept": (
        b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Accept: x\r\n\r\n"
    ),
    "an endless head": b"HTTP/1.1 101 Switching Protocols\r\n" + b"A: b\r\n" * 20000,
    "status 99999": b"HTTP/1.1 99999 No\r\n\r\n",
    "status x": b"HTTP/1.1 x No\r\n\r\n",
    "200": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "header that is no header": b"HTTP/1.1 101 Switching Protocols\r\nnothing\r\n\r\n",
    "header not ASCII": b"HTTP/1.1 101 Switching Protocols\r\nA: \xff\xfe\r\n\r\n",
}


@pytest.mark.parametrize("reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("name", CUT)
async def test_cut_before_the_handshake_was_answered(name, reset):
    """A dial that ends without a leg is an error, never a call that waits for an agent that is not there."""

    async def serve(line: Line) -> None:
        await line.head()
        line.writer.write(CUT[name])
        await line.writer.drain()
        if reset:
            sock = line.writer.get_extra_info("socket")
            linger = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            line.writer.transport.abort()
        else:
            line.writer.close()

    async with RawServer(serve) as server:
        error = await refusal(server)
        assert isinstance(error, AgentUnavailable)
        assert server.accepted == 3


@pytest.mark.parametrize("name", GARBAGE)
async def test_answers_that_are_no_handshake(name):
    async def serve(line: Line) -> None:
        await line.head()
        line.writer.write(GARBAGE[name])
        await line.to_the_end()

    async with RawServer(serve) as server:
        error = await refusal(server)
        assert isinstance(error, (AgentUnavailable, AgentRefused))


class TestOpen:
    async def test_what_comes_in_the_segment_of_the_101_is_not_lost(self):
        audio = [bytes([n]) * 160 for n in range(200)]

        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME) + b"".join(server_frame(BINARY, a) for a in audio))
            await line.to_the_end()

        ear = Ear()
        async with RawServer(serve) as server:
            await dialler(server).dial(ear)
            await until(lambda: len(ear.audio) == 200)
            assert (ear.texts, ear.audio, len(ear.legs)) == ([WELCOME], audio, 1)
            ear.legs[0].abort()
            await until(lambda: ear.over)

    async def test_a17_byte_by_byte_fragments_and_odd_sizes(self):
        """Whatever the segmentation, the bytes are the same."""
        pieces = [
            bytes([n % 256]) * size for n, size in enumerate((0, 1, 2, 125, 126, 127, 160, 65535, 65536, 1048576))
        ]
        raw = server_frame(TEXT, WELCOME)
        raw += b"".join(server_frame(BINARY, piece) for piece in pieces[:7])
        raw += server_frame(BINARY, b"", fin=False) + server_frame(CONTINUATION, b"ab", fin=False)
        raw += server_frame(9, b"?") + server_frame(CONTINUATION, b"c")

        async def serve(line: Line) -> None:
            await opens(line)
            await line.send(*(raw[n : n + 1] for n in range(len(raw))))
            await line.send(*(server_frame(BINARY, piece) for piece in pieces[7:]))
            await line.to_the_end()

        ear = Ear()
        async with RawServer(serve) as server:
            await dialler(server).dial(ear)
            await until(lambda: len(ear.audio) == 11)
            assert ear.audio == [*pieces[:7], b"abc", *pieces[7:]]
            ear.legs[0].abort()
            await until(lambda: ear.over)

    @pytest.mark.parametrize(
        ("raw", "code"),
        [
            (b"\x82\x7f" + b"\0\0\0\0\x40\0\0\0", 1009),
            (server_frame(BINARY, b"x" * 1048577), 1009),
            (server_frame(BINARY, b"x" * 1_000_000, fin=False) + server_frame(CONTINUATION, b"x" * 100_000), 1009),
            (b"\x82\x81\0\0\0\0x", 1002),
            (server_frame(5, b"x"), 1002),
        ],
        ids=["1 GiB announced", "1 MiB and one", "fragments over 1 MiB", "masked", "opcode 5"],
    )
    async def test_a17_too_long_or_broken(self, raw, code):
        closed: list[int] = []

        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME))
            await line.send(raw)
            while True:  # a client masks, so read what it sends by hand
                first, second = await line.reader.readexactly(2)
                payload = await line.reader.readexactly(4 + (second & 0x7F))
                if first & 0x0F == CLOSE:
                    closed.append(int.from_bytes(bytes(b ^ payload[n] for n, b in enumerate(payload[4:6])), "big"))
                    await line.to_the_end()
                    return

        ear, told = Ear(), list[dict[str, Any]]()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context))
        async with RawServer(serve) as server:
            await dialler(server).dial(ear)
            await until(lambda: ear.over)
            assert (closed[0], AgentLeg.live) == (code, 0)
        ear.legs.clear()
        gc.collect()
        assert told == [], "the agent's fault is no defect of ours"

    @pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 3000, 4001, None])
    async def test_a10_closed_by_the_agent(self, code):
        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME))
            line.writer.write(server_frame(CLOSE, b"" if code is None else code.to_bytes(2, "big") + b"why"))
            await line.to_the_end()

        ear = Ear()
        async with RawServer(serve) as server:
            await dialler(server).dial(ear)
            await until(lambda: ear.over)
            assert ear.legs[0].close_code == (1005 if code is None else code)
            assert (ear.over, AgentLeg.live) == (1, 0)

    async def test_a26_pings_are_answered_or_not(self):
        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME))
            await line.reader.readexactly(6)  # an empty ping
            line.writer.write(server_frame(10))
            await line.to_the_end()

        ear = Ear()
        async with RawServer(serve) as server:
            await dialler(server).dial(ear)
            ear.legs[0].ping()
            await until(lambda: ear.pongs)
            ear.legs[0].ping()
            assert ear.pongs == 1
            ear.legs[0].abort()
            await until(lambda: ear.over)

    async def test_a14_an_agent_that_stops_reading_is_noticed(self):
        """A second of audio is the bound; what is over it is known to the call, not hidden in buffers."""

        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME))
            line.writer.transport.pause_reading()
            await stop.wait()

        ear, stop = Ear(), asyncio.Event()
        listening = socket.create_server(("127.0.0.1", 0))
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        async with RawServer(serve, sock=listening) as server:
            await dialler(server).dial(ear)
            sent = 0
            while not ear.blocked:
                ear.legs[0].send_audio(b"\xff" * 160)
                sent += 160
                assert sent < 200_000
                await asyncio.sleep(0)
            assert ear.blocked == [True]
            ear.legs[0].close(1000)  # cannot be delivered: the deadline ends it
            await until(lambda: ear.over)
            assert AgentLeg.live == 0
            stop.set()

    async def test_a_close_that_is_not_answered_ends_by_its_deadline(self):
        async def serve(line: Line) -> None:
            await opens(line, server_frame(TEXT, WELCOME))
            await line.to_the_end(60)

        ear = Ear()
        async with RawServer(serve) as server:
            await dialler(server).dial(ear)
            ear.legs[0].close(1000)
            ear.legs[0].close(1000)
            await until(lambda: ear.over)
            await server.until(lambda: server.live == 0)


class TestA27HungUpWhileDialling:
    @pytest.mark.parametrize("sent", [b"", b"HTTP/1.1 101 Swit"], ids=["nothing", "half an answer"])
    async def test_a_cancelled_dial_closes_its_socket(self, sent):
        async def serve(line: Line) -> None:
            line.writer.write(sent)
            await line.to_the_end(60)

        ear = Ear()
        async with RawServer(serve) as server:
            dialling = asyncio.create_task(dialler(server, dial_s=30, dial_total_s=60).dial(ear))
            await server.until(lambda: server.live == 1)
            dialling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialling
            await server.until(lambda: server.live == 0)
            assert (ear.legs, AgentLeg.live) == ([], 0)

    async def test_an_answer_that_comes_too_late_opens_nothing(self):
        late = asyncio.Event()

        async def serve(line: Line) -> None:
            head = await line.head()
            await late.wait()
            line.writer.write(switching(head) + server_frame(TEXT, WELCOME))
            await line.to_the_end(60)

        ear = Ear()
        async with RawServer(serve) as server:
            dialling = asyncio.create_task(dialler(server, dial_s=30, dial_total_s=60).dial(ear))
            await server.until(lambda: server.live == 1)
            dialling.cancel()
            late.set()
            with pytest.raises(asyncio.CancelledError):
                await dialling
            await server.until(lambda: server.live == 0)
            assert (ear.legs, ear.texts, AgentLeg.live) == ([], [], 0)

    async def test_during_the_pause_between_attempts(self):
        async with RawServer(answers(503)) as server:
            dialling = asyncio.create_task(dialler(server, dial_pause_min_s=5, dial_pause_max_s=6).dial(Ear()))
            await server.until(lambda: server.accepted == 1 and server.live == 0)
            dialling.cancel()
            with pytest.raises(asyncio.CancelledError):
                await dialling
            assert server.accepted == 1
