"""Watches the owner's own call until the greeting was heard, or names the step that failed. Places no call itself."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from offhook.carrier.alerts import Alert
from offhook.carrier.attach import wiring_for
from offhook.carrier.calls import RemoteCall
from offhook.carrier.client import Carrier
from offhook.carrier.number import Number
from offhook.errors import CarrierError, SetupError
from offhook.setup.doctor.checks import debugger
from offhook.setup.wizard.ports import Say
from offhook.setup.wizard.watch import STEPS, Seen, Watch

LOOK_S: Final = 0.5
#: How often Twilio is asked whether it knows of a failed call, while the server has seen none.
ASK_TWILIO_S: Final = 10.0
REMIND_S: Final = 60.0
#: A call that failed may have been heard at another replica, which answers one of the next looks.
GRACE_S: Final = 3.0
#: How often somebody may hang up before the greeting until that is taken for dead air.
EARLY: Final = 2
_AGAIN: Final = "`offhook setup` goes on here, and `offhook doctor` looks at every link"


@dataclass(slots=True)
class Watching:
    """One wait for a call. What was there before it began does not count."""

    watch: Watch
    carrier: Carrier
    number: Number
    root: str
    say: Say
    look_s: float = LOOK_S
    ask_twilio_s: float = ASK_TWILIO_S
    grace_s: float = GRACE_S
    _old: set[str] = field(default_factory=set)
    _old_at_twilio: set[str] = field(default_factory=set)
    _missed: set[str] = field(default_factory=set)
    _old_alerts: set[Alert] = field(default_factory=set)
    _told: set[tuple[str, str]] = field(default_factory=set)
    _early: int = 0
    _failed: dict[str, tuple[float, SetupError]] = field(default_factory=dict)
    _began_s: float = 0.0
    _begin: datetime = field(default_factory=lambda: datetime.now(UTC))

    async def begin(self) -> None:
        """Note what is there already. Raises SetupError where the server cannot be watched."""
        self._began_s = asyncio.get_running_loop().time()
        self._old = {seen.call for seen in await self.watch.look() or ()}
        self._old_alerts = set(await self._alerts())
        self._old_at_twilio = {call.sid for call in await self._calls()}

    async def until_heard(self, within_s: float) -> str:
        """Return the call whose greeting was heard. Raises SetupError that names the failed step."""
        loop = asyncio.get_running_loop()
        deadline, ask_at = loop.time() + within_s, loop.time() + self.ask_twilio_s
        remind_at = loop.time() + REMIND_S
        while loop.time() < deadline:
            for seen in await self.watch.look() or ():
                if self._is_new(seen) and self._is_heard(seen):
                    return seen.call
            for since, failed in self._failed.values():
                if loop.time() - since >= self.grace_s:
                    raise failed
            if not self._told and loop.time() >= ask_at:
                await self._ask_twilio()
                ask_at = loop.time() + self.ask_twilio_s
            if not self._told and loop.time() >= remind_at:
                self.say(f"still waiting for your call to {self.number.e164}; Ctrl-C stops, and nothing is lost")
                remind_at = loop.time() + REMIND_S
            await asyncio.sleep(self.look_s)
        if self._told:
            raise SetupError("a call came, but its greeting was not heard in time", _AGAIN)
        raise SetupError(
            f"no call reached Twilio or the server within {within_s / 60:.0f} minutes",
            f"call {self.number.e164} from a phone; {_AGAIN}",
        )

    def _is_new(self, seen: Seen) -> bool:
        """Whether it began while we watch: one of several replicas may only now tell of a call of before."""
        return seen.call not in self._old and seen.age_s < asyncio.get_running_loop().time() - self._began_s

    def _is_heard(self, seen: Seen) -> bool:
        """Tell the new steps of a call, note it where it failed, and say whether its greeting was heard."""
        for name in STEPS:
            if name in seen.steps and (seen.call, name) not in self._told:
                self._told.add((seen.call, name))
                self.say(f"{seen.steps[name]:5.1f} s  {STEPS[name]}")
        if "heard" in seen.steps:
            return True
        if not seen.ended:
            return False
        if seen.reason != "caller_hung_up" or "stream" not in seen.steps or self._early >= EARLY:
            self._failed.setdefault(seen.call, (asyncio.get_running_loop().time(), _failed(seen)))
            return False
        self._early += 1
        self._old.add(seen.call)
        self.say("you hung up before the greeting was heard: please call again, and wait for it")
        return False

    async def _ask_twilio(self) -> None:
        """The server has seen nothing: what has Twilio seen? Raises SetupError where it knows of a failure."""
        try:
            number = await self.carrier.numbers.fetch(self.number.sid)
            new = [alert for alert in await self._alerts() if alert not in self._old_alerts]
        except CarrierError:
            return
        wanted = wiring_for(self.watch.url.removesuffix(f"{self.root}/watch"), number.wiring, root=self.root)
        if number.wiring.voice_url != wanted.voice_url or number.wiring.overridden_by:
            raise SetupError("somebody has changed what answers the number meanwhile", "run `offhook setup` again")
        for finding in debugger.judge(new):
            if finding.verdict == "warn":
                raise SetupError(f"Twilio's debugger says {finding.found}", finding.fix)
        over = {call.sid: call.status for call in await self._calls() if call.is_over}
        lost = [status for sid, status in over.items() if sid in self._missed]
        if lost:
            raise SetupError(
                f"Twilio has had a call to the number ({lost[0]}) of which the server knows nothing",
                "the debugger in the Twilio console says why, within minutes; so does `offhook doctor`",
            )
        self._missed = set(over) - self._old_at_twilio  # told only if the server has not seen it next time either

    async def _calls(self) -> list[RemoteCall]:
        try:
            return await self.carrier.calls.to(self.number.e164)
        except CarrierError:
            return []  # not every API key may list them

    async def _alerts(self) -> list[Alert]:
        try:
            return await self.carrier.alerts(self._begin - timedelta(hours=1))
        except CarrierError:
            return []  # not every API key may read them


def _failed(seen: Seen) -> SetupError:
    """Name the step at which a call failed: the first that it did not take."""
    missing = next((name for name in STEPS if name not in seen.steps), "heard")
    why = f" ({seen.ended})"
    match missing:
        case "webhook" | "stream":
            return SetupError(
                f"the call ended before Twilio opened its media stream{why}",
                f"is it a trial account? Twilio takes the stream out of its calls: upgrade it; else {_AGAIN}",
            )
        case "agent":
            return SetupError(
                f"the call came, but Deepgram's agent was not ready before it ended{why}",
                f"stay on the line for some seconds; {_AGAIN}",
            )
        case "greeting":
            return SetupError(
                f"the agent was ready but did not speak before the call ended{why}",
                f"has agent.greeting any words in offhook.toml, and is agent.speak.model right? {_AGAIN}",
            )
        case _:
            return SetupError(f"the greeting was sent, but the caller did not hear it{why}", _AGAIN)
