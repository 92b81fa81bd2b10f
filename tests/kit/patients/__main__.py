"""Writes the docs' table of broken set-ups."""

from __future__ import annotations

from pathlib import Path

from tests.kit.patients.all import table

PAGE = Path(__file__).parents[3] / "docs/topics/doctor.md"
BEGIN, END = "<!-- table: broken set-ups -->\n", "<!-- end of table -->"


def page() -> str:
    """Return the page with a fresh table."""
    text = PAGE.read_text(encoding="utf-8")
    before, _, rest = text.partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8", newline="\n")
