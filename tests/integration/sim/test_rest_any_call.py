"""Whatever is asked of live calls, and whatever their documents say: the REST twin answers, and every call ends."""

from __future__ import annotations

import asyncio
import random

import aiohttp
import pytest
from tests.integration.sim.office import Office
from tests.integration.sim.test_sim_any_document import answer, document
from tests.kit.raw import until

from offhook.sim.caller import HangUp, Pause, Press
from offhook.sim.plan import DialOutcome
from offhook.sim.rest.lines import Telephony
from offhook.sim.rest.server import RestOptions, RestTwin
from offhook.sim.rest.world import Account, PhoneNumber
from offhook.sim.switch import Phone

OURS, THEIRS = "+441632960001", "+14155550123"


def placed(chance: random.Random, office: Office) -> dict[str, str]:
    """Return a call to place: a document or its address, and some of what may be asked for beside it."""
    form = {"To": THEIRS, "From": OURS, "StatusCallback": f"{office.http}/status", "StatusCallbackEvent": "answered"}
    form |= chance.choice(({"Url": f"{office.http}/voice"}, {"Twiml": document(chance, office)[:3900]}))
    return form | chance.choice(
        (
            {},
            {"MachineDetection": "Enable", "AsyncAmd": "true", "AsyncAmdStatusCallback": f"{office.http}/amd"},
            {"Record": "true", "RecordingStatusCallback": f"{office.http}/recorded"},
            {"TimeLimit": "1"},
        )
    )


def asked(sid: str, chance: random.Random, office: Office) -> tuple[str, str, dict[str, str]]:
    """Return a request about a call, wherever it is by then."""
    call = f"/Calls/{sid}"
    return chance.choice(
        (
            ("POST", f"{call}.json", {"Status": "completed"}),
            ("POST", f"{call}.json", {"Twiml": document(chance, office)[:3900]}),
            ("POST", f"{call}.json", {"Url": f"{office.http}/other"}),
            ("POST", f"{call}/Streams.json", {"Url": office.ws, "Track": "both_tracks"}),
            ("POST", f"{call}/Recordings.json", {}),
            ("POST", f"{call}/Recordings/Twilio.CURRENT.json", {"Status": "paused"}),
            ("GET", f"{call}.json", {}),
            ("DELETE", f"{call}.json", {}),
            ("GET", "/Calls.json", {}),
        )
    )


@pytest.mark.parametrize("seed", range(2))
async def test_no_request_about_a_call_is_an_error_of_ours(office: Office, seed: int):
    chance = random.Random(seed)
    office.greeting_ms = 0

    class Anything(dict):  # type: ignore[type-arg]
        def get(self, path: str, _: object = None) -> object:
            return lambda _: answer(chance, office)

    office.documents = Anything()
    fields = {name: f"{office.http}/{name}" for name in ("voice_url", "voice_fallback_url", "status_callback")}
    owner = Account(calls_per_second=1e6).own(PhoneNumber(OURS, fields=dict(fields)))
    phones = {THEIRS: Phone((Pause(0.2), Press("1*"), Pause(0.2), HangUp()))}
    telephony = Telephony(phones=phones, speed=500, dial=DialOutcome("answered", 1, 1))
    login = {"Authorization": aiohttp.encode_basic_auth(owner.sid, owner.auth_token)}
    async with (
        RestTwin([owner], RestOptions(telephony=telephony)) as twin,
        aiohttp.ClientSession(f"{twin.url}/2010-04-01/Accounts/{owner.sid}/", headers=login) as session,
    ):

        async def ask(method: str, path: str, form: dict[str, str]) -> str:
            async with session.request(method, path.removeprefix("/"), data=form or None) as answered:
                assert answered.status < 500
                return (await answered.json()).get("sid", "") if answered.status in (200, 201) else ""

        async def one() -> None:
            sid = await ask("POST", "/Calls.json", placed(chance, office))
            for _ in range(4 if sid else 0):
                await ask(*asked(sid, chance, office))

        called = (twin.dial(OURS, [Pause(0.2), HangUp()]) for _ in range(5))
        await asyncio.gather(*(one() for _ in range(25)), *called)
        await until(lambda: all(call.is_over for call in owner.calls.values() if call.direction != "outbound-dial"))
