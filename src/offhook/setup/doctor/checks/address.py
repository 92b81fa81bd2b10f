"""Is there an offhook at the public address? Names what answers instead. Makes one plain request; no call."""

from __future__ import annotations

import ipaddress
import re
import socket
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from offhook.config.values import is_loopback
from offhook.setup.doctor.patient import Patient
from offhook.setup.doctor.verdict import Finding, ok, skip
from offhook.setup.tunnel.ngrok_codes import code_in, meaning

NAME: Final = "public-url"
_ASK_S: Final = 6.0
#: Of a page that is not ours, only its beginning says what it is.
_READ_BYTES: Final = 4096
_LOGIN: Final = re.compile(r"(?i)log-?in|sign-?in|/access/|oauth|auth\.")
_EXPECTED: Final = "an offhook that answers 200 on /livez over https"


@dataclass(frozen=True, slots=True)
class Answered:
    """What a plain request got: a status and a beginning of the body, or why there was none."""

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    failed: tuple[str, str, str] | None = None


async def run(patient: Patient) -> Sequence[Finding]:
    """Look at the public address."""
    url = patient.public_url
    if url is None:
        return [
            Finding(
                NAME,
                "fail",
                "nobody has said how the world reaches this server",
                "missing",
                _EXPECTED,
                "set OFFHOOK_PUBLIC_URL, or name it: offhook doctor --url https://…",
            )
        ]
    wrong = form(url) or _only_here(patient)
    if wrong is not None:
        return [wrong]
    return [judge(await answered(patient))]


def _only_here(patient: Patient) -> Finding | None:
    """Refuse an address of this computer in the settings, unless a stand-in on this computer is all that calls."""
    if patient.settings is None or patient.url is not None:
        return None
    ours, twilios = (urlsplit(each).hostname or "" for each in (patient.public_url, patient.settings.twilio.api_url))
    if not is_loopback(str(ours)) or is_loopback(str(twilios)):
        return None
    return _bad(
        "loopback",
        "the settings name this computer itself, where nobody else gets to",
        "take OFFHOOK_PUBLIC_URL away and run `offhook dev`, which opens a tunnel; or set the server's real address",
    )


def form(url: str) -> Finding | None:
    """Judge the address as text; None where it may be right."""
    parts = urlsplit(url)
    if parts.scheme in ("ws", "wss"):
        return _bad("scheme", f"begins with {parts.scheme}://", "write the web address, which begins with https://")
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        return _bad("scheme", "does not begin with https://", "Twilio opens streams over TLS only: use https://")
    if _is_private(parts.hostname or ""):
        return _bad(
            "private",
            f"{parts.hostname} is an address inside a private network, where Twilio does not get to",
            "use the address that the platform or the tunnel shows to the world",
        )
    if parts.path not in ("", "/") or parts.query:
        return _bad("path", "has a path or a query", "end it after the host; offhook adds its own paths")
    return None


def _is_private(host: str) -> bool:
    try:
        return not ipaddress.ip_address(host).is_global and not is_loopback(host)
    except ValueError:
        return host.endswith((".internal", ".local", ".lan", ".home", ".localdomain"))


async def answered(patient: Patient) -> Answered:
    """Ask the address for /livez, once for all checks."""
    return await patient.once("livez", lambda: _ask(patient))


async def _ask(patient: Patient) -> Answered:
    assert patient.session is not None
    try:
        async with patient.session.get(
            f"{patient.public_url}/livez",
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(_ASK_S),
            headers={"User-Agent": "offhook-doctor"},
        ) as answer:
            body = (await answer.content.read(_READ_BYTES)).decode("utf-8", "replace")
            return Answered(answer.status, {name.lower(): value for name, value in answer.headers.items()}, body)
    except (aiohttp.ClientError, OSError, ValueError) as error:
        cause, found, fix = _unreached(error)
        port = urlsplit(patient.public_url or "").port
        if cause in ("timeout", "refused", "tls-broken") and port is not None:
            fix = f"{fix} (on a platform or behind a tunnel, leave :{port} away)"
        return Answered(failed=(cause, found, fix))


