"""The tour is what it says: five files, in ten minutes."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FIVE = ("wire/twilio.py", "wire/deepgram.py", "call/session.py", "run/call_runner.py", "server.py")


def test_the_five_files_are_named_and_short():
    tour = (ROOT / "docs" / "tour.md").read_text(encoding="utf-8")
    assert [name for name in FIVE if f"src/offhook/{name}" not in tour] == []

    lines = sum(len((ROOT / "src" / "offhook" / name).read_text(encoding="utf-8").splitlines()) for name in FIVE)
    assert lines <= 1200
