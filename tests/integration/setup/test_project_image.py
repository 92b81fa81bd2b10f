"""What `offhook init` writes is built as its Dockerfile says, in a fresh environment, and then answers a call."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import aiohttp
import pytest
from tests.kit.bridge import ACCOUNT, API_KEY, AUTH_TOKEN
from tests.kit.image import Image, build
from tests.kit.ports import free_port
from tests.kit.process import started

from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.setup.doctor.check import Check, run_checks
from offhook.setup.doctor.checks import address, selfcall
from offhook.setup.doctor.patient import examine
from offhook.setup.project.wheel import wheel_name
from offhook.setup.project.write import REQUIREMENTS, VENDOR, write_project

CALLS_ITSELF = (
    Check(address.NAME, "", address.run, network=True),
    Check(selfcall.CALL, "", selfcall.run, network=True),
)


async def answers_a_call(image: Image, folder: Path) -> None:
    """Start CMD as a platform would, call it through its address, stop it as a platform would."""
    port = free_port()
    known = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
        "DEEPGRAM_API_KEY": API_KEY,
        "OFFHOOK_PUBLIC_URL": f"http://127.0.0.1:{port}",
        "PORT": str(port),
    }
    async with OfflineAgent(ScriptedMind()) as agent:
        environ = image.environ({**known, "DEEPGRAM_AGENT_URL": agent.url})
        async with started(image.command(), image.here, environ) as process:
            assert await process.port() == port
            await process.says("agent_checked")
            async with aiohttp.ClientSession() as session:
                patient = examine(folder, known, url=known["OFFHOOK_PUBLIC_URL"], session=session)
                findings = await run_checks(CALLS_ITSELF, patient)
            assert [(f.check, f.found) for f in findings if f.verdict != "ok"] == []
            assert {"webhook", "stream", "call"} <= {f.check for f in findings}
            if sys.platform != "win32":
                process.signal(signal.SIGTERM)
                assert await process.ends(60) == 0
                assert "SIGTERM" in process.text


@pytest.mark.slow
@pytest.mark.timeout(1200)  # installs every package afresh
async def test_the_dockerfiles_steps_give_a_server_that_answers(tmp_path: Path):
    folder = tmp_path / "Büro eins"
    write_project(folder)
    (folder / ".env").write_text("DEEPGRAM_API_KEY=never-in-an-image\n")

    image = await build(folder, tmp_path / "built")

    assert image.user == "10001"
    assert sorted(file.name for file in image.here.iterdir()) == [
        "offhook.toml",
        "prompt.md",
        "tools.py",
        "vendor",
    ]
    await answers_a_call(image, folder)
    await installed_from_a_wheel_it_writes_the_same_project(image, tmp_path)


async def installed_from_a_wheel_it_writes_the_same_project(image: Image, tmp_path: Path) -> None:
    """The offhook of that image, asked to `init`, packs the very wheel it was installed from. No network: no pip."""
    again = tmp_path / "again"
    done = await asyncio.create_subprocess_exec(
        str(image.python), "-m", "offhook", "init", str(again), stdout=asyncio.subprocess.DEVNULL, cwd=tmp_path
    )
    async with asyncio.timeout(60):
        assert await done.wait() == 0
    for name in (f"{VENDOR}/{wheel_name()}", REQUIREMENTS, "Dockerfile"):
        assert (again / name).read_bytes() == (image.here.parent.parent.parent / "Büro eins" / name).read_bytes(), name
