"""The TwiML documents we answer with, built by Twilio's own builder (which escapes). Pure; decides nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from twilio.twiml.voice_response import Connect, Stream, VoiceResponse

#: What XML 1.0 cannot hold even when escaped (section 2.2, Char); one of these would lose the whole document.
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


@dataclass(frozen=True, slots=True)
class Fallback:
    """What the caller gets when the agent fails: words, then a person, then the end."""

    say: str = ""
    dial: str = ""


@dataclass(frozen=True, slots=True)
class StreamDocument:
    """Everything the answer to a voice webhook names. URLs are absolute; ``stream_url`` has no query (31920)."""

    stream_url: str
    action_url: str = ""
    status_url: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)
    fallback: Fallback = field(default_factory=Fallback)


def answer(document: StreamDocument) -> str:
    """Connect the call to the stream. The verbs after `<Connect>` run only where ``action_url`` is empty."""
    response = VoiceResponse()
    connect = response.connect(action=document.action_url or None, method="POST" if document.action_url else None)
    assert isinstance(connect, Connect)
    stream = connect.stream(url=document.stream_url, name="offhook", status_callback=document.status_url or None)
    assert isinstance(stream, Stream)
    for name, value in document.parameters.items():
        stream.parameter(name=name, value=_xml_text(value))
    _append_fallback(response, document.fallback)
    return str(response)


def sorry(fallback: Fallback) -> str:
    """Say the apology, connect a person where there is one, and end."""
    response = VoiceResponse()
    _append_fallback(response, fallback)
    response.hangup()
    return str(response)


def busy() -> str:
    """Refuse with a busy tone; the call is never answered and not billed."""
    response = VoiceResponse()
    response.reject(reason="busy")
    return str(response)


def say_and_hang_up(text: str) -> str:
    """Say one sentence and end."""
    response = VoiceResponse()
    response.say(_xml_text(text))
    response.hangup()
    return str(response)


def hang_up() -> str:
    """End the call."""
    response = VoiceResponse()
    response.hangup()
    return str(response)


def ask_again(url: str, after_s: int) -> str:
    """Wait and ask ``url`` for TwiML: what a draining process answers, so that its successor takes the call."""
    response = VoiceResponse()
    response.pause(length=after_s)
    response.redirect(url, method="POST")
    return str(response)


def _append_fallback(response: VoiceResponse, fallback: Fallback) -> None:
    if fallback.say:
        response.say(_xml_text(fallback.say))
    if fallback.dial:
        response.dial(fallback.dial, answer_on_bridge=True, timeout=25)


def _xml_text(text: str) -> str:
    """Return ``text`` without what no XML document can hold; a caller's name or number may contain anything."""
    return _NOT_XML.sub("", text)