def _unreached(error: Exception) -> tuple[str, str, str]:
    """Return case, what was found and the fix, for an address that gave no answer at all."""
    match error:
        case aiohttp.ClientConnectorCertificateError() | ssl.SSLCertVerificationError():
            return (
                "tls-invalid",
                "its certificate is not valid for this name, has expired or is self-signed",
                "let the platform make the certificate, or renew it; Twilio refuses every other",
            )
        case aiohttp.ClientConnectorSSLError() | ssl.SSLError():
            return ("tls-broken", "it does not speak TLS there", "use the platform's https address, without a port")
        case aiohttp.ClientConnectorDNSError() | socket.gaierror():
            return (
                "not-resolving",
                "its name does not exist",
                "correct a misspelt name; a new domain takes minutes, and a tunnel has a new name at each start",
            )
        case TimeoutError():
            return ("timeout", f"no answer within {_ASK_S:.0f} s", "is the server running, and its port open?")
        case ConnectionRefusedError() | aiohttp.ClientConnectorError():
            return ("refused", "nothing listens there", "start the server; check host and port of the address")
        case _:
            return ("broken-off", "the connection was broken off", "does a web server listen there, on this port?")


def judge(found: Answered) -> Finding:
    """Judge what came back from /livez."""
    if found.failed is not None:
        cause, said, fix = found.failed
        return _bad(cause, said, fix)
    # ngrok's error codes come in a header and on its pages (ngrok, "Error codes")
    code = code_in(found.headers.get("ngrok-error-code", "")) or code_in(found.body)
    if code:
        known = meaning(code)
        return _bad(known.case, f"{known.said} (ERR_NGROK_{code})", known.fix)
    railway = "x-railway-edge" in found.headers or "railway" in found.headers.get("server", "").lower()
    match found.status:
        case 200 if '"alive"' in found.body:
            return ok(NAME, "offhook answers there")
        case 200:
            return _bad("stranger", "something else than offhook answers there", "is this the address of offhook?")
        case 301 | 302 | 303 | 307 | 308 if _LOGIN.search(found.headers.get("location", "")):
            return _protected(f"it answers {found.status} and leads to a login")
        case 301 | 302 | 303 | 307 | 308:
            host = urlsplit(found.headers.get("location", "")).hostname or "elsewhere"
            return _bad(
                "redirects",
                f"it answers {found.status}, a redirect to {host}, which Twilio does not follow for streams",
                "use the address it redirects to, exactly: with https and with or without www",
            )
        case 404 if railway or "Application not found" in found.body:
            return _bad(
                "no-deployment",
                "Railway knows no running deployment behind this name",
                "deploy the service, and check the name in its settings under Networking",
            )
        case 404:
            return _bad("not-found", "it answers 404: a server, but not offhook", "is this the address of offhook?")
        case 426:
            return _bad(
                "websocket-only",
                "it answers 426: a bare WebSocket server without web pages, so not offhook",
                "deploy offhook itself: `offhook serve` answers webhooks and streams on one port",
            )
        case 530:
            return _bad(
                "tunnel-offline",
                "Cloudflare answers 530: no tunnel or server is connected behind this name",
                "start cloudflared, or `offhook dev`, which opens a tunnel and points the number at it",
            )
        case 502 | 503 | 504 | 520 | 521 | 522 | 523 | 524 | 525 | 526:
            return _bad(
                f"gateway-{found.status}",
                f"the platform answers {found.status}: it cannot talk to the server behind it",
                "look whether the deployment runs, listens on 0.0.0.0 and on the PORT the platform gives, and whether "
                "the domain's target port is that port",
            )
        case 401 | 403:
            return _protected(f"it answers {found.status}: something asks for a login before the server")
        case 429:
            return _bad(
                "limited",
                "it answers 429: too many requests, or the host's plan is used up",
                "wait a minute and look again; then look at the plan and its limits in the host's pages",
            )
        case status if status >= 500:
            said = f"it answers {status}: the server there fails by itself"
            return _bad("server-error", said, "read its log of this minute; is it offhook that runs there?")
        case status:
            return _bad("odd-status", f"it answers {status}", "is this the address of offhook?")


def _protected(found: str) -> Finding:
    fix = "take the password or access rule off this address; offhook checks Twilio's signature itself"
    return _bad("protected", found, fix)


def _bad(cause: str, found: str, fix: str) -> Finding:
    return Finding(NAME, "fail", found, cause, _EXPECTED, fix)


def is_good(found: Answered) -> bool:
    """Whether an offhook answers there."""
    return judge(found).verdict == "ok"


def unasked(patient: Patient, check: str) -> Finding | None:
    """Return why a check that needs the address cannot be made; None where it can as far as text says."""
    if patient.public_url is None or form(patient.public_url) is not None:
        return skip(check, "the public address is not known or not right")
    return None
