"""Judges the values of messages that parsed: what the vendor's tables allow and what this server can do. Pure.

Three verdicts end a session: INVALID_SETTINGS (a value), UNPARSABLE_CLIENT_MESSAGE (a field this project or
provider does not have) and FAILED_TO_START_LISTENING (the recogniser would refuse it). Tables: Voice Agent
reference, "Media Output Settings", "TTS Models", "LLM Models", "Reusable Agent Configurations".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import parse_qs, urlsplit

from msgspec import UNSET, UnsetType

from offhook.offline import messages as m
from offhook.offline.formats import AURA_RATES, FLUX_RATES, INPUT_RATES, describe, is_spoken
from offhook.offline.voices import is_managed, is_recogniser, is_voice

INVALID: Final = "INVALID_SETTINGS"
UNPARSABLE: Final = "UNPARSABLE_CLIENT_MESSAGE"
CANNOT_LISTEN: Final = "FAILED_TO_START_LISTENING"
#: About 500 tokens; one team measured 240 words accepted and 246 refused.
KEYTERM_WORDS: Final = 245
#: Encodings the vendor's Aura voices can be asked for, which nothing here can make.
COMPRESSED: Final = ("mp3", "opus", "flac", "aac")
#: How files begin that are none of the raw formats a client can declare here.
_FILES: Final = (b"RIFF", b"OggS", b"fLaC", b"ID3")
_LOCAL: Final = ("127.0.0.1", "::1", "localhost")
_T = TypeVar("_T", m.Think, m.Speak)


class RefusedError(Exception):
    """A message whose values are not allowed. ``code`` is the vendor's; ``description`` names the field."""

    def __init__(self, code: str, description: str) -> None:
        super().__init__(code, description)
        self.code = code
        self.description = description


@dataclass(frozen=True, slots=True)
class Project:
    """What the pretended Deepgram project may use.

    ``deepgram_think`` and ``think_live``: whether it is enrolled. ``any_model``: take names of managed models that are
    not in `voices`, which the vendor adds to all the time; False: such a model fails when it is first asked.
    ``any_voice``: the same for voices, which are refused otherwise. ``agent_ids``: whether stored agents can be used;
    an unauthenticated self-hosted service cannot.
    """

    think_providers: frozenset[str] = field(
        default=frozenset({"open_ai", "anthropic", "google", "groq", "aws_bedrock", "nvidia", "deepgram"})
    )
    deepgram_think: bool = True
    think_live: bool = False
    any_model: bool = True
    any_voice: bool = False
    agent_ids: bool = True


def check_settings(settings: m.Settings, agent: m.Agent, project: Project) -> None:
    """Raise `RefusedError` for the first value that is not allowed."""
    _check_input(settings.audio.input)
    opted_out = settings.mip_opt_out is True
    check_think(agent.think, project, "agent.think", opted_out=opted_out, live=agent.think_live is not UNSET)
    if agent.think_live is not UNSET and not project.think_live:
        raise _unparsable("agent.think_live")
    check_speak(agent.speak, project, "agent.speak")
    check_output(None if settings.audio.output is UNSET else settings.audio.output, agent.speak)
    if agent.listen is not UNSET and agent.listen.provider is not UNSET:
        check_listen(agent.listen.provider, "agent.listen.provider")
    if agent.context is not UNSET and agent.context.messages is not UNSET:
        for index, past in enumerate(agent.context.messages):
            said = past.role is not UNSET and past.content is not UNSET
            none_said = past.role is UNSET and past.content is UNSET
            if not (said and past.function_calls is UNSET) and not (none_said and past.function_calls is not UNSET):
                raise _unparsable(f"agent.context.messages[{index}]")


def _check_input(heard: m.AudioInput | UnsetType) -> None:
    if heard is not UNSET and not is_spoken(INPUT_RATES, heard.encoding, heard.sample_rate):
        raise RefusedError(INVALID, f"audio.input: this offline server hears {describe(INPUT_RATES)} only.")


