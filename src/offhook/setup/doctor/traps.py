"""The traps of a TwiML document that should connect a call to a stream. Pure: text in, sentences out.

Source: Twilio, "TwiML Voice: <Stream>", "<Connect>" and the error pages 31920, 31922, 31941.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

#: A <Parameter>'s name and value together.
PARAMETER_CHARACTERS: Final = 500
_CONNECT: Final = "<Connect><Stream url=…/></Connect>"


@dataclass(frozen=True, slots=True)
class Trap:
    """One thing that spoils a call. ``cause`` names it for programs."""

    cause: str
    found: str
    fix: str


def traps(document: str) -> list[Trap]:
    """Return what is wrong with a TwiML document; nothing where a call would reach its stream."""
    try:
        if "<!doctype" in document[:200].lower():
            raise ET.ParseError
        root = ET.fromstring(document)  # noqa: S314 - no DOCTYPE, bounded by the caller, the owner's own server
    except ET.ParseError:
        return [Trap("not-twiml", "is not TwiML", "let it answer text/xml with <Response> as its root (12100)")]
    if root.tag != "Response":
        return [Trap("not-twiml", f"has <{root.tag[:40]}> as its root", "its root must be <Response> (12102)")]
    stream = root.find("./Connect/Stream")
    if stream is None:
        return [_without(root)]
    return [*_stream(stream), *_behind(root)]


def _without(root: ET.Element) -> Trap:
    if root.find("./Start/Stream") is not None:
        return Trap(
            "start-stream",
            "opens the stream with <Start>, which only listens: the caller never hears the agent",
            f"write {_CONNECT} instead of <Start>",
        )
    if root.find(".//Stream") is not None:
        return Trap("no-stream", "has a <Stream> that is not inside <Connect>", f"write {_CONNECT}")
    return Trap("no-stream", "opens no stream", f"let it answer {_CONNECT}, as offhook does")


def _stream(stream: ET.Element) -> list[Trap]:
    found, url = [], (stream.get("url") or "").strip()
    parts = urlsplit(url)
    if parts.scheme == "ws":
        found.append(Trap("stream-plain", "opens a ws:// stream", "Twilio opens wss:// only (31922): write wss://"))
    elif parts.scheme != "wss":
        found.append(Trap("stream-scheme", "has a stream address without wss://", "write wss://HOST/PATH (31923)"))
    if parts.query:
        found.append(
            Trap(
                "stream-query",
                "has a query string on the stream address",
                "Twilio takes none there (31920): use <Parameter> or a part of the path",
            )
        )
    if stream.get("track", "inbound_track") != "inbound_track":
        found.append(Trap("stream-track", "asks for another track than the caller's", "leave `track` out (31941)"))
    for parameter in stream.findall("Parameter"):
        if len(parameter.get("name") or "") + len(parameter.get("value") or "") >= PARAMETER_CHARACTERS:
            said = "has a <Parameter> of 500 characters or more"
            found.append(Trap("stream-parameter", said, "shorten it; send an id instead of what it stands for"))
    return found


def _behind(root: ET.Element) -> list[Trap]:
    """Look at the verbs after <Connect>, which run when the stream is over."""
    verbs = [verb.tag for verb in root]
    behind = verbs[verbs.index("Connect") + 1 :]
    if "Pause" in behind:
        return [
            Trap(
                "trailing-pause",
                "has a <Pause> behind <Connect>: the caller waits in silence after the agent has hung up",
                "take the <Pause> out",
            )
        ]
    return []
