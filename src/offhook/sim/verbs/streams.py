"""`<Connect>`, `<Start>` and `<Stop>` with `<Stream>`. What else they can hold is passed over and shown as such."""

from __future__ import annotations

import re
from typing import Final, Literal

from offhook.sim.complaints import LineFault
from offhook.sim.desk import Desk
from offhook.sim.pages import Page
from offhook.sim.plan import StreamOrder
from offhook.sim.twiml import Element

#: Name and value of one parameter together stay below this.
PARAMETER_CHARACTERS: Final = 500
_TRACKS: Final[dict[str, tuple[Literal["inbound", "outbound"], ...]]] = {
    "inbound_track": ("inbound",),
    "outbound_track": ("outbound",),
    "both_tracks": ("inbound", "outbound"),
}


async def connect(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Hold the call on a two-way stream; what follows it is `action`, or else the next verb."""
    stream = verb.child("Stream")
    if stream is None:
        desk.complain(12200, "<Connect> without <Stream>: nothing else is simulated")
        return None
    desk.tell(verb, "Stream")
    try:
        is_inbound = stream.attributes.get("track", "inbound_track") == "inbound_track"
        fault = None if is_inbound else LineFault(31941, "<Stream track> under <Connect>")
        await desk.streams.connect(_order(stream, page, desk, None), fault)
    except LineFault as fault:
        desk.circuit.witness.complain(fault.code, fault.text, fault.status)
        desk.circuit.check()
    return await desk.pages.action(verb, page, {})


async def start(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Start streams that run beside the call; go on at once."""
    for child in verb.children:
        if child.name != "Stream":
            desk.tell(verb, f"{child.name}: not simulated")
            continue
        desk.tell(verb, "Stream")
        tracks = _TRACKS.get(child.attributes.get("track", "inbound_track"), ("inbound",))
        try:
            await desk.streams.start(_order(child, page, desk, tracks))
        except LineFault as fault:
            desk.circuit.witness.complain(fault.code, fault.text, fault.status)
    return await desk.pages.action(verb, page, {})


async def stop(verb: Element, page: Page, desk: Desk) -> Page | None:
    """Stop streams by name."""
    del page
    desk.tell(verb)
    for child in verb.children:
        name = child.attributes.get("name", "")
        if child.name == "Stream" and not await desk.streams.stop(name):
            desk.complain(12200, "<Stop> names a stream that is not running")
    return None


def _order(
    stream: Element, page: Page, desk: Desk, tracks: tuple[Literal["inbound", "outbound"], ...] | None
) -> StreamOrder:
    attributes = stream.attributes
    target = attributes.get("url", "")
    if not target:
        raise LineFault(31923, "<Stream> has no url")
    if target.startswith("/") or "://" not in target:
        # the scheme of the two is not documented to match: a document over https means a stream over wss
        target = re.sub("^http", "ws", page.absolute(target))
    parameters: dict[str, str] = {}
    for child in stream.children:
        name, value = child.attributes.get("name", ""), child.attributes.get("value", "")
        if child.name != "Parameter":
            continue
        if len(name) + len(value) >= PARAMETER_CHARACTERS:
            desk.complain(12200, f"a <Parameter> has {PARAMETER_CHARACTERS} characters or more")
        parameters[name] = value
    status_url = attributes.get("statusCallback")
    return StreamOrder(
        target,
        attributes.get("name"),
        parameters,
        page.absolute(status_url) if status_url else None,
        attributes.get("statusCallbackMethod", "POST"),
        tracks,
    )
