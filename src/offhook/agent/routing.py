"""Which agent answers which called number. Pure; knows nothing of the call but the number."""

from __future__ import annotations

from offhook.config.agent import AgentProfile
from offhook.config.settings import Settings
from offhook.config.values import normalised_number

#: The name of the agent that answers where no number says otherwise (the ``[agent]`` table).
DEFAULT_AGENT = "agent"


def agent_for(called: str | None, settings: Settings) -> tuple[str, AgentProfile]:
    """Return the name and the profile of the agent that answers ``called``, a number as Twilio writes it or None."""
    route = settings.numbers.get(normalised_number(called)) if called else None
    if route is None:
        return DEFAULT_AGENT, settings.agent
    return route.agent, settings.agents[route.agent]
