"""Opens a stream's socket as Twilio does, and reads how one ended. Not the stream: no message passes here."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import urlsplit

from offhook.sim.address import stream_address
from offhook.sim.behaviour import Behaviour, dialled_url, signature_header
from offhook.sim.complaints import QUERY_STRING, LineFault
from offhook.sim.frames import Message
from offhook.sim.reach import Reach
from offhook.sim.tap import Tap
from offhook.sim.websocket import Ended, Socket

USER_AGENT: Final = "Twilio.TmeWs/1.0"


class Dialler:
    """Dials one stream. ``complain`` is told what Twilio would put up with."""

    def __init__(
        self,
        auth_token: str | None,
        behaviour: Behaviour,
        reach: Reach | None,
        tap: Tap | None,
        complain: Callable[[int, str], None],
    ) -> None:
        self._auth_token = auth_token
        self._behaviour = behaviour
        self._reach = reach
        self._tap = tap
        self._complain = complain

    async def open(
        self,
        url: str,
        on_message: Callable[[Message], None],
        on_ended: Callable[[Ended], None],
        headers: Mapping[str, str],
        tls: ssl.SSLContext | None,
    ) -> Socket:
        """Connect and upgrade. Raises `LineFault` with Twilio's code where that fails."""
        target, stripped = dialled_url(stream_address(url).geturl(), self._behaviour)
        if stripped:
            self._complain(QUERY_STRING, "stripped; use <Parameter> or a path segment")
        connected = target if self._reach is None else self._reach.local_url(target)
        signed = signature_header(target, self._auth_token, self._behaviour)
        try:
            host = {} if connected == target else {"Host": urlsplit(target).netloc.rpartition("@")[2]}
            sent = {**host, "User-Agent": USER_AGENT, **signed, **headers}
            socket = await Socket.open(connected, sent, on_message, on_ended, tls=tls)
        except LineFault as fault:
            if self._tap is not None:
                self._tap.refused(fault)
            raise
        if self._tap is not None:
            self._tap.opened()
        return socket


def fault_of(ended: Ended, behaviour: Behaviour) -> LineFault | None:
    """Return what Twilio reports of the way a server ended a stream; nothing where it was closed as it should be."""
    match ended.how:
        case "closed" if ended.code not in (1000, 1005) or behaviour.close_is_error:
            return LineFault(31921, f"close code {ended.code}")
        case "broken":
            return LineFault(31924, ended.text)
        case "reset" | "eof":
            return LineFault(31903, "the connection ended without a closing handshake")
        case _:
            return None
