"""What TwiML knows: verbs, their nouns, attributes and values. Only tables and their checks; parses and runs nothing.

Attributes are those of Twilio's own builder; codes of wrong values are those of Twilio's error pages. Whatever is
wrong here is a warning: Twilio ignores it and goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

_ACTION: Final = "action method"
_STATUS: Final = "statusCallback statusCallbackMethod statusCallbackEvent"
_RECORDING: Final = (
    "recordingStatusCallback recordingStatusCallbackMethod recordingStatusCallbackEvent recordingConfigurationId trim"
)
_AMD: Final = (
    "machineDetection amdStatusCallback amdStatusCallbackMethod machineDetectionTimeout "
    "machineDetectionSpeechThreshold machineDetectionSpeechEndThreshold machineDetectionSilenceTimeout"
)
_KNOWN: Final[dict[str, str]] = {
    "Connect": _ACTION,
    "Start": _ACTION,
    "Stop": "",
    "Say": "voice language loop",
    "Play": "loop digits",
    "Pause": "length",
    "Gather": f"{_ACTION} input timeout finishOnKey numDigits speechTimeout speechModel language hints profanityFilter "
    "actionOnEmptyResult partialResultCallback partialResultCallbackMethod bargeIn debug enhanced maxSpeechTime",
    "Dial": f"{_ACTION} {_RECORDING} timeout timeLimit callerId answerOnBridge hangupOnStar record recordingTrack "
    "ringTone sequential referUrl referMethod events passports",
    "Hangup": "",
    "Redirect": "method",
    "Reject": "reason",
    "Record": f"{_ACTION} {_RECORDING} timeout finishOnKey maxLength playBeep transcribe transcribeCallback",
    "Enqueue": f"{_ACTION} waitUrl waitUrlMethod maxQueueSize workflowSid",
    "Leave": "",
    "Refer": _ACTION,
}
#: Verbs and their attributes. An attribute that is not here is ignored by Twilio with warning 12200.
VERBS: Final = {verb: frozenset(names.split()) for verb, names in _KNOWN.items()}
_NOUN_TEXT: Final[dict[str, str]] = {
    "Stream": "url name track statusCallback statusCallbackMethod",
    "Parameter": "name value",
    "Number": f"{_STATUS} {_AMD} url method sendDigits byoc",
    "Sip": f"{_STATUS} {_AMD} url method username password",
    "Client": f"{_STATUS} url method",
    "Conference": f"{_STATUS} {_RECORDING} muted beep startConferenceOnEnter endConferenceOnExit waitUrl waitMethod "
    "maxParticipants record region coach eventCallbackUrl jitterBufferSize participantLabel",
    "Queue": "url method reservationSid postWorkActivitySid",
}
NOUNS: Final = {noun: frozenset(names.split()) for noun, names in _NOUN_TEXT.items()}
#: What may be inside what. A parent that is not here is not looked into (SSML under `<Say>`, nouns not simulated).
CHILDREN: Final[dict[str, frozenset[str]]] = {
    "Connect": frozenset(
        ["Stream", "ConversationRelay", "VirtualAgent", "Autopilot", "Room", "Conversation", "AiSession"]
    ),
    "Start": frozenset(["Stream", "Recording", "Transcription", "Siprec"]),
    "Stop": frozenset(["Stream", "Recording", "Transcription", "Siprec"]),
    "Stream": frozenset({"Parameter"}),
    "Gather": frozenset({"Say", "Play", "Pause"}),
    "Dial": frozenset(["Number", "Sip", "Client", "Conference", "Queue", "Sim", "Application", "WhatsApp"]),
    "Pause": frozenset(),
    "Hangup": frozenset(),
    "Redirect": frozenset(),
    "Reject": frozenset(),
    "Record": frozenset(),
    "Leave": frozenset(),
    "Number": frozenset(),
    "Parameter": frozenset(),
}

_Check = Callable[[str], bool]


def is_whole(text: str) -> bool:
    """Say whether a value is a whole number of a length that anybody means."""
    return text.isascii() and text.isdigit() and len(text) <= 10


def _number(low: int, high: int = 1_000_000_000) -> _Check:
    return lambda text: is_whole(text) and low <= int(text) <= high


def _one_of(*words: str) -> _Check:
    return lambda text: text in words


def _keys(text: str) -> bool:
    return all(key in "0123456789#*" for key in text)


_METHOD: Final = _one_of("GET", "POST", "get", "post")
_BOOL: Final = _one_of("true", "false")
#: (element, attribute) → the code of a wrong value, and what a right one is. Codes: Twilio's error pages.
VALUES: Final[dict[tuple[str, str], tuple[int, _Check]]] = {
    ("Dial", "timeout"): (13212, _number(0)),
    ("Dial", "hangupOnStar"): (13213, _BOOL),
    ("Dial", "timeLimit"): (13216, _number(0)),
    ("Number", "method"): (13221, _METHOD),
    ("Number", "sendDigits"): (13222, lambda text: all(key in "0123456789#*wW" for key in text)),
    ("Conference", "muted"): (13230, _BOOL),
    ("Conference", "endConferenceOnExit"): (13231, _BOOL),
    ("Conference", "startConferenceOnEnter"): (13232, _BOOL),
    ("Conference", "waitMethod"): (13234, _METHOD),
    ("Conference", "beep"): (13235, _one_of("true", "false", "onEnter", "onExit")),
    ("Gather", "finishOnKey"): (13310, _keys),
    ("Gather", "method"): (13312, _METHOD),
    ("Gather", "timeout"): (13313, lambda text: text == "auto" or _number(0)(text)),
    ("Gather", "numDigits"): (13314, _number(1)),
    ("Play", "loop"): (13410, _number(0)),
    ("Say", "loop"): (13510, _number(0)),
    ("Record", "method"): (13610, _METHOD),
    ("Record", "timeout"): (13611, _number(0)),
    ("Record", "maxLength"): (13612, _number(1)),
    ("Record", "finishOnKey"): (13613, _keys),
    ("Record", "playBeep"): (13616, _BOOL),
    ("Redirect", "method"): (13710, _METHOD),
    ("Pause", "length"): (13910, _number(0)),
    ("Reject", "reason"): (12200, _one_of("rejected", "busy")),
    ("Stream", "track"): (31941, _one_of("inbound_track", "outbound_track", "both_tracks")),
}
#: Every other method, whose wrong value has no code of its own: it counts as not given.
_ANY_METHOD: Final = (12200, _METHOD)
#: A child that is not allowed, where it has a code of its own.
NESTED: Final = {"Gather": 13320, "Dial": 13215}


def wrong_values(name: str, attributes: Mapping[str, str]) -> list[tuple[int, str]]:
    """Return code and attribute of every wrong value."""
    found = []
    for attribute, value in attributes.items():
        rule = VALUES.get((name, attribute)) or (_ANY_METHOD if attribute.lower().endswith("method") else None)
        if rule is not None and not rule[1](value):
            found.append((rule[0], attribute))
    return found
