"""Reads a TwiML document as strictly as Twilio says it does. Pure; does not fetch and does not run anything."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Final

from offhook.sim.complaints import LineFault

#: Twilio's limit for a document that is fetched (11750).
DOCUMENT_BYTES: Final = 64 * 1024

_ACTION: Final = "action method"
_KNOWN: Final[dict[str, str]] = {
    "Connect": _ACTION,
    "Start": _ACTION,
    "Stop": "",
    "Say": "voice language loop",
    "Play": "loop digits",
    "Pause": "length",
    "Gather": f"{_ACTION} input timeout finishOnKey numDigits speechTimeout speechModel language hints profanityFilter "
    "actionOnEmptyResult partialResultCallback partialResultCallbackMethod bargeIn enhanced maxSpeechTime",
    "Dial": f"{_ACTION} timeout timeLimit callerId answerOnBridge hangupOnStar record recordingStatusCallback trim "
    "ringTone recordingStatusCallbackMethod recordingStatusCallbackEvent recordingTrack sequential referUrl "
    "referMethod events",
    "Hangup": "",
    "Redirect": "method",
    "Reject": "reason",
    "Record": f"{_ACTION} timeout finishOnKey maxLength playBeep trim recordingStatusCallback "
    "recordingStatusCallbackMethod recordingStatusCallbackEvent transcribe transcribeCallback",
    "Enqueue": f"{_ACTION} waitUrl waitUrlMethod maxQueueSize workflowSid",
    "Leave": "",
    "Refer": _ACTION,
}
#: Verbs and their attributes. An attribute that is not here is ignored by Twilio with warning 12200.
VERBS: Final = {verb: frozenset(names.split()) for verb, names in _KNOWN.items()}
_NOUNS: Final = {
    "Stream": frozenset({"url", "name", "track", "statusCallback", "statusCallbackMethod"}),
    "Parameter": frozenset({"name", "value"}),
}


@dataclass(frozen=True, slots=True)
class Element:
    """One verb or noun."""

    name: str
    attributes: dict[str, str]
    text: str
    children: tuple[Element, ...]

    def child(self, name: str) -> Element | None:
        """Return the first child of that name."""
        return next((child for child in self.children if child.name == name), None)


@dataclass(frozen=True, slots=True)
class Document:
    """The verbs in order, and what Twilio would warn about (each is a 12200)."""

    verbs: tuple[Element, ...]
    warnings: tuple[str, ...]


def parse(body: bytes, content_type: str | None) -> Document:
    """Read a fetched document. Raises `LineFault` with 11750, 11770, 12300, 12100 or 12102."""
    if len(body) > DOCUMENT_BYTES:
        raise LineFault(11750, f"the document has {len(body)} bytes")
    if not body:
        raise LineFault(11770, "the answer has no body")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type not in ("text/xml", "application/xml"):
        raise LineFault(12300, f"Content-Type is `{media_type[:60] or 'missing'}`; it must be text/xml")
    if b"<!DOCTYPE" in body or b"<!doctype" in body:
        raise LineFault(12100, "the document is a web page, not TwiML")
    try:
        root = ET.fromstring(body)  # noqa: S314 - bounded above, no DOCTYPE, the user's own server
    except ET.ParseError as error:
        line, column = error.position
        raise LineFault(12100, f"not well-formed at line {line}, column {column + 1}") from None
    if root.tag != "Response":
        raise LineFault(12102, f"the root is `{_shown(root.tag)}`")
    warnings: list[str] = []
    verbs = tuple(_element(child, warnings) for child in root)
    warnings += [f"unknown verb `{_shown(verb.name)}`" for verb in verbs if verb.name not in VERBS]
    return Document(verbs, tuple(warnings))


def _element(node: ET.Element, warnings: list[str]) -> Element:
    known = VERBS.get(node.tag, _NOUNS.get(node.tag))
    if known is not None:
        warnings += [
            f"<{node.tag}> has an unknown attribute `{_shown(name)}`" for name in sorted(node.attrib.keys() - known)
        ]
    children = tuple(_element(child, warnings) for child in node)
    return Element(node.tag, dict(node.attrib), (node.text or "").strip(), children)


def _shown(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ":_-." else "?" for letter in name[:40])
