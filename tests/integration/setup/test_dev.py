"""`offhook dev` as a process, with an ngrok and a Twilio of ours: a number answered here, and as before afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.kit.bridge import API_KEY, AUTH_TOKEN, QUICK
from tests.kit.ngrok import NgrokAgent, ngrok_agent
from tests.kit.ngrok_service import AUTH, BIND, NgrokService, ngrok_service
from tests.kit.patients.addresses import answering
from tests.kit.ports import free_port
from tests.kit.process import Process, running
from tests.kit.raw import until
from tests.kit.tls import vouched

from offhook.offline.faults import Faults
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, WaitForAgent
from offhook.sim.identity import CallIdentity
from offhook.sim.report import CallReport
from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

if sys.platform != "win32":
    import pty

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C and SIGTERM cannot be sent there from here")

NUMBER, OTHER = "+441632960001", "+441632960002"
OLD = "https://old.example.com/voice"
FALLBACK = "https://handler.twilio.com/twiml/EH0"
STATE = Path(".offhook") / "dev.json"


@dataclass(slots=True)
class Laptop:
    """A folder, a free port, and everybody around."""

    folder: Path
    port: int
    account: Account
    twin: RestTwin
    agent: OfflineAgent
    ngrok: NgrokAgent

    @property
    def number(self) -> PhoneNumber:
        """The number."""
        found = self.account.number(NUMBER)
        assert found is not None
        return found

    @property
    def voice_url(self) -> str:
        """What answers the number now."""
        return self.number.get("voice_url") or ""

    @property
    def here(self) -> str:
        """What it is answered by while `dev` runs."""
        return f"{self.ngrok.url}/twilio/voice"

    def environ(self, **more: str) -> dict[str, str]:
        """What the command finds in its environment."""
        return {
            **QUICK,
            "HOME": str(self.folder),
            "TWILIO_ACCOUNT_SID": self.account.sid,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_API_URL": self.twin.url,
            "DEEPGRAM_API_KEY": API_KEY,
            "DEEPGRAM_AGENT_URL": self.agent.url,
            "OFFHOOK_DEV__NGROK_API": self.ngrok.api,
            "PORT": str(self.port),
            **more,
        }

    def dev(self, *options: str, **environ: str):
        """Run the command."""
        return running(self.folder, "dev", *options, environ=self.environ(**environ))

    async def call(self) -> CallReport:
        """Ring the number until the agent is heard: whatever answers it is asked, signed."""
        steps = [WaitForAgent(timeout_s=20, longest_s=0.3), HangUp()]
        options = CallOptions(auth_token=AUTH_TOKEN, identity=CallIdentity(account_sid=self.account.sid), limit_s=30)
        return await SimulatedCall(self.voice_url, steps, options).run()

    def prompts(self) -> list[str]:
        """The prompts of the agent's sessions, in order."""
        sent = [frame.message for call in self.agent.calls for frame in call.history if frame.kind == "Settings"]
        return [message["agent"]["think"][0]["prompt"] for message in sent]


