"""The servers the benchmark can measure: how each is started and where its callers go in. Measures nothing itself."""

from __future__ import annotations

import os
import secrets
import shlex
import sys
from dataclasses import dataclass, field
from pathlib import Path

PEERS = Path(__file__).parent / "peers"
ACCOUNT = "AC" + "0" * 31 + "1"
PUBLIC = "https://bench.example"
#: A made-up token for this run only; it reaches both sides through their environment, never through arguments.
TOKEN = secrets.token_hex(16)


@dataclass(frozen=True, slots=True)
class Contender:
    """One server under test. ``{port}``, ``{agent_port}`` in the command and the environment are filled in."""

    name: str
    command: tuple[str, ...]
    environment: dict[str, str] = field(default_factory=dict)
    webhook: str | None = None
    stream: str = "/twilio"
    ready_path: str | None = None
    signed: bool = False

    def filled(self, port: int, agent_port: int) -> tuple[list[str], dict[str, str]]:
        """Return the command and the whole environment for these ports."""

        def fill(text: str) -> str:
            return text.replace("{port}", str(port)).replace("{agent_port}", str(agent_port))

        added = {name: fill(value) for name, value in self.environment.items()}
        return [fill(part) for part in self.command], {**os.environ, **added}

    def load_options(self) -> list[str]:
        """Return what the load must be told to call this server."""
        road = ["--webhook", self.webhook] if self.webhook else ["--stream", self.stream]
        return [*road, "--public", PUBLIC, "--account", ACCOUNT]


def c_relay(program: Path) -> Contender:
    """The limit: bare epoll in C, no signature, no ledger."""
    command = (str(program), "--agent", "127.0.0.1:{agent_port}/v1/agent/converse", "--port", "{port}")
    return Contender("C relay", command)


def offhook(calls: int) -> Contender:
    """Our server as an operator runs it: signed webhook, signed handshake, token, ledger, marks."""
    environment = {
        "TWILIO_ACCOUNT_SID": ACCOUNT,
        "TWILIO_AUTH_TOKEN": TOKEN,
        "DEEPGRAM_API_KEY": secrets.token_hex(20),
        "DEEPGRAM_AGENT_URL": "ws://127.0.0.1:{agent_port}/v1/agent/converse",
        "OFFHOOK_PUBLIC_URL": PUBLIC,
        "OFFHOOK_LIMITS__CALLS": str(calls + 16),
        "OFFHOOK_LIMITS__CALLS_PER_SECOND": "1000",
        "OFFHOOK_LIMITS__CALLS_BURST": "1000",
        "OFFHOOK_LIMITS__CONNECTIONS": str(4 * calls + 100),
        "PORT": "{port}",
    }
    command = (sys.executable, "-m", "offhook", "serve", "--host", "127.0.0.1")
    return Contender("offhook", command, environment, webhook="/twilio/voice", ready_path="/readyz", signed=True)


def peer(name: str) -> Contender:
    """One of the naive relays in peers/."""
    script = PEERS / f"{name}_relay.py"
    if not script.is_file():
        known = ", ".join(sorted(p.stem.removesuffix("_relay") for p in PEERS.glob("*_relay.py")))
        raise SystemExit(f"no such peer: {name}; there are {known}")
    agent = "ws://127.0.0.1:{agent_port}/v1/agent/converse"
    return Contender(name, (sys.executable, str(script), "--agent", agent, "--port", "{port}"))


def foreign(command: str, stream: str, webhook: str | None) -> Contender:
    """Any server: a command line with {port} and {agent_port}; it gets the same environment names as offhook."""
    ours = offhook(1)
    kept = {n: v for n, v in ours.environment.items() if not n.startswith("OFFHOOK_LIMITS")}
    return Contender("server", tuple(shlex.split(command)), kept, webhook=webhook, stream=stream, signed=True)
