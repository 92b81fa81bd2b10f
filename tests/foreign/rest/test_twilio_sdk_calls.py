"""Calls of the REST twin, placed, read, changed and refused through Twilio's own Python client: no violation."""

from __future__ import annotations

import pytest
from tests.foreign.rest.kit import OURS, account, sdk
from tests.kit.raw import until
from tests.kit.rest.webhooks import webhooks

from offhook.sim.outbound import Pickup
from offhook.sim.plan import DialOutcome
from offhook.sim.rest.lines import Telephony
from offhook.sim.switch import Phone

pytestmark = pytest.mark.foreign

THEM = "+14155550123"
LONG = '<Response><Pause length="3000"/></Response>'
SHORT = "<Response><Say>Hello.</Say></Response>"


async def test_a_call_with_every_parameter_runs_to_its_end(vendor_contracts):
    async with (
        webhooks({"/voice": SHORT}) as told,
        sdk(vendor_contracts, account(), telephony=Telephony(speed=50)) as (ask, proxy, _),
    ):
        placed = await ask(
            lambda client: client.calls.create(
                to=THEM,
                from_=OURS,
                url=f"{told.url}/voice",
                method="POST",
                fallback_url=f"{told.url}/fallback",
                status_callback=f"{told.url}/status",
                status_callback_event=["initiated", "ringing", "answered", "completed"],
                timeout=25,
                time_limit=900,
                machine_detection="Enable",
                async_amd="true",
                async_amd_status_callback=f"{told.url}/amd",
            )
        )
        assert (placed.status, placed.direction, placed.queue_time) == ("queued", "outbound-api", "0")
        await told.until("/status", 4)
        ended = await ask(lambda client: client.calls(placed.sid).fetch())
        assert (ended.status, ended.to, ended._from) == ("completed", THEM, OURS)
        assert ended.start_time <= ended.end_time
        await ask(lambda client: client.calls(placed.sid).delete())
        assert await ask.refused(lambda client: client.calls(placed.sid).fetch()) == (404, 20404)
    assert proxy.violations == []


async def test_a_live_call_is_listed_redirected_and_ended(vendor_contracts):
    owner = account(calls_per_second=1000)
    async with sdk(vendor_contracts, owner, telephony=Telephony(speed=1)) as (ask, proxy, _):
        first, second = [
            await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG)) for _ in range(2)
        ]
        calls = owner.calls
        await until(lambda: {call.status for call in calls.values()} == {"in-progress"}, 30)
        live = await ask(lambda client: client.calls.list(status="in-progress", page_size=1))
        assert [one.sid for one in live] == [second.sid, first.sid]
        assert await ask(lambda client: client.calls.list(to=OURS)) == []
        await ask(lambda client: client.calls(first.sid).update(twiml="<Response><Hangup/></Response>"))
        await ask(lambda client: client.calls(second.sid).update(status="completed"))
        await until(lambda: all(call.is_over for call in calls.values()), 30)
        over = await ask.refused(lambda client: client.calls(second.sid).update(status="completed"))
        assert over == (400, 21220)
        assert await ask.refused(lambda client: client.calls(first.sid).update(twiml=LONG)) == (400, 21220)
    assert proxy.violations == []


async def test_an_update_brings_its_own_fallback_and_is_told_the_end(vendor_contracts):
    owner = account(calls_per_second=1000)
    async with (
        sdk(vendor_contracts, owner, telephony=Telephony(speed=100)) as (ask, proxy, _),
        webhooks({"/missing": "404", "/sorry": SHORT}) as told,
    ):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG))
        await until(lambda: owner.calls[placed.sid].status == "in-progress", 30)
        await ask(
            lambda client: client.calls(placed.sid).update(
                url=f"{told.url}/missing",
                fallback_url=f"{told.url}/sorry",
                status_callback=f"{told.url}/status",
            )
        )
        (sorry,) = await told.until("/sorry")
        assert (sorry["ErrorCode"], sorry["ErrorUrl"]) == ("11200", f"{told.url}/missing")
        (ended,) = await told.until("/status")
        assert ended["CallStatus"] == "completed"
    assert proxy.violations == []


async def test_detection_beside_the_call_that_nobody_is_told_of_is_a_warning(vendor_contracts):
    owner = account()
    async with sdk(vendor_contracts, owner, telephony=Telephony(speed=100)) as (ask, proxy, _):
        await ask(
            lambda client: client.calls.create(
                to=THEM, from_=OURS, twiml=SHORT, machine_detection="Enable", async_amd="true"
            )
        )
        (noted,) = await ask(lambda client: client.monitor.v1.alerts.list(log_level="warning"))
        assert noted.error_code == "21262"
    assert proxy.violations == []


