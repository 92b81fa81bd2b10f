"""The largest deadlines and bounds that settings allow are taken by every timer and every socket."""

from __future__ import annotations

import asyncio
from importlib.util import find_spec

from offhook.config.limits import Limits
from offhook.config.timeouts import Timeouts
from offhook.run.leg import harden


def test_the_largest_that_is_allowed_is_taken_by_timers_and_sockets():
    most = Timeouts(**dict.fromkeys(Timeouts.model_fields, 1_000_000_000))
    limits = Limits(socket_buffer_bytes=1_000_000_000)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.call_later(most.drain_s, print).cancel()
        listening = await loop.create_server(asyncio.Protocol, "127.0.0.1", 0)
        port = listening.sockets[0].getsockname()[1]
        transport, _ = await loop.create_connection(asyncio.Protocol, "127.0.0.1", port)
        harden(transport, limits, most, high_bytes=limits.socket_buffer_bytes)
        transport.abort()
        listening.close()
        await asyncio.sleep(0)

    asyncio.run(main())
    if find_spec("uvloop") is not None:
        import uvloop

        uvloop.run(main())
