"""Every command of the page on Railway, run as it stands against the stand-in, up to a heard call."""

from __future__ import annotations

import asyncio
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.kit.bridge import ACCOUNT, API_KEY, AUTH_TOKEN
from tests.kit.process import started
from tests.kit.railway.standin import ACCOUNT_TOKEN, RailwayStandIn
from tests.kit.railway.state import Service
from tests.kit.raw import until

from offhook.config.load import load
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.setup.doctor.checks import selfcall
from offhook.setup.project.wheel import wheel_name
from offhook.setup.project.write import write_project
from offhook.setup.railway.from_project import variables_of
from offhook.setup.railway.wanted import ServiceSettings
from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(900),  # real servers are started one after the other
    pytest.mark.skipif(os.name == "nt", reason="its commands are bash's; a terminal is made as POSIX has it"),
]

PAGE = Path(__file__).parents[2] / "docs/howto/railway.md"


def lines(shell: str) -> list[str]:
    blocks = re.findall(rf"```{shell}\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines()]


GIT = lines("sh")
ATTACH = next(line for line in lines("bash") if " numbers attach " in line)
COMMANDS = [line for line in lines("bash") if line != ATTACH]
SECRETS = (API_KEY, AUTH_TOKEN, ACCOUNT_TOKEN)


class Owner:
    """Somebody with a project, three accounts and a terminal."""

    def __init__(self, folder: Path, railway: RailwayStandIn, agent: OfflineAgent) -> None:
        self.folder, self.railway, self.said = folder, railway, ""
        known = {
            "DEEPGRAM_API_KEY": API_KEY, "TWILIO_ACCOUNT_SID": ACCOUNT, "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "RAILWAY_API_TOKEN": ACCOUNT_TOKEN, "DEEPGRAM_AGENT_URL": agent.url, "TWILIO_API_URL": "http://127.0.0.1:9",
        }  # fmt: skip
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in known.items()))
        self.environ = {
            "PATH": os.environ["PATH"], "OFFHOOK_RAILWAY__API_URL": railway.url, "OFFHOOK_RAILWAY__LOOK_S": "0.05",
            "NO_COLOR": "1", "COLUMNS": "60",
        }  # fmt: skip

    async def runs(self, line: str, answer: str = "y\n") -> int:
        """Run a line of the page at a terminal; keep what it says."""
        words = shlex.split(line)
        assert words[0] == ".venv/bin/offhook"
        assert not [secret for secret in SECRETS if secret in line]
        ours, theirs = os.openpty()
        os.write(ours, answer.encode())
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "offhook", *words[1:], cwd=self.folder, env=self.environ, stdin=theirs,
                stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
            )  # fmt: skip
            async with asyncio.timeout(240):
                said, _ = await process.communicate()
        finally:
            os.close(ours)
            os.close(theirs)
        self.said = said.decode()
        assert "Traceback" not in self.said
        assert not [secret for secret in SECRETS if secret in self.said], line
        return process.returncode or 0

    @property
    def service(self) -> Service:
        return self.railway.only_service()


@pytest.fixture
async def owner(tmp_path: Path):
    folder = tmp_path / "Anna Müller" / "voice"
    write_project(folder)
    async with RailwayStandIn() as railway, OfflineAgent(ScriptedMind()) as agent:
        railway.code.repositories["owner/voice"] = folder
        railway.code.images["ghcr.io/owner/voice:1"] = folder
        yield Owner(folder, railway, agent)
        assert railway.invalid == []


async def heard(owner: Owner) -> bool:
    """Call the deployed server through its public name."""
    url = f"http://{owner.service.public_domain}"
    report = await selfcall.call(url, load(environ={"OFFHOOK_PUBLIC_URL": url}, folder=owner.folder).settings)
    return selfcall.steps_of(report).heard_ms is not None


def test_the_page_has_these_commands():
    assert [shlex.split(line)[1:3] for line in COMMANDS] == [
        *([["railway", "deploy"]] * 4),
        ["railway", "values"],
        ["railway", "verify"],
        ["doctor", "--url"],
    ]


@pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")
def test_the_project_is_pushed_and_the_keys_are_not(owner: Owner, tmp_path: Path):
    at_github = tmp_path / "github.git"
    (tmp_path / "gitconfig").write_text(
        "[user]\nname = Anna\nemail = anna@example.com\n"
        f'[url "{at_github.as_uri()}"]\ninsteadOf = https://github.com/owner/voice.git\n'
    )
    environ = {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": str(tmp_path / "gitconfig"), "GIT_CONFIG_NOSYSTEM": "1"}

    def git(words: list[str], folder: Path) -> str:
        done = subprocess.run(words, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=60)
        assert done.returncode == 0, done.stderr
        return done.stdout

    git(["git", "init", "--bare", str(at_github)], tmp_path)
    for line in GIT:
        git(shlex.split(line), owner.folder)
    pushed = git(["git", "ls-tree", "-r", "--name-only", "main"], at_github).splitlines()
    assert {"Dockerfile", "offhook.toml", "vendor/requirements.txt", f"vendor/{wheel_name()}"} <= set(pushed)
    assert ".env" not in pushed


async def test_the_number_is_pointed_at_the_address(owner: Owner):
    number = "+441632960001"
    account = Account(sid=ACCOUNT, auth_token=AUTH_TOKEN)
    owned = PhoneNumber(number)
    account.numbers[owned.sid] = owned
    async with RestTwin([account]) as twin:
        owner.environ["TWILIO_API_URL"] = twin.url
        assert await owner.runs(ATTACH) == 0, owner.said
        assert f"{number} is answered by https://voice-production.up.railway.app/twilio/voice" in owner.said


async def test_by_command(owner: Owner):
    dry, for_good, image, two = COMMANDS[:4]
    assert await owner.runs(dry) == 0
    assert "will: create the project offhook" in owner.said
    assert owner.railway.projects == []
    assert await owner.runs(for_good, "n\n") == 1
    assert owner.railway.projects == []
    assert await owner.runs(for_good) == 0, owner.said
    assert "state | success" in owner.said
    shown = [
        re.split(r"https://|, DEEPGRAM", line)[0] for line in lines("text") if re.match("Railway|will|done|ready", line)
    ]
    assert len(shown) > 10
    assert [line for line in shown if line not in owner.said] == []
    assert "ready: http://" in owner.said
    assert await heard(owner)
    assert "RAILWAY_API_TOKEN" not in owner.service.variables
    assert await owner.runs(for_good) == 0
    assert len(owner.service.deployments) == 1
    assert "everything is as wanted" in owner.said
    assert "build |" not in owner.said
    assert await owner.runs(two) == 0, owner.said
    assert sorted(s.name for s in owner.railway.projects[0].services) == ["Postgres", "Redis", "offhook"]
    assert owner.service.newest is not None
    assert len(owner.service.newest.containers) == 2
    assert await heard(owner)
    assert await owner.runs(image) == 0, owner.said
    assert owner.service.image == "ghcr.io/owner/voice:1"
    await until(lambda: [d.status for d in owner.service.deployments] == ["REMOVED", "REMOVED", "SUCCESS"], 60)


async def test_by_hand(owner: Owner):
    values, verify, doctor = COMMANDS[4:]
    assert await owner.runs(values) == 0
    assert owner.railway.requests == []
    assert await owner.runs(verify) == 1
    assert "not yet: create the project offhook" in owner.said
    service = Service("offhook", owner.railway.project(), repo="owner/voice", branch="main")
    service.project.services.append(service)
    service.variables |= {"PORT": "8080", **variables_of(load(environ={}, folder=owner.folder), {})}
    for name in ("healthcheck_path", "draining_seconds", "overlap_seconds", "num_replicas"):
        first, second = name.split("_")
        service.settings[first + second.capitalize()] = getattr(ServiceSettings(), name)
    assert await owner.runs(verify) == 1
    assert "not yet: healthcheckTimeout is not set, should be 120" in owner.said
    service.settings["healthcheckTimeout"] = 120
    await owner.railway.add_domain(service, 8080)
    assert await owner.runs(verify) == 0
    deployment = owner.railway.life.deploy(service)
    await until(lambda: deployment.status == "SUCCESS", 60)
    assert await heard(owner)
    await owner.runs(doctor.replace("https://voice-production.up.railway.app", f"http://{service.public_domain}"))
    lines = [line for line in owner.said.splitlines() if " railway" in line]
    assert lines
    assert all(line.startswith("ok") for line in lines), owner.said


async def test_without_a_terminal_nothing_is_changed_unless_told_so(owner: Owner):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook", "railway", "deploy", "--repo", "owner/voice"), cwd=owner.folder,
        env=owner.environ, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    async with asyncio.timeout(120):
        _, said = await process.communicate()
    assert process.returncode == 1
    assert b"--yes" in said
    assert owner.railway.projects == []


async def test_of_several_workspaces_one_is_named(owner: Owner):
    owner.railway.workspaces.append({"id": "workspace-2", "name": "Work"})
    assert await owner.runs(COMMANDS[0]) == 1
    assert "--workspace" in owner.said
    assert await owner.runs(f"{COMMANDS[0]} --workspace Work") == 0, owner.said
    assert "will: create the project offhook" in owner.said


async def test_no_token(owner: Owner):
    file = owner.folder / ".env"
    file.write_text(file.read_text().replace("RAILWAY_API_TOKEN", "OTHER_NAME"))
    assert await owner.runs(COMMANDS[0]) == 2
    assert "RAILWAY_API_TOKEN" in owner.said


async def test_a_deployment_that_fails_says_why_and_what_to_do(owner: Owner):
    owner.railway.life.build_error = ["ERROR: no matching distribution"]
    assert await owner.runs(COMMANDS[1]) == 1
    assert "failed: the image could not be built: ERROR: no matching distribution" in owner.said
    assert "fix: " in owner.said


async def test_ctrl_c_ends_it_at_once_and_the_next_run_goes_on(owner: Owner):
    owner.railway.life.pace.step_s = 600.0
    line = f"{shlex.quote(sys.executable)} -m offhook railway deploy --repo owner/voice --yes"
    async with started(shlex.split(line), owner.folder, {**owner.environ, "PYTHONUNBUFFERED": "1"}) as process:
        await process.says("state \\| ", 60)
        process.signal(signal.SIGINT)
        assert await process.ends(60) == 130
        assert "Traceback" not in process.text
    assert len(owner.service.deployments) == 1
    assert await owner.runs(COMMANDS[0]) == 0
    assert "will: " not in owner.said, owner.said
