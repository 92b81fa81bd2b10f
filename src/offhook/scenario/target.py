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
    sign_as: str | None = None
    reach: Reach | None = None

    @classmethod
    def of_bridge(cls, bridge: Bridge) -> Target:
        """Return how a running bridge is called: under its public name, reached where it listens."""
        if bridge.public is None:
            return cls(bridge.url, bridge.auth_token, bridge.account_sid)
        here, public = urlsplit(bridge.url), urlsplit(bridge.public)
        scheme = {"http": "http", "ws": "ws"}.get(public.scheme, here.scheme.removesuffix("s") + "s")
        url = here._replace(scheme=scheme, netloc=public.netloc).geturl()
        reach = Reach(f"{public.scheme}://{public.netloc}", f"{here.scheme}://{here.netloc}")
        return cls(url, bridge.auth_token, bridge.account_sid, reach=reach)