async def test_a_queued_call_is_canceled(vendor_contracts):
    telephony = Telephony({THEM: Phone(pickup=Pickup(rings_s=1000))})
    owner = account()
    async with sdk(vendor_contracts, owner, telephony=telephony) as (ask, proxy, _):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG, timeout=600))
        assert await ask.refused(lambda client: client.calls(placed.sid).update(twiml=SHORT)) == (400, 21220)
        assert await ask.refused(lambda client: client.calls(placed.sid).delete()) == (400, 20001)
        await ask(lambda client: client.calls(placed.sid).update(status="canceled"))
        await until(lambda: owner.calls[placed.sid].is_over, 30)
        assert (await ask(lambda client: client.calls(placed.sid).fetch())).status == "canceled"
    assert proxy.violations == []


@pytest.mark.parametrize(
    ("changed", "code", "breaks_contract"),
    [
        ({"to": "+1"}, 21211, False),
        ({"from_": "+14155550199"}, 21210, False),
        ({"to": "+33155555555"}, 21215, False),
        ({"to": "+14155550100"}, 21216, False),
        ({"twiml": None}, 21205, False),
        ({"twiml": None, "url": "https://under_score.example.com/"}, 21205, False),
        ({"twiml": "<Response>" + " " * 4000 + "</Response>"}, 32018, False),
        ({"timeout": 601}, 21208, False),
        ({"send_digits": "1x"}, 21206, False),
        ({"status_callback": "https://under_score.example.com/"}, 21609, False),
        ({"application_sid": "AP" + "1" * 32}, 21218, False),
        ({"machine_detection": "Perhaps"}, 20001, False),
        ({"method": "PUT"}, 21209, True),
        ({"to": ""}, 21201, False),
    ],
)
async def test_calls_that_are_refused(vendor_contracts, changed, code, breaks_contract):
    owner = account(permitted=frozenset({"US", "GB"}), blocked=frozenset({"+14155550100"}))
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        order = {"to": THEM, "from_": OURS, "twiml": SHORT, **changed}
        assert await ask.refused(lambda client: client.calls.create(**order)) == (400, code)
    assert proxy.answered == []
    assert bool(proxy.asked) == breaks_contract
    assert owner.calls == {}


@pytest.mark.parametrize(
    ("to", "sender", "code"),
    [
        ("+15005550001", "+15005550006", 21217),
        ("+15005550002", "+15005550006", 21214),
        ("+15005550003", "+15005550006", 21215),
        ("+15005550004", "+15005550006", 21216),
        (THEM, "+15005550001", 21212),
        (THEM, OURS, 21210),
        (THEM, "+15005550006", None),
    ],
)
async def test_test_credentials_check_calls_and_place_none(vendor_contracts, to, sender, code):
    owner = account(is_test=True)
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        if code is None:
            placed = await ask(lambda client: client.calls.create(to=to, from_=sender, twiml=SHORT))
            assert placed.status == "queued"
        else:
            refused = await ask.refused(lambda client: client.calls.create(to=to, from_=sender, twiml=SHORT))
            assert refused == (400, code)
    assert proxy.violations == []
    assert owner.calls == {}


async def test_a_trial_account_calls_verified_numbers(vendor_contracts):
    friend = "+14155550125"
    owner = account(trial="new", verified={THEM, friend}, assigned={friend: "+441632960002"})
    async with sdk(vendor_contracts, owner, telephony=Telephony(speed=50)) as (ask, proxy, _):
        await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=SHORT))
        refused = await ask.refused(lambda client: client.calls.create(to="+14155550124", from_=OURS, twiml=SHORT))
        assert refused == (400, 21219)
        refused = await ask.refused(lambda client: client.calls.create(to=friend, from_=OURS, twiml=SHORT))
        assert refused == (400, 573002)
        assert await ask.refused(lambda client: client.incoming_phone_numbers.create(area_code="415")) == (400, 21404)
    assert proxy.violations == []


async def test_more_than_a_day_of_calls_is_refused(vendor_contracts):
    owner = account(calls_per_second=1 / 50_000)
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        for _ in range(2):
            await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG))
        refused = await ask.refused(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=LONG))
        assert refused == (429, 22005)
    assert proxy.violations == []


async def test_those_a_call_has_called_are_calls_with_a_parent(vendor_contracts):
    owner, friend = account(), "+14155550177"
    telephony = Telephony(dials={friend: DialOutcome("answered", rings_s=1, talks_s=2)}, speed=20)
    twiml = f"<Response><Dial><Number>{friend}</Number></Dial></Response>"
    async with sdk(vendor_contracts, owner, telephony=telephony) as (ask, proxy, _):
        placed = await ask(lambda client: client.calls.create(to=THEM, from_=OURS, twiml=twiml))
        await until(lambda: owner.calls[placed.sid].is_over, 30)
        (leg,) = await ask(lambda client: client.calls.list(parent_call_sid=placed.sid))
        assert (leg.direction, leg.to, leg.status) == ("outbound-dial", friend, "completed")
    assert proxy.violations == []