def check_output(output: m.AudioOutput | None, speak: m.Speak | list[m.Speak] | UnsetType) -> None:
    """Raise `RefusedError` for an output format that one of the voices cannot speak, or that cannot be made here.

    No voice at all means a Flux one. Two verdicts are not the vendor's: `wav` is fine there for other vendors' voices
    too, and so is what is compressed; the description says which it is.
    """
    if output is None:
        return
    entries = _entries(speak)
    is_flux = any(isinstance(entry.provider, m.DeepgramSpeak) and entry.provider.version == "v2" for entry in entries)
    encoding = "linear16" if output.encoding is UNSET else output.encoding
    if is_flux or not entries:
        _check_flux_output(output, encoding)
    if encoding in COMPRESSED:
        if encoding != "opus" and output.container == "none":
            return  # passes at the vendor and fails when something is to be said; here too
        raise RefusedError(INVALID, f"audio.output.encoding: fine at the vendor, but {encoding} cannot be made here.")
    if output.container not in (UNSET, "none", "wav"):
        raise RefusedError(INVALID, "audio.output.container: none or wav for uncompressed audio.")
    if output.bitrate is not UNSET:
        raise RefusedError(INVALID, "audio.output.bitrate: not applicable to uncompressed audio.")
    rates = FLUX_RATES if is_flux or not entries else AURA_RATES
    if output.sample_rate is not UNSET and not is_spoken(rates, encoding, output.sample_rate):
        raise RefusedError(INVALID, f"audio.output: these voices speak {describe(rates)} only.")


def _check_flux_output(output: m.AudioOutput, encoding: str) -> None:
    if encoding in COMPRESSED:
        raise RefusedError(INVALID, "audio.output.encoding: Flux voices speak uncompressed audio only.")
    if output.container not in (UNSET, "none"):
        raise RefusedError(INVALID, "audio.output.container: must be none for Flux voices.")
    if output.bitrate is not UNSET:
        raise RefusedError(INVALID, "audio.output.bitrate: not applicable to Flux voices.")


def check_first_audio(audio: bytes) -> None:
    """Raise `RefusedError` for bytes that are evidently a file, where raw audio was declared."""
    if audio.startswith(_FILES):
        raise RefusedError("USER_AUDIO_FORMAT", "The caller audio is not in the declared format: it is a file's.")


def why_it_cannot_think(entry: m.Think, project: Project) -> str:
    """Return why this entry fails when it is asked; "" where it answers."""
    provider = entry.provider
    name, model = str(provider.__struct_config__.tag), getattr(provider, "model", UNSET)
    if project.any_model or entry.endpoint is not UNSET or not isinstance(model, str) or is_managed(name, model):
        return ""
    return "404: the provider has no such model."


def check_think(
    think: m.Think | list[m.Think] | UnsetType, project: Project, at: str, *, opted_out: bool, live: bool
) -> None:
    """Raise `RefusedError` for the first think entry that the project or the vendor's tables do not allow.

    ``at`` is where the entries stand in the message.
    """
    if think is not UNSET and not _entries(think):
        raise RefusedError(INVALID, f"{at}: the list is empty.")
    for place, entry in _placed(think, at):
        provider = entry.provider
        name = str(provider.__struct_config__.tag)
        if name not in project.think_providers or (name == "deepgram" and not project.deepgram_think):
            raise _unparsable(f"{place}.provider.type")
        top = 1.0 if isinstance(provider, m.AnthropicThink) else 2.0
        if provider.temperature is not UNSET and not 0 <= provider.temperature <= top:
            raise RefusedError(INVALID, f"{place}.provider.temperature: must be within 0 and {top:g}.")
        if isinstance(provider, m.BedrockThink) and provider.credentials is not UNSET:
            _check_session_token(provider.credentials, place)
        if entry.endpoint is UNSET:
            _check_managed(entry, place)
        if opted_out and isinstance(provider, m.DeepgramThink) and provider.model == "think-fast":
            raise RefusedError(INVALID, f"{place}.provider.model: think-fast cannot be used with mip_opt_out.")
        _check_functions(entry, place, live)


