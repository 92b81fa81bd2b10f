"""Is the number ours, can it take calls, and does this server answer it? Asks Twilio and what answers; no telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple
from urllib.parse import urlencode, urlsplit

import aiohttp

from offhook.carrier.attach import wiring_for
from offhook.carrier.number import Number, Wiring
from offhook.errors import CarrierError
from offhook.setup.doctor.checks import twilio
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.traps import Trap, traps
from offhook.setup.doctor.verdict import Finding, ok, skip
from offhook.sim import signing
from offhook.sim.callbacks import voice_form
from offhook.sim.identity import CallIdentity

NUMBER: Final = "twilio-number"
WIRING: Final = "twilio-wiring"
TWIML: Final = "twiml"
_OURS: Final = "a number of this account that takes calls"
_WIRED: Final = "the number asks this server, with POST, at its voice webhook"
_ATTACH: Final = "let offhook write it: offhook numbers attach"
_ASK_S: Final = 6.0
_DOCUMENT_BYTES: Final = 65_536


async def run(patient: Patient) -> Sequence[Finding]:
    """Look at every number this set-up answers."""
    if twilio.unasked(patient):
        return [skip(NUMBER, "no Twilio credentials to try")]
    try:
        await twilio.account(patient)
        async with twilio.carrier_of(patient) as carrier:
            every = await carrier.numbers.all()
    except CarrierError as error:
        return [skip(NUMBER, f"Twilio does not say: {twilio.refused(NUMBER, error).found}")]
    found, chosen = choose(patient, every)
    for number in chosen:
        found += await _looked_at(patient, number)
    return found


def choose(patient: Patient, every: Sequence[Number]) -> tuple[list[Finding], list[Number]]:
    """Return the numbers to look at: those of the settings, else those that are wired here, else the only one."""
    assert patient.settings is not None
    named = list(patient.settings.numbers)
    by_number = {number.e164: number for number in every}
    if named:
        strangers = [
            _bad(
                NUMBER,
                "not-ours",
                f"{_called(one)}, named in the settings, is not one of this account's {len(every)} numbers",
                "correct [numbers] in offhook.toml, or use the credentials of the account that owns it",
            )
            for one in named
            if one not in by_number
        ]
        return strangers, [by_number[one] for one in named if one in by_number]
    able = [number for number in every if number.can_voice]
    here = [number for number in every if is_here(number.wiring, patient.public_url)]
    if here or len(able) == 1:
        return [], here or able
    if not every:
        return [_bad(NUMBER, "none", "the account has no number", "buy one that takes calls in the Twilio console")], []
    if not able:
        return [_mute("none of the account's numbers")], []
    said = f"none of the account's {len(every)} numbers is answered here"
    return [_bad(WIRING, "not-wired", said, _ATTACH)], []


def is_here(wiring: Wiring, public_url: str | None) -> bool:
    """Whether these addresses lead to the server at ``public_url``."""
    wanted, found = _read(public_url or ""), _read(wiring.voice_url)
    return bool(wanted.host) and (found.host, found.port) == (wanted.host, wanted.port)


class _Address(NamedTuple):
    """What counts of an address: not how its host is written, nor a password before it, nor Twilio's ``#rc=2``."""

    scheme: str
    host: str
    port: int
    path: str
    query: str


def _read(url: str) -> _Address:
    """Take an address apart. Twilio asks the usual port where none is named, and keeps a fragment to itself."""
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:  # somebody's own text in the console
        return _Address("", "", 0, "", "")
    usual = 443  # a webhook of http:// on the same host is the same server, asked wrongly
    return _Address(parts.scheme, parts.hostname or "", port or usual, parts.path or "/", parts.query)


async def _looked_at(patient: Patient, number: Number) -> list[Finding]:
    if not number.can_voice:
        return [_mute(_called(number.e164))]
    found = [ok(NUMBER, f"{_called(number.e164)} is this account's and takes calls")]
    wiring = number.wiring
    if wiring.overridden_by:
        words = {"trunk": "a SIP trunk", "application": "a TwiML application"}[wiring.overridden_by]
        return [
            *found,
            _bad(
                WIRING,
                f"overridden-{wiring.overridden_by}",
                f"{_called(number.e164)} is answered by {words}, so that its addresses do not count",
                f"{_ATTACH} --take-{wiring.overridden_by}",
            ),
        ]
    if not wiring.voice_url:
        return [*found, _bad(WIRING, "not-wired", f"nothing answers {_called(number.e164)}", _ATTACH)]
    if patient.public_url is not None and is_here(wiring, patient.public_url):
        return [*found, *_wired_here(patient, number)]
    return [*found, *await _elsewhere(patient, number)]


