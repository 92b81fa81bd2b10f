"""Both twins tell the wire trace everything that passed, exactly, on one clock."""

from __future__ import annotations

from pathlib import Path

from tests.kit.bridge import API_KEY, settings

from offhook.offline.faults import Faults
from offhook.offline.scripted import ScriptedMind
from offhook.offline.server import OfflineAgent
from offhook.server import Server
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import HangUp, WaitForAgent
from offhook.trace import Entry, TraceWriter, read_trace, sound_of


async def test_what_passes_is_told(tmp_path: Path) -> None:
    seen: list[Entry] = []
    async with OfflineAgent(ScriptedMind(), on_wire=seen.append) as agent:
        named = {"DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url}
        async with Server(settings(**named)) as server:
            await server.ready()
            seen.clear()
            url = f"http://127.0.0.1:{server.port}/twilio/voice"
            options = CallOptions(on_wire=seen.append)
            report = await SimulatedCall(url, [WaitForAgent(quiet_ms=300), HangUp()], options).run()
        session = agent.calls[-1]
    assert report.ok, report.why_not
    assert [entry.at_ms for entry in seen] == sorted(entry.at_ms for entry in seen)
    on_agent = [entry for entry in seen if entry.channel == "agent"]
    assert {entry.call for entry in on_agent} == {session.request_id}
    assert b"".join(e.audio or b"" for e in on_agent if e.sender == "deepgram") == bytes(session.spoke)
    assert b"".join(e.audio or b"" for e in on_agent if e.sender == "bridge") == bytes(session.heard)
    on_stream = [entry for entry in seen if entry.channel == "stream"]
    assert {entry.call for entry in on_stream} == {report.call_sid}
    played = b"".join(sound_of(e.message()) or b"" for e in on_stream if e.sender == "bridge")
    assert played == bytes(session.spoke)
    heard = b"".join(entry.audio or b"" for entry in on_stream if entry.kind == "heard")
    assert played.startswith(heard)
    assert [(e.sender, e.kind) for e in on_stream if e.kind in ("open", "close")] == [
        ("twilio", "open"),
        ("twilio", "close"),
    ]
    assert [(e.sender, e.kind) for e in seen if e.channel == "http"][:2] == [
        ("twilio", "request"),
        ("bridge", "response"),
    ]
    with TraceWriter(tmp_path / "call.jsonl", "test") as write:
        for entry in seen:
            write(entry)
    assert [entry.text for entry in read_trace(tmp_path / "call.jsonl")] == [entry.text for entry in seen]


async def test_a_refused_handshake_is_told() -> None:
    seen: list[Entry] = []
    async with OfflineAgent(ScriptedMind(), faults=Faults(refuse=429), on_wire=seen.append) as agent:
        named = {"DEEPGRAM_API_KEY": API_KEY, "DEEPGRAM_AGENT_URL": agent.url}
        async with Server(settings(**named)) as server:
            await server.ready()
    assert [(entry.kind, entry.status, entry.path) for entry in seen] == [("refused", 429, "/v1/agent/converse")]
