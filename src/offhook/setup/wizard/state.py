"""What the wizard remembers between runs: the owner's choices and what came of them. No secret is ever in it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Final, Literal

from offhook.config.files import UnreadableError, text_of
from offhook.errors import SetupError
from offhook.setup.wizard.files import write_private

FILE: Final = "offhook.state.json"
VERSION: Final = 1
Place = Literal["laptop", "railway", "url"]
PLACES: Final[tuple[Place, ...]] = ("laptop", "railway", "url")


@dataclass(slots=True)
class State:
    """Choices, empty until they are made. Nothing here says that a step is *done*: every run verifies that anew.

    ``heard`` is the one thing that cannot be verified again without a telephone: where a greeting was heard, and by
    which number.
    """

    number_sid: str = ""
    place: Place | Literal[""] = ""
    url: str = ""
    by_hand: bool = False
    repository: str = ""
    branch: str = ""
    image: str = ""
    workspace: str = ""
    replicas: int = 1
    databases: str = ""
    heard: str = ""


def read_state(folder: Path) -> State:
    """Return what is remembered; nothing where there is no file yet. Raises SetupError where it is not ours."""
    file = folder / FILE
    if not file.exists():
        return State()
    try:
        found = json.loads(text_of(file))["choices"]
        known = {each.name: type(each.default) for each in fields(State)}
        choices = {name: value for name, value in found.items() if name in known}
        is_ours = all(type(value) is known[name] for name, value in choices.items())
        if not is_ours or choices.get("place", "") not in ("", *PLACES):
            raise ValueError
        return State(**choices)
    except (UnreadableError, ValueError, TypeError, KeyError, AttributeError):
        raise SetupError(
            f"{FILE} cannot be understood", "delete it: only your choices are in it, and you are asked again"
        ) from None


def write_state(folder: Path, state: State) -> None:
    """Write it, whole or not at all, where it has changed."""
    file = folder / FILE
    text = json.dumps({"version": VERSION, "choices": asdict(state)}, indent=2) + "\n"
    if not file.exists() or file.read_text(encoding="utf-8") != text:
        write_private(file, text)
