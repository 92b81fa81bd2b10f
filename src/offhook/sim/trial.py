"""What a trial account changes: what is left out of documents, what is said, how long a call may last. Pure.

Two generations exist. The current one leaves `<Stream>` and others out and says so to the caller; the legacy one says
a message first, asks for a key, and then runs the document. The wording of both messages is ours.
"""

from __future__ import annotations

from typing import Final

from offhook.sim.twiml import Document, Element

#: Documents of one call, seconds for each of them, seconds of one call (13805).
HOPS: Final = 10
FETCH_S: Final = 5.0
CALL_S: Final = 600.0
#: What is left out, by the verb or noun that is.
_LEFT_OUT: Final = frozenset({"Stream", "ConversationRelay", "Record", "Siprec", "Pay", "Refer"})
_DIALLED: Final = frozenset({"Number", "Sip", "Client"})
NOTICE: Final = "This feature is not available on a trial account."
PREAMBLE: Final = "You are calling a trial account. Press any key to go on."


def stripped(document: Document) -> tuple[Document, tuple[str, ...]]:
    """Return a document as the current trial runs it, and the names of what it leaves out."""
    left_out: list[str] = []
    verbs = tuple(_replaced(verb, left_out) for verb in document.verbs)
    return Document(verbs, document.warnings), tuple(left_out)


def _replaced(verb: Element, left_out: list[str]) -> Element:
    forbidden = _forbidden(verb)
    if forbidden is None:
        return verb
    left_out.append(forbidden)
    return Element("Say", {}, NOTICE, ())


def _forbidden(verb: Element) -> str | None:
    if verb.name in _LEFT_OUT:
        return verb.name
    for child in verb.children:
        if child.name in _LEFT_OUT or (verb.name == "Dial" and child.name in _DIALLED):
            return child.name
    return "Number" if verb.name == "Dial" and verb.text else None
