"""Records what `offhook demo --fast` plays: the caller's lines and the receptionist's replies, in their two voices.

Needs the `offline` extra. Writes raw 8 kHz µ-law, ``lines.json`` (who says what, from which file) and ``agent.json``
(a script for the scripted mind, with the recordings) into src/offhook/assets/demo; recognises every file back and
refuses to write what comes back as other words. Run it after a change to the demo's lines or to the receptionist.
"""

# ruff: noqa: T201  # a tool prints

from __future__ import annotations

import asyncio
import datetime as dt
import json
import re
import shutil
import sys
from pathlib import Path

from offhook.cli import demo_script
from offhook.offline.ports import Conversation, Said, Say
from offhook.offline.script import words
from offhook.offline.speech.dialogue.numbers import with_figures
from offhook.offline.speech.dialogue.receptionist import Receptionist
from offhook.offline.speech.recognise import load_recogniser
from offhook.offline.speech.synthesise import load_synthesiser
from offhook.offline.speech.voice import PAUSE_MS
from offhook.wire import ulaw

FOLDER = Path(__file__).parents[1] / "src" / "offhook" / "assets" / "demo"
#: Words that may be heard otherwise: names of what does not exist, and one word for two.
SAME = {"larkfield": "lark field", "goodbye": "good bye", "good by": "good bye", "good byee": "good bye"}
MAX_BYTES = 1_500_000


def normal(text: str) -> str:
    plain = " ".join(re.findall(r"[a-z0-9]+", with_figures(text.replace(":", " "))))
    for one, other in SAME.items():
        plain = plain.replace(one, other)
    return plain


async def replies(lines: list[str], prompt: str, greeting: str) -> list[list[str]]:
    """Return what the receptionist answers to each line."""
    brain = Receptionist(lambda: dt.datetime(2026, 11, 23, 10, 0, tzinfo=dt.UTC))
    conversation = Conversation(prompt=prompt, greeting=greeting)
    answers = []
    for line in lines:
        conversation.history.append(Said("user", line))
        said = [action.text async for action in brain.reply(conversation) if isinstance(action, Say)]
        conversation.history.extend(Said("assistant", text) for text in said)
        answers.append(said)
    return answers


def main() -> None:
    script = demo_script.load()
    profile = script.profile()
    lines = [(0.0, line) if isinstance(line, str) else line for line in script.lines]
    answers = asyncio.run(replies([text for _, text in lines], profile.prompt, profile.greeting))
    speak, recognise = load_synthesiser(print), load_recogniser(print)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    wrong = []

    def record(text: str, name: str, *, caller: bool) -> str:
        audio = b"".join(speak(text, caller=caller))
        heard = recognise(ulaw.silence(250) + audio + ulaw.silence(250))
        if normal(heard) != normal(text):
            wrong.append((text, heard))
        (FOLDER / name).write_bytes(audio if caller else audio + ulaw.silence(PAUSE_MS))
        return name

    caller = [
        {
            "text": text,
            "file": record(text, f"caller-{number}.ulaw", caller=True),
            "interrupts_after_ms": after_ms or None,
        }
        for number, (after_ms, text) in enumerate(lines, 1)
    ]
    sentences = dict.fromkeys([profile.greeting, *(s for answer in answers for s in answer)])
    # The scripted mind asks for one sentence at a time.
    single = dict.fromkeys(part for text in sentences for part in re.split(r"(?<=[.!?])\s+", text))
    files = {text: record(text, f"agent-{words(text)[:40].rstrip('-')}.ulaw", caller=False) for text in single}
    turns = [{"hears": text, "says": said} for (_, text), said in zip(lines, answers, strict=True)]
    agent = {"greeting": profile.greeting, "voice": {"dir": ".", "files": files}, "turn": turns}
    (FOLDER / "agent.json").write_text(json.dumps(agent, indent=1) + "\n", "utf-8")
    told = {"greeting": profile.greeting, "caller": caller, "agent": [t["says"] for t in turns], "files": files}
    (FOLDER / "lines.json").write_text(json.dumps(told, indent=1) + "\n", "utf-8")
    size = sum(f.stat().st_size for f in FOLDER.iterdir())
    print(f"{len(caller)} caller lines, {len(files)} agent sentences, {size} bytes")
    for text, heard in wrong:
        print(f"heard otherwise: {text!r} as {heard!r}")
    if wrong or size > MAX_BYTES:
        sys.exit(1)


if __name__ == "__main__":
    main()
