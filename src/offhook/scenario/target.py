"""Whom a scenario's caller calls, and how that is signed. Values."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from offhook.scenario.world import Bridge
from offhook.sim.reach import Reach


@dataclass(frozen=True, slots=True)
class Target:
    """A voice webhook or a stream. ``reach``: where its public name is reached on this machine."""

    url: str
    auth_token: str | None = None
    account_sid: str | None = None
    status_url: str | None = None
    reach: Reach | None = None

    @classmethod
    def of_bridge(cls, bridge: Bridge) -> Target:
        """Return how a running bridge is called: under its public name, reached where it listens."""
        if bridge.public is None:
            return cls(bridge.url, bridge.auth_token, bridge.account_sid)
        return cls.public(bridge.url, bridge.public, bridge.auth_token, bridge.account_sid)

    @classmethod
    def public(cls, url: str, public_url: str, auth_token: str | None, account_sid: str | None) -> Target:
        """Return a target that is asked and signed as ``public_url``, and reached where ``url`` says.

        So is every address of that host which the server names: of a stream, an action, a callback.
        """
        here, public = urlsplit(url), urlsplit(public_url)
        secure = "s" if public.scheme in ("https", "wss") else ""
        scheme = ("ws" if here.scheme in ("ws", "wss") else "http") + secure
        reach = Reach(f"{public.scheme}://{public.netloc}", f"{here.scheme}://{here.netloc}")
        return cls(here._replace(scheme=scheme, netloc=public.netloc).geturl(), auth_token, account_sid, reach=reach)
