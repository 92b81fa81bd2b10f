"""`offhook setup` among people: dry runs, refusals, terminals, Ctrl-C. Nothing half done, nothing unsaid."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.integration.setup.newcomer import AT_RAILWAY, ON_A_LAPTOP, SECRETS, Newcomer, newcomer
from tests.integration.setup.test_dev import Terminal
from tests.kit.bridge import API_KEY, AUTH_TOKEN, bridged
from tests.kit.ports import free_port
from tests.kit.process import running
from tests.kit.raw import until

from offhook.sim.rest.world import PhoneNumber

if sys.platform != "win32":
    import pty
    import termios

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="terminals and signals of POSIX")]

WRONG = API_KEY[::-1]


def changed(it: Newcomer) -> list[str]:
    """What was changed anywhere: files, requests to Twilio that write, mutations at Railway."""
    files = [path.name for path in it.folder.rglob("*")] if it.folder.exists() else []
    writes = [path for method, path in it.twin.requests if method != "GET"]
    return [*files, *writes, *(project.name for project in it.railway.projects)]


async def test_a_dry_run_changes_nothing_and_says_everything(tmp_path: Path):
    async with newcomer(tmp_path) as it:
        async with it.setup("--dry-run") as first:
            assert await first.ends(60) == 0, first.text
        assert changed(it) == []
        for words in ("write offhook.toml", "chosen: railway", "create project, service", "nothing was changed"):
            assert words in first.text, first.text
        it.folder.mkdir()
        (it.folder / ".env").write_text(f"RAILWAY_API_TOKEN={SECRETS[2]}\nTWILIO_AUTH_TOKEN=todo\n", encoding="utf-8")
        async with it.setup("--dry-run") as broken:
            assert await broken.ends(60) == 0, broken.text
        assert "twilio.auth_token (.env TWILIO_AUTH_TOKEN): is a placeholder" in broken.text
        (it.folder / ".env").write_text(f"RAILWAY_API_TOKEN={SECRETS[2]}\n", encoding="utf-8")
        async with it.setup("--dry-run") as second:
            assert await second.ends(60) == 0, second.text
        assert "at Railway: create the project offhook" in second.text
        assert changed(it) == [".env"]
        assert it.leaks(first.text + second.text) == []


async def test_without_consent_nothing_changes_elsewhere(tmp_path: Path):
    async with newcomer(tmp_path, AT_RAILWAY.replace("agree = true", "")) as it:
        async with it.setup() as wizard:
            assert await wizard.ends(60) == 1
        assert "create the project offhook" in wizard.text
        assert "agree with --yes" in wizard.text
        assert it.railway.projects == []


async def test_refusals_name_the_fix_and_the_next_run_goes_on(tmp_path: Path):
    """A wrong key, a number of somebody else, a build that fails: each is said, mended, and done once in the end."""
    answers = AT_RAILWAY.replace(API_KEY, WRONG) + 'number = "+44 1632 960099"\n'
    async with newcomer(tmp_path, answers, deepgram_think=False) as it:
        async with it.setup() as refused:
            assert await refused.ends(60) == 1
        assert "does not know this key" in refused.text
        it.answers.write_text(answers.replace(WRONG, API_KEY), encoding="utf-8")
        async with it.setup() as strange:
            assert await strange.ends(60) == 1
        assert "refuses deepgram/think-fast for this project; agent thinks with open_ai/gpt-4o-mini" in strange.text
        assert "not one of this account's" in strange.text
        it.answers.write_text(AT_RAILWAY.replace("call_s = 90", "call = false"), encoding="utf-8")
        it.railway.life.build_error = ["no space left"]
        async with it.setup() as unbuilt:
            assert await unbuilt.ends(60) == 1
        assert "no space left" in unbuilt.text
        it.railway.life.build_error = []
        async with it.setup() as good:
            assert await good.ends(60) == 0, good.text
        assert "left out, as you wished" in good.text
        assert [it.status for it in it.railway.only_service().deployments] == ["FAILED", "SUCCESS"]
        for process in (refused, strange, unbuilt, good):
            assert "Traceback" not in process.text
            assert "\x1b" not in process.text
            assert it.leaks(process.text) == []


async def test_a_trunk_is_taken_off_by_express_consent_only(tmp_path: Path):
    trunk = "TK" + "0" * 32
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    answers = ON_A_LAPTOP.replace('place = "laptop"', f'place = "url"\nurl = "{url}"\ncall = false')
    async with newcomer(tmp_path, answers) as it:
        it.number.fields["trunk_sid"] = trunk
        served = {"TWILIO_ACCOUNT_SID": it.account.sid, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": url}
        async with bridged(PORT=str(port), **served):
            async with it.setup("--yes") as refused:
                assert await refused.ends(60) == 1
            assert "a SIP trunk now, which would be taken off it" in refused.text
            assert it.number.get("trunk_sid") == trunk
            it.answers.write_text(answers + 'take = ["trunk"]\n', encoding="utf-8")
            async with it.setup() as wizard:
                assert await wizard.ends(60) == 0, wizard.text
        assert not it.number.get("trunk_sid")
        assert it.number.get("voice_url") == f"{url}/twilio/voice"
        async with running(it.folder, "numbers", "detach", "--yes", environ=it.environ()) as detached:
            assert await detached.ends(60) == 0, detached.text
        assert it.number.get("trunk_sid") == trunk


@asynccontextmanager
async def at_a_terminal(it: Newcomer, **environ: str) -> AsyncIterator[tuple[Terminal, asyncio.subprocess.Process]]:
    """Run the wizard for a person at a terminal of 60 columns."""
    ours, its = pty.openpty()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook", "setup", str(it.folder)),
        env={**kept, "COLUMNS": "60", "NO_COLOR": "1", "TERM": "xterm", **it.environ(), **environ},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    terminal = Terminal(ours)
    try:
        yield terminal, process
    finally:
        terminal.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined] # or it outlives the loop


def is_silent(terminal: Terminal) -> bool:
    """Whether what is typed is not shown."""
    return not termios.tcgetattr(terminal._ours)[3] & termios.ECHO


async def test_a_person_is_asked_and_asked_again_until_it_is_right(tmp_path: Path):
    async with newcomer(tmp_path) as it:
        it.account.own(PhoneNumber("+441632960002", fields={"trunk_sid": "TK" + "0" * 32}))
        async with at_a_terminal(it) as (terminal, process):
            for asked, typed in (
                ("Deepgram API key", ""),
                ("nothing arrived", "your-key-here"),
                ("is a placeholder", WRONG),
                ("does not know this key", f"export DEEPGRAM_API_KEY='{API_KEY}',"),
                ("Account SID", it.account.sid),
                ("Auth token", WRONG[:32]),
                ("does not take these", it.account.sid),
                ("Auth token", AUTH_TOKEN),
                ("Which number", "the second"),
                ("type one of the numbers 1 to 2", "2"),
                ("Where shall the server run", "4"),
                ("type one of the numbers 1 to 3", "3"),
                ("The server's address", "https://voice.example.com/twilio"),
                ("must end after the host", f"http://127.0.0.1:{free_port()}"),
            ):
                await terminal.says(asked)
                if typed in ("", AUTH_TOKEN, WRONG, WRONG[:32], "your-key-here") or API_KEY in typed:
                    await until(lambda: is_silent(terminal), 20)  # what was typed before is thrown away
                terminal.text = ""
                terminal.type(f"{typed}\n")
            await terminal.says("does not lead here")
            await terminal.says("goes on here")
            assert await process.wait() == 1
        assert it.state["number_sid"] == it.account.number("+441632960002").sid
        async with at_a_terminal(it) as (terminal, process):
            await terminal.says("The server's address")
            assert not [line for line in terminal.text.splitlines() if len(line) > 60]
            assert "with --anew you choose again" in terminal.text
            assert "\x1b" not in terminal.text
            process.send_signal(signal.SIGINT)
            async with asyncio.timeout(10):
                assert await process.wait() == 130
            await terminal.says("goes on here")
            assert "Traceback" not in terminal.text
        assert it.leaks(terminal.text) == []
        assert [path for path in it.folder.iterdir() if path.name.startswith((".env.", "offhook.state.json."))] == [
            it.folder / ".env.example"
        ]


async def test_what_the_environment_sets_is_not_asked_for_in_vain(tmp_path: Path):
    """An old SID in the environment counts over what is typed: it is named, instead of asking for ever."""
    async with newcomer(tmp_path) as it:
        it.folder.mkdir()
        known = f"DEEPGRAM_API_KEY={API_KEY}\nTWILIO_AUTH_TOKEN={AUTH_TOKEN}\n"
        (it.folder / ".env").write_text(known, encoding="utf-8")
        async with at_a_terminal(it, TWILIO_ACCOUNT_SID="AC" + "9" * 32) as (terminal, process):
            await terminal.says("TWILIO_ACCOUNT_SID: set in this")
            assert await process.wait() == 1


async def test_a_folder_with_other_things_in_it_is_not_filled_unasked(tmp_path: Path):
    async with newcomer(tmp_path) as it:
        it.folder.mkdir()
        (it.folder / "holiday.jpg").write_bytes(b"")
        async with at_a_terminal(it) as (terminal, process):
            await terminal.says("Put the project beside them?")
            terminal.type("n\n")
            await terminal.says("nothing was written")
            assert await process.wait() == 1
        assert [path.name for path in it.folder.iterdir()] == ["holiday.jpg"]


async def test_ctrl_c_while_it_works_ends_at_once(tmp_path: Path):
    async with newcomer(tmp_path) as it:
        it.twin.options.latency_s = 60.0
        async with it.setup() as wizard:
            await wizard.says("^3/9")
            wizard.signal(signal.SIGINT)
            assert await wizard.ends(10) == 130
        assert "goes on here" in wizard.text
        assert "Traceback" not in wizard.text


async def test_nobody_to_ask(tmp_path: Path):
    async with newcomer(tmp_path) as it, running(it.folder.parent, "setup", environ=it.environ()) as wizard:
        assert await wizard.ends(60) == 1
        assert "deepgram_api_key is not known, and nobody is here to ask" in wizard.text