@asynccontextmanager
async def laptop(folder: Path, *more: PhoneNumber, **fields: str) -> AsyncIterator[Laptop]:
    wired = {"voice_url": OLD, "voice_method": "GET", "voice_fallback_url": FALLBACK, **fields}
    account = Account(auth_token=AUTH_TOKEN).own(PhoneNumber(NUMBER, fields=dict(wired)), *more)
    port = free_port()
    async with RestTwin([account]) as twin, OfflineAgent(ScriptedMind()) as agent, ngrok_agent(port) as ngrok:
        yield Laptop(folder, port, account, twin, agent, ngrok)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder as people have them."""
    made = tmp_path / "Büro 1"
    made.mkdir()
    return made


@pytest.fixture
async def here(folder: Path) -> AsyncIterator[Laptop]:
    """A laptop with one number."""
    async with laptop(folder) as found:
        yield found


async def ready(process: Process) -> None:
    await process.says(r"^ready ")
    await process.says("agent_checked")


async def stopped(process: Process, number: signal.Signals = signal.SIGINT) -> None:
    process.signal(number)
    assert await process.ends(20) == 0, process.text
    assert "Traceback" not in process.text


async def test_a_call_is_answered_here_and_all_is_as_before(here: Laptop):
    before = dict(here.number.fields)
    async with here.dev() as process:
        await ready(process)
        assert here.voice_url == here.here
        assert here.number.get("voice_method") == "POST"
        assert here.number.get("status_callback") == f"{here.ngrok.url}/twilio/status"
        assert here.number.get("voice_fallback_url") == FALLBACK
        assert (here.folder / STATE).stat().st_mode & 0o777 == 0o600
        assert (here.folder / ".offhook" / ".gitignore").read_text() == "*\n"

        report = await here.call()
        assert not report.complaints
        assert report.turns, report.why_not

        await stopped(process)
    said = process.text
    assert f"{here.ngrok.url} leads to port {here.port} of this computer" in said
    assert "offhook itself runs here" in said
    assert f"{OLD} answers it again" in said
    assert {name: here.number.get(name) or "" for name in before} == before
    assert not here.number.get("status_callback")
    assert json.loads((here.folder / STATE).read_text())["numbers"] == {}
    assert not [secret for secret in (AUTH_TOKEN, API_KEY) if secret in said]


async def test_after_a_crash_the_next_start_knows_and_the_old_webhook_comes_back(here: Laptop):
    async with here.dev() as process:
        await ready(process)
        await process.kill()
    assert here.voice_url == here.here

    async with here.dev() as process:
        await process.says("was cut off before it could put its number back")
        await ready(process)
        await stopped(process)

    assert here.voice_url == OLD


async def test_restore_puts_back_and_ends(here: Laptop):
    async with here.dev() as process:
        await ready(process)
        await process.kill()

    async with here.dev("--restore") as process:
        assert await process.ends(20) == 0
        assert f"{OLD} answers it again" in process.text
    assert here.voice_url == OLD
    async with here.dev("--restore") as process:
        assert await process.ends(20) == 0
        assert "nothing is left" in process.text


async def test_what_somebody_changed_meanwhile_stays(here: Laptop):
    async with here.dev() as process:
        await ready(process)
        here.number.fields["voice_url"] = "https://somebody.example.com/voice"
        await stopped(process)
        assert "changed by somebody meanwhile" in process.text
    assert here.voice_url == "https://somebody.example.com/voice"


async def test_without_twilio_at_the_end_it_is_remembered(here: Laptop):
    async with here.dev() as process:
        await ready(process)
        here.twin.options.refuse.extend([20500] * 8)
        await stopped(process)
        assert "could not be put back" in process.text
    here.twin.options.refuse.clear()
    assert here.voice_url == here.here

    async with here.dev("--restore") as process:
        assert await process.ends(20) == 0
    assert here.voice_url == OLD


async def test_sigterm_gives_the_number_back_before_the_last_call_ends(here: Laptop):
    from offhook.sim.behaviour import Behaviour
    from offhook.sim.stream import StreamClient

    async with here.dev("--no-wire", TWILIO_ACCOUNT_SID="", TWILIO_AUTH_TOKEN="") as process:
        assert await process.ends() == 2  # never unsigned through a tunnel
        assert "TWILIO_AUTH_TOKEN" in process.text

    async with here.dev(OFFHOOK_TWILIO__STATIC_STREAMS="true") as process:
        await ready(process)
        path = f"ws://127.0.0.1:{here.port}/twilio"
        signed = Behaviour(sign_as=here.ngrok.url.replace("http", "wss") + "/twilio")
        who = CallIdentity(account_sid=here.account.sid)
        client = await StreamClient.open(path, identity=who, behaviour=signed, auth_token=AUTH_TOKEN)
        await client.begin()
        await client.wait_until(lambda: client.heard, 20)
        process.signal(signal.SIGTERM)
        await until(lambda: here.voice_url == OLD, 20)
        assert not process.has_ended
        await client.hang_up()
        assert await process.ends(20) == 0


@pytest.mark.foreign
class TestNgroksOwnLibrary:
    """The vendor's library in the process, a service of ours at its other end."""

    TOKEN = "2canaryTOKEN0123456789abcdef"

    @asynccontextmanager
    async def serving(
        self, here: Laptop, refuses: tuple[int, str] | None = None
    ) -> AsyncIterator[tuple[NgrokService, dict[str, str]]]:
        pytest.importorskip("ngrok")
        tls, authority = vouched()
        (here.folder / "ca.pem").write_bytes(authority)
        (here.folder / ".env").write_text(f"NGROK_AUTHTOKEN={self.TOKEN}\n")
        async with ngrok_service(tls, refuses) as service:
            server = f"localhost:{service.port}"
            yield service, {"OFFHOOK_DEV__NGROK_SERVER": server, "OFFHOOK_DEV__NGROK_CA_FILE": "ca.pem"}

    async def test_webhook_and_stream_go_through_its_tunnel(self, here: Laptop):
        async with self.serving(here) as (service, known):
            async with here.dev("--tunnel", "ngrok", **known) as process:
                await ready(process)
                assert service.tokens == [self.TOKEN]
                assert here.voice_url == f"{service.url}/twilio/voice"
                report = await here.call()
                assert not report.complaints
                assert [turn.who for turn in report.turns] == ["agent"], report.why_not
                await stopped(process)
                assert "a tunnel of ngrok; it ends when offhook stops" in process.text
                assert self.TOKEN not in process.text
            assert service.unbound
        assert here.voice_url == OLD

    @pytest.mark.parametrize(("question", "code"), [(AUTH, 105), (AUTH, 107), (AUTH, 108), (BIND, 334), (BIND, 9999)])
    async def test_its_refusals_are_explained_and_its_words_are_not_shown(self, here: Laptop, question: int, code: int):
        words = f"Refused. Your authtoken: {self.TOKEN}\r\n\r\nERR_NGROK_{code}\r\n"
        async with (
            self.serving(here, (question, words)) as (_, known),
            here.dev("--tunnel", "ngrok", **known) as process,
        ):
            assert await process.ends(60) == 1, process.text
            assert f"(ERR_NGROK_{code}); " in process.text
            assert self.TOKEN not in process.text
            assert "Traceback" not in process.text
        assert here.voice_url == OLD

    async def test_a_service_nobody_vouches_for_is_not_talked_to(self, here: Laptop):
        async with self.serving(here) as (service, known):
            async with here.dev("--tunnel", "ngrok", **{**known, "OFFHOOK_DEV__NGROK_CA_FILE": ""}) as process:
                assert await process.ends(60) == 1, process.text
                assert "ngrok cannot be reached" in process.text
            assert service.tokens == []


