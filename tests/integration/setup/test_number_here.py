"""A number that is answered here for a while comes back, wherever the work is cut off. At Twilio's REST twin."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from offhook.carrier.account import Credentials
from offhook.carrier.attach import attach, detach, wiring_for
from offhook.carrier.client import Carrier
from offhook.carrier.saved import SavedWirings
from offhook.carrier.transport import Deadlines
from offhook.errors import CarrierError
from offhook.setup.dev.number import NumberHere, put_back, remembered
from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account, PhoneNumber

PRIVATE = "https://me:secret@old.example.com/voice?key=secret"
HERE = "https://quiet-fox.ngrok-free.app"
BEFORE = {
    "voice_url": "https://old.example.com/voice",
    "voice_method": "GET",
    "status_callback": "https://old.example.com/status",
    "voice_application_sid": "AP" + "0" * 32,
}


@asynccontextmanager
async def twin() -> AsyncIterator[tuple[RestTwin, Carrier, PhoneNumber]]:
    account = Account().own(number := PhoneNumber("+441632960001", fields=dict(BEFORE)))
    login = Credentials(account.sid, account.sid, account.auth_token)
    async with RestTwin([account]) as rest, Carrier(login, rest.url, Deadlines(10.0, 20.0)) as carrier:
        yield rest, carrier, number


def as_before(number: PhoneNumber) -> bool:
    return {name: number.get(name) or "" for name in BEFORE} == BEFORE


async def is_settled(folder: Path, carrier: Carrier, number: PhoneNumber) -> None:
    """As before, or remembered; and then the next start settles it."""
    saved = remembered(folder)
    assert as_before(number) or number.sid in saved.all()
    assert await put_back(carrier, saved, number.sid, lambda line: None)
    assert as_before(number)
    assert saved.all() == {}


async def here(carrier: Carrier, number: PhoneNumber, folder: Path) -> NumberHere:
    return NumberHere(carrier, remembered(folder), await carrier.numbers.fetch(number.sid), lambda line: None)


@pytest.mark.parametrize("at", range(6))
async def test_twilio_fails_at_any_request(tmp_path: Path, at: int):
    async with twin() as (rest, carrier, number):
        taken = await here(carrier, number, tmp_path)
        rest.options.refuse = [*([0] * at), 20500, 20500]
        try:
            await taken.take(HERE, "/twilio", {"application"})
        except CarrierError:
            assert at < 3
        await taken.put_back()
        rest.options.refuse.clear()

        await is_settled(tmp_path, carrier, number)


@pytest.mark.parametrize("after_s", [0.0, 0.02, 0.04, 0.06, 0.08, 0.1, 0.14, 0.2])
async def test_it_is_cut_off_at_any_moment(tmp_path: Path, after_s: float):
    """Ctrl-C, between any two steps or in one: whichever the moment hits, the end is the same."""
    async with twin() as (rest, carrier, number):
        taken = await here(carrier, number, tmp_path)
        rest.options.latency_s = 0.02
        try:
            async with asyncio.timeout(after_s):
                await taken.take(HERE, "/twilio", {"application"})
        except TimeoutError:
            pass
        rest.options.latency_s = 0.0

        await taken.put_back()
        await is_settled(tmp_path, carrier, number)


@pytest.mark.parametrize("after_s", [0.0, 0.01, 0.03, 0.05, 0.07])
async def test_putting_back_is_cut_off_and_done_again(tmp_path: Path, after_s: float):
    async with twin() as (rest, carrier, number):
        taken = await here(carrier, number, tmp_path)
        await taken.take(HERE, "/twilio", {"application"})
        rest.options.latency_s = 0.02
        try:
            async with asyncio.timeout(after_s):
                await taken.put_back()
        except TimeoutError:
            pass
        rest.options.latency_s = 0.0

        await taken.put_back()
        await is_settled(tmp_path, carrier, number)


async def test_a_password_in_the_old_address_is_kept_and_not_shown(tmp_path: Path):
    said: list[str] = []
    async with twin() as (_, carrier, number):
        number.fields |= {
            "voice_url": "https://me:secret@old.example.com/voice?key=secret",
            "voice_application_sid": "",
        }
        taken = NumberHere(carrier, remembered(tmp_path), await carrier.numbers.fetch(number.sid), said.append)
        await taken.take(HERE, "/twilio")
        await taken.put_back()

        assert number.get("voice_url") == PRIVATE
    assert "secret" not in " ".join(said)
    assert any("https://old.example.com/voice answers it again" in line for line in said)


async def test_what_was_there_first_survives_crash_after_crash(tmp_path: Path):
    """Three starts, each with another address, none of which ended: the first webhook is the one that comes back."""
    async with twin() as (_, carrier, number):
        for name in ("one", "two", "three"):
            taken = await here(carrier, number, tmp_path)
            await taken.take(f"https://{name}.ngrok-free.app", "/twilio", {"application"})
        assert number.get("voice_url") == "https://three.ngrok-free.app/twilio/voice"
        assert not number.get("voice_application_sid")

        await is_settled(tmp_path, carrier, number)


async def test_attached_after_a_crash_what_was_there_first_is_what_detach_puts_back(tmp_path: Path):
    """A `dev` was cut off, and nobody restored: the number goes to a server for good, then back to what it was."""
    async with twin() as (_, carrier, number):
        cut_off = await here(carrier, number, tmp_path)
        await cut_off.take(HERE, "/twilio", {"application"})
        saved = SavedWirings(tmp_path)
        now = await carrier.numbers.fetch(number.sid)
        await attach(carrier.numbers, saved, now, wiring_for("https://voice.example.com", now.wiring))

        assert await put_back(carrier, remembered(tmp_path), number.sid, lambda line: None)
        assert number.get("voice_url") == "https://voice.example.com/twilio/voice"
        await detach(carrier.numbers, saved, number.sid)
        assert as_before(number)


async def test_of_two_at_once_the_second_keeps_the_number_until_it_ends(tmp_path: Path):
    async with twin() as (_, carrier, number):
        first = await here(carrier, number, tmp_path)
        await first.take(HERE, "/twilio", {"application"})
        second = await here(carrier, number, tmp_path)
        await second.take("https://two.ngrok-free.app", "/twilio")

        await first.put_back()
        assert number.get("voice_url") == "https://two.ngrok-free.app/twilio/voice"
        await second.put_back()
        assert as_before(number)
