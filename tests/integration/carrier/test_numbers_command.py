"""`offhook numbers` as people run it: in a process of its own, against the twin, judged by the vendor's document."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path

import pytest
from tests.integration.carrier.kit import MUTE, OTHER, OURS, TOKEN, account
from tests.kit.rest.contract import Contract
from tests.kit.rest.proxy import judging

from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account

pytestmark = pytest.mark.slow
PUBLIC = "https://voice.example.com"


async def offhook(folder: Path, url: str, *words: str, **changed: str) -> tuple[int, str, str]:
    """Run a command in ``folder`` with the twin's credentials."""
    kept = ("PATH", "SYSTEMROOT", "LANG", "TMPDIR", "TEMP")
    environ = {name: os.environ[name] for name in kept if name in os.environ}
    owner = Account()
    named = {"TWILIO_ACCOUNT_SID": owner.sid, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_URL": url, "COLUMNS": "60"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "offhook", *words),
        cwd=folder,
        env={**environ, **named, "NO_COLOR": "1", "PYTHONUTF8": "1", **changed},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(b"")
    assert TOKEN not in out.decode() + err.decode()
    return process.returncode or 0, out.decode(), err.decode()


async def test_list_attach_detach(vendor_contracts, tmp_path: Path):
    folder = tmp_path / "my projéct"
    folder.mkdir()
    owner = account()
    target = owner.number(OURS)
    assert target is not None
    target.fields["voice_url"] = "https://old.example.com/voice"
    async with RestTwin([owner]) as twin, judging(Contract(vendor_contracts), twin.url) as proxy:
        code, out, err = await offhook(folder, proxy.url, "numbers", "list")
        assert (code, err) == (0, "")
        assert out.splitlines()[0] == f"{OURS}  GB  voice, sms  → https://old.example.com/voice"
        code, out, _ = await offhook(folder, proxy.url, "numbers", "list", "--search", "*2960003", "--json")
        assert [(one["e164"], one["can_voice"]) for one in json.loads(out)] == [(MUTE, False)]

        code, out, err = await offhook(folder, proxy.url, "numbers", "attach", OURS, "--url", PUBLIC)
        assert code == 1
        assert f"VoiceUrl: https://old.example.com/voice → {PUBLIC}/twilio/voice" in out
        assert "--yes" in err
        assert {method for method, _ in twin.requests} == {"GET"}

        code, out, err = await offhook(folder, proxy.url, "numbers", "attach", OURS, "--url", PUBLIC, "--yes")
        assert (code, err) == (0, "")
        assert f"{OURS} is answered by {PUBLIC}/twilio/voice" in out
        assert "no fallback" in out
        code, out, err = await offhook(folder, proxy.url, "numbers", "detach", "--yes")
        assert (code, err) == (0, "")
        assert target.get("voice_url") == "https://old.example.com/voice"
        code, _, err = await offhook(folder, proxy.url, "numbers", "detach", OURS, "--yes")
        assert code == 1
        assert "not attached from this folder" in err
    assert proxy.violations == []


async def test_a_pipe_that_has_no_arrow_is_written_all_the_same(tmp_path: Path):
    async with RestTwin([account()]) as twin:
        poor = {"PYTHONUTF8": "0", "PYTHONIOENCODING": "cp1252"}
        code, out, err = await offhook(tmp_path, twin.url, "numbers", "list", **poor)
    assert (code, err) == (0, "")
    assert out.startswith(f"{OURS}  GB  voice, sms  ? nothing")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("attach", "--url", PUBLIC), "has 2 numbers that take calls"),
        (("attach", MUTE, "--url", PUBLIC), "cannot take calls"),
        (("attach", OTHER), "OFFHOOK_PUBLIC_URL"),
        (("attach", OTHER, "--url", "wss://voice.example.com"), "is a stream address"),
        (("attach", "+441632999999", "--url", PUBLIC), "no such number"),
    ],
)
async def test_what_cannot_be_attached_is_a_sentence(tmp_path: Path, words, said):
    async with RestTwin([account()]) as twin:
        code, _, err = await offhook(tmp_path, twin.url, "numbers", *words)
    assert code in (1, 2)
    assert said in err
    assert "Traceback" not in err
    assert {method for method, _ in twin.requests} <= {"GET"}
