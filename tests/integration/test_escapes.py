"""P13: what no task of ours catches is logged once, without its text, and counted; never silent, never fatal."""

from __future__ import annotations

import asyncio
import gc

from tests.kit.bridge import bridged
from tests.kit.raw import until


def _fails(*_: object) -> None:
    raise ValueError("secret +441632960001")


async def test_p13_in_a_callback():
    async with bridged() as bridge:
        asyncio.get_running_loop().call_soon(_fails, "an argument that is secret")
        await until(lambda: bridge.events("defect"))
        (defect,) = bridge.events("defect")
        assert defect["where"] == "event loop"
        assert str(defect["exc_info"]) == "ValueError"
        assert "secret" not in str(bridge.log)
        assert "offhook_defects_total 1.0" in (await bridge.get("/metrics"))[1]
        assert (await bridge.get("/livez"))[0] == 200


async def test_p13_in_a_task_that_nobody_awaited():
    async def fails() -> None:
        _fails()

    async with bridged() as bridge:
        task = asyncio.get_running_loop().create_task(fails())
        await until(task.done)
        del task
        gc.collect()
        await until(lambda: bridge.events("defect"))
        assert len(bridge.events("defect")) == 1
        assert "secret" not in str(bridge.log)
