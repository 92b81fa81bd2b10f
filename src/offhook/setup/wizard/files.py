"""Writes small files whole or not at all, for the owner's eyes only (0600). Knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from offhook.errors import SetupError


def write_private(file: Path, text: str) -> None:
    """Replace a file at once, 0600 where the system knows such modes. Raises SetupError.

    What a run that was killed in here has left is taken away by the next one: it may hold a key.
    """
    part = file.with_name(f"{file.name}.part")
    try:
        part.unlink(missing_ok=True)
        with os.fdopen(os.open(part, _NEW, 0o600), "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
        part.replace(file)
    except OSError as error:
        raise SetupError(
            f"{file.name} cannot be written ({error.strerror})", "choose a folder that is yours: offhook setup DIR"
        ) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


#: Never a file that is there already, whose mode would stay what it is.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL
