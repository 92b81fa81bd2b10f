"""One number, answered from here for a while: wired, remembered, put back. Prints nothing; opens no tunnel.

What answered before is on disk before anything is changed, so a crash loses nothing: the next start finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from offhook.carrier.client import Carrier
from offhook.carrier.number import Number, Wiring
from offhook.carrier.numbers import Takeable
from offhook.carrier.saved import HERE, Saved, SavedWirings
from offhook.errors import CarrierError, SetupError


def remembered(folder: Path) -> SavedWirings:
    """Return what `offhook dev` remembers in this folder."""
    return SavedWirings(folder, HERE)


def ours(before: Wiring, public_url: str, stream_path: str) -> Wiring:
    """Return the wiring that brings calls here. A fallback address stays: it helps when this computer goes away."""
    root = public_url + stream_path
    return replace(
        before,
        voice_url=f"{root}/voice",
        voice_method="POST",
        status_url=f"{root}/status",
        status_method="POST",
        application_sid="",
        trunk_sid="",
    )


async def able(carrier: Carrier) -> list[Number]:
    """Return the account's numbers that can take calls."""
    return [number for number in await carrier.numbers.all() if number.can_voice]


async def chosen(carrier: Carrier, wanted: str | None) -> Number:
    """Return the number that is meant: the one named, or the account's only one. Raises SetupError, CarrierError."""
    if wanted:
        number = await carrier.numbers.find(wanted)
        if not number.can_voice:
            raise SetupError("this number cannot take calls", "name another: `offhook numbers list` shows them")
        return number
    found = await able(carrier)
    if len(found) == 1:
        return found[0]
    if not found:
        raise SetupError(
            "the Twilio account has no number that can take calls",
            "buy one in the Twilio console under Phone Numbers, with Voice",
        )
    raise SetupError(
        f"the Twilio account has {len(found)} numbers",
        "name the one to answer here: offhook dev --number +44…, or dev.number in offhook.toml",
    )


class NumberHere:
    """A number that is answered here inside the block. ``told`` hears what was done, in words."""

    def __init__(self, carrier: Carrier, saved: SavedWirings, number: Number, told: Callable[[str], None]) -> None:
        self._carrier, self._saved, self._told = carrier, saved, told
        self.number = number
        self._is_ours = self._is_told = False
        self._wanted = number.wiring

    async def take(self, public_url: str, stream_path: str, may_take: Collection[Takeable] = ()) -> None:
        """Wire the number here and read it back. Raises CarrierError; then it is as it was, or remembered."""
        wanted = self._wanted = ours(self.number.wiring, public_url, stream_path)
        kept = self._saved.save(self.number.sid, self.number.wiring, wanted)
        self._is_ours = True
        try:
            await self._carrier.numbers.wire(self.number.sid, wanted, may_take)
        except BaseException:
            await self.put_back()
            raise
        self._told(f"{self.number.e164} is answered here until offhook stops; then {_answers(kept.before)}")

    async def put_back(self) -> None:
        """Put back what answered before. Never raises CarrierError: what could not be done stays remembered."""
        if self._is_ours:
            known = self._saved.get(self.number.sid)
            if known is not None and known.ours != self._wanted:
                self._told(f"{self.number.e164} is answered by another `offhook dev` meanwhile, which puts it back")
                self._is_ours = False
                return
            if not self._is_told:
                self._is_told = True
                self._told(f"{self.number.e164} goes back to what it was …")
            await put_back(self._carrier, self._saved, self.number.sid, self._told)
            self._is_ours = False  # only now: Ctrl-C may cut the first attempt off, and the next one finishes it


async def put_back(carrier: Carrier, saved: SavedWirings, sid: str, told: Callable[[str], None]) -> bool:
    """Put back what answered a number before us, unless somebody changed it since. Say whether that is settled."""
    known = saved.get(sid)
    if known is None:
        return True
    try:
        said = await _restored(carrier, sid, known)
    except CarrierError as error:
        told(f"the number could not be put back: {error}")
        told("it is remembered: `offhook dev --restore` puts it back, and the next `offhook dev` offers to")
        return False
    saved.forget(sid)
    if said:
        told(said)
    return True


async def _restored(carrier: Carrier, sid: str, known: Saved) -> str:
    number = await carrier.numbers.fetch(sid)
    if not number.wiring.changes_to(known.before):
        return ""
    if number.wiring.changes_to(known.ours):
        return f"{number.e164} was changed by somebody meanwhile and is left as it is now"
    await carrier.numbers.wire(sid, known.before)
    return f"{number.e164} is put back: {_answers(known.before)}"


def _answers(wiring: Wiring) -> str:
    match wiring.overridden_by:
        case "trunk":
            return "its SIP trunk answers it again"
        case "application":
            return "its TwiML application answers it again"
    if wiring.voice_url:
        return f"{_shown(wiring.voice_url)} answers it again"
    return "nothing answers it, as before"


def _shown(url: str) -> str:
    """Return an address without what may be secret in it: a password before the host, a query behind the path."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
