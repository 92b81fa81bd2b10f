"""Audio formats: exact where nothing is converted, band-limited and level-true where something is."""

from __future__ import annotations

import array
import math

import pytest

from offhook.offline import formats
from offhook.offline.formats import Decimator, Format, Incoming, Interpolator, Outgoing
from offhook.wire import ulaw

EVERY_CODE = bytes(range(256))


def sine(hz: float, rate: int, seconds: float = 0.5, level: int = 8000) -> bytes:
    count = int(rate * seconds)
    return array.array("h", [round(level * math.sin(math.tau * hz * n / rate)) for n in range(count)]).tobytes()


def rms(pcm: bytes) -> float:
    samples = array.array("h", pcm)[200:-200]
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples))


@pytest.fixture(params=["numpy", "plain"])
def arithmetic(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "numpy":
        pytest.importorskip("numpy")
    else:
        monkeypatch.setattr(formats, "_numpy", lambda: None)


def test_mulaw_passes_untouched() -> None:
    assert Incoming(Format("mulaw", 8000)).convert(EVERY_CODE) == EVERY_CODE
    assert Outgoing(Format("mulaw", 8000)).convert(EVERY_CODE) == EVERY_CODE


def test_alaw_is_the_itu_code() -> None:
    # ITU-T G.711 table 1a: the decision values of every code decode to themselves.
    assert [formats._alaw_byte(formats._alaw_sample(code)) for code in range(256)] == list(range(256))
    assert formats._alaw_byte(0) == 0xD5
    assert formats._alaw_byte(32767) == 0xAA
    assert formats._alaw_byte(-32768) == 0x2A
    there_and_back = Incoming(Format("alaw", 8000)).convert(Outgoing(Format("alaw", 8000)).convert(EVERY_CODE))
    pairs = zip(EVERY_CODE, there_and_back, strict=True)
    worst = max(abs(ulaw.DECODE[a] - ulaw.DECODE[b]) / (abs(ulaw.DECODE[a]) + 128) for a, b in pairs)
    assert worst < 0.07, "no more than a quantisation step"


def test_linear16_at_8000_is_plain_g711() -> None:
    assert Outgoing(Format("linear16", 8000)).convert(EVERY_CODE) == ulaw.to_pcm16(EVERY_CODE)
    assert Incoming(Format("linear16", 8000)).convert(ulaw.to_pcm16(EVERY_CODE)) == ulaw.from_pcm16(
        ulaw.to_pcm16(EVERY_CODE)
    )


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("factor", [2, 3, 6])
def test_decimation_keeps_speech_and_removes_what_would_alias(factor: int) -> None:
    rate = 8000 * factor
    for hz in (300, 1000, 2500):
        assert 20 * math.log10(rms(Decimator(factor).convert(sine(hz, rate))) / rms(sine(hz, rate))) == pytest.approx(
            0, abs=0.3
        )
    for hz in (4700, 5500, 7500):
        assert rms(Decimator(factor).convert(sine(hz, rate))) < 8000 / 100


@pytest.mark.usefixtures("arithmetic")
@pytest.mark.parametrize("factor", [2, 3, 6])
def test_interpolation_keeps_level_and_length(factor: int) -> None:
    narrow = sine(1000, 8000)
    wide = Interpolator(factor).convert(narrow)
    assert len(wide) == factor * len(narrow)
    assert rms(wide) == pytest.approx(rms(narrow), rel=0.01)


@pytest.mark.usefixtures("arithmetic")
def test_segmentation_does_not_matter() -> None:
    pcm = sine(700, 24000, 0.2)
    whole = Incoming(Format("linear16", 24000)).convert(pcm)
    piecewise = Incoming(Format("linear16", 24000))
    pieces = b"".join(piecewise.convert(pcm[n : n + 37]) for n in range(0, len(pcm), 37))
    assert pieces == whole[: len(pieces)]
    assert len(whole) - len(pieces) <= 1
    narrow = ulaw.from_pcm16(sine(700, 8000, 0.2))
    spoken = Outgoing(Format("linear16", 24000))
    assert b"".join(spoken.convert(narrow[n : n + 11]) for n in range(0, len(narrow), 11)) == Outgoing(
        Format("linear16", 24000)
    ).convert(narrow)


def test_numpy_and_plain_sums_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("numpy")
    pcm, narrow = sine(700, 24000, 0.1), sine(700, 8000, 0.1)
    fast = Decimator(3).convert(pcm), Interpolator(3).convert(narrow)
    monkeypatch.setattr(formats, "_numpy", lambda: None)
    slow = Decimator(3).convert(pcm), Interpolator(3).convert(narrow)
    for one, other in zip(fast, slow, strict=True):
        assert max(abs(a - b) for a, b in zip(array.array("h", one), array.array("h", other), strict=True)) <= 1


def test_frames_are_20_ms_in_every_format() -> None:
    assert Format("mulaw", 8000).frame_bytes == 160
    assert Format("linear16", 24000).frame_bytes == 960


@pytest.mark.parametrize(
    "declared",
    [
        Format("mulaw", 16000),
        Format("alaw", 16000),
        Format("linear16", 22050),
        Format("linear16", 44100),
        Format("linear32", 24000),
    ],
)
def test_speech_survives_every_format_in_pieces_of_any_size(declared: Format) -> None:
    narrow = ulaw.from_pcm16(sine(700, 8000, 0.4))
    if declared.encoding == "linear32":
        wide = b"".join(b"\x55\xaa" + s for s in _pairs(Outgoing(Format("linear16", 24000)).convert(narrow)))
    else:
        spoken = Outgoing(declared)
        wide = b"".join(spoken.convert(narrow[n : n + 37]) for n in range(0, len(narrow), 37))
    assert len(wide) == pytest.approx(0.4 * declared.sample_rate * declared.sample_bytes, rel=0.01)
    heard = Incoming(declared)
    back = b"".join(heard.convert(wide[n : n + 101]) for n in range(0, len(wide), 101))
    assert len(back) == pytest.approx(len(narrow), rel=0.02)
    assert rms(ulaw.to_pcm16(back)) == pytest.approx(rms(ulaw.to_pcm16(narrow)), rel=0.05)


def _pairs(pcm: bytes) -> list[bytes]:
    return [pcm[n : n + 2] for n in range(0, len(pcm), 2)]


def test_a_wav_container_has_a_header_before_every_sentence_and_only_there() -> None:
    spoken = Outgoing(Format("mulaw", 8000, "wav"))
    spoken.begin()
    first, second = spoken.convert(b"\x11" * 160), spoken.convert(b"\x22" * 160)
    assert (first[:4], first[8:16], len(first)) == (b"RIFF", b"WAVEfmt ", 44 + 160)
    assert (int.from_bytes(first[20:22], "little"), int.from_bytes(first[24:28], "little")) == (7, 8000)
    assert second == b"\x22" * 160
    spoken.begin()
    assert spoken.convert(b"\x11")[:4] == b"RIFF"
