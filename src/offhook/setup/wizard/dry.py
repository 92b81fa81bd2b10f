"""What a run would ask and change, from what is known now. Reads at Twilio and Railway; writes nothing anywhere."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

from offhook.carrier.attach import wiring_for
from offhook.errors import ConfigError, OffhookError
from offhook.setup.project.write import TEMPLATES
from offhook.setup.railway.api import token_of
from offhook.setup.wizard import number, railway
from offhook.setup.wizard.journey import Setup, Step

_ASKED: Final = "you would be asked for "


def tell(setup: Setup, steps: Sequence[Step]) -> None:
    """Tell the plan, step by step. Where something cannot be known yet, it says so."""
    for place, (step, said) in enumerate(zip(steps, _SAID, strict=True), 1):
        setup.tell.step(place, len(steps), step.title, step.why)
        try:
            lines = said(setup)
        except ConfigError as error:
            lines = [f"not known: {problem}" for problem in error.problems]
        except OffhookError as error:
            lines = [f"not known: {error}"]
        for line in lines:
            setup.tell.line("", line)
    setup.tell.line("ok", "this was a plan; nothing was changed, here or elsewhere")


def _project(setup: Setup) -> list[str]:
    missing = [name for name, _, _ in TEMPLATES if not (setup.folder / name).exists()]
    wheel = [] if list((setup.folder / "vendor").glob("offhook-*.whl")) else ["offhook itself in vendor/"]
    return [f"write {', '.join([*missing, *wheel])}" if missing or wheel else "all its files are here"]


def _deepgram(setup: Setup) -> list[str]:
    is_known = setup.settings.deepgram.api_key is not None or setup.ask.known("deepgram_api_key")
    return [*([] if is_known else [f"{_ASKED}the key"]), "try the key and the settings by a handshake; no call"]


def _twilio(setup: Setup) -> list[str]:
    twilio, known = setup.settings.twilio, setup.ask.known
    asked = [] if twilio.account_sid or known("twilio_account_sid") else ["the account SID"]
    asked += [] if twilio.auth_token or known("twilio_auth_token") else ["the auth token"]
    return [*([f"{_ASKED}{' and '.join(asked)}"] if asked else []), "try them at Twilio, and see if it is a trial"]


def _has_account(setup: Setup) -> bool:
    return setup.settings.twilio.auth_token is not None


def _number(setup: Setup) -> list[str]:
    if setup.ask.known("number") or setup.state.number_sid:
        return ["the number is chosen"]
    return ["the account's only number that takes calls, or the one you choose"]


def _place(setup: Setup) -> list[str]:
    place = setup.ask.known("place") or setup.state.place
    return [f"chosen: {place}" if place else f"{_ASKED}one of: this laptop, Railway, a URL you have"]


def _server(setup: Setup) -> list[str]:
    place = setup.ask.known("place") or setup.state.place
    match place:
        case "laptop":
            return ["start the server here, and open a tunnel to it", "until the wizard ends; then all is as before"]
        case "url":
            return ["ask the server at your address for its health"]
        case "railway":
            return _at_railway(setup)
        case _:
            return ["depends on the place"]


def _at_railway(setup: Setup) -> list[str]:
    if token_of(setup.settings.railway) is None or not railway.is_source_known(setup):
        return [
            "create project, service, variables, settings and domain at Railway; deploy; follow it until it is healthy",
            "each change is listed, and made once you agree",
        ]
    return [
        *(f"at Railway: {change}" for change in railway.planned(setup)),
        "follow the deployment until it is healthy",
    ]


def _wiring(setup: Setup) -> list[str]:
    place = setup.ask.known("place") or setup.state.place
    if place == "laptop":
        return ["point the number's VoiceUrl and StatusCallback at the tunnel, and back at the end"]
    if not setup.state.number_sid or not setup.state.url or not _has_account(setup):
        return ["point the number's VoiceUrl and StatusCallback at the server; the old values are kept for `detach`"]
    found = number.current(setup)
    wanted = wiring_for(setup.state.url, found.wiring, setup.ask.known("fallback_url"), root=setup.root)
    changes = found.wiring.changes_to(wanted)
    return [f"at Twilio: {change}" for change in changes] or ["the number is answered by the server already"]


def _simulated(_: Setup) -> list[str]:
    return ["call the server through its public address, signed, and listen for the greeting"]


def _real(_: Setup) -> list[str]:
    return ["you call the number; each step of that call is shown as it happens"]


_SAID: Final[tuple[Callable[[Setup], list[str]], ...]] = (
    *(_project, _deepgram, _twilio, _number, _place, _server, _wiring, _simulated, _real),
)
