"""The owner's own call, watched: heard, or the step that failed is named. A real server, Twilio's twin, no wizard."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp
import pytest
from tests.kit.bridge import AUTH_TOKEN, bridged
from tests.kit.ports import free_port

from offhook.carrier.attach import wiring_for
from offhook.carrier.client import Carrier
from offhook.carrier.number import Wiring
from offhook.config.load import load
from offhook.errors import SetupError
from offhook.offline.faults import At, Faults, Gap
from offhook.setup.wizard.real_call import Watching
from offhook.setup.wizard.watch import STEPS, Watch
from offhook.sim.caller import HangUp, Pause, Step, WaitForAgent, WaitForHangUp
from offhook.sim.rest.server import RestTwin
from offhook.sim.rest.world import Account, ApiKey, PhoneNumber

pytestmark = pytest.mark.slow

NUMBER = "+441632960001"
LISTENS = (WaitForAgent(quiet_ms=300, timeout_s=20, longest_s=20), HangUp())


@dataclass(slots=True)
class Scene:
    """A number that is wired to a server, and somebody who watches."""

    twin: RestTwin
    number: PhoneNumber
    watching: Watching
    said: list[str] = field(default_factory=list)

    async def watched(self, *steps: Step, within_s: float = 60.0) -> str:
        """Call the number and watch that call."""
        await self.watching.begin()
        async with asyncio.TaskGroup() as group:
            watched = group.create_task(self._until_heard(within_s))
            call = group.create_task(self.twin.dial(NUMBER, steps)) if steps else None
            outcome = await watched
            if call is not None:
                call.cancel()
        if isinstance(outcome, SetupError):
            raise outcome
        return outcome

    async def _until_heard(self, within_s: float) -> str | SetupError:
        try:
            return await self.watching.until_heard(within_s)
        except SetupError as error:
            return error


@asynccontextmanager
async def scene(
    *, is_up: bool = True, trial: Any = None, permissions: Sequence[str] = (), **options: Any
) -> AsyncIterator[Scene]:
    """Start a server with this agent; ``is_up`` False: the number leads to a server that is gone."""
    port = free_port()
    url = f"http://127.0.0.1:{port if is_up else free_port()}"
    account = Account(auth_token=AUTH_TOKEN, trial=trial).own(number := PhoneNumber(NUMBER))
    key = ApiKey(kind="restricted", permissions=frozenset(permissions))
    account.keys.append(key)
    as_key = {"TWILIO_API_KEY": key.sid, "TWILIO_API_SECRET": key.secret} if permissions else {}
    if trial:
        account.verified.add("+14155550123")
    wanted = wiring_for(url, Wiring())
    number.fields |= {"voice_url": wanted.voice_url, "status_callback": wanted.status_url}
    served = {"TWILIO_ACCOUNT_SID": account.sid, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": url}
    async with RestTwin([account]) as twin, bridged(PORT=str(port), **served, **options):
        settings = load(environ={**served, **as_key, "TWILIO_API_URL": twin.url}).settings
        async with aiohttp.ClientSession() as session, Carrier.of(settings) as carrier:
            found = await carrier.numbers.fetch(number.sid)
            it = Scene(twin, number, Watching(Watch.of(session, url, settings), carrier, found, "/twilio", print))
            it.watching.say, it.watching.look_s, it.watching.ask_twilio_s = it.said.append, 0.05, 0.5
            it.watching.grace_s = 0.3
            yield it


async def test_a_greeting_that_was_heard():
    async with scene() as it:
        await it.watched(*LISTENS)
    assert [line.partition(" s  ")[2] for line in it.said] == list(STEPS.values())


async def test_an_agent_that_refuses_the_key():
    async with scene(faults=Faults(refuse=401)) as it:
        with pytest.raises(SetupError, match="Deepgram's agent was not ready") as failed:
            await it.watched(WaitForHangUp(timeout_s=30))
    assert "401" in str(failed.value) or "refus" in str(failed.value), failed.value


async def test_a_trial_account_whose_stream_is_taken_out():
    async with scene(trial="new") as it:
        with pytest.raises(SetupError, match="before Twilio opened its media stream") as failed:
            await it.watched(WaitForHangUp(timeout_s=30))
    assert "upgrade it" in failed.value.fix


async def test_a_server_that_is_gone_is_named_by_twilio():
    async with scene(is_up=False) as it:
        with pytest.raises(SetupError, match="11205"):
            await it.watched(WaitForHangUp(timeout_s=30))


MAY_LIST = (*(f"/twilio/phone-numbers/incoming/{may}" for may in ("list", "read")), "/twilio/voice/calls/list")


async def test_a_call_that_twilio_has_and_the_server_has_not():
    """Its alert comes minutes later, or this API key may not read it: the call itself is enough."""
    async with scene(is_up=False, permissions=MAY_LIST) as it:
        with pytest.raises(SetupError, match="of which the server knows nothing"):
            await it.watched(HangUp())


async def test_a_call_of_before_that_another_replica_tells_of_only_now():
    async with scene() as it:
        await it.watching.begin()
        nowhere = f"http://127.0.0.1:{free_port()}/twilio/watch"
        url, it.watching.watch = it.watching.watch, replace(it.watching.watch, url=nowhere)
        await it.twin.dial(NUMBER, LISTENS)
        await it.watching.begin()
        it.watching.watch = url
        with pytest.raises(SetupError, match="no call reached"):
            await it.watching.until_heard(1.0)


async def test_a_number_that_somebody_has_changed():
    async with scene() as it:
        it.number.fields["voice_url"] = "https://other.example.com/voice"
        with pytest.raises(SetupError, match="somebody has changed"):
            await it.watched()


async def test_nobody_calls():
    async with scene() as it:
        with pytest.raises(SetupError, match="no call reached"):
            await it.watched(within_s=1.2)


HUSHED = Faults(at=((At("SettingsApplied"), Gap(2.0)),))
HASTY = (Pause(0.4), HangUp())


async def test_whoever_hangs_up_early_may_call_again():
    async with scene(faults=HUSHED) as it:
        await it.watching.begin()
        waiting = asyncio.create_task(it.watching.until_heard(60))
        await it.twin.dial(NUMBER, HASTY)
        await it.twin.dial(NUMBER, LISTENS)
        await waiting
        assert [line for line in it.said if "call again" in line]


async def test_whoever_hangs_up_every_time_is_told_what_was_missing():
    async with scene(faults=HUSHED) as it:
        await it.watching.begin()
        waiting = asyncio.create_task(it.watching.until_heard(60))
        for _ in range(3):
            await it.twin.dial(NUMBER, HASTY)
        # how far a call gets in 0.4 s is the machine's affair
        with pytest.raises(SetupError, match=r"did not speak|was not ready"):
            await waiting
