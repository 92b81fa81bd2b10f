"""The lab's page in a real browser: it plays a call, shows its messages and its verdict, and asks nobody else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.kit.browser import opened
from tests.kit.lab import running_lab

#: Where pictures of the page are kept for people to look at.
PICTURES = os.environ.get("OFFHOOK_PICTURES")
TEXT = "document.getElementById('{}').innerText"


@pytest.mark.browser
@pytest.mark.slow
async def test_a_call_is_played_and_judged_on_the_page(tmp_path: Path) -> None:
    folder = Path(PICTURES or tmp_path)
    async with running_lab() as (_, address), opened(f"{address}/") as page:
        await page.until("document.getElementById('scenario').options.length > 0")
        await page.run("document.getElementById('place').click()")
        await page.until(f"{TEXT.format('exchange')}.includes('SettingsApplied')")
        await page.until(f'{TEXT.format("exchange")}.includes(\'"event":"clear"\')')
        await page.picture(1000, 900, folder / "lab.png")
        await page.until(f"{TEXT.format('verdict')}.includes('nothing is wrong')")
        exchange = await page.run(TEXT.format("exchange"))
        for whole in ("twilio → bridge", "bridge → twilio", "bridge → deepgram", "deepgram → bridge", "caller hears"):
            assert whole in exchange
        assert float((await page.run(TEXT.format("heard-s"))).split()[0]) > 1
        for dark in (False, True):
            await page.picture(320, 900, folder / f"lab-narrow-{dark}.png", dark=dark)
            assert await page.run("document.documentElement.scrollWidth") <= 320
        box = "document.getElementById('scroll')"
        await page.until(f"{box}.scrollHeight - {box}.scrollTop - {box}.clientHeight < 40")  # in spite of the widths
        asked = [e["params"]["request"]["url"] for e in page.events if e["method"] == "Network.requestWillBeSent"]
        assert [url for url in asked if not url.startswith((address, "data:"))] == []
        complaints = [e for e in page.events if e["method"] in ("Log.entryAdded", "Runtime.exceptionThrown")]
        assert complaints == []
