"""One run of the wizard: what all steps share, and the steps in their order. Does no step itself."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from offhook.config.load import Loaded, load
from offhook.config.settings import Settings
from offhook.errors import ConfigError, SetupError
from offhook.setup.wizard import dotenv, pasted
from offhook.setup.wizard.ports import Asker, Runner, Teller
from offhook.setup.wizard.state import State, write_state

#: How a problem of the settings begins that a credential in .env causes.
_CREDENTIAL: Final = re.compile(r"(?:deepgram|twilio|railway)\.\w+ \(\.env (\w+)\): (.*)")


@dataclass(slots=True)
class Setup:
    """What a step works with. ``ends`` closes what must live until the wizard ends (a server on this laptop)."""

    folder: Path
    environ: Mapping[str, str]
    ask: Asker
    tell: Teller
    run: Runner
    state: State
    is_agreed: bool = False
    is_calling: bool = True
    ends: ExitStack = field(default_factory=ExitStack)

    def load(self, overrides: Mapping[str, Any] | None = None) -> Loaded:
        """Read the settings as they are now. Raises ConfigError."""
        return load(None, self.environ, overrides, self.folder)

    @property
    def settings(self) -> Settings:
        """The settings as they are now."""
        return self.load().settings

    @property
    def root(self) -> str:
        """The path under which the server answers Twilio."""
        return self.settings.server.stream_path

    def remember(self, **choices: Any) -> None:
        """Write choices down at once: whatever happens next, the next run knows them."""
        for name, value in choices.items():
            setattr(self.state, name, value)
        write_state(self.folder, self.state)

    def confirm(self, where: str, changes: Sequence[str]) -> None:
        """List what is about to change at ``where`` and get consent. Raises SetupError without it."""
        self.tell.line("do", f"this changes at {where}:")
        for change in changes:
            self.tell.line("", f"- {change}")
        if self.is_agreed or self.ask.known("agree"):
            return
        if not self.ask.is_person:
            raise SetupError(f"nothing was changed at {where}", "agree with --yes, or agree = true in the answers file")
        if not self.ask.agree("Change it?"):
            raise SetupError(f"nothing was changed at {where}")

    def have(self, key: str, name: str, dotted: str, question: str, *, is_secret: bool = True) -> None:
        """Have a credential: the environment's, else the answers file's, else the one of `.env`, else ask."""
        answered, known = self.ask.known(key), self.environ.get(name) or dotenv.read(self.folder).get(name)
        if not known or (answered not in (None, known) and not self.environ.get(name)):
            self.secret(key, name, dotted, question, is_secret=is_secret)

    def secret(self, key: str, name: str, dotted: str, question: str, *, is_secret: bool = True) -> str:
        """Ask for a credential until it has the right form, write it into `.env` and return it."""
        while True:
            value = pasted.credential(self.ask.text(key, question, is_secret=is_secret), name)
            problem = self._wrong(dotted, value)
            if is_secret and self.ask.is_person:
                self.tell.line("", f"{len(value)} characters arrived")
            if not problem:
                dotenv.put(self.folder, {name: value})
                return value
            if not self.ask.is_person:
                raise SetupError(f"{key} {problem}", "correct it in the answers file")
            self.tell.line("note", f"that {problem}")

    def _wrong(self, dotted: str, value: str) -> str:
        if not value or any(letter.isspace() for letter in value):
            return "has blanks in it; copy the key alone" if value else "is empty"
        if not dotted:
            return ""
        try:
            self.load({dotted: value})
        except ConfigError as error:
            mine = [problem for problem in error.problems if problem.startswith(f"{dotted} ")]
            return mine[0].partition(": ")[2] if mine else ""
        return ""

    def drop_useless_credentials(self) -> None:
        """Take out of `.env` what can be no credential, so that it is asked for. Raises ConfigError for the rest."""
        while True:
            try:
                self.load()
                return
            except ConfigError as error:
                bad = {m[1]: m[2] for problem in error.problems if (m := _CREDENTIAL.fullmatch(problem))}
                if not bad:
                    raise
                for name, why in bad.items():
                    self.tell.line("note", f"{name} in .env {why}; it is taken out, and you are asked for it")
                dotenv.drop(self.folder, bad)


@dataclass(frozen=True, slots=True)
class Step:
    """One step: ``do`` asks, does and verifies; it raises where the step is not good."""

    title: str
    why: str
    do: Callable[[Setup], None]


def walk(setup: Setup, steps: Sequence[Step]) -> None:
    """Go through all steps. Raises OffhookError at the first that is not good; the next run begins anew, and fast."""
    for number, step in enumerate(steps, 1):
        setup.tell.step(number, len(steps), step.title, step.why)
        step.do(setup)