def _check_managed(entry: m.Think, place: str) -> None:
    if isinstance(entry.provider, m.GroqThink | m.BedrockThink):
        raise RefusedError(INVALID, f"{place}.endpoint: required for this provider.")
    if isinstance(entry.provider, m.GoogleThink) and entry.provider.model is UNSET:
        raise _unparsable(f"{place}.provider.model")
    if entry.context_length is not UNSET:
        raise RefusedError(INVALID, f"{place}.context_length: only with an endpoint of your own.")


def _check_session_token(credentials: m.Credentials | m.PollyCredentials, place: str) -> None:
    if credentials.type == "sts" and credentials.session_token is UNSET:
        raise RefusedError(INVALID, f"{place}.provider.credentials.session_token: required for sts.")


def _check_functions(entry: m.Think, place: str, live: bool) -> None:
    for index, function in enumerate(() if entry.functions is UNSET else entry.functions):
        at = f"{place}.functions[{index}]"
        fillers = (function.initial_agent_filler, function.agent_filler_max_count, function.agent_filler_interval_ms)
        if not live and any(value is not UNSET for value in fillers):
            raise RefusedError(INVALID, f"{at}: filler fields need think_live.")
        count, interval = function.agent_filler_max_count, function.agent_filler_interval_ms
        if count is not UNSET and count > 0 and interval is not UNSET and not 1000 <= interval <= 60000:
            raise RefusedError(INVALID, f"{at}.agent_filler_interval_ms: must be within 1000 and 60000.")


def check_speak(speak: m.Speak | list[m.Speak] | UnsetType, project: Project, at: str) -> None:
    """Raise `RefusedError` for the first voice that does not exist or does not fit its version."""
    if speak is not UNSET and not _entries(speak):
        raise RefusedError(INVALID, f"{at}: the list is empty.")
    for place, entry in _placed(speak, at):
        provider = entry.provider
        if isinstance(provider, m.DeepgramSpeak):
            _check_deepgram_voice(provider, project, place)
            continue
        if isinstance(provider, m.CartesiaSpeak) and provider.volume is not UNSET and not 0.5 <= provider.volume <= 2:
            raise RefusedError(INVALID, f"{place}.provider.volume: must be within 0.5 and 2.")
        if isinstance(provider, m.PollySpeak):
            if provider.language is UNSET and provider.language_code is UNSET:  # the latter is its old name
                raise _unparsable(f"{place}.provider.language")
            _check_session_token(provider.credentials, place)
        if entry.endpoint is not UNSET:
            _check_voice_endpoint(entry.endpoint.url, provider, f"{place}.endpoint.url")
        elif not isinstance(provider, m.CartesiaSpeak):
            raise RefusedError(INVALID, f"{place}.endpoint: required for this provider.")


def _check_voice_endpoint(url: str, provider: m.SpeakProvider, at: str) -> None:
    try:
        parts = urlsplit(url)
    except ValueError:
        raise RefusedError(INVALID, f"{at}: is no URL.") from None
    if isinstance(provider, m.ElevenLabsSpeak):
        if {"output_format", "model_id"} & set(parse_qs(parts.query, keep_blank_values=True)):
            raise RefusedError(INVALID, f"{at}: without output_format and model_id.")
        schemes = {"wss", "https"}
    else:
        schemes = {"https"}
    if parts.scheme not in schemes and parts.hostname not in _LOCAL:
        raise RefusedError(INVALID, f"{at}: must be {' or '.join(sorted(schemes))}.")


def _check_deepgram_voice(provider: m.DeepgramSpeak, project: Project, place: str) -> None:
    is_flux = provider.version == "v2"
    is_known = provider.model.startswith("flux-" if is_flux else "aura-") if project.any_voice else False
    if not is_known and not is_voice(provider.model, flux=is_flux):
        raise RefusedError(INVALID, f"{place}.provider.model: no such voice in this version.")
    if provider.expressivity is not UNSET and not (is_flux and -2 <= provider.expressivity <= 2):
        raise RefusedError(INVALID, f"{place}.provider.expressivity: Flux voices only, -2 to 2.")


