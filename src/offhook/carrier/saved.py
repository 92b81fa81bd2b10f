"""Remembers what answered a number before us, in a file beside the project, so that it can be put back.

The file holds addresses and SIDs, no secrets; it is written whole or not at all, for the owner's eyes (0600).
"""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from offhook.carrier.number import PARAMETERS, Wiring
from offhook.errors import ConfigError

#: Where, seen from the project's folder.
FILE: Final = Path(".offhook") / "numbers.json"
#: What `offhook dev` remembers: numbers that are answered from a computer for a while. Apart, as it comes off first.
HERE: Final = Path(".offhook") / "dev.json"


@dataclass(frozen=True, slots=True)
class Saved:
    """One number: what answered it before us, and what we wrote."""

    before: Wiring
    ours: Wiring


class SavedWirings:
    """The file, by number SID. Reads it anew each time: two commands may run at once."""

    def __init__(self, folder: Path, file: Path = FILE) -> None:
        self.file = folder / file
        self._for_now = SavedWirings(folder, HERE) if file != HERE else None

    def get(self, sid: str) -> Saved | None:
        """Return what is remembered of a number. Raises ConfigError where the file cannot be understood."""
        return self._read().get(sid)

    def all(self) -> dict[str, Saved]:
        """Return everything remembered, by SID."""
        return self._read()

    def save(self, sid: str, now: Wiring, ours: Wiring) -> Saved:
        """Remember what answers a number ``now``, before ``ours`` is written; return what is kept.

        Where ``now`` is what we wrote ourselves earlier, what was there before us stays remembered; so it does where
        an `offhook dev` that was cut off has left the number with its tunnel.
        """
        kept = self._read()
        left = self._for_now.get(sid) if self._for_now is not None else None
        now = left.before if left is not None and left.ours == now else now
        known = kept.get(sid)
        before = known.before if known is not None and known.ours == now else now
        kept[sid] = Saved(before, ours)
        self._write(kept)
        return kept[sid]

    def forget(self, sid: str) -> None:
        """Forget a number, once its old values are back."""
        kept = self._read()
        if kept.pop(sid, None) is not None:
            self._write(kept)

    def _read(self) -> dict[str, Saved]:
        try:
            found = json.loads(self.file.read_text(encoding="utf-8"))
            return {sid: Saved(_wiring(one["before"]), _wiring(one["ours"])) for sid, one in found["numbers"].items()}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, TypeError, KeyError, AttributeError):
            raise ConfigError([f"{self.file}: cannot be read; it keeps what answered your numbers before"]) from None

    def _write(self, kept: dict[str, Saved]) -> None:
        text = json.dumps({"version": 1, "numbers": {sid: asdict(one) for sid, one in kept.items()}}, indent=2)
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            if not (ignore := self.file.parent / ".gitignore").exists():
                ignore.write_text("*\n", encoding="utf-8")  # an address of old may hold a password
            _replace(self.file, text + "\n")
        except OSError as error:
            raise ConfigError([f"{self.file}: cannot be written ({error.strerror}); nothing was changed"]) from None


def _wiring(found: dict[str, str]) -> Wiring:
    if set(found) != set(PARAMETERS) or not all(isinstance(value, str) for value in found.values()):
        raise ValueError("not a wiring")
    return Wiring(**found)


def _replace(file: Path, text: str) -> None:
    """Write a file whole or not at all; `mkstemp` makes it 0600 where the system knows such modes."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=file.name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
