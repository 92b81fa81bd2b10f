"""Every command of the how-to on numbers, run as it is written, one after the other, against the REST twin."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from offhook.carrier.failures import SENTENCES
from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs/howto/twilio-number.md"
TOKEN = "fedcba9876543210" * 2
COMMANDS = [
    line
    for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    for line in block.splitlines()
]


async def run(folder: Path, url: str, command: str, answer: str) -> tuple[int, str, str]:
    environ = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TMPDIR", "TEMP") if name in os.environ}
    named = {"TWILIO_ACCOUNT_SID": Account().sid, "TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_API_URL": url, "PYTHONUTF8": "1"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", *shlex.split(command)),
        cwd=folder,
        env={**environ, **named},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(answer.encode())
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_commands_do_what_the_page_says(tmp_path: Path):
    first = PhoneNumber("+441632960001")
    second = PhoneNumber("+441632960002", can_sms=False, fields={"voice_url": "https://other.example.com/voice"})
    owner = Account(auth_token=TOKEN).own(first, second)
    seen = []
    async with RestTwin([owner]) as twin:
        for command in COMMANDS:
            if command == "offhook doctor":
                continue  # has tests of its own, and asks more than Twilio
            code, out, err = await run(tmp_path, twin.url, command, "")
            # without --yes and without a terminal nothing may happen
            assert code == (1 if "attach" in command and "--yes" not in command else 0), (command, out, err)
            assert "Traceback" not in err
            if command == "offhook numbers list":
                assert f"```\n{out}```" in PAGE.read_text(encoding="utf-8")
            seen.append((command, first.get("voice_url"), first.get("voice_fallback_url")))
    wired = [(voice, fallback) for words, voice, fallback in seen if "--yes" in words]
    ours = "https://voice.example.com/twilio/voice"
    assert [voice for voice, _ in wired] == [ours, ours, None]
    assert (wired[0][1], (wired[1][1] or "").split("/EH")[0], wired[2][1]) == (
        None,
        "https://handler.twilio.com/twiml",
        None,
    )


def test_the_refusal_it_quotes_is_ours():
    assert f"offhook: {SENTENCES[20003]} (Twilio 20003)" in PAGE.read_text(encoding="utf-8")
