"""Who answered, as Twilio's parameters decide it."""

from __future__ import annotations

import pytest

from offhook.sim.amd import Detector
from offhook.sim.outbound import Detection
from offhook.sim.tones import BEEP, fax, tone
from offhook.wire.ulaw import silence

END = Detection("DetectMessageEnd")


def speech(ms: int) -> bytes:
    """Return something that is audible and no one tone: its pitch changes every 40 ms."""
    return b"".join(tone(150 + 90 * (number * 7 % 13), 40) for number in range(ms // 40))


def verdict(audio: bytes, detection: Detection) -> tuple[str | None, float]:
    detector = Detector(detection)
    for offset in range(0, len(audio), 160):
        detector.feed(audio[offset : offset + 160])
    return detector.verdict, detector.took_ms


@pytest.mark.parametrize(
    ("audio", "detection", "expected", "after_ms"),
    [
        (speech(800) + silence(3000), Detection(), "human", 800 + 1200),
        (silence(500) + speech(800) + silence(3000), Detection(), "human", 500 + 800 + 1200),
        (speech(5000), Detection(), "machine_start", 2400),
        (speech(4000), Detection(speech_threshold_ms=1000), "machine_start", 1000),
        (silence(9000), Detection(), "unknown", 5000),
        (silence(9000), Detection(silence_timeout_ms=2000), "unknown", 2000),
        (fax(), Detection(), "fax", 1500),
        (speech(4000) + BEEP + silence(4000), END, "machine_end_beep", 4200),
        (speech(4000) + silence(4000), END, "machine_end_silence", 6000),
        (speech(9000), Detection("DetectMessageEnd", timeout_ms=6000), "machine_end_other", 6000),
        (speech(800) + silence(3000), END, "human", 2000),
    ],
)
def test_a_verdict_comes_when_its_threshold_is_reached(
    audio: bytes, detection: Detection, expected: str, after_ms: float
):
    found, took_ms = verdict(audio, detection)
    assert found == expected
    assert took_ms == pytest.approx(after_ms, abs=80)


def test_there_is_one_verdict():
    detector = Detector(Detection())
    for offset in range(0, 80_000, 160):
        detector.feed((silence(5100) + speech(4900))[offset : offset + 160])
    assert detector.verdict == "unknown"
    assert detector.took_ms == 5000
