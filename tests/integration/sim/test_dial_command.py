"""`offhook dial` as a user runs it: a process, its output, its exit code."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.kit.ports import free_port
from typer.testing import CliRunner
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from offhook.cli.app import app
from offhook.sim import signing

LOUD = "EJAQkBCQEJAQkBCQ" * 400  # base64 of a loud square wave: 600 ms
DEADLINE_S = 60


def talk(connection: ServerConnection) -> None:
    """Greet with a sound, say nothing else, stay until the caller goes."""
    for text in connection:
        message = json.loads(text)
        if message["event"] == "start":
            sid = message["streamSid"]
            connection.send(json.dumps({"event": "media", "streamSid": sid, "media": {"payload": LOUD}}))


def mute(connection: ServerConnection) -> None:
    for _ in connection:
        pass


@contextmanager
def served(talk=talk, **options) -> Iterator[int]:
    with serve(talk, "127.0.0.1", 0, **options) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.socket.getsockname()[1]
        finally:
            server.shutdown()
            thread.join(DEADLINE_S)


def start(folder: Path, *arguments: str, **environ: str) -> subprocess.Popen[str]:
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("TWILIO_", "OFFHOOK_"))}
    return subprocess.Popen(
        [sys.executable, "-m", "offhook", "dial", *arguments],
        cwd=folder,
        env={**keep, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **environ},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        # Ctrl-C reaches a process of its own only, not the tests.
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )


def run(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    with start(folder, *arguments, **environ) as process:
        output, errors = process.communicate(timeout=DEADLINE_S)
        return process.returncode, output, errors


@pytest.fixture
def dial(tmp_path, monkeypatch):
    """Run the command in this process: the same command, without the second it takes a process to start."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("TWILIO_", "OFFHOOK_"))]:
        monkeypatch.delenv(name)

    def invoke(*arguments: str, **environ: str) -> tuple[int, str, str]:
        result = CliRunner().invoke(app, ["dial", *arguments], env=environ)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


def test_a_call_in_order(tmp_path):
    with served() as port:
        code, output, errors = run(tmp_path, f"ws://127.0.0.1:{port}/", "--out", "out")
    assert (code, errors) == (0, "")
    for words in ("dialling", "stream     open", "agent      is heard", "hung up    by the caller", "in order"):
        assert words in output
    assert "\x1b" not in output
    with wave.open(str(tmp_path / "out" / "call.wav")) as file:
        assert file.getnchannels() == 2
    assert json.loads((tmp_path / "out" / "call.json").read_text(encoding="utf-8"))["ok"] is True


def test_the_line_and_the_temper_are_options(dial):
    with served() as port:
        code, output, _ = dial(f"ws://127.0.0.1:{port}/", "--network", "landline", "--patience", "9", "--placed")
    assert code == 0
    assert "dialling" in output
    with served(mute) as port:
        code, _, errors = dial(f"ws://127.0.0.1:{port}/", "--patience", "0.5")
    assert code == 1
    assert "bored: nothing was heard for 0.5 s" in errors
    code, _, errors = dial("ws://127.0.0.1:1/", "--network", "carrier-pigeon")
    assert code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("no-address",),
        ("ftp://127.0.0.1/",),
        ("http://127.0.0.1:99999/",),
        ("ws://[::1/",),
        ("http://127.0.0.1:1/", "--sign-as", "voice.example.com"),
        ("http://127.0.0.1:1/", "--fallback", "ws://127.0.0.1:1/"),
    ],
)
def test_what_is_no_address_is_said_before_anything_is_dialled(dial, arguments):
    code, output, errors = dial(*arguments)
    assert (code, output) == (2, "")
    assert "give a whole http://" in " ".join(errors.split())


def test_json_and_nothing_else(tmp_path, dial):
    with served() as port:
        code, output, _ = dial(f"ws://127.0.0.1:{port}/", "--json")
    assert code == 0
    assert json.loads(output)["turns"][0]["who"] == "agent"


def test_a_recording_is_said(tmp_path, dial):
    (tmp_path / "question.ulaw").write_bytes(b"\x10\x90" * 4000)
    (tmp_path / "s.toml").write_text(
        '[[steps]]\ndo = "wait_for_agent"\nquiet_ms = 200\n'
        '[[steps]]\ndo = "say"\naudio = "question.ulaw"\n[[steps]]\ndo = "hang_up"\n'
    )
    with served() as port:
        code, output, _ = dial(f"ws://127.0.0.1:{port}/", "--scenario", "s.toml")
    assert code == 0
    assert "caller     quiet after 1.00 s" in output


