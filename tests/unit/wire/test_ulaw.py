"""8 kHz µ-law against G.711's values and the checksums of the whole tables."""

from __future__ import annotations

import hashlib
import math
import struct

import pytest

from offhook.wire import ulaw

TO_PCM = {
    0x00: -32124, 0x0F: -16764, 0x10: -15996, 0x2A: -5372, 0x55: -716, 0x7E: -8, 0x7F: 0, 0x80: 32124,
    0x8F: 16764, 0xAA: 5372, 0xD5: 716, 0xF0: 120, 0xFE: 8, 0xFF: 0,
}  # fmt: skip
FROM_PCM = {
    0: 0xFF, 3: 0xFF, 4: 0xFE, -1: 0x7F, -4: 0x7E, 100: 0xF2, -100: 0x72, 132: 0xEF, 1000: 0xCE, -1000: 0x4E,
    8000: 0xA0, -8000: 0x20, 16384: 0x8F, 32635: 0x80, 32767: 0x80, -32768: 0x00,
}  # fmt: skip


def test_values():
    assert {byte: ulaw.DECODE[byte] for byte in TO_PCM} == TO_PCM
    for sample, byte in FROM_PCM.items():
        assert ulaw.from_pcm16(struct.pack("<h", sample)) == bytes([byte]), sample


def test_whole_tables():
    decoded = ulaw.to_pcm16(bytes(range(256)))
    assert hashlib.sha256(decoded).hexdigest() == "3dab54339e520bb2c924826e3b72a917a2b612e9fd12fc867500f1d983a75827"
    encoded = ulaw.from_pcm16(struct.pack("<65536h", *range(-32768, 32768)))
    assert hashlib.sha256(encoded).hexdigest() == "5ee7cf5f273f842d2234121e4cb0c98d6b20a99ac29026f94e05b36955b195be"


def test_one_kilohertz():
    sine = struct.pack("<8h", *(round(8000 * math.sin(math.tau * n / 8)) for n in range(8)))
    assert ulaw.from_pcm16(sine) == bytes.fromhex("ffa9a0a9ff292029")


def test_there_and_back_for_every_byte():
    every = bytes(range(256))
    assert ulaw.from_pcm16(ulaw.to_pcm16(every)) == every.replace(b"\x7f", b"\xff")


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
def test_every_kind_of_buffer(kind):
    assert ulaw.to_pcm16(kind(b"\xff\x00")) == struct.pack("<2h", 0, -32124)
    assert ulaw.from_pcm16(kind(struct.pack("<2h", 0, -32768))) == b"\xff\x00"
    assert ulaw.level_dbfs(kind(b"\x00")) > -1


def test_an_odd_byte_is_dropped():
    assert ulaw.from_pcm16(b"\0\0\0") == b"\xff"
    assert ulaw.from_pcm16(b"\0") == b""


def test_silence_and_length():
    assert ulaw.silence(20) == b"\xff" * 160
    assert ulaw.silence(0) == b""
    assert ulaw.duration_ms(ulaw.silence(130)) == 130


def test_level():
    assert ulaw.level_dbfs(b"") == ulaw.level_dbfs(ulaw.silence(20)) == -96.0
    assert ulaw.level_dbfs(b"\x7f" * 160) == -96.0
    assert ulaw.level_dbfs(b"\x00\x80") == pytest.approx(20 * math.log10(32124 / 32768), abs=1e-9)
