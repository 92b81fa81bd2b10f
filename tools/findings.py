"""Writes the table of the judge's findings into docs/topics/judge.md, from the rules. Run: python -m tools.findings."""

from __future__ import annotations

from pathlib import Path

from offhook.lab.judge.judge import codes

PAGE = Path(__file__).parents[1] / "docs/topics/judge.md"
_MARK = "<!-- Written by `python -m tools.findings`; a test compares. -->\n"


def page() -> str:
    """Return the page as it should be."""
    before = PAGE.read_text(encoding="utf-8").partition(_MARK)[0]
    rows = [f"| `{code}` | {words} |" for code, words in codes().items()]
    return (
        before
        + _MARK
        + "\n"
        + "\n".join(["| finding | what is wrong, and what to do |", "| --- | --- |", *rows])
        + "\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
