"""The least that answers the simulated Twilio: every frame goes back to its caller. Prints its port; no bridge."""

from __future__ import annotations

import asyncio

import uvloop
from picows import WSFrame, WSListener, WSMsgType, WSTransport, ws_create_server


class Echo(WSListener):
    """One stream. The payload is found, not parsed: this must not be what the figure measures."""

    def __init__(self) -> None:
        self._head = b""

    def on_ws_frame(self, transport: WSTransport, frame: WSFrame) -> None:
        if frame.msg_type == WSMsgType.CLOSE:
            transport.send_close(frame.get_close_code())
            transport.disconnect()
            return
        text = frame.get_payload_as_bytes()
        if not self._head and b'"start"' in text:
            at = text.index(b'"MZ')
            self._head = b'{"event":"media","streamSid":%b,"media":{"payload":"' % text[at : at + 36]
        elif (at := text.find(b'"payload":"')) >= 0:
            end = text.index(b'"', at + 11)
            transport.send(WSMsgType.TEXT, self._head + text[at + 11 : end] + b'"}}')


async def main() -> None:
    """Serve until stopped."""
    server = await ws_create_server(lambda _: Echo(), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main())
