"""`offhook test` as a user runs it: names, folders, another's bridge, JSON, JUnit, exit codes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from tests.kit.bridge import API_KEY, AUTH_TOKEN, SIGNED, logged, settings
from tests.kit.ports import free_port
from typer.testing import CliRunner

from offhook.cli.app import app
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.scenario.catalogue import names
from offhook.scenario.schema import schema_text
from offhook.server import Server

DEADLINE_S = 150
GREETS = "steps = [{ do = 'wait_for_agent', quiet_ms = 100 }]\n"
FAILS = GREETS + "[expect]\nverbs = ['Connect', 'Hangup']\nanswers = 3\n"


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Run the command in this process, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("TWILIO_", "OFFHOOK_", "DEEPGRAM_"))]:
        monkeypatch.delenv(name)
    runner = CliRunner()

    def invoke(*arguments: str) -> tuple[int, str, str]:
        result = runner.invoke(app, ["test", *arguments])
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_the_library_is_listed(run):
    code, out, _ = run("--list")

    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == list(names())


def test_the_list_as_json(run):
    code, out, _ = run("--list", "--json", "dies-mid-sentence")

    assert code == 0
    (row,) = json.loads(out)
    assert (row["name"], row["stands_for"], bool(row["why"])) == ("dies-mid-sentence", ["A10"], True)


def test_the_schema_is_printed(run):
    assert run("--schema")[:2] == (0, schema_text())


def test_a_name_passes(run):
    code, out, _ = run("greets-at-once")

    assert code == 0
    assert out.startswith("passed   greets-at-once  ")
    assert "1 passed in" in out


def test_a_folder_with_one_that_fails(run, tmp_path):
    folder = tmp_path / "calls"
    folder.mkdir()
    (folder / "fails.toml").write_text(FAILS, encoding="utf-8")
    (folder / "greets.toml").write_text(GREETS, encoding="utf-8")

    code, out, _ = run("calls", "--junit", "report.xml", "--out", "kept")

    assert code == 1
    assert "failed   fails" in out
    assert "         TwiML ran Connect; expected Connect, Hangup" in out
    assert "         answers: 0; expected 3" in out
    assert "1 passed, 1 failed in" in out
    suite = ET.fromstring((tmp_path / "report.xml").read_text(encoding="utf-8").partition("\n")[2])[0]
    assert (suite.get("tests"), suite.get("failures")) == ("2", "1")
    assert [case.find("failure") is not None for case in suite] == [True, False]
    assert (tmp_path / "kept" / "fails" / "call.wav").is_file()
    assert json.loads((tmp_path / "kept" / "greets" / "call.json").read_text(encoding="utf-8"))["ok"]


def test_json_and_nothing_else(run, tmp_path):
    (tmp_path / "fails.toml").write_text(FAILS, encoding="utf-8")

    code, out, _ = run("fails.toml", "--json")

    assert code == 1
    (row,) = json.loads(out)
    assert (row["name"], row["result"], len(row["reasons"])) == ("fails", "failed", 2)


def test_files_that_are_wrong_are_told_all_at_once(run, tmp_path):
    (tmp_path / "a.toml").write_text("titel = 'x'", encoding="utf-8")
    (tmp_path / "b.toml").write_text("steps = 3", encoding="utf-8")

    code, out, err = run("a.toml", "b.toml", "nobody")

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 3
    assert "a.toml: titel: is not known here; did you mean `title`?" in err


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GREETS + "[server.call]\nmax_minuts = 3\n", "call.max_minuts: is not a setting; did you mean `max_minutes`?"),
        (GREETS + "[agent]\nscript_file = 'none.toml'\n", "none.toml"),
        ("steps = [{ do = 'say', audio = 'none.wav' }]\n", "audio `none.wav`"),
    ],
)
def test_what_a_file_asks_for_and_cannot_have(run, tmp_path, text, said):
    (tmp_path / "odd.toml").write_text(text, encoding="utf-8")

    code, out, _ = run("odd.toml")

    assert code == 2
    assert "error    odd" in out
    assert said in out


def test_a_scenario_of_ones_own_runs_with_ones_own_settings(run, tmp_path):
    (tmp_path / "offhook.toml").write_text('[agent]\ngreeting = "Larkfield Dental."\n', encoding="utf-8")
    (tmp_path / "mine.toml").write_text(GREETS + "[expect]\nheard = ['Larkfield Dental']\n", encoding="utf-8")

    assert run("mine.toml", "greets-at-once")[0] == 0


def test_settings_that_are_wrong_stop_it(run, tmp_path):
    (tmp_path / "offhook.toml").write_text("[agent]\ngreting = 'x'\n", encoding="utf-8")
    (tmp_path / "mine.toml").write_text(GREETS, encoding="utf-8")

    code, out, _ = run("mine.toml")

    assert code == 2
    assert "did you mean `greeting`?" in out


def test_the_real_agent_needs_a_key(run):
    result = CliRunner().invoke(app, ["test", "greets-at-once", "--agent", "real"])

    assert "DEEPGRAM_API_KEY" in str(getattr(result.exception, "problems", ""))


def test_a_bridge_has_its_own_agent(run):
    assert run("greets-at-once", "--bridge", "http://127.0.0.1:1/", "--agent", "real")[0] == 2
    assert run("greets-at-once", "--bridge", "voice.example.com")[0] == 2


def no_settings() -> dict[str, str]:
    """The environment without what would be settings: a scenario of one's own has those."""
    named = ("TWILIO_", "OFFHOOK_", "DEEPGRAM_")
    return {name: value for name, value in os.environ.items() if not name.startswith(named)}


