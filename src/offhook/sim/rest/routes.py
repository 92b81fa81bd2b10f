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

    def by(answer: Callable[[Asked, Lines], Awaitable[Answered]]) -> Answer:
        return lambda asked: answer(asked, lines)

    recording, taped = _OWN + "/Recordings", _OWN + "/Calls/{call_sid}/Recordings"
    number, message, call = _OWN + "/IncomingPhoneNumbers", _OWN + "/Messages", _OWN + "/Calls"
    return (
        Route("GET", f"{_BASE}.json", "/twilio/iam/accounts/list", by(accounts.listed)),
        Route("GET", f"{_OWN}.json", "/twilio/iam/accounts/read", accounts.fetch),
        Route("GET", f"{number}.json", "/twilio/phone-numbers/incoming/list", numbers.listed),
        Route("POST", f"{number}.json", "/twilio/phone-numbers/incoming/create", numbers.buy, on_test=True),
        Route("GET", f"{number}/{{sid}}.json", "/twilio/phone-numbers/incoming/read", numbers.fetch),
        Route("POST", f"{number}/{{sid}}.json", "/twilio/phone-numbers/incoming/update", numbers.update),
        Route("DELETE", f"{number}/{{sid}}.json", "/twilio/phone-numbers/incoming/delete", numbers.release),
        Route("GET", f"{call}.json", "/twilio/voice/calls/list", by(calls.listed)),
        Route("POST", f"{call}.json", "/twilio/voice/calls/create", by(calls.create), on_test=True),
        Route("GET", f"{call}/{{sid}}.json", "/twilio/voice/calls/read", by(calls.fetch)),
        Route("POST", f"{call}/{{sid}}.json", "/twilio/voice/calls/update", by(calls.update)),
        Route("DELETE", f"{call}/{{sid}}.json", "/twilio/voice/calls/delete", calls.remove),
        Route("GET", f"{taped}.json", "/twilio/voice/recordings/list", recordings.listed_of_call),
        Route("POST", f"{taped}.json", "/twilio/voice/recordings/create", by(recordings.start)),
        Route("GET", f"{taped}/{{sid}}.json", "/twilio/voice/recordings/read", recordings.fetch_of_call),
        Route("POST", f"{taped}/{{sid}}.json", "/twilio/voice/recordings/update", by(recordings.update)),
        Route("DELETE", f"{taped}/{{sid}}.json", "/twilio/voice/recordings/delete", recordings.remove),
        Route("GET", f"{recording}.json", "/twilio/voice/recordings/list", recordings.listed),
        Route("GET", f"{recording}/{{sid}}.json", "/twilio/voice/recordings/read", recordings.fetch),
        Route("DELETE", f"{recording}/{{sid}}.json", "/twilio/voice/recordings/delete", recordings.remove),
        Route("GET", f"{recording}/{{sid}}.wav", "/twilio/voice/recordings/read", recordings.media),
        Route("GET", f"{recording}/{{sid}}", "/twilio/voice/recordings/read", recordings.media),
        Route("POST", f"{call}/{{call_sid}}/Streams.json", "/twilio/voice/streams/create", by(streams.start)),
        Route("POST", f"{call}/{{call_sid}}/Streams/{{sid}}.json", "/twilio/voice/streams/update", by(streams.stop)),
        Route("GET", f"{message}.json", "/twilio/messaging/messages/list", messages.listed),
        Route(
            "POST",
            f"{message}.json",
            "/twilio/messaging/messages/create",
            lambda asked: messages.create(asked, told),
            on_test=True,
        ),
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
