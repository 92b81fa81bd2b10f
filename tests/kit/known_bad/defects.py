"""Every known defect with the finding it must give, and the call that brings it out."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from offhook.offline.faults import At, Die, Fail, Faults, Send

Shape = Literal["talk", "greeting", "slow function", "listen", "early"]
_CANCEL = '{"type":"FunctionCallCancelled","functions":[{"id":"call_slow","name":"slow"}]}'


@dataclass(frozen=True, slots=True)
class Defect:
    """One switch of the bridge. ``shape`` is what the caller does; ``faults`` what Deepgram does meanwhile."""

    name: str
    code: str
    shape: Shape = "greeting"
    faults: Faults = field(default_factory=Faults)
    patience: dict[str, float] = field(default_factory=dict)
    greeting_s: float = 1.2
    probes: bool = False


def _talk(name: str, code: str, **more: Any) -> Defect:
    return Defect(name, code, "talk", **more)


_GONE = Faults(at=((At("AgentAudioDone", delay_s=0.3), Die("close", 1000)),))
_LATE_APPLY = Faults(apply_delay_s=0.4)

DEFECTS = [
    _talk("gathers 400 ms", "caller-audio-gathered"),
    Defect("audio before settings applied", "audio-before-settings-applied", faults=_LATE_APPLY),
    _talk("no clear", "no-clear"),
    _talk("stale audio", "stale-audio"),
    Defect("fixed sleep before hang-up", "slow-hang-up", "listen", faults=_GONE),
    Defect("line left open", "line-left-open", "listen", faults=_GONE),
    Defect("dead air", "dead-air", "listen", faults=Faults(refuse=503), patience={"dead_air_ms": 2500.0}),
    _talk("function reply fields", "function-reply-fields"),
    _talk("first function only", "function-partly-answered", patience={"function_ms": 500.0}),
    _talk("functions unanswered", "function-unanswered", patience={"function_ms": 500.0}),
    _talk("functions answered twice", "function-answered-twice"),
    _talk("function of nobody", "function-reply-fields"),
    _talk("function reply binary", "json-as-audio"),
    Defect(
        "cancellation ignored",
        "cancellation-ignored",
        "slow function",
        faults=Faults(at=((At("FunctionCallRequest", delay_s=0.2), Send(_CANCEL)),)),
    ),
    Defect("agent leaked", "agent-orphan"),
    Defect("unknown message ends the call", "call-dropped", "listen", faults=Faults(unknown=True)),
    Defect("mark without name", "mark-without-name"),
    Defect("mark names repeat", "mark-duplicate"),
    Defect("query string", "stream-url-query"),
    Defect("ws url", "stream-url-not-wss"),
    Defect("long parameter", "parameter-too-long"),
    Defect("start instead of connect", "start-instead-of-connect"),
    Defect("trailing pause", "trailing-pause"),
    Defect("blocking webhook", "webhook-slow", patience={"webhook_ms": 900.0}),
    Defect("webhook unsigned", "webhook-signature-unchecked", probes=True),
    Defect("stream unsigned", "stream-signature-unchecked", probes=True),
    Defect("token reused", "token-reused", probes=True),
    Defect("signature over https", "stream-signed-over-https", probes=True),
    _talk("zero as silence", "zero-silence"),
    Defect("wav header", "file-header"),
    Defect("extra fields", "message-extra-field"),
    Defect("binary frame", "binary-frame"),
    Defect("message invalid", "message-invalid"),
    Defect("payload not base64", "message-invalid"),
    Defect("message before start", "message-before-start"),
    _talk("caller frames dropped", "caller-audio-lost"),
    _talk("caller frames reordered", "caller-audio-reordered"),
    _talk("caller frames repeated", "caller-audio-repeated"),
    _talk("caller audio altered", "caller-audio-altered"),
    _talk("caller samples lost", "caller-audio-lost"),
    _talk("caller silence held back", "caller-silence-lost"),
    _talk("caller audio late", "caller-audio-late"),
    Defect("pre-roll replayed", "preroll-replayed", "early", faults=Faults(apply_delay_s=1.5)),
    Defect("agent frames dropped", "agent-audio-lost"),
    Defect("agent frames reordered", "agent-audio-reordered"),
    Defect("agent frames repeated", "agent-audio-repeated"),
    Defect("agent audio altered", "agent-audio-altered"),
    Defect("agent samples lost", "agent-audio-lost"),
    Defect("agent audio halved", "agent-audio-altered"),
    Defect("agent audio stuffed", "agent-audio-altered"),
    _talk("agent audio paced", "stale-audio"),
    _talk("left-overs passed on", "stale-audio", faults=Faults(late_audio_ms=400)),
    Defect("agent audio late", "agent-audio-late"),
    Defect("settings late", "settings-late", patience={"settings_ms": 900.0}),
    Defect("settings twice", "settings-twice"),
    Defect("keep-alive before settings", "settings-not-first"),
    Defect("container wav", "settings-format"),
    Defect("no keep-alive", "no-keep-alive", patience={"silence_ms": 1200.0}),
]
__all__ = ["DEFECTS", "Defect", "Fail", "Shape"]
