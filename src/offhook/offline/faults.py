"""Everything that can be made to go wrong on purpose, as values. Acts nowhere: `line`, `served` and `handshake` do.

Names in brackets are the ids of the fault catalogue. A fault happens at a *moment*::

    Faults(at=((At("AgentStartedSpeaking", nth=2, audio_ms=300), Die("reset")),))        # A10
    Faults(at=((At("Settings"), Fail("INVALID_SETTINGS")),), never_apply=True)            # A9
    Faults(refuse=503, refuse_times=1)                                                    # A4
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

Natural = Annotated[int, Meta(ge=0)]
Positive = Annotated[int, Meta(ge=1)]
Seconds = Annotated[float, Meta(ge=0)]
CloseCode = Annotated[int, Meta(ge=1000, le=4999)]
#: What the vendor sends, and what a client does.
Sent = Literal[
    "AgentAudioDone",
    "AgentStartedSpeaking",
    "AgentThinking",
    "ConversationText",
    "Error",
    "FrustrationDetected",
    "FunctionCallCancelled",
    "FunctionCallRequest",
    "FunctionCallResponse",
    "History",
    "InjectionRefused",
    "LatencyReport",
    "ListenUpdated",
    "PromptUpdated",
    "SettingsApplied",
    "SpeakUpdated",
    "ThinkLiveUpdated",
    "ThinkUpdated",
    "UserStartedSpeaking",
    "Warning",
    "Welcome",
    "__customFromThinkProvider",
]
Received = Literal[
    "ForceEndTurn",
    "FunctionCallResponse",
    "InjectAgentMessage",
    "InjectUserMessage",
    "KeepAlive",
    "Settings",
    "UpdateListen",
    "UpdatePrompt",
    "UpdateSpeak",
    "UpdateThink",
    "UpdateThink_Live",
    "__customToThinkProvider",
]


@dataclass(frozen=True, slots=True)
class At:
    """A moment of a call: the ``nth`` time a message of type ``moment`` was sent or received ("open": the upgrade,
    "audio": a frame of the caller's), then ``audio_ms`` more of agent audio sent, then ``delay_s`` passed.
    """

    moment: Literal["open", "audio"] | Sent | Received = "open"
    nth: Positive = 1
    audio_ms: Natural = 0
    delay_s: Seconds = 0.0


@dataclass(frozen=True, slots=True)
class Die:
    """End the connection (A10, A11): TCP reset, TCP end without a close frame, or a close frame; 1005: no code."""

    how: Literal["reset", "eof", "close"] = "reset"
    code: CloseCode = 1005


@dataclass(frozen=True, slots=True)
class Fail:
    """Send `Error` and close (A9, and after SettingsApplied)."""

    code: str = "INTERNAL_SERVER_ERROR"
    description: str = "Injected fault."


@dataclass(frozen=True, slots=True)
class Send:
    """Send exactly this: ``what`` as a text frame, or ``hex`` as the bytes of a binary frame (A17, A18, A19, A22)."""

    what: str = ""
    hex: Annotated[str, Meta(pattern="^([0-9A-Fa-f]{2})*$")] = ""


@dataclass(frozen=True, slots=True)
class Stall:
    """Send nothing more, but keep reading (A12)."""


@dataclass(frozen=True, slots=True)
class StopReading:
    """Take nothing more from the socket, which fills up (A14)."""


@dataclass(frozen=True, slots=True)
class Flood:
    """Send ``seconds`` of agent audio at once (A16)."""

    seconds: Annotated[float, Meta(ge=0, le=600)] = 120.0


@dataclass(frozen=True, slots=True)
class Storm:
    """Send `UserStartedSpeaking` ``count`` times, ``per_second`` (A20)."""

    count: Annotated[int, Meta(ge=0, le=10_000)] = 20
    per_second: Annotated[float, Meta(gt=0)] = 20.0


@dataclass(frozen=True, slots=True)
class Warn:
    """Send `Warning`; the call goes on (A22)."""

    code: str = "SLOW_THINK_REQUEST"
    description: str = "Injected warning."


@dataclass(frozen=True, slots=True)
class Gap:
    """Hold agent audio back for ``seconds``, and whatever comes after it."""

    seconds: Seconds = 1.5


@dataclass(frozen=True, slots=True)
class Vanish:
    """Be gone without a word: nothing is sent, answered or closed any more, as when a network dies (half-open socket).

    This machine's kernel goes on taking what the client sends; with `StopReading` before it, it does not.
    """


@dataclass(frozen=True, slots=True)
class Wind:
    """Make the session ``seconds`` older: the two-hour limit in no time."""

    seconds: Seconds = 6900.0


@dataclass(frozen=True, slots=True)
class Lose:
    """Have providers fail: the next ``times`` requests to think or to speak lose their first ``entries`` (None: all).

    Each loss is a `THINK_REQUEST_FAILED` or `SPEAK_REQUEST_FAILED`; where no entry is left, `FAILED_TO_THINK` or
    `FAILED_TO_SPEAK`.
    """

    part: Literal["think", "speak"] = "think"
    entries: Natural | None = None
    times: Annotated[int, Meta(ge=1, le=10_000)] = 1


Action = Die | Fail | Send | Stall | StopReading | Flood | Storm | Warn | Gap | Vanish | Wind | Lose


@dataclass(frozen=True, slots=True)
class Faults:
    """What goes wrong on a call. The default is nothing.

    Handshake: ``refuse`` with a status [A1–A5], with an ``err_code`` that is not the usual one, the first
    ``refuse_times`` times (None: always), with ``retry_after_s``; ``never_upgrade`` [A7]. Opening: ``never_welcome``,
    ``never_apply`` [A8] or late by ``welcome_delay_s``, ``apply_delay_s``. Listening: ``deaf`` sends
    UserStartedSpeaking and never answers [A13]; ``read_bytes_per_s`` [A15]; ``no_pong`` [A26]. Speaking: ``unpaced``
    [A16]; ``gap_s`` of nothing in the middle of every sentence; ``frame_bytes`` or, seeded, ``odd_frames`` [A17];
    ``late_audio_ms`` of the old turn after UserStartedSpeaking [A21]. Messages: ``unknown`` types and fields [A18];
    types in ``omitted`` never (the vendor does not always send AgentStartedSpeaking, AgentThinking, LatencyReport);
    types in ``doubled`` twice, ``early_done`` an AgentAudioDone before the audio [A19]. Functions: ``bad_arguments``
    (not JSON), ``cancel_answered`` (cancelled after the client replied) [A24]; ``extra_function`` beside every one that
    is asked for: one more of the client's, or one that is the server's.
    """

    refuse: Annotated[int, Meta(ge=0, le=599)] = 0
    err_code: str = ""
    refuse_times: Natural | None = None
    retry_after_s: Seconds | None = None
    never_upgrade: bool = False
    never_welcome: bool = False
    never_apply: bool = False
    welcome_delay_s: Seconds = 0.0
    apply_delay_s: Seconds = 0.0
    deaf: bool = False
    read_bytes_per_s: Positive | None = None
    no_pong: bool = False
    unpaced: bool = False
    frame_bytes: Positive | None = None
    odd_frames: int | None = None
    gap_s: Seconds = 0.0
    late_audio_ms: Natural = 0
    unknown: bool = False
    omitted: frozenset[Sent] = frozenset()
    doubled: frozenset[Sent] = frozenset()
    early_done: bool = False
    bad_arguments: bool = False
    cancel_answered: bool = False
    extra_function: Literal["none", "client", "server"] = "none"
    at: tuple[tuple[At, Action], ...] = ()
