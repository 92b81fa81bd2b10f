"""Which agent answers which number, ready to send: encoded Settings in order of preference. No sockets.

Implements `offhook.call.ports.AgentSource`.
"""

from __future__ import annotations

from collections.abc import Callable

from offhook.agent.providers import ThinkLadder
from offhook.agent.routing import agent_for
from offhook.agent.settings_message import settings_message
from offhook.call.ports import AgentSetup
from offhook.config.settings import Settings
from offhook.wire import deepgram

_REFUSED = "INVALID_SETTINGS"  # any code of a refusal: it asks for the next step of the ladder


class AgentBook:
    """Makes the setup of each call. ``learned`` is told the labels of models the vendor was found to refuse."""

    def __init__(
        self, settings: Settings, ladder: ThinkLadder, now: Callable[[], float], learned: Callable[[list[str]], None]
    ) -> None:
        self._settings, self._ladder, self._now, self._learned = settings, ladder, now, learned

    def adopt(self, settings: Settings) -> None:
        """Take other settings for the calls that come from now on."""
        self._settings = settings

    def setup_for(self, called: str) -> AgentSetup:
        """Return how to configure the agent that answers ``called``."""
        name, profile = agent_for(called or None, self._settings)
        chain = [self._ladder.choice(profile.think, self._now())]
        while (following := self._ladder.step_down(chain[-1], _REFUSED)) is not None:
            chain.append(following)

        def accepted(index: int) -> None:
            learned = self._ladder.applied(chain[index], self._now())
            if learned:
                self._learned([entry.label for entry in learned])

        choices = [deepgram.settings(settings_message(profile, choice)) for choice in chain]
        return AgentSetup(name, choices, bool(profile.greeting), accepted)
