"""A server looks at itself when it starts: what the doctor finds without the network is in its log, and it serves."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import aiohttp
from tests.kit.patients.seed import keys
from tests.kit.process import Process, running

ENVIRON = {**keys(DEEPGRAM_API_KEY=""), "PORT": "0", "OFFHOOK_SERVER__HOST": "127.0.0.1", "OFFHOOK_LOG__FORMAT": "json"}


async def told(server: Process) -> list[dict[str, Any]]:
    """Wait for the look; return what it logged."""
    await server.says('"event": ?"self_test"', 60)
    return [
        line for text in server.lines if text.startswith("{") and (line := json.loads(text))["event"] == "self_test"
    ]


async def test_what_is_wrong_is_in_the_log_and_calls_are_answered(tmp_path: Path) -> None:
    (tmp_path / "tools.py").write_text("<!DOCTYPE html>\n<html><body>tools.py</body></html>\n")
    async with running(tmp_path, "serve", environ=ENVIRON) as server:
        port = await server.port()
        (line,) = await told(server)
        assert (line["check"], line["cause"]) == ("files", "web-page")
        assert line["fix"]
        async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/livez") as answer:
            assert answer.status == 200


async def test_a_sound_folder_is_said_to_be_sound(tmp_path: Path) -> None:
    async with running(tmp_path, "serve", environ=ENVIRON) as server:
        (line,) = await told(server)
        assert line["wrong"] == 0
        assert line["looked_at"] >= 5


async def test_settings_elsewhere_are_looked_at_where_they_lie(tmp_path: Path) -> None:
    project = tmp_path / "Projekt mit Ümlaut"
    project.mkdir()
    (project / "offhook.toml").write_text("", encoding="utf-8")
    (project / ".env.txt").write_text("", encoding="utf-8")
    async with running(tmp_path, "serve", "--config", str(project / "offhook.toml"), environ=ENVIRON) as server:
        (line,) = await told(server)
        assert line["cause"] == "env-not-loaded"
