"""Our own repository deploys as it is: the Dockerfile's steps done without Docker, its CMD as the first process."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest
from tests.kit.bridge import ACCOUNT, API_KEY, AUTH_TOKEN, QUICK
from tests.kit.image import Image, build, ignored, steps
from tests.kit.ports import free_port
from tests.kit.process import Process, started
from tests.kit.raw import until

from offhook.config.load import load
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.setup.doctor.checks import files, image, secrets, selfcall
from offhook.setup.doctor.patient import examine

ROOT = Path(__file__).parents[2]


def _namespace() -> list[str]:
    """Return the command that makes what follows PID 1 of a namespace of its own; nothing where that is not allowed."""
    unshare = shutil.which("unshare")
    if unshare is None or sys.platform != "linux":
        return []
    command = [unshare, "--pid", "--fork", "--kill-child", "--mount-proc"]
    return command if subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0 else []


def _number_inside(pid: int) -> int:
    """Return the id that a process has in its own namespace."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(next(line for line in status.splitlines() if line.startswith("NSpid")).split()[-1])


async def test_the_doctor_has_nothing_against_the_repository():
    for check in (image, files, secrets):
        findings = await check.run(examine(ROOT, {}))
        assert [f for f in findings if f.verdict in ("warn", "fail")] == []


def test_only_what_runs_goes_into_the_image():
    kept_out = ignored(ROOT)
    assert sorted(file.name for file in ROOT.iterdir() if not kept_out(Path(file.name))) == ["requirements.txt", "src"]
    assert kept_out(Path("src/offhook/__pycache__/x.pyc"))
    assert kept_out(Path(".env"))


def test_the_dockerfile_is_what_long_calls_need():
    told = steps((ROOT / "Dockerfile").read_text(encoding="utf-8"))
    words = dict(told)
    assert words["FROM"].startswith("python:3.13-slim")
    assert words["CMD"] == '["python", "-m", "offhook", "serve"]'
    assert words["USER"] not in ("", "root", "0")
    assert any("PYTHONUNBUFFERED=1" in rest for word, rest in told if word == "ENV")
    (run,) = [rest for word, rest in told if word == "RUN"]
    assert "--require-hashes" in run


@asynccontextmanager
async def first_process(built: Image, environ: Mapping[str, str]) -> AsyncIterator[tuple[Process, int]]:
    """Start CMD as PID 1 where this machine allows that; yield it and the id by which this machine knows it."""
    wrapped = _namespace()
    async with started([*wrapped, *built.command()], built.here, built.environ(environ)) as process:
        await process.says("listening")
        me = psutil.Process(process._process.pid)
        inner = me.children()[0] if wrapped else me
        yield process, inner.pid


@pytest.mark.slow
@pytest.mark.timeout(1200)  # installs every package afresh
async def test_the_dockerfiles_steps_give_a_server_that_answers_as_the_first_process(tmp_path: Path):
    built = await build(ROOT, tmp_path / "built")
    port = str(free_port())
    known = {
        "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "DEEPGRAM_API_KEY": API_KEY, "PORT": port,
        "RAILWAY_PROJECT_ID": "p", "RAILWAY_DEPLOYMENT_ID": "d", "RAILWAY_PUBLIC_DOMAIN": f"127.0.0.1:{port}",
    }  # fmt: skip
    async with OfflineAgent(ScriptedMind()) as agent:
        environ = {**QUICK, **known, "DEEPGRAM_AGENT_URL": agent.url}
        async with first_process(built, environ) as (process, pid):
            await process.says("agent_checked")
            if _namespace():
                assert _number_inside(pid) == 1
            async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                assert answer.status == 200
            settings = load(environ=known, folder=tmp_path).settings
            report = await selfcall.call(f"http://127.0.0.1:{port}", settings)
            assert selfcall.steps_of(report).heard_ms is not None, report
            if sys.platform != "win32":
                os.kill(pid, signal.SIGTERM)
                assert await process.ends(60) == 0
                assert "SIGTERM" in process.text
                assert "Railway" in process.text
    await until(lambda: not asyncio.all_tasks() - {asyncio.current_task()}, 5)
