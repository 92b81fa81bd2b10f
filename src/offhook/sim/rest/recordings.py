"""The Recordings resource: of the account and of one call. The sound is cut in `tape`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from offhook.sim.rest import calls
from offhook.sim.rest.asked import Answered, Asked
from offhook.sim.rest.entries import Recording
from offhook.sim.rest.lines import Lines
from offhook.sim.rest.orders import taping_of
from offhook.sim.rest.pages import page
from offhook.sim.rest.refusals import Refusal
from offhook.sim.rest.world import rfc2822

#: Stands for the recording of a call that runs.
CURRENT = "Twilio.CURRENT"


def _shared(recording: Recording, account_sid: str) -> dict[str, Any]:
    return {
        "account_sid": account_sid,
        "api_version": "2010-04-01",
        "call_sid": recording.call_sid,
        "channels": recording.channels,
        "conference_sid": None,
        "date_created": rfc2822(recording.started),
        "date_updated": rfc2822(recording.updated or recording.started),
        "duration": None if recording.duration_s is None else str(recording.duration_s),
        "encryption_details": None,
        "error_code": None,
        "price": None,
        "price_unit": "USD",
        "sid": recording.sid,
        "source": recording.source,
        "start_time": rfc2822(recording.started),
        "status": recording.status,
    }


def show(recording: Recording, account_sid: str, base_url: str) -> dict[str, Any]:
    """Return a recording as the account's Recordings show it."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Recordings/{recording.sid}"
    return {
        **_shared(recording, account_sid),
        "media_url": f"{base_url}{uri}",
        "subresource_uris": {
            "add_on_results": f"{uri}/AddOnResults.json",
            "transcriptions": f"{uri}/Transcriptions.json",
        },
        "uri": f"{uri}.json",
    }


def show_of_call(recording: Recording, account_sid: str) -> dict[str, Any]:
    """Return a recording as a call's Recordings show it."""
    uri = f"/2010-04-01/Accounts/{account_sid}/Calls/{recording.call_sid}/Recordings/{recording.sid}.json"
    return {**_shared(recording, account_sid), "track": recording.track, "uri": uri}


def one_of(asked: Asked) -> Recording:
    """Return the recording a request names."""
    call_sid, sid = asked.names.get("call_sid"), asked.names["sid"]
    if sid == CURRENT:
        running = [one for one in _of_call(asked, call_sid) if one.status in ("in-progress", "paused")]
        if not running:
            raise Refusal(20404, asked.path)
        return running[-1]
    recording = asked.account.recordings.get(sid)
    if recording is None or call_sid not in (None, recording.call_sid):
        raise Refusal(20404, asked.path)
    return recording


def _of_call(asked: Asked, call_sid: str | None) -> Sequence[Recording]:
    """Return the recordings of the account, or of one call; the newest last."""
    return [
        one
        for one in asked.account.recordings.values()
        if call_sid in (None, "", one.call_sid) and asked.query.fits("DateCreated", one.started)
    ]


async def listed(asked: Asked) -> Answered:
    """GET /Recordings.json, the newest first."""
    found = list(reversed(_of_call(asked, asked.query.get("CallSid"))))
    found = found if not asked.query.get("ConferenceSid") else []
    shown = page(
        asked, "recordings", found, lambda one: one.sid, lambda one: show(one, asked.account.sid, asked.base_url)
    )
    return Answered(shown)


async def listed_of_call(asked: Asked) -> Answered:
    """GET /Calls/{CallSid}/Recordings.json, the newest first."""
    call = calls.one_of(asked, "call_sid")
    found = list(reversed(_of_call(asked, call.sid)))
    return Answered(
        page(asked, "recordings", found, lambda one: one.sid, lambda one: show_of_call(one, asked.account.sid))
    )


async def fetch(asked: Asked) -> Answered:
    """GET /Recordings/{Sid}.json."""
    return Answered(show(one_of(asked), asked.account.sid, asked.base_url))


async def fetch_of_call(asked: Asked) -> Answered:
    """GET /Calls/{CallSid}/Recordings/{Sid}.json."""
    return Answered(show_of_call(one_of(asked), asked.account.sid))


async def media(asked: Asked) -> Answered:
    """GET /Recordings/{Sid} or {Sid}.wav: the sound, once it is completed."""
    recording = one_of(asked)
    if recording.wav is None:
        raise Refusal(20404, asked.path)
    return Answered(media=recording.wav)


async def start(asked: Asked, lines: Lines) -> Answered:
    """POST /Calls/{CallSid}/Recordings.json: only a call in progress can be recorded (21220)."""
    call = calls.one_of(asked, "call_sid")
    talk = lines.talk(asked.account, call)
    if talk is None or call.status != "in-progress":
        raise Refusal(21220, "only a call in progress can be recorded")
    taping = taping_of(asked.form, "dual")
    recording = lines.tapes.start(asked.account, call, talk, taping, "StartCallRecordingAPI")
    return Answered(show_of_call(recording, asked.account.sid), 201)


async def update(asked: Asked, lines: Lines) -> Answered:
    """POST /Calls/{CallSid}/Recordings/{Sid}.json: paused, in-progress again, or stopped."""
    recording = one_of(asked)
    status = asked.form.one_of("Status", ("paused", "in-progress", "stopped"))
    how = asked.form.one_of("PauseBehavior", ("silence", "skip")) or "silence"
    if status is None:
        raise Refusal(20001, "Status")
    if recording.status not in ("in-progress", "paused"):
        raise Refusal(21220, "the recording is over")
    lines.tapes.change(asked.account, recording, status, "skip" if how == "skip" else "silence")
    return Answered(show_of_call(recording, asked.account.sid))


async def remove(asked: Asked) -> Answered:
    """DELETE a recording, by either of its paths."""
    recording = one_of(asked)
    if recording.status in ("in-progress", "paused"):
        raise Refusal(20001, "the recording is not over")
    del asked.account.recordings[recording.sid]
    return Answered(status=204)