def _wired_here(patient: Patient, number: Number) -> list[Finding]:
    """Compare what is written at Twilio with what this server needs."""
    assert patient.public_url is not None
    assert patient.settings is not None
    wanted = wiring_for(patient.public_url, number.wiring, root=patient.settings.server.stream_path)
    wiring, called = number.wiring, _called(number.e164)
    found = []
    if _read(wiring.voice_url) != _read(wanted.voice_url):
        found.append(_unlike(called, wiring.voice_url, wanted.voice_url))
    elif wiring.voice_method != "POST":
        said = f"{called} asks this server with {wiring.voice_method}, which it does not answer"
        found.append(_bad(WIRING, "get", said, _ATTACH))
    if not wiring.fallback_url:
        found.append(
            Finding(
                WIRING,
                "warn",
                f"{called} has no fallback: while the server is down, callers hear an error and are hung up on",
                "no-fallback",
                "a fallback address that does not need this server",
                "make a TwiML Bin that says sorry, and give it: offhook numbers attach --fallback URL",
            )
        )
    elif _read(wiring.fallback_url).host == _read(wiring.voice_url).host:
        found.append(
            Finding(
                WIRING,
                "warn",
                f"{called} falls back to the very server whose failure it is for",
                "fallback-same-server",
                "a fallback address that does not need this server",
                "make a TwiML Bin that says sorry, and give it: offhook numbers attach --fallback URL",
            )
        )
    is_told = _read(wiring.status_url) == _read(wanted.status_url)
    if not is_told or wiring.status_method != "POST":
        how = " in a way that it understands (GET instead of POST)" if is_told else ""
        said = f"{called} does not tell this server{how} when a call has ended"
        fix = f"{_ATTACH}; it writes the status callback too"
        found.append(Finding(WIRING, "warn", said, "no-status-callback", "the status callback leads here", fix))
    return found or [ok(WIRING, f"{called} is answered by this server")]


def _unlike(called: str, found: str, wanted: str) -> Finding:
    """Say what is wrong with an address on the right host; a query may hold secrets and is not shown."""
    parts, right = _read(found), _read(wanted)
    if parts.scheme != right.scheme:
        said = f"{called} asks this server at {parts.scheme}:// instead of {right.scheme}://"
        return _bad(WIRING, "plain-http", f"{said}, which is redirected and then not answered", _ATTACH)
    shown = parts.path[:80] + ("?…" if parts.query else "")
    said = f"{called} asks this server at {shown}, which is not exactly its voice webhook, {right.path}"
    return _bad(WIRING, "wrong-path", said, _ATTACH)


async def _elsewhere(patient: Patient, number: Number) -> list[Finding]:
    """Say where the number leads instead, and what the document there would do with a call."""
    host = _read(number.wiring.voice_url).host or "an address that is none"
    called = _called(number.e164)
    if patient.public_url is None:
        return [skip(WIRING, f"{called} is answered by {host}; the public address is not known here")]
    is_bin = host == "handler.twilio.com"
    found = [
        _bad(
            WIRING,
            "wired-elsewhere",
            f"{called} is answered by {'a TwiML Bin' if is_bin else host}, not by this server",
            _ATTACH,
        )
    ]
    document = await _document(patient, number)
    if document is None:
        return [replace(found[0], found=f"{found[0].found}; and nothing good answers there")]
    kind, text = document
    wrong = traps(text)
    if not wrong and kind not in _XML:
        wrong = [
            Trap("content-type", f"is TwiML, but says it is {kind[:40] or 'nothing'}", "answer it as text/xml (12300)")
        ]
    return [
        *found,
        *(Finding(TWIML, "fail", f"the answer {trap.found}", trap.cause, _STREAMED, trap.fix) for trap in wrong),
        *([] if wrong else [ok(TWIML, f"{'the Bin' if is_bin else host} connects its calls to a stream")]),
    ]


#: What TwiML must be served as (Twilio, "How Twilio processes TwiML").
_XML: Final = ("text/xml", "application/xml")
_STREAMED: Final = "TwiML that connects the call to a wss:// stream"


async def _document(patient: Patient, number: Number) -> tuple[str, str] | None:
    """Ask what answers the number, as Twilio would, for its type and text; None where nothing usable comes back."""
    assert patient.session is not None
    assert patient.settings is not None
    account = patient.settings.twilio
    identity = CallIdentity(account_sid=account.account_sid or CallIdentity().account_sid, called=number.e164)
    form, url = voice_form(identity), number.wiring.voice_url
    token = account.auth_token.get_secret_value() if account.auth_token is not None else None
    is_get = number.wiring.voice_method == "GET"
    asked = f"{url}{'&' if urlsplit(url).query else '?'}{urlencode(form)}" if is_get else url
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    if token is not None:
        headers["X-Twilio-Signature"] = signing.sign_webhook(token, asked, () if is_get else form.items())
    try:
        async with patient.session.request(
            number.wiring.voice_method,
            asked,
            data=None if is_get else urlencode(form),
            headers=headers,
            timeout=aiohttp.ClientTimeout(_ASK_S),
        ) as answer:
            text = (await answer.content.read(_DOCUMENT_BYTES)).decode("utf-8", "replace")
            return (answer.content_type, text) if answer.status < 300 else None
    except (aiohttp.ClientError, OSError, ValueError):
        return None


def _called(e164: str) -> str:
    """Return words for a number that do not give it away."""
    return f"the number ending in {e164[-2:]}"


def _mute(who: str) -> Finding:
    fix = "choose a number that takes calls: `offhook numbers list` shows what each can"
    return _bad(NUMBER, "not-voice", f"{who} cannot take calls", fix)


def _bad(check: str, cause: str, found: str, fix: str) -> Finding:
    return Finding(check, "fail", found, cause, _OURS if check == NUMBER else _WIRED, fix)
