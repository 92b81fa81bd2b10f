"""What the Settings ask for, as one call needs it: formats, mind parts, functions, context. No judging (`rules`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import msgspec
from msgspec import UNSET, UnsetType

from offhook.offline import messages as m
from offhook.offline import rules
from offhook.offline.formats import DEFAULT_OUTPUT_RATE, Format
from offhook.offline.functions import Defined
from offhook.offline.live import INTERVAL_S, Filling
from offhook.offline.ports import Called, FunctionSpec, Said

#: Characters of a prompt that a managed model takes; more is cut, with a Warning.
PROMPT_CHARACTERS: Final = 25_000
#: The models that sign their function calls.
SIGNING: Final = "gemini-3"
ANY_PROJECT: Final = rules.Project()
TELEPHONE: Final = Format("mulaw", 8000)


@dataclass(frozen=True, slots=True)
class CallPlan:
    """One call's settings, without protocol."""

    agent: Mapping[str, Any] = field(default_factory=dict)
    listen: Mapping[str, Any] = field(default_factory=dict)
    speak: Mapping[str, Any] = field(default_factory=dict)
    functions: Mapping[str, Defined] = field(default_factory=dict)
    prompt: str = ""
    prompt_was_cut: bool = False
    prompt_is_bounded: bool = True
    voice_prompt_added: bool = False
    signs_calls: bool = False
    greeting: str = ""
    context: Sequence[Said | Called] = ()
    history: bool = True
    opted_out: bool = False
    thinks: Sequence[str] = ("",)
    speaks: Sequence[str] = ("",)
    output_asked: m.AudioOutput | None = None
    input: Format = TELEPHONE
    output: Format = TELEPHONE


def plan_call(settings: m.Settings, agent: m.Agent, project: rules.Project = ANY_PROJECT) -> CallPlan:
    """Return the plan of a call whose settings were judged good."""
    listen = agent.listen.provider if agent.listen is not UNSET else UNSET
    asked = None if settings.audio.output is UNSET else settings.audio.output
    plan = CallPlan(
        agent=msgspec.to_builtins(agent),
        listen={} if listen is UNSET else msgspec.to_builtins(listen),
        speak=first_voice(agent.speak),
        greeting="" if agent.greeting is UNSET else agent.greeting,
        context=_context(agent),
        history=settings.flags is UNSET or settings.flags.history is not False,
        opted_out=settings.mip_opt_out is True,
        speaks=speak_entries(agent.speak, asked),
        output_asked=asked,
        input=_input(settings.audio),
        output=_output(settings.audio),
    )
    return with_think(plan, agent.think, project)


def with_think(
    plan: CallPlan, think: m.Think | list[m.Think] | UnsetType, project: rules.Project = ANY_PROJECT
) -> CallPlan:
    """Return the plan with the think block replaced as a whole: provider, prompt and functions."""
    entries = [] if think is UNSET else think if isinstance(think, list) else [think]
    first = entries[0] if entries else None
    prompt = first.prompt if first is not None and first.prompt is not UNSET else ""
    bounded = first is None or first.endpoint is UNSET
    provider = first.provider if first is not None else None
    return replace(
        plan,
        agent={**plan.agent, **({} if think is UNSET else {"think": msgspec.to_builtins(think)})},
        thinks=[rules.why_it_cannot_think(entry, project) for entry in entries] or [""],
        functions=_functions(first),
        prompt=prompt[:PROMPT_CHARACTERS] if bounded else prompt,
        prompt_was_cut=bounded and len(prompt) > PROMPT_CHARACTERS,
        prompt_is_bounded=bounded,
        signs_calls=isinstance(provider, m.GoogleThink) and str(provider.model).startswith(SIGNING),
        voice_prompt_added=isinstance(provider, m.DeepgramThink)
        and provider.model == "think-fast"
        and provider.voice_prompt_opt_out is not True,
    )


def with_more_prompt(plan: CallPlan, prompt: str) -> CallPlan:
    """Return the plan with ``prompt`` added to its prompt."""
    whole = f"{plan.prompt}\n{prompt}" if plan.prompt else prompt
    cut = whole[:PROMPT_CHARACTERS] if plan.prompt_is_bounded else whole
    return replace(plan, prompt=cut, prompt_was_cut=len(cut) < len(whole))


def merged_listen(plan: CallPlan, provider: m.ListenProvider) -> dict[str, Any]:
    """Return the listen provider after a partial update.

    What is left out stays, except ``language_hints``; with a change of version only what both versions know stays.
    """
    changed = msgspec.to_builtins(provider)
    same_version = plan.listen.get("version", "v1") == changed.get("version", plan.listen.get("version", "v1"))
    lost = {"language_hints"} if same_version else set(plan.listen) - {"type", "keyterms"}
    return {**{name: value for name, value in plan.listen.items() if name not in lost}, **changed}


def first_voice(speak: m.Speak | list[m.Speak] | UnsetType) -> dict[str, Any]:
    """Return the first voice's provider as a dict; empty where none is given."""
    if speak is UNSET or not speak:
        return {}
    provider: dict[str, Any] = msgspec.to_builtins((speak[0] if isinstance(speak, list) else speak).provider)
    return provider


def speak_entries(speak: m.Speak | list[m.Speak] | UnsetType, output: m.AudioOutput | None) -> Sequence[str]:
    """Return for each voice of the chain why it cannot speak ("" where it can)."""
    voices = () if speak is UNSET else speak if isinstance(speak, list) else (speak,)
    return [rules.why_it_cannot_speak(voice.provider, output) for voice in voices] or [""]


def _functions(think: m.Think | None) -> dict[str, Defined]:
    if think is None or think.functions is UNSET:
        return {}
    return {
        one.name: Defined(
            FunctionSpec(
                one.name,
                "" if one.description is UNSET else one.description,
                {} if one.parameters is UNSET else one.parameters,
                one.defer_until_eot is True,
            ),
            None if one.endpoint is UNSET else msgspec.to_builtins(one.endpoint),
            _filling(one),
        )
        for one in think.functions
    }


def _filling(function: m.Function) -> Filling:
    every_ms, more = function.agent_filler_interval_ms, function.agent_filler_max_count
    return Filling(
        function.initial_agent_filler is True,
        0 if more is UNSET else more,
        INTERVAL_S if every_ms is UNSET else every_ms / 1000,
    )


def _context(agent: m.Agent) -> list[Said | Called]:
    past: list[Said | Called] = []
    if agent.context is UNSET or agent.context.messages is UNSET:
        return past
    for entry in agent.context.messages:
        if entry.role is not UNSET and entry.content is not UNSET:
            past.append(Said(entry.role, entry.content))
        elif entry.function_calls is not UNSET:
            past.extend(Called(call.id, call.name, call.arguments, call.response) for call in entry.function_calls)
    return past


def _input(audio: m.Audio) -> Format:
    return Format() if audio.input is UNSET else Format(audio.input.encoding, audio.input.sample_rate)


def _output(audio: m.Audio) -> Format:
    spoken = audio.output
    if spoken is UNSET:
        return Format()
    encoding = "linear16" if spoken.encoding is UNSET else spoken.encoding
    if encoding in rules.COMPRESSED:
        return Format()  # never spoken: see `speak_entries`
    rate = DEFAULT_OUTPUT_RATE[encoding] if spoken.sample_rate is UNSET else spoken.sample_rate
    return Format(encoding, rate, "wav" if spoken.container == "wav" else "none")
