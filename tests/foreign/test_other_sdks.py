"""The offline agent judged by clients of other majors and languages, each installed by name in a place of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.foreign.asyncapi import judge
from tests.foreign.test_offline_agent import PAUSE, SPEECH, serving
from tests.shell.offline.client import connected, settings
from tests.shell.offline.test_server import LOOK

from offhook.offline.faults import At, Faults, Warn
from offhook.offline.manners import Manners
from offhook.offline.script import Script, ScriptedCall, Turn
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent

pytestmark = [pytest.mark.foreign, pytest.mark.slow]

HERE = Path(__file__).parent
INSTALL_S = 240
TALK_S = 90


def run(*command: str | Path, seconds: float, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    parts = [str(part) for part in command]
    return subprocess.run(parts, check=False, capture_output=True, text=True, timeout=seconds, cwd=cwd)


def installed(*command: str | Path, cwd: Path | None = None) -> None:
    """Run one step of an installation, or skip with what it said."""
    try:
        done = run(*command, seconds=INSTALL_S, cwd=cwd)
    except (OSError, subprocess.TimeoutExpired) as problem:
        pytest.skip(f"cannot be installed here: {type(problem).__name__}")
    if done.returncode:
        pytest.skip(f"cannot be installed here: {(done.stderr or done.stdout).strip()[-200:]}")


def uv_command() -> list[str]:
    """Return how uv is called here: as a program, or as a module of the interpreter that made this environment."""
    found = shutil.which("uv")
    if found is not None:
        return [found]
    for python in (sys.executable, getattr(sys, "_base_executable", sys.executable)):
        if run(python, "-m", "uv", "--version", seconds=INSTALL_S).returncode == 0:
            return [python, "-m", "uv"]
    pytest.skip("no uv on this machine to make an environment with")


@pytest.fixture(scope="module")
def offhook_shared_old_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with deepgram-sdk 5."""
    place = tmp_path_factory.mktemp("sdk5") / "env"
    uv = uv_command()
    installed(*uv, "venv", "-q", place)
    python = place / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    installed(*uv, "pip", "install", "-q", "--python", python, "deepgram-sdk>=5,<6")
    return python


@pytest.fixture(scope="module")
def offhook_shared_npm_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with @deepgram/sdk and the client that uses it."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("no node and npm on this machine")
    place = tmp_path_factory.mktemp("npm")
    installed(npm, "install", "--silent", "--no-audit", "--no-fund", "--prefix", place, "@deepgram/sdk", cwd=place)
    shutil.copy(HERE / "sdk_client.mjs", place)
    return place


def talked(done: subprocess.CompletedProcess[str]) -> Any:
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.strip().splitlines()[-1])


def speech_file(folder: Path) -> Path:
    path = folder / "speech.ulaw"
    path.write_bytes(SPEECH + PAUSE)
    return path


WHOLE_TALK = {
    "Welcome", "SettingsApplied", "ConversationText", "History", "UserStartedSpeaking", "AgentThinking",
    "FunctionCallRequest", "AgentStartedSpeaking", "LatencyReport", "AgentAudioDone", "PromptUpdated",
    "InjectionRefused", "Error",
}  # fmt: skip


def test_an_sdk_of_another_major_with_stricter_messages(offhook_shared_old_python: Path, tmp_path: Path) -> None:
    with serving() as agent:
        url = f"ws://{agent.address}"
        client = HERE / "old_sdk_client.py"
        told = talked(run(offhook_shared_old_python, client, url, speech_file(tmp_path), seconds=TALK_S))
        sent = agent.calls[0].sent()
    assert told["seen"] == [message["type"] for message in sent]
    assert set(told["seen"]) >= WHOLE_TALK
    assert told["leftovers"] == {"ConversationText": ["conversational_behavior"]}, "newer than that SDK"
    assert told["audio"] > 8000


def test_the_javascript_sdk(offhook_shared_npm_folder: Path, tmp_path: Path, vendor_contracts: Path) -> None:
    with serving() as agent:
        url = f"ws://{agent.address}"
        folder = offhook_shared_npm_folder
        told = talked(run("node", "sdk_client.mjs", url, speech_file(tmp_path), seconds=TALK_S, cwd=folder))
        sent = agent.calls[0].sent()
        assert agent.calls[0].ended_by == "SETTINGS_ALREADY_APPLIED"
    assert told["seen"] == sent
    assert {message["type"] for message in sent} >= WHOLE_TALK | {"ListenUpdated"}
    assert (told["code"], told["expires"]) == (1005, 60)
    assert told["models"] > 20
    assert told["audio"] > 8000
    assert len(judge(sent, vendor_contracts)) >= 13


#: The server's own function, at a host it may not call: answered at once, with a warning.
SEE = {**LOOK, "name": "see", "endpoint": {"url": "http://functions.example.test/see", "method": "post"}}
MIND = ScriptedMind(
    Script(
        turn=[
            Turn("hello", thinks="Hm.", calls=[ScriptedCall("look"), ScriptedCall("look")], then=["I see {look}."]),
            Turn("again", calls=[ScriptedCall("see")], then=["Nothing new.", "Nothing at all."]),
        ]
    )
)


@pytest.mark.parametrize("seed", range(6))
async def test_every_variety_is_within_the_document(seed: int, vendor_contracts: Path) -> None:
    faults = Faults(at=((At("SettingsApplied"), Warn("SLOW_THINK_REQUEST")),), extra_function="client")
    async with OfflineAgent(MIND, manners=Manners(variety=seed), faults=faults) as agent, connected(agent) as client:
        await client.gets("Welcome")
        think = {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}, "functions": [LOOK, SEE]}
        provider = {"type": "deepgram", "version": "v2", "model": "flux-general-multi", "language_hints": ["en"]}
        await client.sends(settings(think=think, listen={"provider": provider}, greeting="Hello."))
        await client.gets("AgentAudioDone")
        await client.sends({"type": "InjectUserMessage", "content": "hello"})
        for function in (await client.gets("FunctionCallRequest"))["functions"]:
            answer = {"id": function["id"], "name": function["name"], "content": "land"}
            await client.sends({"type": "FunctionCallResponse", **answer})
        await client.gets("AgentAudioDone", 2)
        await client.sends({"type": "InjectUserMessage", "content": "again"})
        await client.gets("ConversationText", 5)
        await client.sends(
            {"type": "InjectAgentMessage", "message": "No."}, {"type": "UpdatePrompt", "prompt": "More."}
        )
        await client.gets("PromptUpdated")
        await client.sends("not json")
        await client.is_closed()
        # What the variety adds on purpose is not in any document.
        plain = [
            {name: value for name, value in message.items() if name != "offhook_unknown"}
            for message in agent.calls[0].sent()
            if message["type"] != "EndOfThought"
        ]
    assert judge(plain, vendor_contracts) >= {
        "Warning",
        "Error",
        "History",
        "FunctionCallRequest",
        "FunctionCallResponse",
    }
