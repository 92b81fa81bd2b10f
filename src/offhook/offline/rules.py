"""Judges the values of messages that parsed: what the vendor's tables allow and what this server can do. Pure.

Three verdicts end a session: INVALID_SETTINGS (a value), UNPARSABLE_CLIENT_MESSAGE (a field this project or
provider does not have) and FAILED_TO_START_LISTENING (the recogniser would refuse it). Tables: Voice Agent
reference, "Media Output Settings", "TTS Models", "LLM Models", "Reusable Agent Configurations".
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from msgspec import UNSET, UnsetType

from offhook.offline import messages as m
from offhook.offline.formats import INPUT_RATES, OUTPUT_RATES, describe, is_spoken

INVALID: Final = "INVALID_SETTINGS"
UNPARSABLE: Final = "UNPARSABLE_CLIENT_MESSAGE"
CANNOT_LISTEN: Final = "FAILED_TO_START_LISTENING"
#: About 500 tokens; one team measured 240 words accepted and 246 refused.
KEYTERM_WORDS: Final = 245
_AURA: Final = re.compile(r"aura-(2-)?[a-z]+-[a-z]{2}(-[a-z]+)?")
_FLUX: Final = re.compile(r"flux-[a-z]+-[a-z]{2}(-[a-z]+)?")
_T = TypeVar("_T", m.Think, m.Speak)


class RefusedError(Exception):
    """A message whose values are not allowed. ``code`` is the vendor's; ``description`` names the field."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Project:
    """What the pretended Deepgram project may use."""

    think_providers: frozenset[str] = field(
        default=frozenset({"open_ai", "anthropic", "google", "groq", "aws_bedrock", "nvidia", "deepgram"})
    )
    deepgram_think: bool = True
    think_live: bool = False


def check_settings(settings: m.Settings, agent: m.Agent, project: Project) -> None:
    """Raise `RefusedError` for the first value that is not allowed."""
    _check_audio(settings.audio)
    opted_out = settings.mip_opt_out is True
    check_think(agent.think, project, opted_out=opted_out, live=agent.think_live is not UNSET)
    if agent.think_live is not UNSET and not project.think_live:
        raise _unparsable("agent.think_live")
    check_speak(agent.speak)
    if agent.listen is not UNSET and agent.listen.provider is not UNSET:
        check_listen(agent.listen.provider)
    if agent.context is not UNSET and agent.context.messages is not UNSET:
        for index, past in enumerate(agent.context.messages):
            said = past.role is not UNSET and past.content is not UNSET
            none_said = past.role is UNSET and past.content is UNSET
            if not (said and past.function_calls is UNSET) and not (none_said and past.function_calls is not UNSET):
                raise _unparsable(f"agent.context.messages[{index}]")


def _check_audio(audio: m.Audio) -> None:
    heard = audio.input
    if heard is not UNSET and not is_spoken(INPUT_RATES, heard.encoding, heard.sample_rate):
        raise RefusedError(INVALID, f"audio.input: this offline server hears {describe(INPUT_RATES)} only.")
    spoken = audio.output
    if spoken is UNSET:
        return
    encoding = "linear16" if spoken.encoding is UNSET else spoken.encoding
    if spoken.container not in (UNSET, "none"):
        raise RefusedError(INVALID, "audio.output.container: this offline server sends container none only.")
    if spoken.bitrate is not UNSET:
        raise RefusedError(INVALID, "audio.output.bitrate: not applicable to uncompressed audio.")
    if encoding not in OUTPUT_RATES or (
        spoken.sample_rate is not UNSET and not is_spoken(OUTPUT_RATES, encoding, spoken.sample_rate)
    ):
        raise RefusedError(INVALID, f"audio.output: this offline server speaks {describe(OUTPUT_RATES)} only.")


def check_think(think: m.Think | list[m.Think] | UnsetType, project: Project, *, opted_out: bool, live: bool) -> None:
    """Raise `RefusedError` for the first think entry that the project or the vendor's tables do not allow."""
    entries = _entries(think)
    if think is not UNSET and not entries:
        raise RefusedError(INVALID, "agent.think: the list is empty.")
    for entry in entries:
        provider = entry.provider
        name = str(provider.__struct_config__.tag)
        if name not in project.think_providers or (name == "deepgram" and not project.deepgram_think):
            raise _unparsable("agent.think.provider.type")
        top = 1.0 if isinstance(provider, m.AnthropicThink) else 2.0
        if provider.temperature is not UNSET and not 0 <= provider.temperature <= top:
            raise RefusedError(INVALID, f"agent.think.provider.temperature: must be within 0 and {top:g}.")
        if entry.endpoint is UNSET:
            if isinstance(provider, m.GroqThink | m.BedrockThink):
                raise RefusedError(INVALID, "agent.think.endpoint: required for this provider.")
            if isinstance(provider, m.GoogleThink) and provider.model is UNSET:
                raise _unparsable("agent.think.provider.model")
            if entry.context_length is not UNSET:
                raise RefusedError(INVALID, "agent.think.context_length: only with an endpoint of your own.")
        if opted_out and isinstance(provider, m.DeepgramThink) and provider.model == "think-fast":
            raise RefusedError(INVALID, "agent.think.provider.model: think-fast cannot be used with mip_opt_out.")
        _check_functions(entry, live)


