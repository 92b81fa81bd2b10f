"""Speech to text, one utterance at a time, blocking: lives in a worker process. Knows no turns and no sockets."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np

from offhook.offline.speech import sound
from offhook.offline.speech.models import INSTALL, ModelMissing, Progress, moonshine_folder

_RATE_HZ: Final = 16000
_START, _END = 1, 2
#: Spoken English stays under this many tokens a second; more is a decoder that repeats itself.
_TOKENS_PER_S: Final = 6.5
_SHORTEST_S: Final = 0.1


class Recogniser(Protocol):
    """Turns 8 kHz µ-law into text; empty where nothing was said."""

    name: str

    def __call__(self, audio: bytes) -> str:
        """Recognise one utterance."""
        ...


def load_recogniser(progress: Progress) -> Recogniser:
    """Return the best engine this machine has, saying through ``progress`` what is missing for a better one."""
    try:
        return Moonshine(moonshine_folder(progress))
    except ModelMissing as missing:
        progress(str(missing))
    except ImportError as missing:
        progress(f"no speech recognition: {missing.name} is not installed; run: {INSTALL}")
    return Deaf()


_TODAY: Final = re.compile(r"\b([Tt])o-(day|morrow|night)\b")
_GOODBYE: Final = re.compile(r"\b([Gg])ood-bye?\b")


class Deaf:
    """No engine at all: hears no words."""

    name = "none"

    def __call__(self, audio: bytes) -> str:
        """Return nothing."""
        del audio
        return ""


class Moonshine:
    """Moonshine base-en on onnxruntime, one thread. Load about 1 s; 0.05 s per second of speech."""

    name = "moonshine base-en"

    def __init__(self, folder: Path) -> None:
        self._encoder = _session(folder / "encoder_model.onnx")
        self._decoder = _session(folder / "decoder_model_merged.onnx")
        self._words = _read_tokens((folder / "tokenizer.bin").read_bytes())
        inputs = {i.name: i.shape for i in self._decoder.get_inputs()}
        self._caches = [name for name in inputs if name.startswith("past_key_values")]
        _, heads, _, width = inputs[self._caches[0]]
        self._nothing = np.zeros((1, heads, 0, width), np.float32)

    def __call__(self, audio: bytes) -> str:
        """Recognise one utterance (at least 0.1 s; shorter is silence)."""
        heard = sound.from_ulaw(audio)
        seconds = len(heard) / 8000
        if seconds < _SHORTEST_S:
            return ""
        wide = sound.resampled(heard, len(heard) * _RATE_HZ // 8000)
        (encoded,) = self._encoder.run(None, {"input_values": wide[None]})
        return self._text(self._decode(encoded, int(seconds * _TOKENS_PER_S) + 4))

    def _decode(self, encoded: sound.Sound, most: int) -> list[int]:
        """Choose the likeliest token again and again until the end token or ``most``."""
        memory = dict.fromkeys(self._caches, self._nothing)
        tokens: list[int] = []
        last = _START
        while len(tokens) < most:
            scores, *grown = self._decoder.run(
                None,
                {
                    "input_ids": np.array([[last]], np.int64),
                    "encoder_hidden_states": encoded,
                    "use_cache_branch": np.array([bool(tokens)]),
                    **memory,
                },
            )
            for name, value in zip(self._caches, grown, strict=True):
                # What depends on the audio alone is computed by the first step only; later ones return it empty.
                if not tokens or ".decoder." in name:
                    memory[name] = value
            last = int(np.argmax(scores[0, -1]))
            if last == _END:
                break
            tokens.append(last)
        return tokens

    def _text(self, tokens: list[int]) -> str:
        return modern(b"".join(self._words[t] for t in tokens).decode("utf-8", "replace").strip())


def modern(text: str) -> str:
    """Write today, tomorrow, tonight and goodbye as one word: the model has read old books, too."""
    return _GOODBYE.sub(r"\1oodbye", _TODAY.sub(r"\1o\2", text))


def _session(path: Path) -> Any:  # onnxruntime ships no types
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def _read_tokens(packed: bytes) -> list[bytes]:
    """Unpack the tokenizer file: per token a length (one byte, or two from 128 on), then its bytes."""
    words: list[bytes] = []
    at = 0
    while at < len(packed):
        length = packed[at]
        at += 1
        if length >= 128:
            length += (packed[at] - 1) * 128
            at += 1
        words.append(_spelled(packed[at : at + length]))
        at += length
    return words


def _spelled(token: bytes) -> bytes:
    if token.startswith(b"<0x"):
        return bytes.fromhex(token[3:5].decode("ascii"))
    return token.replace("▁".encode(), b" ")
