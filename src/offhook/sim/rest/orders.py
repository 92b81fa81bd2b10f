"""What the Calls resource is asked to do, read from a form and checked as Twilio does. Does nothing itself."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Final, Literal

from offhook.sim.outbound import Detection
from offhook.sim.rest.asked import Fields, is_url
from offhook.sim.rest.dialling import check_parties
from offhook.sim.rest.entries import Callback
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import Account

#: TwiML given with a request.
INLINE_CHARACTERS: Final = 4000
EVENTS: Final = ("initiated", "ringing", "answered", "completed")


@dataclass(frozen=True, slots=True)
class Taping:
    """How a call is recorded."""

    channels: int = 1
    track: str = "both"
    callback: Callback | None = None


@dataclass(frozen=True, slots=True)
class Order:
    """A call to place. ``target`` is the address of its TwiML, or TwiML itself."""

    to: str = field(repr=False)
    sender: str = field(repr=False)
    target: str
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    callback: Callback | None = None
    rings_s: int = 60
    lasts_s: int | None = None
    detection: Detection | None = None
    taping: Taping | None = None
    send_digits: str = ""


@dataclass(frozen=True, slots=True)
class Update:
    """A change of a call: elsewhere (``target``), or over (``status``)."""

    target: str | None = None
    method: str = "POST"
    fallback_url: str | None = None
    fallback_method: str = "POST"
    status: Literal["completed", "canceled"] | None = None
    lasts_s: int | None = None
    #: Counts only together with a new address (Twilio, "Update a call").
    callback: Callback | None = None


def order_of(account: Account, form: Fields) -> Order:
    """Read a call to place. Refused as Twilio refuses it."""
    to, sender = form.get("To") or "", form.get("From") or ""
    check_parties(account, to, sender)
    target, method = _target(form)
    digits = form.get("SendDigits") or ""
    if not re.fullmatch(r"[0-9A-Da-d#*wW]{0,32}", digits):
        raise Refusal(21206)
    return Order(
        to=to,
        sender=sender,
        target=target,
        method=method,
        fallback_url=form.url("FallbackUrl", 21205) or None,
        fallback_method=form.method("FallbackMethod", 21209) or "POST",
        callback=callback_of(form, "StatusCallback", EVENTS, ("completed",)),
        rings_s=form.integer("Timeout", 1, 600, 21208) or 60,
        lasts_s=form.integer("TimeLimit", 1, 24 * 3600, 21208),
        # SendDigits disables detection (Twilio, "Make calls")
        detection=None if digits else _detection(form),
        taping=taping_of(form, "mono") if form.flag("Record") else None,
        send_digits=digits,
    )


def _target(form: Fields) -> tuple[str, str]:
    """Return the TwiML's address, or the TwiML. Given both, `Twiml` is ignored (Twilio, "Make calls")."""
    url, twiml = form.get("Url"), form.get("Twiml")
    method = form.method("Method", 21209) or "POST"
    if form.get("ApplicationSid"):
        raise Refusal(21218, "the simulated Twilio has no TwiML applications")
    if url:
        if not is_url(url):
            raise Refusal(21205)
        return url, method
    if twiml is None or not twiml.strip():
        raise Refusal(21205, "one of Url, Twiml and ApplicationSid is needed")
    return _inline(twiml), method


def _inline(twiml: str) -> str:
    if len(twiml) > INLINE_CHARACTERS:
        raise Refusal(32018)
    # what does not begin as TwiML would be taken for an address
    return twiml if twiml.lstrip().startswith("<") else f"<{twiml}"


def callback_of(form: Fields, name: str, known: tuple[str, ...], usual: tuple[str, ...]) -> Callback | None:
    """Read a callback with its method and its events."""
    url = form.url(name, 21609)
    events = form.all(f"{name}Event") or list(usual)
    # the older form has all of them in one value
    wanted = frozenset(event for value in events for event in value.replace(",", " ").split())
    if not wanted <= set(known):
        raise Refusal(20001, f"{name}Event")
    method = form.method(f"{name}Method", 21209) or "POST"
    return Callback(url, method, wanted) if url else None


def _detection(form: Fields) -> Detection | None:
    mode = form.one_of("MachineDetection", ("Enable", "DetectMessageEnd"))
    times = [form.integer(name, *most) or usual for name, (*most, usual) in _TIMES.items()]
    if mode is None:
        return None
    is_async = form.flag("AsyncAmd")
    callback = callback_of(form, "AsyncAmdStatusCallback", (), ()) if is_async else None
    return Detection(
        "Enable" if mode == "Enable" else "DetectMessageEnd",
        not is_async,
        callback.url if callback is not None else None,
        callback.method if callback is not None else "POST",
        1000.0 * times[0],
        *map(float, times[1:]),
    )


#: Each with its lowest, its highest and its usual value, in the order of `Detection`: the first in seconds.
_TIMES: Final = {
    "MachineDetectionTimeout": (3, 59, 30),
    "MachineDetectionSpeechThreshold": (1000, 6000, 2400),
    "MachineDetectionSpeechEndThreshold": (500, 5000, 1200),
    "MachineDetectionSilenceTimeout": (2000, 10000, 5000),
}


def taping_of(form: Fields, usual: str) -> Taping:
    """Read how a call is recorded."""
    channels = form.one_of("RecordingChannels", ("mono", "dual")) or usual
    track = form.one_of("RecordingTrack", ("inbound", "outbound", "both")) or "both"
    form.one_of("Trim", ("trim-silence", "do-not-trim"))
    callback = callback_of(form, "RecordingStatusCallback", ("in-progress", "completed", "absent"), ("completed",))
    return Taping(2 if channels == "dual" else 1, track, callback)


def update_of(form: Fields) -> Update:
    """Read a change of a call. `Url` and `Twiml` exclude each other here."""
    url, twiml = form.get("Url"), form.get("Twiml")
    if url and twiml:
        raise Refusal(20001, "Url and Twiml exclude each other")
    if url and not is_url(url):
        raise Refusal(21205)
    status = form.one_of("Status", ("completed", "canceled"))
    return Update(
        target=url or (_inline(twiml) if twiml else None),
        method=form.method("Method", 21209) or "POST",
        fallback_url=form.url("FallbackUrl", 21205) or None,
        fallback_method=form.method("FallbackMethod", 21209) or "POST",
        status="completed" if status == "completed" else "canceled" if status else None,
        lasts_s=form.integer("TimeLimit", 1, 24 * 3600),
        callback=callback_of(form, "StatusCallback", EVENTS, ("completed",)),
    )
