"""Makes the offline agent that a scenario asks for: its mind, its faults, its manners. Performs nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import msgspec

from offhook.config.agent import AgentProfile
from offhook.errors import ConfigError
from offhook.offline.faults import At, Faults
from offhook.offline.manners import Manners
from offhook.offline.script import EarsPart, Script, Turn, VoicePart, load_recordings, load_script, words
from offhook.offline.scripted import ScriptedMind
from offhook.scenario.reading import Named, ScenarioError
from offhook.scenario.shape import AgentPart, actions
from offhook.scenario.sounds import MS_PER_CHARACTER, sound
from offhook.scenario.tables import given

#: A scripted agent hears quickly, so that nobody waits for nothing; a script that sets `ears` has its own.
QUICK_EARS: Final = EarsPart(onset_ms=40, eager_ms=80, confirm_ms=160)
QUICK_VOICE: Final = VoicePart(ms_per_character=MS_PER_CHARACTER)
_HEARD: Final = 32


def mind_of(named: Named) -> ScriptedMind:
    """Return the scripted mind. Raises `ScenarioError` for a script or a recording that cannot be read."""
    part = named.scenario.agent
    try:
        if part.script_file is not None:
            script, recordings = load_script(named.folder / part.script_file)
        else:
            script = part.script or Script()
            recordings = (
                load_recordings(named.folder / script.voice.dir, script.voice.files) if script.voice.dir else {}
            )
    except ConfigError as error:
        raise ScenarioError([f"{named.name}: {problem}" for problem in error.problems]) from None
    if script.ears == EarsPart():
        script = msgspec.structs.replace(script, ears=QUICK_EARS)
    if script.voice == VoicePart():
        script = msgspec.structs.replace(script, voice=QUICK_VOICE)
    return ScriptedMind(script, {**_sounds(script, _greeting(named)), **recordings})


def manners_of(part: AgentPart) -> Manners:
    """Return the agent's manners."""
    return Manners() if part.manners is None else Manners(**given(part.manners))


def faults_of(part: AgentPart, checked: int) -> Callable[[int], Faults]:
    """Return the faults of the n-th connection; ``checked`` handshakes came before the call's first."""
    faults = Faults() if part.faults is None else Faults(**given(part.faults))
    faults = replace(faults, at=tuple(moment_of(one) for one in part.at))

    def of_connection(index: int) -> Faults:
        nth = index - checked
        if nth < 0:
            return Faults()
        if faults.refuse_times is not None:
            return replace(faults, refuse=faults.refuse if nth < faults.refuse_times else 0, refuse_times=None)
        return faults

    return of_connection


def moment_of(table: Any) -> tuple[At, Any]:
    """Return when something goes wrong, and what, from a table of `at`."""
    fields = given(table)
    known = {name: fields.pop(name) for name in At.__dataclass_fields__ if name in fields}
    word = table.__struct_config__.tag
    return At(**known), actions()[word](**fields)


def _greeting(named: Named) -> str:
    agent = named.scenario.server.get("agent")
    greeting = agent.get("greeting") if isinstance(agent, dict) else None
    return greeting if isinstance(greeting, str) else AgentProfile().greeting or ""


def _sounds(script: Script, greeting: str) -> Mapping[str, bytes]:
    """Return a sound for every sentence the script may say."""
    from offhook.offline.segments import sentences

    texts = [greeting, script.greeting]
    turns: list[Turn] = [*script.turn, script.otherwise]
    texts += [text.replace("{n}", str(n)) for turn in turns for text in (*turn.says, *turn.then) for n in range(_HEARD)]
    found = {one for text in texts if text for one in sentences(text)}
    return {one: sound(one, "agent", script.voice.ms_per_character) for one in found if words(one)}
