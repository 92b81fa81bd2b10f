"""Recordings of every usual kind become 8 kHz µ-law without aliasing."""

import array
import math
import struct
import wave
from pathlib import Path

import pytest

from offhook.sim.audio_file import AudioFileError, read_ulaw, resample
from offhook.sim.recording import Track, write_stereo
from offhook.wire.ulaw import level_dbfs, to_pcm16


def sine(hz: float, rate: int, ms: int, level: float = 8000.0) -> list[float]:
    return [level * math.sin(2 * math.pi * hz * n / rate) for n in range(rate * ms // 1000)]


def write(path: Path, samples: list[float], rate: int, *, channels: int = 1, width: int = 2) -> Path:
    packed = {
        1: lambda s: struct.pack("B", round(s / 256) + 128),
        2: lambda s: struct.pack("<h", round(s)),
        3: lambda s: struct.pack("<i", round(s * 256))[:3],
        4: lambda s: struct.pack("<i", round(s * 65536)),
    }[width]
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate)
        file.writeframes(b"".join(packed(sample) * channels for sample in samples))
    return path


def power_at(audio: bytes, hz: float) -> float:
    """Return the level of one frequency in µ-law audio, relative to a full-scale sine of 8000."""
    samples = array.array("h", to_pcm16(audio))[400:-400]
    real = sum(s * math.cos(2 * math.pi * hz * n / 8000) for n, s in enumerate(samples))
    imaginary = sum(s * math.sin(2 * math.pi * hz * n / 8000) for n, s in enumerate(samples))
    return 2 * math.hypot(real, imaginary) / len(samples) / 8000


@pytest.mark.parametrize("rate", [8000, 11025, 16000, 22050, 24000, 44100, 48000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_tone_keeps_its_level_and_length(tmp_path, rate, channels):
    audio = read_ulaw(write(tmp_path / "a.wav", sine(1000, rate, 300), rate, channels=channels))
    assert len(audio) == pytest.approx(2400, abs=1)
    assert power_at(audio, 1000) == pytest.approx(1.0, abs=0.03)


@pytest.mark.parametrize("width", [1, 2, 3, 4])
def test_every_width(tmp_path, width):
    audio = read_ulaw(write(tmp_path / "a.wav", sine(500, 16000, 200), 16000, width=width))
    assert power_at(audio, 500) == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize(("rate", "hz"), [(16000, 5000), (24000, 9000), (44100, 6000), (48000, 7000), (48000, 4600)])
def test_what_8_khz_cannot_carry_is_removed_and_not_folded(tmp_path, rate, hz):
    audio = read_ulaw(write(tmp_path / "a.wav", sine(hz, rate, 300), rate))
    assert level_dbfs(audio[400:-400]) < -60
    passed = read_ulaw(write(tmp_path / "b.wav", sine(3000, rate, 300), rate))
    assert power_at(passed, 3000) > 0.9


def test_the_same_rate_is_untouched():
    samples = sine(700, 8000, 20)
    assert resample(samples, 8000) is samples


def test_ulaw_files_pass_byte_for_byte(tmp_path):
    every = bytes(range(256))
    (tmp_path / "a.ulaw").write_bytes(every)
    assert read_ulaw(tmp_path / "a.ulaw") == every
    layout = struct.pack("<HHIIHHH", 7, 1, 8000, 8000, 1, 8, 0)
    body = b"fmt " + struct.pack("<I", len(layout)) + layout + b"data" + struct.pack("<I", 256) + every
    (tmp_path / "b.wav").write_bytes(b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body)
    assert read_ulaw(tmp_path / "b.wav") == every


def test_a_streamed_header_without_a_length_is_read(tmp_path):
    path = write(tmp_path / "a.wav", sine(500, 8000, 100), 8000)
    content = bytearray(path.read_bytes())
    content[40:44] = b"\xff\xff\xff\xff"
    path.write_bytes(content)
    assert len(read_ulaw(path)) == 800


@pytest.mark.parametrize(
    "content", [b"", b"<!DOCTYPE html>", b"RIFF\0\0\0\0WAVE", b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0" + b"\0" * 16, b"ID3\3"]
)
def test_what_is_not_audio_is_said(tmp_path, content):
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(AudioFileError, match=r"a\.wav"):
        read_ulaw(tmp_path / "a.wav")


def test_a_call_is_written_as_stereo_on_one_clock(tmp_path):
    caller, agent = Track(), Track()
    caller.add(0.0, b"\x00" * 80)
    agent.add(20.0, b"\x80" * 80)
    write_stereo(tmp_path / "call.wav", caller, agent)
    with wave.open(str(tmp_path / "call.wav")) as file:
        assert (file.getnchannels(), file.getframerate(), file.getsampwidth(), file.getnframes()) == (2, 8000, 2, 240)
        samples = array.array("h", file.readframes(240))
    assert list(samples[0::2]) == [-32124] * 80 + [0] * 160
    assert list(samples[1::2]) == [0] * 160 + [32124] * 80
