"""`offhook agent` as a user runs it: a process, its words, its exit codes."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import signal
import socket
import sys
from pathlib import Path

import pytest
import websockets
from typer.testing import CliRunner

from offhook.cli.app import app
from offhook.errors import ConfigError

DEADLINE_S = 30
SETTINGS = json.dumps({"type": "Settings", "audio": {}, "agent": {"greeting": "Private words."}})


async def started(*options: str) -> tuple[asyncio.subprocess.Process, str]:
    """Start the command and return it with the URL it prints."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "offhook", "agent", "--scripted", "--port", "0", *options, stderr=asyncio.subprocess.PIPE
    )
    assert process.stderr is not None
    async with asyncio.timeout(DEADLINE_S):
        while line := (await process.stderr.readline()).decode():
            if found := re.search(r"ws://\S+", line):
                return process, found.group()
    raise AssertionError("it printed no URL")


async def rest_of(process: asyncio.subprocess.Process, number: signal.Signals) -> str:
    process.send_signal(number)
    async with asyncio.timeout(DEADLINE_S):
        assert process.stderr is not None
        text = (await process.stderr.read()).decode()
        await process.wait()
    return text


async def one_call(url: str) -> None:
    async with websockets.connect(url, additional_headers={"Authorization": "Token x"}) as socket:
        await socket.send(SETTINGS)
        async with asyncio.timeout(DEADLINE_S):
            while "AgentAudioDone" not in str(await socket.recv()):
                pass


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are POSIX")
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_it_serves_until_it_is_stopped(number: signal.Signals, code: int) -> None:
    process, url = await started()
    await one_call(url)
    text = await rest_of(process, number)
    assert process.returncode == code
    assert "Traceback" not in text


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are POSIX")
async def test_verbose_prints_kinds_and_never_words_unless_told() -> None:
    for options, is_said in [(["--verbose"], False), (["--verbose", "--transcripts"], True)]:
        process, url = await started(*options)
        await one_call(url)
        text = await rest_of(process, signal.SIGTERM)
        assert ("Private words." in text) is is_said
        assert "> AgentAudioDone" in text


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are POSIX")
async def test_verbose_says_what_is_wrong_and_prints_nothing_that_moves_a_cursor() -> None:
    process, url = await started("--verbose")
    async with websockets.connect(url, additional_headers={"Authorization": "Token x"}) as client:
        await client.send(json.dumps({"type": "\x1b[2JWipe\n", "content": "Private words."}))
        with contextlib.suppress(websockets.ConnectionClosed):
            async with asyncio.timeout(DEADLINE_S):
                while True:
                    await client.recv()
    text = await rest_of(process, signal.SIGTERM)
    assert "\x1b" not in text
    assert "< ?[2JWipe?" in text
    assert "does not match the contract at `type`" in text
    assert "Private words." not in text


@pytest.mark.skipif(sys.platform == "win32", reason="signals of other processes are POSIX")
async def test_faults_keys_and_time_from_the_command_line(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("good\nbroke no_credit  # never paid\n")
    (tmp_path / "behave.toml").write_text(
        """
        [manners]
        error_close = 1011
        timers = { settings_s = 600, idle_s = 600 }
        [[faults]]
        [[faults.at]]
        moment = "AgentAudioDone"
        do = "fail"
        code = "SERVER_GOING_AWAY"
        """
    )
    files = ["--keys", str(tmp_path / "keys"), "--behave", str(tmp_path / "behave.toml")]
    process, url = await started(*files, "--concurrency", "1", "--hurry", "5")
    try:
        statuses = []
        for key in ("bad", "broke"):
            with pytest.raises(websockets.InvalidStatus) as refused:
                async with websockets.connect(url, additional_headers={"Authorization": f"Token {key}"}):
                    pass
            statuses.append(refused.value.response.status_code)
        assert statuses == [401, 402]
        good = {"Authorization": "Token good"}
        async with asyncio.timeout(DEADLINE_S), websockets.connect(url, additional_headers=good) as first:
            with pytest.raises(websockets.InvalidStatus, match="429"):
                async with websockets.connect(url, additional_headers=good):
                    pass
            await first.send(SETTINGS)
            with contextlib.suppress(websockets.ConnectionClosed):
                while True:
                    await first.recv()
        assert first.close_code == 1011
    finally:
        text = await rest_of(process, signal.SIGTERM)
    assert "2 API keys are known" in text


def test_what_cannot_work_says_why(tmp_path: Path) -> None:
    (tmp_path / "behave.toml").write_text("[[faults]]\n[[faults.at]]\nmoment = 'Welcome'\ndo = 'explode'")
    (tmp_path / "keys").write_text("a-secret-key nobleman")
    (tmp_path / "bad.toml").write_text("greting = 'x'")
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    for options, word in [
        (["--script", str(tmp_path / "bad.toml")], "greting"),
        (["--script", str(tmp_path / "none.toml")], "none.toml"),
        (["--scripted", "--host", "203.0.113.7"], "leave --host away"),
        (["--scripted", "--port", str(port)], "choose another --port"),
        (["--scripted", "--behave", str(tmp_path / "behave.toml")], "faults[0].at[0].do must be one of die, fail"),
        (["--scripted", "--behave", str(tmp_path / "bad.toml")], "`greting` is no table"),
        (["--scripted", "--keys", str(tmp_path / "keys")], "line 1: after the key"),
    ]:
        done = CliRunner().invoke(app, ["agent", *options])
        assert isinstance(done.exception, ConfigError), "main() prints it and exits with 2"
        assert word in str(done.exception)
        assert "a-secret-key" not in str(done.exception)
    taken.close()
    done = CliRunner().invoke(app, ["agent", "--scripted", "--llm", "http://127.0.0.1:9"])
    assert done.exit_code == 2
    assert "--llm" in done.output
