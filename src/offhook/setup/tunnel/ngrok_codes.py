"""What ngrok's error codes mean and what to do. Never repeats ngrok's own words: they may hold the token.

Source: ngrok's error reference (https://ngrok.com/docs/errors/).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from offhook.errors import SetupError

_CODE: Final = re.compile(r"ERR_NGROK_(\d+)")
_DASHBOARD: Final = "the ngrok dashboard under Your Authtoken"


@dataclass(frozen=True, slots=True)
class Meaning:
    """One code: the case for programs, what is wrong, what to do."""

    case: str
    said: str
    fix: str


#: Code → meaning.
MEANINGS: Final[Mapping[int, Meaning]] = {
    105: Meaning(
        "tunnel-token", "ngrok does not take the authtoken: it is malformed", f"copy it again from {_DASHBOARD}"
    ),
    107: Meaning(
        "tunnel-token", "ngrok does not take the authtoken: it is wrong or was reset", f"copy it from {_DASHBOARD}"
    ),
    108: Meaning(
        "tunnel-agents",
        "ngrok already runs as often as the plan allows",
        "stop ngrok in the other window or on the other computer",
    ),
    121: Meaning("tunnel-old", "this ngrok is too old", "install a newer one: python -m pip install --upgrade ngrok"),
    300: Meaning("tunnel-token", "the ngrok authtoken was revoked", f"copy the current one from {_DASHBOARD}"),
    319: Meaning("tunnel-domain", "the domain is not reserved in ngrok", "use the one ngrok assigned to the account"),
    320: Meaning(
        "tunnel-domain", "the domain belongs to another ngrok account", "use the one ngrok assigned to this account"
    ),
    324: Meaning("tunnel-endpoints", "ngrok has as many endpoints open as the plan allows", "close some of them"),
    334: Meaning(
        "tunnel-taken",
        "another ngrok already serves this address",
        "stop it: another window, another computer, or the ngrok dashboard under Endpoints",
    ),
    727: Meaning("tunnel-quota", "ngrok's monthly limit is reached", "wait for the next month, or upgrade the plan"),
    728: Meaning("tunnel-quota", "ngrok's monthly limit is reached", "wait for the next month, or upgrade the plan"),
    3004: Meaning(
        "tunnel-protocol",
        "the tunnel reaches something that is no web server",
        "point the tunnel at http://, not https://, and at offhook's port",
    ),
    3200: Meaning("tunnel-offline", "the tunnel is not running", "start `offhook dev` again; check the address"),
    4018: Meaning(
        "tunnel-no-token",
        "ngrok needs an account and its authtoken, and none is known here",
        f"copy it from {_DASHBOARD} into .env as NGROK_AUTHTOKEN",
    ),
    6024: Meaning(
        "interstitial",
        "the tunnel shows its warning page instead of the server",
        "it is shown to browsers only and Twilio does not get it; if it is, use another tunnel or a paid plan",
    ),
    8012: Meaning(
        "tunnel-upstream",
        "the tunnel runs, but nothing listens behind it",
        "start the server on the port that the tunnel points to, or let `offhook dev` do both",
    ),
    8013: Meaning(
        "tunnel-card",
        "ngrok wants a card on file for TCP endpoints",
        "open an http tunnel: `ngrok http 8080`; offhook needs no TCP endpoint",
    ),
}
UNKNOWN: Final = Meaning("tunnel", "the tunnel answers, not the server", "see ngrok's page of error codes")


def code_in(text: str) -> int | None:
    """Return the first ngrok error code in a text."""
    found = _CODE.search(text)
    return int(found[1]) if found else None


def meaning(code: int) -> Meaning:
    """Return what a code means."""
    return MEANINGS.get(code, UNKNOWN)


def refusal(text: str) -> SetupError:
    """Return the error for a refusal of ngrok's. ``text`` is searched for a code and never shown."""
    code = code_in(text)
    if code is None:
        return SetupError(
            "ngrok cannot be reached",
            "check this computer's connection; a firewall must let connect.ngrok-agent.com:443 out, and a proxy may "
            "be in the way",
        )
    known = MEANINGS.get(code)
    if known is None:
        return SetupError(f"ngrok refuses (ERR_NGROK_{code})", "see ngrok's page of that error code")
    return SetupError(f"{known.said} (ERR_NGROK_{code})", known.fix)
