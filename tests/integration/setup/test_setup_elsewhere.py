"""`offhook setup` at the other places: on a laptop, at a URL that is there, and by hand in Railway's pages."""

from __future__ import annotations

import contextlib
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import psutil
import pytest
from tests.integration.setup.newcomer import AT_RAILWAY, ON_A_LAPTOP, Newcomer, newcomer
from tests.kit.bridge import AUTH_TOKEN, bridged
from tests.kit.ngrok import NgrokAgent, ngrok_agent
from tests.kit.ports import free_port
from tests.kit.raw import until

from offhook.setup.dev.number import remembered

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="its signals are POSIX's")]

OLD = "https://old.example.com/voice"


@asynccontextmanager
async def laptop(tmp_path: Path) -> AsyncIterator[tuple[Newcomer, NgrokAgent]]:
    """A newcomer with a tunnel that runs, and a number that something else answers so far."""
    port = free_port()
    async with newcomer(tmp_path, ON_A_LAPTOP) as it, ngrok_agent(port) as ngrok:
        it.more = {"PORT": str(port), "OFFHOOK_DEV__NGROK_API": ngrok.api}
        it.number.fields["voice_url"] = OLD
        yield it, ngrok


def nobody_serves(it: Newcomer) -> bool:
    port = int(it.more["PORT"])
    with contextlib.closing(socket.socket()) as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


async def test_on_a_laptop_all_is_as_before_at_the_end(tmp_path: Path):
    async with laptop(tmp_path) as (it, ngrok):
        async with it.setup() as wizard:
            await wizard.says("now call", 60)
            assert it.number.get("voice_url") == f"{ngrok.url}/twilio/voice"
            arguments = [str(child.cmdline()) for child in psutil.Process().children(recursive=True)]
            assert [one for one in arguments if "wizard.here" in one]
            assert it.leaks(*arguments) == []
            await it.calls()
            assert await wizard.ends(30) == 0, wizard.text
        assert "the greeting was heard" in wizard.text
        assert it.leaks(wizard.text) == []
        assert it.number.get("voice_url") == OLD
        assert "old.example.com/voice answers it again" in wizard.text
        assert nobody_serves(it)
        assert remembered(it.folder).all() == {}


@pytest.mark.parametrize("when", ["server: answers at", "now call"])
async def test_killed_on_a_laptop_the_server_goes_too_and_the_number_comes_back(tmp_path: Path, when: str):
    async with laptop(tmp_path) as (it, _):
        async with it.setup() as wizard:
            await wizard.says(when, 60)
            wizard.signal(signal.SIGKILL)
            await wizard.ends(60)
        async with it.setup() as wizard:
            await it.goes_all_the_way(wizard)
        assert it.number.get("voice_url") == OLD
        await until(lambda: not list_servers(it) and nobody_serves(it), 30)


async def test_killed_for_good_on_a_laptop_the_number_comes_back(tmp_path: Path):
    async with laptop(tmp_path) as (it, _):
        async with it.setup() as wizard:
            await wizard.says("^7/9", 60)
            wizard.signal(signal.SIGKILL)
            await wizard.ends(60)
        await until(lambda: it.number.get("voice_url") == OLD and not list_servers(it), 30)


def list_servers(it: Newcomer) -> list[int]:
    found = []
    for process in psutil.process_iter(["cmdline", "pid"]):
        if "offhook.setup.wizard.here" in (process.info["cmdline"] or []):
            with contextlib.suppress(psutil.Error):
                if Path(process.cwd()) == it.folder:
                    found.append(process.info["pid"])
    return found


async def test_ctrl_c_on_a_laptop_puts_the_number_back(tmp_path: Path):
    async with laptop(tmp_path) as (it, _):
        async with it.setup() as wizard:
            await wizard.says("now call", 60)
            wizard.signal(signal.SIGINT)
            assert await wizard.ends(20) == 130, wizard.text
        assert "Traceback" not in wizard.text
        assert it.number.get("voice_url") == OLD
        assert nobody_serves(it)


async def test_a_url_that_is_there_already(tmp_path: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    answers = ON_A_LAPTOP.replace('place = "laptop"', f'place = "url"\nurl = "{url}/"')
    async with newcomer(tmp_path, answers) as it:
        served = {"TWILIO_ACCOUNT_SID": it.account.sid, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": url}
        async with bridged(PORT=str(port), **served):
            async with it.setup() as wizard:
                await it.goes_all_the_way(wizard)
            assert it.number.get("voice_url") == f"{url}/twilio/voice"
            async with it.setup() as again:
                assert await again.ends(60) == 0, again.text
            assert "this changes at" not in again.text
        async with it.setup() as gone:
            assert await gone.ends(90) == 1
        assert "nothing listens there" in gone.text


async def test_by_hand_in_railways_pages(tmp_path: Path):
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    answers = AT_RAILWAY.replace("railway_api_token", "#") + f'by_hand = true\nurl = "{url}"\n'
    async with newcomer(tmp_path, answers) as it:
        served = {"TWILIO_ACCOUNT_SID": it.account.sid, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": url}
        async with bridged(PORT=str(port), **served), it.setup() as wizard:
            await it.goes_all_the_way(wizard)
        assert "DEEPGRAM_API_KEY=(your value, as in your .env)" in wizard.text
        assert "Generate Domain, target port 8080" in wizard.text
        assert AUTH_TOKEN not in wizard.text
        assert it.railway.requests == []
