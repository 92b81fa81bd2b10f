"""Our REST client: who we are, what answers a number, and that nothing is taken away or lost on the way."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.integration.carrier.kit import MUTE, OURS, account, judged, login

from offhook.carrier.attach import attach, detach, wiring_for
from offhook.carrier.number import Wiring
from offhook.carrier.saved import SavedWirings
from offhook.errors import CarrierConsent, CarrierRefused, CarrierRejected, CarrierUnavailable
from offhook.sim.rest.world import ApiKey

PUBLIC = "https://voice.example.com"
OLD = {"voice_url": "https://old.example.com/voice", "voice_method": "GET", "status_callback": None}
TRUNK, APP = "TK" + "1" * 32, "AP" + "2" * 32


@pytest.mark.parametrize(("trial", "kind"), [(None, "full"), ("new", "trial"), ("legacy", "trial")])
async def test_the_account_and_its_type(vendor_contracts, trial, kind):
    async with judged(vendor_contracts, account(trial=trial)) as (carrier, _, _twin):
        found = await carrier.account()
    assert (found.type, found.is_usable) == (kind, True)


async def test_an_api_key_proves_itself_without_seeing_its_account(vendor_contracts):
    owner = account(keys=[ApiKey()])
    async with judged(vendor_contracts, owner, login(owner, owner.keys[0])) as (carrier, _, _twin):
        assert (await carrier.account()).type == "unknown"


async def test_wrong_credentials_are_a_sentence(vendor_contracts):
    owner = account()
    wrong = login(account(sid=owner.sid))
    wrong = type(wrong)(owner.sid, owner.sid, "0" * 32)
    async with judged(vendor_contracts, owner, wrong) as (carrier, _, _twin):
        with pytest.raises(CarrierRefused, match=r"auth token.*\(Twilio 20003\)"):
            await carrier.account()


async def test_numbers_are_listed_searched_and_found(vendor_contracts):
    async with judged(vendor_contracts, account()) as (carrier, proxy, _):
        every = await carrier.numbers.all()
        assert (every[0].e164, every[0].country, every[0].can_voice) == (OURS, "GB", True)
        assert [one.e164 for one in await carrier.numbers.all("29600*3")] == [MUTE]
        assert (await carrier.numbers.find("+44 1632 960001")).e164 == OURS
        assert (await carrier.numbers.find(every[0].sid)) == every[0]
        with pytest.raises(CarrierRejected, match="numbers list"):
            await carrier.numbers.find("+441632999999")
        with pytest.raises(CarrierRejected, match="20404"):
            await carrier.numbers.find("PN" + "0" * 32)
        assert set(proxy.statuses) == {200, 404}


async def test_attached_and_detached_a_number_is_as_before(vendor_contracts, tmp_path: Path):
    owner = account()
    target = owner.number(OURS)
    assert target is not None
    target.fields.update(OLD)
    saved = SavedWirings(tmp_path)
    async with judged(vendor_contracts, owner) as (carrier, _, _twin):
        number = await carrier.numbers.find(OURS)
        rewired = await attach(carrier.numbers, saved, number, wiring_for(PUBLIC, number.wiring, f"{PUBLIC}/sorry"))
        assert rewired.before.voice_url == OLD["voice_url"]
        assert (target.get("voice_url"), target.get("voice_method")) == (f"{PUBLIC}/twilio/voice", "POST")
        assert target.get("status_callback") == f"{PUBLIC}/twilio/status"
        assert target.get("voice_fallback_url") == f"{PUBLIC}/sorry"
        again = await carrier.numbers.find(OURS)
        await attach(carrier.numbers, saved, again, wiring_for("https://tunnel.example.com", again.wiring))
        assert (await detach(carrier.numbers, saved, number.sid)).after.wiring == number.wiring
    assert {name: target.get(name) for name in OLD} == OLD
    assert not target.get("voice_fallback_url")
    assert saved.all() == {}


@pytest.mark.parametrize(
    ("field", "value", "kind"), [("trunk_sid", TRUNK, "trunk"), ("voice_application_sid", APP, "application")]
)
async def test_a_trunk_or_an_application_is_not_taken_without_consent(
    vendor_contracts, tmp_path: Path, field, value, kind
):
    owner = account()
    target = owner.number(OURS)
    assert target is not None
    target.fields[field] = value
    saved = SavedWirings(tmp_path)
    async with judged(vendor_contracts, owner) as (carrier, _, twin):
        number = await carrier.numbers.find(OURS)
        wanted = wiring_for(PUBLIC, number.wiring)
        with pytest.raises(CarrierConsent, match=kind):
            await attach(carrier.numbers, saved, number, wanted)
        assert (target.get(field), saved.all()) == (value, {})
        assert {method for method, _ in twin.requests} == {"GET"}
        await attach(carrier.numbers, saved, number, wanted, (kind,))
        assert not target.get(field)
        await detach(carrier.numbers, saved, number.sid)
        assert target.get(field) == value


async def test_what_others_changed_since_is_not_overwritten_without_force(vendor_contracts, tmp_path: Path):
    owner = account()
    target = owner.number(OURS)
    assert target is not None
    saved = SavedWirings(tmp_path)
    async with judged(vendor_contracts, owner) as (carrier, _, _twin):
        number = await carrier.numbers.find(OURS)
        await attach(carrier.numbers, saved, number, wiring_for(PUBLIC, number.wiring))
        target.fields["voice_url"] = "https://theirs.example.com/voice"
        with pytest.raises(CarrierRejected, match="--force"):
            await detach(carrier.numbers, saved, number.sid)
        assert target.get("voice_url") == "https://theirs.example.com/voice"
        await detach(carrier.numbers, saved, number.sid, force=True)
    assert not target.get("voice_url")


async def test_an_attach_that_broke_off_can_be_put_back(vendor_contracts, tmp_path: Path):
    owner = account()
    target = owner.number(OURS)
    assert target is not None
    target.fields.update(OLD)
    saved = SavedWirings(tmp_path)
    async with judged(vendor_contracts, owner) as (carrier, _, twin):
        number = await carrier.numbers.find(OURS)
        for refuse in ([0, 20500], [0, 0, 20500]):  # before the change was written, and after
            twin.options.refuse = refuse
            with pytest.raises(CarrierUnavailable):
                await attach(carrier.numbers, saved, number, wiring_for(PUBLIC, number.wiring))
            await detach(carrier.numbers, saved, number.sid)
            assert {name: target.get(name) for name in OLD} == OLD


async def test_a_number_that_was_never_attached_is_told(vendor_contracts, tmp_path: Path):
    async with judged(vendor_contracts, account()) as (carrier, _, _twin):
        number = await carrier.numbers.find(OURS)
        with pytest.raises(CarrierRejected, match="not attached from this folder"):
            await detach(carrier.numbers, SavedWirings(tmp_path), number.sid)


async def test_wiring_that_is_already_right_is_not_sent_again(vendor_contracts, tmp_path: Path):
    async with judged(vendor_contracts, account()) as (carrier, _, twin):
        number = await carrier.numbers.find(OURS)
        wanted = wiring_for(PUBLIC, number.wiring)
        await carrier.numbers.wire(number.sid, wanted)
        before = len(twin.requests)
        await carrier.numbers.wire(number.sid, wanted)
        assert [method for method, _ in list(twin.requests)[before:]] == ["GET"]


async def test_twilio_refuses_half_an_address(vendor_contracts):
    async with judged(vendor_contracts, account()) as (carrier, proxy, _):
        number = await carrier.numbers.find(OURS)
        with pytest.raises(CarrierRejected, match="21405"):
            await carrier.numbers.wire(number.sid, Wiring(fallback_url="https://a.example.com/b"))
        assert proxy.statuses[-1] == 400


async def test_a_busy_twilio_is_waited_for(vendor_contracts):
    async with judged(vendor_contracts, account(), refuse=[20429, 20429]) as (carrier, proxy, _):
        assert (await carrier.account()).type == "full"
        assert proxy.statuses == [429, 429, 200]
