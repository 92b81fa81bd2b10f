"""`serve --trace`: the server records what both twins saw, message for message, in a file for the owner only."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from tests.kit.bridge import API_KEY, settings
from tests.kit.wound import in_wound_time

from offhook.lab.judge import History, judge
from offhook.offline.faults import Faults
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.run.call_traces import CallTraces
from offhook.run.taps import NO_TAPS
from offhook.server import Server
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, Pause, WaitForAgent
from offhook.sim.report import CallReport
from offhook.trace import Entry, read_trace


async def call(folder: Path | None, seen: list[Entry], faults: Faults | None = None) -> CallReport:
    """Make one call through a server of ours that records into ``folder``."""
    async with OfflineAgent(ScriptedMind(), on_wire=seen.append) as agent:
        named = {"DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url}
        taps = NO_TAPS if folder is None else CallTraces(folder)
        async with Server(settings(**named), taps=taps) as server:
            await server.ready()
            seen.clear()
            agent.faults = faults or Faults()
            url = f"http://127.0.0.1:{server.port}/twilio/voice"
            steps = [Pause(1.0), HangUp()] if faults else [WaitForAgent(quiet_ms=300), HangUp()]
            return await SimulatedCall(url, steps, CallOptions(on_wire=seen.append)).run()


def files(folder: Path) -> list[Path]:
    """Return what is in the folder."""
    return sorted(folder.iterdir())


def said(entries: list[Entry], channel: str, sender: str) -> list[tuple[str, str | bytes | None]]:
    """Return the messages of one side."""
    return [
        (e.kind, e.text if e.text is not None else e.audio)
        for e in entries
        if (e.channel, e.sender) == (channel, sender) and e.kind in ("text", "binary", "request", "response")
    ]


@in_wound_time
async def test_it_records_what_both_twins_saw(tmp_path: Path) -> None:
    seen: list[Entry] = []
    report = await call(tmp_path / "traces", seen)
    assert report.ok, report.why_not
    (path,) = files(tmp_path / "traces")
    assert path.name == f"{report.call_sid}.jsonl"
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
    recorded = list(read_trace(path))
    for channel, sender in (("agent", "deepgram"), ("stream", "bridge"), ("agent", "bridge")):
        ours, theirs = said(recorded, channel, sender), said(seen, channel, sender)
        shorter = min(len(ours), len(theirs))  # what is under way when a call ends is seen by one of them
        assert shorter > 10
        assert abs(len(ours) - len(theirs)) < 10
        assert ours[:shorter] == theirs[:shorter]
    assert said(recorded, "stream", "twilio") == said(seen, "stream", "twilio")
    assert said(recorded, "http", "bridge")[:1] == said(seen, "http", "bridge")[:1]
    assert {e.call for e in recorded} == {report.call_sid}
    assert [str(finding) for finding in judge(History.of(recorded))] == []


@in_wound_time
async def test_a_refusing_agent_is_recorded(tmp_path: Path) -> None:
    await call(tmp_path, [], Faults(refuse=402))
    (path,) = files(tmp_path)
    refused = [entry for entry in read_trace(path) if entry.kind == "refused"]
    assert [(entry.channel, entry.status) for entry in refused][:1] == [("agent", 402)]


@in_wound_time
async def test_nothing_is_recorded_unless_asked(tmp_path: Path) -> None:
    await call(None, [])
    assert files(tmp_path) == []
