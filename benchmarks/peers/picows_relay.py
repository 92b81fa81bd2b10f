"""A naive relay on picows, and the same relay with a fault in it. Not offhook: no signature, ledger, deadlines, bounds.

    python picows_relay.py --agent ws://127.0.0.1:PORT/v1/agent/converse [--port PORT]
                           [--fault KIND[=SHARE]] [--direction up|down]

Two uses: a data point for the table, and a liar that shows what the load catches. Prints {"port": N} when it listens.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import random
import sys
from collections.abc import Callable

from picows import WSFrame, WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_connect, ws_create_server

#: What a fault does to one frame of audio; a share is the probability per frame.
FAULTS = ("none", "drop", "repeat", "swap", "corrupt", "shorten", "late", "no-clear", "late-clear", "leak", "cross")
SETTINGS = json.dumps(
    {
        "type": "Settings",
        "audio": {
            "input": {"encoding": "mulaw", "sample_rate": 8000},
            "output": {"encoding": "mulaw", "sample_rate": 8000, "container": "none"},
        },
        "agent": {"think": {"provider": {"type": "open_ai", "model": "gpt-4o-mini"}}},
    }
).encode()
LATE_S = 0.1
leaked: list[WSTransport] = []


class Fault:
    """Spoils the audio of one direction of one call."""

    def __init__(self, kind: str, share: float, send: Callable[[bytes], None]) -> None:
        self.kind, self.share, self.send = kind, share, send
        self.kept: bytes | None = None

    def pass_on(self, audio: bytes) -> None:
        if self.kept is not None:
            self.send(audio)
            audio, self.kept = self.kept, None
        elif self.share and random.random() < self.share:
            spoiled = self.spoil(audio)
            if spoiled is None:
                return
            audio = spoiled
        self.send(audio)

    def spoil(self, audio: bytes) -> bytes | None:
        match self.kind:
            case "drop":
                return None
            case "swap":
                self.kept = audio
                return None
            case "repeat":
                self.send(audio)
            case "corrupt":
                return audio[:99] + bytes((audio[99] ^ 1,)) + audio[100:]
            case "shorten":
                return audio[:-1]
            case "late":
                asyncio.get_running_loop().call_later(LATE_S, self.send, audio)
                return None
        return audio


class Agent(WSListener):
    def __init__(self, caller: Caller) -> None:
        self.caller = caller

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.caller.agent = transport

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.BINARY:
            self.caller.down.pass_on(frame.get_payload_as_bytes())
        elif frame.msg_type == WSMsgType.TEXT:
            self.text(transport, json.loads(frame.get_payload_as_bytes())["type"])
        elif frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()

    def text(self, transport: WSTransport, kind: str) -> None:
        if kind == "Welcome":
            transport.send(WSMsgType.TEXT, SETTINGS)
        elif kind == "SettingsApplied":
            self.caller.ready = True
        elif kind == "UserStartedSpeaking":
            self.caller.clear()

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        if self.caller.transport is not None:
            self.caller.transport.disconnect()


class Caller(WSListener):
    live: list[Caller] = []  # noqa: RUF012 - shared on purpose: `cross` sends to somebody else's call

    def __init__(self, options: argparse.Namespace) -> None:
        self.options, self.ready = options, False
        self.transport: WSTransport | None = None
        self.agent: WSTransport | None = None
        self.dialling: asyncio.Task[object] | None = None
        kind, _, share = options.fault.partition("=")
        self.kind = kind
        rate = float(share or 0.01) if kind in FAULTS[1:7] or kind == "cross" else 0.0
        up, down = (rate if options.direction == side else 0.0 for side in ("up", "down"))
        self.up, self.down = Fault(kind, up, self.to_agent), Fault(kind, down, self.to_caller)
        self.share = rate

    def on_ws_connected(self, transport: WSTransport) -> None:
        self.transport = transport
        self.live.append(self)

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.disconnect()
        if frame.msg_type != WSMsgType.TEXT:
            return
        message = json.loads(frame.get_payload_as_bytes())
        if message["event"] == "media" and self.ready:
            self.up.pass_on(base64.b64decode(message["media"]["payload"]))
        elif message["event"] == "start":
            self.prefix = f'{{"event":"media","streamSid":"{message["streamSid"]}","media":{{"payload":"'.encode()
            self.cleared = json.dumps({"event": "clear", "streamSid": message["streamSid"]}).encode()
            self.dialling = asyncio.ensure_future(ws_connect(lambda: Agent(self), self.options.agent))

    def clear(self) -> None:
        if self.kind == "late-clear":
            asyncio.get_running_loop().call_later(0.4, self.send_text, self.cleared)
        elif self.kind != "no-clear":
            self.send_text(self.cleared)

    def send_text(self, text: bytes) -> None:
        if self.transport is not None:
            self.transport.send(WSMsgType.TEXT, text)

    def to_agent(self, audio: bytes) -> None:
        target = self.agent
        if self.kind == "cross" and self.options.direction == "up" and random.random() < self.share:
            target = random.choice(self.live).agent
        if target is not None:
            target.send(WSMsgType.BINARY, audio)

    def to_caller(self, audio: bytes) -> None:
        self.send_text(self.prefix + base64.b64encode(audio) + b'"}}')

    def on_ws_disconnected(self, _transport: WSTransport) -> None:
        self.live.remove(self)
        self.transport = None
        if self.agent is not None and self.kind == "leak":
            leaked.append(self.agent)
        elif self.agent is not None:
            self.agent.disconnect()


async def serve(options: argparse.Namespace) -> None:
    def accept(_request: WSUpgradeRequest) -> Caller:
        return Caller(options)

    server = await ws_create_server(accept, "127.0.0.1", options.port)
    print(json.dumps({"port": server.sockets[0].getsockname()[1]}), flush=True)
    await server.serve_forever()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--agent", required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", default="none", help=f"{', '.join(FAULTS)}; =SHARE where per frame")
    parser.add_argument("--direction", choices=("up", "down"), default="up")
    options = parser.parse_args()
    if options.fault.partition("=")[0] not in FAULTS:
        parser.error(f"unknown fault; one of {', '.join(FAULTS)}")
    try:
        import uvloop
    except ImportError:  # Windows
        runner: Callable[..., None] = asyncio.run
    else:
        runner = uvloop.run
    try:
        runner(serve(options))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