def test_a_name_of_the_library_is_a_caller(dial):
    with served() as port:
        code, output, _ = dial(f"ws://127.0.0.1:{port}/", "--scenario", "silent-caller")
    assert code == 0
    assert "0 said by the caller" in output


def test_nothing_listens(tmp_path, dial):
    for url in (f"ws://127.0.0.1:{free_port()}/", f"http://127.0.0.1:{free_port()}/twilio/voice"):
        code, _, errors = dial(url)
        assert code == 1
        assert "is the server running, and is this its port?" in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("status", "token", "words"),
    [
        (403, {}, "signature refused: set TWILIO_AUTH_TOKEN"),
        (403, {"TWILIO_AUTH_TOKEN": "a" * 32}, "signature refused: TWILIO_AUTH_TOKEN is not the server's"),
        (404, {}, "wrong path"),
        (503, {}, "at capacity"),
    ],
)
def test_a_refused_handshake_says_what_to_do(tmp_path, dial, status, token, words):
    def refuse(connection: ServerConnection, _: Request) -> Response:
        return connection.respond(status, "")

    with served(process_request=refuse) as port:
        code, output, errors = dial(f"ws://127.0.0.1:{port}/", **token)
    assert code == 1
    assert words in errors
    assert "a" * 32 not in output + errors


def test_dead_air_is_noticed(tmp_path, dial):
    (tmp_path / "s.json").write_text('{"steps": [{"do": "wait_for_agent", "timeout_s": 0.5}]}')
    with served(mute) as port:
        code, _, errors = dial(f"ws://127.0.0.1:{port}/", "--scenario", "s.json")
    assert code == 1
    assert "dead air" in errors


def test_the_token_comes_from_dotenv_or_another_variable(tmp_path, dial):
    seen: list[str | None] = []

    def note(connection: ServerConnection, request: Request) -> Response:
        seen.append(request.headers.get("x-twilio-signature"))
        return connection.respond(404, "")

    (tmp_path / ".env").write_text("TWILIO_AUTH_TOKEN=from-the-file\n")
    with served(process_request=note) as port:
        url = f"ws://127.0.0.1:{port}/twilio"
        dial(url)
        dial(url, "--auth-token-env", "MINE", MINE="from-mine")
        dial(url, "--sign-as", "wss://public.example/twilio")
    assert seen == [
        signing.sign_stream("from-the-file", url),
        signing.sign_stream("from-mine", url),
        signing.sign_stream("from-the-file", "wss://public.example/twilio"),
    ]


@pytest.mark.parametrize(
    "arguments",
    [
        ("--say", "a", "--audio", "b.wav"),
        ("--scenario", "gone.toml"),
        ("--scenario", "bad.toml"),
        ("--audio", "gone.wav"),
        ("--audio", "empty.ulaw"),
        ("--say", " "),
        ("--out", "empty.ulaw"),
        ("--method", "PUT"),
        ("--parameter", "x"),
    ],
)
def test_what_cannot_be_done_is_said_before_dialling(tmp_path, dial, arguments):
    (tmp_path / "bad.toml").write_text("[[steps]]\ndo = 'sing'\n")
    (tmp_path / "empty.ulaw").touch()
    code, output, errors = dial("ws://127.0.0.1:1/", *arguments)
    assert code == 2
    assert output == ""
    assert "Traceback" not in errors
    assert "Errno" not in errors


def test_what_cannot_be_written_takes_nothing_from_what_is_printed(dial, tmp_path):
    (tmp_path / "out" / "call.wav").mkdir(parents=True)
    with served() as port:
        code, output, errors = dial(f"ws://127.0.0.1:{port}/", "--json", "--out", "out")
    assert code == 1
    assert json.loads(output)["ok"] is True
    assert "out cannot be written" in errors


def test_a_reader_who_goes_takes_nothing_along(tmp_path):
    with served() as port, start(tmp_path, f"ws://127.0.0.1:{port}/", "--out", "out") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()
        process.stdout.close()
        assert "Traceback" not in process.stderr.read()
        assert process.wait(DEADLINE_S) == 1
    assert json.loads((tmp_path / "out" / "call.json").read_text(encoding="utf-8"))["ok"] is True


def test_ctrl_c_ends_it_with_130(tmp_path):
    with served(mute) as port, start(tmp_path, f"ws://127.0.0.1:{port}/", "--out", "out") as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "stream     open" in line:
                break
        process.send_signal(getattr(signal, "CTRL_C_EVENT", signal.SIGINT))
        output, errors = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 130
        assert "Traceback" not in output + errors
    assert (tmp_path / "out" / "call.json").is_file()
