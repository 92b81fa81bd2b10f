"""What a client may send, as strict types, and the parser for it. Says nothing about order or about values.

Shapes follow the Voice Agent reference ("Settings", "Client messages"). Unknown types, unknown or missing fields,
wrong types and ``null`` are all refused, each with the dotted path of the offence. Enumerations that the vendor
leaves open (model names, voices) are plain strings here; `rules` judges values.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

import msgspec
from msgspec import UNSET, Struct, UnsetType

Names = list[str]
Level = Literal["none", "minimal", "low", "medium", "high"]


class UnparsableError(Exception):
    """A client message that is not in the contract. ``path`` is the dotted place; never a value."""

    def __init__(self, path: str) -> None:
        super().__init__(path)
        self.path = path


class Strict(Struct, forbid_unknown_fields=True, kw_only=True):
    """Base of every shape: exactly these fields."""


class Endpoint(Strict):
    url: str
    headers: dict[str, str] | UnsetType = UNSET


class FunctionEndpoint(Strict):
    url: str
    method: str | UnsetType = UNSET
    headers: dict[str, str] | UnsetType = UNSET


class Function(Strict):
    name: str
    description: str | UnsetType = UNSET
    parameters: dict[str, Any] | UnsetType = UNSET
    endpoint: FunctionEndpoint | UnsetType = UNSET
    defer_until_eot: bool | UnsetType = UNSET
    initial_agent_filler: bool | UnsetType = UNSET
    agent_filler_max_count: int | UnsetType = UNSET
    agent_filler_interval_ms: int | UnsetType = UNSET


class Credentials(Strict):
    type: Literal["iam", "sts"] | UnsetType = UNSET
    region: str | UnsetType = UNSET
    access_key_id: str | UnsetType = UNSET
    secret_access_key: str | UnsetType = UNSET
    session_token: str | UnsetType = UNSET


class PollyCredentials(Strict):
    type: Literal["iam", "sts"]
    region: str
    access_key_id: str
    secret_access_key: str
    session_token: str | UnsetType = UNSET


class OpenAiThink(Strict, tag_field="type", tag="open_ai"):
    model: str
    version: Literal["v1"] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    reasoning_mode: Level | UnsetType = UNSET


class AnthropicThink(Strict, tag_field="type", tag="anthropic"):
    model: str
    version: Literal["v1"] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET


class GoogleThink(Strict, tag_field="type", tag="google"):
    model: str | UnsetType = UNSET  # in the URL when there is an endpoint of one's own
    version: Literal["v1beta", "ai-studio-v1beta", "gemini-enterprise-agent-v1"] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET


class GroqThink(Strict, tag_field="type", tag="groq"):
    model: str
    version: Literal["v1"] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    reasoning_mode: Level | UnsetType = UNSET


class BedrockThink(Strict, tag_field="type", tag="aws_bedrock"):
    model: str
    temperature: float | UnsetType = UNSET
    credentials: Credentials | UnsetType = UNSET


class NvidiaThink(Strict, tag_field="type", tag="nvidia"):
    model: str
    temperature: float | UnsetType = UNSET


class DeepgramThink(Strict, tag_field="type", tag="deepgram"):
    model: str
    version: Literal["v1"] | UnsetType = UNSET
    temperature: float | UnsetType = UNSET
    reasoning_mode: Level | UnsetType = UNSET
    voice_prompt_opt_out: bool | UnsetType = UNSET


ThinkProvider = OpenAiThink | AnthropicThink | GoogleThink | GroqThink | BedrockThink | NvidiaThink | DeepgramThink


class Think(Strict):
    provider: ThinkProvider
    endpoint: Endpoint | UnsetType = UNSET
    prompt: str | UnsetType = UNSET
    functions: list[Function] | UnsetType = UNSET
    context_length: Literal["max"] | float | UnsetType = UNSET


class LiveProvider(Strict):
    type: Literal["deepgram"]
    version: Literal["v1"]
    agent_backchannel_sensitivity: float | UnsetType = UNSET
    presence_check_max_count: int | UnsetType = UNSET
    presence_check_interval_ms: int | UnsetType = UNSET
    frustration_max_count: int | UnsetType = UNSET
    restricted_terms: Names | UnsetType = UNSET


class ThinkLive(Strict):
    provider: LiveProvider


class ListenProvider(Strict):
    """Both versions in one shape: they differ by ``version``, which is optional; `rules` separates them."""

    type: Literal["deepgram"]
    version: Literal["v1", "v2"] | UnsetType = UNSET
    model: str | UnsetType = UNSET
    language: str | UnsetType = UNSET
    smart_format: bool | UnsetType = UNSET
    keyterms: Names | UnsetType = UNSET
    language_hints: Names | UnsetType = UNSET
    eot_threshold: float | UnsetType = UNSET
    eager_eot_threshold: float | UnsetType = UNSET
    eot_timeout_ms: int | UnsetType = UNSET


class Listen(Strict):
    provider: ListenProvider | UnsetType = UNSET


class DeepgramSpeak(Strict, tag_field="type", tag="deepgram"):
    model: str
    version: Literal["v1", "v2"] | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    expressivity: int | UnsetType = UNSET


class ElevenLabsSpeak(Strict, tag_field="type", tag="eleven_labs"):
    model_id: str
    version: Literal["v1"] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    language_code: str | UnsetType = UNSET


class CartesiaVoice(Strict):
    mode: str
    id: str


class CartesiaSpeak(Strict, tag_field="type", tag="cartesia"):
    model_id: str
    voice: CartesiaVoice
    version: Literal["2025-03-17"] | UnsetType = UNSET
    language: str | UnsetType = UNSET
    volume: float | UnsetType = UNSET
    speed: float | str | UnsetType = UNSET


class OpenAiSpeak(Strict, tag_field="type", tag="open_ai"):
    model: str
    voice: str
    version: Literal["v1"] | UnsetType = UNSET


class PollySpeak(Strict, tag_field="type", tag="aws_polly"):
    voice: str
    engine: str
    credentials: PollyCredentials
    language: str | UnsetType = UNSET
    language_code: str | UnsetType = UNSET


SpeakProvider = DeepgramSpeak | ElevenLabsSpeak | CartesiaSpeak | OpenAiSpeak | PollySpeak


class Speak(Strict):
    provider: SpeakProvider
    endpoint: Endpoint | UnsetType = UNSET


class PastCall(Strict):
    id: str
    name: str
    client_side: bool
    arguments: str
    response: str
    thought_signature: str | UnsetType = UNSET


class Past(Strict):
    """One remembered entry: a turn (``role`` and ``content``) or calls; `rules` refuses a mixture."""

    type: Literal["History"]
    role: Literal["user", "assistant"] | UnsetType = UNSET
    content: str | UnsetType = UNSET
    function_calls: list[PastCall] | UnsetType = UNSET


class Context(Strict):
    messages: list[Past] | UnsetType = UNSET


class Agent(Strict):
    language: str | UnsetType = UNSET
    context: Context | UnsetType = UNSET
    listen: Listen | UnsetType = UNSET
    think: Think | list[Think] | UnsetType = UNSET
    think_live: ThinkLive | UnsetType = UNSET
    speak: Speak | list[Speak] | UnsetType = UNSET
    greeting: str | UnsetType = UNSET


class AudioInput(Strict):
    encoding: Literal[
        "linear16", "linear32", "flac", "alaw", "mulaw", "amr-nb", "amr-wb", "opus", "ogg-opus", "speex", "g729"
    ]
    sample_rate: int


class AudioOutput(Strict):
    encoding: Literal["linear16", "mulaw", "alaw", "mp3", "opus", "flac", "aac"] | UnsetType = UNSET
    sample_rate: int | UnsetType = UNSET
    bitrate: int | UnsetType = UNSET
    container: Literal["none", "wav", "ogg"] | UnsetType = UNSET


class Audio(Strict):
    input: AudioInput | UnsetType = UNSET
    output: AudioOutput | UnsetType = UNSET


class Flags(Strict):
    history: bool | UnsetType = UNSET


class Settings(Strict, tag_field="type", tag="Settings"):
    audio: Audio
    agent: Agent | str
    tags: Names | UnsetType = UNSET
    experimental: bool | UnsetType = UNSET
    mip_opt_out: bool | UnsetType = UNSET
    flags: Flags | UnsetType = UNSET


class UpdatePrompt(Strict, tag_field="type", tag="UpdatePrompt"):
    prompt: str


class UpdateThink(Strict, tag_field="type", tag="UpdateThink"):
    think: Think | list[Think]


class UpdateThinkLive(Strict, tag_field="type", tag="UpdateThink_Live"):
    think_live: ThinkLive


class UpdateSpeak(Strict, tag_field="type", tag="UpdateSpeak"):
    speak: Speak | list[Speak]


class ListenChange(Strict):
    provider: ListenProvider


class UpdateListen(Strict, tag_field="type", tag="UpdateListen"):
    listen: ListenChange


class InjectUserMessage(Strict, tag_field="type", tag="InjectUserMessage"):
    content: str


class InjectAgentMessage(Strict, tag_field="type", tag="InjectAgentMessage"):
    message: str | UnsetType = UNSET
    behavior: Literal["default", "queue", "interrupt"] = "default"
    is_dynamic: bool | UnsetType = UNSET


class FunctionCallResponse(Strict, tag_field="type", tag="FunctionCallResponse"):
    name: str
    content: str
    id: str | UnsetType = UNSET
    thought_signature: str | UnsetType = UNSET


class ForceEndTurn(Strict, tag_field="type", tag="ForceEndTurn"):
    pass


class KeepAlive(Strict, tag_field="type", tag="KeepAlive"):
    pass


class CustomToThink(Strict, tag_field="type", tag="__customToThinkProvider"):
    content: Any


ClientMessage = (
    Settings
    | UpdatePrompt
    | UpdateThink
    | UpdateThinkLive
    | UpdateSpeak
    | UpdateListen
    | InjectUserMessage
    | InjectAgentMessage
    | FunctionCallResponse
    | ForceEndTurn
    | KeepAlive
    | CustomToThink
)

_decoder: Final = msgspec.json.Decoder(ClientMessage)
_agent_decoder: Final = msgspec.json.Decoder(Agent)
_PLACE: Final = re.compile(r"`\$\.?([^`]*)`$")
_STEP: Final = re.compile(r"([^.\[\]]+)|\[(\d+)\]")
_FIELD: Final = re.compile(r"(?:unknown|required) field `([^`]+)`")


def parse(text: bytes) -> ClientMessage:
    """Decode one text frame. Raises `UnparsableError` with the dotted path (empty: the message as a whole)."""
    try:
        message: ClientMessage = _decoder.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise UnparsableError(_located(text, _path(str(error)))) from None
    return message


def parse_agent(text: bytes) -> Agent:
    """Decode an ``agent`` block that was stored under an agent id. Raises `UnparsableError`."""
    try:
        return _agent_decoder.decode(text)
    except msgspec.MsgspecError as error:
        raise UnparsableError(_path(str(error))) from None


def _located(text: bytes, path: str) -> str:
    """Name the key where msgspec says only that it is in a map; the one kind of map here is one of strings."""
    head, is_map, tail = path.partition("[...]")
    if not is_map:
        return path
    try:
        place = msgspec.json.decode(text)
        for name, index in _STEP.findall(head):
            place = place[int(index)] if index else place[name]
        wrong = next(f".{key}" for key, value in place.items() if not isinstance(value, str))
    except (msgspec.DecodeError, AttributeError, LookupError, StopIteration, TypeError):
        return head  # wrong in more than one way: cut off, or with one name twice
    return f"{head}{wrong}{tail}"


def _path(complaint: str) -> str:
    place, field = _PLACE.search(complaint), _FIELD.search(complaint)
    return ".".join(part for part in (place and place.group(1), field and field.group(1)) if part)
