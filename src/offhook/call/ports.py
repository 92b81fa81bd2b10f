"""What a call needs from outside, as values and Protocols that shells implement. No behaviour."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from offhook.call.actions import CallRecord, Note, SettingsRefused
from offhook.config.settings import Settings
from offhook.errors import OffhookError
from offhook.wire.deepgram import FunctionCall
from offhook.wire.twilio import AccountSid, CallSid


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What is known of a call when it is admitted. Numbers are personal data: not in ``repr``, never logged."""

    call_sid: CallSid
    account_sid: AccountSid
    agent: str = "agent"
    caller: str = field(default="", repr=False)
    called: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Phrases:
    """Our own spoken phrases, µ-law: heard when there is no agent to speak."""

    hold: bytes
    apology: bytes
    limit: bytes


@dataclass(frozen=True, slots=True)
class AgentSetup:
    """How to configure the agent: encoded Settings in order of preference, and whether it greets.

    ``accepted`` is told the index of a choice that was applied after the earlier ones were refused.
    """

    name: str
    choices: Sequence[bytes] = field(repr=False)
    greets: bool
    accepted: Callable[[int], None] = field(default=lambda _: None, repr=False)


class Functions(Protocol):
    """Runs the functions the agent calls."""

    async def run(self, call: FunctionCall) -> str:
        """Return the content of the answer: text or JSON text."""
        ...


class AgentSource(Protocol):
    """Knows which agent answers which number."""

    def setup_for(self, called: str) -> AgentSetup:
        """Return how to configure the agent that answers ``called`` (E.164, or empty where it is not known)."""
        ...

    def adopt(self, settings: Settings) -> None:
        """Take other settings for the calls that come from now on."""
        ...


class CallObserver(Protocol):
    """Is told what happens to calls; must return at once and never raise."""

    def noted(self, facts: CallFacts, note: Note | SettingsRefused) -> None:
        """Something worth a log line happened."""
        ...

    def defect(self, facts: CallFacts, error: Exception) -> None:
        """A defect of ours surfaced in this call."""
        ...

    def refused(self, error: OffhookError) -> None:
        """A stream or a webhook was turned away."""
        ...

    def call_ended(self, record: CallRecord) -> None:
        """A call is over; called once per call, also for one that never reached `start`."""
        ...
