"""Points a number at a server and puts it back: what is there before is remembered first. Asks nobody, prints nothing.

::

    saved = SavedWirings(folder)                          # beside the project
    wanted = wiring_for("https://voice.example.com", number.wiring)
    rewired = await attach(carrier.numbers, saved, number, wanted)
    await detach(carrier.numbers, saved, number.sid)      # later, also after a crash
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from offhook.carrier.number import Number, Wiring
from offhook.carrier.numbers import Numbers, Rewired, Takeable, check_consent
from offhook.carrier.saved import SavedWirings
from offhook.errors import CarrierRejected

#: Where a server of ours answers calls, and where it is told that one has ended.
VOICE_PATH: Final = "/twilio/voice"
STATUS_PATH: Final = "/twilio/status"


def wiring_for(public_url: str, now: Wiring, fallback_url: str | None = None) -> Wiring:
    """Return what answers a number when the server at ``public_url`` does.

    The fallback stays what it is ``now`` where none is given: it should not lie on the same server. One that points
    at this very server, or stood behind an override, is kept too; nobody but its owner knows what it is for.
    """
    base = public_url.rstrip("/")
    return Wiring(
        voice_url=base + VOICE_PATH,
        fallback_url=now.fallback_url if fallback_url is None else fallback_url,
        fallback_method=now.fallback_method if fallback_url is None else "POST",
        status_url=base + STATUS_PATH,
    )


async def attach(
    numbers: Numbers, saved: SavedWirings, number: Number, wanted: Wiring, may_take: Collection[Takeable] = ()
) -> Rewired:
    """Remember what answers ``number`` and make ``wanted`` answer it.

    Raises CarrierConsent before anything is remembered or changed, CarrierError, or ConfigError where nothing could
    be remembered; then nothing was changed either.
    """
    check_consent(number.wiring, wanted, may_take)
    if number.wiring.changes_to(wanted):
        saved.save(number.sid, number.wiring, wanted)
    return await numbers.wire(number.sid, wanted, may_take)


async def detach(numbers: Numbers, saved: SavedWirings, sid: str, *, force: bool = False) -> Rewired:
    """Put back what answered a number before us, and forget it.

    Raises CarrierRejected where nothing is remembered, or where somebody else has changed the number since (unless
    ``force``): then theirs stays.
    """
    kept = saved.get(sid)
    if kept is None:
        raise CarrierRejected("Nothing is remembered of this number here: it was not attached from this folder.")
    number = await numbers.fetch(sid)
    is_ours = not number.wiring.changes_to(kept.ours) or not number.wiring.changes_to(kept.before)
    if not is_ours and not force:
        raise CarrierRejected(
            "Somebody has changed what answers this number since it was attached; nothing was put back. "
            "Give --force to put the old values back all the same."
        )
    # a trunk or an application that came since is somebody else's: --force is the consent to take it
    rewired = await numbers.wire(sid, kept.before, ("trunk", "application") if force else ())
    saved.forget(sid)
    return rewired
