"""Every deadline, in seconds. Numbers only; nothing on the network waits without one of these."""

from pydantic import Field

from offhook.config.parts import Amounts


class Timeouts(Amounts):
    """How long anything may take."""

    request_s: float = Field(default=5.0, gt=0, description="To receive a whole request head or body.")
    admitted_s: float = Field(
        default=10.0,
        gt=0,
        description="From an answered voice webhook to its stream; then the agent dialled ahead is closed.",
    )
    token_s: float = Field(default=60.0, gt=0, description="Life of the one-time stream token.")
    start_s: float = Field(default=5.0, gt=0, description="From the upgrade to a valid `start`.")
    dial_s: float = Field(default=3.0, gt=0, description="One attempt to open the agent's socket.")
    dial_attempts: int = Field(default=3, ge=1, description="Attempts to open the agent's socket.")
    dial_total_s: float = Field(default=8.0, gt=0, description="All attempts together.")
    dial_pause_min_s: float = Field(default=0.25, ge=0, description="Shortest pause between two attempts (jitter).")
    dial_pause_max_s: float = Field(default=1.0, ge=0, description="Longest pause between two attempts (jitter).")
    settings_s: float = Field(default=5.0, gt=0, description="From the open agent socket to SettingsApplied.")
    hold_s: float = Field(
        default=2.0, gt=0, description="From `start` until the caller hears us where nothing else was heard."
    )
    keep_alive_s: float = Field(default=5.0, gt=0, description="KeepAlive to the agent while no audio is sent.")
    caller_silent_s: float = Field(
        default=10.0, gt=0, description="Without any message from Twilio (it sends silence too)."
    )
    agent_silent_s: float = Field(
        default=10.0,
        gt=0,
        description="Without any message from the agent after the caller spoke and fell silent.",
    )
    answer_warn_s: float = Field(
        default=8.0, gt=0, description="From the end of the caller's turn until a slow answer is noted."
    )
    answer_s: float = Field(
        default=15.0, gt=0, description="From the end of the caller's turn until the agent is given up."
    )
    stuck_s: float = Field(
        default=5.0,
        gt=0,
        description="Unacknowledged bytes on either leg (TCP_USER_TIMEOUT) or a socket that stays full.",
    )
    caller_stuck_s: float = Field(default=30.0, gt=0, description="A caller socket that stays full.")
    ping_s: float = Field(default=20.0, gt=0, description="Between pings on the agent's socket.")
    pong_s: float = Field(default=10.0, gt=0, description="For the answer to a ping.")
    goodbye_s: float = Field(default=10.0, gt=0, description="For the last sentence to be heard before hanging up.")
    close_s: float = Field(default=2.0, gt=0, description="For a closing handshake.")
    call_s: float = Field(default=7000.0, gt=0, description="A whole call; below the agent's 7,200.")
    drain_s: float = Field(default=290.0, ge=0, description="For live calls to end after SIGTERM.")
    tool_s: float = Field(default=10.0, gt=0, description="One function call.")
    carrier_s: float = Field(default=10.0, gt=0, description="One request to Twilio's REST API.")
    carrier_total_s: float = Field(
        default=30.0, gt=0, description="One request with its repetitions while Twilio says that there are too many."
    )