def _check_functions(entry: m.Think, live: bool) -> None:
    for function in () if entry.functions is UNSET else entry.functions:
        fillers = (function.initial_agent_filler, function.agent_filler_max_count, function.agent_filler_interval_ms)
        if not live and any(value is not UNSET for value in fillers):
            raise RefusedError(INVALID, "agent.think.functions: filler fields need think_live.")
        count, interval = function.agent_filler_max_count, function.agent_filler_interval_ms
        if count is not UNSET and count > 0 and interval is not UNSET and not 1000 <= interval <= 60000:
            raise RefusedError(
                INVALID, "agent.think.functions.agent_filler_interval_ms: must be within 1000 and 60000."
            )


def check_speak(speak: m.Speak | list[m.Speak] | UnsetType) -> None:
    """Raise `RefusedError` for the first voice that does not exist or does not fit its version."""
    if speak is not UNSET and not _entries(speak):
        raise RefusedError(INVALID, "agent.speak: the list is empty.")
    for entry in _entries(speak):
        if isinstance(entry.provider, m.DeepgramSpeak):
            _check_deepgram_voice(entry.provider)
        elif not isinstance(entry.provider, m.CartesiaSpeak | m.PollySpeak) and entry.endpoint is UNSET:
            raise RefusedError(INVALID, "agent.speak.endpoint: required for this provider.")


def _check_deepgram_voice(provider: m.DeepgramSpeak) -> None:
    is_flux = provider.version == "v2"
    if not (_FLUX if is_flux else _AURA).fullmatch(provider.model):
        raise RefusedError(INVALID, "agent.speak.provider.model: no such voice in this version.")
    if provider.expressivity is not UNSET and not (is_flux and -2 <= provider.expressivity <= 2):
        raise RefusedError(INVALID, "agent.speak.provider.expressivity: Flux voices only, -2 to 2.")
    if provider.speed is not UNSET and not (0.5 if is_flux else 0.7) <= provider.speed <= 1.5:
        raise RefusedError("FAILED_TO_SPEAK" if is_flux else INVALID, "agent.speak.provider.speed: out of range.")


def check_listen(provider: m.ListenProvider) -> None:
    """Raise `RefusedError` for fields of the other version, values out of range, or a model the recogniser lacks."""
    is_v2 = provider.version == "v2"
    foreign = (
        ("language", "smart_format")
        if is_v2
        else ("language_hints", "eot_threshold", "eager_eot_threshold", "eot_timeout_ms")
    )
    for name in foreign:
        if getattr(provider, name) is not UNSET:
            raise _unparsable(f"agent.listen.provider.{name}")
    if is_v2 and provider.model is UNSET:
        raise _unparsable("agent.listen.provider.model")
    ranges = (("eot_threshold", 0.5, 1.0), ("eager_eot_threshold", 0.3, 0.9), ("eot_timeout_ms", 500, 60000))
    for name, low, high in ranges:
        value = getattr(provider, name)
        if value is not UNSET and not low <= value <= high:
            raise RefusedError(INVALID, f"agent.listen.provider.{name}: must be within {low} and {high}.")
    if provider.language_hints is not UNSET and provider.model != "flux-general-multi":
        raise RefusedError(INVALID, "agent.listen.provider.language_hints: only with flux-general-multi.")
    if provider.model is not UNSET and provider.model.startswith("flux") is not is_v2:
        raise RefusedError(CANNOT_LISTEN, "agent.listen.provider.model: no such model in this version.")
    words = sum(len(term.split()) for term in provider.keyterms) if provider.keyterms is not UNSET else 0
    if words > KEYTERM_WORDS:
        raise RefusedError(CANNOT_LISTEN, "agent.listen.provider.keyterms: too many.")


def check_injection(message: m.InjectAgentMessage, project: Project) -> None:
    """Raise `RefusedError` for a line that is neither given nor to be written by Think Live."""
    if message.is_dynamic is UNSET:
        if message.message is UNSET:
            raise _unparsable("message")
    elif message.is_dynamic is False or message.message is not UNSET or not project.think_live:
        raise _unparsable("is_dynamic")


def _entries(one_or_many: _T | list[_T] | UnsetType) -> Sequence[_T]:
    if isinstance(one_or_many, UnsetType):
        return ()
    return one_or_many if isinstance(one_or_many, list) else (one_or_many,)


def mismatch(path: str) -> str:
    """Return the description of an unparsable message; an empty path means the message as a whole."""
    return f"The client message does not match the contract{f' at `{path}`' if path else ''}."


def _unparsable(path: str) -> RefusedError:
    return RefusedError(UNPARSABLE, mismatch(path))
