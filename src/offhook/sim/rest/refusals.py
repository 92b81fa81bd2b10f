"""What the simulated REST API refuses, and how: Twilio's code, HTTP status and JSON. Decides nothing itself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

#: Code → (HTTP status, what is wrong). Codes from Twilio's error pages; the texts are ours.
CATALOGUE: Final[Mapping[int, tuple[int, str]]] = {
    10002: (403, "Trial accounts do not support the feature"),
    10004: (429, "Call concurrency limit exceeded"),
    20001: (400, "Unknown or invalid parameter"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20005: (403, "Account not active"),
    20006: (403, "Access denied"),
    20008: (403, "Resource not accessible with Test Account Credentials"),
    20404: (404, "The requested resource was not found"),
    20429: (429, "Too many requests"),
    20500: (500, "Internal Server Error"),
    21201: (400, "No 'To' number specified"),
    21205: (400, "Url is not a valid URL"),
    21206: (400, "SendDigits is not valid"),
    21208: (400, "Timeout is not valid"),
    21209: (400, "Method is not valid; it must be GET or POST"),
    21210: (400, "The 'From' number is not yet verified for your account"),
    21211: (400, "The 'To' number is not a valid phone number"),
    21212: (400, "The 'From' number is not a valid phone number"),
    21213: (400, "No 'From' number specified"),
    21214: (400, "The 'To' number cannot be reached"),
    21215: (400, "Account not authorized to call this country"),
    21216: (400, "Account not allowed to call this number"),
    21217: (400, "The 'To' number does not appear to be valid"),
    21218: (400, "ApplicationSid is not valid"),
    21219: (400, "The 'To' number is not verified; trial accounts may only call verified numbers"),
    21220: (400, "Call is not in-progress. Cannot redirect"),
    21401: (400, "Invalid phone number"),
    21402: (400, "The voice URL is not valid"),
    21403: (400, "The method is not valid; it must be GET or POST"),
    21404: (400, "Trial accounts may not buy further numbers"),
    21405: (400, "A fallback URL was given without a URL"),
    21421: (400, "PhoneNumber is invalid"),
    21422: (400, "PhoneNumber is not available"),
    21452: (400, "No phone numbers found in this area code"),
    21602: (400, "Message body is required"),
    21603: (400, "A 'From' or a 'MessagingServiceSid' is required"),
    21604: (400, "A 'To' phone number is required"),
    21606: (400, "The 'From' number is not a valid message-capable number of this account"),
    21608: (400, "The 'To' number is not verified; trial accounts may only send to verified numbers"),
    21609: (400, "StatusCallback is not a valid URL"),
    22005: (429, "More than 24 hours of calls are queued"),
    32018: (400, "Twiml may have at most 4000 characters"),
    573002: (400, "The 'From' number is not the one assigned to this recipient"),
}


class Refusal(Exception):
    """A request is refused with Twilio's ``code``."""

    def __init__(self, code: int, detail: str = "", *, retry_after_s: int | None = None) -> None:
        self.code = code
        self.status, said = CATALOGUE[code]
        self.message = f"{said}: {detail}" if detail else said
        self.retry_after_s = retry_after_s
        super().__init__(self.message)

    def as_json(self) -> dict[str, Any]:
        """Return the body Twilio answers with."""
        return {
            "code": self.code,
            "message": self.message,
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
