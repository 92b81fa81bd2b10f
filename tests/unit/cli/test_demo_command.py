"""`offhook demo` where it cannot work: a sentence and an exit code before anything is loaded, never a traceback."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from offhook.cli.app import app, main
from offhook.offline.speech.mind import lacking


@pytest.mark.parametrize("name", ["a-file", "a-file/inside"])
def test_a_folder_that_cannot_be_written_is_told_at_once(tmp_path: Path, name: str) -> None:
    (tmp_path / "a-file").write_text("")
    done = CliRunner().invoke(app, ["demo", "--fast", "--out", str(tmp_path / name)])
    assert done.exit_code == 2
    assert "cannot be written" in done.output
    assert "loading" not in done.output


def test_a_file_that_cannot_be_opened_is_named_by_every_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a-file").write_text("")
    monkeypatch.setattr(sys, "argv", ["offhook", "x"])
    monkeypatch.setattr("offhook.cli.app.app", lambda: (tmp_path / "a-file" / "inside").mkdir(parents=True))
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 1
    assert capsys.readouterr().err.startswith("offhook: ")


def test_without_ears_or_voice_no_call_is_begun() -> None:
    assert lacking(["moonshine base-en", "hibari heart"]) == ""
    assert lacking(["none", "beeps"]) == "the recognition model and the neural voice"
