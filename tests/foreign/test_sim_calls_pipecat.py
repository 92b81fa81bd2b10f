"""The simulated Twilio calls a server nobody here wrote: Pipecat, from a package index, unchanged.

It lives in an environment of its own, made by `uv` from its name (it is large). Where that cannot be made, this skips.
"""

from __future__ import annotations

import asyncio
import importlib.util
import shutil
import subprocess
import sys
from itertools import groupby
from pathlib import Path

import pytest
from tests.kit.ports import free_port

from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, Say, WaitForAgent
from offhook.sim.network import PROFILES, Network
from offhook.trace import Entry

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

PACKAGES = ("pipecat-ai[websocket]==1.14.0", "uvicorn")
INSTALL_S = 300.0
START_S = 60.0


def _uv() -> list[str]:
    """Return the command of uv, wherever it is."""
    if shutil.which("uv"):
        return ["uv"]
    here = importlib.util.find_spec("uv") is not None
    return [sys.executable if here else getattr(sys, "_base_executable", sys.executable), "-m", "uv"]


@pytest.fixture(scope="module")
def pipecat_python(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A Python of its own that has Pipecat, or a skip that says why there is none."""
    folder = tmp_path_factory.mktemp("pipecat") / "venv"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    for command in (
        ["venv", "-q", "--python", version, str(folder)],
        ["pip", "install", "-q", "--python", str(python), *PACKAGES],
    ):
        try:
            subprocess.run([*_uv(), *command], check=True, capture_output=True, timeout=INSTALL_S)
        except (OSError, subprocess.SubprocessError) as failed:
            pytest.skip(f"Pipecat cannot be installed here with uv ({type(failed).__name__})")
    return str(python)


@pytest.mark.parametrize("network", [PROFILES["none"], PROFILES["mobile"]], ids=["none", "mobile"])
async def test_pipecat_takes_us_for_twilio_and_has_nothing_to_complain_about(pipecat_python: str, network: Network):
    port = free_port()
    callee = await asyncio.create_subprocess_exec(
        pipecat_python,
        str(Path(__file__).with_name("pipecat_callee.py")),
        str(port),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        await listening(port)
        speech = b"\x10\x90" * 3600
        steps = [WaitForAgent(quiet_ms=600), Say(speech), WaitForAgent(), HangUp()]
        heard = bytearray()

        def listen(entry: Entry) -> None:
            heard.extend(entry.audio if entry.kind == "heard" and entry.audio else b"")

        options = CallOptions(network=network, on_wire=listen)
        report = await SimulatedCall(f"ws://127.0.0.1:{port}/ws", steps, options).run()
        assert report.ok, report.why_not
        # on a busy machine the echo may come in pieces: what counts is that all of it comes back
        assert [who for who, _ in groupby(turn.who for turn in report.turns)] == ["agent", "caller", "agent"]
        echoed = sum(heard.count(letter) for letter in speech[:2])
        assert echoed == len(speech) if network.is_clear else echoed > 0.8 * len(speech)
        assert callee.stdout is not None
        async with asyncio.timeout(START_S):
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
