"""HangupCause = result × reason, and the total map from errors to causes. Pure; decides nothing else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from offhook.errors import OffhookError, OurError, Result


@dataclass(frozen=True, slots=True)
class HangupCause:
    """Why a call ended: whose doing (``result``) and what (``reason``, a stable word for logs and metrics)."""

    result: Result
    reason: str

    def __str__(self) -> str:
        return f"{self.result}/{self.reason}"


CALLER_HUNG_UP: Final = HangupCause("completed", "caller_hung_up")
WE_HUNG_UP: Final = HangupCause("completed", "agent_hung_up")
TIME_LIMIT: Final = HangupCause("completed", "limit")
DRAINED: Final = HangupCause("completed", "drained")
SUPERSEDED: Final = HangupCause("indeterminate", "superseded")
NEVER_STREAMED: Final = HangupCause("indeterminate", "never_streamed")


def cause_of(error: BaseException) -> HangupCause:
    """Map any exception to exactly one cause. What we do not know is a defect of ours."""
    known = error if isinstance(error, OffhookError) else OurError()
    return HangupCause(known.result, known.reason)


CloseCode = Literal[1000, 1001, 1003, 1008]
_CLOSE_CODES: Final[dict[str, CloseCode]] = {"caller_protocol": 1008, "drained": 1001}


def close_code(cause: HangupCause) -> CloseCode:
    """Return the code to close Twilio's socket with; after any of them Twilio goes on with its TwiML."""
    return _CLOSE_CODES.get(cause.reason, 1000)