def why_it_cannot_speak(provider: m.SpeakProvider, output: m.AudioOutput | None) -> str:
    """Return why this voice fails when it is asked; "" where it speaks.

    Two things pass the Settings: a ``speed`` that the voice does not have, and `mp3` with ``container: "none"``.
    """
    if output is not None and output.encoding in COMPRESSED and output.container == "none":
        return "400 UNSUPPORTED_AUDIO_FORMAT."
    speed = provider.speed if isinstance(provider, m.DeepgramSpeak) else UNSET
    if speed is UNSET or not isinstance(provider, m.DeepgramSpeak):
        return ""
    is_flux = provider.version == "v2"
    if not (0.5 if is_flux else 0.7) <= speed <= 1.5:
        return "400: speed is out of range."
    return "400: speed goes in steps of 0.05." if is_flux and abs(speed * 20 - round(speed * 20)) > 1e-6 else ""


def check_listen(provider: m.ListenProvider, at: str) -> None:
    """Raise `RefusedError` for fields of the other version, values out of range, or a model the recogniser lacks."""
    is_v2 = provider.version == "v2"
    foreign = (
        ("language", "smart_format")
        if is_v2
        else ("language_hints", "eot_threshold", "eager_eot_threshold", "eot_timeout_ms")
    )
    for name in foreign:
        if getattr(provider, name) is not UNSET:
            raise _unparsable(f"{at}.{name}")
    if is_v2 and provider.model is UNSET:
        raise _unparsable(f"{at}.model")
    ranges = (("eot_threshold", 0.5, 1.0), ("eager_eot_threshold", 0.3, 0.9), ("eot_timeout_ms", 500, 60000))
    for name, low, high in ranges:
        value = getattr(provider, name)
        if value is not UNSET and not low <= value <= high:
            raise RefusedError(INVALID, f"{at}.{name}: must be within {low} and {high}.")
    if provider.language_hints is not UNSET and provider.model != "flux-general-multi":
        raise RefusedError(INVALID, f"{at}.language_hints: only with flux-general-multi.")
    if provider.model is not UNSET and not is_recogniser(provider.model, flux=is_v2):
        raise RefusedError(CANNOT_LISTEN, f"{at}.model: no such model in this version.")
    if provider.keyterms is not UNSET and not is_v2 and not (provider.model or "nova-3").startswith("nova-3"):
        raise RefusedError(CANNOT_LISTEN, f"{at}.keyterms: nova-3 and Flux only.")
    words = sum(len(term.split()) for term in provider.keyterms) if provider.keyterms is not UNSET else 0
    if words > KEYTERM_WORDS:
        raise RefusedError(CANNOT_LISTEN, f"{at}.keyterms: too many.")


def check_listen_change(change: m.ListenProvider, merged: Mapping[str, object]) -> None:
    """Raise `RefusedError` for what `UpdateListen` cannot change: a Nova session's keyterms."""
    if change.keyterms is not UNSET and merged.get("version", "v1") == "v1":
        raise RefusedError(INVALID, "listen.provider.keyterms: fixed for the session, except with Flux.")


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


def _placed(one_or_many: _T | list[_T] | UnsetType, at: str) -> list[tuple[str, _T]]:
    """Return each entry with where it stands."""
    if isinstance(one_or_many, list):
        return [(f"{at}[{index}]", entry) for index, entry in enumerate(one_or_many)]
    return [] if isinstance(one_or_many, UnsetType) else [(at, one_or_many)]


def mismatch(path: str) -> str:
    """Return the description of an unparsable message; an empty path means the message as a whole."""
    return f"The client message does not match the contract{f' at `{path}`' if path else ''}."


def _unparsable(path: str) -> RefusedError:
    return RefusedError(UNPARSABLE, mismatch(path))
