"""Where the commands that play Twilio find its token and account: environment or `.env`, never an argument."""

from __future__ import annotations

from pathlib import Path


def credentials(token_name: str, account_sid: str | None) -> tuple[str | None, str | None]:
    """Return token and account; the token from the variable ``token_name``."""
    import os

    from offhook.config.files import read_dotenv

    dotenv = Path(".env")
    names = read_dotenv(dotenv)[0] if dotenv.is_file() else {}

    def named(name: str) -> str | None:
        return os.environ.get(name) or names.get(name) or None

    return named(token_name), account_sid or named("TWILIO_ACCOUNT_SID")
