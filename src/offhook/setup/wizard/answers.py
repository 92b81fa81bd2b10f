"""The answers file of a run without a terminal: which questions there are, and what was answered. Asks nobody."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from offhook.config.files import UnreadableError, read_toml
from offhook.errors import ConfigError
from offhook.setup.wizard.state import PLACES

#: Every key with the type of its value and what it answers. In the order in which it is asked.
KEYS: Final[Mapping[str, tuple[type, str]]] = {
    "deepgram_api_key": (str, "Deepgram's API key, where it is not in .env or the environment"),
    "twilio_account_sid": (str, "Twilio's account SID, likewise"),
    "twilio_auth_token": (str, "Twilio's auth token, likewise"),
    "twilio_api_key": (
        str,
        "an API key's SID that asks Twilio instead of the auth token, which the server needs still",
    ),
    "twilio_api_secret": (str, "its secret"),
    "number": (str, "the number to answer; not needed where the account has one only"),
    "place": (str, "where the server runs: `laptop`, `railway` or `url`"),
    "ngrok_authtoken": (str, "laptop: ngrok's authtoken, where there is no other tunnel"),
    "stay": (bool, "laptop: keep answering after the call, until it is stopped"),
    "by_hand": (bool, "railway: everything is set in Railway's own pages, and verified here"),
    "railway_api_token": (str, "railway: an account or workspace token"),
    "railway_token": (str, "railway: a project token instead"),
    "repository": (str, "railway: the GitHub repository, `owner/name`"),
    "branch": (str, "railway: its branch; otherwise `main`"),
    "image": (str, "railway: a container image instead of a repository"),
    "workspace": (str, "railway: the workspace to create the project in, where there are several"),
    "replicas": (int, "railway: how many; otherwise 1"),
    "databases": (list, "railway: `postgres`, `redis` beside the service"),
    "url": (str, "url, or railway by hand: the server's public address"),
    "fallback_url": (str, "what answers when the server cannot, best a TwiML Bin"),
    "take": (list, "what may be taken off the number: `trunk`, `application`"),
    "agree": (bool, "agree to every change that is listed, as --yes does"),
    "call": (bool, "false: end after the simulated call"),
    "call_s": (int, "how long to wait for your call, in seconds; otherwise 600"),
}
_OF: Final = {"place": PLACES, "databases": ("postgres", "redis"), "take": ("trunk", "application")}


def read_answers(file: Path) -> dict[str, Any]:
    """Return the answers. Raises ConfigError with every problem; no value is in it."""
    try:
        found = read_toml(file)
    except UnreadableError as error:
        raise ConfigError([f"{file.name}: {error}"]) from None
    problems = [problem for key, value in found.items() if (problem := _problem(key, value))]
    if problems:
        raise ConfigError([f"{file.name}: {problem}" for problem in problems])
    return found


def _problem(key: str, value: object) -> str:
    if key not in KEYS:
        near = difflib.get_close_matches(key, KEYS, n=1)
        return f"{key[:60]} is no question; " + (f"did you mean {near[0]}?" if near else f"known: {', '.join(KEYS)}")
    kind = KEYS[key][0]
    if type(value) is not kind:
        words = {str: "text in quotes", bool: "true or false", int: "a whole number", list: "a list"}
        return f"{key} must be {words[kind]}"
    if isinstance(value, int) and not isinstance(value, bool) and value < 1:
        return f"{key} must be at least 1"
    allowed = _OF.get(key)
    if allowed is not None and not set(value if isinstance(value, list) else [value]) <= set(allowed):
        return f"{key} knows only {', '.join(allowed)}"
    return ""
