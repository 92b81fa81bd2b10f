"""Human telephone prompts nobody here recorded (Debian's Asterisk core sounds), recognised: word error rate.

The default run takes 84 of two to five seconds; ``OFFHOOK_ALL_PROMPTS=1`` takes all of them (some minutes).
"""

from __future__ import annotations

import gzip
import os
import re
import wave
from collections.abc import Iterator
from pathlib import Path

import pytest

from offhook.offline.speech.dialogue.numbers import with_figures
from offhook.offline.speech.recognise import Moonshine, load_recogniser
from offhook.wire import ulaw

pytestmark = [pytest.mark.speech, pytest.mark.apt, pytest.mark.foreign, pytest.mark.slow]

TRANSCRIPTS = Path("/usr/share/doc/asterisk-core-sounds-en/core-sounds-en.txt.gz")
SOUNDS = Path("/usr/share/asterisk/sounds/en_US_f_Allison")
#: What is read differs from what is written, or is spelled.
EXCLUDED = {"demo-instruct", "demo-moreinfo", "demo-abouttotry", "demo-nogo", "demo-congrats", "spy-misdn"}
TYPOS = {
    "umute": "unmute",
    "un-indentified": "unidentified",
    "thru": "through",
    "represenatives": "representatives",
    "witheld": "withheld",
}
CONTRACTIONS = {
    "i'm": "i am", "i'll": "i will", "you're": "you are", "you've": "you have", "it's": "it is", "that's": "that is",
    "don't": "do not", "can't": "can not", "cannot": "can not", "isn't": "is not", "didn't": "did not",
    "won't": "will not", "there's": "there is", "we're": "we are", "we'll": "we will", "they're": "they are",
    "let's": "let us", "doesn't": "does not", "ok": "okay",
}  # fmt: skip
#: Written as one word or as two; nobody hears the difference.
COMPOUNDS = (
    "voice mail",
    "e mail",
    "call back",
    "file name",
    "touch tone",
    "mail box",
    "set up",
    "re record",
    "good bye",
)
SYMBOLS = {"*": " star ", "#": " pound "}
#: What the ears leave around an utterance.
AROUND = ulaw.silence(250)
SUBSET = 84


def words(text: str) -> list[str]:
    plain = re.sub(r"\s+", " ", text.casefold().replace("’", "'"))
    for wrong, right in {**TYPOS, **CONTRACTIONS}.items():
        plain = re.sub(rf"\b{re.escape(wrong)}\b", right, plain)
    for symbol, name in SYMBOLS.items():
        plain = plain.replace(symbol, name)
    plain = " ".join(re.findall(r"[a-z0-9']+", with_figures(plain.replace("-", " "))))
    for compound in COMPOUNDS:
        plain = plain.replace(compound, compound.replace(" ", ""))
    return plain.split()


def prompts() -> Iterator[tuple[str, str, Path]]:
    entries = re.split(r"\n(?=[\w/-]+:)", gzip.decompress(TRANSCRIPTS.read_bytes()).decode("utf-8", "replace"))
    for entry in entries:
        name, _, text = entry.partition(":")
        text = re.sub(r"\[.*?\]|\(.*?\)|\n;.*", "", text, flags=re.DOTALL).strip()
        path = SOUNDS / f"{name.strip()}.wav"
        if name.strip() not in EXCLUDED and len(text.split()) >= 5 and path.is_file() and not text.startswith("<"):
            yield name.strip(), text, path


def errors(wanted: list[str], heard: list[str]) -> int:
    """Return the word edit distance."""
    row = list(range(len(heard) + 1))
    for i, word in enumerate(wanted, 1):
        before, row[0] = row[0], i
        for j, other in enumerate(heard, 1):
            before, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, before + (word != other))
    return row[-1]


def audio_of(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (8000, 1, 2)
        return AROUND + ulaw.from_pcm16(file.readframes(file.getnframes())) + AROUND


def test_word_error_rate_on_human_telephone_prompts() -> None:
    if not (TRANSCRIPTS.is_file() and SOUNDS.is_dir()):
        pytest.skip("no human prompts: apt-get install asterisk-core-sounds-en asterisk-core-sounds-en-wav")
    recognise = load_recogniser(lambda _: None)
    assert isinstance(recognise, Moonshine)
    chosen = list(prompts())
    if not os.environ.get("OFFHOOK_ALL_PROMPTS"):
        chosen = [one for one in chosen if 2.0 <= len(audio_of(one[2])) / 8000 <= 5.0]
        chosen = chosen[:: max(1, len(chosen) // SUBSET)][:SUBSET]
    assert len(chosen) >= SUBSET
    wrong, total, exact = [], 0, 0
    for name, text, path in chosen:
        wanted, heard = words(text), words(recognise(audio_of(path)))
        missed = errors(wanted, heard)
        total += len(wanted)
        exact += missed == 0
        if missed:
            wrong.append((missed, name, " ".join(wanted), " ".join(heard)))
    rate = sum(missed for missed, *_ in wrong) / total
    print(f"{len(chosen)} prompts, {total} words: WER {rate:.2%}, exact {exact / len(chosen):.1%}")
    assert rate <= 0.03, sorted(wrong, reverse=True)[:12]
    assert exact / len(chosen) >= 0.8
