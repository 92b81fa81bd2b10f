"""How one offline server behaves where the vendor's documents leave it open: timers, pace, project. Values only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from offhook.offline import rules
from offhook.offline.faults import CloseCode, Seconds
from offhook.offline.segments import Pace

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


@dataclass(frozen=True, slots=True)
class Timers:
    """Seconds until this server loses patience. The vendor publishes only ``warn_s`` and ``end_s``.

    ``idle_needs_audio``: only audio counts as a sign of life, not `KeepAlive`. ``function_s``: how long a function may
    stay unanswered before the mind is told that it failed; None: for ever.
    """

    settings_s: Seconds = 10.0
    idle_s: Seconds = 10.0
    warn_s: Seconds = 6900.0
    end_s: Seconds = 7200.0
    idle_needs_audio: bool = False
    function_s: Seconds | None = None


@dataclass(frozen=True, slots=True)
class Manners:
    """What the vendor's documents leave open, chosen for one server.

    ``early_audio``: binary before Settings ends the session or is dropped. ``empty_audio``: a binary frame of no bytes
    is ignored or ends the session. ``refusal``: a refused injection is answered with `InjectionRefused` or with a
    `Warning`. ``error_close``: the close code after an `Error`; 1005: none. ``failed_think``: `FAILED_TO_THINK` ends
    the session, or only the turn. ``acks`` of updates come at once, or when the audio being sent has played.
    ``custom``: what `__customToThinkProvider` brings, is answered by nothing or sent back. ``ids`` of functions where
    the script gives none. ``text_first``: `AgentStartedSpeaking` follows the first sentence's text; ``report_first``:
    `LatencyReport` comes before `AgentAudioDone`; ``sparse_reports``: with some of its figures only; ``behavior``:
    whether `ConversationText` says its `conversational_behavior`, which older servers do not. ``function_hosts``:
    where server-side functions may be called ("*": anywhere). ``greeting``: spoken when the Settings give none.
    ``variety``: a seed; everything above that is open, and more, is then chosen anew for every call.
    """

    timers: Timers = field(default_factory=Timers)
    project: rules.Project = field(default_factory=rules.Project)
    pace: Pace = field(default_factory=Pace)
    early_audio: Literal["error", "drop"] = "error"
    empty_audio: Literal["ignore", "end"] = "ignore"
    refusal: Literal["message", "warning"] = "message"
    error_close: CloseCode = 1005
    failed_think: Literal["session", "turn"] = "session"
    acks: Literal["at_once", "after_audio"] = "at_once"
    custom: Literal["nothing", "back"] = "nothing"
    ids: Literal["counted", "call", "fc"] = "counted"
    text_first: bool = False
    report_first: bool = False
    sparse_reports: bool = False
    behavior: bool = True
    function_hosts: frozenset[str] = LOOPBACK
    greeting: str = ""
    agents: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variety: int | None = None
