"""`offhook setup` as a process: from an empty folder to a heard greeting, killed anywhere, and never anything twice."""

from __future__ import annotations

import signal
import stat
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.integration.setup.newcomer import NUMBER, SECRETS, Newcomer, newcomer
from tests.kit.process import Process, running

from offhook.carrier.saved import SavedWirings
from offhook.config.files import read_dotenv

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL and file modes are POSIX's"),
]


def is_all_there(it: Newcomer) -> None:
    """One project, one service, one domain, one deployment, one number, wired once; everything remembered."""
    (project,) = it.railway.projects
    service = it.railway.only_service()
    assert [each.name for each in project.services] == ["offhook"]
    (domain,) = service.domains
    (deployment,) = service.deployments
    assert deployment.status == "SUCCESS"
    url = f"http://{domain.name}"
    assert it.number.get("voice_url") == f"{url}/twilio/voice"
    assert it.number.get("status_callback") == f"{url}/twilio/status"
    assert len([path for method, path in it.twin.requests if method == "POST" and "IncomingPhone" in path]) == 1
    assert SavedWirings(it.folder).all()[it.number.sid].before.voice_url == ""
    assert it.state["heard"] == f"{url} {it.number.sid}"
    assert deployment.variables["TWILIO_AUTH_TOKEN"] in SECRETS
    assert "RAILWAY_API_TOKEN" not in deployment.variables
    env = it.folder / ".env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    values, bad = read_dotenv(env)
    assert not bad
    assert set(values) == {
        *("DEEPGRAM_API_KEY", "TWILIO_ACCOUNT_SID", "TWILIO_AUTH_TOKEN", "RAILWAY_API_TOKEN", "OFFHOOK_PUBLIC_URL"),
    }


async def test_from_an_empty_folder_to_a_heard_greeting_and_again(tmp_path: Path):
    async with newcomer(tmp_path) as it:
        async with it.setup() as wizard:
            await it.goes_all_the_way(wizard)
        is_all_there(it)
        assert "the greeting was heard" in wizard.text
        changes = len(it.railway.requests), sorted(it.folder.rglob("*"))
        async with it.setup() as again:
            assert await again.ends(60) == 0, again.text
        is_all_there(it)
        assert "this changes at" not in again.text
        assert sorted(it.folder.rglob("*")) == changes[1]
        async with running(it.folder, "doctor", environ=it.environ()) as doctor:
            assert await doctor.ends(60) in (0, 1), doctor.text  # no fallback is a warning
        assert it.leaks(wizard.text, again.text, doctor.text) == []


async def killed(it: Newcomer, when: str) -> None:
    """Run the wizard and kill it at a line of its own, or after a change at Railway or Twilio was made."""
    async with it.setup() as wizard:
        with_hooks = _dies_on(it, wizard, when)
        if not with_hooks:
            await wizard.says(when, 60)
            wizard.signal(signal.SIGKILL)
        assert await wizard.ends(60) == -signal.SIGKILL, f"{when}: {wizard.text}"
    it.railway.answer_lost = lambda _: False
    it.twin.options.on_answer = None


def _dies_on(it: Newcomer, wizard: Process, when: str) -> bool:
    def dies(is_it: Callable[[], bool]) -> bool:
        if is_it() and not wizard.has_ended:
            wizard.signal(signal.SIGKILL)
            return True
        return False

    if when.startswith("railway "):
        it.railway.answer_lost = lambda name: dies(lambda: name == when.removeprefix("railway "))
    elif when == "twilio":
        it.twin.options.on_answer = lambda method, path, status: bool(dies(lambda: method == "POST")) and None
    return when == "twilio" or when.startswith("railway ")


KILLED_AT = (
    *("^1/9", "^2/9", "^3/9", "^4/9", "^5/9", "^6/9"),
    *("railway ProjectCreate", "railway ServiceCreate", "railway VariablesUpsert", "railway ServiceUpdate"),
    *("railway ServiceDomainCreate", "railway ServiceConnect", "railway Deploy", "deployment .* found", "^7/9"),
    *("twilio", "^8/9", "now call"),
)


async def test_killed_anywhere_and_resumed_the_end_is_the_same(tmp_path: Path):
    async with newcomer(tmp_path) as it:
        for when in KILLED_AT:
            await killed(it, when)
        async with it.setup() as wizard:
            await it.goes_all_the_way(wizard)
        is_all_there(it)
        assert NUMBER in wizard.text
        assert sorted(path.name for path in it.folder.glob(".env*")) == [".env", ".env.example"]
