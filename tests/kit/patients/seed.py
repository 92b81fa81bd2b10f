"""What a seeded set-up is: how to arrange it, and which finding it must give."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

API_KEY = "0123456789abcdef" * 2 + "01234567"
AUTH_TOKEN = "fedcba9876543210" * 2
#: An address of this machine where nothing listens: nobody else is ever asked.
NOWHERE = "http://127.0.0.1:9"
ACCOUNT = "AC" + "0" * 31 + "1"


@dataclass(frozen=True, slots=True)
class Arranged:
    """What the doctor is given."""

    environ: Mapping[str, str]
    url: str | None = None
    network: bool = False


Arrange = Callable[[Path], AbstractAsyncContextManager[Arranged]]


@dataclass(frozen=True, slots=True)
class Seed:
    """One broken set-up: in words, with the check and the case that name it, and a word that its fix must hold."""

    words: str
    check: str
    cause: str
    fix: str
    arrange: Arrange
    verdict: str = "fail"

    @property
    def name(self) -> str:
        """A name for the test."""
        return f"{self.check}-{self.cause}-{self.words}".replace(" ", "_")[:80]


def keys(**changed: str) -> dict[str, str]:
    """Return the environment of a healthy set-up, changed."""
    sound = {"DEEPGRAM_API_KEY": API_KEY, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "TWILIO_ACCOUNT_SID": ACCOUNT}
    sound |= {
        "OFFHOOK_PUBLIC_URL": NOWHERE,
        "OFFHOOK_DEV__NGROK_API": NOWHERE,
        "TWILIO_API_URL": NOWHERE,
        "DEEPGRAM_AGENT_URL": f"ws{NOWHERE.removeprefix('http')}/v1/agent/converse",
        "OFFHOOK_TIMEOUTS__DIAL_S": "9",  # as long as a check may take: on a crowded machine 3 s are soon over
        "OFFHOOK_TIMEOUTS__SETTINGS_S": "9",
    }
    return {name: value for name, value in {**sound, **changed}.items() if value}


def written(files: Mapping[str, str | bytes], **changed: str) -> Arrange:
    """Arrange a folder with these files, and an environment; nothing is asked of the network."""

    @asynccontextmanager
    async def arrange(folder: Path) -> AsyncIterator[Arranged]:
        for name, content in files.items():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        yield Arranged(keys(**changed))

    return arrange
