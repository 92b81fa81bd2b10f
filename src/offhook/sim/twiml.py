"""Reads a TwiML document as strictly as Twilio says it does. Pure; does not fetch and does not run anything."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass
from typing import Final

from offhook.sim.complaints import LineFault
from offhook.sim.grammar import CHILDREN, NESTED, NOUNS, VERBS, wrong_values

#: Twilio's limit for a document that is fetched (11750).
DOCUMENT_BYTES: Final = 64 * 1024
#: TwiML nests four deep; what is far beyond it is no TwiML.
DEEPEST: Final = 32


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
class Warned:
    """Something Twilio ignores with a warning."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class Document:
    """The verbs in order, and what Twilio would warn about."""

    verbs: tuple[Element, ...]
    warnings: tuple[Warned, ...]


def parse(body: bytes, content_type: str | None) -> Document:
    """Read a fetched document. Raises `LineFault` with 11750, 11770, 12300, 12100 or 12102."""
    if len(body) > DOCUMENT_BYTES:
        raise LineFault(11750, f"the document has {len(body)} bytes")
    if not body:
        raise LineFault(11770, "the answer has no body")
    media_type = (content_type or "").partition(";")[0].strip().lower()
    if media_type not in ("text/xml", "application/xml"):
        raise LineFault(12300, f"Content-Type is `{media_type[:60] or 'missing'}`; it must be text/xml")
    if b"<!doctype" in body.replace(b"\0", b"").lower():
        raise LineFault(12100, "the document is a web page, not TwiML")
    try:
        root = ET.fromstring(body)  # noqa: S314 - bounded above, no DOCTYPE, the user's own server
    except ET.ParseError as error:
        line, column = error.position
        raise LineFault(12100, f"not well-formed at line {line}, column {column + 1}") from None
    except (LookupError, ValueError):
        raise LineFault(12100, "an encoding that XML is not read in; use UTF-8") from None
    if root.tag != "Response":
        raise LineFault(12102, f"the root is `{_shown(root.tag)}`")
    warnings: list[Warned] = []
    verbs = tuple(_element(child, warnings) for child in root)
    unknown = [_shown(verb.name) for verb in verbs if verb.name not in VERBS]
    warnings += [Warned(12200, f"unknown verb `{name}`") for name in unknown]
    if (root.text or "").strip() or any((child.tail or "").strip() for child in root):
        warnings.append(Warned(12200, "there is text between the verbs"))
    return Document(verbs, tuple(warnings))


def _element(node: ET.Element, warnings: list[Warned], depth: int = 1) -> Element:
    if depth > DEEPEST:
        raise LineFault(12100, f"elements are nested more than {DEEPEST} deep")
    attributes = dict(node.attrib)
    known = VERBS.get(node.tag, NOUNS.get(node.tag))
    if known is not None:
        unknown = [_shown(name) for name in sorted(attributes.keys() - known)]
        warnings += [Warned(12200, f"<{node.tag}> has an unknown attribute `{name}`") for name in unknown]
    wrong = wrong_values(node.tag, attributes)
    warnings += [Warned(code, f"<{node.tag}> has a wrong value in `{name}`") for code, name in wrong]
    allowed = CHILDREN.get(node.tag)
    for child in node:
        if allowed is not None and child.tag not in allowed:
            code = NESTED.get(node.tag, 12200)
            warnings.append(Warned(code, f"<{node.tag}> may not hold <{_shown(child.tag)}>"))
    children = tuple(_element(child, warnings, depth + 1) for child in node)
    text = "".join(node.itertext()) if node.tag == "Say" else (node.text or "")
    return Element(node.tag, attributes, text.strip(), children)


def _shown(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in ":_-." else "?" for letter in name[:40])
