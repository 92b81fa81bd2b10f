"""What the agent is: its Settings message, which model to try first, which agent answers which number. No sockets."""

from offhook.agent.providers import ThinkChoice, ThinkLadder
from offhook.agent.routing import agent_for
from offhook.agent.settings_message import settings_message

__all__ = ["ThinkChoice", "ThinkLadder", "agent_for", "settings_message"]
