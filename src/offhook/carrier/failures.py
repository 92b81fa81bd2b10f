"""What Twilio's error codes mean, as sentences that say what to do. Never repeats a word of Twilio's: it has numbers.

Source: Twilio's error pages (https://www.twilio.com/docs/errors/CODE).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from offhook.errors import CarrierBusy, CarrierError, CarrierRefused, CarrierRejected, CarrierUnavailable

_CONSOLE: Final = "the Twilio console under Account Info"

#: Code → what is wrong and what to do.
SENTENCES: Final[Mapping[int, str]] = {
    10001: "The Twilio account is not active; look for a message about funds or policy in the Twilio console.",
    10002: "A trial account may not do this; upgrade the account in the Twilio console.",
    10004: "The account has as many calls at once as it may have; wait for one to end, or have the limit raised.",
    20001: "Twilio does not know one of the values that were sent; update offhook, or report this.",
    20003: f"Twilio does not take these credentials; copy the account SID and its auth token again from {_CONSOLE}, "
    "or the SID and secret of an API key of that account.",
    20005: "The Twilio account is not active; look for a message about funds or policy in the Twilio console.",
    20006: "These credentials may not do this; use the auth token, or an API key that is allowed to.",
    20008: f"These are test credentials, which cannot do this; use the live ones from {_CONSOLE}.",
    20404: "Twilio knows no such thing in this account; check the SID and that it belongs to this account and region.",
    20429: "Twilio gets too many requests at once; wait a moment and try again.",
    20500: "Twilio has a fault; try again, and see Twilio's status page.",
    21201: "No number to call was given; name one in E.164, like +441632960000.",
    21202: "The number to call is a premium number, which this account may not call.",
    21203: "Calls to this number are not permitted for the account; see Voice, Geographic Permissions in the console.",
    21205: "Twilio does not take the address for the call's instructions; it must be https:// and reachable.",
    21206: "The keys to press after the answer may be 0-9, A-D, #, *, w and W, at most 32.",
    21208: "A call may ring for at most 600 seconds.",
    21209: "The method of an address must be GET or POST.",
    21210: "The number to call from is neither one of the account's nor verified; see `offhook numbers list`.",
    21211: "The number to call is not a phone number; write it in E.164, like +441632960000.",
    21212: "The number to call from is not a phone number; write it in E.164, like +441632960000.",
    21213: "No number to call from was given; name one of `offhook numbers list`.",
    21214: "The number to call cannot be reached.",
    21215: "The account may not call this country; permit it in the console under Voice, Geographic Permissions.",
    21216: "Twilio blocks calls to this number, for fraud or because a +1 call needs an approved customer profile; see "
    "Trust Hub in the console.",
    21217: "The number to call is not a phone number; write it in E.164, like +441632960000.",
    21218: "Twilio does not know the TwiML application of the call.",
    21219: "A trial account calls verified numbers only; verify this one in the console, or upgrade the account.",
    21220: "The call is not in progress any more.",
    21262: "Voicemail detection beside the call needs an address to be told at.",
    21264: "A trial account is called by verified numbers only; verify the caller's, or upgrade the account.",
    21401: "Twilio does not know this phone number.",
    21402: "Twilio does not take the address for the number; it must be a whole URL, like "
    "https://voice.example.com/twilio/voice.",
    21403: "The method of an address must be GET or POST.",
    21404: "A trial account cannot buy more numbers; upgrade the account in the Twilio console.",
    21405: "A fallback address needs a voice address beside it.",
    21421: "This is not a phone number that can be bought.",
    21422: "This phone number is not available.",
    21452: "Twilio has no numbers with this area code.",
    22005: "More than 24 hours of calls are queued; place fewer, or have the calls per second raised.",
    32018: "TwiML given with a call may have 4,000 characters; serve a longer one from an address.",
    32203: "Twilio blocks the call: a +1 call needs an approved customer profile; see Trust Hub in the console.",
    573002: "On this trial account the call must come from the number that Twilio gave to this recipient.",
    573005: "The recipient's number is not verified yet; finish that in the console, or upgrade the account.",
}
#: What credentials may not do, whatever the HTTP status.
_REFUSED: Final = frozenset({10001, 20003, 20005, 20006, 20008})
#: Codes for "there is no live call under this SID": for a hang-up that is as good as done.
NOT_LIVE: Final = frozenset({20404, 21220})


def failure(status: int, code: int | None) -> CarrierError:
    """Return the error for a refusing answer: ``status`` is HTTP's, ``code`` Twilio's, where there was one."""
    known = SENTENCES.get(code or 0)
    if code == 20429 or (status == 429 and known is None):
        return CarrierBusy(SENTENCES[20429], status=status, code=code or 20429)
    if status >= 500:
        return CarrierUnavailable(
            known or f"Twilio answers {status}; try again, and see Twilio's status page.", status=status, code=code
        )
    if code in _REFUSED or (status in (401, 403) and known is None):
        return CarrierRefused(known or SENTENCES[20003], status=status, code=code)
    if known is None and code:
        known = f"Twilio refuses this; https://www.twilio.com/docs/errors/{code} explains why."
    return CarrierRejected(known or _by_status(status), status=status, code=code)


def _by_status(status: int) -> str:
    if status == 404:
        return "Nothing of Twilio's REST API is at this address; check TWILIO_API_URL."
    return f"Twilio refuses this with HTTP {status}; check TWILIO_API_URL."
