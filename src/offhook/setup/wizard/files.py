"""Writes small files whole or not at all, for the owner's eyes only (0600). Knows nothing of what is in them."""

from __future__ import annotations

import contextlib
import os
import tempfile
from pathlib import Path

from offhook.errors import SetupError


def write_private(file: Path, text: str) -> None:
    """Replace a file at once; `mkstemp` makes it 0600 where the system knows such modes. Raises SetupError."""
    try:
        handle, name = tempfile.mkstemp(dir=file.parent, prefix=f"{file.name}.")
        try:
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
                out.write(text)
            Path(name).replace(file)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise SetupError(
            f"{file.name} cannot be written ({error.strerror})", "choose a folder that is yours: offhook setup DIR"
        ) from None
