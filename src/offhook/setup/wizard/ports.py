"""How the wizard talks to whoever sits in front of it, as Protocols. The terminal itself is the command line's."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

Result = TypeVar("Result")


class Asker(Protocol):
    """Asks a person, or finds the answer in a file. Each method raises SetupError where nobody can answer.

    ``key`` names the question in an answers file; ``again`` says that the answer before was no good.
    """

    @property
    def is_person(self) -> bool:
        """Whether somebody sits there who can be asked again."""
        ...

    def known(self, key: str) -> Any | None:
        """Return the answer of the file, where there is one. Asks nobody."""
        ...

    def text(self, key: str, question: str, default: str = "", *, is_secret: bool = False) -> str:
        """Ask for text; a secret is typed without echo."""
        ...

    def choose(self, key: str, question: str, options: Sequence[tuple[str, str]]) -> str:
        """Let one of ``options`` be chosen: (what is returned, what is shown)."""
        ...

    def agree(self, question: str) -> bool:
        """Ask for consent to what was just listed."""
        ...


class Teller(Protocol):
    """Shows what happens."""

    def step(self, number: int, of: int, title: str, why: str) -> None:
        """Begin a step: its title, and one or two lines on what it is for."""
        ...

    def line(self, kind: str, text: str) -> None:
        """Tell one thing. ``kind``: ok, note, do, or nothing for a line of a list or of a log."""
        ...


class Runner(Protocol):
    """Runs asynchronous work to its end. Questions are asked outside it, so that Ctrl-C ends them at once."""

    def __call__(self, work: Coroutine[Any, Any, Result], /) -> Result:
        """Run it."""
        ...


Say = Callable[[str], None]
