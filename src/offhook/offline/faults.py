"""Everything that can be made to go wrong on purpose, as values. Acts nowhere: `mischief` and `handshake` do.

Names in brackets are the ids of the fault catalogue. A fault happens at a *moment*::

    Faults(at=((At("AgentStartedSpeaking", nth=2, audio_ms=300), Die("reset")),))        # A10
    Faults(at=((At("Settings"), Fail("INVALID_SETTINGS")),), never_apply=True)            # A9
    Faults(refuse=503, refuse_times=1)                                                    # A4
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class At:
    """A moment of a call: the ``nth`` time a message of type ``moment`` was sent or received ("open": the upgrade),
    then ``audio_ms`` more of agent audio sent, then ``delay_s`` passed.
    """

    moment: str = "open"
    nth: int = 1
    audio_ms: int = 0
    delay_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Die:
    """End the connection (A10, A11): TCP reset, TCP end without a close frame, or a close frame; 1005: no code."""

    how: Literal["reset", "eof", "close"] = "reset"
    code: int = 1005


@dataclass(frozen=True, slots=True)
class Fail:
    """Send `Error` and close (A9, and after SettingsApplied)."""

    code: str = "INTERNAL_SERVER_ERROR"
    description: str = "Injected fault."


@dataclass(frozen=True, slots=True)
class Send:
    """Send exactly this: text as a text frame, bytes as a binary frame (A17, A18, A19, A22)."""

    what: str | bytes = ""


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more, but keep reading (A12)."""


@dataclass(frozen=True, slots=True)
class StopReading:
    """Take nothing more from the socket, which fills up (A14)."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Send ``seconds`` of agent audio at once (A16)."""

    seconds: float = 120.0


@dataclass(frozen=True, slots=True)
class Storm:
    """Send `UserStartedSpeaking` ``count`` times, ``per_second`` (A20)."""

    count: int = 20
    per_second: float = 20.0


Action = Die | Fail | Send | Stall | StopReading | Flood | Storm


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on a call. The default is nothing.

    Handshake: ``refuse`` with a status [A1–A5], the first ``refuse_times`` times (None: always), with
    ``retry_after_s``; ``never_upgrade`` [A7]. Opening: ``never_welcome``, ``never_apply`` [A8] or late by
    ``welcome_delay_s``, ``apply_delay_s``. Listening: ``deaf`` sends UserStartedSpeaking and never answers [A13];
    ``read_bytes_per_s`` [A15]; ``no_pong`` [A26]. Speaking: ``unpaced`` [A16]; ``frame_bytes`` or, seeded,
    ``odd_frames`` [A17]; ``late_audio_ms`` of the old turn after UserStartedSpeaking [A21]. Messages: ``unknown``
    types and fields [A18]; types in ``omitted`` never (the vendor does not always send AgentStartedSpeaking,
    AgentThinking, LatencyReport); types in ``doubled`` twice, ``early_done`` an AgentAudioDone before the audio [A19].
    Functions: ``bad_arguments`` (not JSON), ``cancel_answered`` (cancelled after the client replied) [A24].
    """

    refuse: int = 0
    refuse_times: int | None = None
    retry_after_s: float | None = None
    never_upgrade: bool = False
    never_welcome: bool = False
    never_apply: bool = False
    welcome_delay_s: float = 0.0
    apply_delay_s: float = 0.0
    deaf: bool = False
    read_bytes_per_s: int | None = None
    no_pong: bool = False
    unpaced: bool = False
    frame_bytes: int | None = None
    odd_frames: int | None = None
    late_audio_ms: int = 0
    unknown: bool = False
    omitted: frozenset[str] = frozenset()
    doubled: frozenset[str] = frozenset()
    early_done: bool = False
    bad_arguments: bool = False
    cancel_answered: bool = False
    at: tuple[tuple[At, Action], ...] = ()
