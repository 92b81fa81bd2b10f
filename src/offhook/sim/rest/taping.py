"""The recordings of live calls: started, paused, ended, told. The sound is cut in `tape`, the resource is elsewhere."""

from __future__ import annotations

from collections import defaultdict
from datetime import UTC, datetime
from email.utils import format_datetime

from offhook.sim.call import SimulatedCall
from offhook.sim.identity import fresh_sid
from offhook.sim.rest.entries import Call, Recording
from offhook.sim.rest.orders import Taping
from offhook.sim.rest.tape import Pause, Tape, wav_of
from offhook.sim.rest.telling import Told
from offhook.sim.rest.world import Account, now


class Tapes:
    """What is recorded of every live call."""

    def __init__(self, told: Told) -> None:
        self._told = told
        self._running: defaultdict[str, list[Tape]] = defaultdict(list)

    def start(self, account: Account, call: Call, talk: SimulatedCall, taping: Taping, source: str) -> Recording:
        """Begin a recording of a call that is on."""
        recording = Recording(
            fresh_sid("RE"), call.sid, taping.channels, taping.track, source, now(), callback=taping.callback
        )
        account.recordings[recording.sid] = recording
        created = talk.state.created
        tape = Tape(recording, lambda: 1000 * (datetime.now(UTC) - created).total_seconds(), talk.write)
        self._running[call.sid].append(tape)
        tape.begin()
        self._tell(account, recording, "in-progress")
        return recording

    def change(self, account: Account, recording: Recording, status: str, how: Pause) -> None:
        """Pause a recording, go on with it, or end it."""
        for tape in self._running[recording.call_sid]:
            if tape.recording is not recording:
                continue
            match status:
                case "paused":
                    tape.pause(how)
                case "in-progress":
                    tape.begin()
                case _:
                    self._stop(account, tape)

    def finish(self, account: Account, call: Call, talk: SimulatedCall) -> None:
        """End what still runs of a call that is over, and keep what its `<Record>` verbs have recorded."""
        for tape in self._running.pop(call.sid, ()):
            self._stop(account, tape)
        for done in talk.recordings:
            if done.sid in account.recordings or done.status != "completed":
                continue
            account.recordings[done.sid] = Recording(
                done.sid,
                call.sid,
                1,
                "inbound",
                done.source,
                done.started,
                "completed",
                now(),
                done.seconds,
                wav=wav_of(bytes(done.audio)),
            )

    def _stop(self, account: Account, tape: Tape) -> None:
        if tape.recording.wav is None:
            tape.stop()
            self._tell(account, tape.recording, "completed")

    def _tell(self, account: Account, recording: Recording, event: str) -> None:
        callback = recording.callback
        if callback is None or event not in callback.events:
            return
        form = {
            "AccountSid": account.sid,
            "CallSid": recording.call_sid,
            "RecordingChannels": str(recording.channels),
            "RecordingSid": recording.sid,
            "RecordingSource": recording.source,
            "RecordingStartTime": format_datetime(recording.started),
            "RecordingStatus": recording.status,
            "RecordingTrack": recording.track,
            "RecordingUrl": f"{self._told.base_url}/2010-04-01/Accounts/{account.sid}/Recordings/{recording.sid}",
        }
        if recording.duration_s is not None:
            form["RecordingDuration"] = str(recording.duration_s)
        self._told.errand(self._told.tell(account, callback.url, callback.method, form, recording.call_sid))
