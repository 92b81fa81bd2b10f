"""Calls by REST, ours and the twin's: they ring, are told, sent elsewhere and ended; the vendor's document judges."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.carrier.kit import OURS, account, judged
from tests.kit.bridge import AUTH_TOKEN, PUBLIC, bridged
from tests.kit.raw import until
from tests.kit.rest.webhooks import webhooks

from offhook.carrier.attach import attach, wiring_for
from offhook.carrier.calls import CallOrder, RemoteCall, Voicemail
from offhook.carrier.client import Carrier
from offhook.carrier.saved import SavedWirings
from offhook.errors import CarrierRejected
from offhook.sim.caller import HangUp, Pause, Say, Step, WaitForAgent, voicemail
from offhook.sim.outbound import Pickup, PickupResult
from offhook.sim.reach import Reach
from offhook.sim.rest.lines import NotReached, Telephony
from offhook.sim.rest.world import PhoneNumber
from offhook.sim.switch import Phone
from offhook.sim.tones import tone

THEM = "+14155550123"
LONG = '<Response><Pause length="3000"/></Response>'
SHORT = "<Response><Say>Hello.</Say></Response>"
QUICK = Telephony(speed=50)


def called(result: PickupResult = "answered", rings_s: float = 0.1, speed: float = 50, *steps: Step) -> Telephony:
    """Return a telephony where they do this."""
    phone = Phone(steps or (Pause(3600.0),), Pickup(result, rings_s))
    return Telephony({THEM: phone}, speed=speed)


async def over(carrier: Carrier, sid: str) -> RemoteCall:
    """Wait for the end of a call."""
    async with asyncio.timeout(30):
        while not (call := await carrier.calls.fetch(sid)).is_over:  # noqa: ASYNC110 - a fact of another program
            await asyncio.sleep(0.02)
    return call


async def live(carrier: Carrier, sid: str) -> None:
    """Wait until a call is answered."""
    async with asyncio.timeout(30):
        while (await carrier.calls.fetch(sid)).status != "in-progress":  # noqa: ASYNC110 - the same
            await asyncio.sleep(0.02)


async def test_a_call_rings_is_answered_and_told_step_by_step(vendor_contracts):
    async with (
        webhooks({"/voice": SHORT}) as told,
        judged(vendor_contracts, account(), telephony=QUICK) as (carrier, _, _twin),
    ):
        order = CallOrder(THEM, OURS, url=f"{told.url}/voice", status_url=f"{told.url}/status")
        placed = await carrier.calls.place(order)
        assert (placed.status, placed.direction, placed.sender) == ("queued", "outbound-api", OURS)
        ended = await over(carrier, placed.sid)
        assert ended.status == "completed"
        forms = await told.until("/status", 4)
        assert [form["CallStatus"] for form in forms] == ["initiated", "ringing", "in-progress", "completed"]
        assert [form["SequenceNumber"] for form in forms] == ["0", "1", "2", "3"]
        assert {form["CallbackSource"] for form in forms} == {"call-progress-events"}
        assert {"CallDuration", "Duration", "SipResponseCode"} <= forms[-1].keys()
        (asked,) = told.at("/voice")
        assert (asked["Direction"], asked["From"], asked["To"]) == ("outbound-api", OURS, THEM)
        assert (asked["CallSid"], asked["CallStatus"]) == (placed.sid, "in-progress")


@pytest.mark.parametrize("result", ["busy", "no-answer", "failed"])
async def test_a_call_that_nobody_takes(vendor_contracts, result):
    async with (
        webhooks() as told,
        judged(vendor_contracts, account(), telephony=called(result)) as (carrier, _, _twin),
    ):
        order = CallOrder(THEM, OURS, twiml=SHORT, status_url=f"{told.url}/status", status_events=["completed"])
        placed = await carrier.calls.place(order)
        assert (await over(carrier, placed.sid)).status == result
        (form,) = await told.until("/status")
        assert (form["CallStatus"], form["SequenceNumber"], form["CallDuration"]) == (result, "0", "0")


async def test_a_ringing_call_is_given_up_after_its_time(vendor_contracts):
    async with judged(vendor_contracts, account(), telephony=called(rings_s=1000)) as (carrier, _, _twin):
        placed = await carrier.calls.place(CallOrder(THEM, OURS, twiml=SHORT, rings_s=5))
        assert (await over(carrier, placed.sid)).status == "no-answer"


async def test_a_ringing_call_is_hung_up(vendor_contracts):
    async with judged(vendor_contracts, account(), telephony=called(rings_s=1000, speed=1)) as (carrier, _, _twin):
        placed = await carrier.calls.place(CallOrder(THEM, OURS, twiml=SHORT, rings_s=600))
        assert await carrier.calls.hang_up(placed.sid)
        assert (await over(carrier, placed.sid)).status == "canceled"
        assert not await carrier.calls.hang_up(placed.sid)
        assert not await carrier.calls.hang_up("CA" + "0" * 32)


async def test_a_live_call_is_sent_elsewhere_and_ended(vendor_contracts):
    async with (
        webhooks({"/long": LONG, "/other": LONG}) as told,
        judged(vendor_contracts, account(), telephony=Telephony(speed=1)) as (carrier, _, _twin),
    ):
        placed = await carrier.calls.place(CallOrder(THEM, OURS, url=f"{told.url}/long"))
        await told.until("/long")
        await live(carrier, placed.sid)
        assert [call.sid for call in await carrier.calls.live()] == [placed.sid]
        await carrier.calls.redirect(placed.sid, url=f"{told.url}/other")
        (form,) = await told.until("/other")
        assert form["CallSid"] == placed.sid
        await carrier.calls.redirect(placed.sid, twiml="<Response><Hangup/></Response>")
        assert (await over(carrier, placed.sid)).status == "completed"
        with pytest.raises(CarrierRejected, match="21220"):
            await carrier.calls.redirect(placed.sid, twiml=LONG)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("steps", "until_end", "said"),
    [
        ((Say(tone(300, 600)), Pause(60)), False, "human"),
        (voicemail(tone(300, 2600)), False, "machine_start"),
        (voicemail(tone(300, 2600)), True, "machine_end_beep"),
    ],
)
async def test_who_answered_is_told_beside_the_call(vendor_contracts, steps, until_end, said):
    async with (
        webhooks({"/voice": LONG}) as told,
        judged(vendor_contracts, account(), telephony=called("answered", 0.1, 1, *steps)) as (carrier, _, _twin),
    ):
        voicemail = Voicemail(f"{told.url}/amd", until_message_end=until_end)
        placed = await carrier.calls.place(CallOrder(THEM, OURS, url=f"{told.url}/voice", voicemail=voicemail))
        (form,) = await told.until("/amd")
        assert (form["AnsweredBy"], form["CallSid"]) == (said, placed.sid)
        assert form["MachineDetectionDuration"].isdigit()
        assert "AnsweredBy" not in told.at("/voice")[0]
        assert (await carrier.calls.fetch(placed.sid)).answered_by == said
        await carrier.calls.hang_up(placed.sid)


async def test_an_account_dials_one_call_a_second_and_says_how_long_the_others_wait(vendor_contracts):
    owner = account(calls_per_second=0.01)
    async with judged(vendor_contracts, owner, telephony=Telephony(speed=1)) as (carrier, _, _twin):
        waits = [(await carrier.calls.place(CallOrder(THEM, OURS, twiml=SHORT))).queue_ms for _ in range(3)]
        assert waits[0] == 0
        assert 0 < waits[1] <= 100_000 < waits[2] <= 200_000


async def test_more_calls_at_once_than_allowed_fail_and_are_noted(vendor_contracts):
    owner = account(calls_at_once=1, calls_per_second=1000)
    async with judged(vendor_contracts, owner, telephony=Telephony(speed=1)) as (carrier, _, _twin):
        first = await carrier.calls.place(CallOrder(THEM, OURS, twiml=LONG))
        await live(carrier, first.sid)
        second = await carrier.calls.place(CallOrder(THEM, OURS, twiml=LONG))
        assert (await over(carrier, second.sid)).status == "failed"
        noted = await carrier.alerts(datetime.now(UTC) - timedelta(hours=1))
        assert [(alert.code, alert.sid) for alert in noted] == [(10004, second.sid)]


async def test_what_a_webhook_does_wrong_stands_in_the_debugger(vendor_contracts):
    async with (
        webhooks({"/broken": "500"}) as told,
        judged(vendor_contracts, account(), telephony=QUICK) as (carrier, _, _twin),
    ):
        placed = await carrier.calls.place(CallOrder(THEM, OURS, url=f"{told.url}/broken?token=secret"))
        await over(carrier, placed.sid)
        (noted,) = await carrier.alerts(datetime.now(UTC) - timedelta(hours=1))
        assert (noted.code, noted.sid, noted.url) == (11200, placed.sid, f"{told.url}/broken")


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"to": "12"}, 21211),
        ({"sender": "12"}, 21212),
        ({"sender": "+14155550199"}, 21210),
        ({"to": "+33155555555"}, 21215),
        ({"to": "+14155550100"}, 21216),
        ({"url": "https://under_score.example.com/", "twiml": None}, 21205),
    ],
)
async def test_calls_that_twilio_does_not_place(vendor_contracts, order, code):
    owner = account(permitted=frozenset({"US", "GB"}), blocked=frozenset({"+14155550100"}))
    async with judged_loosely(vendor_contracts, owner) as carrier:
        with pytest.raises(CarrierRejected) as refused:
            await carrier.calls.place(CallOrder(**{"to": THEM, "sender": OURS, "twiml": SHORT, **order}))
        assert refused.value.code == code


def judged_loosely(vendor_contracts: Any, owner: Any) -> Any:
    """Ask the twin without a judge: what is asked here is wrong on purpose."""
    from contextlib import asynccontextmanager

    from tests.integration.carrier.kit import PATIENT, login

    from offhook.sim.rest.server import RestTwin

    @asynccontextmanager
    async def asked() -> Any:
        async with RestTwin([owner]) as twin, Carrier(login(owner), twin.url, PATIENT) as carrier:
            yield carrier

    return asked()


async def test_a_trial_calls_and_is_called_by_verified_numbers_only(vendor_contracts):
    owner = account(trial="new")
    number = owner.number(OURS)
    assert number is not None
    async with webhooks({"/voice": SHORT}) as told:
        number.fields["voice_url"] = f"{told.url}/voice"
        async with judged(vendor_contracts, owner, telephony=QUICK) as (carrier, _, twin):
            with pytest.raises(CarrierRejected, match="21219"):
                await carrier.calls.place(CallOrder(THEM, OURS, twiml=SHORT))
            with pytest.raises(NotReached, match="verified"):
                await twin.dial(OURS, [HangUp()], THEM)
            assert [alert.code for alert in await carrier.alerts(datetime.now(UTC) - timedelta(hours=1))] == [21264]
            owner.verified.add(THEM)
            await twin.dial(OURS, [Pause(0.05), HangUp()], THEM)
        assert len(told.at("/voice")) == 1


async def test_a_new_trial_takes_the_stream_out_of_the_answer(vendor_contracts, tmp_path):
    owner = account(trial="new", verified={THEM})
    owner.auth_token = AUTH_TOKEN
    async with bridged() as bridge:
        telephony = Telephony(reach=Reach(PUBLIC, bridge.base), speed=50)
        async with judged(vendor_contracts, owner, telephony=telephony) as (carrier, _, twin):
            number = await carrier.numbers.find(OURS)
            await attach(carrier.numbers, SavedWirings(tmp_path), number, wiring_for(PUBLIC, number.wiring))
            report = await twin.dial(OURS, [Pause(5), HangUp()], THEM)
            assert report.stream_started_ms is None
            assert any("trial" in verb for verb in report.twiml)


async def test_a_caller_is_led_to_our_server_once_the_number_is_attached(vendor_contracts, tmp_path):
    owner = account()
    owner.auth_token = AUTH_TOKEN
    async with bridged() as bridge:
        telephony = Telephony(reach=Reach(PUBLIC, bridge.base))
        async with judged(vendor_contracts, owner, telephony=telephony) as (carrier, _, twin):
            number = await carrier.numbers.find(OURS)
            await attach(carrier.numbers, SavedWirings(tmp_path), number, wiring_for(PUBLIC, number.wiring))
            report = await twin.dial(OURS, [WaitForAgent(), HangUp()])
            assert report.complaints == ()
            assert report.first_heard_ms is not None
            assert (await carrier.calls.fetch(report.call_sid)).status == "completed"
            await bridge.cause(report.call_sid)


async def test_our_server_is_called_by_rest_and_the_live_stream_is_sent_elsewhere(vendor_contracts):
    owner = account()
    owner.auth_token = AUTH_TOKEN
    async with bridged() as bridge:
        telephony = Telephony(reach=Reach(PUBLIC, bridge.base), speed=20)
        async with judged(vendor_contracts, owner, telephony=telephony) as (carrier, _, twin):
            order = CallOrder(THEM, OURS, url=f"{PUBLIC}/twilio/voice", status_url=f"{PUBLIC}/twilio/status")
            placed = await carrier.calls.place(order)
            await until(lambda: bridge.events("call_started", placed.sid), 30)
            await carrier.calls.redirect(placed.sid, twiml=SHORT)
            assert (await over(carrier, placed.sid)).status == "completed"
            await bridge.cause(placed.sid)
            assert twin.world.accounts[owner.sid].alerts == []


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({}, "no voice URL"),
        ({"trunk_sid": "TK" + "1" * 32}, "SIP trunk"),
        ({"voice_application_sid": "AP" + "1" * 32}, "application"),
    ],
)
async def test_a_number_that_nothing_answers(vendor_contracts, fields, why):
    owner = account()
    owner.own(PhoneNumber("+441632960009", fields=dict(fields)))
    async with judged(vendor_contracts, owner) as (_, _proxy, twin):
        with pytest.raises(NotReached, match=why):
            await twin.dial("+441632960009", [HangUp()])
        with pytest.raises(NotReached, match="no account"):
            await twin.dial("+441632999999", [HangUp()])


def test_an_order_needs_one_instruction():
    with pytest.raises(ValueError, match="either"):
        CallOrder(THEM, OURS)
    with pytest.raises(ValueError, match="either"):
        CallOrder(THEM, OURS, url="https://a.example.com", twiml=SHORT)
    with pytest.raises(CarrierRejected, match="32018"):
        CallOrder(THEM, OURS, twiml=SHORT * 200)
