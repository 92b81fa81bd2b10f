"""A recording holds what was said while it ran, in the channels asked for; a pause is silent, or not there."""

from __future__ import annotations

import array
import io
import wave
from pathlib import Path

import pytest

from offhook.sim.recording import Track, write_stereo
from offhook.sim.rest.entries import Recording
from offhook.sim.rest.tape import Span, Tape, cut
from offhook.sim.rest.world import now

LOUD, SOFT = b"\x80", b"\xa0"


def call_wav(folder: Path, ms: int = 1000) -> bytes:
    """Return a call of one second: the person loud, the server softer."""
    caller, agent = Track(), Track()
    caller.add(0, LOUD * 8 * ms)
    agent.add(0, SOFT * 8 * ms)
    write_stereo(folder / "call.wav", caller, agent)
    return (folder / "call.wav").read_bytes()


def levels(wav: bytes) -> tuple[int, list[list[int]]]:
    """Return the frames and the distinct levels of each channel."""
    with wave.open(io.BytesIO(wav)) as file:
        samples = array.array("h", file.readframes(file.getnframes()))
        channels = file.getnchannels()
        return file.getnframes(), [sorted(set(samples[side::channels])) for side in range(channels)]


@pytest.mark.parametrize(
    ("channels", "track", "heard"),
    [
        (2, "both", [[32124], [7932]]),
        (2, "inbound", [[32124], [0]]),
        (2, "outbound", [[0], [7932]]),
        (1, "both", [[32767]]),
        (1, "inbound", [[32124]]),
        (1, "outbound", [[7932]]),
    ],
)
def test_channels_and_tracks(tmp_path: Path, channels, track, heard):
    wav = cut(call_wav(tmp_path), [Span(100, 300)], channels, track)
    assert levels(wav) == (1600, heard)


def test_a_pause_is_silent_or_not_there(tmp_path: Path):
    call = call_wav(tmp_path)
    silent = cut(call, [Span(0, 100), Span(100, 200, is_silent=True), Span(200, 300)], 2, "both")
    assert levels(silent) == (2400, [[0, 32124], [0, 7932]])
    skipped = cut(call, [Span(0, 100), Span(200, 300)], 2, "both")
    assert levels(skipped) == (1600, [[32124], [7932]])


def test_what_lies_behind_the_call_is_silence(tmp_path: Path):
    assert levels(cut(call_wav(tmp_path, 100), [Span(0, 200)], 2, "inbound"))[0] == 1600


def test_a_tape_runs_pauses_and_stops_once(tmp_path: Path):
    clock = iter([0, 200, 200, 300, 300, 500])
    recording = Recording("RE1", "CA1", 1, "inbound", "StartCallRecordingAPI", now())
    written = []

    def write(folder: Path) -> None:
        written.append(folder)
        (folder / "call.wav").write_bytes(call_wav(tmp_path))

    tape = Tape(recording, lambda: next(clock), write)
    tape.begin()
    tape.pause("silence")
    assert recording.status == "paused"
    tape.begin()
    tape.stop()
    tape.stop()
    assert (recording.status, len(written)) == ("completed", 1)
    assert recording.wav is not None
    assert levels(recording.wav) == (4000, [[0, 32124]])