class TestSaving:
    """Prompt and settings, saved while it runs."""

    async def test_the_next_call_has_what_was_saved(self, here: Laptop):
        (here.folder / "prompt.md").write_text("First.\n")
        (here.folder / "offhook.toml").write_text('[agent]\nprompt_file = "prompt.md"\n')
        async with here.dev() as process:
            await ready(process)
            await here.call()
            assert here.prompts()[-1] == "First."

            (here.folder / "prompt.md").write_text("Second.\n")
            await process.says(r"agent\.prompt.*settings_reloaded")
            await until(lambda: here.prompts()[-1] == "Second.", 20)  # the agent is asked before a caller is
            await here.call()
            assert here.prompts()[-1] == "Second."
            await stopped(process)

    async def test_a_broken_file_keeps_the_old_settings_and_says_so(self, here: Laptop):
        settings = here.folder / "offhook.toml"
        settings.write_text('[agent]\nprompt = "Good."\n')
        async with here.dev() as process:
            await ready(process)
            settings.write_text('[agent]\nprompt = "Bad.\n')
            await process.says(r"line 2.*settings_kept")
            await here.call()
            assert here.prompts()[-1] == "Good."

            settings.write_text('[agent]\nprompt = "Better."\n[call]\nmax_minutes = 7\n[limits]\ncalls = 3\n')
            await process.says(r"limits\.calls.*settings_need_a_restart")
            reloaded = await process.says(r".*settings_reloaded.*")
            assert "agent.prompt" in reloaded[0]
            assert "call.max_minutes" in reloaded[0]
            await here.call()
            assert here.prompts()[-1] == "Better."

            settings.unlink()
            await process.says(r"is gone.*settings_kept")
            await stopped(process)


