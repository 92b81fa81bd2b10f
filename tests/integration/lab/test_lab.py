"""The lab: a call through both twins is watched, judged, changed over its API; nobody but this machine may ask."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from tests.kit.known_bad.bridge import Bridge
from tests.kit.lab import ACCOUNT, TOKEN, running_lab
from tests.kit.wound import in_wound_time

from offhook.lab.bench import PLAIN, Bench, Wiring
from offhook.lab.judge import History, judge
from offhook.trace import read_trace


async def over(session: aiohttp.ClientSession, address: str, sid: str) -> dict[str, Any]:
    """Wait until a call is judged; return it with its messages."""
    async with asyncio.timeout(60):
        while True:
            async with session.get(f"{address}/api/calls/{sid}") as answer:
                call: dict[str, Any] = await answer.json()
            if call["findings"] is not None:
                return call
            await asyncio.sleep(0.05)


async def post(session: aiohttp.ClientSession, url: str, **asked: Any) -> tuple[int, Any]:
    async with session.post(url, json=asked) as answer:
        return answer.status, await (answer.json() if answer.content_type == "application/json" else answer.text())


@in_wound_time
async def test_a_call_is_watched_judged_and_kept(tmp_path: Path) -> None:
    wiring = Wiring(ACCOUNT, TOKEN, traces=tmp_path)
    async with running_lab(wiring) as (_, address), aiohttp.ClientSession() as session:
        status, placed = await post(session, f"{address}/api/calls", scenario=PLAIN)
        assert status == 201
        assert (await post(session, f"{address}/api/calls"))[0] == 409
        call = await over(session, address, placed["call"])
        assert call["findings"] == []
        assert call["status"] == "over"
        assert call["heard_ms"] > 1000
        channels = {(entry["channel"], entry["sender"]) for entry in call["entries"]}
        assert channels >= {("http", "bridge"), ("stream", "caller"), ("agent", "deepgram"), ("agent", "bridge")}
        async with session.get(f"{address}/api/calls/{call['call']}/history") as answer:
            history = await answer.json()
        assert len(history["entries"]) == history["messages"]
    kept = list(read_trace(tmp_path / f"{placed['call']}.jsonl"))
    assert judge(History.of(kept)) == []


@in_wound_time
async def test_a_fault_happens_when_it_is_asked_for() -> None:
    async with running_lab() as (bench, address), aiohttp.ClientSession() as session:
        _, placed = await post(session, f"{address}/api/calls")
        async with asyncio.timeout(30):
            while not bench.calls[-1].heard_ms:  # noqa: ASYNC110  # a fact of the bench, none of them an event
                await asyncio.sleep(0.02)
        assert await post(session, f"{address}/api/faults", do="fail") == (200, {"sockets": 1})
        call = await over(session, address, placed["call"])
        assert any("INTERNAL_SERVER_ERROR" in entry.get("text", "") for entry in call["entries"])
        assert (await post(session, f"{address}/api/faults", do="explode"))[0] == 400


@in_wound_time
async def test_faults_are_said_as_in_scenarios() -> None:
    async with running_lab() as (_, address), aiohttp.ClientSession() as session:
        for asked, word in (
            ({"faults": {"refuse": "x"}}, "refuse"),
            ({"faults": {"refus": 503}}, "did you mean `refuse`?"),
            ({"at": [{"do": "explode"}]}, "at"),
            ({"scenari": PLAIN}, "scenari"),
        ):
            status, told = await post(session, f"{address}/api/calls", **asked)
            assert (status, word in told) == (400, True), told
        status, told = await post(session, f"{address}/api/faults", do="die", how="rest")
        assert (status, "how" in told) == (400, True), told
        for word in (await (await session.get(f"{address}/api/lab")).json())["faults"]:
            assert await post(session, f"{address}/api/faults", do=word) == (200, {"sockets": 0})
        wrong = {"faults": {"refuse": 402}, "at": [{"moment": "Settings", "do": "fail"}]}
        _, placed = await post(session, f"{address}/api/calls", **wrong)
        call = await over(session, address, placed["call"])
        refused = [e for e in call["entries"] if (e["channel"], e["kind"]) == ("agent", "refused")]
        assert {entry["status"] for entry in refused} == {402}


@in_wound_time
async def test_a_call_is_hung_up() -> None:
    async with running_lab() as (_, address), aiohttp.ClientSession() as session:
        _, placed = await post(session, f"{address}/api/calls")
        async with asyncio.timeout(30):
            while (await messages(session, address, placed["call"])) < 50:  # noqa: ASYNC110  # as above
                await asyncio.sleep(0.02)
        assert (await post(session, f"{address}/api/calls/{placed['call']}/hang-up"))[0] == 200
        call = await over(session, address, placed["call"])
        assert [f["code"] for f in call["findings"]] == []


async def messages(session: aiohttp.ClientSession, address: str, sid: str) -> int:
    async with session.get(f"{address}/api/calls/{sid}") as answer:
        return int((await answer.json())["messages"])


@in_wound_time
async def test_strangers_are_not_let_in_by_our_server() -> None:
    async with running_lab() as (_, address), aiohttp.ClientSession() as session:
        status, probed = await post(session, f"{address}/api/knock")
        assert (status, set(probed.values())) == (200, {False})


@in_wound_time
async def test_a_strangers_agent_socket_is_no_part_of_a_call() -> None:
    """A bridge that lets strangers in: what they make it do is in no call's history, and in the next call's verdict."""
    async with Bench(Wiring(ACCOUNT, TOKEN)) as bench, Bridge(bench.agent.url, TOKEN, "", "stream unsigned") as bridge:
        bridge.public = f"http://127.0.0.1:{bridge.port}"
        await bench.connect(f"{bridge.public}/voice")
        for expected in ([], ["stream-signature-unchecked"]):
            call = await bench.place(PLAIN)
            with pytest.raises(ValueError, match="a call is on"):
                await bench.knock()
            while call.findings is None:  # noqa: ASYNC110  # a fact of the bench, and no event
                await asyncio.sleep(0.05)
            assert [finding.code for finding in call.findings] == expected
            passed = len(call.entries)
            assert (await bench.knock()).unsigned_stream
            assert len(call.entries) == passed


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example:80", ""])
async def test_another_name_is_refused(host: str) -> None:
    async with running_lab() as (_, address), aiohttp.ClientSession(headers={"Host": host}) as session:
        answer = await session.get(f"{address}/api/calls")
        assert answer.status in (400, 403)
        answer.release()


async def test_a_foreign_form_is_refused_and_the_page_is_guarded() -> None:
    async with running_lab() as (_, address), aiohttp.ClientSession() as session:
        async with session.post(f"{address}/api/calls", data="{}") as answer:
            assert answer.status == 415
        async with session.get(f"{address}/") as answer:
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert "http" not in (await answer.text()).replace("http-equiv", "")
