"""Calls itself: a correctly signed webhook and stream through the public address, timed. No real telephone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode, urlsplit

import aiohttp

from offhook.config.settings import Settings
from offhook.setup.doctor.checks import address
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip
from offhook.sim import signing
from offhook.sim.call import CallOptions, SimulatedCall
from offhook.sim.callbacks import voice_form
from offhook.sim.caller import HangUp, Step, WaitForAgent
from offhook.sim.events import AgentHeard, Event, Fetched, StreamStarted
from offhook.sim.identity import CallIdentity
from offhook.sim.report import CallReport

WEBHOOK: Final = "webhook"
STREAM: Final = "stream"
CALL: Final = "call"
PATH: Final = "/twilio/voice"
#: The doctor has fifteen seconds for everything.
LIMIT_S: Final = 10.0
HEAR_S: Final = 8.0
#: An agent that has spoken for so long was heard: nobody has to wait, or pay, for the rest of its greeting.
ENOUGH_S: Final = 0.3
_ASK_S: Final = 5.0
_EXPECTED: Final = "a signed call through the public address that hears the agent"


@dataclass(frozen=True, slots=True)
class Steps:
    """When each step of the call was reached, in ms since it was dialled; None where it was not."""

    webhook_status: int | None
    webhook_ms: float | None
    stream_ms: float | None
    heard_ms: float | None


async def run(patient: Patient) -> Sequence[Finding]:
    """Make the call and say how far it came."""
    if (why := address.unasked(patient, CALL)) is not None:
        return [why]
    if not address.is_good(await address.answered(patient)):
        return [skip(CALL, "offhook does not answer at the public address")]
    assert patient.public_url is not None
    report = await call(patient.public_url, patient.settings)
    steps = steps_of(report)
    if steps.webhook_status in (401, 403):
        return [await _signature(patient)]
    return judge(report, steps, is_signed=_account(patient.settings)[0] is not None)


async def call(public_url: str, settings: Settings | None, heard_s: float = HEAR_S) -> CallReport:
    """Call the public address as Twilio would, listen until the agent is heard, hang up."""
    token, identity = _account(settings)
    steps: list[Step] = [WaitForAgent(timeout_s=heard_s, longest_s=ENOUGH_S), HangUp()]
    options = CallOptions(auth_token=token, identity=identity, limit_s=LIMIT_S)
    return await SimulatedCall(public_url + PATH, steps, options).run()


def _account(settings: Settings | None) -> tuple[str | None, CallIdentity]:
    twilio = settings.twilio if settings is not None else None
    token = twilio.auth_token.get_secret_value() if twilio is not None and twilio.auth_token is not None else None
    if twilio is not None and twilio.account_sid is not None:
        return token, CallIdentity(account_sid=twilio.account_sid)
    return token, CallIdentity()


def steps_of(report: CallReport) -> Steps:
    """Read the steps out of a call's events."""
    fetched = _first(report, Fetched)
    started = _first(report, StreamStarted)
    heard = _first(report, AgentHeard)
    status = fetched.status if isinstance(fetched, Fetched) else _status(report)
    return Steps(
        status,
        fetched.at_ms if fetched is not None else None,
        started.at_ms if started is not None else None,
        heard.at_ms if heard is not None else None,
    )


def _first(report: CallReport, kind: type[Event]) -> Event | None:
    return next((event for event in report.events if isinstance(event, kind)), None)


def _status(report: CallReport) -> int | None:
    return next((found.http_status for found in report.complaints if found.http_status is not None), None)