class TestRefusals:
    """Whatever is wrong is one sentence, and the number is left alone."""

    async def refused(self, here: Laptop, *options: str, said: str, code: int = 1, **environ: str) -> None:
        async with here.dev(*options, **environ) as process:
            assert await process.ends(60) == code, process.text
            assert "Traceback" not in process.text
            assert said in process.text
        assert here.voice_url == OLD
        assert not (here.folder / STATE).exists() or not json.loads((here.folder / STATE).read_text())["numbers"]

    async def test_an_address_that_leads_elsewhere(self, here: Laptop):
        async with ngrok_agent(free_port()) as elsewhere:
            await self.refused(here, "--url", elsewhere.url, said="nothing listens behind it")

    async def test_no_tunnel_for_this_port(self, here: Laptop):
        port = str(free_port())
        await self.refused(here, PORT=port, PATH=str(here.folder), said=f"start it as: ngrok http {port}")

    async def test_ngroks_library_without_a_token(self, here: Laptop):
        await self.refused(here, "--tunnel", "ngrok", said="ERR_NGROK_4018")

    async def test_ngroks_library_without_a_way_out(self, here: Laptop):
        pytest.importorskip("ngrok")
        known = {"NGROK_AUTHTOKEN": "2canaryTOKEN", "OFFHOOK_DEV__NGROK_SERVER": "127.0.0.1:9"}
        async with here.dev("--tunnel", "ngrok", **known) as process:
            assert await process.ends(60) == 1, process.text
            assert "ngrok cannot be reached" in process.text
            assert "2canaryTOKEN" not in process.text

    async def test_a_port_that_is_taken(self, here: Laptop):
        with socket.create_server(("127.0.0.1", here.port)):
            await self.refused(here, said="cannot listen on", code=2)

    async def test_a_number_that_is_not_ours(self, here: Laptop):
        await self.refused(here, "--number", "+441632960999", said="no such number")

    async def test_credentials_that_twilio_refuses(self, here: Laptop):
        await self.refused(here, TWILIO_AUTH_TOKEN="0" * 32, said="Twilio does not take these credentials")

    async def test_a_tunnel_that_is_no_choice(self, here: Laptop):
        await self.refused(here, "--tunnel", "carrier-pigeon", said="dev.tunnel", code=2)

    async def test_several_numbers_and_nobody_to_ask(self, folder: Path):
        async with laptop(folder, PhoneNumber(OTHER)) as here:
            await self.refused(here, said="has 2 numbers")
            async with here.dev("--number", "+44 1632 960001") as process:
                await ready(process)
                await stopped(process)
            assert here.voice_url == OLD

    async def test_a_trunk_is_not_taken_without_consent(self, folder: Path):
        trunk = "TK" + "0" * 32
        async with laptop(folder, trunk_sid=trunk) as here:
            await self.refused(here, said="--take-trunk")
            assert here.number.get("trunk_sid") == trunk
            async with here.dev("--take-trunk") as process:
                await ready(process)
                assert here.voice_url == here.here
                assert not here.number.get("trunk_sid")
                await stopped(process)
            assert here.number.get("trunk_sid") == trunk


