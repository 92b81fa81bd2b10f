"""The live calls of this process: admit, find, count, drain. Owns every `CallRunner`; knows no HTTP and no TwiML."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from collections import OrderedDict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from offhook.call.actions import CallRecord
from offhook.call.hangup import CALLER_HUNG_UP, DRAINED, SUPERSEDED, HangupCause
from offhook.call.ports import AgentSource, CallFacts, CallObserver, Functions, Phrases
from offhook.call.progress import Progress, progress_of
from offhook.call.session import CallSession
from offhook.config.settings import Settings
from offhook.errors import AgentError, BadStreamToken, CallerProtocolError, OffhookError
from offhook.run.admission import Admission
from offhook.run.agent_leg import AgentDialler
from offhook.run.call_runner import CallRunner
from offhook.run.caller_leg import CallerLeg
from offhook.wire import signature, twilio
from offhook.wire.twilio import AccountSid, CallSid

_REMEMBERED: Final = 10_000
_REENTRY_S: Final = 0.5
_WATCHED: Final = 20
_Value = TypeVar("_Value")


@dataclass(frozen=True, slots=True)
class Ticket:
    """What a call that was admitted needs to reach us: the per-call path segment and the one-time token."""

    nonce: str
    token: str


class Switchboard:
    """Finds the call of every webhook and every stream. Implements `Reception` for caller legs."""

    def __init__(
        self,
        settings: Settings,
        dialler: AgentDialler,
        agents: AgentSource,
        functions: Functions,
        observer: CallObserver,
        phrases: Phrases,
    ) -> None:
        self.admission = Admission(settings.calls, settings.limits)
        self.settings, self._dialler, self._agents = settings, dialler, agents
        self.sockets = dialler.sockets
        self._functions, self._observer, self._phrases = functions, observer, phrases
        self._live: dict[CallSid, CallRunner] = {}
        self._unfinished: set[CallRunner] = set()
        self._tickets: OrderedDict[CallSid, Ticket] = OrderedDict()
        self._used: OrderedDict[str, None] = OrderedDict()
        self._outcomes: OrderedDict[str, HangupCause] = OrderedDict()
        self._over: deque[Progress] = deque(maxlen=_WATCHED)
        tokens = settings.twilio.auth_tokens
        self._token_keys = [signature.token_key(token) for token in tokens] or [secrets.token_bytes(32)]
        self._now = asyncio.get_running_loop().time
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def live(self) -> int:
        """How many calls are admitted or streaming."""
        return len(self._unfinished)

    def busy_reason(self) -> str:
        """Say why a call would be refused now, or nothing."""
        return self.admission.refuse_reason(self.live, self._now())

    def adopt(self, settings: Settings) -> None:
        """Take new agents and rules for the calls that begin from now on. Live calls keep theirs."""
        self.settings = settings
        self._agents.adopt(settings)

    async def admit(self, facts: CallFacts) -> Ticket:
        """Admit a call at its webhook and dial the agent ahead. A webhook that comes again gets the same ticket (H3).

        Raises `AdmissionRefused`. A caller that comes back by a redirect is admitted anew once the old stream is gone;
        so looks a replay of a webhook whose call is over: no agent is dialled for either before a stream has come.
        """
        runner = self._live.get(facts.call_sid)
        if runner is not None and runner.caller_leg is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_REENTRY_S):
                    await runner.wait_over()
        if facts.call_sid in self._live:
            return self._tickets.get(facts.call_sid) or self._mint(facts)  # none yet: it came as a static stream
        self.admission.take(self.live, self._now())
        ticket = self._mint(facts)
        is_first = facts.call_sid not in self._outcomes
        self._begin(facts).admitted(dial=self.settings.call.preconnect and is_first)
        return ticket

    def answer(self, start: twilio.Start, nonce: str, leg: CallerLeg) -> CallRunner:
        """Return the call of a stream that has said `start`. Raises before any agent is dialled for a stranger."""
        call_sid, account_sid = CallSid(start.start.call_sid), AccountSid(start.start.account_sid)
        account = self.settings.twilio.account_sid
        if account is not None and account_sid != account:
            raise BadStreamToken(why="another account's stream")
        self._check_token(start.start.custom_parameters.get("token", ""), nonce, call_sid, account_sid)
        if not start.is_ulaw_8000:
            raise CallerProtocolError(why="not µ-law 8000")
        runner = self._live.get(call_sid)
        if runner is not None and runner.caller_leg is not None:  # Twilio came back before the old socket went (C21)
            del self._live[call_sid]
            runner.hang_up(SUPERSEDED)
            runner = None
        if runner is None:
            self.admission.take(self.live, self._now())
            said = start.start.custom_parameters
            facts = CallFacts(call_sid, account_sid, caller=said.get("caller", ""), called=said.get("called", ""))
            runner = self._begin(facts)
        runner.attach(leg, start.sid)
        return runner

    def refused(self, error: OffhookError) -> None:
        """Note that a stream was turned away."""
        self._observer.refused(error)

    def defect(self, start: twilio.Start, error: Exception) -> None:
        """Note a defect of ours that surfaced before the stream had a call."""
        facts = CallFacts(CallSid(start.start.call_sid), AccountSid(start.start.account_sid))
        self._observer.defect(facts, error)

    def never_mind(self, call_sid: str) -> None:
        """Twilio says that the call is over; one that never streamed gives its agent back now."""
        runner = self._live.get(CallSid(call_sid))
        if runner is not None and runner.caller_leg is None:
            runner.hang_up(CALLER_HUNG_UP)

    def outcome(self, call_sid: str) -> HangupCause | None:
        """Return how a call ended, for the TwiML that follows it; None where another replica (or nobody) knows."""
        return self._outcomes.get(call_sid)

    def progress(self) -> list[Progress]:
        """Return how far the live calls have come and how the last few went, oldest first."""
        live = [self._progress(runner) for runner in self._unfinished]
        return sorted([*self._over, *live], key=lambda call: call.began_at)

    async def drain(self, within_s: float, told: Callable[[int], None]) -> None:
        """Refuse new calls and wait for the live ones; those left after ``within_s`` hear a goodbye. ``told`` counts.

        Streams of calls that were admitted before still get in.
        """
        self.admission.is_draining = True
        deadline = self._now() + within_s
        while self._unfinished and (left := deadline - self._now()) > 0:
            told(self.live)
            await self._wait_idle(min(5.0, left))
        self.end_all(self._phrases.limit)
        await self._wait_idle(self.settings.timeouts.goodbye_s + self.settings.timeouts.close_s)

    async def stop(self) -> None:
        """End every call now and wait until their sockets and tasks are gone."""
        self.admission.is_draining = True
        runners = list(self._unfinished)
        self.end_all(b"")
        await self._wait_idle(self.settings.timeouts.close_s)
        sockets = list(self.sockets)
        for leg in sockets:
            leg.close(1001)
        waits = [runner.wait_over() for runner in runners] + [leg.gone() for leg in sockets]
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(2 * self.settings.timeouts.close_s):
                await asyncio.gather(*waits)

    def end_all(self, phrase: bytes) -> None:
        """End every call; ``phrase`` is heard first."""
        for runner in list(self._unfinished):
            runner.hang_up(DRAINED, phrase)

    # -- inner -------------------------------------------------------------------------------------------------

    def _mint(self, facts: CallFacts) -> Ticket:
        nonce, expires_at = secrets.token_urlsafe(12), time.time() + self.settings.timeouts.token_s
        token = signature.mint_stream_token(self._token_keys[0], facts.call_sid, facts.account_sid, expires_at, nonce)
        self._tickets[facts.call_sid] = ticket = Ticket(nonce, token.text)
        return ticket

    def _begin(self, facts: CallFacts) -> CallRunner:
        setup = self._agents.setup_for(facts.called)
        facts = CallFacts(facts.call_sid, facts.account_sid, setup.name, facts.caller, facts.called)
        settings = self.settings
        timeouts = settings.timeouts.model_copy(update={"call_s": settings.call.longest_s(settings.timeouts)})
        session = CallSession(facts, setup, self._phrases, settings.limits, timeouts, self._now())
        runner = CallRunner(session, setup, self._dialler, self._functions, self._observer, self)
        self._live[facts.call_sid] = runner
        self._unfinished.add(runner)
        self._idle.clear()
        return runner

    def agent_reached(self, error: AgentError | None) -> None:
        """The agent was dialled for a call: in vain, or not."""
        if error is None:
            self.admission.agent_answered()
        else:
            self.admission.agent_failed(error, self.live, self._now())

    def ended(self, runner: CallRunner, record: CallRecord) -> None:
        """A call is over."""
        self._over.append(self._progress(runner))
        if self._live.get(runner.session.facts.call_sid) is runner:
            del self._live[runner.session.facts.call_sid]
            self._tickets.pop(runner.session.facts.call_sid, None)
        self._unfinished.discard(runner)
        _remember(self._outcomes, record.call_sid, record.cause)
        if not self._unfinished:
            self._idle.set()

    def _progress(self, runner: CallRunner) -> Progress:
        return progress_of(runner.session, asked=runner.session.facts.call_sid in self._tickets)

    async def _wait_idle(self, within_s: float) -> None:
        try:
            async with asyncio.timeout(within_s):
                await self._idle.wait()
        except TimeoutError:
            return

    def _check_token(self, token: str, nonce: str, call_sid: str, account_sid: str) -> None:
        """Check the one-time token; without one only a static stream or an unsigned loopback server goes on."""
        if not token:
            twilio_account = self.settings.twilio
            if twilio_account.auth_token is not None and (nonce or not twilio_account.static_streams):
                raise BadStreamToken(why="missing", setting="twilio.static_streams, where a TwiML Bin points here")
            return
        found = self._nonce_of(token, call_sid, account_sid)
        if nonce and not secrets.compare_digest(found.encode(), nonce.encode()):
            raise BadStreamToken(why="not the token of this path")
        if found in self._used:
            raise BadStreamToken(why="used before")
        _remember(self._used, found, None)

    def _nonce_of(self, token: str, call_sid: str, account_sid: str) -> str:
        refusal = BadStreamToken(why="missing")
        for key in self._token_keys:
            try:
                return signature.check_stream_token(key, token, call_sid, account_sid, time.time())
            except BadStreamToken as error:
                refusal = error
        raise refusal


def _remember(book: OrderedDict[str, _Value], key: str, value: _Value) -> None:
    """Keep the newest; a used token outlives its validity by far, an outcome the seconds until it is asked for."""
    book[key] = value
    while len(book) > _REMEMBERED:
        book.popitem(last=False)
