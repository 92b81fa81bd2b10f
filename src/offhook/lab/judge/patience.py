"""How much the judge lets pass: the bounds between slow and wrong. Values only."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Patience:
    """Bounds in milliseconds, wide enough for a busy machine and a legal choice of the bridge."""

    #: Deepgram waits ten seconds for Settings and for any sign of life (error CLIENT_MESSAGE_TIMEOUT).
    settings_ms: float = 5000.0
    silence_ms: float = 8000.0
    #: Webhooks: Twilio waits fifteen seconds, but the caller hears nothing meanwhile.
    webhook_ms: float = 3000.0
    #: From one leg to the other. Twilio's frames are 20 ms; gathering a few is a choice, 200 ms is a habit.
    late_ms: float = 300.0
    gathered_ms: float = 150.0
    #: Caller audio from before the agent was ready, replayed into it.
    stale_caller_ms: float = 1000.0
    #: After UserStartedSpeaking the agent's unheard audio must be cleared.
    clear_ms: float = 600.0
    unheard_ms: float = 250.0
    #: One side's end closes the other within a second; what is still playing may play out.
    close_ms: float = 1500.0
    #: A function may take this long before nobody can be waiting for it any more.
    function_ms: float = 10_000.0
    cancelled_ms: float = 150.0
    #: A caller who hears nothing for so long from an open line hangs up.
    dead_air_ms: float = 6000.0
