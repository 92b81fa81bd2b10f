"""What the simulated Twilio complains about: code, level, words. Not the checks themselves and not an error tree.

A complaint is a finding about the server under test. It never stops the simulation by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Level = Literal["error", "warning"]

#: Twilio's catalogue, as far as this simulator raises it: code → (level, name). Source: Twilio's error pages.
CATALOGUE: Final[dict[int, tuple[Level, str]]] = {
    10002: ("error", "a trial account cannot do that"),
    11100: ("error", "malformed URL"),
    11200: ("error", "the webhook did not answer with a usable document"),
    11205: ("error", "cannot connect to the webhook"),
    11206: ("error", "the webhook's answer breaks HTTP"),
    11210: ("error", "the webhook's host name is unknown"),
    11215: ("error", "too many redirects"),
    11220: ("error", "no TLS with the webhook"),
    11235: ("error", "the webhook's certificate is for another host"),
    11236: ("error", "the webhook's certificate has expired"),
    11237: ("error", "the webhook's certificate is not trusted"),
    11750: ("error", "TwiML is larger than 64 KB"),
    11770: ("error", "empty TwiML body"),
    12100: ("error", "TwiML cannot be parsed"),
    12102: ("error", "the root of the document is not Response"),
    12200: ("warning", "the document has a part that TwiML does not know"),
    12300: ("error", "wrong content type"),
    13212: ("warning", "Dial: invalid timeout"),
    13213: ("warning", "Dial: invalid hangupOnStar"),
    13214: ("error", "Dial: the callerId may not be used"),
    13215: ("warning", "Dial: invalid nested element"),
    13216: ("warning", "Dial: invalid timeLimit"),
    13221: ("warning", "Dial, Number: invalid method"),
    13222: ("warning", "Dial, Number: invalid sendDigits"),
    13223: ("error", "Dial: not a telephone number"),
    13224: ("error", "Dial: a number that cannot exist"),
    13230: ("warning", "Conference: invalid muted"),
    13231: ("warning", "Conference: invalid endConferenceOnExit"),
    13232: ("warning", "Conference: invalid startConferenceOnEnter"),
    13234: ("warning", "Conference: invalid waitMethod"),
    13235: ("warning", "Conference: invalid beep"),
    13243: ("error", "Dial: invalid SIP URI"),
    13310: ("warning", "Gather: invalid finishOnKey"),
    13312: ("warning", "Gather: invalid method"),
    13313: ("warning", "Gather: invalid timeout"),
    13314: ("warning", "Gather: invalid numDigits"),
    13320: ("warning", "Gather: invalid nested verb"),
    13410: ("warning", "Play: invalid loop"),
    13420: ("warning", "Play: not an audio file"),
    13510: ("warning", "Say: invalid loop"),
    13520: ("warning", "Say: no text, or too much"),
    13610: ("warning", "Record: invalid method"),
    13611: ("warning", "Record: invalid timeout"),
    13612: ("warning", "Record: invalid maxLength"),
    13613: ("warning", "Record: invalid finishOnKey"),
    13616: ("warning", "Record: invalid playBeep"),
    13710: ("warning", "Redirect: invalid method"),
    13805: ("error", "a trial call lasts ten minutes at most"),
    13910: ("warning", "Pause: invalid length"),
    15003: ("warning", "a status callback was not taken"),
    31900: ("error", "stream: cannot be started"),
    31901: ("error", "stream: connection timeout"),
    31902: ("error", "stream: connection refused"),
    31903: ("error", "stream: broken pipe"),
    31904: ("error", "stream: host unreachable"),
    31910: ("error", "stream: TLS failure"),
    31920: ("error", "stream: handshake refused"),
    31921: ("error", "stream: closed with an error code"),
    31922: ("error", "stream: the URL is not wss"),
    31923: ("error", "stream: malformed URL"),
    31924: ("error", "stream: WebSocket protocol broken"),
    31930: ("warning", "stream: the server reads too slowly, caller audio is dropped"),
    31931: ("warning", "stream: more than ten minutes of audio queued, the rest is dropped"),
    31941: ("error", "stream: only the inbound track exists under Connect"),
    31950: ("warning", "stream: binary frame"),
    31951: ("warning", "stream: invalid message"),
    31953: ("warning", "stream: the caller's audio stopped"),
    32018: ("error", "inline TwiML is longer than 4,000 characters"),
}

#: What Twilio writes down once per stream, however often and in however many ways it happens.
ONCE: Final = frozenset({31931, 31950, 31951})

#: Findings that Twilio has no code for but every caller hears. Negative, so that they never meet a real code.
HEADER_AUDIO: Final = -1
QUERY_STRING: Final = -2
DEAD_AIR: Final = -3
_OURS: Final[dict[int, tuple[Level, str]]] = {
    HEADER_AUDIO: ("warning", "the audio starts with a file header, which plays as a click"),
    QUERY_STRING: ("warning", "a query string on a stream URL is not supported"),
    DEAD_AIR: ("error", "dead air"),
}

#: Distinct complaints kept of one call; more are only counted.
KEPT: Final = 64


@dataclass(slots=True)
class Complaint:
    """One finding: ``code`` is Twilio's (negative: ours), ``count`` how often it happened, ``at_ms`` when first."""

    code: int
    level: Level
    name: str
    text: str
    at_ms: float
    count: int = 1
    http_status: int | None = None

    def __str__(self) -> str:
        number = f"{self.code} " if self.code > 0 else ""
        times = f" ({self.count}×)" if self.count > 1 else ""
        return f"{number}{self.name}: {self.text}{times}" if self.text else f"{number}{self.name}{times}"


def complaint(code: int, text: str = "", at_ms: float = 0.0) -> Complaint:
    """Make a complaint from the catalogue. Raises `KeyError` for a code that is not in it."""
    level, name = CATALOGUE[code] if code in CATALOGUE else _OURS[code]
    return Complaint(code, level, name, text, at_ms)


class Complaints:
    """The findings of one call, bounded; the same finding twice is one with a count."""

    def __init__(self) -> None:
        self._found: dict[tuple[int, str], Complaint] = {}
        self.unkept = 0

    def add(self, code: int, text: str, at_ms: float, http_status: int | None = None) -> Complaint | None:
        """Note a finding. Return it when it is new, ``None`` when it repeats one or the bound is reached."""
        known = self._found.get((code, text))
        if known is not None:
            known.count += 1
            return None
        if len(self._found) >= KEPT:
            self.unkept += 1
            return None
        new = complaint(code, text, at_ms)
        new.http_status = http_status
        self._found[code, text] = new
        return new

    def __iter__(self) -> Iterator[Complaint]:
        return iter(self._found.values())

    def __len__(self) -> int:
        return len(self._found)

    @property
    def codes(self) -> set[int]:
        """The distinct codes found."""
        return {found.code for found in self._found.values()}


class LineFault(Exception):
    """The stream or the webhook could not be used. ``code`` is Twilio's; ``status`` the HTTP status, if any."""

    def __init__(self, code: int, text: str, status: int | None = None) -> None:
        super().__init__(text)
        self.code = code
        self.text = text
        self.status = status

    def __str__(self) -> str:
        return f"{self.code} {self.text}"
