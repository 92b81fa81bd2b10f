"""`offhook lab` as a user runs it: what it prints is what a bridge needs, and a secret that is set stays unsaid."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.kit.known_bad.bridge import Bridge
from tests.kit.process import Process, running
from typer.testing import CliRunner

from offhook.cli.app import app

SET = {
    "TWILIO_ACCOUNT_SID": "AC" + "5" * 32,
    "TWILIO_AUTH_TOKEN": "fedcba9876543210" * 2,
    "DEEPGRAM_API_KEY": "key",
}
#: The bridge is in another process and nobody's time is skipped: a machine may be late for it alone.
LATE = {"caller-audio-late", "agent-audio-late", "agent-orphan", "slow-hang-up"}
PORTS = ("--port", "0", "--twilio-port", "0", "--deepgram-port")


async def address(process: Process) -> str:
    """Wait until it says where its page is."""
    return (await process.says(r"watch it: +(http://\S+)/"))[1]


async def judged(session: aiohttp.ClientSession, page: str) -> dict[str, Any]:
    """Place a plain call and wait for its verdict."""
    async with session.post(f"{page}/api/calls", json={}) as answer:
        placed = await answer.json()
    async with asyncio.timeout(120):
        while True:
            async with session.get(f"{page}/api/calls/{placed['call']}") as answer:
                call: dict[str, Any] = await answer.json()
            if call["findings"] is not None:
                return call
            await asyncio.sleep(0.1)


@pytest.mark.slow
async def test_it_prints_credentials_and_stops_at_once(tmp_path: Path) -> None:
    async with running(tmp_path, "lab", *PORTS, "0") as process, aiohttp.ClientSession() as session:
        page = await address(process)
        sid = (await process.says(r"TWILIO_ACCOUNT_SID=(\S+)"))[1]
        token = (await process.says(r"TWILIO_AUTH_TOKEN=(\S+)"))[1]
        twilio = (await process.says(r"REST API: +(http://\S+)"))[1]
        basic = {"Authorization": aiohttp.encode_basic_auth(sid, token)}
        async with session.get(f"{twilio}/2010-04-01/Accounts/{sid}.json", headers=basic) as answer:
            assert answer.status == 200
        async with session.get(f"{page}/api/lab") as answer:
            assert len((await answer.json())["scenarios"]) > 10
        if os.name == "posix":
            process.signal(signal.SIGINT)
            assert await process.ends(60.0) == 130
            assert "Traceback" not in process.text


@pytest.mark.slow
@pytest.mark.parametrize("defect", [None, "no clear"])
async def test_any_bridge_is_dropped_between(tmp_path: Path, defect: str | None) -> None:
    """A bridge that shares no code with offhook, given both addresses and the credentials that are set."""
    async with Bridge("ws://127.0.0.1:1/", SET["TWILIO_AUTH_TOKEN"], "", defect) as bridge:
        bridge.public = f"http://127.0.0.1:{bridge.port}"
        command = ("lab", "--bridge", f"{bridge.public}/voice", *PORTS, "0")
        async with running(tmp_path, *command, environ=SET) as process, aiohttp.ClientSession() as session:
            page = await address(process)
            bridge.agent_url = (await process.says(r"Deepgram's socket: +(ws://\S+)"))[1]
            call = await judged(session, page)
            codes = {finding["code"] for finding in call["findings"]}
            assert codes - LATE == (set() if defect is None else {"no-clear"})
        assert SET["TWILIO_AUTH_TOKEN"] not in process.text


@pytest.mark.parametrize("command", ["lab", "replay"])
def test_what_is_no_webhook_is_refused(command: str, tmp_path: Path) -> None:
    for url in ("voice", "127.0.0.1:5000", "ws://127.0.0.1/", "http:///voice"):
        trace = (str(tmp_path / "none.jsonl"),) if command == "replay" else ()
        result = CliRunner().invoke(app, [command, *trace, "--bridge", url], env={"COLUMNS": "200"})
        assert (result.exit_code, "voice webhook, like http://" in result.stderr) == (2, True), result.stderr


@pytest.mark.slow
async def test_a_port_that_is_taken_is_said_in_words(tmp_path: Path) -> None:
    async with running(tmp_path, "lab", *PORTS, "0") as process:
        port = (await address(process)).rpartition(":")[2]
        async with running(tmp_path, "lab", "--port", port, *PORTS[2:], "0") as second:
            assert await second.ends(60.0) == 2
            assert "choose other ports" in second.text
            assert "Traceback" not in second.text
