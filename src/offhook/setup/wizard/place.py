"""The steps of the place: which one, and having a healthy server there. The places themselves are in modules beside."""

from __future__ import annotations

import time
from collections.abc import Collection
from typing import Final

from pydantic import ValidationError

from offhook.config.server import ServerPart
from offhook.errors import SetupError
from offhook.setup.dev.reach import PASSING, must_lead_here
from offhook.setup.wizard import dotenv, laptop, pasted, railway
from offhook.setup.wizard.journey import Setup

_OPTIONS: Final[list[tuple[str, str]]] = [
    ("railway", "Railway: a server on the internet that is always there"),
    ("laptop", "this computer, through a tunnel: good for trying, ends with this window"),
    ("url", "a server I already have: I know its https address"),
]


def choose(setup: Setup) -> None:
    """Have a place chosen. A file's answer counts over what was chosen before: that is how one moves."""
    known = setup.ask.known("place")
    place = known or setup.state.place or setup.ask.choose("place", "Where shall the server run?", _OPTIONS)
    is_old = not known and place == setup.state.place
    if place != setup.state.place:
        setup.remember(place=place, url="", by_hand=False, heard="")
    setup.tell.line("ok", dict(_OPTIONS)[place])
    if is_old and setup.ask.is_person:
        setup.tell.line("", "chosen before; with --anew you choose again")


def deploy(setup: Setup) -> None:
    """Have a healthy server at a public address."""
    _DEPLOY[setup.state.place or "url"](setup)


def _own(setup: Setup) -> None:
    """Take an address that is there already, and see that an offhook answers at it."""
    is_old = bool(setup.state.url) and not setup.ask.known("url")
    try:
        wait_for(setup, _address(setup))
    except SetupError as error:
        if is_old and setup.ask.is_person:
            fix = f"{error.fix}; where the server has another address now, --anew asks for it"
            raise SetupError(error.said, fix) from None
        raise


def _address(setup: Setup) -> str:
    """Return the server's address; a person is asked until it has the right form."""
    known = setup.ask.known("url") or setup.state.url
    while not known:
        typed = setup.ask.text("url", "The server's address, like https://voice.example.com")
        try:
            known = _checked(typed)
        except SetupError as error:
            if not setup.ask.is_person:
                raise
            setup.tell.line("note", error.said)
    return _checked(known)


def wait_for(setup: Setup, address: str, patience_s: float = 60.0, passing: Collection[str] = PASSING) -> None:
    """Wait until an offhook answers at the address, then remember it."""
    setup.tell.line("do", f"asking {address} for its health")
    began = time.monotonic()
    setup.run(must_lead_here(address, patience_s, lambda line: setup.tell.line("", line), passing))
    setup.tell.line("ok", f"offhook is healthy at {address} ({time.monotonic() - began:.0f} s)")
    setup.remember(url=address)
    if str(setup.settings.server.public_url or "") != address:
        dotenv.put(setup.folder, {"OFFHOOK_PUBLIC_URL": address})


def _checked(url: str) -> str:
    try:
        return str(ServerPart(public_url=pasted.address(url)).public_url)
    except ValidationError as error:
        said = error.errors(include_url=False, include_input=False)[0]["msg"].removeprefix("Value error, ")
        raise SetupError(f"the address {said}", "correct it, then run `offhook setup` again") from None


def _railway(setup: Setup) -> None:
    is_by_hand = railway.is_by_hand(setup)
    if is_by_hand:
        railway.show_pages(setup)
        # whoever has just pressed Deploy there sees a 404 until the first deployment is up
        wait_for(setup, _address(setup), 900.0, {*PASSING, "no-deployment"})
        railway.compare(setup)
        return
    wait_for(setup, railway.deploy(setup))


_DEPLOY: Final = {"laptop": laptop.serve, "railway": _railway, "url": _own}
