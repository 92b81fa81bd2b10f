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

#: The path of a server of ours, unless its settings say otherwise (`server.stream_path`).
ROOT: Final = "/twilio"


def wiring_for(public_url: str, now: Wiring, fallback_url: str | None = None, *, root: str = ROOT) -> Wiring:
    """Return what answers a number when the server at ``public_url`` does.

    The fallback stays what it is ``now`` where none is given. ``root`` is the server's `server.stream_path`.
    """
    base = public_url.rstrip("/") + root
    return Wiring(
        voice_url=f"{base}/voice",
        fallback_url=now.fallback_url if fallback_url is None else fallback_url,
        fallback_method=now.fallback_method if fallback_url is None else "POST",
        status_url=f"{base}/status",
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
