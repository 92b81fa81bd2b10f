"""What the settings mean for a live server: where it may listen, and what a real call still lacks. Opens nothing."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping
from dataclasses import dataclass

from offhook.config.settings import Settings
from offhook.config.values import is_loopback
from offhook.errors import ConfigError
from offhook.platforms import platform_of

LOOPBACK = "127.0.0.1"
EVERYWHERE = "0.0.0.0"  # noqa: S104 - a server that answers Twilio must be reachable


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the server listens, and in words why there."""

    host: str
    port: int
    is_loopback: bool
    why: str

    def address(self, port: int) -> str:
        """Return host and ``port`` as they stand in a URL: an IPv6 address goes in brackets."""
        return f"[{self.host}]:{port}" if ":" in self.host else f"{self.host}:{port}"


def listening(settings: Settings, environ: Mapping[str, str]) -> Listening:
    """Decide where to listen. Raises ConfigError where that would be unsafe or unreachable.

    Without an auth token no signature can be checked, so anybody could speak to the agent at our cost: then only this
    machine may connect.
    """
    host, port = settings.server.host, settings.server.port
    platform, signed = platform_of(environ), settings.twilio.auth_token is not None
    problem = _unsafe_or_unreachable(host, platform, is_signed=signed)
    if problem:
        raise ConfigError([problem])
    if not signed:
        why = "TWILIO_AUTH_TOKEN is not set, so streams are accepted unsigned and from this machine only"
        return Listening(host or LOOPBACK, port, is_loopback=True, why=why)
    if host and is_loopback(host):
        return Listening(host, port, is_loopback=True, why="server.host says so")
    return Listening(host or EVERYWHERE, port, is_loopback=False, why="webhooks and streams must be signed by Twilio")


def _unsafe_or_unreachable(host: str, platform: str | None, *, is_signed: bool) -> str:
    if platform and not is_signed:
        return (
            f"twilio.auth_token: is not set, so nothing on {platform} could reach this server; "
            f"set TWILIO_ACCOUNT_SID and TWILIO_AUTH_TOKEN among {platform}'s variables"
        )
    if not is_signed and host and not is_loopback(host):
        return (
            "server.host: is open to others although TWILIO_AUTH_TOKEN is not set, so no signature could be checked; "
            "set the token, or leave server.host away to listen on this machine only"
        )
    if platform and host and is_loopback(host):
        return (
            f"server.host: is this machine only, so {platform}'s router could not reach it; leave server.host away, "
            "or write 0.0.0.0"
        )
    return ""


def lacking_for_real_calls(settings: Settings) -> list[str]:
    """Return what is still missing before a real caller can reach the real agent, one line each with the fix."""
    lacking = []
    if settings.deepgram.api_key is None:
        lacking.append("DEEPGRAM_API_KEY is not set: create a key in the Deepgram console under API Keys")
    if settings.twilio.auth_token is None:
        lacking.append("TWILIO_AUTH_TOKEN is not set: it is in the Twilio console under Account Info")
    if settings.server.public_url is None:
        lacking.append("OFFHOOK_PUBLIC_URL is not set: the https address under which Twilio reaches this server")
    return lacking


def must_be_known(settings: Settings) -> None:
    """Raise ConfigError for a server half configured: signatures cover the public address."""
    if settings.twilio.auth_tokens and settings.server.public_url is None:
        raise ConfigError([line for line in lacking_for_real_calls(settings) if "PUBLIC_URL" in line])


def must_be_sound(settings: Settings, environ: Mapping[str, str]) -> Listening:
    """Return where to listen; raise one ConfigError with everything that forbids to serve."""
    problems: list[str] = []
    where: Listening | None = None
    try:
        where = listening(settings, environ)
    except ConfigError as error:
        problems += error.problems
    try:
        must_be_known(settings)
    except ConfigError as error:
        problems += error.problems
    if where is None or problems:
        raise ConfigError(problems)
    return where


def cannot_listen(where: Listening, error: OSError | UnicodeError) -> str:
    """Say which setting is at fault where the system refuses to listen: the port, or the interface."""
    number = error.errno or 0 if isinstance(error, OSError) else 0
    why = os.strerror(number) if number > 0 else "no such host"
    at = where.address(where.port)
    if number == errno.EADDRINUSE:
        fix = "stop that, or choose another port with PORT or --port"
        return f"server.port: cannot listen on {at}: something else listens there already; {fix}"
    if number == errno.EACCES:
        fix = "choose a port from 1024 on, with PORT or --port"
        return f"server.port: cannot listen on {at}: this system does not permit it; {fix}"
    return f"server.host: cannot listen on {at} ({why}); leave server.host away, or name an address of this machine"


def identity(environ: Mapping[str, str]) -> dict[str, str]:
    """Return what tells this process from its predecessors in one log: deployment and replica, where known."""
    named = {"deployment": "RAILWAY_DEPLOYMENT_ID", "replica": "RAILWAY_REPLICA_ID"}
    return {field: environ[variable] for field, variable in named.items() if environ.get(variable)}
