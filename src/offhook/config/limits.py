"""Bounds of every buffer, count and rate. Numbers only; RELIABILITY says why each has its value."""

from pydantic import Field

from offhook.config.parts import Amounts


class Limits(Amounts):
    """How much of anything one process or one call may use."""

    calls: int = Field(
        default=50, ge=1, description="Live calls per process. Never above the agent project's concurrency."
    )
    calls_per_second: float = Field(default=5.0, gt=0, description="Call starts per second, sustained.")
    calls_burst: int = Field(default=10, ge=1, description="Call starts accepted at once before the rate applies.")
    connections: int = Field(default=500, ge=1, description="Open sockets on the front door.")
    header_line_bytes: int = Field(default=8192, ge=256, description="Longest line of a request head.")
    header_lines: int = Field(default=100, ge=8, description="Lines of a request head.")
    body_bytes: int = Field(default=65536, ge=1024, description="Body of a webhook request.")
    caller_message_bytes: int = Field(default=65536, ge=1024, description="One message from Twilio's socket.")
    agent_message_bytes: int = Field(default=1048576, ge=16384, description="One message from the agent's socket.")
    preroll_ms: int = Field(default=2000, ge=0, description="Caller audio kept while no agent listens; oldest dropped.")
    unsent_agent_ms: int = Field(
        default=1000, ge=100, description="Caller audio unsent to a slow agent; oldest dropped."
    )
    unheard_s: int = Field(default=180, ge=5, description="Agent audio sent to Twilio and not yet heard.")
    unsent_caller_bytes: int = Field(default=262144, ge=16384, description="Bytes unsent on Twilio's socket.")
    socket_buffer_bytes: int = Field(default=65536, ge=4096, description="SO_SNDBUF of both legs.")
    marks: int = Field(default=64, ge=4, description="Marks outstanding on one stream.")
    mark_every_ms: int = Field(
        default=500, ge=100, description="Agent audio between two marks: the grain of what was heard."
    )
    dtmf: int = Field(default=64, ge=1, description="Digits kept per call.")
    dtmf_per_second: int = Field(default=20, ge=1, description="Digits taken per second; the rest are counted.")
    bad_messages: int = Field(default=10, ge=1, description="Malformed messages of one leg before it is given up.")
    transcript_turns: int = Field(default=2000, ge=10, description="Turns kept per call; oldest dropped.")
    coalesce_ms: int = Field(
        default=0, ge=0, le=250, description="Caller audio gathered before it goes to the agent; 0: each frame at once."
    )
