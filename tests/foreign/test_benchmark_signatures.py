"""The C load signs as Twilio does: its webhook and its handshake are judged by Twilio's own validator."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import os
from pathlib import Path
from urllib.parse import parse_qs

import pytest
from twilio.request_validator import RequestValidator

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
TOKEN = "0123456789abcdef0123456789abcdef"
PUBLIC = "https://bench.example"
TWIML = """<?xml version="1.0" encoding="UTF-8"?><Response><Connect action="https://bench.example/twilio/after">
<Stream name="agent" url="wss://bench.example/twilio/abc?x=1&amp;y=2"><Parameter name="token" value="t&amp;1"/>
<Parameter value="front-desk" name="agent"/></Stream></Connect><Say>Sorry.</Say></Response>"""

pytestmark = [pytest.mark.foreign, pytest.mark.slow]


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The C load, freshly built; a skip that says what is missing where it cannot be."""
    spec = importlib.util.spec_from_file_location("offhook_benchmark_build", BENCHMARKS / "build.py")
    assert spec is not None
    assert spec.loader is not None
    build = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(build)
    try:
        return build.build(tmp_path_factory.mktemp("build"))["load"]
    except build.NoCompiler as missing:
        pytest.skip(str(missing))


async def test_twilios_validator_accepts_what_the_load_signs(load: Path) -> None:
    """One call: the form POST over the public URL, then the upgrade over the wss URL of the TwiML, unescaped."""
    requests: asyncio.Queue[tuple[str, dict[str, str], str]] = asyncio.Queue()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(5):
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.strip().split("\r\n")
                headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
                body = (await reader.readexactly(int(headers.get("content-length", "0")))).decode()
        except (asyncio.IncompleteReadError, TimeoutError):  # the load's look whether anybody listens
            writer.close()
            return
        requests.put_nowait((first, headers, body))
        document = TWIML if first.startswith("POST") else ""
        status = "200 OK" if document else "403 Forbidden"
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(document)}\r\n\r\n{document}".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    asked = ["--target", f"127.0.0.1:{port}", "--calls", "1", "--seconds", "0.1", "--settle", "0.1"]
    process = await asyncio.create_subprocess_exec(
        *(str(load), *asked, "--webhook", "/twilio/voice", "--public", PUBLIC),
        env={**os.environ, "OFFHOOK_BENCH_TOKEN": TOKEN},
        stdout=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(20):
        said, _ = await process.communicate()
        posted, upgrade = await requests.get(), await requests.get()
    server.close()
    await server.wait_closed()

    judge = RequestValidator(TOKEN)
    form = {name: values[0] for name, values in parse_qs(posted[2], keep_blank_values=True).items()}
    assert posted[0] == "POST /twilio/voice HTTP/1.1"
    assert form["From"] == "+14155550123"
    assert judge.validate(f"{PUBLIC}/twilio/voice", form, posted[1]["x-twilio-signature"])
    assert upgrade[0] == "GET /twilio/abc?x=1&y=2 HTTP/1.1"
    assert judge.validate("wss://bench.example/twilio/abc?x=1&y=2", {}, upgrade[1]["x-twilio-signature"])
    assert upgrade[1]["host"] == "bench.example"
    result = json.loads(said.decode().splitlines()[-1])
    assert result["failures"] == {"upgrade_refused": 1}
    assert result["last_http_status"] == 403
    assert process.returncode == 1
