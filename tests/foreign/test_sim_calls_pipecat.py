"""The simulated Twilio calls a server nobody here wrote: Pipecat, from a package index, unchanged.

It lives in an environment of its own (it is large): set OFFHOOK_PIPECAT_PYTHON to its interpreter, or this skips.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

import pytest

from offhook.sim.call import SimulatedCall
from offhook.sim.caller import HangUp, Say, WaitForAgent

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

PYTHON = os.environ.get("OFFHOOK_PIPECAT_PYTHON")
START_S = 60.0


@pytest.mark.skipif(not PYTHON, reason="no OFFHOOK_PIPECAT_PYTHON: an interpreter with pipecat-ai[websocket], uvicorn")
async def test_pipecat_takes_us_for_twilio_and_has_nothing_to_complain_about():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    callee = await asyncio.create_subprocess_exec(
        PYTHON or sys.executable,
        str(Path(__file__).with_name("pipecat_callee.py")),
        str(port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await listening(port)
        speech = b"\x10\x90" * 3600
        steps = [WaitForAgent(quiet_ms=600), Say(speech), WaitForAgent(), HangUp()]
        report = await SimulatedCall(f"ws://127.0.0.1:{port}/ws", steps).run()
        assert report.ok, report.why_not
        assert [turn.who for turn in report.turns] == ["agent", "caller", "agent"]
        echo = report.turns[2]
        assert echo.end_ms - echo.start_ms == pytest.approx(900, abs=60)
        assert callee.stdout is not None
        async with asyncio.timeout(5):
            assert await callee.stdout.readline() == b"recognised twilio\n"
    finally:
        callee.kill()  # it would wait for a pipeline that does not notice that the call is over
        await callee.communicate()


async def listening(port: int) -> None:
    async with asyncio.timeout(START_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.2)
                continue
            writer.close()
            await writer.wait_closed()
            return
