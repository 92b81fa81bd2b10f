"""What has Twilio's debugger noted of late, and what does each code mean? Reads its alerts; changes nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from offhook.carrier.alerts import Alert
from offhook.errors import CarrierError
from offhook.setup.doctor.checks import twilio
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip

NAME: Final = "twilio-debugger"
#: How far back it is looked.
HOURS: Final = 24
#: Kinds of trouble told at most; more are counted.
_TOLD: Final = 8

_CERTIFICATE: Final = "look at the check of the public address: Twilio needs a valid certificate for that name"
_REACH: Final = "was the server down, or its address another? compare the number's address with OFFHOOK_PUBLIC_URL"
#: Code → what happened, what to do. Source: Twilio's error pages.
MEANINGS: Final[Mapping[int, tuple[str, str]]] = {
    10002: ("the account is a trial and may not do this", "upgrade the account in the Twilio console"),
    10004: ("the account had as many calls at once as it may have", "have the limit raised in the Twilio console"),
    11100: ("an address in a number or in TwiML is malformed", "write whole addresses: https://HOST/PATH"),
    11200: (
        "a webhook did not answer 2xx with TwiML",
        "look at the server's log at that time; 403 there is a signature, 404 a wrong path, 5xx the platform",
    ),
    11205: ("Twilio could not connect to a webhook", _REACH),
    11206: ("a webhook broke the HTTP protocol", "look what stands in front of the server"),
    11210: ("the host name of a webhook does not exist", "correct the number's address; a tunnel's name changes"),
    11215: ("a webhook redirects too often", "use the address that it redirects to in the end"),
    11220: ("TLS failed at a webhook", _CERTIFICATE),
    11235: ("the certificate is for another name", _CERTIFICATE),
    11236: ("the certificate has expired", _CERTIFICATE),
    11237: ("nobody whom Twilio trusts has signed the certificate", _CERTIFICATE),
    11750: ("TwiML was larger than 64 KB", "shorten it; does a web page answer there?"),
    11770: ("a webhook answered with an empty body", "is an old server, or another one, at that address?"),
    12100: (
        "what a webhook answered is not TwiML",
        "a web page or an error page answers there: is this the address of offhook, and is it running?",
    ),
    12102: ("the root of the TwiML is not <Response>", "let offhook answer, or correct the TwiML"),
    12200: ("TwiML has a verb or an attribute that does not exist", "correct its spelling; it was ignored"),
    12300: ("a webhook answered with another type than text/xml", "is this the address of offhook?"),
    13214: ("the callerId of a <Dial> is not the caller's and not the account's", "use one of the account's numbers"),
    13224: ("a number that was dialled is not valid", "correct `call.when_agent_fails.dial`, in E.164"),
    13227: ("the account may not call that country", "permit it: Voice, Geographic Permissions in the console"),
    15002: ("status callbacks wait too long", "look whether the server is overloaded"),
    15003: ("a status callback was not taken", "let `offhook numbers attach` write the status callback"),
    21264: ("a trial account was called by a number that is not verified", "verify it, or upgrade the account"),
    31900: ("a stream failed for a reason Twilio does not say", "look at the server's log at that time"),
    31901: ("a stream's connection timed out", "is the server's port open to the world, and the tunnel running?"),
    31902: ("a stream's connection was refused", "was the server down? does the domain lead to the server's port?"),
    31903: (
        "a stream broke off",
        "the server died or was restarted during a call, or a proxy cuts idle or long connections",
    ),
    31904: ("a stream's host could not be reached", "does the name exist, and lead to a public address?"),
    31910: ("TLS failed at a stream", _CERTIFICATE),
    31920: (
        "the server did not answer a stream with 101",
        "a wrong path, a query string on the stream address, or a proxy that does not pass WebSockets on",
    ),
    31921: ("the server closed a stream", "mostly the ordinary end of a call; else look at the server's log"),
    31922: ("a stream address is not wss://", "write wss:// in the TwiML, or let offhook answer"),
    31923: ("a stream address is malformed", "correct it: wss://HOST/PATH"),
    31924: (
        "the WebSocket protocol was broken",
        "mostly something between Twilio and the server changes what passes: try another tunnel or proxy",
    ),
    31930: ("the server read too slowly, and caller audio was lost", "it was overloaded: lower limits.calls"),
    31931: ("more than ten minutes of audio were queued", "the agent sends without end; look at its prompt"),
    31941: ("a stream asked for a track that <Connect> does not have", "leave `track` out under <Connect>"),
    31950: ("the server sent a binary frame", "another server than offhook answers, or it is out of date"),
    31951: ("the server sent a message that Twilio does not know", "update offhook, or report this"),
    31952: ("an extension was asked for that does not exist", "correct the TwiML"),
    31953: ("the caller's audio stopped", "a fault of the caller's network or of Twilio's; nothing to do here"),
}
#: Codes that are news, not trouble.
_HARMLESS: Final = frozenset({31921, 31953})


async def run(patient: Patient) -> Sequence[Finding]:
    """Read the alerts of the last day and say what each kind means."""
    if twilio.unasked(patient):
        return [skip(NAME, "no Twilio credentials to try")]
    try:
        await twilio.account(patient)
        async with twilio.carrier_of(patient) as carrier:
            found = await carrier.alerts(datetime.now(UTC) - timedelta(hours=HOURS))
    except CarrierError as error:
        return [skip(NAME, f"Twilio does not say: {twilio.refused(NAME, error).found}")]
    return judge(found)


def judge(found: Iterable[Alert]) -> list[Finding]:
    """Say what the alerts mean, each code once, the most frequent first."""
    counted = Counter(alert.code for alert in found)
    told = [_meaning(code, times) for code, times in counted.most_common(_TOLD)]
    left = len(counted) - len(told)
    if left > 0:
        told.append(skip(NAME, f"{left} more kinds of trouble; see the debugger in the Twilio console"))
    return told or [ok(NAME, f"nothing noted in {HOURS} hours")]


def _meaning(code: int, times: int) -> Finding:
    said, fix = MEANINGS.get(
        code, ("something offhook has no words for", f"see https://www.twilio.com/docs/errors/{code}")
    )
    often = f"{times} times" if times > 1 else "once"
    found = f"{code}, {often} in {HOURS} hours: {said}"
    if code in _HARMLESS:
        return ok(NAME, found)
    return Finding(NAME, "warn", found, f"code-{code}", "a debugger without entries", fix)
