"""What the wizard tells people to type is what they can type; what is wrapped stands under its text."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from offhook.cli import terminal


@pytest.mark.parametrize(
    ("called", "shown"),
    [
        (".venv/bin/offhook", ".venv/bin/offhook"),
        ("{here}/.venv/bin/offhook", ".venv/bin/offhook"),
        ("{here}/my agent/offhook", '"my agent/offhook"'),
        ("{here}/src/offhook/__main__.py", f"{Path(sys.executable).stem} -m offhook"),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="paths are written otherwise there")
def test_offhook_is_called_as_it_was_called(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, called: str, shown: str):
    """In a virtual environment that nobody activated, the bare name is no command."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr(sys, "argv", [called.format(here=tmp_path)])

    assert terminal.program() == shown


def test_a_list_is_wrapped_under_its_text(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setenv("COLUMNS", "40")
    terminal.Terminal().line("", "- a thing that is longer than one line has room for")
    terminal.Terminal().line("", "     PORT=8080 and more than one line has room for")

    assert capsys.readouterr().out.splitlines() == [
        "         - a thing that is longer than",
        "           one line has room for",
        "              PORT=8080 and more than",
        "              one line has room for",
    ]