async def test_a_tunnel_that_goes_away_is_told(here: Laptop):
    async with here.dev() as process:
        await ready(process)
        here.ngrok.is_gone = True
        await process.says("^tunnel .*it is gone, so no call reaches this computer", 60)
        await process.says("tunnel_ended")
        await stopped(process)
    assert here.voice_url == OLD


async def test_an_agent_that_refuses_us_is_told_at_once(here: Laptop):
    here.agent.faults = Faults(refuse=401)
    async with here.dev() as process:
        await process.says("^agent .*Deepgram refuses us")
        await stopped(process)
    assert here.voice_url == OLD


async def test_a_trial_account_is_told(folder: Path):
    async with laptop(folder) as here:
        here.account.trial = "new"
        async with here.dev() as process:
            await process.says("trial account")
            await ready(process)
            await stopped(process)


@asynccontextmanager
async def at_a_terminal(here: Laptop, *options: str, code: int = 0) -> AsyncIterator[Terminal]:
    """Run `dev` as a person does: both ends of its terminal are a terminal, 60 columns wide."""
    ours, its = pty.openpty()
    kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook", "dev", *options),
        cwd=here.folder,
        env={**kept, "COLUMNS": "60", **here.environ()},
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    terminal = Terminal(ours)
    try:
        yield terminal
        process.send_signal(signal.SIGINT)
        async with asyncio.timeout(20):
            assert await process.wait() == code, terminal.text
    finally:
        terminal.close()
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        process._transport.close()  # type: ignore[attr-defined] # or it outlives the loop


class Terminal:
    """Our end of a terminal."""

    def __init__(self, ours: int) -> None:
        self._ours, self.text, self._changed = ours, "", asyncio.Event()
        os.set_blocking(ours, False)
        asyncio.get_running_loop().add_reader(ours, self._read)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            self.text += os.read(self._ours, 65536).decode("utf-8", "replace")
        self._changed.set()

    async def says(self, words: str, within_s: float = 30) -> None:
        async with asyncio.timeout(within_s):
            while words not in self.text:
                self._changed.clear()
                await self._changed.wait()

    def type(self, words: str) -> None:
        os.write(self._ours, words.encode())

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self._ours)
        os.close(self._ours)


async def test_a_person_is_asked(folder: Path):
    async with laptop(folder, PhoneNumber(OTHER)) as here:
        async with here.dev("--number", NUMBER) as process:
            await ready(process)
            await process.kill()
        async with at_a_terminal(here) as terminal:
            await terminal.says("Put it back now?")
            terminal.type("y\n")
            await terminal.says("Which number")
            assert here.voice_url == OLD
            terminal.type("9\n")
            await terminal.says("Which number", 20)
            terminal.type("1\n")
            await terminal.says("ready")
            await terminal.says("Ctrl-C stops")
            assert here.voice_url == here.here
            lines = terminal.text.replace("\r", "").splitlines()
            said = [line for line in lines if line.startswith(("tunnel ", "number ", "ready ", "        "))]
            assert [line for line in said if len(line) > 60 and "http" not in line] == []
        assert here.voice_url == OLD


async def test_ctrl_c_at_a_question_changes_nothing(folder: Path):
    async with laptop(folder, PhoneNumber(OTHER)) as here:
        async with at_a_terminal(here, code=130) as terminal:
            await terminal.says("Which number")
        assert here.voice_url == OLD
        assert "Traceback" not in terminal.text


async def test_ctrl_c_while_it_waits_for_the_tunnel_ends_within_moments(here: Laptop):
    """A tunnel that answers 502 at first is waited for; nobody has to wait with it."""
    async with answering(502) as port, here.dev("--url", f"http://127.0.0.1:{port}") as process:
        await process.says("does not answer yet")
        process.signal(signal.SIGINT)
        assert await process.ends(10) == 130
        assert "Traceback" not in process.text
    assert here.voice_url == OLD
    assert [file.name for file in here.folder.rglob("*")] == []
