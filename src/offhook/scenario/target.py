"""Whom a scenario's caller calls, and how that is signed. Values."""

from __future__ import annotations

from dataclasses import dataclass

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