def judge(report: CallReport, steps: Steps, *, is_signed: bool = True) -> list[Finding]:
    """Say how long each step took, or which one failed and why."""
    if steps.stream_ms is None:
        return [_no_stream(report)]
    how = "took our signature and answered" if is_signed else "answered unsigned"
    found = [ok(WEBHOOK, f"the webhook {how}, {steps.webhook_ms or 0:.0f} ms after dialling")]
    found.append(ok(STREAM, f"the media stream opened {steps.stream_ms:.0f} ms after dialling"))
    if steps.heard_ms is None:
        said = f"silence: no agent audio within {HEAR_S:.0f} s of a good stream"
        fix = "look at the checks of Deepgram above, and at the server's log of this call"
        return [*found, Finding(CALL, "fail", said, "dead-air", _EXPECTED, fix)]
    found.append(ok(CALL, f"the agent was heard {steps.heard_ms:.0f} ms after dialling"))
    found += [
        Finding(CALL, "warn", str(complaint), f"twilio-{complaint.code}", "a call without complaints", "see the code")
        for complaint in report.complaints
    ]
    return found


def _no_stream(report: CallReport) -> Finding:
    refused = next((found for found in report.complaints if found.code == 31920), None)
    if refused is not None:
        return Finding(
            STREAM,
            "fail",
            f"the WebSocket upgrade was answered with {refused.http_status or 'something else than 101'}",
            f"upgrade-{refused.http_status or 'refused'}",
            "101 Switching Protocols",
            "let the proxy or platform in front pass WebSockets on to offhook, without rewriting the path",
        )
    if any(verb.lower().startswith(("say", "reject", "hangup", "dial")) for verb in report.twiml):
        said = "the server answered the webhook, but without a stream: it does not take calls now"
        fix = "ask /readyz at the public address for the reason"
        return Finding(WEBHOOK, "fail", said, "not-ready", _EXPECTED, fix)
    reason = "; ".join(report.why_not[:2]) or "no stream was opened"
    return Finding(WEBHOOK, "fail", reason, "no-stream", _EXPECTED, "look at the server's log of this minute")


async def _signature(patient: Patient) -> Finding:
    """The right signature was refused: find out which form of the address the server would have accepted."""
    assert patient.public_url is not None
    token, identity = _account(patient.settings)
    if token is None:
        return skip(WEBHOOK, "TWILIO_AUTH_TOKEN is not known here, so nothing can be signed")
    for form in _forms(patient):
        if await _accepts(patient, form, token, identity):
            return Finding(
                WEBHOOK,
                "fail",
                f"the server takes signatures over {form}, while Twilio signs {patient.public_url}",
                "signature-form",
                "a public_url that is exactly what Twilio is given",
                f"set OFFHOOK_PUBLIC_URL to {patient.public_url} on the server, and start it again",
            )
    return Finding(
        WEBHOOK,
        "fail",
        "the server refuses our signature over every form of the address",
        "signature-token",
        "the same TWILIO_AUTH_TOKEN here and on the server",
        "copy the primary auth token of this account to the server's variables, and start it again",
    )


def _forms(patient: Patient) -> list[str]:
    """Return the addresses the server may believe to have: its settings', and spellings of the one it has."""
    assert patient.public_url is not None
    parts = urlsplit(patient.public_url)
    bare = parts.hostname or ""
    other = bare.removeprefix("www.") if bare.startswith("www.") else f"www.{bare}"
    port = parts.port or (443 if parts.scheme == "https" else 80)
    known = [str(patient.settings.server.public_url or "")] if patient.settings is not None else []
    spelt = [
        *(f"http://{parts.netloc}", f"https://{parts.netloc}", f"{parts.scheme}://{bare}:{port}"),
        *(f"{parts.scheme}://{bare}", f"{parts.scheme}://{other}", f"http://{bare}:8080", "http://localhost:8080"),
    ]
    return [form for form in dict.fromkeys([*known, *spelt]) if form and form != patient.public_url]


async def _accepts(patient: Patient, form: str, token: str, identity: CallIdentity) -> bool:
    """Ask a webhook that starts no call, signed over ``form``."""
    assert patient.session is not None
    told = {**voice_form(identity), "CallStatus": "completed"}
    headers = {
        "X-Twilio-Signature": signing.sign(token, form + "/twilio/status", told.items()),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    try:
        async with patient.session.post(
            f"{patient.public_url}/twilio/status",
            data=urlencode(told),
            headers=headers,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(_ASK_S),
        ) as answer:
            return answer.status < 300
    except (aiohttp.ClientError, OSError):
        return False
