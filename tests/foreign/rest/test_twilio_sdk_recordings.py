"""Recordings of live calls, started, paused and read through Twilio's own Python client: no violation."""

from __future__ import annotations

import io
import wave

import aiohttp
import pytest
from tests.foreign.rest.kit import OURS, account, sdk
from tests.kit.bridge import AUTH_TOKEN, PUBLIC, bridged
from tests.kit.raw import until
from tests.kit.rest.webhooks import webhooks

from offhook.sim.caller import HangUp, Pause, Say, WaitForAgent
from offhook.sim.outbound import Pickup
from offhook.sim.reach import Reach
from offhook.sim.rest.lines import Telephony
from offhook.sim.switch import Phone
from offhook.sim.tones import tone

pytestmark = pytest.mark.foreign

THEM = "+14155550123"
LONG = '<Response><Pause length="3000"/></Response>'


async def test_a_recorded_call_keeps_what_was_heard(vendor_contracts):
    owner = account()
    owner.auth_token = AUTH_TOKEN
    listens = {THEM: Phone((WaitForAgent(), HangUp()), Pickup(rings_s=0.05))}
    async with bridged() as bridge, webhooks() as told:
        telephony = Telephony(listens, reach=Reach(PUBLIC, bridge.base))
        async with sdk(vendor_contracts, owner, telephony=telephony) as (ask, proxy, twin):
            placed = await ask(
                lambda client: client.calls.create(
                    to=THEM,
                    from_=OURS,
                    url=f"{PUBLIC}/twilio/voice",
                    record=True,
                    recording_channels="dual",
                    recording_status_callback=f"{told.url}/recorded",
                    recording_status_callback_event=["in-progress", "completed"],
                )
            )
            first, last = await told.until("/recorded", 2)
            assert (first["RecordingStatus"], last["RecordingStatus"]) == ("in-progress", "completed")
            (recording,) = await ask(lambda client: client.recordings.list(call_sid=placed.sid))
            assert (recording.sid, recording.source, recording.channels) == (last["RecordingSid"], "OutboundAPI", 2)
            assert last["RecordingUrl"] == f"{twin.url}/2010-04-01/Accounts/{owner.sid}/Recordings/{recording.sid}"
            login = {"Authorization": aiohttp.encode_basic_auth(owner.sid, AUTH_TOKEN)}
            async with aiohttp.ClientSession(headers=login) as session, session.get(last["RecordingUrl"]) as answer:
                sound = await answer.read()
            with wave.open(io.BytesIO(sound)) as file:
                assert (file.getnchannels(), file.getframerate()) == (2, 8000)
                assert file.getnframes() > 4000
                assert any(file.readframes(file.getnframes()))
            await ask(lambda client: client.recordings(recording.sid).delete())
            assert await ask.refused(lambda client: client.recordings(recording.sid).fetch()) == (404, 20404)
            await bridge.cause(placed.sid)
    assert proxy.violations == []


async def test_a_live_call_is_recorded_paused_and_stopped(vendor_contracts):
    owner = account()
    async with sdk(vendor_contracts, owner, telephony=Telephony()) as (ask, proxy, _):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG))
        assert await ask.refused(lambda client: client.calls(placed.sid).recordings.create()) == (400, 21220)
        await until(lambda: owner.calls[placed.sid].status == "in-progress", 30)
        await until(lambda: owner.calls[placed.sid].started, 30)
        recording = await ask(lambda client: client.calls(placed.sid).recordings.create(recording_channels="mono"))
        assert (recording.status, recording.source, recording.track) == ("in-progress", "StartCallRecordingAPI", "both")

        async def becomes(status: str, sid: str = "Twilio.CURRENT", **more: str) -> str:
            changed = await ask(lambda client: client.calls(placed.sid).recordings(sid).update(status=status, **more))
            return str(changed.status)

        assert await becomes("paused", pause_behavior="skip") == "paused"
        assert await becomes("in-progress", recording.sid) == "in-progress"
        assert await becomes("stopped") == "completed"
        refused = await ask.refused(
            lambda client: client.calls(placed.sid).recordings("Twilio.CURRENT").update(status="paused")
        )
        assert refused == (404, 20404)
        found = await ask(lambda client: client.calls(placed.sid).recordings.list())
        assert [one.sid for one in found] == [recording.sid]
        whole = await ask(lambda client: client.calls(placed.sid).recordings(recording.sid).fetch())
        assert whole.status == "completed"
        await ask(lambda client: client.calls(placed.sid).recordings(recording.sid).delete())
        await ask(lambda client: client.calls(placed.sid).update(status="completed"))
    assert proxy.violations == []


async def test_what_a_record_verb_took_is_a_recording_too(vendor_contracts):
    owner = account()
    speaks = Phone((Say(tone(300, 800)), Pause(60)), Pickup(rings_s=0.05))
    twiml = '<Response><Record maxLength="1" playBeep="false" action="/done"/></Response>'
    answers = {"/record": twiml, "/done": "<Response><Hangup/></Response>"}
    async with (
        webhooks(answers) as told,
        sdk(vendor_contracts, owner, telephony=Telephony({THEM: speaks})) as (ask, proxy, _),
    ):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, url=f"{told.url}/record"))
        await until(lambda: owner.calls[placed.sid].is_over, 30)
        (recording,) = await ask(lambda client: client.calls(placed.sid).recordings.list())
        assert (recording.source, recording.status, recording.channels) == ("RecordVerb", "completed", 1)
        assert recording.sid == told.at("/done")[0]["RecordingSid"]
    assert proxy.violations == []
