"""Accounts, numbers, messages and alerts of the REST twin, asked by Twilio's own Python client: no violation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tests.foreign.rest.kit import OTHER, OURS, TOKEN, account, sdk
from tests.kit.raw import until
from twilio.base.exceptions import TwilioRestException

from offhook.sim.complaints import complaint
from offhook.sim.rest import alerts
from offhook.sim.rest.world import Account, ApiKey, PhoneNumber

pytestmark = pytest.mark.foreign

SUB = "AC" + "2" * 32


async def test_accounts(vendor_contracts):
    async with sdk(vendor_contracts, account()) as (ask, proxy, _):
        found = await ask(lambda client: client.api.accounts(client.account_sid).fetch())
        assert (found.type, found.status) == ("Full", "active")
        assert [one.sid for one in await ask(lambda client: client.api.accounts.list())] == [found.sid]
    assert proxy.violations == []


async def test_a_number_is_listed_read_and_wired(vendor_contracts):
    async with sdk(vendor_contracts, account()) as (ask, proxy, _):
        (number,) = await ask(lambda client: client.incoming_phone_numbers.list(phone_number=OURS))
        assert number.capabilities == {"fax": False, "mms": True, "sms": True, "voice": True}
        await ask(
            lambda client: client.incoming_phone_numbers(number.sid).update(
                voice_url="https://voice.example.com/twilio/voice",
                voice_method="POST",
                voice_fallback_url="https://static.example.net/sorry.xml",
                status_callback="https://voice.example.com/twilio/status",
            )
        )
        again = await ask(lambda client: client.incoming_phone_numbers(number.sid).fetch())
        assert again.voice_url == "https://voice.example.com/twilio/voice"
        assert again.voice_fallback_url == "https://static.example.net/sorry.xml"
        await ask(lambda client: client.incoming_phone_numbers(number.sid).update(friendly_name="Reception"))
        kept = await ask(lambda client: client.incoming_phone_numbers(number.sid).fetch())
        assert (kept.friendly_name, kept.voice_url) == ("Reception", again.voice_url)
    assert proxy.violations == []


async def test_a_trunk_and_an_application_take_each_other_away(vendor_contracts):
    async with sdk(vendor_contracts, account()) as (ask, proxy, _):
        (number,) = await ask(lambda client: client.incoming_phone_numbers.list(phone_number=OURS))
        trunk, app = "TK" + "1" * 32, "AP" + "2" * 32
        await ask(lambda client: client.incoming_phone_numbers(number.sid).update(trunk_sid=trunk))
        await ask(lambda client: client.incoming_phone_numbers(number.sid).update(voice_application_sid=app))
        found = await ask(lambda client: client.incoming_phone_numbers(number.sid).fetch())
        assert (found.trunk_sid, found.voice_application_sid) == (None, app)
    assert proxy.violations == []


async def test_refusals_of_a_number(vendor_contracts):
    async with sdk(vendor_contracts, account()) as (ask, proxy, _):
        (number,) = await ask(lambda client: client.incoming_phone_numbers.list(phone_number=OURS))

        async def refused(**fields: Any) -> tuple[int, int | None]:
            return await ask.refused(lambda client: client.incoming_phone_numbers(number.sid).update(**fields))

        assert await refused(voice_url="/twilio/voice") == (400, 21402)
        assert await refused(voice_fallback_url="https://a.example.com/b") == (400, 21405)
        assert await ask.refused(lambda client: client.incoming_phone_numbers("PN" + "0" * 32).fetch()) == (404, 20404)
    assert proxy.violations == []


async def test_pages_follow_each_other_to_the_last_entry_and_back(vendor_contracts):
    owner = account()
    owner.own(*(PhoneNumber(f"+4416329600{index:02}") for index in range(10, 97)))
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        found = await ask(lambda client: client.incoming_phone_numbers.list(page_size=7))
        assert [one.sid for one in found] == list(owner.numbers)
        first = await ask(lambda client: client.incoming_phone_numbers.page(page_size=40))
        sids = [one.sid for one in first]
        second = await ask(lambda _: first.next_page())
        assert len(list(second)) == 40
        back = await ask(lambda _: second.previous_page())
        assert [one.sid for one in back] == sids
        third = await ask(lambda _: second.next_page())
        assert len(list(third)) == 10
        assert third.next_page_url is None
    assert proxy.violations == []
    assert proxy.seen["GET /2010-04-01/Accounts/{AccountSid}/IncomingPhoneNumbers.json"] >= 14


@pytest.mark.parametrize(
    ("login", "refusal"),
    [
        (("AC" + "0" * 31 + "1", "0" * 32), (401, 20003)),
        (("AC" + "9" * 32, TOKEN), (401, 20003)),
        (("SK" + "1" * 32, "wrong"), (401, 20003)),
    ],
)
async def test_wrong_credentials(vendor_contracts, login, refusal):
    owner = account(keys=[ApiKey("SK" + "1" * 32, "Right1")])
    async with sdk(vendor_contracts, owner, login) as (ask, proxy, _):
        assert await ask.refused(lambda client: client.api.accounts(owner.sid).fetch()) == refusal
    assert proxy.violations == []


async def test_what_api_keys_may(vendor_contracts):
    standard, main = ApiKey("SK" + "1" * 32, "One1"), ApiKey("SK" + "2" * 32, "Two2", kind="main")
    restricted = ApiKey("SK" + "3" * 32, "Three3", "restricted", frozenset({"/twilio/phone-numbers/incoming/list"}))
    owner = account(keys=[standard, main, restricted])
    outcomes = {}
    for key in owner.keys:
        async with sdk(vendor_contracts, owner, (key.sid, key.secret)) as (ask, proxy, _):
            numbers = await ask(lambda client: client.incoming_phone_numbers.list())
            assert len(numbers) == 3
            try:
                await ask(lambda client: client.api.accounts(owner.sid).fetch())
                outcomes[key.kind] = 200
            except TwilioRestException as refusal:
                outcomes[key.kind] = refusal.status
        assert proxy.violations == []
    assert outcomes == {"standard": 401, "main": 200, "restricted": 401}


async def test_a_suspended_account_and_a_busy_api(vendor_contracts):
    async with sdk(vendor_contracts, account(), refuse=[20429, 20500]) as (ask, proxy, twin):
        for refusal in ((429, 20429), (500, 20500)):
            assert await ask.refused(lambda client: client.api.accounts(client.account_sid).fetch()) == refusal
        twin.world.accounts[ask.client.account_sid].status = "suspended"
        assert await ask.refused(lambda client: client.api.accounts(client.account_sid).fetch()) == (403, 20005)
    assert proxy.violations == []


async def test_subaccounts_are_listed_with_their_owner(vendor_contracts):
    owner = account()
    async with sdk(vendor_contracts, owner) as (ask, proxy, twin):
        twin.world.accounts[SUB] = Account(SUB, "2" * 32, friendly_name="Branch", owner_sid=owner.sid)
        found = await ask(lambda client: client.api.accounts.list())
        assert [one.sid for one in found] == [owner.sid, SUB]
        assert [one.sid for one in await ask(lambda client: client.api.accounts.list(friendly_name="Branch"))] == [SUB]
    assert proxy.violations == []


async def test_lists_are_filtered_by_day(vendor_contracts):
    owner, day = account(), timedelta(days=1)
    alerts.note(owner, complaint(11200, "told"), "CA" + "1" * 32, "")
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        sent = await ask(lambda client: client.messages.create(to="+14155550123", from_=OURS, body="x"))
        await until(lambda: owner.messages[sent.sid].sent is not None, 10)
        today = owner.messages[sent.sid].sent
        for after, found in ((today - day, 1), (today + day, 0)):
            listed = await ask(lambda client, after=after: client.messages.list(date_sent_after=after))
            noted = await ask(
                lambda client, after=after: client.api.account.notifications.list(message_date_after=after.date())
            )
            taped = await ask(lambda client, after=after: client.recordings.list(date_created_after=after))
            assert (len(listed), len(noted), len(taped)) == (found, found, 0)
    assert proxy.violations == []


async def test_messages(vendor_contracts):
    async with sdk(vendor_contracts, account()) as (ask, proxy, _):
        sent = await ask(lambda client: client.messages.create(to="+14155550123", from_=OURS, body="Hello " * 50))
        assert (sent.status, sent.num_segments) == ("queued", "2")
        found = await ask(lambda client: client.messages(sent.sid).fetch())
        assert found.body == "Hello " * 50
        assert [one.sid for one in await ask(lambda client: client.messages.list(from_=OURS))] == [sent.sid]
        refusals = {
            21211: {"to": "12", "from_": OURS, "body": "x"},
            21602: {"to": "+14155550123", "from_": OURS},
            21603: {"to": "+14155550123", "body": "x"},
            21606: {"to": "+14155550123", "from_": OTHER, "body": "x"},
        }
        for code, parameters in refusals.items():
            assert await ask.refused(lambda client, p=parameters: client.messages.create(**p)) == (400, code)
    assert proxy.violations == []


async def test_alerts_and_notifications(vendor_contracts):
    owner = account()
    for code in (11200, 31920, 12200):
        alerts.note(owner, complaint(code, "told"), "CA" + "1" * 32, "https://voice.example.com/twilio/voice")
    alerts.note(owner, complaint(-1), "CA" + "1" * 32, "")
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        found = await ask(lambda client: client.monitor.v1.alerts.list(page_size=2))
        assert sorted(int(one.error_code) for one in found) == [11200, 12200, 31920]
        errors = await ask(lambda client: client.monitor.v1.alerts.list(log_level="error"))
        assert {one.log_level for one in errors} == {"error"}
        one = await ask(lambda client: client.monitor.v1.alerts(found[0].sid).fetch())
        assert one.sid == found[0].sid
        assert len(await ask(lambda client: client.api.account.notifications.list())) == 3
        same = await ask(lambda client: client.api.account.notifications(one.sid).fetch())
        assert (same.sid, same.error_code) == (one.sid, one.error_code)
        call = "CA" + "1" * 32
        assert (await ask(lambda client: client.calls(call).notifications(one.sid).fetch())).call_sid == call
    assert proxy.violations == []


async def test_test_credentials_check_and_do_nothing(vendor_contracts):
    owner = account(is_test=True)
    async with sdk(vendor_contracts, owner) as (ask, proxy, _):
        assert await ask.refused(lambda client: client.api.accounts(owner.sid).fetch()) == (403, 20008)
        buy = await ask(lambda client: client.incoming_phone_numbers.create(phone_number="+15005550006"))
        assert buy.phone_number == "+15005550006"
        for number, code in (("+15005550000", 21422), ("+15005550001", 21421)):
            assert await ask.refused(
                lambda client, number=number: client.incoming_phone_numbers.create(phone_number=number)
            ) == (400, code)
    assert proxy.violations == []
