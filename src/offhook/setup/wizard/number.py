"""The steps of the number: which one is answered, and wiring it to the server. Opens no server and no tunnel."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from offhook.carrier.attach import attach, wiring_for
from offhook.carrier.client import Carrier
from offhook.carrier.number import Number, Wiring
from offhook.carrier.numbers import Takeable
from offhook.carrier.saved import SavedWirings
from offhook.config.settings import Settings
from offhook.config.values import normalised_number
from offhook.errors import SetupError
from offhook.setup.dev.number import put_back, remembered
from offhook.setup.wizard.journey import Setup

_TAKEN: Final[dict[Takeable, str]] = {"trunk": "a SIP trunk", "application": "a TwiML application"}


def choose(setup: Setup) -> None:
    """Have one number of the account that takes calls, chosen by the owner, in E.164."""
    able = [number for number in setup.run(_all(setup.settings)) if number.can_voice]
    if not able:
        raise SetupError(
            "the Twilio account has no number that takes calls",
            "buy one in the Twilio console (Phone Numbers, Buy a number, Voice), then run `offhook setup` again",
        )
    number = _chosen(setup, able)
    setup.remember(number_sid=number.sid)
    country = f" ({number.country})" if number.country else ""
    setup.tell.line("ok", f"{number.e164}{country} takes calls; {_answered(number.wiring)}")


def _chosen(setup: Setup, able: Sequence[Number]) -> Number:
    asked = setup.ask.known("number")
    if asked:
        wanted = normalised_number(str(asked))
        found = next((one for one in able if wanted in (one.e164, one.sid)), None)
        if found is None:
            raise SetupError(
                "the number of the answers file is not one of this account's that take calls",
                "write it with + and country code; `offhook numbers list` shows them all",
            )
        return found
    kept = next((one for one in able if one.sid == setup.state.number_sid), None)
    if kept is not None or len(able) == 1:
        return kept or able[0]
    options = [(one.sid, f"{one.e164}  {one.country or '--'}  {_answered(one.wiring)}") for one in able]
    sid = setup.ask.choose("number", "Which number shall the agent answer?", options)
    return next(one for one in able if one.sid == sid)


def _answered(wiring: Wiring) -> str:
    match wiring.overridden_by:
        case "trunk" | "application" as kind:
            return f"{_TAKEN[kind]} answers it now"
    host = wiring.voice_url.partition("://")[2].partition("/")[0].rpartition("@")[2]
    return f"{host} answers it now" if host else "nothing answers it yet"


async def _all(settings: Settings) -> list[Number]:
    async with Carrier.of(settings) as carrier:
        return await carrier.numbers.all()


def current(setup: Setup) -> Number:
    """Return the chosen number as Twilio has it now."""

    async def fetch() -> Number:
        async with Carrier.of(setup.settings) as carrier:
            return await carrier.numbers.fetch(setup.state.number_sid)

    return setup.run(fetch())


def wire(setup: Setup) -> None:
    """Let the server answer the number: listed, agreed to, written, read back. The old values are kept."""
    if setup.state.place == "laptop":
        _is_here(setup)
        return
    _put_back_first(setup)
    number = current(setup)
    wanted = wiring_for(setup.state.url, number.wiring, setup.ask.known("fallback_url"), root=setup.root)
    changes = number.wiring.changes_to(wanted)
    if not changes:
        setup.tell.line("ok", f"{number.e164} is answered by {wanted.voice_url} already")
        return
    may_take = consent(setup, number.wiring)
    setup.confirm(f"Twilio, for {number.e164}", [str(change) for change in changes])

    async def write() -> None:
        async with Carrier.of(setup.settings) as carrier:
            await attach(carrier.numbers, SavedWirings(setup.folder), number, wanted, may_take)

    setup.run(write())
    setup.tell.line("ok", f"{number.e164} is answered by {wanted.voice_url}, as Twilio reads it back")
    setup.tell.line("", "`offhook numbers detach` puts the old values back")
    if not wanted.fallback_url:
        setup.tell.line(
            "note",
            "no fallback: callers hear an error while the server is down; `offhook twiml --fallback` prints a Bin, "
            "and `offhook numbers attach --fallback URL` sets it",
        )


def _put_back_first(setup: Setup) -> None:
    """Put back what a server on a laptop that was cut off has left: else it is taken for what was there before us."""
    left = remembered(setup.folder)
    if not left.all():
        return
    setup.confirm("Twilio", ["the number that answered on this computer until it was cut off goes back to what it was"])

    async def back() -> list[bool]:
        async with Carrier.of(setup.settings) as carrier:
            return [await put_back(carrier, left, sid, lambda line: setup.tell.line("", line)) for sid in left.all()]

    if not all(setup.run(back())):
        raise SetupError("the number could not be put back", "`offhook dev --restore` tries again")


def _is_here(setup: Setup) -> None:
    """Read back what the server on this laptop has written."""
    number = current(setup)
    wanted = f"{setup.state.url}{setup.root}/voice"
    if number.wiring.voice_url != wanted or number.wiring.overridden_by:
        raise SetupError(
            f"{number.e164} should be answered by {wanted}, but Twilio reads back something else",
            "does another `offhook dev`, or somebody else, use this number? then run `offhook setup` again",
        )
    setup.tell.line("ok", f"{number.e164} is answered by this laptop, as Twilio reads it back; put back at the end")


def consent(setup: Setup, wiring: Wiring) -> list[Takeable]:
    """Return what may be taken off the number; ask for it, expressly, where it has such a thing."""
    agreed: list[Takeable] = []
    known = setup.ask.known("take") or []
    found: list[tuple[Takeable, str]] = [("trunk", wiring.trunk_sid), ("application", wiring.application_sid)]
    for kind, sid in found:
        if not sid:
            continue
        if kind not in known:
            _must_agree(setup, kind)
        agreed.append(kind)
    return agreed


def _must_agree(setup: Setup, kind: Takeable) -> None:
    said = f"the number is answered by {_TAKEN[kind]} now, which would be taken off it"
    if not setup.ask.is_person:
        raise SetupError(said, f'choose another number, or agree: take = ["{kind}"] in the answers file')
    back = "at the end it is put back" if setup.state.place == "laptop" else "`offhook numbers detach` puts it back"
    setup.tell.line("note", f"{said}; {back}")
    if not setup.ask.agree(f"Take {_TAKEN[kind]} off the number?"):
        setup.remember(number_sid="")
        raise SetupError("nothing was taken off the number", "`offhook setup` asks again which number to answer")
