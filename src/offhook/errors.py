"""Every error offhook raises, and nothing else: no logging, no I/O.

The tree::

    OffhookError
    ├── ConfigError                 settings are missing or wrong; all problems at once
    ├── SetupError                  a step of setting up cannot be done; says what and the fix
    ├── AuthError                   somebody is not who they must be
    │   ├── BadSignature            X-Twilio-Signature missing or wrong
    │   ├── BadStreamToken          one-time stream token missing, forged, expired, used, or for another call
    │   └── ConsoleDenied           console or API without a valid login
    ├── AdmissionRefused            we do not take this call now
    ├── CallerError                 the caller leg (Twilio) is at fault
    │   ├── CallerProtocolError     it broke the Media Streams protocol
    │   ├── CallerOversize          a message over the limit
    │   ├── CallerGone              its socket ended
    │   ├── CallerLost              its socket ended without a goodbye
    │   └── CallerStuck             it does not read, or sends nothing
    ├── AgentError                  the agent leg (Deepgram) is at fault
    │   ├── AgentRefused            401, 402, 403, 404, 400: the handshake is refused for good
    │   ├── AgentBusy               429: the project's concurrency is used up
    │   ├── AgentUnavailable        it cannot be reached, or answers 5xx
    │   ├── AgentRejectedSettings   Error instead of SettingsApplied
    │   ├── AgentFailed             Error after SettingsApplied
    │   ├── AgentGone               its socket ended
    │   ├── AgentSilent             no message where progress was due
    │   └── AgentStuck              it does not read what we send
    ├── CarrierError                Twilio's REST API is at fault, or refuses what we ask
    │   ├── CarrierRefused          the credentials, or what they may do
    │   ├── CarrierRejected         the request itself: a value, a number, a call that is over
    │   ├── CarrierBusy             429: too many requests at once
    │   ├── CarrierUnavailable      it cannot be reached, or answers 5xx
    │   └── CarrierConsent          it would take something away that nobody has agreed to
    ├── OurError                    a defect of ours; ends that call and nothing else
    ├── StoreError                  never ends a call
    ├── ClusterError                never ends a call
    └── RailwayError                Railway refused, or is not as it must be; never ends a call

Every error is raised with keyword facts and rendered by ``__str__``. A fact is an id, a count, a code or the
name of a setting: never a payload, a transcript, a digit, a key, a token, a signature or a phone number.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Literal

Result = Literal["completed", "caller_error", "agent_error", "our_error", "indeterminate"]
Fact = str | int | float | bool | None


class OffhookError(Exception):
    """Base of every error we raise.

    ``result`` and ``reason`` name the hangup cause a call ends with when this error ends it
    (`offhook.call.hangup.cause_of`). ``retryable`` says whether the same step may succeed if done again.
    ``public`` is a text that is safe to show to anybody.
    """

    result: ClassVar[Result] = "our_error"
    reason: ClassVar[str] = "bug"
    retryable: ClassVar[bool] = False
    public: ClassVar[str] = "Something went wrong on our side."

    def __init__(self, **facts: Fact) -> None:
        super().__init__()
        self.facts: dict[str, Fact] = facts

    def __str__(self) -> str:
        said = ", ".join(f"{name}={value}" for name, value in self.facts.items() if value is not None)
        return f"{self.reason}: {said}" if said else self.reason

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self})"


class ConfigError(OffhookError):
    """Settings are missing or wrong. Holds every problem found, each one line that says the fix."""

    reason = "config"
    public = "The server is not configured."

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems=len(problems))
        self.problems: tuple[str, ...] = tuple(problems)

    def __str__(self) -> str:
        return "\n".join(self.problems)


class SetupError(OffhookError):
    """A step of setting up (project, tunnel, number, platform) cannot be done. Two plain phrases, without secrets."""

    reason = "setup"
    public = "A step of setting up failed."

    def __init__(self, said: str, fix: str = "") -> None:
        super().__init__()
        self.said, self.fix = said, fix

    def __str__(self) -> str:
        return f"{self.said}; {self.fix}" if self.fix else self.said


class AuthError(OffhookError):
    """Somebody is not who they must be."""

    result = "caller_error"
    reason = "auth"
    public = "Not allowed."


class BadSignature(AuthError):
    """X-Twilio-Signature is missing or matches no accepted form of the URL."""

    reason = "bad_signature"


class BadStreamToken(AuthError):
    """The one-time stream token is missing, forged, expired, used before, or minted for another call."""

    reason = "bad_stream_token"


class ConsoleDenied(AuthError):
    """The console or the API was asked without a valid login."""

    reason = "console_denied"


class AdmissionRefused(OffhookError):
    """We do not take this call now: at capacity, too many starts per second, draining, or the agent takes none."""

    result = "our_error"
    reason = "admission_refused"
    retryable = True
    public = "All lines are busy."


class CallerError(OffhookError):
    """The caller leg (Twilio's socket) is at fault."""

    result: ClassVar[Result] = "caller_error"
    reason = "caller"
    public = "The phone line had a problem."


class CallerProtocolError(CallerError):
    """The Media Streams protocol was broken: garbage, wrong order, wrong account, another stream."""

    reason = "caller_protocol"


class CallerOversize(CallerError):
    """A caller message is over ``limits.caller_message_bytes``."""

    reason = "caller_oversize"


class CallerGone(CallerError):
    """Twilio's socket ended. Without a fault this is how most calls end: the caller hung up."""

    result = "completed"
    reason = "caller_hung_up"
    public = "The caller hung up."


class CallerLost(CallerError):
    """Twilio's socket ended without `stop` and without a close frame: a lost network, or a process that died."""

    result = "completed"
    reason = "caller_lost"
    public = "The caller's line was lost."


class CallerStuck(CallerError):
    """Twilio's socket does not take what we send, or sent nothing for ``timeouts.caller_silent_s``."""

    reason = "caller_stuck"


class AgentError(OffhookError):
    """The agent leg (Deepgram's socket) is at fault."""

    result = "agent_error"
    reason = "agent"
    public = "The voice agent had a problem."


class AgentRefused(AgentError):
    """The handshake was refused for good (400, 401, 402, 403, 404). The fact ``setting`` names what to fix."""

    reason = "refused"
    public = "The voice agent refused our key or our address."


class AgentBusy(AgentError):
    """429: the project's concurrent agent sessions are used up. ``retry_after_s`` where the vendor said so."""

    reason = "agent_busy"
    retryable = True
    public = "The voice agent is busy."


class AgentUnavailable(AgentError):
    """The agent cannot be reached: name, route, TLS, time, or a 5xx answer."""

    reason = "agent_unavailable"
    retryable = True
    public = "The voice agent cannot be reached."


class AgentRejectedSettings(AgentError):
    """`Error` instead of `SettingsApplied`. The fact ``code`` is the vendor's."""

    reason = "settings"
    public = "The voice agent refused its settings."


class AgentFailed(AgentError):
    """`Error` after `SettingsApplied`. The fact ``code`` is the vendor's."""

    reason = "agent_failed"
    retryable = True


class AgentGone(AgentError):
    """The agent's socket ended while the call was up."""

    reason = "agent_gone"
    retryable = True


class AgentSilent(AgentError):
    """No message from the agent where progress was due (a watchdog, not a socket error)."""

    reason = "agent_silent"
    retryable = True


class AgentStuck(AgentError):
    """The agent's socket does not take the caller audio we send."""

    reason = "agent_stuck"
    retryable = True


class CarrierError(OffhookError):
    """Twilio's REST API did not do what we asked. ``said`` is a sentence with the fix; ``code`` is Twilio's."""

    reason = "carrier"
    public = "The telephone company refused."

    def __init__(self, said: str, **facts: Fact) -> None:
        super().__init__(**facts)
        self.said = said

    @property
    def code(self) -> int | None:
        """Twilio's error code, where it gave one."""
        code = self.facts.get("code")
        return code if isinstance(code, int) else None

    def __str__(self) -> str:
        return f"{self.said} (Twilio {self.code})" if self.code else self.said


class CarrierRefused(CarrierError):
    """Twilio does not take the credentials, or they may not do this."""

    reason = "carrier_refused"


class CarrierRejected(CarrierError):
    """Twilio takes the credentials but not the request: a value, a number, a call that is over."""

    reason = "carrier_rejected"


class CarrierBusy(CarrierError):
    """429 until the deadline: too many requests to Twilio at once."""

    reason = "carrier_busy"
    retryable = True
    public = "The telephone company is busy."


class CarrierUnavailable(CarrierError):
    """Twilio's REST API cannot be reached: name, route, TLS, time, or a 5xx answer."""

    reason = "carrier_unavailable"
    retryable = True
    public = "The telephone company cannot be reached."


class CarrierConsent(CarrierError):
    """The change would take away what answers the number now; ``what`` names it. Nothing was changed."""

    reason = "carrier_consent"


class OurError(OffhookError):
    """A defect of ours inside one call. It ends that call and nothing else."""

    reason = "bug"


class StoreError(OffhookError):
    """The store failed. Never ends a call."""

    reason = "store"


class ClusterError(OffhookError):
    """Redis or another replica failed. Never ends a call."""

    reason = "cluster"


class RailwayError(OffhookError):
    """Railway refused something, cannot be reached, or is not as it must be. ``case`` names it for programs."""

    reason = "railway"
    public = "The hosting platform had a problem."

    def __init__(self, case: str, said: str, fix: str) -> None:
        super().__init__(case=case)
        self.case, self.said, self.fix = case, said, fix

    def __str__(self) -> str:
        return f"{self.said}; {self.fix}"
