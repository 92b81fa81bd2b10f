"""What a check finds, as values, and how findings are told to people and programs. Looks at nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

#: ``skip``: it could not be looked at, and why; neither good nor bad.
Verdict = Literal["ok", "warn", "fail", "skip"]
#: Exit codes of `offhook doctor`: nothing wrong, warnings only, something failed.
EXIT_OK: Final = 0
EXIT_WARNED: Final = 1
EXIT_FAILED: Final = 2


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor. ``cause`` names the case for programs and stays the same between versions.

    ``expected``, ``found`` and ``fix`` are plain words without secrets. A finding that is ok needs only ``found``.
    """

    check: str
    verdict: Verdict
    found: str
    cause: str = ""
    expected: str = ""
    fix: str = ""

    def lines(self, width: int = 0) -> list[str]:
        """Return the finding as text: one line, and for trouble two more. ``width`` 0 does not wrap."""
        first = f"{self.verdict:<4}  {self.check}: {self.found}"
        rest = [f"expected: {self.expected}" if self.expected else "", f"fix: {self.fix}" if self.fix else ""]
        return [*_wrapped(first, width, 6), *(line for text in rest if text for line in _wrapped(text, width, 6, 6))]


def ok(check: str, found: str) -> Finding:
    """Say that all is well."""
    return Finding(check, "ok", found, "ok")


def skip(check: str, why: str) -> Finding:
    """Say that it could not be looked at."""
    return Finding(check, "skip", why, "skipped")


def exit_code(findings: Iterable[Finding]) -> int:
    """Return the exit code: 2 where anything failed, else 1 where anything is a warning, else 0."""
    verdicts = {finding.verdict for finding in findings}
    return EXIT_FAILED if "fail" in verdicts else EXIT_WARNED if "warn" in verdicts else EXIT_OK


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """Return what `offhook doctor --json` prints."""
    return {"exit": exit_code(findings), "findings": [asdict(finding) for finding in findings]}


def _wrapped(text: str, width: int, hang: int, indent: int = 0) -> list[str]:
    import textwrap

    if not width:
        return [" " * indent + text]
    return textwrap.wrap(
        text,
        max(width, 30),
        initial_indent=" " * indent,
        subsequent_indent=" " * hang,
        break_long_words=False,
        break_on_hyphens=False,
    )
