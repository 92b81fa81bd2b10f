"""Every command of the how-to on the wizard, run as it is written against the stand-ins, with the page's answers."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
import sys
from pathlib import Path

import pytest
from tests.integration.setup.newcomer import NUMBER, Newcomer, newcomer
from tests.kit.bridge import API_KEY, AUTH_TOKEN
from tests.kit.process import Process, running
from tests.kit.railway.standin import ACCOUNT_TOKEN

from offhook.setup.wizard.answers import KEYS
from offhook.setup.wizard.steps import STEPS

FILE = Path(__file__).parents[2] / "docs/howto/setup.md"
PAGE = FILE.read_text(encoding="utf-8")
COMMANDS = [line for block in re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL) for line in block.splitlines()]
ANSWERS = "".join(re.findall(r"```text\n(.*?)```", PAGE, re.DOTALL))
TABLE = re.compile(r"(?<=<!-- answers -->\n).*?(?=<!-- /answers -->)", re.DOTALL)


def answers_table() -> str:
    rows = [f"| `{key}` | {kind.__name__} | {words} |" for key, (kind, words) in KEYS.items()]
    names = {"str": "text", "bool": "true or false", "int": "number", "list": "list"}
    for name, words in names.items():
        rows = [row.replace(f"| {name} |", f"| {words} |") for row in rows]
    return "\n".join(["| Answer | Is | Answers |", "| --- | --- | --- |", *rows, ""])


def test_the_page_has_every_answer_and_every_step():
    """To renew the table: python -m tests.docs.test_setup."""
    found = TABLE.search(PAGE)
    assert found is not None
    assert found[0] == answers_table()
    rows = re.findall(r"^\| ([A-Z][a-z ]+) \|", PAGE, re.MULTILINE)
    assert [row for row in rows if row in {step.title for step in STEPS}] == [step.title for step in STEPS]


@pytest.mark.slow
@pytest.mark.timeout(900)  # the whole road, more than once
@pytest.mark.skipif(sys.platform == "win32", reason="the stand-ins' deployments are POSIX processes")
async def test_the_commands_of_the_page_lead_to_a_heard_greeting(tmp_path: Path):
    keys = {
        "DEEPGRAM_API_KEY": API_KEY, "TWILIO_AUTH_TOKEN": AUTH_TOKEN, "RAILWAY_API_TOKEN": ACCOUNT_TOKEN,
    }  # fmt: skip
    async with newcomer(tmp_path) as it:
        assert f'number = "{NUMBER}"' in ANSWERS
        folder = it.folder.parent
        it.railway.code.repositories["owner/voice"] = folder / "my-agent"
        (folder / "answers.toml").write_text(ANSWERS, encoding="utf-8")
        environ = {**it.environ(), **keys, "TWILIO_ACCOUNT_SID": it.account.sid}
        # here nobody sits who could be asked, so what asks comes after what answers; --anew has to be asked
        for line in sorted(COMMANDS, key=lambda line: "--answers" not in line):
            async with running(folder, *shlex.split(line)[1:], environ=environ) as process:
                calling = asyncio.create_task(_call_when_asked(process, it))
                code = await process.ends(400)
                calling.cancel()
                with contextlib.suppress(asyncio.CancelledError, AssertionError):
                    await calling
            assert code == (1 if "--anew" in line else 0), (line, process.text)
            assert "Traceback" not in process.text
            if "--anew" in line:
                assert "place is not known, and nobody is here to ask" in process.text
            if "--answers" in line:
                assert "the greeting was heard" in process.text


async def _call_when_asked(process: Process, it: Newcomer) -> None:
    await process.says("now call", 400)
    await it.calls()


if __name__ == "__main__":
    FILE.write_text(TABLE.sub(lambda _: answers_table(), PAGE), encoding="utf-8")
