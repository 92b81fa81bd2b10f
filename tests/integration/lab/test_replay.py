"""Replay: the same bridge does as recorded; another one's differences are told, each as what it is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from tests.kit.known_bad.bridge import Bridge
from tests.kit.lab import ACCOUNT, TOKEN, running_lab
from tests.kit.wound import in_wound_time, wound
from typer.testing import CliRunner

from offhook.cli.app import app
from offhook.lab.bench import PLAIN, Bench, Wiring
from offhook.lab.replay import Recording, ReplayError, Stage, replay
from offhook.lab.replay.deepgram_side import DeepgramSide
from offhook.lab.replay.own import own_server
from offhook.sim.reach import Reach
from offhook.trace import Entry, TraceWriter, read_trace

NO_TRACE = "no.jsonl is not a trace: record one with `offhook serve --trace DIR`\n"
PUBLIC = "https://other.example.com"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A call of the lab through offhook, recorded."""
    return wound(_recorded(tmp_path_factory.mktemp("traces")))


async def _recorded(folder: Path) -> Path:
    async with running_lab(Wiring(ACCOUNT, TOKEN, traces=folder)) as (bench, _):
        call = await bench.place(PLAIN)
        async with asyncio.timeout(60):
            while call.findings is None:  # noqa: ASYNC110  # a fact of the bench, and no event
                await asyncio.sleep(0.05)
    return folder / f"{call.call_sid}.jsonl"


@asynccontextmanager
async def other(deepgram: DeepgramSide, defect: str | None = None) -> AsyncIterator[Stage]:
    """The bridge of the known defects."""
    async with Bridge(deepgram.url, TOKEN, PUBLIC, defect) as bridge:
        yield Stage(f"{PUBLIC}/voice", TOKEN, Reach(PUBLIC, f"http://127.0.0.1:{bridge.port}"))


def changed(entries: list[Entry]) -> list[Entry]:
    """Return the recording of a bridge that sent another mark, a message more, and a longer answer."""
    found = []
    for entry in entries:
        text = entry.text or ""
        if entry.channel == "stream" and entry.sender == "bridge" and '"clear"' in text:
            continue
        if entry.channel == "agent" and entry.sender == "bridge" and '"Settings"' in text:
            found.append(msgspec.structs.replace(entry, text=text.replace('"mulaw"', '"linear16"')))
            continue
        found.append(entry)
    return found


@pytest.mark.slow
@in_wound_time
async def test_the_same_bridge_does_as_recorded(recorded: Path) -> None:
    replayed = await replay(Recording.of(read_trace(recorded)), own_server)
    assert [str(difference) for difference in replayed.differences] == []


@pytest.mark.slow
@in_wound_time
async def test_who_closes_first_after_stop_is_chance(recorded: Path) -> None:
    entries = list(read_trace(recorded))
    (end,) = [e for e in entries if e.channel == "stream" and e.kind == "close"]
    assert end.sender == "twilio"
    late = [e if e is not end else msgspec.structs.replace(e, at_ms=e.at_ms + 500) for e in entries]

    assert (await replay(Recording.of(late), own_server)).differences == []


@pytest.mark.slow
@in_wound_time
async def test_what_is_different_is_told(recorded: Path) -> None:
    recording = Recording.of(changed(list(read_trace(recorded))))
    replayed = await replay(recording, own_server)
    assert {(d.kind, d.way) for d in replayed.differences} == {
        ("extra", "bridge to Twilio"),
        ("changed", "bridge to Deepgram"),
    }, [str(difference) for difference in replayed.differences]


@pytest.mark.slow
@in_wound_time
async def test_another_bridge_is_another(recorded: Path) -> None:
    """It sends other Settings and other marks, and its sound is the same: what both must do they both did."""
    replayed = await replay(Recording.of(read_trace(recorded)), other)
    told = {(d.kind, d.way) for d in replayed.differences}
    assert ("changed", "bridge to Deepgram") in told
    assert [d for d in replayed.differences if "of sound" in d.sentence] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    ("defect", "kind", "words"),
    [
        ("mark without name", "changed", '"mark": {}'),
        ("no clear", "missing", '"clear"'),
        ("agent audio halved", "missing", "of sound"),
        ("agent samples lost", "missing", "of sound"),
        ("agent frames repeated", "extra", "of sound"),
        ("message invalid", "changed", "another streamSid"),
        ("caller audio altered", "missing", "of sound"),
    ],
)
@in_wound_time
async def test_a_defect_is_a_difference_to_the_same_bridge_without_it(
    defect: str, kind: str, words: str, tmp_path: Path
) -> None:
    """The right bridge does as recorded; one with a defect does not. Marks that never come hold nothing up."""
    async with (
        Bench(Wiring(ACCOUNT, TOKEN, traces=tmp_path)) as bench,
        Bridge(bench.agent.url, TOKEN, PUBLIC) as bridge,
    ):
        await bench.connect(f"{PUBLIC}/voice", Reach(PUBLIC, f"http://127.0.0.1:{bridge.port}"))
        call = await bench.place(PLAIN)
        while call.findings is None:  # noqa: ASYNC110  # a fact of the bench, and no event
            await asyncio.sleep(0.05)
    recording = Recording.of(read_trace(tmp_path / f"{call.call_sid}.jsonl"))

    assert (await replay(recording, other)).differences == []
    replayed = await replay(recording, lambda deepgram: other(deepgram, defect))

    told = [str(difference) for difference in replayed.differences]
    assert any(line.startswith(kind) and words in line for line in told), told
    assert not any(line.startswith("later") for line in told), told
    assert replayed.own_late_ms < 50


def test_a_trace_without_a_call_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="no call to replay"):
        Recording.of([])
    path = tmp_path / "no.jsonl"
    path.write_text("hello\n")
    result = CliRunner().invoke(app, ["replay", str(path)])
    assert result.exit_code == 2
    assert result.stderr == "offhook replay: no.jsonl: " + NO_TRACE
    missing = CliRunner().invoke(app, ["replay", str(tmp_path / "missing.jsonl")])
    assert (missing.exit_code, "cannot be read" in missing.stderr) == (2, True)


@pytest.mark.slow
def test_the_command_says_it_in_json(recorded: Path, tmp_path: Path) -> None:
    path = tmp_path / "changed.jsonl"
    with TraceWriter(path, "test") as write:
        for entry in changed(list(read_trace(recorded))):
            write(entry)
    result = CliRunner().invoke(app, ["replay", "--json", str(path)])
    assert result.exit_code == 1, result.stderr
    told = json.loads(result.stdout)["differences"]
    kinds = {difference["kind"] for difference in told}
    assert kinds - {"later"} == {"extra", "changed"}  # real time: a machine that is late here alone is no defect
