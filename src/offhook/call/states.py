"""The states of a call's two legs. Names only; `session` and `agent_side` move between them."""

from __future__ import annotations

from enum import Enum, auto


class Caller(Enum):
    """The caller leg."""

    EXPECTED = auto()
    STREAMING = auto()
    GOODBYE = auto()  # a last phrase of ours plays; then we close
    OVER = auto()


class Agent(Enum):
    """The agent leg."""

    IDLE = auto()
    DIALLING = auto()
    WELCOME = auto()  # open; the server speaks first
    APPLYING = auto()  # Settings sent
    READY = auto()
    GONE = auto()
