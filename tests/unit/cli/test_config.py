"""`offhook config` as a user types it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema

CLEAN = {name: value for name, value in os.environ.items() if not name.startswith(("OFFHOOK_", "TWILIO_", "DEEPGRAM_"))}
KEY = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "0123456789abcdef0123456789abcdef"
SIGNED = {"TWILIO_AUTH_TOKEN": TOKEN, "TWILIO_ACCOUNT_SID": "AC" + "0" * 32}


def offhook(folder: Path, *words: str, **environ: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "offhook", *words],
        cwd=folder, env=CLEAN | {"PYTHONUTF8": "1"} | environ, capture_output=True, text=True, timeout=60,
        encoding="utf-8", check=False,
    )  # fmt: skip


def test_show_lists_every_setting_with_its_origin_and_no_secret(tmp_path):
    (tmp_path / "offhook.toml").write_text("[limits]\ncalls = 7\n")

    done = offhook(tmp_path, "config", "show", "--origin", DEEPGRAM_API_KEY=KEY, **SIGNED)

    assert done.returncode == 0
    assert "limits.calls = 7    # offhook.toml" in done.stdout
    assert 'deepgram.api_key = "set (40 chars)"    # environment DEEPGRAM_API_KEY' in done.stdout
    assert "agent.listen.model = " in done.stdout
    assert KEY not in done.stdout + done.stderr
    assert TOKEN not in done.stdout + done.stderr


def test_show_as_json_is_json(tmp_path):
    done = offhook(tmp_path, "config", "show", "--json", PORT="5000")

    assert json.loads(done.stdout)["server.port"] == {"value": 5000, "origin": "environment PORT"}


def test_check_without_any_setting_says_what_will_happen(tmp_path):
    done = offhook(tmp_path, "config", "check")

    assert done.returncode == 0
    for expected in (
        "settings: defaults: no problem",
        "listens on 127.0.0.1:8080 (this machine only): TWILIO_AUTH_TOKEN is not set",
        "dials wss://agent.deepgram.com/v1/agent/converse, at most 50 calls at once",
        "agent hears with flux-general-en (listen v2)",
        "agent thinks with deepgram/think-fast; if that is refused or fails: open_ai/gpt-4o-mini",
        "agent speaks with deepgram/aura-2-thalia-en (speak v1)",
        "for a real call: DEEPGRAM_API_KEY is not set",
    ):
        assert expected in done.stdout


def test_check_names_the_agents_of_the_numbers(tmp_path):
    (tmp_path / "offhook.toml").write_text(
        '[agents.sales]\n[agents.sales.listen]\nmodel = "nova-3"\n[numbers."+441632960001"]\nagent = "sales"\n'
    )

    done = offhook(tmp_path, "config", "check", **SIGNED)

    assert "listens on 0.0.0.0:8080: webhooks and streams must be signed by Twilio" in done.stdout
    assert "agent sales (+441632960001) hears with nova-3 (listen v1)" in done.stdout


def test_check_prints_every_problem_and_exits_with_2(tmp_path):
    (tmp_path / "offhook.toml").write_text("[agent]\ngreting = 'x'\n[limits]\ncalls = 0\n")

    done = offhook(tmp_path, "config", "check", DEEPGRAM_API_KEY="your-key-here")

    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 3
    assert all(line.startswith("config: ") for line in done.stderr.splitlines())


def test_check_refuses_an_open_interface_without_a_token(tmp_path):
    done = offhook(tmp_path, "config", "check", OFFHOOK_SERVER__HOST="0.0.0.0")

    assert done.returncode == 2
    assert done.stderr.startswith("config: server.host: is open to others although TWILIO_AUTH_TOKEN is not set")


def test_check_says_so_where_the_agent_cannot_be_reached(tmp_path):
    closed = "ws://127.0.0.1:9/v1/agent/converse"

    done = offhook(tmp_path, "config", "check", DEEPGRAM_API_KEY=KEY, DEEPGRAM_AGENT_URL=closed)
    unasked = offhook(tmp_path, "config", "check", "--no-probe", DEEPGRAM_API_KEY=KEY, DEEPGRAM_AGENT_URL=closed)

    assert done.returncode == 1
    assert "Deepgram does not take agent: The voice agent cannot be reached. (agent_unavailable" in done.stderr
    assert KEY not in done.stdout + done.stderr
    assert unasked.returncode == 0


def test_path_says_where_the_file_is_or_would_be(tmp_path):
    assert Path(offhook(tmp_path, "config", "path").stdout.strip()) == tmp_path.resolve() / "offhook.toml"
    assert offhook(tmp_path, "config", "path", OFFHOOK_CONFIG="x.toml").stdout.strip().endswith("x.toml")


def test_schema_is_a_schema(tmp_path):
    done = offhook(tmp_path, "config", "schema")

    jsonschema.Draft202012Validator.check_schema(json.loads(done.stdout))
