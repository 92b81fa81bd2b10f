"""Every path the simulated REST API answers, with the permission it needs. One line each; no behaviour."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from offhook.sim.rest import accounts, alerts, calls, messages, numbers, recordings, streams
from offhook.sim.rest.asked import Answered, Asked
from offhook.sim.rest.lines import Lines
from offhook.sim.rest.telling import Told

Answer = Callable[[Asked], Awaitable[Answered]]
_BASE: Final = "/2010-04-01/Accounts"
_OWN: Final = _BASE + "/{account}"


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path. ``permission`` is what a restricted key must have; test credentials need ``on_test``."""

    method: str
    path: str
    permission: str
    answer: Answer
    on_test: bool = False

    def match(self, path: str) -> dict[str, str] | None:
        """Return the names in the path; None where it is another path."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+?)", re.escape(self.path))
        found = re.fullmatch(pattern, path)
        return None if found is None else found.groupdict()


def routes(lines: Lines, told: Told) -> tuple[Route, ...]:
    """Return every route."""

    async def send_message(asked: Asked) -> Answered:
        return await messages.create(asked, told)

    async def place_call(asked: Asked) -> Answered:
        return await calls.create(asked, lines)

    async def change_call(asked: Asked) -> Answered:
        return await calls.update(asked, lines)

    async def start_recording(asked: Asked) -> Answered:
        return await recordings.start(asked, lines)

    async def change_recording(asked: Asked) -> Answered:
        return await recordings.update(asked, lines)

    async def start_stream(asked: Asked) -> Answered:
        return await streams.start(asked, lines)

    async def stop_stream(asked: Asked) -> Answered:
        return await streams.stop(asked, lines)

    recording, taped = _OWN + "/Recordings", _OWN + "/Calls/{call_sid}/Recordings"
    number, message, call = _OWN + "/IncomingPhoneNumbers", _OWN + "/Messages", _OWN + "/Calls"
    return (
        Route("GET", f"{_BASE}.json", "/twilio/iam/accounts/list", accounts.listed),
        Route("GET", f"{_OWN}.json", "/twilio/iam/accounts/read", accounts.fetch),
        Route("GET", f"{number}.json", "/twilio/phone-numbers/incoming/list", numbers.listed),
        Route("POST", f"{number}.json", "/twilio/phone-numbers/incoming/create", numbers.buy, on_test=True),
        Route("GET", f"{number}/{{sid}}.json", "/twilio/phone-numbers/incoming/read", numbers.fetch),
        Route("POST", f"{number}/{{sid}}.json", "/twilio/phone-numbers/incoming/update", numbers.update),
        Route("DELETE", f"{number}/{{sid}}.json", "/twilio/phone-numbers/incoming/delete", numbers.release),
        Route("GET", f"{call}.json", "/twilio/voice/calls/list", calls.listed),
        Route("POST", f"{call}.json", "/twilio/voice/calls/create", place_call, on_test=True),
        Route("GET", f"{call}/{{sid}}.json", "/twilio/voice/calls/read", calls.fetch),
        Route("POST", f"{call}/{{sid}}.json", "/twilio/voice/calls/update", change_call),
        Route("DELETE", f"{call}/{{sid}}.json", "/twilio/voice/calls/delete", calls.remove),
        Route("GET", f"{taped}.json", "/twilio/voice/recordings/list", recordings.listed_of_call),
        Route("POST", f"{taped}.json", "/twilio/voice/recordings/create", start_recording),
        Route("GET", f"{taped}/{{sid}}.json", "/twilio/voice/recordings/read", recordings.fetch_of_call),
        Route("POST", f"{taped}/{{sid}}.json", "/twilio/voice/recordings/update", change_recording),
        Route("DELETE", f"{taped}/{{sid}}.json", "/twilio/voice/recordings/delete", recordings.remove),
        Route("GET", f"{recording}.json", "/twilio/voice/recordings/list", recordings.listed),
        Route("GET", f"{recording}/{{sid}}.json", "/twilio/voice/recordings/read", recordings.fetch),
        Route("DELETE", f"{recording}/{{sid}}.json", "/twilio/voice/recordings/delete", recordings.remove),
        Route("GET", f"{recording}/{{sid}}.wav", "/twilio/voice/recordings/read", recordings.media),
        Route("GET", f"{recording}/{{sid}}", "/twilio/voice/recordings/read", recordings.media),
        Route("POST", f"{call}/{{call_sid}}/Streams.json", "/twilio/voice/streams/create", start_stream),
        Route("POST", f"{call}/{{call_sid}}/Streams/{{sid}}.json", "/twilio/voice/streams/update", stop_stream),
        Route("GET", f"{message}.json", "/twilio/messaging/messages/list", messages.listed),
        Route("POST", f"{message}.json", "/twilio/messaging/messages/create", send_message, on_test=True),
        Route("GET", f"{message}/{{sid}}.json", "/twilio/messaging/messages/read", messages.fetch),
        Route("POST", f"{message}/{{sid}}.json", "/twilio/messaging/messages/update", messages.redact),
        Route("DELETE", f"{message}/{{sid}}.json", "/twilio/messaging/messages/delete", messages.remove),
        Route("GET", f"{_OWN}/Notifications.json", "/twilio/monitor/alerts/list", alerts.listed),
        Route("GET", f"{call}/{{call_sid}}/Notifications.json", "/twilio/monitor/alerts/list", alerts.listed),
        Route("GET", f"{_OWN}/Notifications/{{sid}}.json", "/twilio/monitor/alerts/read", alerts.fetch),
        Route("GET", f"{call}/{{call_sid}}/Notifications/{{sid}}.json", "/twilio/monitor/alerts/read", alerts.fetch),
        Route("GET", "/v1/Alerts", "/twilio/monitor/alerts/list", alerts.listed_v1),
        Route("GET", "/v1/Alerts/{sid}", "/twilio/monitor/alerts/read", alerts.fetch_v1),
    )