async def command(folder: Path, *arguments: str, **environ: str) -> tuple[int, str]:
    import asyncio

    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "offhook", "test", *arguments),
        cwd=folder,
        env={**no_settings(), "PYTHONIOENCODING": "utf-8", **environ},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(DEADLINE_S):
        out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()


async def test_another_servers_bridge(tmp_path):
    """A bridge that runs by itself, here offhook's, dials the offline agent at the port it was told."""
    port, agent_port = free_port(), free_port()
    address = f"http://127.0.0.1:{port}"
    environ = {
        **SIGNED,
        "PORT": str(port),
        "DEEPGRAM_API_KEY": API_KEY,
        "DEEPGRAM_AGENT_URL": f"ws://127.0.0.1:{agent_port}/v1/agent/converse",
        "OFFHOOK_PUBLIC_URL": address,
    }
    with logged():
        async with AsyncExitStack() as props:
            async with OfflineAgent(ScriptedMind(), port=agent_port):  # for the server's own check
                server = await props.enter_async_context(Server(settings(**environ)))
                await server.ready()
            code, out = await command(
                *(tmp_path, "answers-a-question", "dies-mid-sentence", "busy-once", "no-signature"),
                *("all-lines-busy", "key-refused-since-the-start"),
                *("--bridge", f"{address}/twilio/voice", "--deepgram-port", str(agent_port)),
                TWILIO_AUTH_TOKEN=AUTH_TOKEN,
            )

    told = [line.split()[:2] for line in out.splitlines() if line.startswith(("passed", "failed", "skipped"))]
    assert told == [
        ["passed", "answers-a-question"],
        ["skipped", "dies-mid-sentence"],
        ["passed", "busy-once"],
        ["passed", "no-signature"],
        ["skipped", "all-lines-busy"],
        ["skipped", "key-refused-since-the-start"],
    ], out
    assert "not looked at - cause, heard: only offhook's own server tells" in out
    assert "it needs settings of offhook's own server" in out
    assert "it needs a server that starts with the scenario" in out
    assert code == 0


def test_ctrl_c_ends_it_within_a_second(tmp_path):
    (tmp_path / "long.toml").write_text("steps = [{ do = 'pause', seconds = 300 }]\n[expect]\nwithin_s = 300\n")
    process = subprocess.Popen(
        [sys.executable, "-m", "offhook", "test", "greets-at-once", "long.toml"],
        cwd=tmp_path,
        env={**no_settings(), "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )
    with process:
        assert process.stdout.readline().startswith("passed   greets-at-once")
        process.send_signal(getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))
        rest = process.communicate(timeout=60)[0]  # a second on a machine that is not busy; the call lasts five minutes

    assert "Traceback" not in rest
    assert process.returncode == 130
