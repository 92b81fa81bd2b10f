"""`offhook setup` by somebody who moves, grows, or has more than one of something: nothing of before is lost."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from tests.integration.setup.newcomer import AT_RAILWAY, NUMBER, ON_A_LAPTOP, SECRETS, Newcomer, newcomer
from tests.integration.setup.test_setup_elsewhere import OLD, laptop
from tests.kit.bridge import AUTH_TOKEN, bridged
from tests.kit.ports import free_port

from offhook.carrier.number import Wiring
from offhook.carrier.saved import SavedWirings
from offhook.setup.dev.number import remembered
from offhook.setup.wizard.laptop import LOG
from offhook.sim.rest.world import PhoneNumber

pytestmark = [pytest.mark.slow, pytest.mark.skipif(sys.platform == "win32", reason="file modes are POSIX's")]

NO_CALL = AT_RAILWAY + "call = false\n"


async def goes_well(it: Newcomer) -> str:
    async with it.setup() as wizard:
        assert await wizard.ends(90) == 0, wizard.text
    assert keys_in(it.folder) <= {".env"}
    return wizard.text


def keys_in(folder: Path) -> set[str]:
    """Return the names of the files that hold a key, the wizard's own logs among them."""
    files = [file for file in folder.rglob("*") if file.is_file() and file.suffix != ".whl"]
    return {file.name for file in files if any(secret.encode() in file.read_bytes() for secret in SECRETS)}


async def test_what_a_laptop_that_lost_its_power_has_left_is_not_taken_for_what_was_before(tmp_path: Path):
    """The number was left on a tunnel by a run that was cut off; now it moves to a server."""
    url = f"http://127.0.0.1:{(port := free_port())}"
    answers = ON_A_LAPTOP.replace('place = "laptop"', f'place = "url"\nurl = "{url}"\ncall = false')
    async with newcomer(tmp_path, answers) as it:
        dead = Wiring(voice_url="https://gone.example.com/twilio/voice")
        it.folder.mkdir()
        remembered(it.folder).save(it.number.sid, Wiring(voice_url=OLD), dead)
        it.number.fields["voice_url"] = dead.voice_url
        served = {"TWILIO_ACCOUNT_SID": it.account.sid, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "OFFHOOK_PUBLIC_URL": url}
        async with bridged(PORT=str(port), **served):
            await goes_well(it)
        assert it.number.get("voice_url") == f"{url}/twilio/voice"
        assert SavedWirings(it.folder).all()[it.number.sid].before.voice_url == OLD
        assert remembered(it.folder).all() == {}


async def test_replicas_databases_and_the_workspace_are_still_known_without_the_answers(tmp_path: Path):
    grown = 'replicas = 2\ndatabases = ["postgres", "redis"]\nworkspace = "Work"\n'
    async with newcomer(tmp_path, NO_CALL + grown) as it:
        it.railway.workspaces.append({"id": "workspace-2", "name": "Work"})
        await goes_well(it)
        service = it.railway.only_service()
        made = len(it.railway.requests)
        it.answers.write_text("agree = true\ncall = false\n", encoding="utf-8")
        said = await goes_well(it)
        assert service.settings["numReplicas"] == 2
        assert "this changes at" not in said
        assert {name for name, _ in it.railway.requests[made:]}.isdisjoint({"ServiceUpdate", "Deploy", "ProjectCreate"})


async def test_a_laptop_keeps_no_key_but_in_env(tmp_path: Path):
    async with laptop(tmp_path) as (it, _):
        async with it.setup() as wizard:
            await it.goes_all_the_way(wizard)
        assert (it.folder / LOG).is_file()
        assert keys_in(it.folder) == {".env"}


async def test_more_than_one_number(tmp_path: Path):
    async with newcomer(tmp_path, NO_CALL + f'number = "{NUMBER[:3]} {NUMBER[3:]}"\n') as it:
        it.account.own(PhoneNumber("+441632960002"))
        await goes_well(it)
        it.answers.write_text("agree = true\ncall = false\n", encoding="utf-8")
        await goes_well(it)
        assert it.number.get("voice_url").endswith("/twilio/voice")
        other = it.account.number("+441632960002")
        assert other is not None
        assert not other.get("voice_url")


async def test_a_repository_after_an_image_is_what_is_deployed(tmp_path: Path):
    image = NO_CALL.replace('repository = "owner/voice"', 'image = "example.com/owner/voice:1"')
    async with newcomer(tmp_path, image) as it:
        it.railway.code.images["example.com/owner/voice:1"] = it.folder
        await goes_well(it)
        it.answers.write_text(NO_CALL, encoding="utf-8")
        assert "connect the GitHub repository owner/voice" in await goes_well(it)
        assert (it.state["image"], it.state["repository"]) == ("", "owner/voice")
