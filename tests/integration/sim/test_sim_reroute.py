"""A live call that is sent elsewhere, ended from outside, or reached under another name, as by REST and by DNS."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from tests.kit.bridge import bridged
from tests.kit.raw import until

from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.caller import Pause, WaitForHangUp
from offhook.sim.events import Event, StreamStarted
from offhook.sim.reach import Reach

SAY = "<Response><Say>One moment.</Say><Hangup/></Response>"


@asynccontextmanager
async def live(target: str) -> AsyncIterator[tuple[SimulatedCall, asyncio.Task[object]]]:
    started = asyncio.Event()

    def told(event: Event) -> None:
        if isinstance(event, StreamStarted):
            started.set()

    options = CallOptions(verb_speed=20)
    call = SimulatedCall(target, [WaitForHangUp(timeout_s=60)], options, told)
    task: asyncio.Task[object] = asyncio.create_task(call.run())
    async with asyncio.timeout(30):
        await started.wait()
    yield call, task
    await task


async def test_a_live_stream_is_redirected_to_other_twiml() -> None:
    async with bridged(signed=False) as bridge:
        async with live(f"{bridge.base}/twilio/voice") as (call, task):
            await call.redirect(twiml=SAY)
            await task
        report = call.report()
        assert report.twiml == ("Connect Stream", "Say One moment.", "Hangup")
        assert report.ended.why == "<Hangup>"
        assert await bridge.cause(report.call_sid) == "completed/caller_hung_up"


async def test_a_live_call_is_completed_from_outside() -> None:
    async with bridged(signed=False) as bridge:
        async with live(f"{bridge.base}/twilio/voice") as (call, task):
            await call.complete()
            await task
        report = call.report()
        assert (report.ended.by, report.ended.why) == ("server", "ended over the REST API")
        assert report.twiml == ("Connect Stream",)
        await bridge.cause(report.call_sid)


async def test_the_webhooks_of_a_call_that_is_not_incoming_say_so() -> None:
    asked: list[str] = []

    async def voice(request: web.Request) -> web.Response:
        asked.append(await request.text())
        return web.Response(text=SAY, content_type="text/xml")

    app = web.Application()
    app.router.add_post("/voice", voice)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    form = {"Direction": "outbound-api", "AnsweredBy": "human"}
    url = f"http://127.0.0.1:{runner.addresses[0][1]}/voice"
    await SimulatedCall(url, [WaitForHangUp()], CallOptions(form=form, verb_speed=50)).run()
    await runner.cleanup()
    assert "Direction=outbound-api" in asked[0]
    assert "AnsweredBy=human" in asked[0]


async def test_a_redirect_needs_one_target() -> None:
    call = SimulatedCall(SAY, [])
    with pytest.raises(ValueError, match="either"):
        await call.redirect()


async def test_a_waiting_verb_is_left_at_once() -> None:
    call = SimulatedCall('<Response><Pause length="600"/></Response>', [Pause(30)])
    task = asyncio.create_task(call.run())
    await until(lambda: call.report().twiml)
    await call.redirect(twiml="<Response><Hangup/></Response>")
    report = await task
    assert report.twiml == ("Pause", "Hangup")


async def test_twiml_is_a_target_and_has_its_limit() -> None:
    short = await SimulatedCall(SAY, [WaitForHangUp()], CallOptions(verb_speed=50)).run()
    assert short.twiml == ("Say One moment.", "Hangup")
    assert short.target == "TwiML"
    long = await SimulatedCall(SAY.replace("One", "One" * 1500), [WaitForHangUp()]).run()
    assert [found.code for found in long.complaints] == [32018]


async def test_a_public_name_is_reached_here_and_signed_as_it_is() -> None:
    async with bridged() as bridge:
        options = CallOptions(auth_token=bridge.auth_token, reach=Reach("https://voice.example.com", bridge.base))
        call = SimulatedCall("https://voice.example.com/twilio/voice", [Pause(0.5)], options)
        report = await call.run()
        assert report.complaints == ()
        assert report.stream_started_ms is not None
        await bridge.cause(report.call_sid)


def test_other_names_are_reached_where_they_are() -> None:
    reach = Reach("https://voice.example.com", "http://127.0.0.1:8080")
    assert reach.local_url("https://voice.example.com/a?b=1") == "http://127.0.0.1:8080/a?b=1"
    assert reach.local_url("wss://voice.example.com/twilio") == "ws://127.0.0.1:8080/twilio"
    assert reach.local_url("https://voice.example.com:8443/a") == "https://voice.example.com:8443/a"
    assert reach.local_url("https://else.example.com/a") == "https://else.example.com/a"
